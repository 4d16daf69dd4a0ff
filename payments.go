package coffer

import (
	"strings"

	"github.com/seed-755a8038/coffer/adapters/directpay"
	"github.com/seed-755a8038/coffer/adapters/stripe"
	appstore "github.com/seed-755a8038/coffer/app/store"
	"github.com/seed-755a8038/coffer/ports"
)

func newStoreOptions(cfg Config) appstore.Options {
	return appstore.Options{
		Unlimited: cfg.SelfHostedUnlimited, Grace: cfg.Payment.Grace, AppURL: strings.TrimSuffix(cfg.AppURL, "/"),
	}
}

// newPayments returns the ways to pay: the one for new purchases, and those by
// which older ones may have been begun.
func newPayments(cfg Config) (appstore.Providers, error) {
	p := appstore.Providers{Default: cfg.Payment.Provider, All: map[string]ports.Payments{PaymentManual: directpay.Manual{}}}
	if cfg.Payment.Provider == PaymentInstant {
		p.All[PaymentInstant] = directpay.Instant{}
	}
	if cfg.Payment.StripeSecretKey == "" {
		return p, nil
	}
	pay, err := newStripe(cfg)
	p.All[PaymentStripe] = pay
	return p, err
}

func newStripe(cfg Config) (*stripe.Payments, error) {
	return stripe.New(stripe.Config{
		SecretKey: cfg.Payment.StripeSecretKey, WebhookSecret: cfg.Payment.StripeWebhookSecret, APIURL: cfg.Payment.StripeAPIURL,
	})
}
