package watermark

import (
	"context"
	"errors"
	"io"
	"os"
)

// spool is a temporary file that is gone once it is closed, and on most systems
// with the process, however that ends.
type spool struct {
	*os.File

	gone bool
}

func newSpool(dir string) (*spool, error) {
	f, err := os.CreateTemp(dir, "coffer-watermark-*")
	if err != nil {
		return nil, err
	}
	return &spool{f, os.Remove(f.Name()) == nil}, nil // some systems remove no open file
}

// Close implements io.Closer.
func (s *spool) Close() error {
	err := s.File.Close()
	if !s.gone {
		err = errors.Join(err, os.Remove(s.Name()))
	}
	return err
}

// timely reads until its context ends, which ends a decoder that knows nothing
// of contexts.
type timely struct {
	ctx context.Context //nolint:containedctx // of one marking
	r   io.Reader
	s   io.Seeker
}

// Read implements io.Reader.
func (t *timely) Read(b []byte) (int, error) {
	if err := t.ctx.Err(); err != nil {
		return 0, err
	}
	return t.r.Read(b)
}

// Seek implements io.Seeker.
func (t *timely) Seek(offset int64, whence int) (int64, error) {
	if err := t.ctx.Err(); err != nil {
		return 0, err
	}
	return t.s.Seek(offset, whence)
}

// timelyWriter is timely for encoders.
type timelyWriter struct {
	ctx context.Context //nolint:containedctx // of one marking
	w   io.Writer
}

// Write implements io.Writer.
func (t *timelyWriter) Write(b []byte) (int, error) {
	if err := t.ctx.Err(); err != nil {
		return 0, err
	}
	return t.w.Write(b)
}
