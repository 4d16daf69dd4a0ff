package identity

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// FinishSignInInput is what a browser comes back with.
type FinishSignInInput struct {
	Provider    string
	Kept        string // what BeginSignIn had it keep
	State       string
	Code        string
	Error       string // the provider's, instead of a code
	Description string // the provider's words about it
	From        core.Client
}

// SignedIn is the end of a sign-in: tokens, or where to send the browser.
type SignedIn struct {
	Tokens   Tokens
	ReturnTo string // with a code for ExchangeSignIn, or the code of an error; empty: there are tokens
}

// FinishSignIn signs in who comes back from a provider. The second factor is
// the provider's matter. It returns core.ErrNotFound, core.ErrSignInInvalid,
// core.ErrSignInRefused, core.ErrEmailUnverified, core.ErrUserDisabled,
// core.ErrUnavailable or core.RateLimited; an app that wants the browser back
// gets their codes there.
func (s *Service) FinishSignIn(ctx context.Context, in FinishSignInInput) (SignedIn, error) {
	if err := s.take(ctx, signInRate, in.From.Network, s.clock.Now()); err != nil {
		return SignedIn{}, err
	}
	if !slices.ContainsFunc(s.providers.Names(), func(p ports.SignInProvider) bool { return p.Name == in.Provider }) {
		return SignedIn{}, core.ErrNotFound
	}
	begun, err := s.begun(in)
	if err != nil {
		return SignedIn{}, err
	}
	out, err := s.finish(ctx, in, begun)
	if begun.ReturnTo == "" || err == nil {
		return out, err
	}
	if e, ok := errors.AsType[*core.Error](err); ok && e.Kind != core.KindInternal {
		return SignedIn{ReturnTo: withQuery(begun.ReturnTo, "error", e.Code)}, nil
	}
	return SignedIn{}, err
}

// begun returns the sign-in that the browser kept, if it is the one that the
// provider answers.
func (s *Service) begun(in FinishSignInInput) (signIn, error) {
	var b signIn
	if in.Kept == "" || len(in.Kept) > maxKept {
		return b, core.ErrSignInInvalid
	}
	sealed, err := base64.RawURLEncoding.DecodeString(in.Kept)
	if err != nil {
		return b, core.ErrSignInInvalid
	}
	doc, err := s.secrets.Open(sealed)
	if err != nil {
		return b, core.ErrSignInInvalid
	}
	if json.Unmarshal(doc, &b) != nil || b.Purpose != signInPurpose || b.State.State == "" {
		return signIn{}, core.ErrSignInInvalid
	}
	same := subtle.ConstantTimeCompare([]byte(b.State.State), []byte(in.State)) == 1
	age := s.clock.Now().Sub(b.State.Begun)
	if !same || b.State.Provider != in.Provider || age > core.SignInTTL {
		return signIn{}, core.ErrSignInInvalid
	}
	return b, nil
}

func (s *Service) finish(ctx context.Context, in FinishSignInInput, begun signIn) (SignedIn, error) {
	if in.Error != "" {
		return SignedIn{}, refusedBy(in.Error, in.Description)
	}
	who, err := s.providers.Finish(ctx, in.Provider, s.callback(in.Provider), in.Code, begun.State)
	if errors.Is(err, core.ErrUnauthenticated) {
		return SignedIn{}, fmt.Errorf("%w: %w", core.ErrSignInInvalid, err)
	}
	if err != nil {
		return SignedIn{}, providerDown(err)
	}
	now := s.clock.Now()
	a, err := s.arrive(ctx, who, in.From, now)
	if err != nil {
		return SignedIn{}, err
	}
	var out SignedIn
	err = s.store.Update(ctx, func(tx ports.Tx) error {
		u, err := tx.Users.Lock(ctx, a.UserID)
		if err != nil {
			return err
		}
		known, err := tx.Identities.Get(ctx, who.Issuer, who.Subject)
		switch {
		case err != nil:
			return err
		case known.UserID != u.ID: // since it arrived
			return core.ErrConflict
		case u.Disabled():
			return core.ErrUserDisabled
		case begun.ReturnTo == "":
			out.Tokens, err = s.beginSession(ctx, tx, u, in.From, now)
			return err
		}
		code := s.secrets.Token()
		out.ReturnTo = withQuery(begun.ReturnTo, "code", code)
		return tx.Tickets.Add(ctx, &core.Ticket{
			Hash: hashToken(code + "." + begun.Challenge), Kind: core.SignIn, UserID: u.ID, Email: u.Email,
			CreatedAt: now, ExpiresAt: now.Add(core.SignInTicketTTL),
		})
	})
	return out, err
}

// refusedBy returns the error of a provider that did not sign the person in, with
// no more of its words than a person reads.
func refusedBy(code, description string) error {
	plain := func(r rune) rune {
		if r < ' ' || r >= 0x7f {
			return -1
		}
		return r
	}
	code, description = strings.Map(plain, code), strings.Map(plain, description)
	e := core.ErrSignInRefused.With("provider_error", code[:min(len(code), maxDescription)])
	if description != "" {
		e = e.With("provider_description", description[:min(len(description), maxDescription)])
	}
	return e
}

func withQuery(address, name, value string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address // it was parsed when the sign-in began
	}
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return u.String()
}
