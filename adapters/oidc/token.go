package oidc

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const (
	maxToken   = 16 << 10 // bytes; those that list many groups are long
	maxSubject = 255      // bytes; OpenID Connect Core 1.0, section 2
	maxClaim   = 1024     // bytes, of an address or a name
)

// The kinds of token by their header, in lower case. An issuer signs others with
// the same keys, such as logout tokens.
var (
	idTokenTypes     = []string{"", "jwt"}
	accessTokenTypes = []string{"", "jwt", "at+jwt", "application/at+jwt"}
)

// token is one whose signature, issuer, audience and times are right.
type token struct {
	*oidc.IDToken
	claims claimSet
}

// claimSet is the claims by their exact names: encoding/json would take "Email"
// for "email", and the former may be the user's to set.
type claimSet map[string]json.RawMessage

// text returns a claim that is a text that a person could have written, or "".
func (c claimSet) text(name string) string {
	var s string
	if json.Unmarshal(c[name], &s) != nil || len(s) > maxClaim || strings.ContainsFunc(s, isControl) {
		return ""
	}
	return s
}

// truth reports whether a claim is true, or "true" as some issuers write it.
func (c claimSet) truth(name string) bool {
	raw := string(c[name])
	return raw == "true" || raw == `"true"`
}

// user returns whom the claims are about.
func (c claimSet) user(issuer, subject string, names Claims) ports.ExternalUser {
	email := c.text(names.Email)
	return ports.ExternalUser{
		Issuer: issuer, Subject: subject,
		Email: email, EmailVerified: email != "" && c.truth(names.EmailVerified), Name: c.text(names.Name),
	}
}

// verify checks a token of the issuer, for an audience unless that is empty,
// against the time now. It returns core.ErrUnauthenticated for whatever is wrong
// with it, core.ErrUnavailable if the issuer's keys cannot be had.
func (i *issuer) verify(ctx context.Context, raw, audience string, types []string, now time.Time) (token, error) {
	if err := checkForm(raw); err != nil {
		return token{}, unauthenticated(err)
	}
	s := &signed{keys: i.keys}
	cfg := &oidc.Config{ClientID: audience, SkipClientIDCheck: audience == "", Now: func() time.Time { return now }}
	for _, a := range algorithms {
		cfg.SupportedSigningAlgs = append(cfg.SupportedSigningAlgs, string(a))
	}
	t, err := oidc.NewVerifier(i.url, s, cfg).Verify(ctx, raw)
	switch {
	case errors.Is(s.err, core.ErrUnavailable):
		return token{}, s.err
	case err != nil:
		return token{}, unauthenticated(err)
	case !slices.Contains(types, s.typ):
		return token{}, unauthenticated(fmt.Errorf("a token of the type %q", s.typ))
	case !t.Expiry.After(now):
		return token{}, unauthenticated(&oidc.TokenExpiredError{Expiry: t.Expiry})
	}
	out := token{IDToken: t}
	if err := json.Unmarshal(s.payload, &out.claims); err != nil {
		return token{}, unauthenticated(err)
	}
	if t.Subject == "" || len(t.Subject) > maxSubject || out.claims.text("sub") != t.Subject {
		return token{}, unauthenticated(errors.New("the subject is missing, too long or not text"))
	}
	return out, nil
}

// signed implements oidc.KeySet for one token, and remembers what the verifier
// does not hand on: why it failed, and the payload as it is.
type signed struct {
	keys    keySet
	payload []byte
	typ     string
	err     error
}

// VerifySignature implements oidc.KeySet.
func (s *signed) VerifySignature(ctx context.Context, raw string) ([]byte, error) {
	s.payload, s.typ, s.err = s.keys.verify(ctx, raw)
	return s.payload, s.err
}

// checkForm refuses what is not a signed token in its one spelling (RFC 7515,
// section 7.1): decoders would read past line breaks, and take JSON as well.
func checkForm(raw string) error {
	if len(raw) > maxToken {
		return fmt.Errorf("a token of %d bytes", len(raw))
	}
	parts := 1
	for _, c := range []byte(raw) {
		switch {
		case c == '.':
			parts++
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return errors.New("a token with characters that are not base64url")
		}
	}
	if parts != 3 {
		return fmt.Errorf("a token of %d parts", parts)
	}
	return nil
}

// claimedIssuer returns who a token claims to be of, or "". Nothing is checked.
func claimedIssuer(raw string) string {
	if checkForm(raw) != nil {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[1])
	if err != nil {
		return ""
	}
	var claims claimSet
	if json.Unmarshal(payload, &claims) != nil {
		return ""
	}
	return claims.text("iss")
}

func unauthenticated(err error) error { return fmt.Errorf("%w (%w)", core.ErrUnauthenticated, err) }

// isControl reports whether r is a control character, or stands for what was not
// UTF-8: two subjects could become one by it.
func isControl(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError }
