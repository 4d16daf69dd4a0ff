package dataset

import (
	"context"
	"errors"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const (
	jobPage    = 100   // things that are looked for at a time
	purgeBatch = 2_000 // rows that one unit of work removes
	fileBatch  = 200   // files that one unit of work lets go of
)

// Tidy is the job that ends sessions whose time is over, opens those again whose
// publisher has died, and frees what sessions without a version have brought.
type Tidy struct{}

// Kind implements ports.Job.
func (Tidy) Kind() string { return "dataset.tidy" }

// Tidy does one thing after the other; what fails does not keep the rest.
func (s *Service) Tidy(ctx context.Context, _ Tidy) error {
	return errors.Join(s.endSessions(ctx), s.release(ctx), ctx.Err())
}

// paged calls do with all that list finds, page by page. What fails is told of at
// the end.
func paged[T, ID any](ctx context.Context, s *Service, list func(tx ports.Tx, after ID) ([]T, error), id func(T) ID, do func(T) error) error {
	var failed []error
	var after ID
	for ctx.Err() == nil {
		var page []T
		err := s.Store.View(ctx, func(tx ports.Tx) (err error) {
			page, err = list(tx, after)
			return err
		})
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		for _, x := range page {
			after = id(x)
			failed = append(failed, do(x))
		}
		if len(page) < jobPage {
			break
		}
	}
	return errors.Join(failed...)
}

func sessionID(x *core.IngestSession) core.IngestSessionID { return x.ID }

func (s *Service) endSessions(ctx context.Context) error {
	now := s.Clock.Now()
	return paged(ctx, s, func(tx ports.Tx, after core.IngestSessionID) ([]*core.IngestSession, error) {
		return tx.IngestSessions.Due(ctx, now, after, jobPage)
	}, sessionID, func(due *core.IngestSession) error {
		return s.Store.Update(ctx, func(tx ports.Tx) error {
			session, err := tx.IngestSessions.Lock(ctx, due.OrgID, due.ID)
			if err != nil {
				return gone(err)
			}
			switch {
			case session.Working(now):
				return nil
			case session.Expired(now):
				return closeSession(ctx, tx, session, core.IngestExpired, now)
			case session.Status != core.IngestPublishing:
				return nil
			}
			left := session.VersionID
			session.Reopen()
			if err := tx.IngestSessions.Save(ctx, session); err != nil {
				return err
			}
			return discard(ctx, tx, left, now)
		})
	})
}

// release lets go of the files of sessions that are over: of those without a
// version at once, of others once nobody asks again whether they are published.
func (s *Service) release(ctx context.Context) error {
	until := s.Clock.Now().Add(-core.SessionLifetime)
	return paged(ctx, s, func(tx ports.Tx, after core.IngestSessionID) ([]*core.IngestSession, error) {
		return tx.IngestSessions.Released(ctx, until, after, jobPage)
	}, sessionID, func(session *core.IngestSession) error {
		for done := false; !done && ctx.Err() == nil; {
			err := s.Store.Update(ctx, func(tx ports.Tx) (err error) {
				done, err = s.releaseSome(ctx, tx, session)
				return err
			})
			if err != nil {
				return gone(err)
			}
		}
		return nil
	})
}

func (s *Service) releaseSome(ctx context.Context, tx ports.Tx, session *core.IngestSession) (done bool, err error) {
	d, err := tx.Datasets.Get(ctx, session.OrgID, session.DatasetID)
	if err != nil {
		return false, err // deleted: all of it goes
	}
	if err := tx.Drives.Lock(ctx, d.OrgID, true, d.DriveID); err != nil {
		return false, err
	}
	files, err := tx.IngestSessions.Files(ctx, session.ID, "", fileBatch)
	if err != nil {
		return false, err
	}
	paths, assets := make([]string, len(files)), make([]core.AssetID, len(files))
	for i, f := range files {
		paths[i], assets[i] = f.Path, f.AssetID
	}
	unused, err := tx.IngestSessions.Unused(ctx, d.DriveID, session.ID, assets)
	if err != nil {
		return false, err
	}
	for _, id := range unused {
		if err := s.remove(ctx, tx, d, id); err != nil {
			return false, err
		}
	}
	return len(files) < fileBatch, tx.IngestSessions.DropFiles(ctx, session.ID, paths)
}

// remove removes a file that nothing of the dataset shows, unless it was sold.
func (s *Service) remove(ctx context.Context, tx ports.Tx, d *core.Dataset, id core.AssetID) error {
	now := s.Clock.Now()
	e, err := tx.Nodes.Get(ctx, d.DriveID, id)
	if err != nil {
		return gone(err)
	}
	if live, err := tx.Entitlements.LiveBelow(ctx, &e.Node, now); err != nil || live > 0 {
		return err
	}
	if e.File.Status == core.AssetReady { // others hear of a file once it has bytes
		if err := tx.Changes.Add(ctx, core.Changed(core.ChangePurged, &e.Node, now)); err != nil {
			return err
		}
	}
	left, err := tx.Assets.Purge(ctx, d.OrgID, id)
	if err != nil {
		return gone(err)
	}
	who, by := itself(d.OrgID)
	entry := app.Audited(s.IDs.NewID(), who, by, "asset.purged", app.Target{Kind: "asset", ID: id.String()}, map[string]core.Change{"name": {From: e.Node.Name}}, now)
	return errors.Join(tx.Audit.Add(ctx, entry), app.EnqueueRemoval(ctx, tx, left))
}

// Purge is the job that removes versions that were not published, and datasets
// that were deleted.
type Purge struct{}

// Kind implements ports.Job.
func (Purge) Kind() string { return "dataset.purge" }

// Purge removes rows in small units, so that it may be killed at any moment.
func (s *Service) Purge(ctx context.Context, _ Purge) error {
	versions := paged(ctx, s, func(tx ports.Tx, after core.DatasetVersionID) ([]core.DatasetVersion, error) {
		return tx.DatasetPurges.Discarded(ctx, after, jobPage)
	}, func(v core.DatasetVersion) core.DatasetVersionID { return v.ID }, func(v core.DatasetVersion) error {
		return s.strip(ctx, func(tx ports.Tx) (bool, error) { return tx.DatasetPurges.StripVersion(ctx, v.ID, purgeBatch) })
	})
	datasets := paged(ctx, s, func(tx ports.Tx, after core.DatasetID) ([]core.Dataset, error) {
		return tx.DatasetPurges.Deleted(ctx, after, jobPage)
	}, func(d core.Dataset) core.DatasetID { return d.ID }, func(d core.Dataset) error {
		return s.strip(ctx, func(tx ports.Tx) (bool, error) { return s.stripDataset(ctx, tx, &d) })
	})
	return errors.Join(versions, datasets, ctx.Err())
}

// strip removes some, again and again, until that was all.
func (s *Service) strip(ctx context.Context, some func(tx ports.Tx) (bool, error)) error {
	for done := false; !done && ctx.Err() == nil; {
		err := s.Store.Update(ctx, func(tx ports.Tx) (err error) {
			done, err = some(tx)
			return err
		})
		if err != nil {
			return gone(err)
		}
	}
	return nil
}

// stripDataset removes a part of a deleted dataset. Its drive is deleted with the
// last of it, unless something there is sold or shown by another dataset: then
// it is a drive like any other.
func (s *Service) stripDataset(ctx context.Context, tx ports.Tx, d *core.Dataset) (done bool, err error) {
	if _, err := tx.Accounts.Roster(ctx, d.OrgID); err != nil {
		return false, err
	}
	if err := tx.Drives.Lock(ctx, d.OrgID, true, d.DriveID); err != nil {
		return false, err
	}
	if done, err = tx.DatasetPurges.Strip(ctx, d.ID, purgeBatch); err != nil || !done {
		return false, err
	}
	drive, err := tx.Drives.Get(ctx, d.OrgID, d.DriveID)
	if err != nil {
		return true, gone(err)
	}
	now := s.Clock.Now()
	live, err := tx.Entitlements.LiveBelow(ctx, core.NewRoot(drive), now)
	if err != nil {
		return false, err
	}
	shown, err := tx.Datasets.ShownBelow(ctx, core.NewRoot(drive), d.ID)
	if err != nil || live+shown > 0 {
		return true, err
	}
	o, err := tx.Orgs.Get(ctx, d.OrgID)
	if err != nil || drive.CheckDelete(o) != nil { // the org's default drive by now
		return true, err
	}
	if err := drive.Delete(o, now); err != nil {
		return false, err
	}
	return true, tx.Drives.Save(ctx, drive)
}

// gone makes it no error that something has been removed already.
func gone(err error) error {
	if errors.Is(err, core.ErrNotFound) {
		return nil
	}
	return err
}
