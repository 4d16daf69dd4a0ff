package store

import (
	"context"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Settle is the job that asks what has become of purchases that nobody has told
// of: of a provider's message that was lost, or of a crash between two steps.
type Settle struct{}

// Kind implements ports.Job.
func (Settle) Kind() string { return "store.settle" }

// settleAfter is how long a purchase is left to those who are at it.
const settleAfter = 10 * time.Minute

// Settle looks at each waiting purchase once. One that fails does not keep the
// others.
func (s *Service) Settle(ctx context.Context, _ Settle) error {
	var failed []error
	var after core.TransactionID
	for ctx.Err() == nil {
		now := s.Clock.Now()
		var waiting []*core.Transaction
		err := s.Store.View(ctx, func(tx ports.Tx) (err error) {
			waiting, err = tx.Transactions.Waiting(ctx, now.Add(-settleAfter), after, jobBatch)
			return err
		})
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		for _, t := range waiting {
			after = t.ID
			if err := s.lookAfter(ctx, t, now); err != nil && !errors.Is(err, core.ErrNotFound) {
				failed = append(failed, err)
			}
		}
		if len(waiting) < jobBatch {
			break
		}
	}
	return errors.Join(append(failed, ctx.Err())...)
}

func (s *Service) lookAfter(ctx context.Context, t *core.Transaction, now time.Time) error {
	if t.Provider == core.ProviderFree {
		err := s.settle(ctx, t, ports.CheckoutState{Done: true, Payment: core.Payment{Paid: t.Price}}, "")
		if errors.Is(err, core.ErrNotForSale) {
			err = s.settle(ctx, t, ports.CheckoutState{Failed: true}, core.FailedExpired)
		}
		return err
	}
	over := !now.Before(t.ExpiresAt)
	p, err := s.provider(t.Provider)
	if err != nil && over {
		return s.settle(ctx, t, ports.CheckoutState{Failed: true}, core.FailedExpired)
	}
	if err != nil {
		return err
	}
	state, err := p.Look(ctx, t)
	if err != nil {
		return err
	}
	if !state.Done && !state.Failed && over {
		err := p.Abandon(ctx, t)
		if errors.Is(err, core.ErrConflict) {
			return nil // paid at this moment: the next look sees it
		}
		if err != nil {
			return err
		}
		state.Failed = true
	}
	if !state.Done && !state.Failed {
		return nil
	}
	return s.settle(ctx, t, state, core.FailedExpired)
}

// Prune is the job that forgets old events, and which messages of payment
// providers are known: they do not come again after weeks.
type Prune struct{}

// Kind implements ports.Job.
func (Prune) Kind() string { return "store.prune" }

const (
	eventRetention   = 30 * 24 * time.Hour
	paymentRetention = 90 * 24 * time.Hour
	pruneBatch       = 500
)

// Prune removes some rows at a time.
func (s *Service) Prune(ctx context.Context, _ Prune) error {
	now := s.Clock.Now()
	return errors.Join(
		s.prune(ctx, func(tx ports.Tx) (int, error) { return tx.Events.Prune(ctx, now.Add(-eventRetention), pruneBatch) }),
		s.prune(ctx, func(tx ports.Tx) (int, error) {
			return tx.PaymentEvents.Prune(ctx, now.Add(-paymentRetention), pruneBatch)
		}),
	)
}

func (s *Service) prune(ctx context.Context, some func(tx ports.Tx) (int, error)) error {
	for ctx.Err() == nil {
		var n int
		err := s.Store.Update(ctx, func(tx ports.Tx) (err error) {
			n, err = some(tx)
			return err
		})
		if err != nil || n < pruneBatch {
			return err
		}
	}
	return ctx.Err()
}
