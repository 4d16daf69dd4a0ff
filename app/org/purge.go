package org

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Restore opens an org that was deleted again: for its owners, and for
// platform admins. To everybody else it is not there. It returns
// core.ErrOrgLive, core.ErrPersonalOrg, core.ErrOrgDeleted, core.ErrOrgOrphan.
func (s *Service) Restore(ctx context.Context, a core.Actor, id core.OrgID) error {
	u, err := s.user(ctx, a)
	if err != nil {
		return err
	}
	now := s.clock.Now()
	return s.store.Update(ctx, func(tx ports.Tx) error {
		roster, err := tx.Accounts.Roster(ctx, id)
		if err != nil {
			return err
		}
		o, err := tx.Orgs.Get(ctx, id)
		if err != nil {
			return err
		}
		f, by, err := s.restorer(ctx, tx, a, u, o)
		if err != nil {
			return err
		}
		if err := o.Restore(roster, s.opts.Retention, now); err != nil {
			return err
		}
		if err := tx.Orgs.Save(ctx, o); err != nil {
			return err
		}
		return s.record(ctx, tx, f, by, "org.restored", orgTarget(o), nil)
	})
}

// restorer returns who restores an org, as its audit log shall know them.
func (s *Service) restorer(ctx context.Context, tx ports.Tx, a core.Actor, u *core.User, o *core.Org) (core.OrgFacts, core.Actor, error) {
	f := core.OrgFacts{OrgID: o.ID, Email: u.Email}
	account, err := tx.Accounts.Of(ctx, o.ID, u.ID)
	switch {
	case err == nil:
		f.AccountID, f.Status, f.Role = account.ID, account.Status, account.Role
	case !errors.Is(err, core.ErrNotFound):
		return f, a, err
	}
	err = core.CanInOrg(f, core.DeleteOrg)
	if err != nil && u.PlatformAdmin {
		return core.OrgFacts{OrgID: o.ID}, core.Actor{Kind: core.ActorSystem, From: a.From}, nil
	}
	if errors.Is(err, core.ErrForbidden) && o.Deleted() { // a member, to whom it was closed
		err = core.ErrNotFound
	}
	return f, a, err
}

// Purge is the job that removes what deleted orgs have left.
type Purge struct{}

// Kind implements ports.Job.
func (Purge) Kind() string { return "org.purge" }

const (
	purgeOrgs  = 100 // that are looked for at a time
	purgeBatch = 500 // rows that one unit of work removes
)

// Purge removes orgs that were deleted long enough ago, for good. It works in
// small units, each of which leaves what fsck finds in order; so it may be
// killed at any moment, and run twice at once. One org that cannot be purged
// does not keep the others.
func (s *Service) Purge(ctx context.Context, _ Purge) error {
	var failed []error
	var after core.OrgID
	limit := s.clock.Now().Add(-s.opts.Retention)
	for {
		var due []core.OrgID
		err := s.store.View(ctx, func(tx ports.Tx) (err error) {
			due, err = tx.Purges.Due(ctx, limit, after, purgeOrgs)
			return err
		})
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		for _, id := range due {
			after = id
			if err := s.purge(ctx, id); err != nil {
				failed = append(failed, fmt.Errorf("org %s: %w", id, err))
			}
			if ctx.Err() != nil {
				return errors.Join(failed...)
			}
		}
		if len(due) < purgeOrgs {
			return errors.Join(failed...)
		}
	}
}

func (s *Service) purge(ctx context.Context, id core.OrgID) error {
	for done := false; !done; {
		err := s.store.Update(ctx, func(tx ports.Tx) error {
			o, err := tx.Purges.Lock(ctx, id)
			if err != nil {
				return err
			}
			before := o.Version
			if !o.Purge(s.opts.Retention, s.clock.Now()) {
				done = true // restored meanwhile
				return nil
			}
			if o.Version != before {
				return tx.Orgs.Save(ctx, o) // nothing else yet: from here on nobody restores it
			}
			left, gone, err := tx.Purges.Step(ctx, id, purgeBatch)
			if err != nil {
				return err
			}
			done = gone
			return app.EnqueueRemoval(ctx, tx, left)
		})
		if errors.Is(err, core.ErrNotFound) {
			return nil // another server was faster
		}
		if err != nil {
			return err
		}
	}
	return nil
}
