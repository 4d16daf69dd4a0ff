package bundle

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"time"
)

// writer writes entries and sums them up.
type writer struct {
	out     *counter
	tar     *tar.Writer
	sum     hash.Hash
	entries int64
	at      time.Time
}

// counter knows how far a file is written.
type counter struct {
	io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.Writer.Write(b)
	c.n += int64(n)
	return n, err
}

func newWriter(w io.Writer, at time.Time) *writer {
	out := &counter{Writer: w}
	return &writer{out: out, tar: tar.NewWriter(out), sum: sha256.New(), at: at.Truncate(time.Second)}
}

// add writes an entry of exactly size bytes and returns their SHA-256.
func (w *writer) add(name string, size int64, r io.Reader) ([]byte, error) {
	const private = 0o600
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: private, ModTime: w.at, Format: tar.FormatPAX}
	if err := w.tar.WriteHeader(h); err != nil {
		return nil, err
	}
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w.tar, sum), r); err != nil {
		return nil, err
	}
	if err := w.tar.Flush(); err != nil { // tells of too few bytes
		return nil, err
	}
	got := sum.Sum(nil)
	w.entries++
	addToSum(w.sum, name, size, got)
	return got, nil
}

// addToSum takes an entry into the sum of all.
func addToSum(h hash.Hash, name string, size int64, sum []byte) {
	_, _ = fmt.Fprintf(h, "%q %d %x\n", name, size, sum) // a hash takes everything
}

func (w *writer) addJSON(name string, v any) error {
	doc, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.add(name, int64(len(doc)), bytes.NewReader(doc))
	return err
}

// close writes the sum of all and the end.
func (w *writer) close() error {
	if err := w.addJSON(endName, endLine{Entries: w.entries, SHA256: w.sum.Sum(nil)}); err != nil {
		return err
	}
	return w.tar.Close()
}

// lines writes JSON, one value a line, in numbered entries below dir.
type lines struct {
	w   *writer
	dir string
	n   int
	buf bytes.Buffer
}

func (l *lines) add(v any) error {
	doc, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(doc) > maxLine {
		return fmt.Errorf("a line of %s has %d bytes, more than a bundle takes", l.dir, len(doc))
	}
	l.buf.Write(doc)
	l.buf.WriteByte('\n')
	if l.buf.Len() < chunkBytes {
		return nil
	}
	return l.flush()
}

func (l *lines) flush() error {
	if l.buf.Len() == 0 {
		return nil
	}
	l.n++
	_, err := l.w.add(chunkName(l.dir, l.n), int64(l.buf.Len()), &l.buf)
	l.buf.Reset()
	return err
}

func chunkName(dir string, n int) string { return fmt.Sprintf("%s%06d.ndjson", dir, n) }
