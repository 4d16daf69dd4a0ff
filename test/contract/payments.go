package contract

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// PaymentProvider is a provider under test, and the people at the other end.
type PaymentProvider struct {
	ports.Payments

	// Pay does what a buyer does where Checkout has sent them. It is nil if they
	// are sent nowhere: then the payment is done at once, or somebody says so by hand.
	Pay func(t *testing.T, ref string)

	// Renew does what a provider does that renews a subscription by itself, and
	// returns what was paid. It is nil if none does.
	Renew func(t *testing.T, subscription string) core.Payment

	// Remote is a provider that is asked over the network.
	Remote bool
}

// paymentTest is one subtest on a provider that nobody has paid anything to.
type paymentTest struct {
	*testing.T
	PaymentProvider
}

// Payments tests that the providers opened by open keep the contract of
// ports.Payments. A provider that is asked over the network must know nothing
// of the transactions of the other subtests.
func Payments(t *testing.T, open func(t *testing.T) PaymentProvider) {
	for _, name := range slices.Sorted(maps.Keys(paymentTests)) {
		t.Run(name, func(t *testing.T) { paymentTests[name](paymentTest{t, open(t)}) })
	}
}

var paymentTests = map[string]func(paymentTest){
	"the name is a word and stays the same":                    paymentName,
	"a checkout begun again is the same one":                   checkoutTwice,
	"eight checkouts at once begin one payment":                checkoutAtOnce,
	"a payment begun is seen as it is":                         lookAfterCheckout,
	"what was paid is the price":                               paidIsThePrice,
	"a membership that is paid has what ends it":               paidMembership,
	"what was taken for further periods is told when asked":    renewalsTaken,
	"an abandoned payment has failed":                          abandonFails,
	"a payment that succeeded is not abandoned":                abandonPaid,
	"what was never begun is abandoned without ado":            abandonNothing,
	"refunds add up to the price":                              refundsAddUp,
	"a refund asked for again gives back nothing more":         refundOnce,
	"refunds are the sum of what was asked for by another":     refundProperty,
	"ending a subscription that is unknown or over is no harm": endUnknown,
	"a message that nobody signed is refused":                  unsignedEvent,
	"a call whose context has ended fails":                     cancelledCalls,
}

var (
	paymentNames = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	paymentPrice = core.Money{Amount: 1900, Currency: "EUR"}
)

func randomID[T any]() (id core.ID[T]) {
	_, _ = rand.Read(id[:]) // never fails
	return id
}

// purchase returns a pending transaction that only this subtest knows.
func (p paymentTest) purchase(typ core.ProductType) *core.Transaction {
	p.Helper()
	now := time.Now().UTC().Truncate(time.Microsecond) // providers live in real time
	product := &core.Product{ID: randomID[core.Product](), OrgID: randomID[core.Org](), Name: "A “book” & more", Type: typ, Price: paymentPrice}
	if typ == core.Membership {
		product.SubscriptionDays = 30
	}
	return core.NewTransaction(randomID[core.Transaction](), product, randomID[core.User](), p.Payments.Name(), now)
}

func checkoutOf(t *core.Transaction) ports.Checkout {
	return ports.Checkout{
		Transaction: t, BuyerEmail: "ana@example.com",
		SuccessURL: "https://coffer.example/thanks?t=" + t.ID.String(), CancelURL: "https://coffer.example/shop",
	}
}

func (p paymentTest) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// begin begins the payment of t, and notes it as the application would.
func (p paymentTest) begin(t *core.Transaction) ports.CheckoutState {
	p.Helper()
	s, err := p.Checkout(p.Context(), checkoutOf(t))
	p.must(err)
	if s.Failed || s.Done && s.URL != "" || p.Pay != nil && (s.Done || s.URL == "" || s.Ref == "") {
		p.Fatalf("Checkout = %+v", s)
	}
	if s.Ref != "" {
		p.must(t.Await(s.Payment, s.URL, s.ExpiresAt, t.CreatedAt))
	}
	return s
}

// buy makes t a completed transaction.
func (p paymentTest) buy(t *core.Transaction) ports.CheckoutState {
	p.Helper()
	s := p.begin(t)
	if p.Pay != nil {
		p.Pay(p.T, s.Ref)
		s = p.look(t)
		if !s.Done {
			p.Fatalf("after the payment: %+v", s)
		}
	}
	if !s.Done { // somebody has seen the money
		s.Payment = core.Payment{Paid: t.Price}
	}
	done, err := t.Complete(s.Payment, t.CreatedAt)
	if err != nil || !done {
		p.Fatalf("Complete(%+v) = %v, %v", s.Payment, done, err)
	}
	return s
}

func (p paymentTest) look(t *core.Transaction) ports.CheckoutState {
	p.Helper()
	s, err := p.Look(p.Context(), t)
	p.must(err)
	return s
}

func paymentName(p paymentTest) {
	if name := p.Payments.Name(); !paymentNames.MatchString(name) || name == core.ProviderFree || p.Payments.Name() != name {
		p.Errorf("the name is %q, then %q", name, p.Payments.Name())
	}
	modes := []ports.RenewalMode{ports.RenewalAsked, ports.RenewalTaken, ports.RenewalProvider}
	if mode := p.Renewal(); !slices.Contains(modes, mode) || p.Renewal() != mode {
		p.Errorf("the way of renewal is %q, then %q", mode, p.Renewal())
	}
}

func checkoutTwice(p paymentTest) {
	for _, typ := range []core.ProductType{core.Digital, core.Membership} {
		t := p.purchase(typ)
		first, err := p.Checkout(p.Context(), checkoutOf(t))
		p.must(err)
		if again := p.begin(t); again != first { // the first answer was lost
			p.Errorf("%s: then %+v, first %+v", typ, again, first)
		}
		if again := p.begin(t); again != first {
			p.Errorf("%s: later %+v, first %+v", typ, again, first)
		}
		other := p.purchase(typ)
		if s := p.begin(other); s.Ref != "" && s.Ref == first.Ref {
			p.Errorf("%s: two transactions have the payment %s", typ, s.Ref)
		}
	}
}

func checkoutAtOnce(p paymentTest) {
	t := p.purchase(core.Digital)
	states := make([]ports.CheckoutState, 8)
	var wg sync.WaitGroup
	for i := range states {
		wg.Go(func() {
			s, err := p.Checkout(p.Context(), checkoutOf(t))
			if err != nil {
				p.Errorf("Checkout: %v", err)
			}
			states[i] = s
		})
	}
	wg.Wait()
	if len(slices.Compact(states)) != 1 {
		p.Errorf("eight checkouts: %+v", states)
	}
}

func lookAfterCheckout(p paymentTest) {
	for _, typ := range []core.ProductType{core.Digital, core.Membership} {
		t := p.purchase(typ)
		begun := p.begin(t)
		if seen := p.look(t); seen != begun {
			p.Errorf("%s: Look = %+v, Checkout = %+v", typ, seen, begun)
		}
		if begun.Done != (begun.Paid == t.Price) || !begun.Done && begun.Paid != (core.Money{}) {
			p.Errorf("%s: done %v, paid %+v", typ, begun.Done, begun.Paid)
		}
		if !begun.ExpiresAt.IsZero() && (begun.ExpiresAt.Before(t.CreatedAt) || begun.ExpiresAt.Location() != time.UTC) {
			p.Errorf("%s: expires at %v", typ, begun.ExpiresAt)
		}
	}
}

func paidIsThePrice(p paymentTest) {
	t := p.purchase(core.Digital)
	s := p.buy(t) // Complete refuses another amount
	if s.Failed || s.URL != "" || s.SubscriptionRef != "" {
		p.Errorf("%+v", s)
	}
	if s.Done {
		if again := p.look(t); again != s {
			p.Errorf("then %+v, first %+v", again, s)
		}
	}
}

func paidMembership(p paymentTest) {
	t := p.purchase(core.Membership)
	s := p.buy(t)
	if p.Renewal() == ports.RenewalProvider && s.SubscriptionRef == "" {
		p.Errorf("the provider renews, and does not say what: %+v", s)
	}
	for range 2 {
		p.must(p.EndSubscription(p.Context(), s.SubscriptionRef))
	}
}

func renewalsTaken(p paymentTest) {
	t := p.purchase(core.Membership)
	ref := p.buy(t).SubscriptionRef
	var want []core.Payment
	for range 3 {
		got, err := p.Renewals(p.Context(), ref, t.CreatedAt)
		if err != nil || !slices.Equal(got, want) {
			p.Errorf("Renewals = %+v, %v, want %+v", got, err, want)
		}
		if p.Renew == nil {
			break
		}
		want = append(want, p.Renew(p.T, ref))
	}
	if got, err := p.Renewals(p.Context(), "sub_unknown", t.CreatedAt); err != nil || len(got) != 0 {
		p.Errorf("of what is unknown: %+v, %v", got, err)
	}
}

func abandonFails(p paymentTest) {
	t := p.purchase(core.Digital)
	if s := p.begin(t); s.Done {
		return // the next test
	}
	for range 2 {
		p.must(p.Abandon(p.Context(), t))
		if s := p.look(t); s.Done || s.URL != "" || s.Ref != t.ProviderRef || p.Pay != nil && !s.Failed {
			p.Errorf("abandoned: %+v", s)
		}
	}
}

func abandonPaid(p paymentTest) {
	t := p.purchase(core.Digital)
	if s := p.buy(t); !s.Done {
		return // only the org knows that it has succeeded
	}
	if err := p.Abandon(p.Context(), t); !errors.Is(err, core.ErrConflict) {
		p.Errorf("Abandon = %v", err)
	}
	if s := p.look(t); !s.Done {
		p.Errorf("then: %+v", s)
	}
}

func abandonNothing(p paymentTest) {
	p.must(p.Abandon(p.Context(), p.purchase(core.Digital)))
}

func endUnknown(p paymentTest) {
	for _, ref := range []string{"", "sub_unknown", "sub_1/../2?x=y#z"} {
		for range 2 {
			if err := p.EndSubscription(p.Context(), ref); err != nil {
				p.Errorf("EndSubscription(%q) = %v", ref, err)
			}
		}
	}
}

func unsignedEvent(p paymentTest) {
	header := http.Header{}
	for name, value := range map[string]string{
		"Authorization": "Bearer x", "X-Signature": "x", "Content-Type": "application/json",
	} {
		header.Set(name, value)
	}
	body := []byte(`{"id":"evt_1","object":"event","type":"checkout.session.completed","data":{"object":{}}}`)
	for _, h := range []http.Header{nil, {}, header} {
		for _, b := range [][]byte{nil, {}, []byte("{"), body} {
			got, err := p.Event(h, b, time.Now())
			if !errors.Is(err, core.ErrPaymentEvent) || got != (ports.PaymentEvent{}) {
				p.Errorf("Event(%v, %q) = %+v, %v", h, b, got, err)
			}
		}
	}
}

func cancelledCalls(p paymentTest) {
	if !p.Remote {
		return // is asked for nothing that could take long
	}
	begun, paid := p.purchase(core.Digital), p.purchase(core.Digital)
	p.begin(begun)
	p.buy(paid)
	ctx, cancel := context.WithCancel(p.Context())
	cancel()
	fresh := p.purchase(core.Digital)
	_, checkout := p.Checkout(ctx, checkoutOf(fresh))
	_, look := p.Look(ctx, begun)
	_, renewals := p.Renewals(ctx, "sub_1", fresh.CreatedAt)
	_, refund := p.Refund(ctx, paid, 1, "once")
	for name, err := range map[string]error{
		"Checkout": checkout, "Look": look, "Renewals": renewals, "Refund": refund,
		"Abandon": p.Abandon(ctx, begun), "EndSubscription": p.EndSubscription(ctx, "sub_1"),
	} {
		if !errors.Is(err, context.Canceled) || !errors.Is(err, core.ErrUnavailable) {
			p.Errorf("%s = %v", name, err)
		}
	}
	if s := p.look(begun); s.Failed || s.Done {
		p.Errorf("it had an effect: %+v", s)
	}
}
