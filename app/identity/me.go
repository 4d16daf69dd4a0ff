package identity

import (
	"context"
	"slices"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Rename gives the user another name. ifMatch is the version the client has
// seen, 0 for any.
func (s *Service) Rename(ctx context.Context, a core.Actor, name string, ifMatch int64) (u *core.User, err error) {
	if _, err := s.Me(ctx, a); err != nil {
		return nil, err
	}
	name, err = core.CleanTitle("body.name", name, s.text.NFC)
	if err != nil {
		return nil, err
	}
	err = s.store.Update(ctx, func(tx ports.Tx) (err error) {
		if u, err = tx.Users.Lock(ctx, a.UserID); err != nil {
			return err
		}
		if ifMatch != 0 && ifMatch != u.Version {
			return core.ErrStale
		}
		before := u.Name
		u.Rename(name, s.clock.Now())
		if err := tx.Users.Save(ctx, u); err != nil || before == name {
			return err
		}
		return s.record(ctx, tx, u, a.From, "user.updated", userTarget(u), map[string]core.Change{"name": {From: before, To: name}})
	})
	return u, err
}

// Accounts returns the user's accounts with their orgs, by org.
func (s *Service) Accounts(ctx context.Context, a core.Actor) (all []ports.Membership, err error) {
	if _, err := s.Me(ctx, a); err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		all, err = tx.Accounts.OfUser(ctx, a.UserID, "")
		return err
	})
	return all, err
}

// Sessions returns the user's live sessions, by id.
func (s *Service) Sessions(ctx context.Context, a core.Actor) (live []*core.Session, err error) {
	if _, err := s.Me(ctx, a); err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		live, err = tx.Sessions.ListOf(ctx, a.UserID, s.clock.Now())
		return err
	})
	return live, err
}

// EndSessions ends one of the user's sessions, or, if id is zero, all but the
// one that asks. It returns core.ErrNotFound for a session that is not the user's.
func (s *Service) EndSessions(ctx context.Context, a core.Actor, id core.SessionID) error {
	u, err := s.Me(ctx, a)
	if err != nil {
		return err
	}
	now := s.clock.Now()
	return s.store.Update(ctx, func(tx ports.Tx) error {
		if id.IsZero() {
			if err := tx.Sessions.RevokeOf(ctx, a.UserID, a.SessionID, now); err != nil {
				return err
			}
			return s.record(ctx, tx, u, a.From, "session.ended", userTarget(u), nil) // all others
		}
		live, err := tx.Sessions.ListOf(ctx, a.UserID, now)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(live, func(session *core.Session) bool { return session.ID == id }) {
			return core.ErrNotFound
		}
		if err := tx.Sessions.Revoke(ctx, id, now); err != nil {
			return err
		}
		return s.record(ctx, tx, u, a.From, "session.ended", sessionTarget(id), nil)
	})
}

// SwitchOrg returns an access token whose active org is another one of the
// user's. The session and its refresh token stay; without one it returns
// core.ErrSessionRequired.
func (s *Service) SwitchOrg(ctx context.Context, a core.Actor, org core.OrgID) (Tokens, error) {
	f, err := s.access.ForOrg(ctx, a, org)
	if err != nil {
		return Tokens{}, err
	}
	if err := core.CanInOrg(f, core.ViewOrg); err != nil {
		return Tokens{}, err
	}
	if a.SessionID.IsZero() {
		return Tokens{}, core.ErrSessionRequired
	}
	access, err := s.issue(a.UserID, a.SessionID, org, s.clock.Now())
	return Tokens{AccessToken: access, ExpiresIn: s.opts.AccessTTL}, err
}
