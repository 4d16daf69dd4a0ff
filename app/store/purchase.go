package store

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// BuyInput is an order of one product.
type BuyInput struct {
	ProductID core.ProductID
	Once      *app.Once
}

// Buy orders a product at its present price. What is free is the buyer's at
// once; else the transaction says where to pay, or waits for the seller to
// confirm that it has been paid. Who has an order of the product that is not
// paid yet gets that one. It returns core.ErrNotForSale and core.ErrAlreadyOwned.
func (s *Service) Buy(ctx context.Context, a core.Actor, in BuyInput) (*core.Transaction, error) {
	u, err := s.user(ctx, a)
	if err != nil {
		return nil, err
	}
	if err := in.Once.Find(ctx, s.Store, s.Secrets, s.Clock.Now()); err != nil {
		return nil, err
	}
	t, state, err := s.place(ctx, u, a, in.ProductID)
	if err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	err = in.Once.Do(ctx, s.Store, s.Secrets, now, func(tx ports.Tx) error {
		if t, err = tx.Transactions.Lock(ctx, t.ID); err != nil {
			return err
		}
		if err := s.advance(ctx, tx, t, state, buyer(u, a), now); err != nil {
			return err
		}
		return in.Once.Keep(ctx, tx, s.Secrets, t, now)
	})
	return t, err
}

// place returns the buyer's pending transaction of a product with how far its
// payment is. If that can no longer be made, it is ordered anew.
func (s *Service) place(
	ctx context.Context, u *core.User, a core.Actor, id core.ProductID,
) (t *core.Transaction, state ports.CheckoutState, err error) {
	for range attempts {
		if t, err = s.order(ctx, u, a, id); err != nil {
			return nil, state, err
		}
		if state, err = s.begin(ctx, t, u); err != nil || !state.Failed {
			return t, state, err
		}
		if err := s.settle(ctx, t, state, core.FailedExpired); err != nil {
			return nil, state, err
		}
	}
	return nil, state, core.ErrUnavailable.Say("the payment provider does not begin the payment; try again later")
}

// order returns the buyer's pending transaction of a product, a new one if
// there is none.
func (s *Service) order(ctx context.Context, u *core.User, a core.Actor, id core.ProductID) (t *core.Transaction, err error) {
	for range attempts {
		err = s.Store.Update(ctx, func(tx ports.Tx) error {
			t, err = s.orderOnce(ctx, tx, u, a, id)
			return err
		})
		if !errors.Is(err, core.ErrConflict) { // of two requests at once, the other was faster
			break
		}
	}
	return t, err
}

const attempts = 3

func (s *Service) orderOnce(ctx context.Context, tx ports.Tx, u *core.User, a core.Actor, id core.ProductID) (*core.Transaction, error) {
	p, err := tx.Products.Find(ctx, id)
	if err != nil {
		return nil, err
	}
	if p, err = tx.Products.Lock(ctx, p.OrgID, id, true); err != nil {
		return nil, err
	}
	links, err := tx.ProductLinks.List(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := p.CheckBuy(len(links)); err != nil {
		return nil, err
	}
	pending, err := tx.Transactions.Pending(ctx, u.ID, id)
	if !errors.Is(err, core.ErrNotFound) {
		return pending, err
	}
	if err := s.checkOwned(ctx, tx, u.ID, p); err != nil {
		return nil, err
	}
	provider := s.providers.Default
	if p.Price.Free() {
		provider = core.ProviderFree
	}
	t := core.NewTransaction(core.TransactionID(s.IDs.NewID()), p, u.ID, provider, s.Clock.Now())
	if err := tx.Transactions.Add(ctx, t); err != nil {
		return nil, err
	}
	// By adding it, who leaves at this moment has been waited for.
	if u, err = tx.Users.Get(ctx, u.ID); err == nil && u.Deleted() {
		err = core.ErrUnauthenticated
	}
	if err != nil {
		return nil, err
	}
	return t, s.recordSale(ctx, tx, buyer(u, a), "transaction.created", t, map[string]core.Change{
		"product": {To: t.ProductName}, "price_amount": {To: t.Price.Amount}, "currency": {To: t.Price.Currency},
	})
}

// checkOwned refuses to sell somebody what they have. A membership that is past
// due is paid by buying it, and one that was canceled can be bought again once
// its period is over: else two would be paid at once.
func (s *Service) checkOwned(ctx context.Context, tx ports.Tx, user core.UserID, p *core.Product) error {
	if p.Type == core.Membership {
		sub, err := tx.Subscriptions.Live(ctx, user, p.ID)
		if errors.Is(err, core.ErrNotFound) {
			return nil
		}
		if err == nil && (sub.Status == core.SubscriptionActive || sub.Status == core.SubscriptionCanceled && s.Clock.Now().Before(sub.PeriodEnd)) {
			err = core.ErrAlreadyOwned.With("subscription_id", sub.ID.String())
		}
		return err
	}
	bought, err := tx.Transactions.Bought(ctx, user, p.ID)
	if err == nil && bought {
		err = core.ErrAlreadyOwned
	}
	return err
}

// begin begins the payment of a pending transaction, or goes on with it.
func (s *Service) begin(ctx context.Context, t *core.Transaction, u *core.User) (ports.CheckoutState, error) {
	if t.Provider == core.ProviderFree {
		return ports.CheckoutState{Done: true, Payment: core.Payment{Paid: t.Price}}, nil
	}
	p, err := s.provider(t.Provider)
	if err != nil {
		return ports.CheckoutState{}, err
	}
	if t.CheckoutURL != "" && s.Clock.Now().Before(t.ExpiresAt) {
		return ports.CheckoutState{URL: t.CheckoutURL, ExpiresAt: t.ExpiresAt}, nil
	}
	state, err := p.Checkout(ctx, ports.Checkout{
		Transaction: t, BuyerEmail: u.Email, SuccessURL: s.back(t, "paid"), CancelURL: s.back(t, "canceled"),
	})
	if errors.Is(err, core.ErrPaymentRefused) {
		return state, errors.Join(err, s.settle(ctx, t, ports.CheckoutState{Failed: true}, core.FailedDeclined))
	}
	return state, err
}

// back is where a buyer comes back to from a provider's page.
func (s *Service) back(t *core.Transaction, how string) string {
	return s.opts.AppURL + "/purchases/" + t.ID.String() + "?" + url.Values{"payment": {how}}.Encode()
}

func (s *Service) provider(name string) (ports.Payments, error) {
	p, ok := s.providers.All[name]
	if !ok {
		return nil, core.ErrUnavailable.Say("the payment provider of this transaction, " + name + ", is not configured any more")
	}
	return p, nil
}

// advance brings a locked transaction to the state that its payment is in.
func (s *Service) advance(ctx context.Context, tx ports.Tx, t *core.Transaction, state ports.CheckoutState, who by, now time.Time) error {
	switch {
	case state.Done:
		return s.complete(ctx, tx, t, paid{Payment: state.Payment, subscription: state.SubscriptionRef}, who, now)
	case t.Status != core.TransactionPending, state.URL == t.CheckoutURL:
		return nil
	}
	if err := t.Await(state.Payment, state.URL, state.ExpiresAt, now); err != nil {
		return err
	}
	return tx.Transactions.Save(ctx, t)
}

// settle brings a transaction to the state that its payment is in, or fails it
// if that has failed, unless another payment has been begun meanwhile.
func (s *Service) settle(ctx context.Context, seen *core.Transaction, state ports.CheckoutState, why core.FailReason) error {
	now := s.Clock.Now()
	return s.Store.Update(ctx, func(tx ports.Tx) error {
		t, err := tx.Transactions.Lock(ctx, seen.ID)
		if err != nil || t.Status != core.TransactionPending || t.ProviderRef != seen.ProviderRef {
			return err
		}
		if state.Failed {
			return s.fail(ctx, tx, t, why, itself(), now)
		}
		return s.advance(ctx, tx, t, state, itself(), now)
	})
}

// fail ends a locked pending transaction.
func (s *Service) fail(ctx context.Context, tx ports.Tx, t *core.Transaction, why core.FailReason, who by, now time.Time) error {
	done, err := t.Fail(why, now)
	if err != nil || !done {
		return err
	}
	if err := tx.Transactions.Save(ctx, t); err != nil {
		return err
	}
	return s.failed(ctx, tx, t, who)
}

// failed writes down that a transaction has failed, and tells those outside.
func (s *Service) failed(ctx context.Context, tx ports.Tx, t *core.Transaction, who by) error {
	if err := s.recordSale(ctx, tx, who, "transaction.failed", t, map[string]core.Change{"reason": {To: string(t.FailReason)}}); err != nil {
		return err
	}
	return s.emit(ctx, tx, t.OrgID, "transaction.failed", saleData(t))
}

func (s *Service) recordSale(
	ctx context.Context, tx ports.Tx, who by, action string, t *core.Transaction, changes map[string]core.Change,
) error {
	return s.record(ctx, tx, who, t.OrgID, action, app.Target{Kind: "transaction", ID: t.ID.String()}, changes)
}

// saleData is what events tell of a transaction.
func saleData(t *core.Transaction) map[string]any {
	data := map[string]any{
		"transaction_id": t.ID.String(), "product_id": t.ProductID.String(), "product_name": t.ProductName, "buyer_id": t.BuyerID.String(),
		"amount": t.Price.Amount, "currency": t.Price.Currency, "refunded_amount": t.Refunded, "provider": t.Provider,
		"status": string(t.Status), "renewal": t.Renewal,
	}
	if !t.SubscriptionID.IsZero() {
		data["subscription_id"] = t.SubscriptionID.String()
	}
	return data
}

// Transaction returns a transaction to its buyer, and to those who sell for the
// org. To others it does not exist.
func (s *Service) Transaction(ctx context.Context, a core.Actor, id core.TransactionID) (*core.Transaction, error) {
	t, _, err := s.party(ctx, a, id)
	return t, err
}

// party returns a transaction with who the actor is to it: its buyer, or
// somebody who sells for the org.
func (s *Service) party(ctx context.Context, a core.Actor, id core.TransactionID) (t *core.Transaction, who by, err error) {
	u, err := s.user(ctx, a)
	if err != nil {
		return nil, who, err
	}
	err = s.Store.View(ctx, func(tx ports.Tx) error {
		t, err = tx.Transactions.Find(ctx, id)
		return err
	})
	if err != nil {
		return nil, who, err
	}
	if t.BuyerID == u.ID {
		return t, buyer(u, a), nil
	}
	f, err := s.sells(ctx, a, t.OrgID)
	return t, by{f, a}, err
}

// sells returns the actor's standing in an org of which they may see the sales;
// to others these do not exist.
func (s *Service) sells(ctx context.Context, a core.Actor, org core.OrgID) (core.OrgFacts, error) {
	f, err := s.may(ctx, a, org, core.ManageProducts)
	if errors.Is(err, core.ErrForbidden) {
		err = core.ErrNotFound
	}
	return f, err
}

// Abandon ends a purchase that is not paid, for its buyer or its seller. It
// returns core.ErrTransactionState.
func (s *Service) Abandon(ctx context.Context, a core.Actor, id core.TransactionID) (*core.Transaction, error) {
	t, who, err := s.party(ctx, a, id)
	if err != nil {
		return nil, err
	}
	if _, err := new(*t).Fail(core.FailedCanceled, s.Clock.Now()); err != nil {
		return nil, err
	}
	t, err = s.giveUp(ctx, t, who)
	if errors.Is(err, core.ErrConflict) {
		err = core.ErrTransactionState.Say("this has just been paid; ask the seller for a refund")
	}
	return t, err
}

// giveUp fails a purchase after making sure that nobody can pay it any more. It
// returns core.ErrConflict if it is paid, or about to be.
func (s *Service) giveUp(ctx context.Context, seen *core.Transaction, who by) (t *core.Transaction, err error) {
	for range attempts {
		if p := s.providers.All[seen.Provider]; p != nil && seen.Status == core.TransactionPending {
			if err := p.Abandon(ctx, seen); err != nil {
				return nil, err
			}
		}
		moved := false
		err = s.Store.Update(ctx, func(tx ports.Tx) error {
			if t, err = tx.Transactions.Lock(ctx, seen.ID); err != nil {
				return err
			}
			if moved = t.Status == core.TransactionPending && t.ProviderRef != seen.ProviderRef; moved { // a payment has been begun meanwhile
				return core.ErrConflict
			}
			return s.fail(ctx, tx, t, core.FailedCanceled, who, s.Clock.Now())
		})
		if !moved {
			break
		}
		seen = t
	}
	return t, err
}
