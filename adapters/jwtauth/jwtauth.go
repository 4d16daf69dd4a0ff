// Package jwtauth issues and checks access tokens: JWTs (RFC 7519) signed with
// HS256, of the type at+jwt (RFC 9068).
package jwtauth

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/maypok86/otter/v2"

	"github.com/seed-755a8038/coffer/core"
)

const (
	audience    = "coffer"
	typ         = "at+jwt"
	minKeyBytes = 32 // RFC 7518, section 3.2

	// maxToken bounds what an unknown caller can make the server decode, in
	// bytes. A token of ours has about 450 and the issuer's address.
	maxToken = 4096
)

// errHeader reports a header that no token of ours has.
var errHeader = errors.New("the header is not that of an access token")

// Tokens implements ports.Tokens. It is safe for concurrent use.
type Tokens struct {
	key    []byte
	issuer string
	parser *jwt.Parser
	// verified remembers tokens by their hash: what a token says and whether
	// it is ours never changes, and a client sends the same one many times.
	// Whether it has expired is looked at each time.
	verified *otter.Cache[[sha256.Size]byte, core.Claims]
}

// maxVerified bounds what is remembered: some 3 MB.
const maxVerified = 20_000

// New returns tokens signed with key (at least 32 bytes) in the name of issuer,
// the server's public URL.
func New(key []byte, issuer string) (*Tokens, error) {
	if len(key) < minKeyBytes {
		return nil, fmt.Errorf("the key of access tokens has %d bytes, it needs at least %d", len(key), minKeyBytes)
	}
	if issuer == "" {
		return nil, errors.New("access tokens need an issuer")
	}
	// Claims are validated by Verify, against the time it is given.
	p := jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithoutClaimsValidation(), jwt.WithStrictDecoding())
	verified, err := otter.New(&otter.Options[[sha256.Size]byte, core.Claims]{MaximumSize: maxVerified})
	if err != nil {
		return nil, fmt.Errorf("remember access tokens: %w", err)
	}
	return &Tokens{key: key, issuer: issuer, parser: p, verified: verified}, nil
}

// claims is the payload. RegisteredClaims has iss, sub, aud, exp and iat.
type claims struct {
	jwt.RegisteredClaims
	SessionID string `json:"sid"`
	OrgID     string `json:"org_id"`
}

// Issue implements ports.Tokens. Times are cut to seconds, as JWTs have them.
func (t *Tokens) Issue(c core.Claims) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: t.issuer, Subject: c.UserID.String(), Audience: jwt.ClaimStrings{audience},
			IssuedAt: jwt.NewNumericDate(c.IssuedAt), ExpiresAt: jwt.NewNumericDate(c.ExpiresAt),
		},
		SessionID: c.SessionID.String(),
		OrgID:     c.OrgID.String(),
	})
	token.Header["typ"] = typ
	signed, err := token.SignedString(t.key)
	if err != nil {
		return "", fmt.Errorf("sign an access token: %w", err)
	}
	return signed, nil
}

// Verify implements ports.Tokens. A token ends at the second in its exp claim,
// without leeway.
func (t *Tokens) Verify(token string, now time.Time) (core.Claims, error) {
	if len(token) > maxToken {
		return core.Claims{}, fmt.Errorf("%w (the token has %d bytes)", core.ErrUnauthenticated, len(token))
	}
	sum := hash(token)
	if c, ok := t.verified.GetIfPresent(sum); ok && now.Before(c.ExpiresAt) {
		return c, nil
	}
	c, err := t.verify(token, now)
	if err == nil {
		t.verified.Set(sum, c)
	}
	return c, err
}

// hash returns the SHA-256 of a token of at most maxToken bytes.
func hash(token string) [sha256.Size]byte {
	var buf [maxToken]byte // on the stack, where a conversion would not be
	return sha256.Sum256(buf[:copy(buf[:], token)])
}

func (t *Tokens) verify(token string, now time.Time) (core.Claims, error) {
	if strings.ContainsAny(token, "\r\n") { // base64 would read past them: one token, many spellings
		return core.Claims{}, fmt.Errorf("%w (the token has a line break)", core.ErrUnauthenticated)
	}
	var payload claims
	if _, err := t.parser.ParseWithClaims(token, &payload, t.keyFor); err != nil {
		return core.Claims{}, fmt.Errorf("%w (%w)", core.ErrUnauthenticated, err)
	}
	// There is no check of iat: the clock of another server, a little ahead,
	// would shut a user out who has just signed in.
	valid := jwt.NewValidator(
		jwt.WithTimeFunc(func() time.Time { return now }),
		jwt.WithIssuer(t.issuer), jwt.WithAudience(audience), jwt.WithExpirationRequired(),
	)
	if err := valid.Validate(payload); err != nil {
		return core.Claims{}, fmt.Errorf("%w (%w)", core.ErrUnauthenticated, err)
	}
	return payload.claims()
}

// keyFor refuses a header with anything in it but our algorithm and type: a
// token of another kind, and every way of naming another key (kid, jku, jwk,
// x5u) or of changing what is signed (b64, crit).
func (t *Tokens) keyFor(token *jwt.Token) (any, error) {
	if len(token.Header) != 2 || token.Header["typ"] != typ {
		return nil, errHeader
	}
	return t.key, nil
}

// claims returns what the payload says, with every id present.
func (c claims) claims() (core.Claims, error) {
	out := core.Claims{ExpiresAt: c.ExpiresAt.UTC()}
	if c.IssuedAt != nil {
		out.IssuedAt = c.IssuedAt.UTC()
	}
	err := errors.Join(
		out.UserID.UnmarshalText([]byte(c.Subject)),
		out.SessionID.UnmarshalText([]byte(c.SessionID)),
		out.OrgID.UnmarshalText([]byte(c.OrgID)),
	)
	if err != nil || out.UserID.IsZero() || out.SessionID.IsZero() || out.OrgID.IsZero() {
		return core.Claims{}, fmt.Errorf("%w (a claim is not an id)", core.ErrUnauthenticated)
	}
	return out, nil
}
