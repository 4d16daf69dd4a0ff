package identity

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

var ticketRate = core.Rate{Name: "ticket", Burst: 60, Period: 10 * time.Minute}

// ChangePassword replaces the password of a user who knows the present one, and
// ends all other sessions. A user who has none yet gets core.ErrNoPassword: the
// first one is set with a mailed link, since a borrowed session must not become
// a lasting way in.
func (s *Service) ChangePassword(ctx context.Context, a core.Actor, current, next string) error {
	u, err := s.Me(ctx, a)
	if err != nil {
		return err
	}
	if err := core.CheckPassword("body.new_password", next); err != nil {
		return err
	}
	if u.PasswordHash == "" {
		return core.ErrNoPassword
	}
	if err := s.checkCurrent(ctx, a, u, current); err != nil {
		return err
	}
	hash, err := s.passwords.Hash(ctx, next)
	if err != nil {
		return err
	}
	now := s.clock.Now()
	return s.store.Update(ctx, func(tx ports.Tx) error {
		proven := u.PasswordHash
		if u, err = tx.Users.Lock(ctx, a.UserID); err != nil {
			return err
		}
		if u.PasswordHash != proven {
			return core.ErrWrongPassword
		}
		if err := s.setPassword(ctx, tx, u, hash, a.SessionID, now); err != nil {
			return err
		}
		return s.record(ctx, tx, u, a.From, "user.password_changed", userTarget(u), nil)
	})
}

// checkCurrent asks for the password before something that a stranger at an
// open session must not do.
func (s *Service) checkCurrent(ctx context.Context, a core.Actor, u *core.User, password string) error {
	if u.PasswordHash == "" {
		return nil // signs in elsewhere only
	}
	pair := u.Email + " " + a.From.Network
	if err := s.take(ctx, loginPairRate, pair, s.clock.Now()); err != nil {
		return err
	}
	ok, err := s.passwords.Verify(ctx, u.PasswordHash, password)
	if err != nil {
		return err
	}
	if !ok {
		return core.ErrWrongPassword
	}
	return s.limiter.Forget(ctx, loginPairRate, pair)
}

func (s *Service) setPassword(ctx context.Context, tx ports.Tx, u *core.User, hash string, keep core.SessionID, now time.Time) error {
	u.ChangePassword(hash, now)
	if err := tx.Users.Save(ctx, u); err != nil {
		return err
	}
	if err := tx.Tickets.DropOf(ctx, core.ResetPassword, u.ID); err != nil {
		return err
	}
	return tx.Sessions.RevokeOf(ctx, u.ID, keep, now)
}

// Reset sets a new password with a mailed token, and ends all sessions. Who
// has the token has read the mail, so the address is verified, too.
func (s *Service) Reset(ctx context.Context, token, password string, from core.Client) error {
	now := s.clock.Now()
	if err := s.take(ctx, ticketRate, from.Network, now); err != nil {
		return err
	}
	if err := core.CheckPassword("body.password", password); err != nil {
		return err
	}
	hash, err := s.passwords.Hash(ctx, password)
	if err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx ports.Tx) error {
		t, err := tx.Tickets.Take(ctx, core.ResetPassword, hashToken(token), now)
		if err != nil {
			return err
		}
		u, err := tx.Users.Lock(ctx, t.UserID)
		if err != nil {
			return err
		}
		if u.Email != t.Email || u.Disabled() {
			return core.ErrTicketInvalid
		}
		var changes map[string]core.Change
		if !u.Verified() { // whoever signed up with the address knew its second factor, too
			u.EmailVerifiedAt, u.TOTP = now, core.TOTP{}
			changes = nowVerified()
		}
		if err := s.setPassword(ctx, tx, u, hash, core.SessionID{}, now); err != nil {
			return err
		}
		return s.record(ctx, tx, u, from, "user.password_reset", userTarget(u), changes)
	})
}

// VerifyEmail records that the user of a mailed token owns the address.
func (s *Service) VerifyEmail(ctx context.Context, token string, from core.Client) error {
	now := s.clock.Now()
	if err := s.take(ctx, ticketRate, from.Network, now); err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx ports.Tx) error {
		t, err := tx.Tickets.Take(ctx, core.VerifyEmail, hashToken(token), now)
		if err != nil {
			return err
		}
		u, err := tx.Users.Lock(ctx, t.UserID)
		if err != nil {
			return err
		}
		if u.Email != t.Email {
			return core.ErrTicketInvalid
		}
		if u.Verified() {
			return nil
		}
		u.Verify(now)
		if err := tx.Users.Save(ctx, u); err != nil {
			return err
		}
		return s.record(ctx, tx, u, from, "user.email_verified", userTarget(u), nowVerified())
	})
}

func nowVerified() map[string]core.Change {
	return map[string]core.Change{"email_verified": {From: false, To: true}}
}

// ResendVerification mails the link again, unless the address is verified.
func (s *Service) ResendVerification(ctx context.Context, a core.Actor) error {
	u, err := s.Me(ctx, a)
	if err != nil || u.Verified() {
		return err
	}
	now := s.clock.Now()
	if err := s.take(ctx, mailEmailRate, u.Email, now); err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx ports.Tx) error { return s.mailVerification(ctx, tx, u, now) })
}

func (s *Service) mailVerification(ctx context.Context, tx ports.Tx, u *core.User, now time.Time) error {
	token := s.secrets.Token()
	err := tx.Tickets.Add(ctx, &core.Ticket{
		Hash: hashToken(token), Kind: core.VerifyEmail, UserID: u.ID, Email: u.Email, CreatedAt: now, ExpiresAt: now.Add(core.VerifyEmailTTL),
	})
	if err != nil {
		return err
	}
	return app.EnqueueMail(ctx, tx, s.secrets, ports.Mail{
		To: u.Email, Subject: "Confirm your e-mail address",
		Text: fmt.Sprintf("Welcome to Coffer.\n\nTo confirm this address, open:\n%s\n\nThe link is good for 48 hours.\n", s.link("verify-email", token)),
	})
}

func (s *Service) link(page, token string) string {
	return s.opts.LinkURL + "/" + page + "?token=" + url.QueryEscape(token)
}
