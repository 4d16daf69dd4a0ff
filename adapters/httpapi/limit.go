package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/seed-755a8038/coffer/core"
)

// unlimited are the routes that are not counted: those of probes, and of pages.
var unlimited = map[string]bool{
	"/healthz": true, "/readyz": true, docsPath: true, documentPath + ".json": true, documentPath + ".yaml": true,
}

// limit counts the request against the rate of its user or its API key, or
// against its address's if it has neither, and says in the answer what is left.
func (s *server) limit(c echo.Context, req *request, now time.Time) error {
	if s.rate.Burst <= 0 || unlimited[c.Path()] {
		return nil
	}
	key := "address " + network(req.client.Address)
	if !req.actor.ByKey() || s.known.has(req.actor) {
		if name := callerName(req.actor); name != "" {
			key = name
		}
	}
	a, err := s.Limiter.Take(req.http.Context(), s.rate, key, now)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h["Ratelimit-Limit"] = []string{strconv.Itoa(a.Limit)}
	h["Ratelimit-Remaining"] = []string{strconv.Itoa(a.Remaining)}
	h["Ratelimit-Reset"] = []string{strconv.Itoa(int(math.Ceil(a.Reset.Seconds())))}
	if !a.OK {
		return core.RateLimited(a)
	}
	return nil
}

// limitLink counts a request against the rate of a share link, which many may
// use at once: far more than one address may.
func (s *server) limitLink(ctx context.Context, token string) error {
	const addresses = 50
	if s.rate.Burst <= 0 {
		return nil
	}
	r := core.Rate{Name: "share", Burst: s.rate.Burst * addresses, Period: s.rate.Period}
	sum := sha256.Sum256([]byte(token))
	a, err := s.Limiter.Take(ctx, r, "share "+hex.EncodeToString(sum[:]), s.Clock.Now())
	if err != nil {
		return err
	}
	if !a.OK {
		return core.RateLimited(a)
	}
	return nil
}

const (
	bearer   = "bearer "
	maxToken = 16 << 10 // bytes; those of other issuers may list many groups
)

// identify finds out who sends the request, as far as the credential tells.
func (s *server) identify(req *request, now time.Time) {
	if keys := req.http.Header[keyHeader]; len(keys) > 0 {
		req.identifyKey(keys, now)
		return
	}
	header := req.http.Header.Get("Authorization")
	if header == "" {
		req.denied = core.ErrUnauthenticated
		return
	}
	if len(header) < len(bearer) || !strings.EqualFold(header[:len(bearer)], bearer) {
		req.denied = core.ErrUnauthenticated.Say("the Authorization header must be: Bearer, a space, an access token")
		return
	}
	token := strings.TrimSpace(header[len(bearer):])
	if token == "" || len(token) > maxToken {
		req.denied = errToken
		return
	}
	req.actor, req.denied = s.Identity.Authenticate(req.http.Context(), token, req.client)
}

// errToken reports an access token that is none.
var errToken = core.ErrUnauthenticated.Say("the access token is not valid; sign in again or refresh it")
