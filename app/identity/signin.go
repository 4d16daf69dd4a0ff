package identity

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// signInRate bounds what one network can make the server ask of providers.
var signInRate = core.Rate{Name: "sign-in", Burst: 300, Period: 10 * time.Minute}

// SignInPath is where the routes of signing in at providers are.
const SignInPath = "/api/auth/oidc"

const (
	signInPurpose  = "sign-in"
	providerPause  = 10   // seconds until a provider that is down is asked again
	maxDescription = 200  // bytes of a provider's words
	maxKept        = 8192 // bytes
)

// Provider is a place to sign in at.
type Provider struct {
	Name  string // in URLs
	Label string // for people
}

// Providers returns the places to sign in at.
func (s *Service) Providers() []Provider {
	names := s.providers.Names()
	out := make([]Provider, len(names))
	for i, n := range names {
		out[i] = Provider(n)
	}
	return out
}

// signIn is what a browser keeps, sealed, while its user is at the provider.
type signIn struct {
	Purpose   string            `json:"purpose"` // tells it from anything else that is sealed
	State     ports.SignInState `json:"state"`
	ReturnTo  string            `json:"return_to,omitempty"`
	Challenge string            `json:"challenge,omitempty"`
}

// BeginSignInInput is who wants to sign in where. An app that wants the browser
// back says where to, and the challenge (RFC 7636, S256) of a verifier it keeps.
type BeginSignInInput struct {
	Provider  string
	ReturnTo  string
	Challenge string
	From      core.Client
}

// BeginSignIn returns where to send the browser, and what it has to keep until
// it comes back. It returns core.ErrNotFound for an unknown provider, and
// core.ErrUnavailable if the provider does not answer.
func (s *Service) BeginSignIn(ctx context.Context, in BeginSignInInput) (address, keep string, err error) {
	if err := s.take(ctx, signInRate, in.From.Network, s.clock.Now()); err != nil {
		return "", "", err
	}
	if in.ReturnTo != "" || in.Challenge != "" {
		if err := core.CheckReturnTo(in.ReturnTo, s.opts.LinkURL); err != nil {
			return "", "", err
		}
		if err := core.CheckChallenge(in.Challenge); err != nil {
			return "", "", err
		}
	}
	address, state, err := s.providers.Begin(ctx, in.Provider, s.callback(in.Provider))
	if err != nil {
		return "", "", providerDown(err)
	}
	doc, err := json.Marshal(signIn{signInPurpose, state, in.ReturnTo, in.Challenge})
	if err != nil {
		return "", "", err
	}
	sealed, err := s.secrets.Seal(doc)
	return address, base64.RawURLEncoding.EncodeToString(sealed), err
}

func (s *Service) callback(provider string) string {
	return s.opts.PublicURL + SignInPath + "/" + url.PathEscape(provider) + "/callback"
}

// providerDown says, of a provider that does not answer, when to try again.
func providerDown(err error) error {
	if errors.Is(err, core.ErrUnavailable) {
		return fmt.Errorf("%w: %w", core.ErrUnavailable.Say("the sign-in provider does not answer as it should; try again shortly").With("retry_after", providerPause), err)
	}
	return err
}
