package stripe

import (
	"context"
	"fmt"
	"strings"

	"github.com/stripe/stripe-go/v85"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// isLive reports whether a key is for real money.
func isLive(key string) bool { return !strings.Contains(key, "_test_") }

// Diagnose reports whether the key is good for anything, and for real money,
// and whether events can be believed. It changes nothing.
func (p *Payments) Diagnose(ctx context.Context) []ports.Finding {
	return []ports.Finding{p.diagnoseKey(ctx), p.diagnoseWebhook()}
}

// diagnoseKey asks for what every payment needs: a key with few rights may not
// see the balance.
func (p *Payments) diagnoseKey(ctx context.Context) ports.Finding {
	const check = "Stripe"
	ctx, cancel := p.bounded(ctx)
	defer cancel()
	params := &stripe.CheckoutSessionListParams{}
	params.Limit = new(int64(1))
	for _, err := range p.client.V1CheckoutSessions.List(ctx, params).All(ctx) {
		if err != nil {
			return ports.Finding{Check: check, Detail: fmt.Sprintf("nobody can pay: %v", failed("list payments", err))}
		}
		break // the first page is enough
	}
	if !p.live {
		return ports.Finding{Check: check, OK: true, Warning: true, Detail: "answers, for a test key: purchases succeed, and no money is taken"}
	}
	return ports.Finding{Check: check, OK: true, Detail: "answers, for a live key"}
}

func (p *Payments) diagnoseWebhook() ports.Finding {
	const check = "Stripe's events"
	if p.secret == "" {
		return ports.Finding{Check: check, Detail: core.ErrPaymentEvent.Message + ": no webhook secret is set, so none is believed, and memberships are never renewed. " +
			"Create an endpoint in the Dashboard for " + strings.Join(EventTypes(), ", ") + ", and set its signing secret"}
	}
	return ports.Finding{Check: check, OK: true, Detail: "a webhook secret is set; the endpoint must send " + strings.Join(EventTypes(), ", ")}
}
