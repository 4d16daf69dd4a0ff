package stripe

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/stripe/stripe-go/v85"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// endedHere is what Stripe keeps, and tells again, of a subscription that this
// server has ended.
const endedHere = "ended by Coffer"

// EndSubscription implements ports.Payments. It ends at Stripe at once, and
// nothing is given back for the rest of the period: how long access goes on is
// for the server to say, so the event that tells of it is of no concern.
func (p *Payments) EndSubscription(ctx context.Context, ref string) error {
	if ref == "" {
		return nil
	}
	ctx, cancel := p.bounded(ctx)
	defer cancel()
	s, err := p.client.V1Subscriptions.Cancel(ctx, ref, &stripe.SubscriptionCancelParams{
		InvoiceNow: new(false), Prorate: new(false),
		CancellationDetails: &stripe.SubscriptionCancelCancellationDetailsParams{Comment: new(endedHere)},
	})
	if err == nil && s.ID == "" {
		err = errNotStripe
	}
	switch {
	case err == nil || isMissing(err): // which is the answer, too, if it has ended
		return nil
	case isRefused(err) && p.hasEnded(ctx, ref):
		return nil
	}
	return failed("end a subscription", err)
}

func (p *Payments) hasEnded(ctx context.Context, ref string) bool {
	s, err := p.client.V1Subscriptions.Retrieve(ctx, ref, &stripe.SubscriptionRetrieveParams{})
	if err != nil {
		return isMissing(err)
	}
	return s.Status == stripe.SubscriptionStatusCanceled || s.Status == stripe.SubscriptionStatusIncompleteExpired
}

// Renewals implements ports.Payments.
func (p *Payments) Renewals(ctx context.Context, ref string, since time.Time) (taken []core.Payment, err error) {
	ctx, cancel := p.bounded(ctx)
	defer cancel()
	params := &stripe.InvoiceListParams{
		Subscription: &ref, Status: new(string(stripe.InvoiceStatusPaid)), CreatedRange: &stripe.RangeQueryParams{GreaterThanOrEqual: since.Unix()},
	}
	params.Limit = new(int64(100))
	params.AddExpand("data.payments")
	for i, err := range p.client.V1Invoices.List(ctx, params).All(ctx) {
		if isMissing(err) {
			return nil, nil
		}
		if err != nil {
			return nil, failed("look for renewals", err)
		}
		if !renews(i.BillingReason) {
			continue
		}
		paid, err := fromStripe(i.AmountPaid, string(i.Currency))
		if err != nil {
			return nil, err
		}
		taken = append(taken, core.Payment{Ref: i.ID, PaymentRef: invoicePayment(i), Paid: paid})
	}
	slices.Reverse(taken) // Stripe has the newest first
	return taken, nil
}

// invoice is in two forms: until 2025 its subscription was at the top.
type invoice struct {
	ID            string                      `json:"id"`
	BillingReason stripe.InvoiceBillingReason `json:"billing_reason"`
	AmountPaid    int64                       `json:"amount_paid"`
	Currency      string                      `json:"currency"`
	Parent        struct {
		Subscription subscriptionDetails `json:"subscription_details"`
	} `json:"parent"`
	Details       subscriptionDetails `json:"subscription_details"`
	Subscription  link                `json:"subscription"`
	PaymentIntent link                `json:"payment_intent"`
}

type subscriptionDetails struct {
	Subscription link  `json:"subscription"`
	Metadata     marks `json:"metadata"`
}

// of is whose subscription the invoice is for.
func (i *invoice) of() (core.TransactionID, string) {
	if d := i.Parent.Subscription; d.Subscription != "" {
		return d.Metadata.transaction(), string(d.Subscription)
	}
	return i.Details.Metadata.transaction(), string(i.Subscription)
}

// renews reports whether an invoice is for a further period: the session tells
// of the first, and what somebody changes by hand at Stripe is no period.
func renews(why stripe.InvoiceBillingReason) bool {
	return why == stripe.InvoiceBillingReasonSubscriptionCycle
}

func readRenewed(object []byte) (ports.PaymentEvent, error) {
	i, out, err := readInvoice(object, ports.PaymentRenewed)
	if err == nil && out.Kind != "" {
		out.Ref, out.PaymentRef = i.ID, string(i.PaymentIntent)
		out.Paid, err = fromStripe(i.AmountPaid, i.Currency)
	}
	return out, err
}

func readLapsed(object []byte) (ports.PaymentEvent, error) {
	_, out, err := readInvoice(object, ports.PaymentLapsed)
	return out, err
}

func readInvoice(object []byte, kind ports.PaymentEventKind) (i invoice, out ports.PaymentEvent, err error) {
	if err := json.Unmarshal(object, &i); err != nil {
		return i, out, err
	}
	if out.Transaction, out.SubscriptionRef = i.of(); !out.Transaction.IsZero() && out.SubscriptionRef != "" && renews(i.BillingReason) {
		out.Kind = kind
	}
	return i, out, nil
}

type subscription struct {
	ID                string `json:"id"`
	CancelAt          int64  `json:"cancel_at"`
	CancelAtPeriodEnd bool   `json:"cancel_at_period_end"`
	CurrentPeriodEnd  int64  `json:"current_period_end"` // until 2025
	Items             struct {
		Data []struct {
			CurrentPeriodEnd int64 `json:"current_period_end"`
		} `json:"data"`
	} `json:"items"`
	Cancellation struct {
		Comment string `json:"comment"`
	} `json:"cancellation_details"`
	Metadata marks `json:"metadata"`
}

// ends reports whether this is the last period. Who cancels on Stripe's pages
// sets a time, of the end of the period, or says so, by the subscription's age.
func (s *subscription) ends() bool {
	end := s.CurrentPeriodEnd
	for _, item := range s.Items.Data {
		end = max(end, item.CurrentPeriodEnd)
	}
	return s.CancelAtPeriodEnd || s.CancelAt > 0 && (end == 0 || s.CancelAt <= end)
}

func readEnding(object []byte) (ports.PaymentEvent, error) {
	s, out, err := readSubscription(object)
	if out.SubscriptionRef != "" && s.ends() {
		out.Kind = ports.PaymentEnding
	}
	return out, err
}

// readEnded reads a subscription that is over. What this server has ended by
// EndSubscription is no news to it.
func readEnded(object []byte) (ports.PaymentEvent, error) {
	s, out, err := readSubscription(object)
	if out.SubscriptionRef != "" && s.Cancellation.Comment != endedHere {
		out.Kind = ports.PaymentEnded
	}
	return out, err
}

func readSubscription(object []byte) (s subscription, out ports.PaymentEvent, err error) {
	if err := json.Unmarshal(object, &s); err != nil {
		return s, out, err
	}
	if out.Transaction = s.Metadata.transaction(); !out.Transaction.IsZero() {
		out.SubscriptionRef = s.ID
	}
	return s, out, nil
}
