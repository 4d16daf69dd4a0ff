package httpapi

import (
	"io"
	"log/slog"
	"net/http"
	"time"
)

// blobRoute is the route of signed URLs in logs and metrics.
const blobRoute = blobPath + "{key}"

// serveBlob lets the blob handler answer, and tells the log and the metrics.
func (s *server) serveBlob(w http.ResponseWriter, r *http.Request) {
	start := s.Clock.Now()
	id := requestID(r.Header)
	w.Header()[requestIDHeader] = []string{id}
	counted := &countedWriter{ResponseWriter: w, status: http.StatusOK}
	defer s.blobServed(r, counted, id, start)
	s.Blobs.ServeHTTP(counted, r)
}

func (s *server) blobServed(r *http.Request, w *countedWriter, id string, start time.Time) {
	took := s.Clock.Now().Sub(start)
	if s.Observe != nil {
		s.Observe(r.Method, blobRoute, w.status, took)
	}
	s.Log.LogAttrs(r.Context(), slog.LevelInfo, "request",
		slog.String("request_id", id), slog.String("method", r.Method), slog.String("route", blobRoute),
		slog.String("url", s.loggable(r)), slog.Int("status", w.status), slog.Duration("took", took),
		slog.Int64("bytes", w.bytes), slog.String("address", s.address(r)))
}

// countedWriter sees what is answered without coming between a file and its
// socket: ReadFrom is net/http's own, which lets the kernel send.
type countedWriter struct {
	http.ResponseWriter

	status int
	bytes  int64
}

// Unwrap serves http.ResponseController.
func (w *countedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *countedWriter) WriteHeader(status int) {
	if status >= http.StatusOK { // 100 Continue is not the answer
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *countedWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// ReadFrom implements io.ReaderFrom.
func (w *countedWriter) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.Copy(w.ResponseWriter, r)
	w.bytes += n
	return n, err
}
