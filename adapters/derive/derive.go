// Package derive makes pictures of files and reads their texts. Whatever looks
// into a file does so in a process of its own, with little memory and time: what
// a file does to that harms nothing else.
package derive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Options bound what one file, and how many files at a time, may take.
type Options struct {
	// Command starts this program such that it calls Main with one argument more.
	Command []string

	Workers       int           // files at a time
	MaxBytes      int64         // of a file that is no video
	MaxVideoBytes int64         // of a video; all of a file lies on the disk meanwhile
	MaxPixels     int64         // of a picture
	MemoryBytes   int64         // of each process
	Timeout       time.Duration // of each process
	TempDir       string        // where files lie meanwhile; empty: the system's
	Path          string        // where programs are looked for; empty: as the system does
}

const tempName = "coffer-derive-*"

// Deriver implements ports.Deriver and ports.Diagnosable. It is safe for
// concurrent use.
type Deriver struct {
	opts  Options
	turns *semaphore.Weighted
}

// New returns a Deriver.
func New(opts Options) *Deriver {
	return &Deriver{opts: opts, turns: semaphore.NewWeighted(int64(max(1, opts.Workers)))}
}

// Derive implements ports.Deriver.
func (d *Deriver) Derive(ctx context.Context, in ports.Underived) (out *ports.Derivation, err error) {
	if in.SizeBytes > d.most(in.Kind) {
		return nil, core.CannotDerive(core.UnderivableTooLarge)
	}
	for _, tool := range toolsOf[in.Kind] {
		if _, err := d.look(tool); err != nil {
			return nil, fmt.Errorf("%w: %w", core.CannotDerive(core.UnderivableTool), err)
		}
	}
	if err := d.turns.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer d.turns.Release(1)
	dir, err := os.MkdirTemp(d.opts.TempDir, tempName)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	w := &work{Deriver: d, dir: dir, file: filepath.Join(dir, "original")}
	if err := w.fetch(ctx, in); err != nil {
		return nil, err
	}
	switch in.Kind {
	case core.DerivableVideo:
		return w.video(ctx)
	case core.DerivablePDF:
		return w.pdf(ctx)
	case core.DerivableImage:
		return w.picture(ctx, w.file, false)
	case core.DerivableCues, core.DerivableText, core.DerivableJSON:
		return w.text(ctx, w.file, in.Kind)
	}
	return nil, core.CannotDerive(core.UnderivableType)
}

func (d *Deriver) most(kind core.DerivableKind) int64 {
	if kind == core.DerivableVideo {
		return d.opts.MaxVideoBytes
	}
	return d.opts.MaxBytes
}

// work is what is done to one file.
type work struct {
	*Deriver

	dir, file string
}

// fetch brings the file to where it can be read by all programs.
func (w *work) fetch(ctx context.Context, in ports.Underived) (err error) {
	r, err := in.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	const private = 0o600
	f, err := os.OpenFile(w.file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, private)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	most := w.most(in.Kind)
	n, err := io.Copy(f, io.LimitReader(r, most+1))
	if err == nil && n > most {
		err = core.CannotDerive(core.UnderivableTooLarge)
	}
	return err
}

// picture makes pictures of a file that is one, of a video also its poster.
func (w *work) picture(ctx context.Context, file string, poster bool) (*ports.Derivation, error) {
	a, err := w.ask(ctx, request{Picture: file, Poster: poster, MaxPixels: w.opts.MaxPixels})
	if err != nil {
		return nil, err
	}
	return &ports.Derivation{Thumbnail: a.Thumbnail, Poster: a.Poster, Width: a.Width, Height: a.Height, Placeholder: a.Placeholder}, nil
}

func (w *work) text(ctx context.Context, file string, kind core.DerivableKind) (*ports.Derivation, error) {
	a, err := w.ask(ctx, request{Text: file, Kind: kind})
	if err != nil {
		return nil, err
	}
	return &ports.Derivation{Words: a.Words}, nil
}

// Sweep removes what processes that died have left since before t.
func (d *Deriver) Sweep(t time.Time) error {
	dir := d.opts.TempDir
	if dir == "" {
		dir = os.TempDir()
	}
	left, err := filepath.Glob(filepath.Join(dir, tempName))
	if err != nil {
		return err
	}
	for _, path := range left {
		if info, statErr := os.Stat(path); statErr == nil && info.ModTime().Before(t) {
			err = errors.Join(err, os.RemoveAll(path))
		}
	}
	return err
}

// look returns where a program of the system is.
func (d *Deriver) look(tool string) (string, error) {
	if d.opts.Path != "" {
		return exec.LookPath(filepath.Join(d.opts.Path, tool))
	}
	return exec.LookPath(tool)
}
