package store

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// errKnown ends a unit of work whose event has had its effect already.
var errKnown = errors.New("the event is known")

// Receive takes what a payment provider tells of by itself. An event that has
// had its effect, or is of no concern, changes nothing. It returns
// core.ErrNotFound if there is no such provider, core.ErrPaymentEvent,
// core.ErrPaymentMismatch, and core.ErrPaymentEarly for what has to be told
// again later.
func (s *Service) Receive(ctx context.Context, provider string, header http.Header, body []byte) error {
	p, ok := s.providers.All[provider]
	if !ok {
		return core.ErrNotFound
	}
	now := s.Clock.Now()
	e, err := p.Event(header, body, now)
	if err != nil || e.Kind == ports.PaymentIgnored {
		return err
	}
	err = s.Store.Update(ctx, func(tx ports.Tx) error {
		if err := tx.PaymentEvents.Add(ctx, provider, e.ID, now); err != nil {
			if errors.Is(err, core.ErrConflict) {
				return errKnown
			}
			return err
		}
		return s.heed(ctx, tx, provider, e, now)
	})
	if errors.Is(err, errKnown) {
		return nil
	}
	return err
}

// heed gives an event its effect.
func (s *Service) heed(ctx context.Context, tx ports.Tx, provider string, e ports.PaymentEvent, now time.Time) error {
	switch e.Kind {
	case ports.PaymentRenewed, ports.PaymentLapsed, ports.PaymentEnding, ports.PaymentEnded:
		return s.heedMembership(ctx, tx, provider, e, now)
	case ports.PaymentPaid, ports.PaymentFailed, ports.PaymentRefunded, ports.PaymentDisputed, ports.PaymentSettled, ports.PaymentIgnored:
	}
	t, err := s.concerned(ctx, tx, provider, e, now)
	if err != nil || t == nil {
		return err
	}
	switch e.Kind { //nolint:exhaustive // the others are above
	case ports.PaymentPaid:
		if t.Status != core.TransactionPending && t.PaymentRef != "" && e.PaymentRef != "" && e.PaymentRef != t.PaymentRef {
			return core.ErrTransactionState.Say("the transaction was paid by another payment; give this one back").With("status", string(t.Status))
		}
		p := paid{Payment: e.Payment, subscription: e.SubscriptionRef}
		if t.Status == core.TransactionFailed {
			return s.refuse(ctx, tx, t, p, now)
		}
		return s.complete(ctx, tx, t, p, itself(), now)
	case ports.PaymentFailed:
		if t.Status != core.TransactionPending {
			return nil // it came late
		}
		return s.fail(ctx, tx, t, core.FailedExpired, itself(), now)
	}
	if t.Status == core.TransactionPending { // money is given back that has not arrived yet
		return core.ErrPaymentEarly
	}
	switch e.Kind { //nolint:exhaustive // the others are above
	case ports.PaymentRefunded:
		return s.refund(ctx, tx, t, e.Refunded, "", itself(), now)
	case ports.PaymentDisputed:
		return s.dispute(ctx, tx, t, now)
	}
	return s.undispute(ctx, tx, t, e.Won, now)
}

// concerned returns the transaction that an event is about, locked; nil if it
// is none of this server's.
func (s *Service) concerned(ctx context.Context, tx ports.Tx, provider string, e ports.PaymentEvent, now time.Time) (*core.Transaction, error) {
	id := e.Transaction
	if e.PaymentRef != "" && e.Kind != ports.PaymentPaid { // of a renewal, the money names the first transaction
		found, err := tx.Transactions.ByPayment(ctx, provider, e.PaymentRef)
		switch {
		case err == nil:
			id = found.ID
		case !errors.Is(err, core.ErrNotFound):
			return nil, err
		}
	}
	if id.IsZero() {
		return nil, s.early(ctx, tx, provider, now)
	}
	t, err := tx.Transactions.Lock(ctx, id)
	if errors.Is(err, core.ErrNotFound) || err == nil && t.Provider != provider {
		return nil, nil //nolint:nilnil // another server's
	}
	return t, err
}

// early refuses an event about money that has no name here, as long as there is
// money whose name has yet to be asked for. Else it is another program's, which
// takes money there, too. What has no name after a day has none.
func (s *Service) early(ctx context.Context, tx ports.Tx, provider string, now time.Time) error {
	waiting, err := tx.Transactions.Unidentified(ctx, provider, now.Add(-24*time.Hour))
	if err == nil && waiting {
		err = core.ErrPaymentEarly
	}
	return err
}

// heedMembership gives an event about a subscription its effect. Of one that is
// not here any more only the money matters.
func (s *Service) heedMembership(ctx context.Context, tx ports.Tx, provider string, e ports.PaymentEvent, now time.Time) error {
	found, err := tx.Subscriptions.ByRef(ctx, provider, e.SubscriptionRef)
	if errors.Is(err, core.ErrNotFound) {
		t, err := tx.Transactions.Lock(ctx, e.Transaction)
		switch {
		case errors.Is(err, core.ErrNotFound) || err == nil && t.Provider != provider:
			return nil // another program's
		case err == nil && t.Status == core.TransactionPending: // which begins it
			return core.ErrPaymentEarly
		case err == nil && e.Kind == ports.PaymentRenewed:
			return s.unwanted(ctx, tx, t, e, now)
		}
		return err
	}
	if err != nil {
		return err
	}
	if e.Kind == ports.PaymentRenewed {
		return s.renewed(ctx, tx, found, e.Payment, now)
	}
	sub, err := tx.Subscriptions.Lock(ctx, found.ID)
	if err != nil || !sub.Live() {
		return err
	}
	if e.Kind == ports.PaymentLapsed {
		if now.Before(sub.PeriodEnd) {
			return nil // of a period that has been paid for since: it came late
		}
		return s.lapse(ctx, tx, sub, now)
	}
	// What the provider ends is not renewed; what has been paid for is left.
	return s.cancel(ctx, tx, sub, itself(), now)
}

// renewed makes the transaction of a payment that the provider has taken by
// itself, and completes it. What was taken is its price.
func (s *Service) renewed(ctx context.Context, tx ports.Tx, sub *core.Subscription, p core.Payment, now time.Time) error {
	product, err := tx.Products.Lock(ctx, sub.OrgID, sub.ProductID, true)
	if err != nil {
		return err
	}
	// Of two that tell of one payment at once, the second waits here.
	if _, err := tx.Subscriptions.Lock(ctx, sub.ID); err != nil {
		return err
	}
	if err := s.unknown(ctx, tx, sub.Provider, p.Ref); err != nil {
		return err
	}
	t := core.NewRenewal(core.TransactionID(s.IDs.NewID()), sub, product, now)
	t.Price = p.Paid
	if err := s.complete(ctx, tx, t, paid{Payment: p, subscription: sub.ProviderRef, fresh: true}, itself(), now); err != nil {
		return err
	}
	if sub.Status == core.SubscriptionCanceled || sub.Status == core.SubscriptionExpired {
		return s.endAtProvider(ctx, tx, sub) // which has not heard, or not listened
	}
	return nil
}

// unknown returns errKnown if the provider's name of a payment is known.
func (s *Service) unknown(ctx context.Context, tx ports.Tx, provider, ref string) error {
	_, err := tx.Transactions.ByRef(ctx, provider, ref)
	switch {
	case err == nil:
		return errKnown
	case errors.Is(err, core.ErrNotFound):
		return nil
	}
	return err
}

// unwanted gives back what the provider has taken for a membership that was
// bought by the first transaction and is not here any more.
func (s *Service) unwanted(ctx context.Context, tx ports.Tx, first *core.Transaction, e ports.PaymentEvent, now time.Time) error {
	if err := s.unknown(ctx, tx, first.Provider, e.Ref); err != nil {
		return err
	}
	t := core.NewTransaction(core.TransactionID(s.IDs.NewID()), &core.Product{
		ID: first.ProductID, OrgID: first.OrgID, Name: first.ProductName, Type: first.Type, SubscriptionDays: first.Days, Price: e.Paid,
	}, first.BuyerID, first.Provider, now)
	t.SubscriptionID, t.Renewal = first.SubscriptionID, true
	return s.refuse(ctx, tx, t, paid{Payment: e.Payment, subscription: e.SubscriptionRef, fresh: true}, now)
}
