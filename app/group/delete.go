package group

import (
	"context"
	"errors"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Delete deletes a group with those in it. It returns core.ErrStale and
// core.ErrGroupDeleted.
func (s *Service) Delete(ctx context.Context, a core.Actor, id core.GroupID, ifMatch int64) error {
	f, err := s.may(ctx, a, id, core.GroupDelete)
	if err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx ports.Tx) error {
		if err := tx.GroupTrees.Lock(ctx, f.OrgID); err != nil {
			return err
		}
		g, err := s.locked(ctx, tx, f, ifMatch)
		if err != nil {
			return err
		}
		if err := g.Delete(s.Clock.Now()); err != nil {
			return err
		}
		if err := tx.Groups.Save(ctx, g); err != nil {
			return err
		}
		if err := tx.GroupTrees.Delete(ctx, g); err != nil {
			return err
		}
		return s.did(ctx, tx, by{f.OrgFacts, a}, "group.deleted", g, map[string]core.Change{"name": {From: g.Name}}, nil)
	})
}

// Restore brings a deleted group back, with those that were deleted with it, to
// the top if the one it was in is not there any more. It returns
// core.ErrGroupNotDeleted.
func (s *Service) Restore(ctx context.Context, a core.Actor, id core.GroupID) (out Group, err error) {
	f, err := s.may(ctx, a, id, core.GroupDelete)
	if err != nil {
		return out, err
	}
	err = s.Store.Update(ctx, func(tx ports.Tx) error {
		if err := tx.GroupTrees.Lock(ctx, f.OrgID); err != nil {
			return err
		}
		g, err := tx.Groups.Lock(ctx, f.OrgID, id)
		if err != nil {
			return err
		}
		live, err := s.live(ctx, tx, g.OrgID, g.ParentID)
		if err != nil {
			return err
		}
		if err := core.CanRestoreGroup(f, !live && !g.ParentID.IsZero()); err != nil {
			return err
		}
		if err := g.Restore(live, s.opts.TrashRetention, s.Clock.Now()); err != nil {
			return err
		}
		if err := tx.Groups.Save(ctx, g); err != nil {
			return err
		}
		if err := tx.GroupTrees.Restore(ctx, g); err != nil {
			return err
		}
		if err := s.did(ctx, tx, by{f.OrgFacts, a}, "group.restored", g, map[string]core.Change{"name": {To: g.Name}}, nil); err != nil {
			return err
		}
		out, err = s.entry(ctx, tx, g)
		return err
	})
	return out, err
}

func (s *Service) live(ctx context.Context, tx ports.Tx, org core.OrgID, id core.GroupID) (bool, error) {
	if id.IsZero() {
		return false, nil
	}
	_, err := tx.GroupTrees.Trail(ctx, org, id)
	if errors.Is(err, core.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Purge is the job that removes groups which were deleted long enough ago.
type Purge struct{}

// Kind implements ports.Job.
func (Purge) Kind() string { return "group.purge" }

const purgeBatch = 200

// Purge works in small units, so it may be killed at any moment, and run twice
// at once: what it removes, nobody can restore any more.
func (s *Service) Purge(ctx context.Context, _ Purge) error {
	until := s.Clock.Now().Add(-s.opts.TrashRetention)
	for removed := 1; removed > 0 && ctx.Err() == nil; {
		err := s.Store.Update(ctx, func(tx ports.Tx) error {
			n, own, err := tx.Groups.Purge(ctx, until, purgeBatch)
			if err != nil {
				return err
			}
			removed = n
			for i := range own {
				g := &own[i]
				if err := s.record(ctx, tx, itself(g.OrgID), "group.purged", g, map[string]core.Change{"name": {From: g.Name}}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}
