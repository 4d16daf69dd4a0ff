package httpapi

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
)

// sink is a ResponseWriter that costs nothing itself.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkDownload is what the server itself adds to the statement and the
// signature of a download.
func BenchmarkDownload(b *testing.B) {
	f := newFixture(b, func(s *Services, o *Options) {
		o.RatePerMinute = 1 << 60
		s.Log = slog.New(slog.DiscardHandler)
	})
	r := httptest.NewRequest(http.MethodGet, downloadURL, nil)
	r.Header.Set("Authorization", "Bearer "+goodToken)
	w := &sink{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		f.ServeHTTP(w, r)
	}
	if w.status != http.StatusOK {
		b.Fatal(w.status)
	}
}

// BenchmarkList shows a page of 100 assets.
func BenchmarkList(b *testing.B) {
	f := newFixture(b, func(s *Services, _ *Options) { s.Log = slog.New(slog.DiscardHandler) })
	r := httptest.NewRequest(http.MethodGet, "/api/orgs/00000000-0000-0000-0000-000000000003/assets?limit=100", nil)
	r.Header.Set("Authorization", "Bearer "+goodToken)
	w := &sink{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		f.ServeHTTP(w, r)
	}
	if w.status != http.StatusOK {
		b.Fatal(w.status)
	}
}
