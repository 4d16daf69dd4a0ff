package identity

import (
	"bytes"
	"context"
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const recoveryCodes = 10

// BeginTOTP gives the user a new secret for an authenticator app, as the URL
// it reads. It asks for the password; signing in asks for codes only after
// ConfirmTOTP.
func (s *Service) BeginTOTP(ctx context.Context, a core.Actor, password string) (url string, err error) {
	u, err := s.Me(ctx, a)
	if err != nil {
		return "", err
	}
	if err := s.checkCurrent(ctx, a, u, password); err != nil {
		return "", err
	}
	secret, url, err := s.otp.NewSecret(u.Email)
	if err != nil {
		return "", err
	}
	sealed, err := s.secrets.Seal(secret)
	if err != nil {
		return "", err
	}
	return url, s.store.Update(ctx, func(tx ports.Tx) error {
		u, err := tx.Users.Lock(ctx, a.UserID)
		if err != nil {
			return err
		}
		if u.TOTP.Enabled() {
			return core.ErrTOTPEnabled
		}
		u.SetTOTP(core.TOTP{Secret: sealed}, s.clock.Now())
		return tx.Users.Save(ctx, u)
	})
}

// ConfirmTOTP shows that the app has the secret, and returns recovery codes,
// each good once in place of a code. They are never shown again.
func (s *Service) ConfirmTOTP(ctx context.Context, a core.Actor, code string) (recovery []string, err error) {
	if _, err := s.Me(ctx, a); err != nil {
		return nil, err
	}
	now := s.clock.Now()
	if err := s.take(ctx, totpRate, a.UserID.String(), now); err != nil {
		return nil, err
	}
	err = s.store.Update(ctx, func(tx ports.Tx) error {
		u, err := tx.Users.Lock(ctx, a.UserID)
		if err != nil {
			return err
		}
		switch {
		case u.TOTP.Enabled():
			return core.ErrTOTPEnabled
		case u.TOTP.Secret == nil:
			return core.ErrNotFound
		}
		t, ok, err := s.checkCode(u.TOTP, code, now)
		if err != nil {
			return err
		}
		if !ok {
			return core.ErrTOTPWrong
		}
		t.ConfirmedAt, t.Recovery = now, nil
		for range recoveryCodes {
			const length = 16 // of base64url: 96 random bits
			plain := s.secrets.Token()[:length]
			recovery = append(recovery, plain)
			t.Recovery = append(t.Recovery, hashToken(plain))
		}
		u.SetTOTP(t, now)
		if err := tx.Users.Save(ctx, u); err != nil {
			return err
		}
		return s.record(ctx, tx, u, a.From, "user.totp_enabled", userTarget(u), nil)
	})
	return recovery, err
}

// RemoveTOTP takes the second factor away. It asks for the password and a code.
func (s *Service) RemoveTOTP(ctx context.Context, a core.Actor, password, code string) error {
	u, err := s.Me(ctx, a)
	if err != nil {
		return err
	}
	if err := s.checkCurrent(ctx, a, u, password); err != nil {
		return err
	}
	return s.second(ctx, u.ID, code, func(tx ports.Tx, u *core.User, now time.Time) error {
		u.SetTOTP(core.TOTP{}, now)
		return s.record(ctx, tx, u, a.From, "user.totp_disabled", userTarget(u), nil)
	})
}

// second checks the code of a user who has a second factor, spends it, and
// lets edit change the user. A code is good once, however many requests race.
func (s *Service) second(ctx context.Context, id core.UserID, code string, edit func(ports.Tx, *core.User, time.Time) error) error {
	now := s.clock.Now()
	if err := s.take(ctx, totpRate, id.String(), now); err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx ports.Tx) error {
		u, err := tx.Users.Lock(ctx, id)
		if err != nil {
			return err
		}
		if !u.TOTP.Enabled() {
			if edit != nil {
				return core.ErrNotFound
			}
			return nil
		}
		t, ok, err := s.checkCode(u.TOTP, code, now)
		if err != nil {
			return err
		}
		if !ok {
			return core.ErrTOTPWrong
		}
		before := u.Version
		u.SetTOTP(t, now)
		if edit != nil {
			if err := edit(tx, u, now); err != nil {
				return err
			}
		}
		u.Version = before + 1
		return tx.Users.Save(ctx, u)
	})
}

// checkCode returns the factor with the code spent.
func (s *Service) checkCode(t core.TOTP, code string, now time.Time) (core.TOTP, bool, error) {
	code = strings.TrimSpace(code)
	hash := sha256.Sum256([]byte(code))
	for i, known := range t.Recovery {
		if bytes.Equal(known, hash[:]) {
			t.Recovery = slices.Delete(slices.Clone(t.Recovery), i, i+1)
			return t, true, nil
		}
	}
	secret, err := s.secrets.Open(t.Secret)
	if err != nil {
		return t, false, err
	}
	step, ok := s.otp.Check(secret, code, now, t.LastStep)
	if ok {
		t.LastStep = step
	}
	return t, ok, nil
}

// totpRate makes guessing six digits hopeless: of 1,000,000 codes three are
// good at a time, and 20 tries an hour find one in some years.
var totpRate = core.Rate{Name: "totp", Burst: 20, Period: time.Hour}
