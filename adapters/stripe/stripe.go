// Package stripe takes payments through Stripe. Buyers pay on Stripe's own
// pages (Checkout), so no number of a card ever comes here; memberships are
// subscriptions of Stripe's, which it renews by itself.
package stripe

import (
	"context"
	"time"

	"github.com/stripe/stripe-go/v85"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// transactionKey is the key of the metadata by which what is Coffer's is known
// at Stripe, where other applications may have things in the same account.
const transactionKey = "coffer_transaction"

// retries is how often a request that got no answer is sent again. Each has an
// idempotency key, so that it has one effect.
const retries = 1

// Payments implements ports.Payments. It is safe for concurrent use.
type Payments struct {
	client  *stripe.Client
	secret  string // of the webhook; empty: none
	skew    time.Duration
	timeout time.Duration
	live    bool // the key is for real money
}

// New returns the payments of an account. It does not ask Stripe.
func New(cfg Config) (*Payments, error) {
	cfg, err := cfg.checked()
	if err != nil {
		return nil, err
	}
	backends := stripe.NewBackendsWithConfig(&stripe.BackendConfig{
		URL: &cfg.APIURL, HTTPClient: cfg.HTTPClient, MaxNetworkRetries: new(int64(retries)),
		EnableTelemetry: new(false),
		LeveledLogger:   &stripe.LeveledLogger{Level: stripe.LevelNull}, // it would log what Stripe says, with people's data
	})
	return &Payments{
		client: stripe.NewClient(cfg.SecretKey, stripe.WithBackends(backends)),
		secret: cfg.WebhookSecret, skew: cfg.AllowedSkew, timeout: cfg.Timeout, live: isLive(cfg.SecretKey),
	}, nil
}

// Name implements ports.Payments.
func (*Payments) Name() string { return "stripe" }

// Renewal implements ports.Payments.
func (*Payments) Renewal() ports.RenewalMode { return ports.RenewalProvider }

// bounded is ctx for one call.
func (p *Payments) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, p.timeout)
}

// mark is the metadata of what belongs to t.
func mark(t *core.Transaction) map[string]string {
	return map[string]string{transactionKey: t.ID.String()}
}

// replayed reports whether Stripe has only repeated what it answered when it
// was first asked, which may have been a while ago.
func replayed(r *stripe.APIResponse) bool {
	return r != nil && r.Header.Get("Idempotent-Replayed") == "true"
}
