package identity

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Authenticate returns who a bearer token names. For a token of ours it does no
// I/O: whether the session still stands is decided with the request's other
// facts. A token of another issuer names the user whom that issuer knows so; at
// first sight the user is found by the verified address, or made. It returns
// core.ErrUnauthenticated, core.ErrEmailUnverified, core.ErrUserDisabled,
// core.ErrUnavailable, or core.RateLimited.
func (s *Service) Authenticate(ctx context.Context, token string, from core.Client) (core.Actor, error) {
	now := s.clock.Now()
	c, err := s.tokens.Verify(token, now)
	if err == nil {
		return core.Actor{Kind: core.ActorAccount, UserID: c.UserID, SessionID: c.SessionID, ActiveOrg: c.OrgID, Until: c.ExpiresAt, From: from}, nil
	}
	if !s.external.Issued(token) {
		return core.Actor{From: from}, err
	}
	who, err := s.external.Verify(ctx, token, now)
	if err != nil {
		return core.Actor{From: from}, err
	}
	return s.arrive(ctx, who, from, now)
}

// arrive returns the user whom an external issuer vouches for.
func (s *Service) arrive(ctx context.Context, who ports.ExternalUser, from core.Client, now time.Time) (core.Actor, error) {
	a, err := s.access.ForIdentity(ctx, who.Issuer, who.Subject)
	if errors.Is(err, core.ErrNotFound) {
		a, err = s.welcome(ctx, who, from, now)
	}
	if err != nil {
		return core.Actor{From: from}, err
	}
	a.From, a.Until = from, who.Until
	return a, nil
}

// welcome finds or makes the user of an identity that nobody has yet. Of several
// that arrive at once one makes the user, and the others find it.
func (s *Service) welcome(ctx context.Context, who ports.ExternalUser, from core.Client, now time.Time) (core.Actor, error) {
	email, err := core.VouchedEmail(who.Email, who.EmailVerified, s.text.NFC)
	if err != nil {
		return core.Actor{}, err
	}
	if err := s.take(ctx, signUpRate, from.Network, now); err != nil {
		return core.Actor{}, err
	}
	const tries = 4
	var u *core.User
	for range tries {
		err = s.store.Update(ctx, func(tx ports.Tx) (err error) {
			u, err = s.admit(ctx, tx, who, email, from, now)
			return err
		})
		if !errors.Is(err, core.ErrEmailTaken) && !errors.Is(err, core.ErrConflict) {
			break
		}
	}
	if err != nil {
		return core.Actor{}, err
	}
	return core.Actor{Kind: core.ActorAccount, UserID: u.ID, External: true, ActiveOrg: u.PersonalOrgID}, nil
}

// admit links an identity to the user with that address, which the issuer has
// verified. If the address was not verified here, whoever signed up with it had
// no right to: the user is taken from them first.
func (s *Service) admit(ctx context.Context, tx ports.Tx, who ports.ExternalUser, email string, from core.Client, now time.Time) (*core.User, error) {
	if known, err := tx.Identities.Get(ctx, who.Issuer, who.Subject); !errors.Is(err, core.ErrNotFound) { // since we looked
		if err != nil {
			return nil, err
		}
		return tx.Users.Get(ctx, known.UserID)
	}
	action := "user.identity_linked"
	u, err := tx.Users.ByEmail(ctx, email)
	switch {
	case errors.Is(err, core.ErrNotFound):
		action = "user.signed_up"
		u, err = s.addExternal(ctx, tx, who, email, now)
	case err == nil:
		u, err = tx.Users.Lock(ctx, u.ID)
		switch {
		case errors.Is(err, core.ErrNotFound): // gone while we waited
			return nil, core.ErrConflict
		case err != nil:
			return nil, err
		case u.Disabled():
			return nil, core.ErrUserDisabled
		case !u.Verified():
			action = "user.claimed"
			err = app.Claim(ctx, tx, u, now)
		}
	}
	if err != nil {
		return nil, err
	}
	if err := tx.Identities.Add(ctx, &core.Identity{Issuer: who.Issuer, Subject: who.Subject, UserID: u.ID, CreatedAt: now}); err != nil {
		return nil, err
	}
	changes := map[string]core.Change{"issuer": {To: who.Issuer}, "subject": {To: who.Subject}}
	return u, s.record(ctx, tx, u, from, action, userTarget(u), changes)
}

// addExternal makes a user as a sign-up does, with a verified address and
// without a password.
func (s *Service) addExternal(ctx context.Context, tx ports.Tx, who ports.ExternalUser, email string, now time.Time) (*core.User, error) {
	name, err := core.CleanTitle("name", who.Name, s.text.NFC)
	if err != nil {
		name, _, _ = strings.Cut(email, "@")
	}
	n := app.NewNewcomer(s.ids, email, name, "", now)
	n.User.EmailVerifiedAt = now
	return n.User, n.Add(ctx, tx)
}
