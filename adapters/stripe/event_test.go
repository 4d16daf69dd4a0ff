package stripe_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v85/webhook"

	"github.com/seed-755a8038/coffer/adapters/stripe"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

var noon = time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)

// signed is the header that Stripe sends with a body.
func signed(body []byte, secret string, at time.Time) http.Header {
	s := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: body, Secret: secret, Timestamp: at})
	return http.Header{"Stripe-Signature": {s.Header}}
}

func event(typ string, about any) []byte {
	body, err := json.Marshal(object{
		"id": "evt_1", "object": "event", "api_version": "2026-03-25.dahlia", "type": typ, "livemode": false, "data": object{"object": about},
	})
	if err != nil {
		panic(err)
	}
	return body
}

func newPayments(t testing.TB, changes ...func(*stripe.Config)) *stripe.Payments {
	t.Helper()
	cfg := stripe.Config{SecretKey: testKey, WebhookSecret: testSecret}
	for _, change := range changes {
		change(&cfg)
	}
	p, err := stripe.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// with is the object o and more.
func with(o, more object) object {
	out := maps.Clone(o)
	maps.Copy(out, more)
	return out
}

var (
	ours  = object{"coffer_transaction": transactionID}
	tid   = core.TransactionID{0: 1, 15: 2}
	price = core.Money{Amount: 1900, Currency: "EUR"}

	paidSession = object{
		"id": "cs_1", "object": "checkout.session", "status": "complete", "payment_status": "paid", "amount_total": 1900, "currency": "eur",
		"payment_intent": "pi_1", "subscription": nil, "metadata": ours,
	}
	oneCharge  = object{"id": "ch_1", "object": "charge", "amount": 1900, "amount_refunded": 700, "currency": "eur", "payment_intent": "pi_1", "metadata": ours}
	oneDispute = object{"id": "dp_1", "object": "dispute", "amount": 1900, "charge": "ch_1", "payment_intent": "pi_1", "status": "needs_response", "metadata": object{}}
	oneInvoice = object{
		"id": "in_1", "object": "invoice", "billing_reason": "subscription_cycle", "amount_paid": 1900, "currency": "eur",
		"parent": object{"type": "subscription_details", "subscription_details": object{"subscription": "sub_1", "metadata": ours}},
	}
	oldInvoice = object{ // as of API versions before 2025-03-31
		"id": "in_1", "object": "invoice", "billing_reason": "subscription_cycle", "amount_paid": 1900, "currency": "eur",
		"subscription": "sub_1", "subscription_details": object{"metadata": ours}, "payment_intent": "pi_2",
	}
	oneSubscription = object{
		"id": "sub_1", "object": "subscription", "cancel_at_period_end": false, "cancel_at": nil, "cancellation_details": object{"comment": nil},
		"items": object{"data": []object{{"current_period_end": 1_900_000_000}}}, "metadata": ours,
	}
)

func TestWhatStripeTellsOf(t *testing.T) {
	ignored := ports.PaymentEvent{ID: "evt_1", Kind: ports.PaymentIgnored}
	paid := ports.PaymentEvent{ID: "evt_1", Kind: ports.PaymentPaid, Transaction: tid, Payment: core.Payment{Ref: "cs_1", PaymentRef: "pi_1", Paid: price}}
	member := paid
	member.PaymentRef, member.SubscriptionRef = "", "sub_1"
	failed := ports.PaymentEvent{ID: "evt_1", Kind: ports.PaymentFailed, Transaction: tid, Payment: core.Payment{Ref: "cs_1"}}
	refunded := ports.PaymentEvent{ID: "evt_1", Kind: ports.PaymentRefunded, Transaction: tid, Payment: core.Payment{PaymentRef: "pi_1"}, Refunded: 700}
	disputed := ports.PaymentEvent{ID: "evt_1", Kind: ports.PaymentDisputed, Payment: core.Payment{PaymentRef: "pi_1"}}
	lost := ports.PaymentEvent{ID: "evt_1", Kind: ports.PaymentSettled, Payment: core.Payment{PaymentRef: "pi_1"}}
	won := lost
	won.Won = true
	renewed := ports.PaymentEvent{ID: "evt_1", Kind: ports.PaymentRenewed, Transaction: tid, SubscriptionRef: "sub_1", Payment: core.Payment{Ref: "in_1", Paid: price}}
	lapsed := ports.PaymentEvent{ID: "evt_1", Kind: ports.PaymentLapsed, Transaction: tid, SubscriptionRef: "sub_1"}
	ending := ports.PaymentEvent{ID: "evt_1", Kind: ports.PaymentEnding, Transaction: tid, SubscriptionRef: "sub_1"}
	ended := ports.PaymentEvent{ID: "evt_1", Kind: ports.PaymentEnded, Transaction: tid, SubscriptionRef: "sub_1"}
	change := func(e ports.PaymentEvent, f func(*ports.PaymentEvent)) ports.PaymentEvent {
		f(&e)
		return e
	}
	for name, c := range map[string]struct {
		typ   string
		about object
		want  ports.PaymentEvent
	}{
		"a session is paid":                        {"checkout.session.completed", paidSession, paid},
		"a session is paid, and shows the payment": {"checkout.session.completed", with(paidSession, object{"payment_intent": object{"id": "pi_1", "amount": 1900}}), paid},
		"a membership is paid":                     {"checkout.session.completed", with(paidSession, object{"payment_intent": nil, "subscription": "sub_1", "invoice": "in_1"}), member},
		"there is nothing to pay": {
			"checkout.session.completed", with(paidSession, object{"payment_status": "no_payment_required", "amount_total": 0, "payment_intent": nil}),
			change(paid, func(e *ports.PaymentEvent) { e.PaymentRef, e.Paid.Amount = "", 0 }),
		},
		"an amount that Stripe counts in its own way": {
			"checkout.session.completed", with(paidSession, object{"amount_total": 1900, "currency": "isk"}),
			change(paid, func(e *ports.PaymentEvent) { e.Paid = core.Money{Amount: 19, Currency: "ISK"} }),
		},
		"a session waits for the money":       {"checkout.session.completed", with(paidSession, object{"payment_status": "unpaid"}), ignored},
		"a session of another application":    {"checkout.session.completed", with(paidSession, object{"metadata": object{"order": "7"}}), ignored},
		"a session without metadata":          {"checkout.session.completed", with(paidSession, object{"metadata": nil}), ignored},
		"a session of a malformed id":         {"checkout.session.completed", with(paidSession, object{"metadata": object{"coffer_transaction": "1"}}), ignored},
		"a session of the zero id":            {"checkout.session.completed", with(paidSession, object{"metadata": object{"coffer_transaction": core.TransactionID{}.String()}}), ignored},
		"another's session, in no currency":   {"checkout.session.completed", with(paidSession, object{"metadata": object{}, "currency": "xxx"}), ignored},
		"the money of a session has come":     {"checkout.session.async_payment_succeeded", paidSession, paid},
		"the money of a session will not":     {"checkout.session.async_payment_failed", with(paidSession, object{"payment_status": "unpaid"}), failed},
		"a session has expired":               {"checkout.session.expired", with(paidSession, object{"status": "expired", "payment_status": "unpaid", "payment_intent": nil}), failed},
		"another's session has expired":       {"checkout.session.expired", with(paidSession, object{"metadata": object{}}), ignored},
		"money is given back":                 {"charge.refunded", oneCharge, refunded},
		"money of a membership is given back": {"charge.refunded", with(oneCharge, object{"metadata": object{}}), change(refunded, func(e *ports.PaymentEvent) { e.Transaction = core.TransactionID{} })},
		"money of an old charge is given back": {
			"charge.refunded", with(oneCharge, object{"payment_intent": nil}), change(refunded, func(e *ports.PaymentEvent) { e.PaymentRef = "ch_1" }),
		},
		"another's money, in no currency":       {"charge.refunded", with(oneCharge, object{"metadata": nil, "currency": "xxx"}), ignored},
		"a bank asks for the money":             {"charge.dispute.created", oneDispute, disputed},
		"a bank asks for the money of a charge": {"charge.dispute.created", with(oneDispute, object{"payment_intent": nil}), change(disputed, func(e *ports.PaymentEvent) { e.PaymentRef = "ch_1" })},
		"a bank asks for no money":              {"charge.dispute.created", object{"id": "dp_1"}, ignored},
		"a dispute is won":                      {"charge.dispute.closed", with(oneDispute, object{"status": "won"}), won},
		"a warning comes to nothing":            {"charge.dispute.closed", with(oneDispute, object{"status": "warning_closed"}), won},
		"a dispute is lost":                     {"charge.dispute.closed", with(oneDispute, object{"status": "lost"}), lost},
		"a dispute is prevented by paying":      {"charge.dispute.closed", with(oneDispute, object{"status": "prevented"}), lost},
		"a dispute about nothing is won":        {"charge.dispute.closed", object{"id": "dp_1", "status": "won"}, ignored},
		"a membership is renewed":               {"invoice.paid", oneInvoice, renewed},
		"a membership is renewed, and was changed": {
			"invoice.paid", with(oneInvoice, object{"billing_reason": "subscription_update"}), ignored,
		},
		"a membership is renewed, as of old":     {"invoice.paid", oldInvoice, change(renewed, func(e *ports.PaymentEvent) { e.PaymentRef = "pi_2" })},
		"the first period is paid":               {"invoice.paid", with(oneInvoice, object{"billing_reason": "subscription_create"}), ignored},
		"an invoice by hand is paid":             {"invoice.paid", with(oneInvoice, object{"billing_reason": "manual"}), ignored},
		"an invoice for no subscription is paid": {"invoice.paid", with(oneInvoice, object{"parent": nil}), ignored},
		"another's subscription is renewed": {
			"invoice.paid", with(oneInvoice, object{"parent": object{"subscription_details": object{"subscription": "sub_1", "metadata": object{}}}}), ignored,
		},
		"a membership is not paid":         {"invoice.payment_failed", oneInvoice, lapsed},
		"the first period is not paid":     {"invoice.payment_failed", with(oneInvoice, object{"billing_reason": "subscription_create"}), ignored},
		"a membership will end":            {"customer.subscription.updated", with(oneSubscription, object{"cancel_at_period_end": true}), ending},
		"a membership will end, on time":   {"customer.subscription.updated", with(oneSubscription, object{"cancel_at": 1_900_000_000}), ending},
		"a membership will end much later": {"customer.subscription.updated", with(oneSubscription, object{"cancel_at": 1_999_000_000}), ignored},
		"a membership will end, as of old": {
			"customer.subscription.updated", with(oneSubscription, object{"cancel_at": 1_900_000_000, "current_period_end": 1_900_000_000, "items": nil}), ending,
		},
		"a membership is changed":          {"customer.subscription.updated", oneSubscription, ignored},
		"another's subscription will end":  {"customer.subscription.updated", with(oneSubscription, object{"cancel_at_period_end": true, "metadata": object{}}), ignored},
		"a membership is over":             {"customer.subscription.deleted", oneSubscription, ended},
		"a membership that we ended":       {"customer.subscription.deleted", with(oneSubscription, object{"cancellation_details": object{"comment": "ended by Coffer"}}), ignored},
		"another's subscription is over":   {"customer.subscription.deleted", with(oneSubscription, object{"metadata": nil}), ignored},
		"something else":                   {"customer.created", object{"id": "cus_1"}, ignored},
		"something of a kind yet to come":  {"coffee.brewed", nil, ignored},
		"the second word of a paid period": {"invoice.payment_succeeded", oneInvoice, ignored},
	} {
		t.Run(name, func(t *testing.T) {
			body := event(c.typ, c.about)
			for range 2 { // told again, it has the same ID
				got, err := newPayments(t).Event(signed(body, testSecret, noon), body, noon)
				if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
					t.Errorf("%v %s", err, diff)
				}
			}
		})
	}
}

func TestOnlyWhatStripeHasSignedNowIsBelieved(t *testing.T) {
	body := event("checkout.session.completed", paidSession)
	good := signed(body, testSecret, noon)
	value := good.Get("Stripe-Signature")
	second := func(s string) http.Header { return http.Header{"Stripe-Signature": {s}} }
	for name, c := range map[string]struct {
		header http.Header
		body   []byte
		fine   bool
	}{
		"signed now":                   {good, body, true},
		"signed five minutes ago":      {signed(body, testSecret, noon.Add(-5*time.Minute)), body, true},
		"signed by a clock ahead":      {signed(body, testSecret, noon.Add(5*time.Minute)), body, true},
		"signed by two secrets":        {second(value + "," + signature(signed(body, "whsec_new", noon))), body, true},
		"signed with parts to come":    {second(value + ",v2=00,v0=zz"), body, true},
		"signed long ago":              {signed(body, testSecret, noon.Add(-5*time.Minute-time.Second)), body, false},
		"signed in the future":         {signed(body, testSecret, noon.Add(5*time.Minute+time.Second)), body, false},
		"signed in another century":    {signed(body, testSecret, time.Unix(1<<40, 0)), body, false},
		"signed before time began":     {signed(body, testSecret, time.Unix(-1<<62, 0)), body, false},
		"signed by somebody else":      {signed(body, "whsec_other", noon), body, false},
		"signed by nobody":             {signed(body, "", noon), body, false},
		"signed for another body":      {good, append(slices.Clone(body), ' '), false},
		"another time than was signed": {second(fmt.Sprintf("t=%d,%s", noon.Unix()+1, signature(good))), body, false},
		"a second time":                {second(value + fmt.Sprintf(",t=%d", noon.Unix()-1)), body, false},
		"no time":                      {second(signature(good)), body, false},
		"no header":                    {http.Header{}, body, false},
		"nil":                          {nil, body, false},
		"an empty header":              {second(""), body, false},
		"no signature":                 {second(fmt.Sprintf("t=%d", noon.Unix())), body, false},
		"an empty signature":           {second(fmt.Sprintf("t=%d,v1=", noon.Unix())), body, false},
		"an old scheme":                {second(strings.Replace(value, "v1=", "v0=", 1)), body, false},
		"garbage":                      {second("t=x,v1=y,=,=="), body, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := newPayments(t).Event(c.header, c.body, noon)
			if c.fine != (err == nil) || err != nil && (!errors.Is(err, core.ErrPaymentEvent) || got != (ports.PaymentEvent{})) {
				t.Errorf("Event = %+v, %v", got, err)
			}
		})
	}
}

// signature is the v1=… of a header.
func signature(h http.Header) string {
	_, v1, _ := strings.Cut(h.Get("Stripe-Signature"), ",")
	return v1
}

func TestTheTimeIsTheOneThatIsGiven(t *testing.T) {
	body := event("customer.created", nil)
	for _, now := range []time.Time{time.Unix(0, 0), noon, noon.AddDate(50, 0, 0)} {
		if _, err := newPayments(t).Event(signed(body, testSecret, now), body, now.Add(time.Minute)); err != nil {
			t.Errorf("%v: %v", now, err)
		}
	}
	p := newPayments(t, func(c *stripe.Config) { c.AllowedSkew = time.Second })
	if _, err := p.Event(signed(body, testSecret, noon), body, noon.Add(2*time.Second)); !errors.Is(err, core.ErrPaymentEvent) {
		t.Errorf("with a skew of a second: %v", err)
	}
}

func TestWithoutASecretNothingIsBelieved(t *testing.T) {
	body := event("checkout.session.completed", paidSession)
	p := newPayments(t, func(c *stripe.Config) { c.WebhookSecret = "" })
	if _, err := p.Event(signed(body, "", noon), body, noon); !errors.Is(err, core.ErrPaymentEvent) {
		t.Errorf("Event = %v", err)
	}
}

func TestWhatIsSignedAndCannotBeReadIsNotLostInSilence(t *testing.T) {
	raw := func(typ, about string) string {
		return fmt.Sprintf(`{"id":"evt_1","object":"event","type":%q,"data":{"object":%s}}`, typ, about)
	}
	bodies := []string{
		"", "null", "[]", "1", `"evt_1"`, "{", "{}", `{"id":"evt_1"}`, `{"id":1,"object":"event"}`, `{"id":"evt_1","object":"v2.core.event","type":"x"}`,
		`{"object":"event","type":"invoice.paid"}`, `{"id":"","object":"event"}`, `{"id":"a b","object":"event"}`, `{"id":"evt_1","object":"event","type":7}`,
		`{"id":"evt_1","object":"event","type":"invoice.paid"}`, `{"id":"evt_1","object":"event","type":"invoice.paid","data":[]}`,
		`{"id":"` + strings.Repeat("x", 256) + `","object":"event"}`,
	}
	for _, typ := range stripe.EventTypes() {
		bodies = append(bodies, raw(typ, `"x"`), raw(typ, "7"), raw(typ, "[]"), raw(typ, `{"id":7,"charge":7}`))
	}
	bodies = append(bodies, raw("charge.refunded", `{"metadata":{"coffer_transaction":7}}`), raw("charge.refunded", `{"metadata":[]}`))
	for _, about := range []object{
		{"id": "cs 1"},
		{"payment_intent": 7},
		{"payment_intent": "pi\x00"},
		{"payment_intent": []int{1}},
		{"amount_total": "1900"},
		{"amount_total": 19.5},
		{"amount_total": -1},
		{"currency": "xxx"},
		{"currency": 7},
		{"currency": ""},
		{"subscription": strings.Repeat("s", 300)},
	} {
		bodies = append(bodies, string(event("checkout.session.completed", with(paidSession, about))))
	}
	for _, body := range bodies {
		got, err := newPayments(t).Event(signed([]byte(body), testSecret, noon), []byte(body), noon)
		if !errors.Is(err, core.ErrPaymentEvent) || got != (ports.PaymentEvent{}) {
			t.Errorf("%.200s: %+v, %v", body, got, err)
		}
	}
}

func TestTheEventsThatMustBeSentAreListed(t *testing.T) {
	got := stripe.EventTypes()
	if len(got) != 11 || !slices.IsSorted(got) || !slices.Contains(got, "checkout.session.completed") || !slices.Contains(got, "invoice.paid") {
		t.Errorf("%v", got)
	}
}

func FuzzEvent(f *testing.F) {
	for _, typ := range stripe.EventTypes() {
		for _, about := range []object{paidSession, oneCharge, oneDispute, oneInvoice, oldInvoice, oneSubscription, nil} {
			f.Add(event(typ, about))
		}
	}
	f.Add([]byte("{"))
	p := newPayments(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := p.Event(signed(body, testSecret, noon), body, noon)
		switch {
		case err != nil:
			if !errors.Is(err, core.ErrPaymentEvent) || got != (ports.PaymentEvent{}) {
				t.Errorf("%+v, %v", got, err)
			}
		case got.ID == "" || got.Paid.Amount < 0 || got.Refunded < 0:
			t.Errorf("%+v", got)
		case got.Kind == ports.PaymentPaid || got.Kind == ports.PaymentFailed:
			if got.Transaction.IsZero() {
				t.Errorf("%+v", got)
			}
		case got.Kind == ports.PaymentRefunded || got.Kind == ports.PaymentDisputed || got.Kind == ports.PaymentSettled:
			if got.PaymentRef == "" && got.Transaction.IsZero() {
				t.Errorf("%+v", got)
			}
		case got.Kind == ports.PaymentIgnored:
			if got != (ports.PaymentEvent{ID: got.ID, Kind: ports.PaymentIgnored}) {
				t.Errorf("%+v", got)
			}
		case got.SubscriptionRef == "":
			t.Errorf("%+v", got)
		}
	})
}

func FuzzSignature(f *testing.F) {
	body := event("checkout.session.completed", paidSession)
	good := signed(body, testSecret, noon).Get("Stripe-Signature")
	for _, seed := range []string{"", "t=", "t=1,v1=00", "v1=", good[:len(good)-2], good + ",t=1", signed(body, "whsec_other", noon).Get("Stripe-Signature")} {
		f.Add(seed)
	}
	p := newPayments(f)
	f.Fuzz(func(t *testing.T, header string) {
		_, err := p.Event(http.Header{"Stripe-Signature": {header}}, body, noon)
		if err == nil && !strings.Contains(strings.ToLower(header), signature(http.Header{"Stripe-Signature": {good}})[3:]) {
			t.Errorf("%q is believed", header)
		}
	})
}
