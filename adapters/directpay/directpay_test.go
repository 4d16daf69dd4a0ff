package directpay_test

import (
	"testing"

	"github.com/seed-755a8038/coffer/adapters/directpay"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/contract"
)

func TestManualKeepsTheContract(t *testing.T) {
	contract.Payments(t, func(*testing.T) contract.PaymentProvider {
		return contract.PaymentProvider{Payments: directpay.Manual{}}
	})
}

func TestInstantKeepsTheContract(t *testing.T) {
	contract.Payments(t, func(*testing.T) contract.PaymentProvider {
		return contract.PaymentProvider{Payments: directpay.Instant{}}
	})
}

func TestWhatTheProvidersAreCalled(t *testing.T) {
	if got := (directpay.Manual{}); got.Name() != "manual" || got.Renewal() != ports.RenewalAsked {
		t.Errorf("%s renews %s", got.Name(), got.Renewal())
	}
	if got := (directpay.Instant{}); got.Name() != "instant" || got.Renewal() != ports.RenewalTaken {
		t.Errorf("%s renews %s", got.Name(), got.Renewal())
	}
}

func TestManualWaitsForTheOrgAndInstantForNobody(t *testing.T) {
	tx := &core.Transaction{ID: core.TransactionID{15: 1}, Price: core.Money{Amount: 1900, Currency: "EUR"}}
	waiting, err := directpay.Manual{}.Checkout(t.Context(), ports.Checkout{Transaction: tx})
	if err != nil || waiting != (ports.CheckoutState{}) {
		t.Errorf("manual: %+v, %v", waiting, err)
	}
	done, err := directpay.Instant{}.Checkout(t.Context(), ports.Checkout{Transaction: tx})
	want := core.Payment{Ref: "instant_00000000-0000-0000-0000-000000000001", Paid: tx.Price}
	if err != nil || !done.Done || done.Payment != want || done.URL != "" {
		t.Errorf("instant: %+v, %v", done, err)
	}
}
