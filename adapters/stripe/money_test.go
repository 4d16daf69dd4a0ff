package stripe_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-755a8038/coffer/adapters/stripe"
	"github.com/seed-755a8038/coffer/core"
)

func TestAmountsAreCountedAsStripeDoes(t *testing.T) {
	for _, c := range []struct {
		currency   string
		coffer     int64
		stripe     int64
		notPayable int64 // an amount that Stripe cannot take; 0: none
	}{
		{currency: "EUR", coffer: 1900, stripe: 1900},
		{currency: "USD", coffer: 0, stripe: 0},
		{currency: "JPY", coffer: 1900, stripe: 1900},
		{currency: "KRW", coffer: 50_000, stripe: 50_000},
		{currency: "XPF", coffer: 1, stripe: 1},
		{currency: "HUF", coffer: 190_050, stripe: 190_050}, // whole in payouts only
		{currency: "TWD", coffer: 1_905, stripe: 1_905},
		{currency: "ISK", coffer: 19, stripe: 1900},
		{currency: "UGX", coffer: 5, stripe: 500},
		{currency: "MGA", coffer: 1900, stripe: 19, notPayable: 1920},
		{currency: "BHD", coffer: 1230, stripe: 1230, notPayable: 1234},
		{currency: "JOD", coffer: 10, stripe: 10, notPayable: 1},
		{currency: "KWD", coffer: 5120, stripe: 5120, notPayable: 5124},
		{currency: "OMR", coffer: 1000, stripe: 1000, notPayable: 1005},
		{currency: "TND", coffer: 1000, stripe: 1000, notPayable: 999},
		{currency: "EUR", coffer: core.MaxAmount, stripe: core.MaxAmount},
		{currency: "ISK", coffer: core.MaxAmount, stripe: 100 * core.MaxAmount},
	} {
		lower := strings.ToLower(c.currency)
		amount, code, err := stripe.ToStripe(core.Money{Amount: c.coffer, Currency: c.currency})
		if err != nil || amount != c.stripe || code != lower {
			t.Errorf("%d of %s is %d of %s, %v", c.coffer, c.currency, amount, code, err)
		}
		back, err := stripe.FromStripe(c.stripe, lower)
		if err != nil || back != (core.Money{Amount: c.coffer, Currency: c.currency}) {
			t.Errorf("%d of %s comes back as %+v, %v", c.stripe, c.currency, back, err)
		}
		if c.notPayable == 0 {
			continue
		}
		if _, _, err := stripe.ToStripe(core.Money{Amount: c.notPayable, Currency: c.currency}); !errors.Is(err, core.ErrPaymentRefused) {
			t.Errorf("%d of %s: %v", c.notPayable, c.currency, err)
		}
	}
}

func TestWhatStripeDoesNotTakeIsRefused(t *testing.T) {
	for _, m := range []core.Money{
		{Amount: 1000, Currency: "IQD"},
		{Amount: 1000, Currency: "LYD"},
		{Amount: 1000, Currency: "CLF"},
		{Amount: 1000, Currency: "UYI"},
		{Amount: 1000, Currency: "XXX"},
		{Amount: 1000, Currency: "eur"},
		{Amount: 1000},
		{Amount: -1, Currency: "EUR"},
		{Amount: math.MaxInt64, Currency: "ISK"},
	} {
		if amount, code, err := stripe.ToStripe(m); !errors.Is(err, core.ErrPaymentRefused) {
			t.Errorf("%+v is %d of %s, %v", m, amount, code, err)
		}
	}
}

func TestWhatIsNoAmountDoesNotComeBack(t *testing.T) {
	for _, c := range []struct {
		amount   int64
		currency string
	}{{-1, "eur"}, {math.MinInt64, "eur"}, {100, ""}, {100, "iqd"}, {150, "isk"}, {1, "ugx"}, {math.MaxInt64, "mga"}, {100, strings.Repeat("x", 1<<16)}} {
		if m, err := stripe.FromStripe(c.amount, c.currency); !errors.Is(err, core.ErrUnavailable) || m != (core.Money{}) || len(err.Error()) > 300 {
			t.Errorf("%d of %.10s is %+v, %v", c.amount, c.currency, m, err)
		}
	}
}

func TestNoAmountChangesOnItsWay(t *testing.T) {
	codes := []string{"EUR", "JPY", "ISK", "UGX", "MGA", "BHD", "HUF", "IQD", "CLF", "XXX"}
	rapid.Check(t, func(t *rapid.T) {
		m := core.Money{Amount: rapid.Int64().Draw(t, "amount"), Currency: rapid.SampledFrom(codes).Draw(t, "currency")}
		amount, code, err := stripe.ToStripe(m)
		if err != nil {
			return
		}
		if back, err := stripe.FromStripe(amount, code); err != nil || back != m {
			t.Fatalf("%+v is %d of %s and comes back as %+v, %v", m, amount, code, back, err)
		}
	})
}
