package store

import (
	"context"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// CancelSubscription ends the renewal of a membership, for its user or its
// seller: access goes on to the end of the period that is paid for. Doing it
// twice changes nothing. It returns core.ErrSubscriptionState if it is over.
func (s *Service) CancelSubscription(ctx context.Context, a core.Actor, id core.SubscriptionID) (sub *core.Subscription, err error) {
	u, err := s.user(ctx, a)
	if err != nil {
		return nil, err
	}
	err = s.Store.View(ctx, func(tx ports.Tx) error {
		sub, err = tx.Subscriptions.Find(ctx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	who := buyer(u, a)
	if sub.UserID != u.ID {
		f, err := s.sells(ctx, a, sub.OrgID)
		if err != nil {
			return nil, err
		}
		who = by{f, a}
	}
	err = s.Store.Update(ctx, func(tx ports.Tx) error {
		if sub, err = s.lockToEnd(ctx, tx, sub); err != nil {
			return err
		}
		return s.cancel(ctx, tx, sub, who, s.Clock.Now())
	})
	return sub, err
}

// lockToEnd locks a membership that is to end, after a renewal that waits for
// the seller to confirm it: that ends with it.
func (s *Service) lockToEnd(ctx context.Context, tx ports.Tx, sub *core.Subscription) (*core.Subscription, error) {
	pending, err := tx.Transactions.Pending(ctx, sub.UserID, sub.ProductID)
	if err == nil && pending.Renewal && pending.Provider == core.ProviderManual {
		if pending, err = tx.Transactions.Lock(ctx, pending.ID); err == nil && pending.Status == core.TransactionPending {
			why, now := core.FailedCanceled, s.Clock.Now()
			if !now.Before(pending.ExpiresAt) {
				why = core.FailedExpired // nobody has canceled it
			}
			err = s.fail(ctx, tx, pending, why, itself(), now)
		}
	}
	if err != nil && !errors.Is(err, core.ErrNotFound) {
		return nil, err
	}
	return tx.Subscriptions.Lock(ctx, sub.ID)
}

// cancel ends the renewal of a locked membership.
func (s *Service) cancel(ctx context.Context, tx ports.Tx, sub *core.Subscription, who by, now time.Time) error {
	done, err := sub.Cancel(now)
	if err != nil || !done {
		return err
	}
	if err := s.keep(ctx, tx, sub, "subscription.canceled"); err != nil {
		return err
	}
	if err := s.endAtProvider(ctx, tx, sub); err != nil {
		return err
	}
	changes := map[string]core.Change{"period_end": {To: sub.PeriodEnd}}
	return s.record(ctx, tx, who, sub.OrgID, "subscription.canceled", app.Target{Kind: "subscription", ID: sub.ID.String()}, changes)
}

// lapse notes that the next period of a locked membership has not been paid for.
func (s *Service) lapse(ctx context.Context, tx ports.Tx, sub *core.Subscription, now time.Time) error {
	done, err := sub.Lapse(now)
	if errors.Is(err, core.ErrSubscriptionState) || err == nil && !done {
		return nil // it is to end anyway, or that is known
	}
	if err != nil {
		return err
	}
	if err := s.keep(ctx, tx, sub, "subscription.past_due"); err != nil {
		return err
	}
	return s.lapseNotice(ctx, tx, sub)
}

// keep stores a changed membership with when its entitlements end, and tells
// those outside.
func (s *Service) keep(ctx context.Context, tx ports.Tx, sub *core.Subscription, event string) error {
	if err := tx.Subscriptions.Save(ctx, sub); err != nil {
		return err
	}
	if err := tx.Entitlements.Renew(ctx, sub, sub.AccessUntil(s.opts.Grace)); err != nil {
		return err
	}
	return s.emit(ctx, tx, sub.OrgID, event, membershipData(sub))
}

// endAtProvider makes the provider take nothing more for a membership if, and
// only if, the unit of work commits.
func (s *Service) endAtProvider(ctx context.Context, tx ports.Tx, sub *core.Subscription) error {
	if sub.ProviderRef == "" {
		return nil
	}
	return tx.Jobs.Enqueue(ctx, EndAtProvider{Provider: sub.Provider, Ref: sub.ProviderRef})
}

// EndAtProvider is the job that makes a provider take nothing more for a
// membership.
type EndAtProvider struct {
	Provider string `json:"provider"`
	Ref      string `json:"ref"`
}

// Kind implements ports.Job.
func (EndAtProvider) Kind() string { return "store.end_at_provider" }

// EndAtProvider can be done any number of times.
func (s *Service) EndAtProvider(ctx context.Context, job EndAtProvider) error {
	p, err := s.provider(job.Provider)
	if err != nil {
		return err
	}
	return p.EndSubscription(ctx, job.Ref)
}

// EndSubscriptions ends the renewal of all memberships of a user who goes, or
// of an org that is closed, and gives up what they have ordered or sold and is
// not paid: nobody shall go on paying. One that fails does not keep the others.
func (s *Service) EndSubscriptions(ctx context.Context, job app.EndSubscriptions) error {
	return errors.Join(s.giveUpAll(ctx, job), s.cancelAll(ctx, job))
}

func (s *Service) giveUpAll(ctx context.Context, job app.EndSubscriptions) error {
	var failed []error
	var after core.TransactionID
	for {
		var page []*core.Transaction
		err := s.Store.View(ctx, func(tx ports.Tx) (err error) {
			page, err = tx.Transactions.Open(ctx, job.OrgID, job.UserID, after, jobBatch)
			return err
		})
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		for _, t := range page {
			after = t.ID
			// What is paid at this moment is given back when that is told.
			if _, err := s.giveUp(ctx, t, itself()); err != nil && !errors.Is(err, core.ErrConflict) && !errors.Is(err, core.ErrTransactionState) {
				failed = append(failed, err)
			}
		}
		if len(page) < jobBatch {
			return errors.Join(failed...)
		}
	}
}

func (s *Service) cancelAll(ctx context.Context, job app.EndSubscriptions) error {
	var failed []error
	q := ports.SubscriptionQuery{OrgID: job.OrgID, UserID: job.UserID, Live: true, Limit: jobBatch}
	for {
		var page []*core.Subscription
		err := s.Store.View(ctx, func(tx ports.Tx) (err error) {
			page, err = tx.Subscriptions.List(ctx, q)
			return err
		})
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		for _, found := range page {
			q.Before = found.ID
			err := s.Store.Update(ctx, func(tx ports.Tx) error {
				sub, err := s.lockToEnd(ctx, tx, found)
				if err != nil || !sub.Live() {
					return err
				}
				return s.cancel(ctx, tx, sub, itself(), s.Clock.Now())
			})
			if err != nil && !errors.Is(err, core.ErrNotFound) {
				failed = append(failed, err)
			}
		}
		if len(page) < q.Limit {
			return errors.Join(failed...)
		}
	}
}

// Renew is the job that goes on with memberships whose period is over.
type Renew struct{}

// Kind implements ports.Job.
func (Renew) Kind() string { return "store.renew" }

const (
	jobBatch = 200

	// renewalDelay is how long a provider that renews by itself may take before a
	// membership counts as not paid.
	renewalDelay = 6 * time.Hour

	// takenAtOnce is how many periods one unit of work renews, after a long pause.
	takenAtOnce = 12
)

// Renew looks at each membership once. One that fails does not keep the others.
func (s *Service) Renew(ctx context.Context, _ Renew) error {
	var failed []error
	var after core.SubscriptionID
	for ctx.Err() == nil {
		var due []*core.Subscription
		err := s.Store.View(ctx, func(tx ports.Tx) (err error) {
			due, err = tx.Subscriptions.Due(ctx, s.Clock.Now(), after, jobBatch)
			return err
		})
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		for _, sub := range due {
			after = sub.ID
			if err := s.goOn(ctx, sub); err != nil && !errors.Is(err, core.ErrNotFound) {
				failed = append(failed, err)
			}
		}
		if len(due) < jobBatch {
			break
		}
	}
	return errors.Join(append(failed, ctx.Err())...)
}

// goOn does what is due of one membership.
func (s *Service) goOn(ctx context.Context, sub *core.Subscription) error {
	now := s.Clock.Now()
	p, err := s.provider(sub.Provider)
	switch {
	case sub.Status != core.SubscriptionActive:
		if now.Before(sub.AccessUntil(s.opts.Grace)) {
			return nil
		}
		if err == nil {
			if n, err := s.catchUp(ctx, p, sub); err != nil || n > 0 {
				return err
			}
		}
		return s.expire(ctx, sub, now)
	case sub.Price.Free():
		return s.take(ctx, sub, core.ProviderFree)
	}
	if err != nil {
		return err
	}
	switch p.Renewal() {
	case ports.RenewalTaken:
		return s.take(ctx, sub, p.Name())
	case ports.RenewalAsked:
		return s.ask(ctx, sub, now)
	case ports.RenewalProvider:
	}
	if now.Before(sub.PeriodEnd.Add(renewalDelay)) {
		return nil
	}
	if n, err := s.catchUp(ctx, p, sub); err != nil || n > 0 {
		return err
	}
	return s.change(ctx, sub, func(tx ports.Tx, _ *core.Product, sub *core.Subscription) error { return s.lapse(ctx, tx, sub, now) })
}

// catchUp asks a provider that renews by itself whether it has, and lets that
// have its effect: what it has told of may have been lost. It returns how often.
func (s *Service) catchUp(ctx context.Context, p ports.Payments, sub *core.Subscription) (n int, err error) {
	if p.Renewal() != ports.RenewalProvider || sub.ProviderRef == "" {
		return 0, nil
	}
	taken, err := p.Renewals(ctx, sub.ProviderRef, sub.PeriodStart)
	for i := range taken {
		err := s.Store.Update(ctx, func(tx ports.Tx) error { return s.renewed(ctx, tx, sub, taken[i], s.Clock.Now()) })
		if err == nil {
			n++
		} else if !errors.Is(err, errKnown) {
			return n, err
		}
	}
	return n, err
}

// change does something with a membership if nobody else has been faster.
func (s *Service) change(
	ctx context.Context, seen *core.Subscription, do func(tx ports.Tx, p *core.Product, sub *core.Subscription) error,
) error {
	return s.Store.Update(ctx, func(tx ports.Tx) error {
		p, err := tx.Products.Lock(ctx, seen.OrgID, seen.ProductID, true)
		if err != nil {
			return err
		}
		sub, err := tx.Subscriptions.Lock(ctx, seen.ID)
		if err != nil || sub.Version != seen.Version {
			return err
		}
		return do(tx, p, sub)
	})
}

func (s *Service) expire(ctx context.Context, seen *core.Subscription, now time.Time) error {
	return s.Store.Update(ctx, func(tx ports.Tx) error {
		sub, err := s.lockToEnd(ctx, tx, seen)
		if err != nil {
			return err
		}
		done, err := sub.Expire(s.opts.Grace, now)
		if errors.Is(err, core.ErrSubscriptionState) || err == nil && !done {
			return nil // renewed meanwhile, or expired
		}
		if err != nil {
			return err
		}
		return s.ended(ctx, tx, sub)
	})
}

// ask makes the transaction by which the next period is to be paid, tells the
// buyer, and lets the membership be past due until it is.
func (s *Service) ask(ctx context.Context, sub *core.Subscription, now time.Time) error {
	return s.change(ctx, sub, func(tx ports.Tx, p *core.Product, sub *core.Subscription) error {
		_, err := tx.Transactions.Pending(ctx, sub.UserID, sub.ProductID)
		if errors.Is(err, core.ErrNotFound) {
			t := core.NewRenewal(core.TransactionID(s.IDs.NewID()), sub, p, now)
			t.ExpiresAt = sub.AccessUntil(s.opts.Grace)
			if err = tx.Transactions.Add(ctx, t); err == nil {
				err = s.recordSale(ctx, tx, itself(), "transaction.created", t, map[string]core.Change{"renewal": {To: true}})
			}
		}
		if err != nil {
			return err
		}
		return s.lapse(ctx, tx, sub, now)
	})
}

// take renews a membership, period after period, that nobody has to pay for.
func (s *Service) take(ctx context.Context, sub *core.Subscription, provider string) error {
	now := s.Clock.Now()
	return s.change(ctx, sub, func(tx ports.Tx, p *core.Product, sub *core.Subscription) error {
		for range takenAtOnce {
			if now.Before(sub.PeriodEnd) {
				break
			}
			t := core.NewRenewal(core.TransactionID(s.IDs.NewID()), sub, p, now)
			t.Provider = provider
			if err := s.complete(ctx, tx, t, paid{Payment: core.Payment{Paid: t.Price}, fresh: true}, itself(), now); err != nil {
				return err
			}
			if t.Status != core.TransactionCompleted {
				return nil // somebody has left
			}
			var err error
			if sub, err = tx.Subscriptions.Lock(ctx, sub.ID); err != nil {
				return err
			}
		}
		return nil
	})
}
