package drive

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// DeleteDrive hides a shared drive from everybody, for good, and leaves it to a
// job to remove what is in it: nothing, unless force. It returns
// core.ErrSold, core.ErrDatasetDrive, core.ErrDatasetUses, core.ErrDriveNotEmpty, core.ErrDefaultDrive, core.ErrPersonalDrive, and
// core.ErrStale if the drive is not at the version the client has seen (0: any).
func (s *Service) DeleteDrive(ctx context.Context, a core.Actor, id core.DriveID, force bool, ifMatch int64) error {
	f, org, err := s.deleter(ctx, a, id)
	if err != nil {
		return err
	}
	if !force { // first without keeping anybody from uploading: to count takes as long as there is much
		err := s.store.View(ctx, func(tx ports.Tx) error {
			if _, _, err := s.deletable(ctx, tx, f, id, ifMatch); err != nil {
				return err
			}
			return checkEmpty(ctx, tx, f.OrgID, id)
		})
		if err != nil {
			return err
		}
	}
	return s.store.Update(ctx, func(tx ports.Tx) error {
		if _, err := tx.Accounts.Roster(ctx, f.OrgID); err != nil {
			return err
		}
		if err := tx.Drives.Lock(ctx, f.OrgID, true, id); err != nil {
			return err
		}
		d, o, err := s.deletable(ctx, tx, f, id, ifMatch)
		if err != nil {
			return err
		}
		if !force {
			if err := checkEmpty(ctx, tx, f.OrgID, id); err != nil {
				return err
			}
		}
		if err := checkUsed(ctx, tx, core.NewRoot(d), s.clock.Now()); err != nil {
			return err
		}
		if err := d.Delete(o, s.clock.Now()); err != nil {
			return err
		}
		if err := tx.Drives.Save(ctx, d); err != nil {
			return err
		}
		changes := map[string]core.Change{"name": {From: d.Name}, "used_bytes": {From: d.UsedBytes}}
		if err := s.recordDrive(ctx, tx, org, a, "drive.deleted", id, changes); err != nil {
			return err
		}
		return tx.Jobs.Enqueue(ctx, RemoveDeleted{})
	})
}

// deleter returns the actor's standing in a drive that the actor may delete.
func (s *Service) deleter(ctx context.Context, a core.Actor, id core.DriveID) (core.DriveFacts, core.OrgFacts, error) {
	f, err := s.access.ForDrive(ctx, a, id)
	if err != nil {
		return f, core.OrgFacts{}, err
	}
	if err := core.CanInDrive(f, core.DriveViewer); err != nil {
		return f, core.OrgFacts{}, err
	}
	if f.Ownership != core.SharedDrive {
		return f, core.OrgFacts{}, core.ErrPersonalDrive
	}
	org, err := s.access.ForOrg(ctx, a, f.OrgID)
	if err != nil {
		return f, org, err
	}
	return f, org, core.CanInOrg(org, core.ManageDrives)
}

func (s *Service) deletable(
	ctx context.Context, tx ports.Tx, f core.DriveFacts, id core.DriveID, ifMatch int64,
) (*core.Drive, *core.Org, error) {
	d, err := tx.Drives.Get(ctx, f.OrgID, id)
	if err != nil {
		return nil, nil, err
	}
	if ifMatch != 0 && ifMatch != d.Version {
		return nil, nil, core.ErrStale
	}
	if _, err := tx.Datasets.ByDrive(ctx, f.OrgID, id); !errors.Is(err, core.ErrNotFound) {
		return nil, nil, errors.Join(err, core.ErrDatasetDrive)
	}
	o, err := tx.Orgs.Get(ctx, f.OrgID)
	if err == nil {
		err = d.CheckDelete(o)
	}
	return d, o, err
}

func checkEmpty(ctx context.Context, tx ports.Tx, org core.OrgID, id core.DriveID) error {
	c, err := tx.Drives.Contents(ctx, org, id)
	if err != nil {
		return err
	}
	return c.CheckEmpty()
}

// RemoveDeleted is the job that removes what deleted drives have left.
type RemoveDeleted struct{}

// Kind implements ports.Job.
func (RemoveDeleted) Kind() string { return "drive.remove_deleted" }

const (
	removeDrives = 100 // that are looked for at a time
	removeBatch  = 500 // rows that one unit of work removes
)

// RemoveDeleted removes deleted drives with all that is in them. It works in
// small units, each of which leaves what fsck finds in order; so it may be
// killed at any moment, and run twice at once. One drive that cannot be
// removed does not keep the others.
func (s *Service) RemoveDeleted(ctx context.Context, _ RemoveDeleted) error {
	var failed []error
	var after core.DriveID
	for {
		var due []core.Drive
		err := s.store.View(ctx, func(tx ports.Tx) (err error) {
			due, err = tx.Drives.Deleted(ctx, after, removeDrives)
			return err
		})
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		for i := range due {
			after = due[i].ID
			if err := s.removeDrive(ctx, &due[i]); err != nil {
				failed = append(failed, fmt.Errorf("drive %s: %w", due[i].ID, err))
			}
			if ctx.Err() != nil {
				return errors.Join(failed...)
			}
		}
		if len(due) < removeDrives {
			return errors.Join(failed...)
		}
	}
}

func (s *Service) removeDrive(ctx context.Context, d *core.Drive) error {
	for done := false; !done; {
		err := s.store.Update(ctx, func(tx ports.Tx) (err error) {
			done, err = removeSome(ctx, tx, d)
			return err
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

// removeSome removes a part of a deleted drive. The root goes with the drive
// itself: at no moment is there one without the other.
func removeSome(ctx context.Context, tx ports.Tx, d *core.Drive) (done bool, err error) {
	if err := tx.Drives.Lock(ctx, d.OrgID, true, d.ID); err != nil {
		return false, err
	}
	if stripped, err := tx.Drives.Strip(ctx, d.OrgID, d.ID, removeBatch); err != nil || !stripped {
		return false, err
	}
	left, done, err := tx.Subtrees.Reap(ctx, d.ID, core.RootOf(d.ID), removeBatch)
	if err != nil {
		return false, err
	}
	if err := app.EnqueueRemoval(ctx, tx, left); err != nil || !done {
		return false, err
	}
	return true, tx.Drives.Remove(ctx, d.OrgID, d.ID)
}
