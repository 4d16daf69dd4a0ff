package asset

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Sweep is the job that removes bytes which no row ever knew or knows.
type Sweep struct{}

// Kind implements ports.Job.
func (Sweep) Kind() string { return "asset.sweep_orphans" }

const (
	// sweepGrace is far longer than a signed URL lives and than a request
	// between its bytes and its row.
	sweepGrace = 24 * time.Hour
	sweepBatch = 500

	// markerKey is a blob that says to which installation the store belongs.
	markerKey     = "coffer-installation"
	maxMarkerSize = 100
)

// errForeignStore reports a blob store that was claimed by another database.
var errForeignStore = errors.New("the blob store belongs to another installation: the database is another one, or was made anew; nothing is swept")

// Claim marks the blob store as this installation's, if nobody has.
func (s *Service) Claim(ctx context.Context) error {
	err := s.checkOwner(ctx)
	if errors.Is(err, core.ErrBlobNotFound) {
		_, err = s.blobs.Put(ctx, markerKey, "text/plain", strings.NewReader(s.opts.Installation))
	}
	return err
}

// checkOwner refuses a store that is not this installation's: what it holds is
// unknown to this database and all the same somebody's.
func (s *Service) checkOwner(ctx context.Context) (err error) {
	r, err := s.blobs.Open(ctx, markerKey, 0, -1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	owner, err := io.ReadAll(io.LimitReader(r, maxMarkerSize))
	if err == nil && string(owner) != s.opts.Installation {
		err = errForeignStore
	}
	return err
}

// Sweep walks the whole blob store in bounded memory.
func (s *Service) Sweep(ctx context.Context, _ Sweep) error {
	_, err := s.Orphans(ctx, func(keys []string) error { return s.blobs.Delete(ctx, keys...) })
	if errors.Is(err, errForeignStore) {
		return err
	}
	return errors.Join(err, s.sweepMultiparts(ctx))
}

// Orphans hands remove the keys, in batches, of blobs that are Coffer's by
// their names, older than the grace period, and that nothing refers to. It
// returns how many there were.
func (s *Service) Orphans(ctx context.Context, remove func(keys []string) error) (int, error) {
	if err := s.checkOwner(ctx); err != nil {
		return 0, err
	}
	// Blobs carry the time of the machine that wrote them, which a shifted
	// clock does not move; a generous grace covers what they differ by.
	limit, total := s.clock.Now().Add(-sweepGrace), 0
	batch := make([]string, 0, sweepBatch)
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		var orphans []string
		err := s.store.View(ctx, func(tx ports.Tx) (err error) {
			orphans, err = tx.Versions.Unknown(ctx, batch)
			return err
		})
		batch = batch[:0]
		total += len(orphans)
		if err != nil || len(orphans) == 0 {
			return err
		}
		return remove(orphans)
	}
	for info, err := range s.blobs.List(ctx, "") {
		if err != nil {
			return total, err
		}
		if info.ModifiedAt.After(limit) || !core.IsBlobKey(info.Key) {
			continue
		}
		if batch = append(batch, info.Key); len(batch) == sweepBatch {
			if err := flush(); err != nil {
				return total, err
			}
		}
	}
	return total, flush()
}

func (s *Service) sweepMultiparts(ctx context.Context) error {
	limit := s.clock.Now().Add(-sweepGrace)
	batch := make([]ports.Multipart, 0, sweepBatch)
	flush := func() error {
		var orphans []ports.Multipart
		err := s.store.View(ctx, func(tx ports.Tx) (err error) {
			orphans, err = tx.Uploads.UnknownMultiparts(ctx, batch)
			return err
		})
		batch = batch[:0]
		if err != nil {
			return err
		}
		for _, m := range orphans {
			if err := s.blobs.AbortMultipart(ctx, m.Key, m.UploadID); err != nil {
				return err
			}
		}
		return nil
	}
	for m, err := range s.blobs.Multiparts(ctx) {
		if err != nil {
			return err
		}
		if m.StartedAt.After(limit) || !core.IsBlobKey(m.Key) {
			continue
		}
		if batch = append(batch, m); len(batch) == sweepBatch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}
