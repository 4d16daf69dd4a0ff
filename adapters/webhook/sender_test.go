package webhook_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/seed-755a8038/coffer/adapters/webhook"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

var dial = new(net.Dialer).DialContext

func messageTo(url string, keys ...[]byte) ports.WebhookMessage {
	return ports.WebhookMessage{URL: url, ID: "0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e33", At: time.Now(), Body: []byte(`{"type":"a.b","data":{"é":"<>"}}`), Keys: keys}
}

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // before that, the server does not see the client go
		r.Body = io.NopCloser(bytes.NewReader(body))
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestAMessageIsSignedAsStandardWebhooksHasIt(t *testing.T) {
	one, two, three := [core.WebhookSecretBytes]byte{1}, [core.WebhookSecretBytes]byte{2}, [core.WebhookSecretBytes]byte{3}
	m := messageTo("", one[:], two[:])
	m.URL = serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		for _, c := range []struct {
			key  [core.WebhookSecretBytes]byte
			good bool
		}{{one, true}, {two, true}, {three, false}} {
			hook, err := standardwebhooks.NewWebhook(core.FormatWebhookSecret(c.key))
			if err != nil {
				t.Error(err)
			}
			if err := hook.Verify(body, r.Header); (err == nil) != c.good {
				t.Errorf("key %d: %v", c.key[0], err)
			}
			if err := hook.Verify(append(body, ' '), r.Header); err == nil {
				t.Errorf("key %d verifies another body", c.key[0])
			}
		}
		if !bytes.Equal(body, m.Body) || r.Header.Get("Webhook-Id") != m.ID || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("User-Agent") != "test/1" {
			t.Errorf("%s %v", body, r.Header)
		}
		w.Header().Set("X-A", "b")
		w.Header().Set("Set-Cookie", "secret=1")
		_, _ = io.WriteString(w, "thanks")
	})
	a := webhook.New(dial, "test/1").Send(t.Context(), m)
	if !a.OK() || a.Body != "thanks" || a.Header["X-A"] != "b" || a.Header["Set-Cookie"] != "" || a.Error != "" || a.Took <= 0 {
		t.Errorf("%+v", a)
	}
}

func TestARedirectIsAnAnswer(t *testing.T) {
	var followed atomic.Int64
	target := serve(t, func(http.ResponseWriter, *http.Request) { followed.Add(1) })
	for _, status := range []int{301, 302, 303, 307, 308} {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target, status) })
		a := webhook.New(dial, "test").Send(t.Context(), messageTo(url))
		if a.Status != status || a.OK() || a.Header["Location"] != target {
			t.Errorf("%d: %+v", status, a)
		}
	}
	if followed.Load() != 0 {
		t.Errorf("%d redirects were followed", followed.Load())
	}
}

func TestOnlyTheBeginningOfAnAnswerIsKept(t *testing.T) {
	for status, most := range map[int]struct{ body, headers int }{
		200: {core.MaxGoodBody, core.MaxGoodHeader},
		500: {core.MaxAnswerBody, core.MaxAnswerHeader},
	} {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			for i := range 100 {
				w.Header().Set(fmt.Sprintf("X-%03d", i), strings.Repeat("é", 150))
			}
			w.WriteHeader(status)
			for {
				_, err := io.WriteString(w, "\x00\xffé"+strings.Repeat("é", 1000))
				if err != nil || r.Context().Err() != nil {
					return
				}
			}
		})
		a := webhook.New(dial, "test").Send(t.Context(), messageTo(url))
		if a.Status != status || len(a.Body) > most.body || len(a.Body) < most.body/2 || !strings.HasPrefix(a.Body, "\ufffd\ufffdé") || !utf8.ValidString(a.Body) {
			t.Errorf("%d, %d bytes", a.Status, len(a.Body))
		}
		if len(a.Header) != most.headers {
			t.Errorf("%d: %d headers", a.Status, len(a.Header))
		}
		for name, value := range a.Header {
			if len(value) > core.MaxAnswerValue || !utf8.ValidString(value) {
				t.Errorf("%s has %d bytes", name, len(value))
			}
		}
	}
}

// A connection that was kept, and that the other side closes as the next message
// comes, is no failure.
func TestAConnectionThatIsJustClosingIsNoFailure(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	var connections atomic.Int64
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			r := bufio.NewReader(conn)
			if req, err := http.ReadRequest(r); err == nil {
				_, _ = io.Copy(io.Discard, req.Body)
				if req.Header.Get("Idempotency-Key") != "" {
					t.Errorf("%v", req.Header)
				}
				_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
				_, _ = r.Peek(1) // the next
			}
			_ = conn.Close()
		}
	}()
	s := webhook.New(dial, "test")
	for range 3 {
		if a := s.Send(t.Context(), messageTo("http://"+l.Addr().String())); a.Status != 204 {
			t.Errorf("%+v", a)
		}
	}
	if n := connections.Load(); n != 3 {
		t.Errorf("%d connections", n)
	}
}

func TestReasonsForNoAnswer(t *testing.T) {
	dead := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	})
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	headers := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Long", strings.Repeat("x", 100<<10)) })
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + l.Addr().String()
	_ = l.Close()
	refuses := func(context.Context, string, string) (net.Conn, error) {
		return nil, fmt.Errorf("%w: it is 10.1.2.3", core.ErrAddressRefused)
	}
	for _, c := range []struct {
		dial      webhook.Dial
		url, want string
	}{
		{dial, closed, "the connection was refused"},
		{dial, dead, "the connection was closed before the answer"},
		{dial, secure.URL, "the certificate is not good"},
		{dial, headers, "the answer could not be read"},
		{dial, "http://nobody.invalid/", "the name nobody.invalid cannot be resolved"},
		{refuses, "http://example.com/", core.ErrAddressRefused.Error()},
	} {
		a := webhook.New(c.dial, "test").Send(t.Context(), messageTo(c.url))
		if a.Status != 0 || !strings.HasPrefix(a.Error, c.want) || strings.Contains(a.Error, "10.1.2.3") {
			t.Errorf("%s: %+v", c.url, a)
		}
	}
}

func TestWhoeverSaysNothingIsNotWaitedForForLong(t *testing.T) {
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond) // the sender's own is longer
	defer cancel()
	a := webhook.New(dial, "test").Send(ctx, messageTo(url))
	if a.Status != 0 || !strings.HasPrefix(a.Error, "there was no answer within") || a.Took > 5*time.Second {
		t.Errorf("%+v", a)
	}
	// An answer that begins, and does not end, is one.
	url = serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if a := webhook.New(dial, "test").Send(ctx, messageTo(url)); !a.OK() || a.Body != "half" {
		t.Errorf("%+v", a)
	}
}

func TestAProxyOfTheEnvironmentIsIgnored(t *testing.T) {
	var proxied atomic.Int64
	proxy := serve(t, func(http.ResponseWriter, *http.Request) { proxied.Add(1) })
	t.Setenv("HTTP_PROXY", proxy)
	t.Setenv("HTTPS_PROXY", proxy)
	t.Setenv("ALL_PROXY", proxy)
	direct := errors.New("direct")
	a := webhook.New(func(_ context.Context, _, address string) (net.Conn, error) {
		if address != "hooks.example:80" {
			t.Errorf("connects to %s", address)
		}
		return nil, direct
	}, "test").Send(t.Context(), messageTo("http://hooks.example/"))
	if a.OK() || proxied.Load() != 0 {
		t.Errorf("%+v, %d requests to the proxy", a, proxied.Load())
	}
}
