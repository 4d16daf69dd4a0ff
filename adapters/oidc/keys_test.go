package oidc_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"github.com/seed-755a8038/coffer/adapters/oidc"
	"github.com/seed-755a8038/coffer/core"
)

func TestKeysAreAskedForAgainButNotOften(t *testing.T) {
	f, c := openForger(t), &clock{}
	tokens := newTokens(t, f.config(), c)
	unknown := func() string {
		return sign(t, jwt.SigningMethodRS256, rsaKeys()[1], map[string]any{"kid": "2"}, f.claims())
	}
	verify := func(raw string) error {
		_, err := tokens.Verify(t.Context(), raw, c.Now())
		return err
	}
	if err := verify(good(t, f.claims())); err != nil {
		t.Fatal(err)
	}
	c.add(9 * time.Second)
	if err := verify(unknown()); !errors.Is(err, core.ErrUnauthenticated) || f.asked.Load() != 1 {
		t.Errorf("after 9 s: %v, asked %d times", err, f.asked.Load())
	}
	c.add(time.Second)
	for range 5 {
		if err := verify(unknown()); !errors.Is(err, core.ErrUnauthenticated) || f.asked.Load() != 2 {
			t.Errorf("after 10 s: %v, asked %d times", err, f.asked.Load())
		}
	}
	c.add(10 * time.Second)
	forged := sign(t, jwt.SigningMethodRS256, rsaKeys()[1], map[string]any{"kid": "1"}, f.claims())
	if err := verify(forged); !errors.Is(err, core.ErrUnauthenticated) || f.asked.Load() != 2 { // the key is known
		t.Errorf("forged: %v, asked %d times", err, f.asked.Load())
	}
	f.publish(jose.JSONWebKey{Key: rsaKeys()[1].Public(), KeyID: "2", Use: "sig"})
	if err := verify(unknown()); err != nil || f.asked.Load() != 3 {
		t.Errorf("published: %v, asked %d times", err, f.asked.Load())
	}
	withdrawn := f.claims()
	withdrawn["sub"] = "another" // not one that is remembered
	if err := verify(good(t, withdrawn)); !errors.Is(err, core.ErrUnauthenticated) {
		t.Errorf("withdrawn: %v", err)
	}
}

func TestAWithdrawnKeyStopsCounting(t *testing.T) {
	f, c := openForger(t), &clock{}
	tokens := newTokens(t, f.config(), c)
	raw := good(t, f.claims())
	if _, err := tokens.Verify(t.Context(), raw, c.Now()); err != nil {
		t.Fatal(err)
	}
	f.publish(jose.JSONWebKey{Key: rsaKeys()[1].Public(), KeyID: "2"})
	c.add(20 * time.Minute) // the age of keys, and of what is remembered of a token
	if _, err := tokens.Verify(t.Context(), raw, c.Now()); !errors.Is(err, core.ErrUnauthenticated) {
		t.Errorf("Verify = %v", err)
	}
}

func TestWhileTheKeyServerIsDown(t *testing.T) {
	f, c := openForger(t), &clock{}
	tokens := newTokens(t, f.config(), c)
	verify := func(sub, kid string) error {
		claims := f.claims()
		claims["sub"], claims["exp"] = sub, c.Now().Add(48*time.Hour).Unix()
		_, err := tokens.Verify(t.Context(), sign(t, jwt.SigningMethodRS256, rsaKeys()[0], map[string]any{"kid": kid}, claims), c.Now())
		return err
	}
	f.down.Store(true)
	if err := verify("a", "1"); !errors.Is(err, core.ErrUnavailable) {
		t.Errorf("from the start: %v", err)
	}
	f.down.Store(false)
	c.add(time.Minute)
	if err := verify("b", "1"); err != nil {
		t.Fatal(err)
	}
	f.down.Store(true)
	c.add(time.Hour)
	if err := verify("c", "1"); err != nil {
		t.Errorf("a known key: %v", err)
	}
	if err := verify("d", "new"); !errors.Is(err, core.ErrUnavailable) {
		t.Errorf("a key that may be new: %v", err)
	}
	c.add(24 * time.Hour)
	if err := verify("e", "1"); !errors.Is(err, core.ErrUnavailable) {
		t.Errorf("a key of yesterday: %v", err)
	}
}

func TestTheKeysMayBeNamed(t *testing.T) {
	f := openForger(t)
	f.metadata = map[string]any{"jwks_uri": nil} // no help from discovery
	cfg := f.config()
	if _, err := newTokens(t, cfg, &clock{}).Verify(t.Context(), good(t, f.claims()), time.Now()); !errors.Is(err, core.ErrUnavailable) {
		t.Errorf("without: %v", err)
	}
	cfg.External[0].JWKSURL = f.URL + "/keys"
	if _, err := newTokens(t, cfg, &clock{}).Verify(t.Context(), good(t, f.claims()), time.Now()); err != nil {
		t.Errorf("with: %v", err)
	}
	cfg.External[0].JWKSURL = f.URL + "/elsewhere"
	if _, err := newTokens(t, cfg, &clock{}).Verify(t.Context(), good(t, f.claims()), time.Now()); !errors.Is(err, core.ErrUnavailable) {
		t.Errorf("a redirect: %v", err)
	}
}

func TestWhatIsDiscoveredMustBeAsSafeAsTheIssuer(t *testing.T) {
	for name, m := range map[string]map[string]any{
		"keys over http":       {"jwks_uri": "http://keys.example/"},
		"keys in a file":       {"jwks_uri": "file:///etc/passwd"},
		"an issuer who is not": {"issuer": "https://evil.example"},
	} {
		f := openForger(t)
		f.metadata = m
		if _, err := newTokens(t, f.config(), &clock{}).Verify(t.Context(), good(t, f.claims()), time.Now()); !errors.Is(err, core.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	f := openForger(t)
	f.metadata = map[string]any{"token_endpoint": "http://evil.example/token"}
	if _, _, err := newProviders(t, f.config(), &clock{}).Begin(t.Context(), "work", callback); !errors.Is(err, core.ErrUnavailable) {
		t.Errorf("Begin = %v", err)
	}
}

func TestTheDialerMayBeGuarded(t *testing.T) {
	f := openForger(t)
	cfg := f.config()
	var asked []string
	cfg.Control = func(_, address string, _ syscall.RawConn) error {
		asked = append(asked, address)
		return errors.New("not this one")
	}
	_, err := newTokens(t, cfg, &clock{}).Verify(t.Context(), good(t, f.claims()), time.Now())
	if !errors.Is(err, core.ErrUnavailable) || !slices.Equal(asked, []string{strings.TrimPrefix(f.URL, "http://")}) {
		t.Errorf("Verify = %v, asked about %q", err, asked)
	}
}

func TestAnIssuerIsBoundedInTimeAndSize(t *testing.T) {
	release := make(chan struct{})
	for name, handler := range map[string]http.HandlerFunc{
		"slow": func(_ http.ResponseWriter, r *http.Request) { <-release },
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(strings.Repeat(" ", 2<<20)))
			answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: rsaKeys()[0].Public(), KeyID: "1"}}})
		},
	} {
		s := httptest.NewServer(handler)
		cfg := oidc.Config{Timeout: 200 * time.Millisecond, External: []oidc.ExternalIssuer{{Issuer: s.URL, Audience: "coffer", JWKSURL: s.URL}}}
		start := time.Now()
		raw := good(t, jwt.MapClaims{"iss": s.URL, "aud": "coffer", "sub": "ann", "exp": time.Now().Add(time.Hour).Unix()})
		_, err := newTokens(t, cfg, &clock{}).Verify(t.Context(), raw, time.Now())
		if !errors.Is(err, core.ErrUnavailable) || time.Since(start) > 5*time.Second {
			t.Errorf("%s: %v after %v", name, err, time.Since(start))
		}
		if name == "slow" {
			close(release)
		}
		s.Close()
	}
}

func TestWhoeverWaitsMayLeave(t *testing.T) {
	f := openForger(t)
	hold := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-hold
		f.serveKeys(w, r)
	}))
	defer slow.Close()
	cfg := f.config()
	cfg.External[0].JWKSURL = slow.URL
	tokens, raw := newTokens(t, cfg, &clock{}), good(t, f.claims())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := tokens.Verify(ctx, raw, time.Now()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("who left: %v", err)
	}
	var wg sync.WaitGroup
	for range 8 { // who stayed shares the one request that the other began
		wg.Go(func() {
			if _, err := tokens.Verify(t.Context(), raw, time.Now()); err != nil {
				t.Error(err)
			}
		})
	}
	close(hold)
	wg.Wait()
	if f.asked.Load() != 1 {
		t.Errorf("the keys were asked for %d times", f.asked.Load())
	}
}
