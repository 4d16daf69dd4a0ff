package asset

import (
	"context"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// hold does work under claims of uploads that end at held, and renews them
// meanwhile. It returns when they end then. If the last of them is lost, work is
// told by its context, and the error is core.ErrUploadBusy.
func (s *Service) hold(ctx context.Context, held time.Time, ids []core.UploadID, work func(context.Context) error) (time.Time, error) {
	ctx, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	done, kept := make(chan struct{}), make(chan time.Time, 1)
	go func() { kept <- s.renew(ctx, done, lose, held, ids) }()
	err := work(ctx)
	close(done)
	held = <-kept
	if errors.Is(context.Cause(ctx), core.ErrUploadBusy) {
		return held, core.ErrUploadBusy
	}
	return held, err
}

func (s *Service) renew(
	ctx context.Context, done <-chan struct{}, lose context.CancelCauseFunc, held time.Time, ids []core.UploadID,
) time.Time {
	ticks := time.NewTicker(s.opts.claimAgain)
	defer ticks.Stop()
	for {
		select {
		case <-done:
			return held
		case <-ctx.Done():
			return held
		case <-ticks.C:
		}
		now := s.clock.Now()
		until := now.Add(core.UploadClaim)
		var left []core.UploadID
		err := s.store.Update(ctx, func(tx ports.Tx) (err error) {
			left, err = tx.Uploads.Renew(ctx, ids, held, until)
			return err
		})
		switch {
		case err == nil && len(left) > 0:
			held, ids = until, left
		case err == nil, !now.Before(held): // taken; or ended, since the database does not answer
			lose(core.ErrUploadBusy)
			return held
		}
	}
}
