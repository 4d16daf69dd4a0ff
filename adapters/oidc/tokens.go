package oidc

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/seed-755a8038/coffer/ports"
)

const (
	maxCached = 8192

	// cachedFor bounds for how long a token counts after its issuer has
	// withdrawn the key, on top of the age of the keys.
	cachedFor = 5 * time.Minute
)

// Tokens implements ports.ExternalTokens. It is safe for concurrent use.
type Tokens struct {
	issuers map[string]external

	mu    sync.Mutex
	cache map[[sha256.Size]byte]verified
}

type external struct {
	cfg    ExternalIssuer
	issuer *issuer
}

// verified is what a token was found to say.
type verified struct {
	user  ports.ExternalUser
	until time.Time
}

// NewTokens returns the bearer tokens of cfg.External. It asks nobody anything yet.
func NewTokens(cfg Config, clock ports.Clock) (*Tokens, error) {
	t := &Tokens{issuers: map[string]external{}, cache: map[[sha256.Size]byte]verified{}}
	client := newClient(cfg)
	for _, e := range cfg.External {
		e, err := e.checked()
		if err != nil {
			return nil, err
		}
		if _, twice := t.issuers[e.Issuer]; twice {
			return nil, fmt.Errorf("the issuer of tokens %s is configured twice", e.Issuer)
		}
		t.issuers[e.Issuer] = external{cfg: e, issuer: newIssuer(e.Issuer, e.JWKSURL, client, clock)}
	}
	return t, nil
}

// Issued implements ports.ExternalTokens.
func (t *Tokens) Issued(token string) bool {
	_, ok := t.issuers[claimedIssuer(token)]
	return ok
}

// Verify implements ports.ExternalTokens. A token that was found good is not
// checked again for a while, but for its expiry.
func (t *Tokens) Verify(ctx context.Context, raw string, now time.Time) (ports.ExternalUser, error) {
	key := sha256.Sum256([]byte(raw))
	if user, ok := t.cached(key, now); ok {
		return user, nil
	}
	e, ok := t.issuers[claimedIssuer(raw)]
	if !ok {
		return ports.ExternalUser{}, unauthenticated(errors.New("a token of nobody who is configured"))
	}
	tok, err := e.issuer.verify(ctx, raw, e.cfg.Audience, accessTokenTypes, now)
	if err != nil {
		return ports.ExternalUser{}, err
	}
	if azp := tok.claims.text("azp"); len(e.cfg.AuthorizedParties) > 0 && !slices.Contains(e.cfg.AuthorizedParties, azp) {
		return ports.ExternalUser{}, unauthenticated(fmt.Errorf("a token issued to %q", azp))
	}
	user := tok.claims.user(e.cfg.Issuer, tok.Subject, e.cfg.Claims)
	user.Until = tok.Expiry.UTC()
	t.keep(key, verified{user: user, until: earlier(tok.Expiry, now.Add(cachedFor))}, now)
	return user, nil
}

func (t *Tokens) cached(key [sha256.Size]byte, now time.Time) (ports.ExternalUser, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	v, ok := t.cache[key]
	return v.user, ok && now.Before(v.until)
}

// keep stores what a token says. A full cache first loses what has expired, and
// if that was nothing, an eighth at random: what is lost is only verified again.
func (t *Tokens) keep(key [sha256.Size]byte, v verified, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.cache) >= maxCached {
		for k, v := range t.cache {
			if !now.Before(v.until) {
				delete(t.cache, k)
			}
		}
		for k := range t.cache {
			if len(t.cache) < maxCached-maxCached/8 {
				break
			}
			delete(t.cache, k)
		}
	}
	t.cache[key] = v
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
