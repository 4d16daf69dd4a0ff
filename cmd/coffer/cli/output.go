package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// list is how --json prints several values.
type list[T any] struct {
	Items []T `json:"items"`
}

// show prints a value: as JSON if that was asked for, else as people read it.
func (a *app) show(value any, text func(w io.Writer)) error {
	if a.json {
		return a.line(value)
	}
	w := tabwriter.NewWriter(a.cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	text(w)
	return w.Flush()
}

// line prints a value as one line of JSON.
func (a *app) line(value any) error {
	e := json.NewEncoder(a.cmd.OutOrStdout())
	e.SetEscapeHTML(false)
	return e.Encode(value)
}

// say prints a line for people: what has been done.
func (a *app) say(format string, args ...any) error {
	if a.json {
		return nil
	}
	_, err := fmt.Fprintf(a.cmd.OutOrStdout(), format+"\n", args...)
	return err
}

// tell prints a line beside the output.
func (a *app) tell(format string, args ...any) {
	_, _ = fmt.Fprintf(a.cmd.ErrOrStderr(), format+"\n", args...) // nobody is left to tell
}

// row prints cells.
func row(w io.Writer, cells ...any) {
	texts := make([]string, len(cells))
	for i, c := range cells {
		texts[i] = plain(fmt.Sprint(c))
	}
	_, _ = fmt.Fprintln(w, strings.Join(texts, "\t")) // a tabwriter tells when it is flushed
}

// plain takes out what would do something to a terminal: names are other people's.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return '\uFFFD'
		}
		return r
	}, s)
}

const (
	kB = 1_000
	mB = 1_000_000
)

// size writes bytes for people: in MB, as licences count.
func size(n int64) string {
	switch {
	case n < kB:
		return fmt.Sprintf("%d B", n)
	case n < mB:
		return fmt.Sprintf("%.1f kB", float64(n)/kB)
	case n < 100*mB:
		return fmt.Sprintf("%.1f MB", float64(n)/mB)
	}
	return fmt.Sprintf("%d MB", n/mB)
}

func when(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }

func whenever(t *time.Time, never string) string {
	if t == nil {
		return never
	}
	return when(*t)
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
