package asset

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// RemoveBlobs is the job that removes bytes nothing refers to any more.
type RemoveBlobs struct {
	Keys       []string          `json:"keys"`
	Multiparts []ports.Multipart `json:"multiparts,omitempty"`
}

// Kind implements ports.Job.
func (RemoveBlobs) Kind() string { return "asset.remove_blobs" }

// RemoveBlobs aborts multipart uploads, then deletes blobs.
func (s *Service) RemoveBlobs(ctx context.Context, job RemoveBlobs) error {
	for _, m := range job.Multiparts {
		if err := s.blobs.AbortMultipart(ctx, m.Key, m.UploadID); err != nil {
			return err
		}
	}
	// A key that something refers to again is not ours to delete.
	var free []string
	err := s.store.View(ctx, func(tx ports.Tx) (err error) {
		free, err = tx.Versions.Unknown(ctx, job.Keys)
		return err
	})
	if err != nil || len(free) == 0 {
		return err
	}
	return s.blobs.Delete(ctx, free...)
}

// HashVersion is the job that finds out the SHA-256 of a version whose client
// declared none, where the store keeps none either.
type HashVersion struct {
	OrgID   core.OrgID   `json:"org_id"`
	AssetID core.AssetID `json:"asset_id"`
	Number  int          `json:"number"`
}

// Kind implements ports.Job.
func (HashVersion) Kind() string { return "asset.hash_version" }

// HashVersion reads the bytes once and records their hash.
func (s *Service) HashVersion(ctx context.Context, job HashVersion) error {
	var v *core.Version
	err := s.store.View(ctx, func(tx ports.Tx) (err error) {
		v, err = tx.Versions.Get(ctx, job.OrgID, job.AssetID, job.Number)
		return err
	})
	if errors.Is(err, core.ErrNotFound) {
		return nil // purged meanwhile
	}
	if err != nil || v.SHA256 != nil {
		return err
	}
	sum, err := s.hash(ctx, v.BlobKey)
	if err != nil {
		return err
	}
	err = s.store.Update(ctx, func(tx ports.Tx) error {
		return tx.Versions.SetSHA256(ctx, job.OrgID, job.AssetID, job.Number, sum)
	})
	if errors.Is(err, core.ErrNotFound) {
		return nil
	}
	return err
}

// Reconcile is the job that looks after uploads whose clients are silent.
type Reconcile struct{}

// Kind implements ports.Job.
func (Reconcile) Kind() string { return "asset.reconcile_uploads" }

const (
	reconcileBatch = 100
	reconcileAgain = 5 * time.Minute
)

// Reconcile completes uploads whose bytes have arrived, gives up those that
// have expired or whose bytes are wrong, and puts off the others. One upload's
// failure does not keep the next from its turn.
func (s *Service) Reconcile(ctx context.Context, _ Reconcile) error {
	var failed []error
	for ctx.Err() == nil {
		now := s.clock.Now()
		var due []*core.Upload
		err := s.store.View(ctx, func(tx ports.Tx) (err error) {
			due, err = tx.Uploads.Due(ctx, now, reconcileBatch)
			return err
		})
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		for _, u := range due {
			if err := s.reconcile(ctx, u, now); err != nil {
				failed = append(failed, fmt.Errorf("upload %s: %w", u.ID, err))
			}
		}
		if len(due) < reconcileBatch {
			break
		}
	}
	return errors.Join(append(failed, ctx.Err())...)
}

func (s *Service) reconcile(ctx context.Context, u *core.Upload, now time.Time) error {
	_, err := s.land(ctx, u, nil)
	switch {
	case err == nil, errors.Is(err, core.ErrUploadNotFound): // done, by us or by the client
		return nil
	case errors.Is(err, core.ErrSizeMismatch), errors.Is(err, core.ErrChecksumMismatch): // given up
		return nil
	case errors.Is(err, core.ErrUploadIncomplete) && !now.Before(u.ExpiresAt):
		return notGone(s.abandon(ctx, u))
	case errors.Is(err, core.ErrUploadIncomplete):
		err = nil
	}
	again := now.Add(reconcileAgain)
	if u.ExpiresAt.After(now) && u.ExpiresAt.Before(again) {
		again = u.ExpiresAt
	}
	return errors.Join(err, s.store.Update(ctx, func(tx ports.Tx) error {
		return tx.Uploads.Postpone(ctx, u.ID, again)
	}))
}

// EmptyTrash is the job that purges what has been in the trash long enough.
type EmptyTrash struct{}

// Kind implements ports.Job.
func (EmptyTrash) Kind() string { return "asset.empty_trash" }

// EmptyTrash purges one asset at a time, oldest first.
func (s *Service) EmptyTrash(ctx context.Context, _ EmptyTrash) error {
	for {
		var old []*core.Asset
		err := s.store.View(ctx, func(tx ports.Tx) (err error) {
			old, err = tx.Assets.Trashed(ctx, s.clock.Now().Add(-s.opts.TrashRetention), reconcileBatch)
			return err
		})
		if err != nil {
			return err
		}
		for _, asset := range old {
			if err := s.purge(ctx, asset.OrgID, asset.ID); err != nil && !errors.Is(err, core.ErrNotFound) {
				return err
			}
		}
		if len(old) < reconcileBatch {
			return nil
		}
	}
}
