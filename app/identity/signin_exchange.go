package identity

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// ExchangeSignIn returns the tokens of a sign-in whose browser was sent back
// with the code. It is good once, for a minute, and for who has the verifier.
func (s *Service) ExchangeSignIn(ctx context.Context, code, verifier string, from core.Client) (out Tokens, err error) {
	now := s.clock.Now()
	if err := s.take(ctx, ticketRate, from.Network, now); err != nil {
		return out, err
	}
	sum := sha256.Sum256([]byte(verifier))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	err = s.store.Update(ctx, func(tx ports.Tx) error {
		t, err := tx.Tickets.Take(ctx, core.SignIn, hashToken(code+"."+challenge), now)
		if err != nil {
			return err
		}
		u, err := tx.Users.Lock(ctx, t.UserID)
		if err != nil {
			return err
		}
		if u.Disabled() {
			return core.ErrUserDisabled
		}
		out, err = s.beginSession(ctx, tx, u, from, now)
		return err
	})
	return out, err
}

func (s *Service) beginSession(ctx context.Context, tx ports.Tx, u *core.User, from core.Client, now time.Time) (Tokens, error) {
	session, tokens, err := s.grant(u.ID, u.PersonalOrgID, from, now)
	if err != nil {
		return Tokens{}, err
	}
	if err := tx.Sessions.Add(ctx, session); err != nil {
		return Tokens{}, err
	}
	return tokens, s.record(ctx, tx, u, from, "session.begun", sessionTarget(session.ID), nil)
}
