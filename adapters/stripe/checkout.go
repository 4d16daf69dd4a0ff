package stripe

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v85"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// invoicePrefix is how the reference of a renewal begins: it is an invoice of
// Stripe's, where all others are Checkout Sessions.
const invoicePrefix = "in_"

// Checkout implements ports.Payments. Stripe forgets that it was asked after
// 24 hours at the earliest; by then nobody can pay the first session any more.
func (p *Payments) Checkout(ctx context.Context, c ports.Checkout) (ports.CheckoutState, error) {
	if c.Transaction.ProviderRef != "" {
		return p.Look(ctx, c.Transaction)
	}
	params, err := sessionParams(c)
	if err != nil {
		return ports.CheckoutState{}, err
	}
	ctx, cancel := p.bounded(ctx)
	defer cancel()
	s, err := p.client.V1CheckoutSessions.Create(ctx, params)
	switch {
	case err != nil:
		return ports.CheckoutState{}, failed("begin a payment", err)
	case replayed(s.LastResponse):
		return p.look(ctx, s.ID)
	}
	return sessionState(s)
}

// sessionParams asks for a page on which exactly the price is paid.
func sessionParams(c ports.Checkout) (*stripe.CheckoutSessionCreateParams, error) {
	t := c.Transaction
	amount, currency, err := toStripe(t.Price)
	if err != nil {
		return nil, err
	}
	price := &stripe.CheckoutSessionCreateLineItemPriceDataParams{
		Currency: &currency, UnitAmount: &amount,
		ProductData: &stripe.CheckoutSessionCreateLineItemPriceDataProductDataParams{Name: &t.ProductName},
	}
	params := &stripe.CheckoutSessionCreateParams{
		Mode:              new(string(stripe.CheckoutSessionModePayment)),
		LineItems:         []*stripe.CheckoutSessionCreateLineItemParams{{PriceData: price, Quantity: new(int64(1))}},
		ClientReferenceID: new(t.ID.String()), Metadata: mark(t), SuccessURL: &c.SuccessURL, CancelURL: &c.CancelURL,
		// in another currency the amounts of events and refunds would not be those of the price
		AdaptivePricing: &stripe.CheckoutSessionCreateAdaptivePricingParams{Enabled: new(false)},
	}
	if c.BuyerEmail != "" {
		params.CustomerEmail = &c.BuyerEmail
	}
	if t.Type == core.Membership {
		params.Mode = new(string(stripe.CheckoutSessionModeSubscription))
		params.SubscriptionData = &stripe.CheckoutSessionCreateSubscriptionDataParams{Metadata: mark(t)}
		price.Recurring = &stripe.CheckoutSessionCreateLineItemPriceDataRecurringParams{
			Interval: new(string(stripe.PriceRecurringIntervalDay)), IntervalCount: new(int64(t.Days)),
		}
	} else { // Stripe copies it from there to the charge, which refunds tell of
		params.PaymentIntentData = &stripe.CheckoutSessionCreatePaymentIntentDataParams{Metadata: mark(t)}
	}
	params.SetIdempotencyKey("coffer-checkout-" + t.ID.String())
	return params, nil
}

// Look implements ports.Payments. A payment that was never begun is neither
// done nor failed.
func (p *Payments) Look(ctx context.Context, t *core.Transaction) (ports.CheckoutState, error) {
	if t.ProviderRef == "" {
		return ports.CheckoutState{}, nil
	}
	ctx, cancel := p.bounded(ctx)
	defer cancel()
	return p.look(ctx, t.ProviderRef)
}

func (p *Payments) look(ctx context.Context, ref string) (ports.CheckoutState, error) {
	if strings.HasPrefix(ref, invoicePrefix) {
		return p.lookInvoice(ctx, ref)
	}
	params := &stripe.CheckoutSessionRetrieveParams{}
	for _, part := range []string{"payment_intent", "subscription", "invoice.payments"} {
		params.AddExpand(part)
	}
	s, err := p.client.V1CheckoutSessions.Retrieve(ctx, ref, params)
	if err != nil {
		return ports.CheckoutState{}, failed("look at a payment", err)
	}
	return sessionState(s)
}

func (p *Payments) lookInvoice(ctx context.Context, ref string) (ports.CheckoutState, error) {
	params := &stripe.InvoiceRetrieveParams{}
	params.AddExpand("payments")
	i, err := p.client.V1Invoices.Retrieve(ctx, ref, params)
	if err != nil {
		return ports.CheckoutState{}, failed("look at an invoice", err)
	}
	s := ports.CheckoutState{Payment: core.Payment{Ref: ref, PaymentRef: invoicePayment(i)}}
	switch i.Status {
	case stripe.InvoiceStatusPaid:
		s.Done = true
		s.Paid, err = fromStripe(i.AmountPaid, string(i.Currency))
		if i.Parent != nil && i.Parent.SubscriptionDetails != nil && i.Parent.SubscriptionDetails.Subscription != nil {
			s.SubscriptionRef = i.Parent.SubscriptionDetails.Subscription.ID
		}
	case stripe.InvoiceStatusVoid, stripe.InvoiceStatusUncollectible:
		s.Failed = true
	case stripe.InvoiceStatusDraft, stripe.InvoiceStatusOpen:
	}
	return s, err
}

// sessionState says how far a session is. One that is complete may still wait
// for the money, if the buyer pays by a method that takes days.
func sessionState(s *stripe.CheckoutSession) (ports.CheckoutState, error) {
	if s.ID == "" {
		return ports.CheckoutState{}, failed("look at a payment", errNotStripe)
	}
	out := ports.CheckoutState{Payment: core.Payment{Ref: s.ID, PaymentRef: sessionPayment(s)}}
	if s.ExpiresAt > 0 {
		out.ExpiresAt = time.Unix(s.ExpiresAt, 0).UTC()
	}
	switch s.Status {
	case stripe.CheckoutSessionStatusOpen:
		out.URL = s.URL
	case stripe.CheckoutSessionStatusExpired:
		out.Failed = true
	case stripe.CheckoutSessionStatusComplete:
		if !isPaid(s.PaymentStatus) {
			out.Failed = isLost(s)
			break
		}
		paid, err := fromStripe(s.AmountTotal, string(s.Currency))
		if err != nil {
			return ports.CheckoutState{}, err
		}
		out.Paid, out.Done = paid, true
		if s.Subscription != nil {
			out.SubscriptionRef = s.Subscription.ID
		}
	}
	return out, nil
}

func isPaid(s stripe.CheckoutSessionPaymentStatus) bool {
	return s == stripe.CheckoutSessionPaymentStatusPaid || s == stripe.CheckoutSessionPaymentStatusNoPaymentRequired
}

// isLost reports whether the money of a complete session will not come: there
// is no page any more on which the buyer could try again.
func isLost(s *stripe.CheckoutSession) bool {
	if i := s.PaymentIntent; i != nil {
		return i.Status == stripe.PaymentIntentStatusRequiresPaymentMethod || i.Status == stripe.PaymentIntentStatusCanceled
	}
	if sub := s.Subscription; sub != nil {
		return sub.Status == stripe.SubscriptionStatusIncompleteExpired || sub.Status == stripe.SubscriptionStatusCanceled
	}
	return false
}

// sessionPayment is Stripe's name for the money of a session, or empty.
func sessionPayment(s *stripe.CheckoutSession) string {
	if s.PaymentIntent != nil {
		return s.PaymentIntent.ID
	}
	if s.Invoice != nil {
		return invoicePayment(s.Invoice)
	}
	return ""
}

// invoicePayment is Stripe's name for the money that paid an invoice, or empty.
// The payments must have been asked for.
func invoicePayment(i *stripe.Invoice) (ref string) {
	if i.Payments == nil {
		return ""
	}
	for _, p := range i.Payments.Data {
		if p == nil || p.Payment == nil {
			continue
		}
		switch {
		case p.Payment.PaymentIntent != nil:
			ref = p.Payment.PaymentIntent.ID
		case p.Payment.Charge != nil:
			ref = p.Payment.Charge.ID
		}
		if p.Status == "paid" {
			break
		}
	}
	return ref
}

// Abandon implements ports.Payments. A session that the account does not have
// cannot be paid to it.
func (p *Payments) Abandon(ctx context.Context, t *core.Transaction) error {
	if t.ProviderRef == "" {
		return nil
	}
	ctx, cancel := p.bounded(ctx)
	defer cancel()
	if !strings.HasPrefix(t.ProviderRef, invoicePrefix) { // which Stripe alone begins
		s, err := p.client.V1CheckoutSessions.Expire(ctx, t.ProviderRef, &stripe.CheckoutSessionExpireParams{})
		if err == nil && s.ID == "" {
			err = errNotStripe
		}
		switch {
		case err == nil || isMissing(err):
			return nil
		case !isRefused(err):
			return failed("abandon a payment", err)
		}
	}
	s, err := p.look(ctx, t.ProviderRef) // it was not open
	switch {
	case err != nil:
		return err
	case s.Failed:
		return nil
	}
	return fmt.Errorf("stripe: %s is paid, or waits for the money: %w", t.ProviderRef, core.ErrConflict)
}
