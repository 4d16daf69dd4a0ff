package stripe_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/stripe"
	"github.com/seed-755a8038/coffer/core"
)

// calls are what a server does to Stripe, with something that is there.
var calls = map[string]func(ctx context.Context, p *stripe.Payments) error{
	"Checkout": func(ctx context.Context, p *stripe.Payments) error {
		_, err := p.Checkout(ctx, checkout(purchase(core.Digital)))
		return err
	},
	"Look": func(ctx context.Context, p *stripe.Payments) error {
		_, err := p.Look(ctx, &core.Transaction{ProviderRef: "cs_test_1"})
		return err
	},
	"Look at a renewal": func(ctx context.Context, p *stripe.Payments) error {
		_, err := p.Look(ctx, &core.Transaction{ProviderRef: "in_1"})
		return err
	},
	"Abandon": func(ctx context.Context, p *stripe.Payments) error {
		return p.Abandon(ctx, &core.Transaction{ProviderRef: "cs_test_1"})
	},
	"Refund": func(ctx context.Context, p *stripe.Payments) error {
		tx := purchase(core.Digital)
		tx.PaymentRef = "pi_1"
		_, err := p.Refund(ctx, tx, 100, "once")
		return err
	},
	"EndSubscription": func(ctx context.Context, p *stripe.Payments) error { return p.EndSubscription(ctx, "sub_1") },
}

// each makes every call of a Stripe that answers so.
func each(t *testing.T, answer http.HandlerFunc, check func(t *testing.T, err error), changes ...func(*stripe.Config)) {
	t.Helper()
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // the library waits before it asks again
			f := openFake(t)
			f.instead = func(w http.ResponseWriter, r *http.Request) bool {
				answer(w, r)
				return true
			}
			err := call(t.Context(), f.payments(t, changes...))
			if err != nil && (strings.Contains(err.Error(), "S3cret") || strings.Contains(err.Error(), "sk_test")) {
				t.Errorf("the key is in %v", err)
			}
			check(t, err)
		})
	}
}

func TestWhatStripeRefusesIsSaidInItsWords(t *testing.T) {
	for name, c := range map[string]struct {
		status             int
		typ, code, message string
		want, provider     string
	}{
		"an invalid request": {400, "invalid_request_error", "amount_too_small", "The amount must be at least\n€0.50 eur", "the payment provider refuses this: The amount must be at least €0.50 eur", "amount_too_small"},
		"a card":             {402, "card_error", "card_declined", "Your card was declined.", "the payment provider refuses this: Your card was declined.", "card_declined"},
		"something missing":  {404, "invalid_request_error", "url_invalid", "No such thing", "the payment provider refuses this: No such thing", "url_invalid"},
		"no words":           {400, "invalid_request_error", "", "", core.ErrPaymentRefused.Message, ""},
		"words with secrets": {400, "invalid_request_error", "", "Not sk_test_51VeryS3cret, rk_live_****cret or pi_1_secret_S3cret", "the payment provider refuses this: Not [secret], [secret] or [secret]", ""},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(w http.ResponseWriter, _ *http.Request) { problem(w, c.status, c.typ, c.code, c.message) }, func(t *testing.T, err error) {
				e, ok := errors.AsType[*core.Error](err)
				if !ok || !errors.Is(err, core.ErrPaymentRefused) || e.Message != c.want {
					t.Fatalf("%v", err)
				}
				if code, _ := e.Details["provider_code"].(string); code != c.provider {
					t.Errorf("the code is %q", code)
				}
			})
		})
	}
}

func TestLongWordsAreCut(t *testing.T) {
	f := openFake(t)
	f.instead = func(w http.ResponseWriter, _ *http.Request) bool {
		problem(w, 400, "invalid_request_error", "", strings.Repeat("é", 1<<16))
		return true
	}
	_, err := f.payments(t).Checkout(t.Context(), checkout(purchase(core.Digital)))
	if err == nil || len(err.Error()) > 500 || strings.ContainsRune(err.Error(), '\uFFFD') {
		t.Errorf("%d bytes", len(err.Error()))
	}
}

func TestWhatAnotherTryMayMendIsUnavailable(t *testing.T) {
	stripeSays := func(status int, typ, code string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			problem(w, status, typ, code, "Invalid API Key provided: sk_test_****cret")
		}
	}
	text := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"a key that is not valid":          stripeSays(401, "invalid_request_error", ""),
		"a key without the right":          stripeSays(403, "invalid_request_error", ""),
		"the same request at once":         stripeSays(409, "invalid_request_error", "idempotency_key_in_use"),
		"too many requests":                stripeSays(429, "invalid_request_error", "rate_limit"),
		"too many requests, by their type": stripeSays(429, "rate_limit", ""),
		"broken":                           stripeSays(500, "api_error", ""),
		"down":                             stripeSays(503, "api_error", ""),
		"an error of the API in a 400":     stripeSays(400, "api_error", ""),
		"a page of a proxy":                text(502, "<html>sk_test_51VeryS3cret</html>"),
		"a page that looks fine":           text(200, "<html>sk_test_51VeryS3cret</html>"),
		"an error of somebody else":        text(400, `{"oops":"sk_test_51VeryS3cret"}`),
		"nothing":                          text(200, ""),
		"half an answer":                   text(200, `{"id":"cs_test_1","amou`),
		"a redirect to another server": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example/", http.StatusTemporaryRedirect)
		},
		"a connection that breaks": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("{"))
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, answer, func(t *testing.T, err error) {
				if !errors.Is(err, core.ErrUnavailable) || errors.Is(err, core.ErrPaymentRefused) {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

func TestAnswersThatSayNothingDoNotBeginAPayment(t *testing.T) {
	for _, body := range []string{"{}", "null", `{"id":null}`, `{"object":"checkout.session"}`, `"cs_test_1"`, `[]`, `{"id":{}}`} {
		f := openFake(t)
		f.instead = func(w http.ResponseWriter, _ *http.Request) bool {
			_, _ = w.Write([]byte(body))
			return true
		}
		s, err := f.payments(t).Checkout(t.Context(), checkout(purchase(core.Digital)))
		if s.Done || s.Failed || err == nil && s.Ref == "" || err != nil && !errors.Is(err, core.ErrUnavailable) {
			t.Errorf("%s: %+v, %v", body, s, err)
		}
		for _, name := range []string{"Abandon", "EndSubscription"} {
			if err := calls[name](t.Context(), f.payments(t)); !errors.Is(err, core.ErrUnavailable) && !strings.Contains(body, "cs_test_1") {
				t.Errorf("%s: %s = %v", body, name, err)
			}
		}
	}
}

func TestAStripeThatNeverAnswersCostsTheTimeoutOnly(t *testing.T) {
	hurry := func(c *stripe.Config) { c.Timeout = 50 * time.Millisecond }
	each(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, func(t *testing.T, err error) {
		if !errors.Is(err, core.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	}, hurry)
}

func TestAStripeThatIsNotThereIsUnavailable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	p, err := stripe.New(stripe.Config{SecretKey: testKey, APIURL: "http://" + l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := call(t.Context(), p); !errors.Is(err, core.ErrUnavailable) || strings.Contains(err.Error(), "S3cret") {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestARequestThatGotNoAnswerIsSentAgainOnceUnderTheSameKey(t *testing.T) {
	f := openFake(t)
	f.instead = func(http.ResponseWriter, *http.Request) bool {
		f.set(func() { f.instead = nil })
		panic(http.ErrAbortHandler)
	}
	s, err := f.payments(t).Checkout(t.Context(), checkout(purchase(core.Digital)))
	sent := f.sent("POST", "/v1/checkout/sessions")
	if err != nil || s.Ref == "" || len(sent) != 2 || sent[0].Header.Get("Idempotency-Key") != sent[1].Header.Get("Idempotency-Key") {
		t.Errorf("%+v, %v after %d requests", s, err, len(sent))
	}
}
