package asset

import (
	"context"
	"time"

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
)

// Sweep walks the whole blob store in bounded memory.
func (s *Service) Sweep(ctx context.Context, _ Sweep) error {
	_, err := s.Orphans(ctx, func(keys []string) error { return s.blobs.Delete(ctx, keys...) })
	if err != nil {
		return err
	}
	return s.sweepMultiparts(ctx)
}

// Orphans hands remove the keys, in batches, of blobs that are older than the
// grace period and that nothing refers to. It returns how many there were.
func (s *Service) Orphans(ctx context.Context, remove func(keys []string) error) (int, error) {
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
		if info.ModifiedAt.After(limit) {
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
	var old []ports.Multipart
	for m, err := range s.blobs.Multiparts(ctx) {
		if err != nil {
			return err
		}
		if m.StartedAt.Before(limit) && len(old) < sweepBatch { // what is left waits for the next sweep
			old = append(old, m)
		}
	}
	var orphans []ports.Multipart
	err := s.store.View(ctx, func(tx ports.Tx) (err error) {
		orphans, err = tx.Uploads.UnknownMultiparts(ctx, old)
		return err
	})
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
