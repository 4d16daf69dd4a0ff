package stripe_test

import (
	"testing"

	"github.com/seed-755a8038/coffer/adapters/stripe"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/contract"
)

var _ ports.Payments = (*stripe.Payments)(nil)

func TestStripeKeepsTheContract(t *testing.T) {
	contract.Payments(t, func(t *testing.T) contract.PaymentProvider {
		f := openFake(t)
		return contract.PaymentProvider{Payments: f.payments(t), Pay: f.pay, Renew: f.renew, Remote: true}
	})
}
