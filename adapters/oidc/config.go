package oidc

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// Config names whom to believe. All of it is the operator's.
type Config struct {
	Providers []Provider       // where people can sign in
	External  []ExternalIssuer // whose bearer tokens are taken as they are

	// Timeout bounds each request to an issuer; 0: 10 s.
	Timeout time.Duration

	// Control may refuse a connection by its resolved address, as in
	// net.Dialer; nil refuses none.
	Control func(network, address string, c syscall.RawConn) error
}

// Provider is an OpenID Connect provider at which this server is a client.
type Provider struct {
	Name         string // in URLs: lower-case letters, digits and hyphens
	Label        string // for people; empty: the name
	Issuer       string // exactly as the provider spells it
	ClientID     string
	ClientSecret string   // empty: a public client
	Scopes       []string // besides openid; empty: email and profile
	Claims       Claims
}

// ExternalIssuer signs bearer tokens that are taken directly. It must be told
// what its tokens for this server are: by their audience, by the parties they
// were issued to, or both.
type ExternalIssuer struct {
	Issuer            string   // exactly as in the iss claim
	Audience          string   // must be in the aud claim; empty: not looked at
	AuthorizedParties []string // one must be the azp claim; empty: not looked at
	JWKSURL           string   // of the keys; empty: by discovery
	Claims            Claims
}

// Claims are the names of the claims that say who somebody is.
type Claims struct {
	Email         string // empty: email
	EmailVerified string // true or "true" vouches for the address; empty: email_verified
	Name          string // empty: name
}

var providerName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`)

func (c Claims) withDefaults() Claims {
	return Claims{
		Email: cmp.Or(c.Email, "email"), EmailVerified: cmp.Or(c.EmailVerified, "email_verified"), Name: cmp.Or(c.Name, "name"),
	}
}

// checked returns p with defaults for what is absent.
func (p Provider) checked() (Provider, error) {
	if !providerName.MatchString(p.Name) {
		return p, fmt.Errorf("the sign-in provider %q needs a name of 1 to 32 lower-case letters, digits and hyphens", p.Name)
	}
	if p.ClientID == "" {
		return p, fmt.Errorf("the sign-in provider %q has no client id", p.Name)
	}
	if err := checkURL(p.Issuer); err != nil {
		return p, fmt.Errorf("the issuer of the sign-in provider %q: %w", p.Name, err)
	}
	if len(p.Scopes) == 0 {
		p.Scopes = []string{"email", "profile"}
	}
	p.Scopes = slices.Compact(append([]string{oidc.ScopeOpenID}, slices.DeleteFunc(slices.Clone(p.Scopes), func(s string) bool {
		return s == oidc.ScopeOpenID
	})...))
	p.Label, p.Claims = cmp.Or(p.Label, p.Name), p.Claims.withDefaults()
	return p, nil
}

// checked returns e with defaults for what is absent.
func (e ExternalIssuer) checked() (ExternalIssuer, error) {
	if e.Audience == "" && len(e.AuthorizedParties) == 0 {
		return e, fmt.Errorf("the tokens of %s need an audience or authorized parties: those for other servers must not be taken", e.Issuer)
	}
	if slices.Contains(e.AuthorizedParties, "") {
		return e, fmt.Errorf("an authorized party of %s is empty", e.Issuer)
	}
	if err := checkURL(e.Issuer); err != nil {
		return e, fmt.Errorf("the issuer of tokens: %w", err)
	}
	if e.JWKSURL != "" {
		if err := checkURL(e.JWKSURL); err != nil {
			return e, fmt.Errorf("the keys of %s: %w", e.Issuer, err)
		}
	}
	e.Claims = e.Claims.withDefaults()
	return e, nil
}

// checkURL refuses what could be read or changed on its way: everything but
// https, and http that does not leave this machine.
func checkURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return err
	case u.Host == "" || u.User != nil || u.Fragment != "":
		return fmt.Errorf("%q is not the address of a server", u.Redacted())
	case u.Scheme == "https":
		return nil
	case u.Scheme != "http":
		return fmt.Errorf("%q must begin with https://", raw)
	}
	if ip := net.ParseIP(u.Hostname()); ip != nil && ip.IsLoopback() || strings.EqualFold(u.Hostname(), "localhost") {
		return nil
	}
	return errors.New("http is for this machine only, " + raw + " must begin with https://")
}
