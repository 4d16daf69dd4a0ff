package smtpmail_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/smtpmail"
)

func TestSendingEndsWithItsContext(t *testing.T) {
	release := make(chan struct{})
	wait := func() error {
		<-release
		return errors.New("too late")
	}
	for name, at := range map[string]func(*sink){
		"while the server ponders the recipient": func(s *sink) { s.onRcpt = wait },
		"while the server ponders the content":   func(s *sink) { s.onData = wait },
	} {
		s := open(t, at)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		start := time.Now()
		err := newMailer(t, s.plain()).Send(ctx, hello)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 5*time.Second {
			t.Errorf("%s: %v after %v", name, err, time.Since(start))
		}
	}
	close(release)
}

func TestAServerThatNeverSpeaksCostsTheTimeoutOnly(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts, by the kernel, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, mode := range []smtpmail.TLSMode{smtpmail.NoTLS, smtpmail.ImplicitTLS} {
		m := newMailer(t, smtpmail.Config{
			Host: "127.0.0.1", Port: portOf(t, l), From: "a@example.com", TLS: mode, Timeout: 100 * time.Millisecond,
		})
		start := time.Now()
		err = m.Send(t.Context(), hello)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 5*time.Second {
			t.Errorf("%s: %v after %v", mode, err, time.Since(start))
		}
	}
}

func TestACancelledContextSendsNothing(t *testing.T) {
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := newMailer(t, s.plain()).Send(ctx, hello); !errors.Is(err, context.Canceled) || len(s.all()) != 0 {
		t.Errorf("Send = %v", err)
	}
}

// A server that takes the message and then never answers QUIT has taken it:
// an error would bring it twice.
func TestWhatIsTakenIsSent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var wg sync.WaitGroup
	wg.Go(func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		for _, answer := range []string{"220 hi", "250 hi", "250 ok", "250 ok", "354 go on", "250 taken"} {
			_, _ = io.WriteString(conn, answer+"\r\n")
			if strings.HasPrefix(answer, "250 taken") {
				break
			}
			buf := make([]byte, 1<<16)
			for n := 0; answer == "354 go on" && !strings.HasSuffix(string(buf[:n]), "\r\n.\r\n"); {
				more, err := conn.Read(buf[n:])
				if n += more; err != nil {
					return
				}
			}
			if answer != "354 go on" {
				_, _ = conn.Read(buf)
			}
		}
		_, _ = io.Copy(io.Discard, conn) // QUIT, unanswered
	})
	m := newMailer(t, smtpmail.Config{Host: "127.0.0.1", Port: portOf(t, l), From: "a@example.com", TLS: smtpmail.NoTLS})
	start := time.Now()
	if err := m.Send(t.Context(), hello); err != nil || time.Since(start) > 10*time.Second {
		t.Errorf("Send = %v after %v", err, time.Since(start))
	}
	wg.Wait()
}

func TestManyMessagesAtOnce(t *testing.T) {
	s := open(t, withTLS(t))
	m := newMailer(t, s.config())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := m.Send(t.Context(), hello); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(s.all()); n != 8 {
		t.Errorf("%d messages came", n)
	}
}
