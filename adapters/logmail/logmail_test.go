package logmail_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/seed-755a8038/coffer/adapters/logmail"
	"github.com/seed-755a8038/coffer/ports"
)

var _ ports.Mailer = (*logmail.Mailer)(nil)

const link = "https://coffer.example/invitation?token=s3cr3t&org=a%20b#top"

func open() (m *logmail.Mailer, log, console *bytes.Buffer) {
	log, console = &bytes.Buffer{}, &bytes.Buffer{}
	return logmail.New(slog.New(slog.NewJSONHandler(log, nil)), console), log, console
}

func TestTheConsoleShowsTheLinkAndTheLogDoesNot(t *testing.T) {
	m, log, console := open()
	err := m.Send(t.Context(), ports.Mail{To: "ann@example.com", Subject: "Join us", Text: "Hi Ann,\n\nfollow " + link + ".\nOr read (http://127.0.0.1:8080/docs).\nBye\n"})
	if err != nil {
		t.Fatal(err)
	}
	if want := "mail to ann@example.com: Join us\n  " + link + "\n  http://127.0.0.1:8080/docs\n"; console.String() != want {
		t.Errorf("console shows %q, want %q", console, want)
	}
	for _, want := range []string{`"to":"ann@example.com"`, `"subject":"Join us"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%s is not in %s", want, log)
		}
	}
	if strings.Contains(log.String(), "s3cr3t") {
		t.Errorf("the token is in %s", log)
	}
}

func TestMailCannotControlTheTerminal(t *testing.T) {
	m, _, console := open()
	_ = m.Send(t.Context(), ports.Mail{To: "a@b\r\nc", Subject: "\x1b[2J\u009b2J\xff", Text: "https://a.example/\x1b]0;x\x07y"})
	if want := "mail to a@bc: [2J2J\n  https://a.example/]0;xy\n"; console.String() != want {
		t.Errorf("console shows %q, want %q", console, want)
	}
}

func TestACancelledContextShowsNothing(t *testing.T) {
	m, log, console := open()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Send(ctx, ports.Mail{To: "ann@example.com"}); !errors.Is(err, context.Canceled) || log.Len()+console.Len() != 0 {
		t.Errorf("Send = %v, log %s, console %s", err, log, console)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("closed") }

func TestABrokenConsoleIsAnError(t *testing.T) {
	if err := logmail.New(slog.New(slog.DiscardHandler), broken{}).Send(t.Context(), ports.Mail{To: "ann@example.com"}); err == nil {
		t.Error("it is shown nowhere, and that is fine")
	}
}

func TestMessagesDoNotMix(t *testing.T) {
	m, _, console := open()
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() { _ = m.Send(t.Context(), ports.Mail{To: "ann@example.com", Subject: "Hi", Text: link}) })
	}
	wg.Wait()
	if want := strings.Repeat("mail to ann@example.com: Hi\n  "+link+"\n", 16); console.String() != want {
		t.Errorf("console shows %q", console)
	}
}

func TestFilesAreNamedNotShown(t *testing.T) {
	m, _, console := open()
	file := ports.Attachment{Name: "report\x1b.pdf", Content: []byte("%PDF")}
	_ = m.Send(t.Context(), ports.Mail{To: "ann@example.com", Subject: "Hi", Attachments: []ports.Attachment{file}})
	if want := "mail to ann@example.com: Hi\n  report.pdf (4 bytes)\n"; console.String() != want {
		t.Errorf("console shows %q, want %q", console, want)
	}
}
