package asset

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// RemoveBlobs aborts multipart uploads, then deletes blobs.
func (s *Service) RemoveBlobs(ctx context.Context, job app.RemoveBlobs) error {
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

// LandCopies brings the bytes of files that are copies. One that fails does not
// keep the others; Reconcile tries it again.
func (s *Service) LandCopies(ctx context.Context, job app.LandCopies) error {
	var failed failures
	for _, id := range job.Assets {
		var uploads []*core.Upload
		err := s.store.View(ctx, func(tx ports.Tx) (err error) {
			uploads, err = tx.Uploads.Of(ctx, job.OrgID, id)
			return err
		})
		failed.add(err)
		for _, u := range uploads {
			if u.Strategy == core.UploadCopy {
				failed.add(s.reconcile(ctx, u, s.clock.Now()))
			}
		}
	}
	return failed.join()
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
	sum, err := app.HashBlob(ctx, s.blobs, v.BlobKey)
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
	maxFailures    = 10 // that one report lists
)

// Reconcile completes uploads whose bytes have arrived, gives up those that
// have expired or whose bytes are wrong, and puts off the others. One upload's
// failure does not keep the next from its turn, nor gives it two.
func (s *Service) Reconcile(ctx context.Context, _ Reconcile) error {
	var failed failures
	seen := make(map[core.UploadID]bool)
	for fresh := true; fresh && ctx.Err() == nil; {
		now := s.clock.Now()
		var due []*core.Upload
		err := s.store.View(ctx, func(tx ports.Tx) (err error) {
			due, err = tx.Uploads.Due(ctx, now, reconcileBatch)
			return err
		})
		if err != nil {
			failed.add(err)
			break
		}
		fresh = false
		for _, u := range due {
			if seen[u.ID] || ctx.Err() != nil {
				continue
			}
			seen[u.ID], fresh = true, true
			if err := s.reconcile(ctx, u, now); err != nil {
				failed.add(fmt.Errorf("upload %s: %w", u.ID, err))
			}
		}
	}
	failed.add(ctx.Err())
	return failed.join()
}

func (s *Service) reconcile(ctx context.Context, u *core.Upload, now time.Time) error {
	_, err := s.land(ctx, u, nil, itself(u.OrgID))
	switch {
	case errors.Is(err, core.ErrUploadNotFound), errors.Is(err, core.ErrUploadBusy): // done, or being done
		return nil
	case isOnly(err, core.ErrSizeMismatch), isOnly(err, core.ErrChecksumMismatch): // given up
		return nil
	case errors.Is(err, core.ErrUploadIncomplete) && !now.Before(u.ExpiresAt):
		return notGone(s.abandon(ctx, u, itself(u.OrgID), "upload.expired"))
	case errors.Is(err, core.ErrUploadIncomplete): // land has put it off
		return nil
	}
	return err
}

// isOnly reports whether err is the one named, and nothing went wrong beside it.
func isOnly(err, named error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return len(joined.Unwrap()) == 1 && errors.Is(err, named)
	}
	return errors.Is(err, named)
}

// failures are errors of which the first few are told.
type failures struct {
	errs  []error
	count int
}

func (f *failures) add(err error) {
	if err == nil {
		return
	}
	if f.count++; f.count <= maxFailures {
		f.errs = append(f.errs, err)
	}
}

func (f *failures) join() error {
	if f.count > maxFailures {
		f.errs = append(f.errs, fmt.Errorf("and %d more", f.count-maxFailures))
	}
	return errors.Join(f.errs...)
}
