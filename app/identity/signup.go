package identity

import (
	"context"
	"strings"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

var signUpRate = core.Rate{Name: "signup", Burst: 300, Period: time.Hour}

// SignUpInput is who wants to become a user.
type SignUpInput struct {
	Email    string
	Password string
	Name     string // empty: the address's part before the @
	From     core.Client
	Once     *app.Once
}

// SignedUp is everything that a new user has.
type SignedUp struct {
	app.Newcomer

	Tokens Tokens
}

// SignUp makes a user with a personal org, its owner account, a personal drive
// and a session, all or nothing. The org has the default licence, as any org
// without an assignment. It returns core.ErrEmailTaken, validation errors, or
// core.RateLimited.
func (s *Service) SignUp(ctx context.Context, in SignUpInput) (*SignedUp, error) {
	now := s.clock.Now()
	if err := s.take(ctx, signUpRate, in.From.Network, now); err != nil {
		return nil, err
	}
	email, name, err := s.clean(in)
	if err != nil {
		return nil, err
	}
	if err := in.Once.Find(ctx, s.store, s.secrets, now); err != nil {
		return nil, err
	}
	hash, err := s.passwords.Hash(ctx, in.Password)
	if err != nil {
		return nil, err
	}
	out := &SignedUp{Newcomer: app.NewNewcomer(s.ids, email, name, hash, now)}
	session, tokens, err := s.grant(out.User.ID, out.Org.ID, in.From, now)
	if err != nil {
		return nil, err
	}
	out.Tokens = tokens
	err = in.Once.Do(ctx, s.store, s.secrets, now, func(tx ports.Tx) error {
		if err := out.Add(ctx, tx); err != nil {
			return err
		}
		if err := tx.Sessions.Add(ctx, session); err != nil {
			return err
		}
		if err := tx.Audit.Add(ctx, s.entry(out.User, out.Account.ID, in.From, "user.signed_up", userTarget(out.User), nil)); err != nil {
			return err
		}
		if err := s.mailVerification(ctx, tx, out.User, now); err != nil {
			return err
		}
		return in.Once.Keep(ctx, tx, s.secrets, out, now)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Service) clean(in SignUpInput) (email, name string, err error) {
	if email, err = core.CleanEmail("body.email", in.Email, s.text.NFC); err != nil {
		return "", "", err
	}
	if err = core.CheckPassword("body.password", in.Password); err != nil {
		return "", "", err
	}
	if strings.TrimSpace(in.Name) == "" {
		in.Name, _, _ = strings.Cut(email, "@")
	}
	name, err = core.CleanTitle("body.name", in.Name, s.text.NFC)
	return email, name, err
}

// take asks a limiter and turns a refusal into an error.
func (s *Service) take(ctx context.Context, r core.Rate, key string, now time.Time) error {
	a, err := s.limiter.Take(ctx, r, key, now)
	if err != nil {
		return err
	}
	if !a.OK {
		return core.RateLimited(a)
	}
	return nil
}
