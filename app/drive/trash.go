package drive

import (
	"context"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const (
	// reapBatch is how many nodes a unit of work removes: others wait for the
	// drive meanwhile.
	reapBatch = 200

	// maxMixed is how much of a folder is looked at before somebody who may
	// delete only what is theirs is told to ask an admin.
	maxMixed = 10_000

	// emptyNow is how much of a drive's trash a request removes by itself.
	emptyNow = 50
)

// Delete moves a node, with all that is in it, to the trash or, if permanent,
// removes it for good and gives back what it used: a file at once, a folder
// step by step, hidden from now on. ifMatch is the version the client has seen,
// 0 for any. A file that never had bytes has nothing to restore and goes for
// good.
func (s *Service) Delete(ctx context.Context, sc core.Scope, id core.NodeID, permanent bool, ifMatch int64) error {
	return s.store.Update(ctx, func(tx ports.Tx) error {
		if err := tx.Drives.Lock(ctx, sc.OrgID, true, sc.DriveID); err != nil {
			return err
		}
		n, t, err := s.change(ctx, tx, sc, id, ifMatch)
		if err != nil {
			return err
		}
		if err := s.canDelete(ctx, tx, sc, n); err != nil {
			return err
		}
		e, err := tx.Nodes.Get(ctx, sc.DriveID, id)
		if err != nil {
			return err
		}
		pending := n.Kind == core.KindAsset && e.File.Status == core.AssetPending
		switch {
		case permanent || pending:
			return s.purge(ctx, tx, sc, n)
		case n.Trashed():
			return nil
		case !t.Live():
			return core.ErrNodeTrashed
		}
		now := s.clock.Now()
		n.Trash(now)
		if err := tx.Nodes.Save(ctx, n); err != nil {
			return err
		}
		return s.did(ctx, tx, sc, core.ChangeTrashed, n, nil, now)
	})
}

// canDelete refuses those who may delete only what they have created a folder
// that holds other people's things.
func (s *Service) canDelete(ctx context.Context, tx ports.Tx, sc core.Scope, n *core.Node) error {
	if err := sc.CanDelete(n, false); err != nil || sc.Rights.DeleteAny || n.Kind != core.KindFolder {
		return err
	}
	mixed, err := tx.Subtrees.Mixed(ctx, sc.DriveID, n.ID, sc.By, maxMixed)
	if err != nil {
		return err
	}
	return sc.CanDelete(n, mixed)
}

// purge hides a node for good and removes the first of it; the rest is left to
// a job. It returns core.ErrSold if buyers have access to it, or to a part, and
// core.ErrDatasetUses if datasets show a part.
func (s *Service) purge(ctx context.Context, tx ports.Tx, sc core.Scope, n *core.Node) error {
	now := s.clock.Now()
	if err := checkUsed(ctx, tx, n, now); err != nil {
		return err
	}
	before := n.Version
	n.Purge(now)
	n.Version = before + 1
	if err := tx.Nodes.Save(ctx, n); err != nil {
		return err
	}
	details := map[string]core.Change{"name": {From: n.Name}}
	if err := s.did(ctx, tx, sc, core.ChangePurged, n, details, now); err != nil {
		return err
	}
	done, err := s.reap(ctx, tx, sc.DriveID, n.ID)
	if err != nil || done {
		return err
	}
	return tx.Jobs.Enqueue(ctx, Reap{OrgID: sc.OrgID, DriveID: sc.DriveID, NodeID: n.ID})
}

// checkUsed refuses to remove for good what buyers have, or datasets show, a part
// of.
func checkUsed(ctx context.Context, tx ports.Tx, n *core.Node, now time.Time) error {
	live, err := tx.Entitlements.LiveBelow(ctx, n, now)
	if err != nil {
		return err
	}
	if err := core.CheckRemoval(live); err != nil {
		return err
	}
	shown, err := tx.Datasets.ShownBelow(ctx, n, core.DatasetID{})
	if err != nil {
		return err
	}
	return core.CheckShown(shown)
}

// stays reports whether an error says that something cannot be removed yet.
func stays(err error) bool {
	return errors.Is(err, core.ErrSold) || errors.Is(err, core.ErrDatasetUses)
}

// reap removes some of what is purged, and lets its bytes go.
func (s *Service) reap(ctx context.Context, tx ports.Tx, drive core.DriveID, id core.NodeID) (done bool, err error) {
	left, done, err := tx.Subtrees.Reap(ctx, drive, id, reapBatch)
	if err != nil {
		return false, err
	}
	return done, app.EnqueueRemoval(ctx, tx, left)
}

// RestoreInput says where a node shall come back to.
type RestoreInput struct {
	ParentID core.NodeID // zero: where it was, or the scope's top if that is gone
	Name     *string     // nil: its own; a number is added if it is taken
}

// Restore takes a node, with all that was in it, out of the trash. It returns
// core.ErrNotTrashed.
func (s *Service) Restore(ctx context.Context, sc core.Scope, id core.NodeID, in RestoreInput) (e *ports.Entry, err error) {
	if err := sc.CanWrite(); err != nil {
		return nil, err
	}
	err = s.store.Update(ctx, func(tx ports.Tx) error {
		if err := tx.Drives.Lock(ctx, sc.OrgID, false, sc.DriveID); err != nil {
			return err
		}
		n, _, err := s.change(ctx, tx, sc, id, 0)
		if err != nil {
			return err
		}
		if !n.Trashed() {
			return core.ErrNotTrashed
		}
		before, now := *n, s.clock.Now()
		to := Target{Scope: sc, ParentID: in.ParentID, Name: in.Name, OnConflict: ConflictRename}
		if in.ParentID.IsZero() {
			to.ParentID = s.home(ctx, tx, sc, n)
		}
		if err := s.aim(ctx, tx, n, to, now); err != nil {
			return err
		}
		n.Restore(n.ParentID, n.Name, now)
		n.Version = before.Version + 1
		if err := tx.Nodes.Save(ctx, n); err != nil {
			return err
		}
		if err := s.did(ctx, tx, sc, core.ChangeRestored, n, moved(&before, n), now); err != nil {
			return err
		}
		e, err = tx.Nodes.Get(ctx, sc.DriveID, id)
		return err
	})
	return e, err
}

// home returns the folder that a node was trashed from, if it can go back
// there, else zero.
func (s *Service) home(ctx context.Context, tx ports.Tx, sc core.Scope, n *core.Node) core.NodeID {
	t, err := tx.Nodes.Trail(ctx, sc.DriveID, n.ParentID)
	if err != nil || !t.Within(sc.Root) || s.fits(ctx, tx, n, t) != nil {
		return core.NodeID{}
	}
	return n.ParentID
}

// EmptyTrash removes for good everything that is in a drive's trash now, but
// what buyers have access to. Much of it is left to a job.
func (s *Service) EmptyTrash(ctx context.Context, sc core.Scope) error {
	if err := sc.CanDeleteAny(); err != nil {
		return err
	}
	if !sc.Whole() {
		return core.ErrForbidden
	}
	now := s.clock.Now()
	last, err := s.empty(ctx, sc, untilThen(now), now, emptyNow)
	if err != nil || last == (ports.TrashPosition{}) {
		return err
	}
	return s.store.Update(ctx, func(tx ports.Tx) error {
		// What the job purges is in the audit log as the server's doing: this
		// says who wanted it.
		target := app.Target{Kind: "drive", ID: sc.DriveID.String()}
		if err := tx.Audit.Add(ctx, s.audited(sc, "drive.trash_emptied", target, nil, now)); err != nil {
			return err
		}
		return tx.Jobs.Enqueue(ctx, EmptyDrive{OrgID: sc.OrgID, DriveID: sc.DriveID, Before: now})
	})
}

// untilThen is the place in the trash before all that was there at a time.
func untilThen(t time.Time) ports.TrashPosition {
	return ports.TrashPosition{TrashedAt: t.Add(time.Microsecond)}
}

// empty purges a page of what was trashed until then, each in a unit of work of
// its own. What is sold stays. It returns where the next page begins, zero if
// that was all.
func (s *Service) empty(
	ctx context.Context, sc core.Scope, from ports.TrashPosition, until time.Time, limit int,
) (next ports.TrashPosition, err error) {
	var page []ports.Entry
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		page, err = tx.Listings.ListTrash(ctx, ports.TrashQuery{DriveID: sc.DriveID, Before: from, Limit: limit})
		return err
	})
	if err != nil {
		return from, err
	}
	for i := range page {
		n := &page[i].Node
		if err := s.discard(ctx, sc, n.ID, until); err != nil && !stays(err) {
			return from, err
		}
		next = ports.TrashPosition{TrashedAt: n.TrashedAt, ID: n.ID}
	}
	if len(page) < limit {
		return ports.TrashPosition{}, nil
	}
	return next, nil
}

// discard purges a node that was trashed until then, unless it is not in the
// trash any more.
func (s *Service) discard(ctx context.Context, sc core.Scope, id core.NodeID, until time.Time) error {
	return s.store.Update(ctx, func(tx ports.Tx) error {
		if err := tx.Drives.Lock(ctx, sc.OrgID, true, sc.DriveID); err != nil {
			return gone(err)
		}
		n, _, err := s.change(ctx, tx, sc, id, 0)
		if err != nil {
			return gone(err)
		}
		if !n.Trashed() || n.TrashedAt.After(until) {
			return nil
		}
		return s.purge(ctx, tx, sc, n)
	})
}
