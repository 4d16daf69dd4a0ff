package core

// Money is an amount in the minor unit of its currency, such as cents.
type Money struct {
	Amount   int64
	Currency string // ISO 4217, such as EUR
}

// MaxAmount is the highest price, in minor units: what every payment provider
// and a JSON number can hold.
const MaxAmount = 99_999_999_999

// CheckMoney refuses amounts that are no price, and currencies that known does
// not know: which there are is data that changes.
func CheckMoney(location string, m Money, known func(code string) bool) error {
	switch {
	case m.Amount < 0 || m.Amount > MaxAmount:
		return Invalid(location+".amount", "must be from 0 to 99,999,999,999, in the minor unit of the currency")
	case len(m.Currency) != 3 || !known(m.Currency):
		return Invalid(location+".currency", "must be the ISO 4217 code of a currency, such as EUR")
	}
	return nil
}

// Free reports whether there is nothing to pay.
func (m Money) Free() bool { return m.Amount == 0 }
