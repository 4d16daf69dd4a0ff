package asset

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// landed is an upload whose bytes are there, and right.
type landed struct {
	upload  *core.Upload
	sum     []byte // nil: not known
	version *core.Version
	asset   *core.Asset // as it is with the version; with an error, as it was found
	err     error       // why it has not become a version
}

// place is a drive of an org.
type place struct {
	org   core.OrgID
	drive core.DriveID
}

// finish is the unit of work that makes uploads, each of another file of one
// drive, versions. All are claimed until held. Of one that is gone the error is
// core.ErrUploadNotFound; of one that somebody else has claimed since,
// core.ErrUploadBusy; of one whose file has gone to another drive, core.ErrStale.
func (s *Service) finish(ctx context.Context, in place, held time.Time, by author, all ...*landed) error {
	now := s.clock.Now()
	return s.store.Update(ctx, func(tx ports.Tx) error {
		here, err := endUploads(ctx, tx, in, held, all)
		if err != nil || len(here) == 0 {
			return err
		}
		versions, assets := make([]*core.Version, len(here)), make([]*core.Asset, len(here))
		for i, l := range here {
			l.version = l.upload.Finished(l.sum, now)
			versions[i], assets[i] = l.version, l.asset
		}
		if err := tx.Versions.Add(ctx, versions...); err != nil {
			return err
		}
		told := s.told(by, here, now)
		if err := tx.Assets.SaveMany(ctx, assets); err != nil {
			return err
		}
		if err := tx.Changes.Add(ctx, told.changes...); err != nil {
			return err
		}
		if err := app.Emit(ctx, tx, told.events...); err != nil {
			return err
		}
		if err := tx.Audit.Add(ctx, told.entries...); err != nil {
			return err
		}
		if err := s.want(ctx, tx, here, now); err != nil {
			return err
		}
		return follows(ctx, tx, here)
	})
}

// endUploads removes those of the uploads that can become versions now, and returns
// them.
func endUploads(ctx context.Context, tx ports.Tx, in place, held time.Time, all []*landed) ([]*landed, error) {
	if err := tx.Drives.Lock(ctx, in.org, false, in.drive); err != nil {
		return nil, err
	}
	ids := make([]core.AssetID, len(all))
	for i, l := range all {
		ids[i] = l.upload.AssetID
	}
	assets, err := tx.Assets.Many(ctx, in.org, ids)
	if err != nil {
		return nil, err
	}
	var uploads []core.UploadID
	for _, l := range all {
		l.asset, l.err = assets[l.upload.AssetID], nil
		switch {
		case l.asset == nil:
			l.err = core.ErrUploadNotFound
		case l.asset.DriveID != in.drive:
			l.err = core.ErrStale
		default:
			uploads = append(uploads, l.upload.ID)
		}
	}
	finished, busy, err := tx.Uploads.Finish(ctx, in.org, held, uploads...)
	if err != nil {
		return nil, err
	}
	why := make(map[core.UploadID]error, len(all))
	for _, id := range uploads {
		why[id] = core.ErrUploadNotFound
	}
	for _, id := range busy {
		why[id] = core.ErrUploadBusy
	}
	for _, id := range finished {
		delete(why, id)
	}
	var here []*landed
	for _, l := range all {
		if l.err == nil {
			l.err = why[l.upload.ID]
		}
		if l.err == nil {
			here = append(here, l)
		}
	}
	return here, nil
}

// news is what is told of files that have become ready.
type news struct {
	changes []core.NodeChange
	events  []*core.Event
	entries []*core.AuditEntry
}

// told makes the uploads versions of their files, and returns what is told of that.
func (s *Service) told(by author, all []*landed, now time.Time) news {
	n := news{make([]core.NodeChange, len(all)), make([]*core.Event, len(all)), make([]*core.AuditEntry, len(all))}
	for i, l := range all {
		kind := core.ChangeUpdated
		if l.asset.Status == core.AssetPending {
			kind = core.ChangeCreated
		}
		l.asset.Finish(l.version, now)
		n.changes[i] = core.Changed(kind, &l.asset.Node, now)
		n.events[i] = s.event("asset.uploaded", l.asset, now)
		n.entries[i] = s.entry(by, "asset.uploaded", l.asset.ID, map[string]core.Change{
			"name": {To: l.asset.Name}, "version": {To: l.version.Number}, "size_bytes": {To: l.version.SizeBytes},
		}, now)
	}
	return n
}

// follows leaves to jobs what remains to be done once uploads have become versions.
func follows(ctx context.Context, tx ports.Tx, all []*landed) error {
	var left ports.Remains
	var jobs []ports.Job
	uploads := make([]*core.Upload, len(all))
	for i, l := range all {
		uploads[i] = l.upload
		if l.upload.StagingKey != "" {
			left.BlobKeys = append(left.BlobKeys, l.upload.StagingKey)
		}
		if l.sum == nil {
			jobs = append(jobs, HashVersion{OrgID: l.upload.OrgID, AssetID: l.upload.AssetID, Number: l.upload.Number})
		}
	}
	if err := release(ctx, tx, left, uploads...); err != nil || len(jobs) == 0 {
		return err
	}
	return tx.Jobs.Enqueue(ctx, jobs...)
}

// release lets go of what uploads that have ended leave and, of those that were
// copies, of their sources if they were purged meanwhile: for the copies' sake the
// purge has left them alone.
func release(ctx context.Context, tx ports.Tx, left ports.Remains, uploads ...*core.Upload) error {
	var sources []string
	for _, u := range uploads {
		if u.SourceKey != "" {
			sources = append(sources, u.SourceKey)
		}
	}
	if len(sources) > 0 {
		free, err := tx.Versions.Unknown(ctx, sources)
		if err != nil {
			return err
		}
		left.BlobKeys = append(left.BlobKeys, free...)
	}
	return app.EnqueueRemoval(ctx, tx, left)
}
