package cli

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/seed-755a8038/coffer/client"
)

// What happens to a file of a transfer.
const (
	acted   = "transferred"
	kept    = "unchanged" // it is there already, the same
	skipped = "skipped"   // it is nothing that can be transferred
	removed = "deleted"
	failed  = "failed"
)

// event is what has happened to a file or folder: with --json, a line each.
type event struct {
	Action string `json:"action"`
	Path   string `json:"path"` // where it came from
	To     string `json:"to,omitempty"`
	Bytes  int64  `json:"bytes,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// summary is how a transfer has ended: with --json, the last line.
type summary struct {
	Transferred int   `json:"transferred"`
	Unchanged   int   `json:"unchanged"`
	Skipped     int   `json:"skipped"`
	Deleted     int   `json:"deleted"`
	Failed      int   `json:"failed"`
	Bytes       int64 `json:"bytes"`
	DryRun      bool  `json:"dry_run,omitempty"`
}

type transferFlags struct {
	files   int // at once
	parts   int // of one file at once
	quiet   bool
	verbose bool
	dryRun  bool
}

const (
	filesAtOnce = 8
	partsAtOnce = 4
	mostAtOnce  = 64
)

func (f *transferFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.IntVar(&f.files, "parallel", filesAtOnce, "how many `FILES` travel at once")
	flags.IntVar(&f.parts, "parts", partsAtOnce, "how many `PARTS` of a large file travel at once")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "show no progress")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "print each file")
	flags.BoolVar(&f.dryRun, "dry-run", false, "say what would be done, and do nothing")
}

func (f *transferFlags) check() error {
	for _, n := range []int{f.files, f.parts} {
		if n < 1 || n > mostAtOnce {
			return mistake(fmt.Sprintf("%d at once is not from 1 to %d", n, mostAtOnce), "see --help")
		}
	}
	return nil
}

// transfer is many files on their way, some of them at once.
type transfer struct {
	*app
	transferFlags

	verb     string // uploaded, downloaded
	progress *progress
	group    *errgroup.Group

	mu    sync.Mutex
	sum   summary
	first error // of the files that failed
}

// begin begins a transfer. Its context ends when going on is of no use.
func (a *app) begin(ctx context.Context, verb, doing string, f transferFlags) (*transfer, context.Context, error) {
	if err := f.check(); err != nil {
		return nil, nil, err
	}
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(f.files)
	return &transfer{
		app: a, transferFlags: f, verb: verb, group: group, sum: summary{DryRun: f.dryRun},
		progress: a.newProgress(doing, f.quiet || f.dryRun || a.json),
	}, within, nil
}

// hopeless reports whether other files would fail of the same.
func (t *transfer) hopeless(err error) bool {
	if _, away := errors.AsType[*client.UnreachableError](err); away || errors.Is(err, context.Canceled) {
		return true
	}
	e, ok := errors.AsType[*Error](t.explain(err))
	return ok && (e.Code == ExitSignIn || e.Code == ExitInterrupted)
}

// fail notes that a file could not be transferred. It returns what ends the whole
// transfer.
func (t *transfer) fail(path string, err error) error {
	if t.hopeless(err) {
		return err
	}
	why := t.explain(err)
	t.mu.Lock()
	if t.first == nil {
		t.first = why
	}
	t.mu.Unlock()
	if !t.json {
		t.progress.line("coffer: %s: %s", plain(path), plain(why.Error()))
	}
	return t.note(event{Action: failed, Path: path, Reason: why.Error()})
}

// note counts and prints what has happened to a file.
func (t *transfer) note(e event) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e.Action {
	case acted:
		t.sum.Transferred++
		t.sum.Bytes += e.Bytes
	case kept:
		t.sum.Unchanged++
	case skipped:
		t.sum.Skipped++
	case removed:
		t.sum.Deleted++
	case failed:
		t.sum.Failed++
	}
	switch {
	case t.json:
		return t.line(e)
	case e.Action == skipped:
		t.progress.line("coffer: %s: %s", plain(e.Path), e.Reason)
	case (t.verbose || t.dryRun) && (e.Action == acted || e.Action == removed):
		what := e.Action
		if what == acted {
			what = t.verb
		}
		t.progress.line("%s %s", what, plain(e.Path))
	}
	return nil
}

// finish waits for the files under way and says how it went.
func (t *transfer) finish(err error) error {
	err = errors.Join(t.group.Wait(), err)
	t.progress.end()
	if err != nil {
		return firstOf(err)
	}
	if t.json {
		err = t.line(map[string]any{"summary": t.sum})
	} else {
		err = t.say("%s", t.sum.text(t.verb))
	}
	if err == nil && t.first != nil {
		code := ExitError
		if e, ok := errors.AsType[*Error](t.first); ok {
			code = e.Code
		}
		n := t.sum.Failed
		err = &Error{Code: code, What: fmt.Sprintf("%d of %d files failed", n, n+t.sum.Transferred+t.sum.Unchanged), Next: "give the same command again for what is missing"}
	}
	return err
}

// firstOf returns the first of errors that were joined.
func firstOf(err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	for _, e := range joined.Unwrap() {
		return e
	}
	return err
}

func (s summary) text(verb string) string {
	text := fmt.Sprintf("%d files %s (%s)", s.Transferred, verb, size(s.Bytes))
	if s.DryRun {
		text = fmt.Sprintf("%d files would be %s (%s)", s.Transferred, verb, size(s.Bytes))
	}
	if s.Unchanged > 0 {
		text += fmt.Sprintf(", %d already there", s.Unchanged)
	}
	if s.Deleted > 0 {
		text += fmt.Sprintf(", %d deleted", s.Deleted)
	}
	if s.Skipped > 0 {
		text += fmt.Sprintf(", %d left out", s.Skipped)
	}
	return text
}
