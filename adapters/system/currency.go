package system

import (
	"strconv"
	"strings"

	"github.com/bojanz/currency"

	"github.com/seed-755a8038/coffer/core"
)

// Currencies implements ports.Currencies with the list of ISO 4217 as of the
// version of github.com/bojanz/currency: what is current, and how many digits
// its minor unit has. Those of CLDR, which says how people write amounts, would
// be wrong for some, such as 0 instead of 2 for the Albanian lek.
type Currencies struct{}

// Known implements ports.Currencies. Gold, and what is no currency any more,
// are not known.
func (Currencies) Known(code string) bool {
	return len(code) == 3 && currency.IsValid(code)
}

// Format implements ports.Currencies, in no country's way of writing: the code,
// then all digits of the minor unit, with a point and no thousands. An amount
// of a currency that is not known is shown as it is.
func (Currencies) Format(m core.Money) string {
	digits, _ := currency.GetDigits(m.Currency) // 0 if not known
	text, negative := strings.CutPrefix(strconv.FormatInt(m.Amount, 10), "-")
	if digits > 0 {
		text = strings.Repeat("0", max(0, int(digits)+1-len(text))) + text
		point := len(text) - int(digits)
		text = text[:point] + "." + text[point:]
	}
	if negative {
		text = "-" + text
	}
	return m.Currency + " " + text
}
