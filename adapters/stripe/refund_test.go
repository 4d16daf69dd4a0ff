package stripe_test

import (
	"errors"
	"fmt"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-755a8038/coffer/core"
)

// paid returns a transaction that pi_1 has paid.
func (f *fake) paid() *core.Transaction {
	f.set(func() { f.charges["pi_1"] = &money{amount: 1900} })
	t := purchase(core.Digital)
	t.PaymentRef = "pi_1"
	return t
}

func TestARefundSaysWhatItIsFor(t *testing.T) {
	f := openFake(t)
	total, err := f.payments(t).Refund(t.Context(), f.paid(), 700, "first")
	if err != nil || total != 700 {
		t.Fatalf("Refund = %d, %v", total, err)
	}
	got := f.sent("POST", "/v1/refunds")[0]
	key := got.Form.Get("metadata[coffer_refund]")
	want := url.Values{
		"payment_intent": {"pi_1"}, "amount": {"700"}, "expand[0]": {"charge"},
		"metadata[coffer_transaction]": {transactionID}, "metadata[coffer_refund]": {key},
	}
	if diff := cmp.Diff(want, got.Form); diff != "" || len(key) != 64 || got.Header.Get("Idempotency-Key") != "coffer-refund-"+key+"-0" {
		t.Errorf("%s %s", diff, got.Header.Get("Idempotency-Key"))
	}
}

func TestARefundIsFoundAgainWhenStripeHasForgottenTheRequest(t *testing.T) {
	f := openFake(t)
	p, tx := f.payments(t), f.paid()
	for _, once := range []string{"first", "second", "first", "second"} {
		if _, err := p.Refund(t.Context(), tx, 500, once); err != nil {
			t.Fatal(err)
		}
		f.set(func() { clear(f.answers) })
	}
	if got := f.charges["pi_1"].refunded; got != 1000 {
		t.Errorf("%d was given back", got)
	}
}

// TestARefundThatFailedIsTriedAnew: such as one to a card that is closed.
func TestARefundThatFailedIsTriedAnew(t *testing.T) {
	f := openFake(t)
	p, tx := f.payments(t), f.paid()
	for _, want := range []int64{500, 500} {
		if total, err := p.Refund(t.Context(), tx, 500, "first"); err != nil || total != want {
			t.Errorf("Refund = %d, %v", total, err)
		}
		f.set(func() {
			c := f.charges["pi_1"]
			if c.refunds[0]["status"] == "succeeded" && len(c.refunds) == 1 {
				c.refunds[0]["status"], c.refunded = "failed", 0
			}
		})
	}
	if total, err := p.Refund(t.Context(), tx, 500, "first"); err != nil || total != 500 || len(f.charges["pi_1"].refunds) != 2 {
		t.Errorf("then: %d, %v, %v", total, err, f.charges["pi_1"].refunds)
	}
}

func TestTheTotalIsThatOfAllRefundsHoweverMany(t *testing.T) {
	f := openFake(t)
	p, tx := f.payments(t), f.paid()
	if _, err := p.Refund(t.Context(), tx, 1, "first"); err != nil {
		t.Fatal(err)
	}
	f.set(func() {
		c := f.charges["pi_1"]
		for i := range 250 { // in the Dashboard
			c.refunds = append([]object{{"id": fmt.Sprintf("re_d%d", i), "amount": 2, "status": "succeeded"}}, c.refunds...)
			c.refunded += 2
		}
		c.refunds = append(c.refunds, object{"id": "re_failed", "amount": 100, "status": "failed"}, object{"id": "re_canceled", "amount": 100, "status": "canceled"})
		clear(f.answers)
	})
	if total, err := p.Refund(t.Context(), tx, 1, "first"); err != nil || total != 501 {
		t.Errorf("asked again: %d, %v", total, err)
	}
	if total, err := p.Refund(t.Context(), tx, 1, "second"); err != nil || total != 502 {
		t.Errorf("one more: %d, %v", total, err)
	}
}

func TestAnAnswerThatIsRepeatedIsNotTheNewsOfTheTotal(t *testing.T) {
	f := openFake(t)
	p, tx := f.payments(t), f.paid()
	if _, err := p.Refund(t.Context(), tx, 100, "first"); err != nil {
		t.Fatal(err)
	}
	f.set(func() { // the list is behind, and then shows another refund instead
		c := f.charges["pi_1"]
		c.refunds = []object{{"id": "re_d", "amount": 300, "status": "succeeded"}, {"id": "re_e", "amount": 100, "status": "pending"}}
	})
	if total, err := p.Refund(t.Context(), tx, 100, "first"); err != nil || total != 400 {
		t.Errorf("asked again: %d, %v", total, err)
	}
}

func TestWhatIsGivenBackAlreadyIsTheAnswer(t *testing.T) {
	f := openFake(t)
	tx := f.paid()
	f.set(func() {
		f.charges["pi_1"] = &money{amount: 1900, refunded: 1900, refunds: []object{{"id": "re_d", "amount": 1900, "status": "succeeded"}}}
	})
	if total, err := f.payments(t).Refund(t.Context(), tx, 100, "first"); err != nil || total != 1900 {
		t.Errorf("Refund = %d, %v", total, err)
	}
}

func TestMoreThanWasPaidIsNotGivenBack(t *testing.T) {
	f := openFake(t)
	if _, err := f.payments(t).Refund(t.Context(), f.paid(), 1901, "first"); !errors.Is(err, core.ErrPaymentRefused) {
		t.Errorf("Refund = %v", err)
	}
}

func TestTheMoneyOfAMembershipIsFoundByWhatBeganIt(t *testing.T) {
	f := openFake(t)
	p, tx := f.payments(t), purchase(core.Membership)
	s, err := p.Checkout(t.Context(), checkout(tx))
	if err != nil {
		t.Fatal(err)
	}
	f.pay(t, s.Ref)
	f.set(func() {
		f.invoices["in_7"] = object{"id": "in_7", "status": "paid", "currency": "eur", "payments": paymentsBy("pi_1")}
	})
	for i, ref := range []string{s.Ref, "in_7"} { // the session, and the invoice of a renewal
		tx.ProviderRef = ref
		if total, err := p.Refund(t.Context(), tx, 100, ref); err != nil || total != int64(100*(i+1)) {
			t.Errorf("%s: %d, %v", ref, total, err)
		}
	}
}

func TestAChargeOfAnOldKindIsGivenBackByItsOwnName(t *testing.T) {
	f := openFake(t)
	f.set(func() { f.charges["py_1"] = &money{amount: 1900} })
	tx := purchase(core.Digital)
	tx.PaymentRef = "py_1"
	if total, err := f.payments(t).Refund(t.Context(), tx, 1900, "first"); err != nil || total != 1900 {
		t.Errorf("Refund = %d, %v", total, err)
	}
	if got := f.sent("POST", "/v1/refunds")[0].Form; got.Get("charge") != "py_1" || got.Has("payment_intent") {
		t.Errorf("it sent %v", got)
	}
}

func TestWithoutAPaymentThereIsNothingToGiveBack(t *testing.T) {
	f := openFake(t)
	p, tx := f.payments(t), purchase(core.Digital)
	if _, err := p.Refund(t.Context(), tx, 100, "first"); !errors.Is(err, core.ErrPaymentRefused) {
		t.Errorf("never begun: %v", err)
	}
	s, err := p.Checkout(t.Context(), checkout(tx))
	if err != nil {
		t.Fatal(err)
	}
	tx.ProviderRef = s.Ref
	if _, err := p.Refund(t.Context(), tx, 100, "first"); !errors.Is(err, core.ErrPaymentRefused) {
		t.Errorf("never paid: %v", err)
	}
	tx.ProviderRef = "cs_test_unknown"
	if _, err := p.Refund(t.Context(), tx, 100, "first"); !errors.Is(err, core.ErrPaymentRefused) {
		t.Errorf("unknown: %v", err)
	}
}

func TestAnAmountThatStripeCannotSendBackIsRefusedBeforeItIsAsked(t *testing.T) {
	f := openFake(t)
	tx := f.paid()
	tx.Price = core.Money{Amount: 19_000, Currency: "BHD"}
	if _, err := f.payments(t).Refund(t.Context(), tx, 1_001, "first"); !errors.Is(err, core.ErrPaymentRefused) || len(f.requests) != 0 {
		t.Errorf("Refund = %v after %d requests", err, len(f.requests))
	}
}
