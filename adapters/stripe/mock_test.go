package stripe_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/stripe"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/test/env"
)

// The mock knows nothing but what the API takes: that is what is tested here.
func TestTheAPIKnowsEverythingThatItIsAskedFor(t *testing.T) {
	p, err := stripe.New(stripe.Config{SecretKey: testKey, APIURL: env.StripeMock(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for _, typ := range []core.ProductType{core.Digital, core.Membership} {
		tx := purchase(typ)
		s, err := p.Checkout(ctx, checkout(tx))
		if err != nil || !strings.HasPrefix(s.Ref, "cs_") || s.URL == "" || s.Done {
			t.Fatalf("%s: Checkout = %+v, %v", typ, s, err)
		}
		tx.ProviderRef = s.Ref
		if seen, err := p.Look(ctx, tx); err != nil || seen.Ref != s.Ref || seen.PaymentRef == "" {
			t.Errorf("%s: Look = %+v, %v", typ, seen, err)
		}
		if err := p.Abandon(ctx, tx); err != nil {
			t.Errorf("%s: Abandon = %v", typ, err)
		}
		tx.Price.Currency = "USD"
		for _, ref := range []string{"pi_1", "ch_1", ""} {
			tx.PaymentRef = ref
			if _, err := p.Refund(ctx, tx, 100, "once"); err != nil {
				t.Errorf("%s: Refund of %q = %v", typ, ref, err)
			}
		}
		tx.ProviderRef = "in_1"
		if seen, err := p.Look(ctx, tx); err != nil || seen.Ref != "in_1" || seen.Done {
			t.Errorf("Look at an invoice = %+v, %v", seen, err)
		}
	}
	if taken, err := p.Renewals(ctx, "sub_1", time.Now()); err != nil || len(taken) != 0 {
		t.Errorf("Renewals = %+v, %v", taken, err)
	}
	if err := p.EndSubscription(ctx, "sub_1"); err != nil {
		t.Errorf("EndSubscription = %v", err)
	}
	if key, _ := diagnose(t, p); !key.OK {
		t.Errorf("%+v", key)
	}
}

func TestTheMockRefusesWhatTheAPIDoesNotHave(t *testing.T) {
	form := url.Values{"payment_intent": {"pi_1"}, "price": {"1"}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, env.StripeMock(t)+"/v1/refunds", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(testKey, "")
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusBadRequest {
		t.Errorf("it answers %s", res.Status)
	}
}
