package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// RefundInput says how much of a payment is given back.
type RefundInput struct {
	ID      core.TransactionID
	Amount  *int64 // minor units; nil: all that is left
	Reason  string // for the audit log
	IfMatch int64  // the version the client has seen; 0: any
	Once    *app.Once
}

// Refund gives back what was paid, or a part of it. Who gets everything back
// loses what that payment has bought, and nothing else. With a provider, the
// money goes back by it; else the seller has given it back. It returns
// core.ErrTransactionState, core.ErrRefundTooHigh, core.ErrStale.
func (s *Service) Refund(ctx context.Context, a core.Actor, in RefundInput) (*core.Transaction, error) {
	t, f, err := s.sale(ctx, a, in.ID)
	if err != nil {
		return nil, err
	}
	reason, err := core.CleanProse("body.reason", in.Reason, core.MaxTitleBytes, s.Text.NFC)
	if err != nil {
		return nil, err
	}
	if err := in.Once.Find(ctx, s.Store, s.Secrets, s.Clock.Now()); err != nil {
		return nil, err
	}
	if in.IfMatch != 0 && in.IfMatch != t.Version {
		return nil, core.ErrStale
	}
	amount := t.Price.Amount - t.Refunded
	if in.Amount != nil {
		amount = *in.Amount
	}
	if err := t.CheckRefund(amount); err != nil {
		return nil, err
	}
	total, itDoes, err := s.giveBack(ctx, t, amount)
	if err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	err = in.Once.Do(ctx, s.Store, s.Secrets, now, func(tx ports.Tx) error {
		if t, err = tx.Transactions.Lock(ctx, in.ID); err != nil {
			return err
		}
		if !itDoes { // nobody else counts
			if err := t.CheckRefund(amount); err != nil {
				return err
			}
			total = t.Refunded + amount
		}
		if err := s.refund(ctx, tx, t, total, reason, by{f, a}, now); err != nil {
			return err
		}
		return in.Once.Keep(ctx, tx, s.Secrets, t, now)
	})
	return t, err
}

// giveBack lets the provider of a transaction give back some of it, if there is
// one that does. A request that comes twice, or after a crash, gives it once: it
// is named by what had been given back before.
func (s *Service) giveBack(ctx context.Context, t *core.Transaction, amount int64) (total int64, itDoes bool, err error) {
	if !byProvider(t) {
		return 0, false, nil
	}
	p, err := s.provider(t.Provider)
	if err != nil {
		return 0, true, err
	}
	total, err = p.Refund(ctx, t, amount, fmt.Sprintf("%s-%d-%d", t.ID, t.Refunded, amount))
	return total, true, err
}

// byProvider reports whether a provider takes the money for a transaction, and
// can give it back.
func byProvider(t *core.Transaction) bool {
	return t.Provider != core.ProviderFree && t.Provider != core.ProviderManual && !t.Price.Free()
}

// refuse fails a transaction that is locked, or fresh, and that a provider has
// taken money for when there was nothing any more that it could buy: the money
// is given back, and nothing more is taken.
func (s *Service) refuse(ctx context.Context, tx ports.Tx, t *core.Transaction, p paid, now time.Time) error {
	done, err := t.PaidLate(p.Payment, now)
	if err != nil || !done {
		return err
	}
	if err := s.store(ctx, tx, t, p); err != nil {
		return err
	}
	if p.subscription != "" {
		if err := tx.Jobs.Enqueue(ctx, EndAtProvider{Provider: t.Provider, Ref: p.subscription}); err != nil {
			return err
		}
	}
	if err := tx.Jobs.Enqueue(ctx, GiveBack{ID: t.ID}); err != nil {
		return err
	}
	return s.failed(ctx, tx, t, itself())
}

// GiveBack is the job that gives back what was paid too late.
type GiveBack struct {
	ID core.TransactionID `json:"id"`
}

// Kind implements ports.Job.
func (GiveBack) Kind() string { return "store.give_back" }

// GiveBack can be done any number of times.
func (s *Service) GiveBack(ctx context.Context, job GiveBack) error {
	var t *core.Transaction
	lock := func(tx ports.Tx) (err error) { // also if the seller has gone
		t, err = tx.Transactions.Lock(ctx, job.ID)
		return err
	}
	err := s.Store.Update(ctx, lock)
	if errors.Is(err, core.ErrNotFound) {
		return nil
	}
	if err != nil || t.Refunded == t.Price.Amount {
		return err
	}
	total, itDoes, err := s.giveBack(ctx, t, t.Price.Amount-t.Refunded)
	if err != nil || !itDoes {
		return err
	}
	return s.Store.Update(ctx, func(tx ports.Tx) error {
		if err := lock(tx); err != nil {
			return err
		}
		return s.refund(ctx, tx, t, total, "it was paid when it could not be had any more", itself(), s.Clock.Now())
	})
}

// refund notes that total of a locked transaction has been given back.
func (s *Service) refund(ctx context.Context, tx ports.Tx, t *core.Transaction, total int64, reason string, who by, now time.Time) error {
	before := t.Refunded
	done, err := t.Refund(total, now)
	if err != nil || !done {
		return err
	}
	if err := tx.Transactions.Save(ctx, t); err != nil {
		return err
	}
	if t.Status == core.TransactionRefunded {
		if err := s.revoke(ctx, tx, t, now); err != nil {
			return err
		}
	}
	if err := s.emit(ctx, tx, t.OrgID, "transaction.refunded", saleData(t)); err != nil {
		return err
	}
	changes := map[string]core.Change{"refunded_amount": {From: before, To: t.Refunded}, "status": {To: string(t.Status)}}
	if reason != "" {
		changes["reason"] = core.Change{To: reason}
	}
	if err := s.recordSale(ctx, tx, who, "transaction.refunded", t, changes); err != nil {
		return err
	}
	return s.refundNotice(ctx, tx, t, t.Refunded-before)
}

// revoke takes away what a transaction has bought. If it has paid for the
// present period of a membership, that ends.
func (s *Service) revoke(ctx context.Context, tx ports.Tx, t *core.Transaction, now time.Time) error {
	sub, err := s.period(ctx, tx, t)
	if err != nil {
		return err
	}
	n, err := tx.Entitlements.Revoke(ctx, t.ID, now)
	if err != nil {
		return err
	}
	if n > 0 {
		err := s.emit(ctx, tx, t.OrgID, "entitlement.revoked", map[string]any{
			"transaction_id": t.ID.String(), "product_id": t.ProductID.String(), "user_id": t.BuyerID.String(), "count": n,
		})
		if err != nil {
			return err
		}
	}
	if sub == nil || sub.TransactionID != t.ID || !sub.End(now) {
		return nil
	}
	return s.ended(ctx, tx, sub)
}

// period locks the membership that a transaction has paid a period of, before
// anything is done to its entitlements; nil: it has not.
func (s *Service) period(ctx context.Context, tx ports.Tx, t *core.Transaction) (*core.Subscription, error) {
	if t.SubscriptionID.IsZero() {
		return nil, nil //nolint:nilnil // there is none
	}
	return tx.Subscriptions.Lock(ctx, t.SubscriptionID)
}

// suspend suspends what a transaction has given, from then on; zero: no longer.
func (s *Service) suspend(ctx context.Context, tx ports.Tx, t *core.Transaction, since time.Time) error {
	if _, err := s.period(ctx, tx, t); err != nil {
		return err
	}
	return tx.Entitlements.Suspend(ctx, t.ID, since)
}

// ended stores a membership that is over, and lets nothing more be taken for it.
func (s *Service) ended(ctx context.Context, tx ports.Tx, sub *core.Subscription) error {
	if err := tx.Subscriptions.Save(ctx, sub); err != nil {
		return err
	}
	if err := s.endAtProvider(ctx, tx, sub); err != nil {
		return err
	}
	return s.emit(ctx, tx, sub.OrgID, "subscription.expired", membershipData(sub))
}

// dispute suspends what a transaction has bought while the buyer's bank asks
// for the money back.
func (s *Service) dispute(ctx context.Context, tx ports.Tx, t *core.Transaction, now time.Time) error {
	done, err := t.Dispute(now)
	if err != nil || !done {
		return err
	}
	if err := tx.Transactions.Save(ctx, t); err != nil {
		return err
	}
	if err := s.suspend(ctx, tx, t, now); err != nil {
		return err
	}
	if err := s.emit(ctx, tx, t.OrgID, "transaction.disputed", saleData(t)); err != nil {
		return err
	}
	return s.recordSale(ctx, tx, itself(), "transaction.disputed", t, nil)
}

// undispute ends a dispute: what was bought is the buyer's again, or the money
// is.
func (s *Service) undispute(ctx context.Context, tx ports.Tx, t *core.Transaction, won bool, now time.Time) error {
	if !won {
		return s.refund(ctx, tx, t, t.Price.Amount, "a dispute was lost", itself(), now)
	}
	if t.Status == core.TransactionCompleted && t.DisputedAt.IsZero() { // told before that it has begun
		return core.ErrPaymentEarly
	}
	done, err := t.Settle(now)
	if err != nil || !done {
		return err
	}
	if err := tx.Transactions.Save(ctx, t); err != nil {
		return err
	}
	if err := s.suspend(ctx, tx, t, time.Time{}); err != nil {
		return err
	}
	if err := s.emit(ctx, tx, t.OrgID, "transaction.dispute_won", saleData(t)); err != nil {
		return err
	}
	return s.recordSale(ctx, tx, itself(), "transaction.dispute_won", t, nil)
}
