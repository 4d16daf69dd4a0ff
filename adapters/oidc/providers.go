// Package oidc signs people in at OpenID Connect providers, and verifies bearer
// tokens that other issuers have signed.
package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const (
	// clockSkew is how far the clocks of two servers of one installation may differ.
	clockSkew = time.Minute

	maxCode = 4096 // bytes
)

// Providers implements ports.SignInProviders. It is safe for concurrent use.
type Providers struct {
	client *http.Client
	clock  ports.Clock
	names  []ports.SignInProvider
	byName map[string]provider
}

type provider struct {
	cfg    Provider
	issuer *issuer
}

// NewProviders returns the providers of cfg.Providers. It asks nobody anything
// yet: a provider that is down does not stop the server from starting.
func NewProviders(cfg Config, clock ports.Clock) (*Providers, error) {
	p := &Providers{client: newClient(cfg), clock: clock, names: []ports.SignInProvider{}, byName: map[string]provider{}}
	for _, c := range cfg.Providers {
		c, err := c.checked()
		if err != nil {
			return nil, err
		}
		if _, twice := p.byName[c.Name]; twice {
			return nil, fmt.Errorf("the sign-in provider %q is configured twice", c.Name)
		}
		p.byName[c.Name] = provider{cfg: c, issuer: newIssuer(c.Issuer, "", p.client, clock)}
		p.names = append(p.names, ports.SignInProvider{Name: c.Name, Label: c.Label})
	}
	return p, nil
}

// Names implements ports.SignInProviders.
func (p *Providers) Names() []ports.SignInProvider {
	return append([]ports.SignInProvider{}, p.names...)
}

// Begin implements ports.SignInProviders. State and nonce have 130 random bits,
// the verifier 256.
func (p *Providers) Begin(ctx context.Context, name, redirectURL string) (string, ports.SignInState, error) {
	at, ok := p.byName[name]
	if !ok {
		return "", ports.SignInState{}, core.ErrNotFound
	}
	cfg, _, err := at.oauth(ctx, redirectURL)
	if err != nil {
		return "", ports.SignInState{}, err
	}
	state := ports.SignInState{
		Provider: name, State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Begun: p.clock.Now(),
	}
	return cfg.AuthCodeURL(state.State, oidc.Nonce(state.Nonce), oauth2.S256ChallengeOption(state.Verifier)), state, nil
}

// Finish implements ports.SignInProviders. That the state came back unchanged,
// its caller has checked. It returns core.ErrNotFound for an unknown provider,
// and core.ErrUnavailable if the provider does not answer, or does not know this
// server: the person has done nothing wrong then.
func (p *Providers) Finish(ctx context.Context, name, redirectURL, code string, state ports.SignInState) (ports.ExternalUser, error) {
	at, ok := p.byName[name]
	if !ok {
		return ports.ExternalUser{}, core.ErrNotFound
	}
	if err := p.checkState(name, code, state); err != nil {
		return ports.ExternalUser{}, unauthenticated(err)
	}
	cfg, meta, err := at.oauth(ctx, redirectURL)
	if err != nil {
		return ports.ExternalUser{}, err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	access, err := cfg.Exchange(ctx, code, oauth2.VerifierOption(state.Verifier))
	if err != nil {
		return ports.ExternalUser{}, exchangeFailed(err)
	}
	raw, _ := access.Extra("id_token").(string)
	id, err := at.issuer.verify(ctx, raw, at.cfg.ClientID, idTokenTypes, p.clock.Now())
	if err != nil {
		return ports.ExternalUser{}, err
	}
	if err := at.check(id, state.Nonce, access.AccessToken); err != nil {
		return ports.ExternalUser{}, unauthenticated(err)
	}
	return at.user(ctx, meta, id, access)
}

// checkState refuses a state that is not of this sign-in, or too old.
func (p *Providers) checkState(name, code string, state ports.SignInState) error {
	if code == "" || len(code) > maxCode {
		return fmt.Errorf("a code of %d bytes", len(code))
	}
	if state.Provider != name || state.State == "" || state.Nonce == "" || state.Verifier == "" {
		return errors.New("the state is not of a sign-in at this provider")
	}
	if age := p.clock.Now().Sub(state.Begun); age < -clockSkew || age > core.SignInTTL {
		return fmt.Errorf("the sign-in began %v ago", age)
	}
	return nil
}

// oauth returns the client that this server is at the provider.
func (p provider) oauth(ctx context.Context, redirectURL string) (*oauth2.Config, metadata, error) {
	m, err := p.issuer.metadata.get(ctx, false)
	if err == nil {
		err = m.checkEndpoints()
	}
	if err != nil {
		return nil, metadata{}, fmt.Errorf("%w (sign-in provider %s: %w)", core.ErrUnavailable, p.cfg.Name, err)
	}
	endpoint := m.provider.Endpoint()
	// Without a style the library would send the code twice to find one out,
	// and a code that comes twice is stolen (RFC 6749, section 4.1.2).
	endpoint.AuthStyle = m.style
	if p.cfg.ClientSecret == "" {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{
		ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret, Endpoint: endpoint,
		RedirectURL: redirectURL, Scopes: p.cfg.Scopes,
	}, m, nil
}

// check does what OpenID Connect Core 1.0, section 3.1.3.7, leaves to the client.
func (p provider) check(id token, nonce, access string) error {
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1 {
		return errors.New("the nonce is of another sign-in")
	}
	if _, has := id.claims["azp"]; (has || len(id.Audience) > 1) && id.claims.text("azp") != p.cfg.ClientID {
		return errors.New("the token was issued to another client")
	}
	if id.AccessTokenHash != "" {
		return id.VerifyAccessToken(access)
	}
	return nil
}

// user returns who signed in. A provider may keep the address out of the token
// and have it asked for (section 5.4): then who vouches for it is that answer.
func (p provider) user(ctx context.Context, meta metadata, id token, access *oauth2.Token) (ports.ExternalUser, error) {
	user := id.claims.user(p.cfg.Issuer, id.Subject, p.cfg.Claims)
	if user.Email != "" || meta.provider.UserInfoEndpoint() == "" {
		return user, nil
	}
	info, err := meta.provider.UserInfo(ctx, oauth2.StaticTokenSource(access))
	if err != nil {
		return ports.ExternalUser{}, fmt.Errorf("%w (ask %s who signed in: %w)", core.ErrUnavailable, p.cfg.Name, brief(err))
	}
	var claims claimSet
	if err := info.Claims(&claims); err != nil {
		return ports.ExternalUser{}, unauthenticated(err)
	}
	if claims.text("sub") != id.Subject { // section 5.3.2: a token of somebody else
		return ports.ExternalUser{}, unauthenticated(errors.New("the provider answers about somebody else"))
	}
	told := claims.user(p.cfg.Issuer, id.Subject, p.cfg.Claims)
	if told.Name == "" {
		told.Name = user.Name
	}
	return told, nil
}

// exchangeFailed tells a code that is not good from a provider that does not
// work. What the provider answered stays out of it: it may hold what was sent.
func exchangeFailed(err error) error {
	refusal, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return fmt.Errorf("%w (exchange the code: %w)", core.ErrUnavailable, brief(err))
	}
	err = fmt.Errorf("exchange the code: %s %q", refusal.Response.Status, refusal.ErrorCode)
	switch status := refusal.Response.StatusCode; {
	case refusal.ErrorCode == "invalid_client", refusal.ErrorCode == "unauthorized_client",
		status == http.StatusTooManyRequests, status >= 500, status < 400:
		return fmt.Errorf("%w (%w)", core.ErrUnavailable, err)
	}
	return unauthenticated(err)
}
