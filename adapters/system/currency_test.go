package system_test

import (
	"math"
	"testing"

	"github.com/seed-755a8038/coffer/adapters/system"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

var _ ports.Currencies = system.Currencies{}

func TestCurrentCurrenciesAreKnownByTheirCodes(t *testing.T) {
	for code, known := range map[string]bool{
		"EUR": true, "USD": true, "JPY": true, "BHD": true, "MGA": true, "ZWG": true, "XCG": true, "SLE": true, "VES": true,
		"": false, "eur": false, "Eur": false, "EU": false, "EURO": false, "€": false, "ÄÖÜ": false, "978": false,
		"DEM": false, "HRK": false, "BGN": false, "ANG": false, // joined another
		"XXX": false, "XTS": false, "XAU": false, "BTC": false,
	} {
		if got := (system.Currencies{}).Known(code); got != known {
			t.Errorf("%q is known: %v", code, got)
		}
	}
}

func TestAmountsAreWrittenWithTheDigitsOfISO4217(t *testing.T) {
	for _, c := range []struct {
		money core.Money
		want  string
	}{
		{core.Money{Amount: 1900, Currency: "EUR"}, "EUR 19.00"},
		{core.Money{Amount: 1900, Currency: "JPY"}, "JPY 1900"},
		{core.Money{Amount: 1234, Currency: "BHD"}, "BHD 1.234"},
		{core.Money{Amount: 0, Currency: "EUR"}, "EUR 0.00"},
		{core.Money{Amount: 0, Currency: "JPY"}, "JPY 0"},
		{core.Money{Amount: 5, Currency: "EUR"}, "EUR 0.05"},
		{core.Money{Amount: 5, Currency: "KWD"}, "KWD 0.005"},
		{core.Money{Amount: 99, Currency: "USD"}, "USD 0.99"},
		{core.Money{Amount: 100, Currency: "USD"}, "USD 1.00"},
		{core.Money{Amount: -5, Currency: "EUR"}, "EUR -0.05"},
		{core.Money{Amount: -1900, Currency: "JPY"}, "JPY -1900"},
		{core.Money{Amount: core.MaxAmount, Currency: "EUR"}, "EUR 999999999.99"},
		{core.Money{Amount: math.MinInt64, Currency: "EUR"}, "EUR -92233720368547758.08"},
		{core.Money{Amount: 12345, Currency: "CLF"}, "CLF 1.2345"},
		// where CLDR has other digits
		{core.Money{Amount: 1900, Currency: "HUF"}, "HUF 19.00"},
		{core.Money{Amount: 1900, Currency: "ALL"}, "ALL 19.00"},
		{core.Money{Amount: 1900, Currency: "IQD"}, "IQD 1.900"},
		{core.Money{Amount: 1900, Currency: "IRR"}, "IRR 19.00"},
		{core.Money{Amount: 1900, Currency: "MGA"}, "MGA 19.00"},
		{core.Money{Amount: 1900, Currency: "ISK"}, "ISK 1900"},
		{core.Money{Amount: 1900, Currency: "UGX"}, "UGX 1900"},
		// not known
		{core.Money{Amount: 1900, Currency: "XYZ"}, "XYZ 1900"},
		{core.Money{Amount: 1900}, " 1900"},
	} {
		if got := (system.Currencies{}).Format(c.money); got != c.want {
			t.Errorf("%+v is written %q, want %q", c.money, got, c.want)
		}
	}
}
