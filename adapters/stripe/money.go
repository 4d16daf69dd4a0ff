package stripe

import (
	"fmt"
	"math"
	"strings"

	"github.com/bojanz/currency"

	"github.com/seed-755a8038/coffer/core"
)

// units says how Stripe counts a currency (https://docs.stripe.com/currencies).
type units struct {
	digits uint8 // after the point, in what is sent
	step   int64 // that what is sent must be a multiple of
}

// special are the currencies that are not simply sent with two digits. HUF and
// TWD are: they are whole in payouts only.
var special = map[string]units{
	"BIF": {0, 1}, "CLP": {0, 1}, "DJF": {0, 1}, "GNF": {0, 1}, "JPY": {0, 1}, "KMF": {0, 1}, "KRW": {0, 1}, "PYG": {0, 1},
	"RWF": {0, 1}, "VND": {0, 1}, "VUV": {0, 1}, "XAF": {0, 1}, "XOF": {0, 1}, "XPF": {0, 1},
	"MGA": {0, 1},                    // of ISO 4217's two digits, which are fifths, none
	"ISK": {2, 100}, "UGX": {2, 100}, // two digits that must be zero
	"BHD": {3, 10}, "JOD": {3, 10}, "KWD": {3, 10}, "OMR": {3, 10}, "TND": {3, 10}, // the last digit must be zero
}

// countsOf returns how Stripe counts a currency, and the digits of ISO 4217.
// Those that it does not take, and of which it does not say how it would count
// them, are not known.
func countsOf(code string) (u units, iso uint8, known bool) {
	iso, known = currency.GetDigits(code)
	u, isSpecial := special[code]
	switch {
	case isSpecial:
		return u, iso, known
	case iso == 2:
		return units{2, 1}, iso, known
	}
	return units{}, iso, false
}

// toStripe returns m as Stripe counts it, or ErrPaymentRefused of the core
// package if it cannot take that amount.
func toStripe(m core.Money) (amount int64, code string, err error) {
	u, iso, known := countsOf(m.Currency)
	if !known || m.Amount < 0 {
		return 0, "", core.ErrPaymentRefused.Say("the payment provider takes no payments in " + m.Currency)
	}
	amount, ok := rescale(m.Amount, iso, u.digits)
	if !ok || amount%u.step != 0 {
		return 0, "", core.ErrPaymentRefused.Say("the payment provider cannot take this amount of " + m.Currency + ": the last digit, or all that are after the point, must be zero")
	}
	return amount, strings.ToLower(m.Currency), nil
}

// fromStripe returns what Stripe counts as amount.
func fromStripe(amount int64, code string) (core.Money, error) {
	code = strings.ToUpper(code)
	u, iso, known := countsOf(code)
	if !known || amount < 0 {
		return core.Money{}, fmt.Errorf("stripe: %w: %d of %.3q is no amount", core.ErrUnavailable, amount, code)
	}
	out, ok := rescale(amount, u.digits, iso)
	if !ok {
		return core.Money{}, fmt.Errorf("stripe: %w: %d of %s is no whole amount", core.ErrUnavailable, amount, code)
	}
	return core.Money{Amount: out, Currency: code}, nil
}

// rescale changes the number of digits after the point, if that loses nothing.
func rescale(amount int64, from, to uint8) (int64, bool) {
	for ; from < to; from++ {
		if amount > math.MaxInt64/10 {
			return 0, false
		}
		amount *= 10
	}
	for ; from > to; from-- {
		if amount%10 != 0 {
			return 0, false
		}
		amount /= 10
	}
	return amount, true
}
