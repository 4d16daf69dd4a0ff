package coffer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/seed-755a8038/coffer/adapters/oidc"
)

// ProviderConfig is an OpenID Connect provider at which people can sign in.
type ProviderConfig struct {
	Name         string       `json:"name"`            // in URLs: lower-case letters, digits and hyphens
	Label        string       `json:"label,omitempty"` // for people; empty: the name
	Issuer       string       `json:"issuer"`          // exactly as the provider spells it
	ClientID     string       `json:"client_id"`
	ClientSecret string       `json:"client_secret,omitempty"` // empty: a public client
	Scopes       []string     `json:"scopes,omitempty"`        // besides openid; empty: email and profile
	Claims       ClaimsConfig `json:"claims,omitzero"`
}

// ExternalIssuerConfig is an issuer whose bearer tokens are taken as they are.
type ExternalIssuerConfig struct {
	Issuer            string       `json:"issuer"`                       // exactly as in the iss claim
	Audience          string       `json:"audience,omitempty"`           // must be in the aud claim
	AuthorizedParties []string     `json:"authorized_parties,omitempty"` // one must be the azp claim
	JWKSURL           string       `json:"jwks_url,omitempty"`           // of the keys; empty: by discovery
	Claims            ClaimsConfig `json:"claims,omitzero"`
}

// ClaimsConfig names the claims that say who somebody is, where an issuer does
// not use those of OpenID Connect.
type ClaimsConfig struct {
	Email         string `json:"email,omitempty"`          // empty: email
	EmailVerified string `json:"email_verified,omitempty"` // true vouches for the address; empty: email_verified
	Name          string `json:"name,omitempty"`           // empty: name
}

// structured is a field whose value has members: a list in coffer.yaml, the same
// as JSON in the environment.
type structured interface {
	field

	// setRaw reads what YAML makes of the list.
	setRaw(raw any) error
}

type (
	providers []ProviderConfig
	issuers   []ExternalIssuerConfig
)

func (p *providers) set(s string) error   { return readList(s, (*[]ProviderConfig)(p)) }
func (p *providers) setRaw(raw any) error { return readRaw(raw, p.set) }

// get hides the secrets.
func (p *providers) get() any {
	shown := make([]ProviderConfig, len(*p))
	for i, c := range *p {
		if c.ClientSecret != "" {
			c.ClientSecret = "(hidden)"
		}
		shown[i] = c
	}
	return plainList(shown)
}

func (i *issuers) set(s string) error   { return readList(s, (*[]ExternalIssuerConfig)(i)) }
func (i *issuers) setRaw(raw any) error { return readRaw(raw, i.set) }
func (i *issuers) get() any             { return plainList(append([]ExternalIssuerConfig{}, *i...)) }

// readList reads a list of objects. The text is not repeated in errors: a secret
// may be in it.
func readList[T any](s string, into *[]T) error {
	if s == "" {
		*into = nil
		return nil
	}
	d := json.NewDecoder(bytes.NewReader([]byte(s)))
	d.DisallowUnknownFields()
	var all []T
	err := d.Decode(&all)
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			*into = all
			return nil
		}
		err = errors.New("there is something after it")
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		err = fmt.Errorf("%q must not be a %s: write texts in quotes", wrong.Field, wrong.Value)
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		err = errors.New("it is not JSON")
	}
	return fmt.Errorf("must be a list of objects, as JSON in the environment: %w", err)
}

func readRaw(raw any, set func(string) error) error {
	if s, ok := raw.(string); ok {
		return set(s)
	}
	doc, err := json.Marshal(raw)
	if err != nil {
		return errors.New("must be a list of objects")
	}
	return set(string(doc))
}

// plainList returns the list as JSON has it, with the names of its members.
func plainList(v any) any {
	out := []any{}
	if doc, err := json.Marshal(v); err == nil {
		_ = json.Unmarshal(doc, &out) // it was made from it
	}
	return out
}

// oidc returns what the adapter needs to know.
func (a *AuthConfig) oidc() oidc.Config {
	var out oidc.Config
	for _, p := range a.Providers {
		out.Providers = append(out.Providers, oidc.Provider{
			Name: p.Name, Label: p.Label, Issuer: p.Issuer, ClientID: p.ClientID, ClientSecret: p.ClientSecret, Scopes: p.Scopes,
			Claims: oidc.Claims(p.Claims),
		})
	}
	for _, e := range a.ExternalIssuers {
		out.External = append(out.External, oidc.ExternalIssuer{
			Issuer: e.Issuer, Audience: e.Audience, AuthorizedParties: e.AuthorizedParties, JWKSURL: e.JWKSURL, Claims: oidc.Claims(e.Claims),
		})
	}
	return out
}

// checkProviders refuses providers and issuers that cannot be safe. It asks
// nobody: one that is down must not keep the server from starting.
func (c *Config) checkProviders(p *problems) {
	cfg, clock := c.Auth.oidc(), newClock(*c)
	_, err := oidc.NewProviders(cfg, clock)
	p.add(err == nil, "auth.providers", "%v", err)
	_, err = oidc.NewTokens(cfg, clock)
	p.add(err == nil, "auth.external_issuers", "%v", err)
}
