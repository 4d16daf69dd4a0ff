package stripe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/stripe/stripe-go/v85"

	"github.com/seed-755a8038/coffer/core"
)

// refundKey is the key of the metadata by which a refund is found again.
const refundKey = "coffer_refund"

// Refund implements ports.Payments. Stripe forgets what it was asked for after
// a day, so the refunds there are have the last word. If somebody has given
// everything back in the Dashboard, that is the answer.
func (p *Payments) Refund(ctx context.Context, t *core.Transaction, amount int64, once string) (int64, error) {
	units, _, err := toStripe(core.Money{Amount: amount, Currency: t.Price.Currency})
	if err != nil {
		return 0, err
	}
	ctx, cancel := p.bounded(ctx)
	defer cancel()
	payment, err := p.paymentOf(ctx, t)
	if err != nil {
		return 0, err
	}
	sum := sha256.Sum256([]byte(t.ID.String() + " " + once))
	name := hex.EncodeToString(sum[:])
	seen, err := p.refunds(ctx, payment, name)
	total := seen.total
	if err == nil && !seen.known {
		total, err = p.refund(ctx, t, payment, name, seen.failed, units)
	}
	if err != nil {
		return 0, err
	}
	m, err := fromStripe(total, t.Price.Currency)
	return m.Amount, err
}

// refund gives back units, and returns the units given back in all. After one
// that has failed it is another request.
func (p *Payments) refund(ctx context.Context, t *core.Transaction, payment, name string, failures int, units int64) (int64, error) {
	params := &stripe.RefundCreateParams{Amount: &units, Metadata: mark(t)}
	if params.PaymentIntent = &payment; isCharge(payment) {
		params.PaymentIntent, params.Charge = nil, &payment
	}
	params.AddMetadata(refundKey, name)
	params.AddExpand("charge")
	params.SetIdempotencyKey("coffer-refund-" + name + "-" + strconv.Itoa(failures))
	r, err := p.client.V1Refunds.Create(ctx, params)
	switch {
	case err != nil && !hasCode(err, stripe.ErrorCodeChargeAlreadyRefunded):
		return 0, failed("give money back", err)
	case err == nil && !replayed(r.LastResponse) && r.Charge != nil && r.Charge.Currency != "":
		return r.Charge.AmountRefunded, nil
	}
	seen, err := p.refunds(ctx, payment, name)
	return seen.total, err
}

type refunded struct {
	total  int64 // in Stripe's units
	known  bool  // the refund of that name is among it
	failed int   // how many of that name have given nothing back
}

// refunds returns what has been given back of a payment.
func (p *Payments) refunds(ctx context.Context, payment, name string) (out refunded, err error) {
	params := &stripe.RefundListParams{}
	if params.PaymentIntent = &payment; isCharge(payment) {
		params.PaymentIntent, params.Charge = nil, &payment
	}
	params.Limit = new(int64(100))
	for r, err := range p.client.V1Refunds.List(ctx, params).All(ctx) {
		if err != nil {
			return out, failed("look for refunds", err)
		}
		named := r.Metadata[refundKey] == name
		switch {
		case r.Status != stripe.RefundStatusFailed && r.Status != stripe.RefundStatusCanceled:
			out.total += r.Amount
			out.known = out.known || named
		case named:
			out.failed++
		}
	}
	return out, nil
}

// paymentOf is Stripe's name for the money of t. That of a membership is not in
// the event that tells of it.
func (p *Payments) paymentOf(ctx context.Context, t *core.Transaction) (string, error) {
	if t.PaymentRef != "" {
		return t.PaymentRef, nil
	}
	if t.ProviderRef != "" {
		s, err := p.look(ctx, t.ProviderRef)
		if err != nil {
			return "", err
		}
		if s.PaymentRef != "" {
			return s.PaymentRef, nil
		}
	}
	return "", core.ErrPaymentRefused.Say("the payment provider has taken no money for this, so there is none to give back")
}

// isCharge tells the charges of old ways to pay from PaymentIntents.
func isCharge(payment string) bool {
	return strings.HasPrefix(payment, "ch_") || strings.HasPrefix(payment, "py_")
}
