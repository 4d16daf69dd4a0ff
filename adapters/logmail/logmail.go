// Package logmail shows mail to the developer instead of sending it.
package logmail

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"sync"

	"github.com/seed-755a8038/coffer/ports"
)

// links are what a developer wants to click.
var links = regexp.MustCompile(`https?://[^\s<>"]+`)

// Mailer implements ports.Mailer for development only: its links let whoever
// sees the console in. It is safe for concurrent use.
type Mailer struct {
	log *slog.Logger
	mu  sync.Mutex
	out io.Writer
}

// New returns a mailer that logs each message to log, without its text, and
// writes the links of the text to out, the developer's console. They go past the
// log because it removes tokens from every line, as it must, and because it may
// be kept somewhere.
func New(log *slog.Logger, out io.Writer) *Mailer { return &Mailer{log: log, out: out} }

// Send implements ports.Mailer. The links are written in one piece: a header
// line and a line for each link.
func (m *Mailer) Send(ctx context.Context, message ports.Mail) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.log.InfoContext(ctx, "mail is shown, not sent", "to", message.To, "subject", message.Subject)
	var b strings.Builder
	fmt.Fprintf(&b, "mail to %s: %s\n", printable(message.To), printable(message.Subject))
	for _, a := range message.Attachments {
		fmt.Fprintf(&b, "  %s (%d bytes)\n", printable(a.Name), len(a.Content))
	}
	for _, link := range links.FindAllString(message.Text, -1) {
		fmt.Fprintf(&b, "  %s\n", printable(strings.TrimRight(link, ".,;:!?)")))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := io.WriteString(m.out, b.String()); err != nil {
		return fmt.Errorf("show mail: %w", err)
	}
	return nil
}

// printable returns s without what would control a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}
