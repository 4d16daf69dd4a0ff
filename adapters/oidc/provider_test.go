package oidc_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-755a8038/coffer/adapters/oidc"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/env"
)

var (
	_ ports.SignInProviders = (*oidc.Providers)(nil)
	_ ports.ExternalTokens  = (*oidc.Tokens)(nil)
)

const (
	callback = "https://coffer.example/api/auth/oidc/work/callback"
	secret   = env.IDPSecret
)

// clock is a ports.Clock that runs from an offset.
type clock struct{ offset atomic.Int64 }

func (c *clock) Now() time.Time {
	return time.Now().Add(time.Duration(c.offset.Load())).UTC().Truncate(time.Microsecond)
}

func (c *clock) add(d time.Duration) { c.offset.Add(int64(d)) }

// idp is a real OpenID Connect provider.
type idp struct{ *env.IDP }

func openIDP(t testing.TB) *idp {
	t.Helper()
	return &idp{env.OpenIDP(t, callback)}
}

func (i *idp) config() oidc.Config {
	return oidc.Config{Providers: []oidc.Provider{
		{Name: "work", Label: "Work account", Issuer: i.URL, ClientID: "web", ClientSecret: secret},
		{Name: "public", Issuer: i.URL, ClientID: "native"},
	}}
}

func newProviders(t testing.TB, cfg oidc.Config, c ports.Clock) *oidc.Providers {
	t.Helper()
	p, err := oidc.NewProviders(cfg, c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func begin(t testing.TB, p *oidc.Providers, name string) (string, ports.SignInState) {
	t.Helper()
	start, state, err := p.Begin(t.Context(), name, callback)
	if err != nil {
		t.Fatal(err)
	}
	return start, state
}

func TestSigningInAtARealProvider(t *testing.T) {
	i := openIDP(t)
	p := newProviders(t, i.config(), &clock{})
	for _, name := range []string{"work", "public"} { // a client with a secret, and one without
		start, state := begin(t, p, name)
		back := i.SignIn(t, start, "test-user@127.0.0.1")
		if back.Get("state") != state.State {
			t.Errorf("%s: the state that came back is %q, want %q", name, back.Get("state"), state.State)
		}
		got, err := p.Finish(t.Context(), name, callback, back.Get("code"), state)
		want := ports.ExternalUser{Issuer: i.URL, Subject: "id1", Email: "test-user@zitadel.ch", EmailVerified: true, Name: "Test User"}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
	if n := i.Asked.Load(); n != 2 { // once for each of the two
		t.Errorf("the keys were asked for %d times", n)
	}
}

func TestTheBrowserIsSentWithEverythingThatTiesTheAnswerToIt(t *testing.T) {
	p := newProviders(t, openIDP(t).config(), &clock{})
	start, state := begin(t, p, "work")
	u, err := url.Parse(start)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for name, want := range map[string]string{
		"response_type": "code", "client_id": "web", "redirect_uri": callback, "scope": "openid email profile",
		"state": state.State, "nonce": state.Nonce, "code_challenge_method": "S256",
	} {
		if q.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, q.Get(name), want)
		}
	}
	if len(q.Get("code_challenge")) != 43 || strings.Contains(start, state.Verifier) || strings.Contains(start, secret) {
		t.Errorf("the address is %s", start)
	}
	_, again := begin(t, p, "work")
	if again.State == state.State || again.Nonce == state.Nonce || again.Verifier == state.Verifier || state.State == state.Nonce {
		t.Errorf("two sign-ins have %+v and %+v", state, again)
	}
	if state.Provider != "work" || time.Since(state.Begun) > time.Minute {
		t.Errorf("the state is %+v", state)
	}
}

func TestACodeIsGoodOnce(t *testing.T) {
	i := openIDP(t)
	p := newProviders(t, i.config(), &clock{})
	start, state := begin(t, p, "work")
	code := i.SignIn(t, start, "test-user2").Get("code")
	if _, err := p.Finish(t.Context(), "work", callback, code, state); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Finish(t.Context(), "work", callback, code, state); !errors.Is(err, core.ErrUnauthenticated) {
		t.Errorf("the second time: %v", err)
	}
}

func TestWhatIsNotOfThisSignInIsRefused(t *testing.T) {
	i := openIDP(t)
	c := &clock{}
	p := newProviders(t, i.config(), c)
	_, foreign := begin(t, p, "work")
	for name, change := range map[string]func(code *string, s *ports.SignInState){
		"another nonce":            func(_ *string, s *ports.SignInState) { s.Nonce = foreign.Nonce },
		"another verifier":         func(_ *string, s *ports.SignInState) { s.Verifier = foreign.Verifier },
		"another sign-in":          func(_ *string, s *ports.SignInState) { *s = foreign },
		"another provider":         func(_ *string, s *ports.SignInState) { s.Provider = "public" },
		"no nonce":                 func(_ *string, s *ports.SignInState) { s.Nonce = "" },
		"no verifier":              func(_ *string, s *ports.SignInState) { s.Verifier = "" },
		"no state":                 func(_ *string, s *ports.SignInState) { *s = ports.SignInState{} },
		"a code made up":           func(code *string, _ *ports.SignInState) { *code = "made-up" },
		"no code":                  func(code *string, _ *ports.SignInState) { *code = "" },
		"a code that never ends":   func(code *string, _ *ports.SignInState) { *code = strings.Repeat("x", 1<<20) },
		"begun an hour ago":        func(_ *string, s *ports.SignInState) { s.Begun = c.Now().Add(-time.Hour) },
		"begun tomorrow":           func(_ *string, s *ports.SignInState) { s.Begun = c.Now().Add(24 * time.Hour) },
		"a state of another place": func(_ *string, s *ports.SignInState) { s.Provider = "" },
	} {
		t.Run(name, func(t *testing.T) {
			start, state := begin(t, p, "work")
			code := i.SignIn(t, start, "test-user2").Get("code")
			change(&code, &state)
			if got, err := p.Finish(t.Context(), "work", callback, code, state); !errors.Is(err, core.ErrUnauthenticated) || got != (ports.ExternalUser{}) {
				t.Errorf("Finish = %+v, %v", got, err)
			}
		})
	}
	start, state := begin(t, p, "work")
	code := i.SignIn(t, start, "test-user2").Get("code")
	if _, err := p.Finish(t.Context(), "work", callback+"/elsewhere", code, state); !errors.Is(err, core.ErrUnauthenticated) {
		t.Errorf("another redirect: %v", err)
	}
}

func TestAnUnknownProviderIsNotFound(t *testing.T) {
	p := newProviders(t, openIDP(t).config(), &clock{})
	_, state := begin(t, p, "work")
	for _, name := range []string{"", "nobody", "WORK"} {
		if _, _, err := p.Begin(t.Context(), name, callback); !errors.Is(err, core.ErrNotFound) {
			t.Errorf("Begin(%q) = %v", name, err)
		}
		if _, err := p.Finish(t.Context(), name, callback, "code", state); !errors.Is(err, core.ErrNotFound) {
			t.Errorf("Finish(%q) = %v", name, err)
		}
	}
	want := []ports.SignInProvider{{Name: "work", Label: "Work account"}, {Name: "public", Label: "public"}}
	if got := p.Names(); !slices.Equal(got, want) {
		t.Errorf("Names = %v", got)
	}
}

func TestAProviderThatIsDownIsAskedAgainLater(t *testing.T) {
	i, c := openIDP(t), &clock{}
	i.Down.Store(true)
	p := newProviders(t, i.config(), c) // starts all the same
	for range 3 {
		if _, _, err := p.Begin(t.Context(), "work", callback); !errors.Is(err, core.ErrUnavailable) {
			t.Errorf("Begin = %v", err)
		}
	}
	i.Down.Store(false)
	if _, _, err := p.Begin(t.Context(), "work", callback); !errors.Is(err, core.ErrUnavailable) {
		t.Errorf("asked again at once: %v", err)
	}
	c.add(10 * time.Second)
	start, state := begin(t, p, "work")
	code := i.SignIn(t, start, "test-user2").Get("code")
	i.Down.Store(true) // its addresses are known, its answer is missing
	if _, err := p.Finish(t.Context(), "work", callback, code, state); !errors.Is(err, core.ErrUnavailable) {
		t.Errorf("Finish = %v", err)
	}
	c.add(2 * time.Hour) // known addresses serve while there are no newer ones
	if _, _, err := p.Begin(t.Context(), "work", callback); err != nil {
		t.Errorf("Begin = %v", err)
	}
}

func TestAWrongClientSecretIsNotThePersonsFault(t *testing.T) {
	i := openIDP(t)
	cfg := i.config()
	cfg.Providers[0].ClientSecret = "wrong-s3cr3t"
	p := newProviders(t, cfg, &clock{})
	start, state := begin(t, p, "work")
	code := i.SignIn(t, start, "test-user2").Get("code")
	_, err := p.Finish(t.Context(), "work", callback, code, state)
	if !errors.Is(err, core.ErrUnavailable) || strings.Contains(err.Error(), "s3cr3t") || strings.Contains(err.Error(), code) {
		t.Errorf("Finish = %v", err)
	}
}

func TestKeysThatWereRotatedAreFound(t *testing.T) {
	i, c := openIDP(t), &clock{}
	p := newProviders(t, i.config(), c)
	finish := func() error {
		start, state := begin(t, p, "work")
		_, err := p.Finish(t.Context(), "work", callback, i.SignIn(t, start, "test-user2").Get("code"), state)
		return err
	}
	if err := finish(); err != nil {
		t.Fatal(err)
	}
	i.Rotate()
	if err := finish(); !errors.Is(err, core.ErrUnauthenticated) || i.Asked.Load() != 1 { // the keys were fetched a moment ago
		t.Errorf("at once: %v, asked %d times", err, i.Asked.Load())
	}
	c.add(10 * time.Second)
	if err := finish(); err != nil || i.Asked.Load() != 2 {
		t.Errorf("later: %v, asked %d times", err, i.Asked.Load())
	}
}

// idToken signs in and exchanges the code as any client would.
func (i *idp) idToken(t testing.TB) string {
	t.Helper()
	start, state := begin(t, newProviders(t, i.config(), &clock{}), "work")
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {i.SignIn(t, start, "test-user2").Get("code")},
		"redirect_uri": {callback}, "code_verifier": {state.Verifier}, "client_id": {"web"}, "client_secret": {secret},
	}
	resp, err := http.PostForm(i.URL+"/oauth/token", form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var tokens struct {
		ID string `json:"id_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&tokens); err != nil || tokens.ID == "" {
		t.Fatalf("%s: %v", resp.Status, err)
	}
	return tokens.ID
}

func TestTheTokenOfARealProviderIsVerified(t *testing.T) {
	i := openIDP(t)
	raw := i.idToken(t)
	for audience, want := range map[string]error{"web": nil, "other": core.ErrUnauthenticated} {
		tokens := newTokens(t, oidc.Config{External: []oidc.ExternalIssuer{{Issuer: i.URL, Audience: audience}}}, &clock{})
		if !tokens.Issued(raw) {
			t.Error("it is not known whose it is")
		}
		got, err := tokens.Verify(t.Context(), raw, time.Now())
		if !errors.Is(err, want) || err == nil && (got.Subject != "id2" || got.Issuer != i.URL) {
			t.Errorf("for %q: %+v, %v", audience, got, err)
		}
		if _, err := tokens.Verify(t.Context(), raw, time.Now().Add(25*time.Hour)); !errors.Is(err, core.ErrUnauthenticated) {
			t.Errorf("tomorrow: %v", err)
		}
	}
}
