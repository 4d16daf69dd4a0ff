package stripe_test

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-755a8038/coffer/adapters/stripe"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const transactionID = "01000000-0000-0000-0000-000000000002"

func checkout(t *core.Transaction) ports.Checkout {
	return ports.Checkout{
		Transaction: t, BuyerEmail: "ana@example.com", SuccessURL: "https://coffer.example/thanks", CancelURL: "https://coffer.example/shop",
	}
}

func TestACheckoutAsksForExactlyThePrice(t *testing.T) {
	common := func() url.Values {
		return url.Values{
			"line_items[0][quantity]": {"1"}, "line_items[0][price_data][currency]": {"eur"}, "line_items[0][price_data][unit_amount]": {"1900"},
			"line_items[0][price_data][product_data][name]": {"A “book” & more"}, "client_reference_id": {transactionID},
			"metadata[coffer_transaction]": {transactionID}, "customer_email": {"ana@example.com"}, "adaptive_pricing[enabled]": {"false"},
			"success_url": {"https://coffer.example/thanks"}, "cancel_url": {"https://coffer.example/shop"},
		}
	}
	digital, membership := common(), common()
	digital.Set("mode", "payment")
	digital.Set("payment_intent_data[metadata][coffer_transaction]", transactionID)
	membership.Set("mode", "subscription")
	membership.Set("subscription_data[metadata][coffer_transaction]", transactionID)
	membership.Set("line_items[0][price_data][recurring][interval]", "day")
	membership.Set("line_items[0][price_data][recurring][interval_count]", "30")
	for typ, want := range map[core.ProductType]url.Values{core.Digital: digital, core.Membership: membership} {
		f := openFake(t)
		s, err := f.payments(t).Checkout(t.Context(), checkout(purchase(typ)))
		if err != nil || s.Ref != "cs_test_1" || s.URL != "https://checkout.stripe.example/pay/1" || s.ExpiresAt.Before(time.Now().Add(23*time.Hour)) {
			t.Errorf("%s: %+v, %v", typ, s, err)
		}
		got := f.sent("POST", "/v1/checkout/sessions")[0]
		if diff := cmp.Diff(want, got.Form); diff != "" {
			t.Errorf("%s: %s", typ, diff)
		}
		if key := got.Header.Get("Idempotency-Key"); key != "coffer-checkout-"+transactionID {
			t.Errorf("%s: the idempotency key is %s", typ, key)
		}
		if got.Header.Get("X-Stripe-Client-Telemetry") != "" {
			t.Error("telemetry is sent")
		}
	}
}

func TestABuyerWithoutAnAddressIsAskedForItByStripe(t *testing.T) {
	f := openFake(t)
	c := checkout(purchase(core.Digital))
	c.BuyerEmail = ""
	if _, err := f.payments(t).Checkout(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if f.sent("POST", "/v1/checkout")[0].Form.Has("customer_email") {
		t.Error("an empty address is sent")
	}
}

func TestACheckoutAgainBeginsNoSecondPaymentAndTellsTheNews(t *testing.T) {
	f := openFake(t)
	p, tx := f.payments(t), purchase(core.Digital)
	first, err := p.Checkout(t.Context(), checkout(tx))
	if err != nil {
		t.Fatal(err)
	}
	f.pay(t, first.Ref)
	for range 2 {
		again, err := p.Checkout(t.Context(), checkout(tx))
		if err != nil || !again.Done || again.Ref != first.Ref || again.PaymentRef != "pi_1" || again.Paid != tx.Price {
			t.Errorf("again: %+v, %v", again, err)
		}
		tx.ProviderRef = first.Ref
	}
	if len(f.sessions) != 1 {
		t.Errorf("%d sessions", len(f.sessions))
	}
}

func TestACheckoutAgainForAnotherAddressIsRefusedInPlainWords(t *testing.T) {
	f := openFake(t)
	p, c := f.payments(t), checkout(purchase(core.Digital))
	if _, err := p.Checkout(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	c.BuyerEmail = "ben@example.com"
	if _, err := p.Checkout(t.Context(), c); !errors.Is(err, core.ErrPaymentRefused) || len(f.sessions) != 1 {
		t.Errorf("%v, %d sessions", err, len(f.sessions))
	}
}

func TestHowFarASessionIs(t *testing.T) {
	open := ports.CheckoutState{Payment: core.Payment{Ref: "cs_test_1"}, ExpiresAt: time.Unix(1_900_000_000, 0).UTC()}
	paid := open
	paid.Done, paid.PaymentRef, paid.Paid = true, "pi_1", core.Money{Amount: 1900, Currency: "EUR"}
	member := paid
	member.SubscriptionRef = "sub_1"
	waiting, failed := open, open
	waiting.PaymentRef, failed.PaymentRef, failed.Failed = "pi_1", "pi_1", true
	withURL, expired := open, open
	withURL.URL, expired.Failed = "https://checkout.stripe.example/pay/1", true
	free := open
	free.Done, free.Paid = true, core.Money{Currency: "EUR"}
	intent := func(status string) object { return object{"id": "pi_1", "status": status} }
	for name, c := range map[string]struct {
		session object
		want    ports.CheckoutState
	}{
		"open":                       {object{"status": "open", "url": withURL.URL}, withURL},
		"expired":                    {object{"status": "expired"}, expired},
		"paid":                       {object{"status": "complete", "payment_status": "paid", "payment_intent": intent("succeeded")}, paid},
		"nothing to pay":             {object{"status": "complete", "payment_status": "no_payment_required", "amount_total": 0}, free},
		"nothing to pay, yet open":   {object{"status": "open", "payment_status": "no_payment_required", "url": withURL.URL}, withURL},
		"on its way from a bank":     {object{"status": "complete", "payment_intent": intent("processing")}, waiting},
		"will be sent by a bank":     {object{"status": "complete", "payment_intent": intent("requires_action")}, waiting},
		"the bank had nothing":       {object{"status": "complete", "payment_intent": intent("requires_payment_method")}, failed},
		"canceled in the Dashboard":  {object{"status": "complete", "payment_intent": intent("canceled")}, failed},
		"a state of the future":      {object{"status": "paused"}, open},
		"a membership that is paid":  {object{"status": "complete", "payment_status": "paid", "subscription": object{"id": "sub_1"}, "invoice": object{"id": "in_1", "payments": paymentsBy("pi_1")}}, member},
		"a membership on its way":    {object{"status": "complete", "subscription": object{"id": "sub_1", "status": "incomplete"}}, open},
		"a membership never paid":    {object{"status": "complete", "subscription": object{"id": "sub_1", "status": "incomplete_expired"}}, expired},
		"no word of the money at it": {object{"status": "complete"}, open},
	} {
		t.Run(name, func(t *testing.T) {
			f := openFake(t)
			s := object{"id": "cs_test_1", "expires_at": 1_900_000_000, "payment_status": "unpaid", "amount_total": 1900, "currency": "eur"}
			maps.Copy(s, c.session)
			f.sessions["cs_test_1"] = &s
			tx := purchase(core.Digital)
			tx.ProviderRef = "cs_test_1"
			got, err := f.payments(t).Look(t.Context(), tx)
			if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
}

func TestARenewalIsAnInvoice(t *testing.T) {
	parent := object{"subscription_details": object{"subscription": "sub_1"}}
	for name, c := range map[string]struct {
		invoice object
		want    ports.CheckoutState
		abandon error
	}{
		"paid": {
			object{"status": "paid", "amount_paid": 1900, "currency": "eur", "parent": parent, "payments": paymentsBy("pi_9")},
			ports.CheckoutState{Payment: core.Payment{Ref: "in_1", PaymentRef: "pi_9", Paid: core.Money{Amount: 1900, Currency: "EUR"}}, Done: true, SubscriptionRef: "sub_1"},
			core.ErrConflict,
		},
		"open":          {object{"status": "open"}, ports.CheckoutState{Payment: core.Payment{Ref: "in_1"}}, core.ErrConflict},
		"void":          {object{"status": "void"}, ports.CheckoutState{Payment: core.Payment{Ref: "in_1"}, Failed: true}, nil},
		"uncollectible": {object{"status": "uncollectible"}, ports.CheckoutState{Payment: core.Payment{Ref: "in_1"}, Failed: true}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := openFake(t)
			c.invoice["id"] = "in_1"
			f.invoices["in_1"] = c.invoice
			tx := purchase(core.Membership)
			tx.ProviderRef = "in_1"
			got, err := f.payments(t).Look(t.Context(), tx)
			if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
				t.Errorf("%v %s", err, diff)
			}
			if err := f.payments(t).Abandon(t.Context(), tx); !errors.Is(err, c.abandon) {
				t.Errorf("Abandon = %v", err)
			}
		})
	}
}

func TestWhatWasNeverBegunIsNotAskedFor(t *testing.T) {
	f := openFake(t)
	p, tx := f.payments(t), purchase(core.Digital)
	s, err := p.Look(t.Context(), tx)
	if err != nil || s != (ports.CheckoutState{}) {
		t.Errorf("Look = %+v, %v", s, err)
	}
	if err := p.Abandon(t.Context(), tx); err != nil {
		t.Errorf("Abandon = %v", err)
	}
	if err := p.EndSubscription(t.Context(), ""); err != nil {
		t.Errorf("EndSubscription = %v", err)
	}
	if len(f.requests) != 0 {
		t.Errorf("it sent %v", f.requests)
	}
}

func TestAbandoningLeavesNothingThatCouldBePaid(t *testing.T) {
	complete := func(status string) object {
		return object{"id": "cs_test_1", "status": "complete", "payment_intent": object{"id": "pi_1", "status": status}}
	}
	for name, c := range map[string]struct {
		session *object
		want    error
	}{
		"expired by itself":          {&object{"id": "cs_test_1", "status": "expired"}, nil},
		"waits for a bank":           {new(complete("processing")), core.ErrConflict},
		"the bank had nothing":       {new(complete("requires_payment_method")), nil},
		"unknown to this account":    {nil, nil},
		"paid, by what Stripe tells": {&object{"id": "cs_test_1", "status": "complete", "payment_status": "paid", "currency": "eur"}, core.ErrConflict},
	} {
		t.Run(name, func(t *testing.T) {
			f := openFake(t)
			if c.session != nil {
				f.sessions["cs_test_1"] = c.session
			}
			tx := purchase(core.Digital)
			tx.ProviderRef = "cs_test_1"
			if err := f.payments(t).Abandon(t.Context(), tx); !errors.Is(err, c.want) {
				t.Errorf("Abandon = %v", err)
			}
		})
	}
}

func TestASubscriptionEndsAtOnceAndNothingIsGivenBack(t *testing.T) {
	f := openFake(t)
	f.active["sub_1"] = true
	p := f.payments(t)
	for range 2 {
		if err := p.EndSubscription(t.Context(), "sub_1"); err != nil {
			t.Error(err)
		}
	}
	want := url.Values{"prorate": {"false"}, "invoice_now": {"false"}, "cancellation_details[comment]": {"ended by Coffer"}}
	if diff := cmp.Diff(want, f.sent("DELETE", "/v1/subscriptions/sub_1")[0].Form); diff != "" {
		t.Error(diff)
	}
}

func TestASubscriptionThatCannotBeEndedBecauseItHasIsOver(t *testing.T) {
	for status, want := range map[string]error{"canceled": nil, "incomplete_expired": nil, "active": core.ErrPaymentRefused} {
		f := openFake(t)
		f.instead = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodDelete {
				problem(w, 400, "invalid_request_error", "", "A canceled subscription can only update its cancellation_details.")
			} else {
				reply(w, object{"id": "sub_1", "status": status})
			}
			return true
		}
		if err := f.payments(t).EndSubscription(t.Context(), "sub_1"); !errors.Is(err, want) {
			t.Errorf("%s: %v", status, err)
		}
	}
}

func TestWhatStripeIsCalledAndRenews(t *testing.T) {
	p, err := stripe.New(stripe.Config{SecretKey: testKey})
	if err != nil || p.Name() != "stripe" || p.Renewal() != ports.RenewalProvider {
		t.Errorf("%v %v", p, err)
	}
}
