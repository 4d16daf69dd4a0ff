package store

import (
	"context"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// paid is a payment that has arrived.
type paid struct {
	core.Payment
	subscription string // the provider's name for the membership; empty: none
	fresh        bool   // the transaction is not stored yet
}

// complete does all that a payment has bought, in the unit of work: the
// transaction's state, the subscription, the entitlements, the events, the
// receipt. The transaction is locked, or fresh. Where that has happened before
// it changes nothing. Where there is nothing any more that it could buy it
// returns core.ErrNotForSale or, if a provider has taken the money, lets that be
// given back.
func (s *Service) complete(ctx context.Context, tx ports.Tx, t *core.Transaction, p paid, who by, now time.Time) error {
	var links []ports.LinkedNode
	if t.Status == core.TransactionPending {
		var err error
		if links, err = s.deliverable(ctx, tx, t); errors.Is(err, core.ErrNotForSale) && byProvider(t) {
			return s.refuse(ctx, tx, t, p, now)
		}
		if err != nil {
			return err
		}
	}
	done, err := t.Complete(p.Payment, now)
	if err != nil || !done {
		return err
	}
	sub, began, err := s.subscribe(ctx, tx, t, p.subscription, now)
	if err != nil {
		return err
	}
	if err := s.store(ctx, tx, t, p); err != nil {
		return err
	}
	if t.PaymentRef == "" && t.ProviderRef != "" {
		if err := tx.Jobs.Enqueue(ctx, Identify{ID: t.ID}); err != nil {
			return err
		}
	}
	if sub != nil && !began {
		if err := tx.Entitlements.Renew(ctx, sub, sub.AccessUntil(s.opts.Grace)); err != nil {
			return err
		}
	}
	if err := s.grant(ctx, tx, t, sub, links, now); err != nil {
		return err
	}
	if err := s.emit(ctx, tx, t.OrgID, "transaction.completed", saleData(t)); err != nil {
		return err
	}
	changes := map[string]core.Change{"status": {From: string(core.TransactionPending), To: string(t.Status)}}
	if err := s.recordSale(ctx, tx, who, "transaction.completed", t, changes); err != nil {
		return err
	}
	if t.Renewal && t.Price.Free() {
		return nil
	}
	return s.receipt(ctx, tx, t, sub)
}

func (s *Service) store(ctx context.Context, tx ports.Tx, t *core.Transaction, p paid) error {
	if p.fresh {
		return tx.Transactions.Add(ctx, t)
	}
	return tx.Transactions.Save(ctx, t)
}

// deliverable returns what a purchase gives, and locks its product: from now on
// nobody takes that away. It returns core.ErrNotForSale if there is nothing, or
// nobody, any more.
func (s *Service) deliverable(ctx context.Context, tx ports.Tx, t *core.Transaction) ([]ports.LinkedNode, error) {
	if _, err := tx.Products.Lock(ctx, t.OrgID, t.ProductID, true); err != nil {
		return nil, err
	}
	o, err := tx.Orgs.Get(ctx, t.OrgID)
	if err != nil {
		return nil, err
	}
	u, err := tx.Users.Get(ctx, t.BuyerID)
	if err != nil {
		return nil, err
	}
	links, err := tx.ProductLinks.List(ctx, t.ProductID)
	switch {
	case err != nil:
		return nil, err
	case o.Deleted() || u.Deleted():
		return nil, core.ErrNotForSale.Say("the buyer or the seller has left")
	case len(links) == 0 && !t.Renewal:
		return nil, core.ErrNotForSale.Say("nothing is linked to the product any more")
	}
	return links, nil
}

// Identify is the job that asks a provider by what name it knows the money of a
// transaction, where it has not said so: refunds and disputes name that.
type Identify struct {
	ID core.TransactionID `json:"id"`
}

// Kind implements ports.Job.
func (Identify) Kind() string { return "store.identify" }

// Identify can be done any number of times.
func (s *Service) Identify(ctx context.Context, job Identify) error {
	var t *core.Transaction
	err := s.Store.View(ctx, func(tx ports.Tx) (err error) {
		t, err = tx.Transactions.Find(ctx, job.ID)
		return err
	})
	if errors.Is(err, core.ErrNotFound) {
		return nil
	}
	if err != nil || t.PaymentRef != "" {
		return err
	}
	p, err := s.provider(t.Provider)
	if err != nil {
		return err
	}
	state, err := p.Look(ctx, t)
	if err != nil || state.PaymentRef == "" {
		return err
	}
	return s.Store.Update(ctx, func(tx ports.Tx) error {
		if t, err = tx.Transactions.Lock(ctx, job.ID); err != nil || !t.Identify(state.PaymentRef, s.Clock.Now()) {
			return err
		}
		return tx.Transactions.Save(ctx, t)
	})
}

// grant gives the buyer what is linked to the product.
func (s *Service) grant(
	ctx context.Context, tx ports.Tx, t *core.Transaction, sub *core.Subscription, links []ports.LinkedNode, now time.Time,
) error {
	es, ids := make([]*core.Entitlement, len(links)), make([]string, len(links))
	for i := range links {
		es[i] = core.NewEntitlement(core.EntitlementID(s.IDs.NewID()), t, sub, links[i].NodeID, s.opts.Grace, now)
		ids[i] = links[i].NodeID.String()
	}
	n, err := tx.Entitlements.Add(ctx, es...)
	if err != nil || n == 0 {
		return err
	}
	return s.emit(ctx, tx, t.OrgID, "entitlement.granted", map[string]any{
		"transaction_id": t.ID.String(), "product_id": t.ProductID.String(), "user_id": t.BuyerID.String(), "node_ids": ids, "count": n,
	})
}

// subscribe begins the membership that a completed transaction pays for, or
// renews the one there is. It returns nil where nothing of that kind was bought.
func (s *Service) subscribe(
	ctx context.Context, tx ports.Tx, t *core.Transaction, ref string, now time.Time,
) (sub *core.Subscription, began bool, err error) {
	if t.Type != core.Membership {
		return nil, false, nil
	}
	if sub, err = s.present(ctx, tx, t); err != nil {
		return nil, false, err
	}
	if sub == nil {
		sub = core.NewSubscription(core.SubscriptionID(s.IDs.NewID()), t, ref, now)
		t.SubscriptionID = sub.ID
		if err := tx.Subscriptions.Add(ctx, sub); err != nil {
			return nil, false, err
		}
		return sub, true, s.emit(ctx, tx, sub.OrgID, "subscription.created", membershipData(sub))
	}
	if !t.Renewal && ref != sub.ProviderRef { // bought anew: nothing more shall be taken by the old way
		if err := s.endAtProvider(ctx, tx, sub); err != nil {
			return nil, false, err
		}
		sub.ProviderRef = ref
	}
	sub.Renew(t, now)
	t.SubscriptionID = sub.ID
	if err := tx.Subscriptions.Save(ctx, sub); err != nil {
		return nil, false, err
	}
	return sub, false, s.emit(ctx, tx, sub.OrgID, "subscription.renewed", membershipData(sub))
}

// present returns the membership that a transaction adds to, if any: the live
// one before one that has expired.
func (s *Service) present(ctx context.Context, tx ports.Tx, t *core.Transaction) (*core.Subscription, error) {
	live, err := tx.Subscriptions.Live(ctx, t.BuyerID, t.ProductID)
	switch {
	case err == nil:
		return tx.Subscriptions.Lock(ctx, live.ID)
	case !errors.Is(err, core.ErrNotFound):
		return nil, err
	case t.SubscriptionID.IsZero():
		return nil, nil //nolint:nilnil // there is none
	}
	return tx.Subscriptions.Lock(ctx, t.SubscriptionID)
}

// membershipData is what events tell of a subscription.
func membershipData(sub *core.Subscription) map[string]any {
	return map[string]any{
		"subscription_id": sub.ID.String(), "product_id": sub.ProductID.String(), "product_name": sub.ProductName, "user_id": sub.UserID.String(),
		"status": string(sub.Status), "period_start": sub.PeriodStart.Format(time.RFC3339Nano), "period_end": sub.PeriodEnd.Format(time.RFC3339Nano),
	}
}

// Complete confirms, for an org, that it has been paid. It returns
// core.ErrPaidElsewhere and core.ErrTransactionState.
func (s *Service) Complete(ctx context.Context, a core.Actor, id core.TransactionID, once *app.Once) (*core.Transaction, error) {
	t, f, err := s.sale(ctx, a, id)
	if err != nil {
		return nil, err
	}
	if t.Provider != core.ProviderManual {
		return nil, core.ErrPaidElsewhere.With("provider", t.Provider)
	}
	now := s.Clock.Now()
	err = once.Do(ctx, s.Store, s.Secrets, now, func(tx ports.Tx) error {
		if t, err = tx.Transactions.Lock(ctx, id); err != nil {
			return err
		}
		if err := s.complete(ctx, tx, t, paid{Payment: core.Payment{Paid: t.Price}}, by{f, a}, now); err != nil {
			return err
		}
		return once.Keep(ctx, tx, s.Secrets, t, now)
	})
	return t, err
}

// sale returns a transaction to those who sell for its org. To its buyer it is
// not forbidden to know it, but to do what sellers do.
func (s *Service) sale(ctx context.Context, a core.Actor, id core.TransactionID) (*core.Transaction, core.OrgFacts, error) {
	t, who, err := s.party(ctx, a, id)
	if err != nil {
		return nil, core.OrgFacts{}, err
	}
	f, err := s.sells(ctx, a, t.OrgID)
	if errors.Is(err, core.ErrNotFound) && who.facts.OrgID.IsZero() { // the buyer, who has seen it
		err = core.ErrForbidden.Say("only those who sell for the organisation do this")
	}
	return t, f, err
}
