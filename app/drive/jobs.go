package drive

import (
	"context"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Reap is the job that removes a purged folder with all that is in it.
type Reap struct {
	OrgID   core.OrgID   `json:"org_id"`
	DriveID core.DriveID `json:"drive_id"`
	NodeID  core.NodeID  `json:"node_id"`
}

// Kind implements ports.Job.
func (Reap) Kind() string { return "drive.reap" }

// Reap removes some nodes at a time, so that nobody waits long for the drive,
// and goes on where an earlier attempt was cut off.
func (s *Service) Reap(ctx context.Context, job Reap) error {
	for done := false; !done; {
		err := s.store.Update(ctx, func(tx ports.Tx) (err error) {
			if err = tx.Drives.Lock(ctx, job.OrgID, true, job.DriveID); err != nil {
				return err
			}
			done, err = s.reap(ctx, tx, job.DriveID, job.NodeID)
			return err
		})
		if err != nil {
			return gone(err)
		}
	}
	return nil
}

// EmptyDrive is the job that purges what was in a drive's trash.
type EmptyDrive struct {
	OrgID   core.OrgID   `json:"org_id"`
	DriveID core.DriveID `json:"drive_id"`
	Before  time.Time    `json:"before"`
}

// Kind implements ports.Job.
func (EmptyDrive) Kind() string { return "drive.empty_trash" }

// EmptyDrive purges page by page.
func (s *Service) EmptyDrive(ctx context.Context, job EmptyDrive) error {
	sc := core.Itself(job.OrgID, job.DriveID)
	for at := untilThen(job.Before); at != (ports.TrashPosition{}); {
		var err error
		if at, err = s.empty(ctx, sc, at, job.Before, reapBatch); err != nil {
			return err
		}
	}
	return nil
}

// Housekeep is the job that purges what has been in the trash long enough, goes
// on with what a crash has cut off, and forgets old changes.
type Housekeep struct{}

// Kind implements ports.Job.
func (Housekeep) Kind() string { return "drive.housekeep" }

const housekeepBatch = 500

// Housekeep does one thing after the other; what fails does not keep the rest.
func (s *Service) Housekeep(ctx context.Context, _ Housekeep) error {
	return errors.Join(s.discardOld(ctx), s.finishPurges(ctx), s.pruneChanges(ctx), ctx.Err())
}

func (s *Service) discardOld(ctx context.Context) error {
	until := s.clock.Now().Add(-s.opts.TrashRetention)
	return s.each(ctx, func(tx ports.Tx, limit int) ([]core.Node, error) {
		return tx.Listings.OldTrash(ctx, until, limit)
	}, func(n *core.Node) error {
		return s.discard(ctx, core.Itself(n.OrgID, n.DriveID), n.ID, until)
	})
}

func (s *Service) finishPurges(ctx context.Context) error {
	return s.each(ctx, func(tx ports.Tx, limit int) ([]core.Node, error) {
		return tx.Subtrees.Purging(ctx, limit)
	}, func(n *core.Node) error {
		return s.Reap(ctx, Reap{OrgID: n.OrgID, DriveID: n.DriveID, NodeID: n.ID})
	})
}

// each does something with nodes that are no longer listed once it is done.
// One that it fails for is passed over, and told of at the end; one that is sold,
// or shown by a dataset, is passed over.
func (s *Service) each(
	ctx context.Context, list func(tx ports.Tx, limit int) ([]core.Node, error), do func(n *core.Node) error,
) error {
	var failed []error
	passed := 0
	seen := make(map[core.NodeID]bool)
	for fresh := true; fresh && ctx.Err() == nil; {
		var page []core.Node
		err := s.store.View(ctx, func(tx ports.Tx) (err error) {
			page, err = list(tx, housekeepBatch+passed)
			return err
		})
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		fresh = false
		for i := range page {
			if seen[page[i].ID] {
				continue
			}
			seen[page[i].ID], fresh = true, true
			err := do(&page[i])
			if err != nil {
				passed++
			}
			if err != nil && !stays(err) {
				failed = append(failed, err)
			}
		}
	}
	return errors.Join(failed...)
}

func (s *Service) pruneChanges(ctx context.Context) error {
	until := s.clock.Now().Add(-s.opts.ChangeRetention)
	for ctx.Err() == nil {
		var n int
		err := s.store.Update(ctx, func(tx ports.Tx) (err error) {
			n, err = tx.Changes.Prune(ctx, until, housekeepBatch)
			return err
		})
		if err != nil || n < housekeepBatch {
			return err
		}
	}
	return nil
}

// gone makes it no error that something has been removed already.
func gone(err error) error {
	if errors.Is(err, core.ErrNotFound) {
		return nil
	}
	return err
}
