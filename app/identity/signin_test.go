package identity_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/app/identity"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const (
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636, appendix B
	local    = "http://127.0.0.1:7777/done?theirs=1"
)

func challenge() string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// begin returns what a browser would come back with as ana.
func (f *world) begin(returnTo string) identity.FinishSignInInput {
	f.Helper()
	in := identity.BeginSignInInput{Provider: "work", From: from}
	if returnTo != "" {
		in.ReturnTo, in.Challenge = returnTo, challenge()
	}
	address, keep, err := f.BeginSignIn(f.Context(), in)
	f.Must(err)
	if address != "https://coffer.example/api/auth/oidc/work/callback" {
		f.Errorf("the provider sends browsers to %s", address)
	}
	return identity.FinishSignInInput{Provider: "work", Kept: keep, State: "state " + strings.Repeat("x", f.issuers.begun), Code: "at ana", From: from}
}

// returned returns the parameter that the app's address was given.
func (f *world) returned(out identity.SignedIn, name string) string {
	f.Helper()
	u, err := url.Parse(out.ReturnTo)
	f.Must(err)
	if !strings.HasPrefix(out.ReturnTo, "http://127.0.0.1:7777/done?") || u.Query().Get("theirs") != "1" || out.Tokens != (identity.Tokens{}) {
		f.Errorf("%+v", out)
	}
	return u.Query().Get(name)
}

func TestSigningInAtAProvider(t *testing.T) {
	f := newWorld(t)
	f.issuers.knows("ana", "ana@example.com")
	out, err := f.FinishSignIn(t.Context(), f.begin(""))
	f.Must(err)
	a := f.actor(out.Tokens)
	if u := f.user(a); u.Email != "ana@example.com" || a.External || a.SessionID.IsZero() || a.ActiveOrg != u.PersonalOrgID || out.ReturnTo != "" {
		t.Errorf("%+v %+v", a, u)
	}
	_, err = f.Refresh(t.Context(), out.Tokens.RefreshToken, from)
	f.Must(err)
	out, err = f.FinishSignIn(t.Context(), f.begin(""))
	f.Must(err)
	if b := f.actor(out.Tokens); b.UserID != a.UserID || b.SessionID == a.SessionID {
		t.Errorf("%+v, then %+v", a, b)
	}
	if got := f.Providers(); len(got) != 2 || got[0] != (identity.Provider{Name: "work", Label: "Work"}) {
		t.Errorf("%+v", got)
	}
}

func TestWhatDoesNotBelongToTheSignIn(t *testing.T) {
	f := newWorld(t)
	f.issuers.knows("ana", "ana@example.com")
	f.issuers.knows("who", "who@example.com?")
	noon := f.Clock.Now()
	sealed, err := f.Secrets.Seal([]byte(`{"state":{"provider":"work","state":"state x"}}`)) // for something else
	f.Must(err)
	for name, tc := range map[string]struct {
		change func(in *identity.FinishSignInInput)
		want   error
	}{
		"another state":     {func(in *identity.FinishSignInInput) { in.State = "state" }, core.ErrSignInInvalid},
		"no state":          {func(in *identity.FinishSignInInput) { in.State = "" }, core.ErrSignInInvalid},
		"no cookie":         {func(in *identity.FinishSignInInput) { in.Kept = "" }, core.ErrSignInInvalid},
		"another's cookie":  {func(in *identity.FinishSignInInput) { in.Kept = f.begin("").Kept }, core.ErrSignInInvalid},
		"a cut cookie":      {func(in *identity.FinishSignInInput) { in.Kept = in.Kept[:len(in.Kept)-4] }, core.ErrSignInInvalid},
		"an endless cookie": {func(in *identity.FinishSignInInput) { in.Kept = strings.Repeat("A", 1<<16) }, core.ErrSignInInvalid},
		"no base64":         {func(in *identity.FinishSignInInput) { in.Kept = "?" }, core.ErrSignInInvalid},
		"sealed for another": {func(in *identity.FinishSignInInput) {
			in.Kept, in.State = base64.RawURLEncoding.EncodeToString(sealed), "state x"
		}, core.ErrSignInInvalid},
		"an unknown provider": {func(in *identity.FinishSignInInput) { in.Provider = "nobody" }, core.ErrNotFound},
		"another provider":    {func(in *identity.FinishSignInInput) { in.Provider = "other" }, core.ErrSignInInvalid},
		"a bad code":          {func(in *identity.FinishSignInInput) { in.Code = "at nobody" }, core.ErrSignInInvalid},
		"no code":             {func(in *identity.FinishSignInInput) { in.Code = "" }, core.ErrSignInInvalid},
		"an unknown address":  {func(in *identity.FinishSignInInput) { in.Code = "at who" }, core.ErrEmailUnverified},
		"refused":             {func(in *identity.FinishSignInInput) { in.Error = "access_denied" }, core.ErrSignInRefused},
		"refused, no state":   {func(in *identity.FinishSignInInput) { in.Error, in.State = "access_denied", "" }, core.ErrSignInInvalid},
		"too late":            {func(*identity.FinishSignInInput) { f.Clock.Shift(core.SignInTTL + time.Second) }, core.ErrSignInInvalid},
		"the clock goes back": {func(*identity.FinishSignInInput) { f.Clock.Shift(-core.SignInTTL - time.Second) }, nil},
	} {
		for _, returnTo := range []string{"", local} {
			in := f.begin(returnTo)
			tc.change(&in)
			out, err := f.FinishSignIn(t.Context(), in)
			e, _ := errors.AsType[*core.Error](tc.want)
			if returnTo != "" && out.ReturnTo != "" && e != nil { // the app hears it
				if got := f.returned(out, "error"); got != e.Code || strings.Contains(out.ReturnTo, "code=") {
					t.Errorf("%s: led to %s", name, out.ReturnTo)
				}
			} else if !errors.Is(err, tc.want) || err != nil && out != (identity.SignedIn{}) {
				t.Errorf("%s: %+v, %v", name, out, err)
			}
			f.Clock.Shift(noon.Sub(f.Clock.Now()))
		}
	}
}

func TestAProvidersWordsAreBounded(t *testing.T) {
	f := newWorld(t)
	in := f.begin("")
	in.Error, in.Description = "access_denied\r\nX: y\x00", strings.Repeat("<é", 500)
	_, err := f.FinishSignIn(t.Context(), in)
	e, ok := errors.AsType[*core.Error](err)
	if !ok || e.Details["provider_error"] != "access_deniedX: y" || e.Details["provider_description"] != strings.Repeat("<", 200) || e.Message != core.ErrSignInRefused.Message {
		t.Errorf("%+v", e)
	}
}

func TestAnAppGetsTheBrowserBack(t *testing.T) {
	f := newWorld(t)
	f.issuers.knows("ana", "ana@example.com")
	sign := func() string {
		t.Helper()
		out, err := f.FinishSignIn(t.Context(), f.begin(local))
		f.Must(err)
		return f.returned(out, "code")
	}
	first := sign()
	for _, wrong := range [][2]string{{first, strings.Repeat("a", 43)}, {first, ""}, {first, challenge()}, {first + "x", verifier}, {"", verifier}, {first + ".", verifier}} {
		_, err := f.ExchangeSignIn(t.Context(), wrong[0], wrong[1], from)
		f.Fails(err, core.ErrTicketInvalid)
	}
	tokens, err := f.ExchangeSignIn(t.Context(), first, verifier, from)
	f.Must(err)
	a := f.actor(tokens)
	f.Must(f.alive(a))
	_, err = f.ExchangeSignIn(t.Context(), first, verifier, from)
	f.Fails(err, core.ErrTicketInvalid)

	late := sign()
	f.Clock.Shift(core.SignInTicketTTL)
	_, err = f.ExchangeSignIn(t.Context(), late, verifier, from)
	f.Fails(err, core.ErrTicketInvalid)
	f.Clock.Shift(-core.SignInTicketTTL)

	code := sign()
	f.Fails(f.Reset(t.Context(), code, "new password", from), core.ErrTicketInvalid)
	f.Must(f.Store.Update(t.Context(), func(tx ports.Tx) error {
		u, err := tx.Users.Lock(t.Context(), a.UserID)
		f.Must(err)
		u.Disable(true, f.Clock.Now())
		return tx.Users.Save(t.Context(), u)
	}))
	_, err = f.ExchangeSignIn(t.Context(), code, verifier, from)
	f.Fails(err, core.ErrUserDisabled)
	out, err := f.FinishSignIn(t.Context(), f.begin(local))
	f.Must(err)
	if got := f.returned(out, "error"); got != "user_disabled" {
		t.Errorf("error %q", got)
	}
}

func TestBeginningASignIn(t *testing.T) {
	f := newWorld(t)
	invalid := &core.Error{Code: "validation_failed"}
	for name, tc := range map[string]struct {
		in   identity.BeginSignInInput
		want error
	}{
		"nobody":       {identity.BeginSignInInput{Provider: "nobody"}, core.ErrNotFound},
		"elsewhere":    {identity.BeginSignInInput{Provider: "work", ReturnTo: "https://evil.example", Challenge: challenge()}, invalid},
		"no challenge": {identity.BeginSignInInput{Provider: "work", ReturnTo: local}, invalid},
		"no address":   {identity.BeginSignInInput{Provider: "work", Challenge: challenge()}, invalid},
		"a plain one":  {identity.BeginSignInInput{Provider: "work", ReturnTo: local, Challenge: "plain"}, invalid},
		"the app":      {identity.BeginSignInInput{Provider: "work", ReturnTo: "https://coffer.example/app", Challenge: challenge()}, nil},
	} {
		tc.in.From = from
		if address, keep, err := f.BeginSignIn(t.Context(), tc.in); !errors.Is(err, tc.want) || (err == nil) != (address != "" && keep != "") {
			t.Errorf("%s: %q, %v", name, address, err)
		}
	}
	f.issuers.down = true
	_, _, err := f.BeginSignIn(t.Context(), identity.BeginSignInInput{Provider: "work", From: from})
	e, ok := errors.AsType[*core.Error](err)
	if !errors.Is(err, core.ErrUnavailable) || !ok || e.Details["retry_after"] != 10 {
		t.Errorf("%+v", err)
	}
	f.issuers.down = false
	for range 300 {
		_, _, err = f.BeginSignIn(t.Context(), identity.BeginSignInInput{Provider: "work", From: from})
	}
	f.Fails(err, &core.Error{Code: "rate_limited"})
	_, err = f.FinishSignIn(t.Context(), identity.FinishSignInInput{From: from})
	f.Fails(err, &core.Error{Code: "rate_limited"})
}
