package cli

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

const (
	redraw  = 100 * time.Millisecond
	lineGap = 5 * time.Second // between two lines where there is no terminal
)

// progress shows how far a transfer of many files is: as a bar on a terminal,
// elsewhere as a line now and then.
type progress struct {
	mu    sync.Mutex
	out   io.Writer
	bar   *progressbar.ProgressBar // nil: no terminal
	what  string
	show  func(n int64) string
	done  int64 // bytes, as a rule
	total int64 // of what has been found so far
	last  time.Time
	quiet bool
}

// newProgress begins to show on the error stream, so that the output stays clean.
func (a *app) newProgress(what string, quiet bool) *progress {
	return a.showing(what, quiet, size, progressbar.OptionShowBytes(true))
}

// newCount is newProgress of other things than bytes.
func (a *app) newCount(what, things string, quiet bool) *progress {
	show := func(n int64) string { return fmt.Sprintf("%d %s", n, things) }
	return a.showing(what, quiet, show, progressbar.OptionSetItsString(things), progressbar.OptionShowCount())
}

func (a *app) showing(what string, quiet bool, show func(n int64) string, as ...progressbar.Option) *progress {
	p := &progress{out: a.cmd.ErrOrStderr(), what: what, show: show, last: time.Now(), quiet: quiet}
	file, ok := p.out.(*os.File)
	if quiet || !ok || !term.IsTerminal(int(file.Fd())) {
		return p
	}
	p.bar = progressbar.NewOptions64(1, append(as, progressbar.OptionSetWriter(p.out), progressbar.OptionSetDescription(what),
		progressbar.OptionThrottle(redraw), progressbar.OptionFullWidth(),
		progressbar.OptionClearOnFinish(), progressbar.OptionUseANSICodes(false))...)
	return p
}

// expect adds bytes to what there is to do.
func (p *progress) expect(bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total += bytes
	if p.bar != nil {
		p.bar.ChangeMax64(max(p.total, 1))
	}
}

// add counts bytes that have arrived; fewer than none, if they have to be sent again.
func (p *progress) add(bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += bytes
	switch now := time.Now(); {
	case p.bar != nil:
		_ = p.bar.Set64(min(p.done, max(p.total, 1))) // a bar that is not drawn harms nothing
	case !p.quiet && now.Sub(p.last) >= lineGap:
		p.last = now
		_, _ = fmt.Fprintf(p.out, "%s: %s of %s\n", p.what, p.show(p.done), p.show(p.total))
	}
}

// of returns how a single file of it tells its progress.
func (p *progress) of() func(arrived, total int64) {
	before := int64(0)
	return func(arrived, _ int64) {
		p.add(arrived - before)
		before = arrived
	}
}

// line prints a line above the bar.
func (p *progress) line(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	_, _ = fmt.Fprintf(p.out, format+"\n", args...)
}

// end takes the bar away.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Exit()
		_ = p.bar.Clear()
	}
}
