// Package directpay has the payment providers that talk to nobody: for money
// that changes hands elsewhere, and for trying things out.
package directpay

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Manual is for orgs that are paid by bank transfer, by invoice or in cash: a
// purchase waits until somebody of the org says that the money is there.
type Manual struct{}

// Name implements ports.Payments.
func (Manual) Name() string { return core.ProviderManual }

// Renewal implements ports.Payments: the next period waits to be paid like the
// first one.
func (Manual) Renewal() ports.RenewalMode { return ports.RenewalAsked }

// Checkout implements ports.Payments. There is nothing to begin: the org tells
// the buyer how to pay.
func (Manual) Checkout(context.Context, ports.Checkout) (ports.CheckoutState, error) {
	return ports.CheckoutState{}, nil
}

// Look implements ports.Payments. Only the org knows.
func (Manual) Look(context.Context, *core.Transaction) (ports.CheckoutState, error) {
	return ports.CheckoutState{}, nil
}

// Abandon implements ports.Payments.
func (Manual) Abandon(context.Context, *core.Transaction) error { return nil }

// Refund implements ports.Payments. The money goes back the way it came; this
// is the note of it.
func (Manual) Refund(_ context.Context, t *core.Transaction, amount int64, _ string) (int64, error) {
	return t.Refunded + amount, nil
}

// EndSubscription implements ports.Payments.
func (Manual) EndSubscription(context.Context, string) error { return nil }

// Renewals implements ports.Payments. Nothing is taken without being asked for.
func (Manual) Renewals(context.Context, string, time.Time) ([]core.Payment, error) { return nil, nil }

// Event implements ports.Payments. Nobody sends any.
func (Manual) Event(http.Header, []byte, time.Time) (ports.PaymentEvent, error) {
	return ports.PaymentEvent{}, core.ErrPaymentEvent
}

// Instant pays everything at once, with money that does not exist. It is for
// development: on a server that people can reach it gives everything away.
type Instant struct{}

// Name implements ports.Payments.
func (Instant) Name() string { return "instant" }

// Renewal implements ports.Payments.
func (Instant) Renewal() ports.RenewalMode { return ports.RenewalTaken }

// Checkout implements ports.Payments: it is paid.
func (Instant) Checkout(_ context.Context, c ports.Checkout) (ports.CheckoutState, error) {
	return paid(c.Transaction), nil
}

// Look implements ports.Payments: it is paid.
func (Instant) Look(_ context.Context, t *core.Transaction) (ports.CheckoutState, error) {
	return paid(t), nil
}

// Abandon implements ports.Payments. What Checkout has begun has succeeded.
func (Instant) Abandon(_ context.Context, t *core.Transaction) error {
	if t.ProviderRef == "" {
		return nil
	}
	return core.ErrConflict
}

// Refund implements ports.Payments.
func (Instant) Refund(_ context.Context, t *core.Transaction, amount int64, _ string) (int64, error) {
	return t.Refunded + amount, nil
}

// EndSubscription implements ports.Payments.
func (Instant) EndSubscription(context.Context, string) error { return nil }

// Renewals implements ports.Payments. Nothing is taken without being asked for.
func (Instant) Renewals(context.Context, string, time.Time) ([]core.Payment, error) { return nil, nil }

// Event implements ports.Payments. Nobody sends any.
func (Instant) Event(http.Header, []byte, time.Time) (ports.PaymentEvent, error) {
	return ports.PaymentEvent{}, core.ErrPaymentEvent
}

func paid(t *core.Transaction) ports.CheckoutState {
	return ports.CheckoutState{Payment: core.Payment{Ref: "instant_" + t.ID.String(), Paid: t.Price}, Done: true}
}
