package analytics

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const (
	rollBatch  = 1_000 // visits that are added to the sums at once
	readRounds = 10    // batches that whoever asks for numbers adds at most
	pruneBatch = 1_000

	visitPatience = 5 * time.Minute
)

// RollUp is the job that adds visits to the sums.
type RollUp struct{}

// Kind implements ports.Job.
func (RollUp) Kind() string { return "analytics.roll_up" }

// RollUp adds all visits that wait to the sums.
func (s *Service) RollUp(ctx context.Context, _ RollUp) error {
	for ctx.Err() == nil {
		if n, err := s.roll(ctx); err != nil || n < rollBatch {
			return err
		}
	}
	return nil
}

func (s *Service) roll(ctx context.Context) (n int, err error) {
	err = s.Store.Update(ctx, func(tx ports.Tx) (err error) {
		n, err = tx.Traffic.RollUp(ctx, rollBatch)
		return err
	})
	return n, err
}

// catchUp adds what waits, so that whoever asks sees their own visit, but not
// more than somebody can wait for.
func (s *Service) catchUp(ctx context.Context) error {
	waits := false
	err := s.Store.View(ctx, func(tx ports.Tx) error {
		first, err := tx.Traffic.Waiting(ctx)
		waits = !first.IsZero()
		return err
	})
	for i := 0; i < readRounds && waits && err == nil; i++ {
		var n int
		n, err = s.roll(ctx)
		waits = n == rollBatch
	}
	return err
}

// Prune is the job that removes what is kept no longer.
type Prune struct{}

// Kind implements ports.Job.
func (Prune) Kind() string { return "analytics.prune" }

// Prune removes sums that are past their time, the salt of a day that is over,
// and who came on it. Who came is needed until no visit of the day waits: it does
// not rely on when RollUp runs, or a day could be remembered for an hour more.
func (s *Service) Prune(ctx context.Context, _ Prune) error {
	if err := s.RollUp(ctx, RollUp{}); err != nil {
		return err
	}
	now := s.Clock.Now()
	// A visit that came just before midnight may still be on its way.
	today := core.GrainDay.Start(now.Add(-visitPatience))
	for _, step := range []func(ports.Tx) (int, error){
		func(tx ports.Tx) (int, error) { return tx.Traffic.Forget(ctx, today, pruneBatch) },
		func(tx ports.Tx) (int, error) { return tx.Traffic.Prune(ctx, now.Add(-s.opts.Retention), pruneBatch) },
	} {
		for n := pruneBatch; n == pruneBatch && ctx.Err() == nil; {
			err := s.Store.Update(ctx, func(tx ports.Tx) (err error) {
				n, err = step(tx)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
