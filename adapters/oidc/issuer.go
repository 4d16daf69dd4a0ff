package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"github.com/seed-755a8038/coffer/ports"
)

// metadataMaxAge is how long an issuer's addresses are taken for granted.
const metadataMaxAge = time.Hour

// metadata is what an issuer says of itself (OpenID Connect Discovery 1.0).
type metadata struct {
	provider *oidc.Provider
	keysURL  string
	style    oauth2.AuthStyle // how a client with a secret says who it is
}

// issuer is what this server knows of one issuer. Nothing is asked before it is
// needed, so an issuer that is down stops nobody who does not need it.
type issuer struct {
	url      string
	metadata *fetched[metadata]
	keys     keySet
}

// newIssuer returns the issuer at url, with its keys at keysURL, or where the
// issuer says if that is empty.
func newIssuer(url, keysURL string, client *http.Client, clock ports.Clock) *issuer {
	i := &issuer{url: url}
	i.metadata = &fetched[metadata]{clock: clock, maxAge: metadataMaxAge, fetch: func(ctx context.Context) (metadata, error) {
		return discover(ctx, client, url)
	}}
	i.keys = keySet{&fetched[[]jose.JSONWebKey]{clock: clock, maxAge: keysMaxAge, fetch: func(ctx context.Context) ([]jose.JSONWebKey, error) {
		address := keysURL
		if address == "" {
			m, err := i.metadata.get(ctx, false)
			if err != nil {
				return nil, err
			}
			address = m.keysURL
		}
		return fetchKeys(ctx, client, address)
	}}}
	return i
}

// discover asks an issuer for its addresses. They must be as safe as its own.
func discover(ctx context.Context, client *http.Client, url string) (metadata, error) {
	p, err := oidc.NewProvider(oidc.ClientContext(ctx, client), url)
	if err != nil {
		return metadata{}, fmt.Errorf("discover %s: %w", url, brief(err))
	}
	var more struct {
		KeysURL string   `json:"jwks_uri"`
		Methods []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := p.Claims(&more); err != nil {
		return metadata{}, fmt.Errorf("discover %s: %w", url, err)
	}
	if err := checkURL(more.KeysURL); err != nil {
		return metadata{}, fmt.Errorf("discover %s: keys: %w", url, err)
	}
	m := metadata{provider: p, keysURL: more.KeysURL, style: oauth2.AuthStyleInHeader}
	if len(more.Methods) > 0 && !slices.Contains(more.Methods, "client_secret_basic") {
		m.style = oauth2.AuthStyleInParams
	}
	return m, nil
}

// checkEndpoints refuses addresses at which nobody may sign in.
func (m metadata) checkEndpoints() error {
	e := m.provider.Endpoint()
	err := errors.Join(checkURL(e.AuthURL), checkURL(e.TokenURL))
	if u := m.provider.UserInfoEndpoint(); u != "" {
		err = errors.Join(err, checkURL(u))
	}
	return err
}

// brief returns err without the pages of HTML that a server may have answered with.
func brief(err error) error {
	const enough = 300 // bytes
	if text := err.Error(); len(text) > enough {
		return errors.New(text[:enough] + "…")
	}
	return err
}
