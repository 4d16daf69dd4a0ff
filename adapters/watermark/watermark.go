// Package watermark writes who looks at them over pictures and PDFs.
package watermark

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/sync/semaphore"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Options bound what one marking, and all at a time, may take.
type Options struct {
	MemoryBytes int64         // of all at a time; what needs more by itself is refused
	MaxBytes    int64         // of a file
	MaxPixels   int64         // of a picture
	Timeout     time.Duration // of one marking, once there is room for it
	TempDir     string        // where files lie meanwhile; empty: the system's
}

// Marker implements ports.Marker. It is safe for concurrent use.
type Marker struct {
	opts   Options
	font   *opentype.Font
	turns  *semaphore.Weighted // as many at a time as there are processors
	memory *semaphore.Weighted // bytes
}

// New returns a Marker.
func New(opts Options) (*Marker, error) {
	f, err := opentype.Parse(gobold.TTF)
	if err != nil {
		return nil, fmt.Errorf("the font of watermarks: %w", err)
	}
	const few = 2
	return &Marker{
		opts: opts, font: f,
		turns: semaphore.NewWeighted(int64(max(few, runtime.GOMAXPROCS(0)))), memory: semaphore.NewWeighted(opts.MemoryBytes),
	}, nil
}

// job is what is known of a file before it is decoded.
type job struct {
	contentType string // of the copy
	cost        int64  // bytes of memory that marking it takes at most
	mark        func(ctx context.Context, r io.ReadSeeker, w io.Writer) error
}

// Mark implements ports.Marker.
func (m *Marker) Mark(ctx context.Context, in ports.Unmarked) (out *ports.Marked, err error) {
	// Decoders of what strangers send have had bugs, and will.
	defer func() {
		if r := recover(); r != nil {
			out, err = nil, fmt.Errorf("%w: the decoder panicked: %v", core.CannotWatermark(core.UnmarkableDamaged), r)
		}
	}()
	if in.SizeBytes > m.opts.MaxBytes {
		return nil, core.CannotWatermark(core.UnmarkableTooLarge)
	}
	if m.turns.Acquire(ctx, 1) != nil {
		return nil, core.ErrWatermarkBusy
	}
	defer m.turns.Release(1)
	file, err := m.fetch(ctx, in)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	j, err := m.plan(ctx, file, in)
	if err != nil {
		return nil, err
	}
	if j.cost > m.opts.MemoryBytes {
		return nil, core.CannotWatermark(core.UnmarkableTooLarge)
	}
	if m.memory.Acquire(ctx, j.cost) != nil {
		return nil, core.ErrWatermarkBusy
	}
	defer m.memory.Release(j.cost)
	return m.run(ctx, j, file)
}

// fetch brings the file to where it can be read twice.
func (m *Marker) fetch(ctx context.Context, in ports.Unmarked) (_ *spool, err error) {
	r, err := in.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	file, err := newSpool(m.opts.TempDir)
	if err != nil {
		return nil, err
	}
	n, err := io.Copy(file, io.LimitReader(&timely{ctx: ctx, r: r}, m.opts.MaxBytes+1))
	if err == nil && n > m.opts.MaxBytes {
		err = core.CannotWatermark(core.UnmarkableTooLarge)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// plan finds out what a file is, by its bytes: what it is called does not count.
func (m *Marker) plan(ctx context.Context, file *spool, in ports.Unmarked) (job, error) {
	const most = 16
	head := make([]byte, most)
	n, err := file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return job{}, err
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return job{}, err
	}
	r := io.NewSectionReader(file, 0, size)
	switch head := string(head[:n]); {
	case hasPrefix(head, "\xff\xd8\xff"):
		return m.planJPEG(r, in.Text)
	case hasPrefix(head, "\x89PNG\r\n\x1a\n"):
		return m.planPNG(r, in.Text)
	case hasPrefix(head, "GIF87a"), hasPrefix(head, "GIF89a"):
		return m.planGIF(r, in.Text)
	case hasPrefix(head, "RIFF") && n >= 12 && head[8:12] == "WEBP":
		return m.planWebP(r, in.Text)
	case hasPrefix(head, "%PDF-"):
		return m.planPDF(ctx, r, in.Text)
	}
	return job{}, core.CannotWatermark(core.UnmarkableType)
}

func hasPrefix(s, prefix string) bool { return len(s) >= len(prefix) && s[:len(prefix)] == prefix }

// run marks a file within its time.
func (m *Marker) run(ctx context.Context, j job, file *spool) (*ports.Marked, error) {
	in, cancel := context.WithTimeout(ctx, m.opts.Timeout)
	defer cancel()
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	out, err := newSpool(m.opts.TempDir)
	if err != nil {
		return nil, err
	}
	const buffer = 64 << 10
	w := bufio.NewWriterSize(out, buffer)
	err = j.mark(in, &timely{ctx: in, r: file, s: file}, &timelyWriter{in, w})
	if err == nil {
		err = w.Flush()
	}
	var size int64
	if err == nil {
		size, err = out.Seek(0, io.SeekCurrent)
	}
	if err == nil {
		_, err = out.Seek(0, io.SeekStart)
	}
	if err == nil {
		return &ports.Marked{ReadCloser: out, ContentType: j.contentType, SizeBytes: size}, nil
	}
	err = errors.Join(err, out.Close())
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%w: %w", core.ErrWatermarkBusy, err)
	case in.Err() != nil: // it has had all the time it gets
		return nil, fmt.Errorf("%w: %w", core.CannotWatermark(core.UnmarkableTooLarge), err)
	}
	return nil, err
}

// damaged says that a file cannot be read, unless that is for lack of time or
// because it was refused for something else.
func damaged(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, core.ErrCannotWatermark):
		return err
	}
	return fmt.Errorf("%w: %w", core.CannotWatermark(core.UnmarkableDamaged), err)
}
