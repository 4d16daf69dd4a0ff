package identity

import (
	"context"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Tries at a password are limited for each address of a client together with
// each e-mail address, so that a stranger cannot lock somebody out; and, far
// more generously, for either alone. None is ever a permanent lock.
var (
	loginPairRate    = core.Rate{Name: "login", Burst: 10, Period: 10 * time.Minute}
	loginEmailRate   = core.Rate{Name: "login-email", Burst: 1000, Period: time.Hour}
	loginAddressRate = core.Rate{Name: "login-address", Burst: 300, Period: 10 * time.Minute}
)

// LogInInput is who says to be whom.
type LogInInput struct {
	Email    string
	Password string
	TOTPCode string // of a user who has a second factor: a code, or a recovery code
	From     core.Client
}

// LogIn begins a session. An unknown address and a wrong password are the same
// core.ErrInvalidCredentials, after the same work. With a second factor a code
// is needed, too: core.ErrTOTPRequired, core.ErrTOTPWrong.
func (s *Service) LogIn(ctx context.Context, in LogInInput) (Tokens, error) {
	now := s.clock.Now()
	email, err := core.CleanEmail("body.email", in.Email, s.text.NFC)
	if err != nil || len(in.Password) > core.MaxPasswordBytes {
		return Tokens{}, core.ErrInvalidCredentials
	}
	pair := email + " " + in.From.Network
	if err := s.limitLogin(ctx, email, pair, in.From.Network, now); err != nil {
		return Tokens{}, err
	}
	var u *core.User
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		u, err = tx.Users.ByEmail(ctx, email)
		return err
	})
	if errors.Is(err, core.ErrNotFound) {
		u, err = &core.User{}, nil
	}
	if err != nil {
		return Tokens{}, err
	}
	ok, err := s.passwords.Verify(ctx, u.PasswordHash, in.Password)
	switch {
	case err != nil:
		return Tokens{}, err
	case !ok || u.ID.IsZero():
		return Tokens{}, core.ErrInvalidCredentials
	case u.Disabled():
		return Tokens{}, core.ErrUserDisabled
	case u.TOTP.Enabled() && in.TOTPCode == "":
		return Tokens{}, core.ErrTOTPRequired
	case u.TOTP.Enabled():
		if err := s.second(ctx, u.ID, in.TOTPCode, nil); err != nil {
			return Tokens{}, err
		}
	}
	session, tokens, err := s.grant(u.ID, u.PersonalOrgID, in.From, now)
	if err != nil {
		return Tokens{}, err
	}
	if err := s.store.Update(ctx, func(tx ports.Tx) error {
		fresh, err := tx.Users.Lock(ctx, u.ID) // a change of password comes before or after, never between
		if errors.Is(err, core.ErrNotFound) {
			return core.ErrInvalidCredentials // gone at this moment
		}
		if err != nil {
			return err
		}
		if fresh.PasswordHash != u.PasswordHash {
			return core.ErrInvalidCredentials
		}
		if err := tx.Sessions.Add(ctx, session); err != nil {
			return err
		}
		return s.record(ctx, tx, fresh, in.From, "session.begun", sessionTarget(session.ID), nil)
	}); err != nil {
		return Tokens{}, err
	}
	return tokens, s.limiter.Forget(ctx, loginPairRate, pair)
}

func (s *Service) limitLogin(ctx context.Context, email, pair, network string, now time.Time) error {
	for _, limit := range []struct {
		rate core.Rate
		key  string
	}{{loginAddressRate, network}, {loginPairRate, pair}, {loginEmailRate, email}} {
		if err := s.take(ctx, limit.rate, limit.key, now); err != nil {
			return err
		}
	}
	return nil
}

// Refresh exchanges a refresh token for new tokens. A token that was exchanged
// before means that somebody has a copy: its whole session ends, and the error
// is core.ErrRefreshReused.
func (s *Service) Refresh(ctx context.Context, token string, from core.Client) (Tokens, error) {
	now := s.clock.Now()
	next := s.secrets.Token()
	var session *core.Session
	var org core.OrgID
	reused := false
	err := s.store.Update(ctx, func(tx ports.Tx) (err error) {
		session, err = tx.Sessions.Rotate(ctx, ports.Rotation{
			OldHash: hashToken(token), NewHash: hashToken(next), From: from.Clipped(), Now: now, ExpiresAt: now.Add(s.opts.RefreshTTL),
		})
		if errors.Is(err, core.ErrRefreshReused) {
			reused = true
			return s.endReused(ctx, tx, session, from) // must commit, so it is no error here
		}
		if err != nil {
			return err
		}
		u, err := tx.Users.Get(ctx, session.UserID)
		if err != nil {
			return err
		}
		if u.Disabled() {
			return core.ErrUserDisabled
		}
		org = u.PersonalOrgID
		return nil
	})
	if err != nil {
		return Tokens{}, err
	}
	if reused {
		return Tokens{}, core.ErrRefreshReused
	}
	access, err := s.issue(session.UserID, session.ID, org, now)
	if err != nil {
		return Tokens{}, err
	}
	return Tokens{AccessToken: access, RefreshToken: next, ExpiresIn: s.opts.AccessTTL}, nil
}

// endReused ends a session whose refresh token came twice.
func (s *Service) endReused(ctx context.Context, tx ports.Tx, session *core.Session, from core.Client) error {
	if err := tx.Sessions.Revoke(ctx, session.ID, s.clock.Now()); err != nil {
		return err
	}
	u, err := tx.Users.Get(ctx, session.UserID)
	if err != nil {
		return err
	}
	why := map[string]core.Change{"reason": {To: core.ErrRefreshReused.Code}}
	return s.record(ctx, tx, u, from, "session.ended", sessionTarget(session.ID), why)
}

// LogOut ends the session of a refresh token, at once: its access tokens stop
// working with it. A token nobody knows is no error.
func (s *Service) LogOut(ctx context.Context, token string, from core.Client) error {
	now := s.clock.Now()
	return s.store.Update(ctx, func(tx ports.Tx) error {
		session, err := tx.Sessions.RevokeByToken(ctx, hashToken(token), now)
		if err != nil || session.ID.IsZero() {
			return err
		}
		u, err := tx.Users.Get(ctx, session.UserID)
		if err != nil {
			return err
		}
		return s.record(ctx, tx, u, from, "session.ended", sessionTarget(session.ID), nil)
	})
}
