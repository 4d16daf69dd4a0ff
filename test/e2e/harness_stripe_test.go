package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	stripeKey    = "sk_test_51ExampleOfAKey"
	stripeSecret = "whsec_ExampleOfASecret"
	stripeHook   = "/api/payments/stripe/webhook"
)

// bank is as much of Stripe as a server asks: sessions that people pay, refunds
// that add up, subscriptions, and requests that are made twice. It signs its
// events as https://docs.stripe.com/webhooks says.
type bank struct {
	*httptest.Server

	t    *testing.T
	hook sync.Mutex // of all that follows
	n    int
	life time.Duration     // of a page on which one pays
	log  []string          // method and path of each request
	once map[string]replay // by idempotency key
	fail func(http.ResponseWriter, *http.Request) bool

	sessions map[string]object
	money    map[string]*payment // by PaymentIntent
	invoices map[string]object
	members  map[string]string // the state of each subscription
}

type payment struct {
	amount, refunded int64
	currency         string
	refunds          []object // newest first
	marks            object
}

// replay is what a request with an idempotency key was, and how it was answered.
type replay struct {
	asked  string
	status int
	body   []byte
}

func openBank(t *testing.T) *bank {
	t.Helper()
	b := &bank{
		t: t, life: 24 * time.Hour, once: map[string]replay{}, sessions: map[string]object{}, money: map[string]*payment{}, invoices: map[string]object{}, members: map[string]string{},
	}
	b.Server = httptest.NewServer(http.HandlerFunc(b.serve))
	t.Cleanup(b.Close)
	return b
}

// tellWithStripe is tell for servers that are paid by Stripe.
func tellWithStripe(t *testing.T, extra settings, story func(t *testing.T, s *server, b *bank)) {
	t.Helper()
	t.Parallel()
	for _, w := range []wiring{sqliteDisk, postgresS3} {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			b := openBank(t)
			s := newServer(t, w.withSchema(), b.settings())
			maps.Copy(s.env, extra)
			s.start()
			story(t, s, b)
		})
	}
}

func (b *bank) settings() settings {
	return settings{
		"COFFER_PAYMENT_PROVIDER": "stripe", "COFFER_STRIPE_SECRET_KEY": stripeKey, "COFFER_STRIPE_WEBHOOK_SECRET": stripeSecret, "COFFER_STRIPE_API_URL": b.URL,
	}
}

// set changes what the bank knows.
func (b *bank) set(change func()) {
	b.hook.Lock()
	defer b.hook.Unlock()
	change()
}

// fails makes the bank answer so from now on; nil: as it should.
func (b *bank) fails(instead func(w http.ResponseWriter, r *http.Request) bool) {
	b.set(func() { b.fail = instead })
}

// asked returns how many requests of that method had a path that begins so.
func (b *bank) asked(method, path string) (n int) {
	b.set(func() {
		for _, r := range b.log {
			if strings.HasPrefix(r, method+" /v1/"+path) {
				n++
			}
		}
	})
	return n
}

func (b *bank) serve(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm() // an empty form says so, too
	var fail func(http.ResponseWriter, *http.Request) bool
	b.set(func() { b.log, fail = append(b.log, r.Method+" "+r.URL.Path), b.fail })
	if fail != nil && fail(w, r) {
		return
	}
	b.answer(w, r)
}

// answer answers a request that was made before as it was answered then.
func (b *bank) answer(w http.ResponseWriter, r *http.Request) {
	b.hook.Lock()
	defer b.hook.Unlock()
	if r.Header.Get("Authorization") != "Bearer "+stripeKey {
		refuse(w, http.StatusUnauthorized, "invalid_request_error", "", "Invalid API Key provided: sk_test_****")
		return
	}
	key, asked := r.Header.Get("Idempotency-Key"), r.Method+" "+r.URL.Path+" "+r.Form.Encode()
	known, again := b.once[key]
	switch {
	case again && known.asked != asked:
		refuse(w, http.StatusBadRequest, "idempotency_error", "", "Keys for idempotent requests can only be used with the same parameters they were first used with.")
		return
	case again:
		w.Header().Set("Idempotent-Replayed", "true")
	default:
		rec := httptest.NewRecorder()
		b.route(rec, r)
		known = replay{asked, rec.Code, rec.Body.Bytes()}
		if key != "" && r.Method == http.MethodPost {
			b.once[key] = known
		}
	}
	w.WriteHeader(known.status)
	_, _ = w.Write(known.body) // the server may have died
}

func (b *bank) route(w http.ResponseWriter, r *http.Request) {
	path := strings.Split(strings.TrimPrefix(r.URL.Path, "/v1/"), "/")
	last := path[len(path)-1]
	switch at := r.Method + " " + path[0]; {
	case at == "POST checkout" && len(path) == 2:
		b.begin(w, r.Form)
	case at == "GET checkout" && len(path) == 2:
		reply(w, object{"object": "list", "data": []object{}, "has_more": false})
	case at == "GET checkout" && b.sessions[last] != nil:
		reply(w, expanded(b.sessions[last], r.Form))
	case at == "POST checkout" && last == "expire" && b.sessions[path[2]] != nil:
		b.expire(w, b.sessions[path[2]])
	case at == "GET refunds" && b.money[r.Form.Get("payment_intent")] != nil:
		reply(w, object{"object": "list", "data": b.money[r.Form.Get("payment_intent")].refunds, "has_more": false})
	case at == "POST refunds" && b.money[r.Form.Get("payment_intent")] != nil:
		b.giveBack(w, r.Form)
	case at == "GET invoices" && len(path) == 1:
		b.listInvoices(w, r.Form)
	case at == "GET invoices" && b.invoices[last] != nil:
		reply(w, b.invoices[last])
	case at == "DELETE subscriptions" && b.members[last] == "active":
		b.members[last] = "canceled"
		reply(w, object{"id": last, "object": "subscription", "status": "canceled"})
	default:
		refuse(w, http.StatusNotFound, "invalid_request_error", "resource_missing", "No such "+path[0]+": '"+last+"'")
	}
}

// listInvoices lists those of a subscription, newest first, whenever they were
// paid: this is not the server's clock.
func (b *bank) listInvoices(w http.ResponseWriter, form url.Values) {
	found := []object{}
	for _, id := range slices.Backward(slices.Sorted(maps.Keys(b.invoices))) {
		if i := b.invoices[id]; i["of"] == form.Get("subscription") && i["status"] == form.Get("status") {
			found = append(found, i)
		}
	}
	reply(w, object{"object": "list", "data": found, "has_more": false})
}

func reply(w http.ResponseWriter, o object) { _ = json.NewEncoder(w).Encode(o) } // the server may have died

func refuse(w http.ResponseWriter, status int, kind, code, message string) {
	w.WriteHeader(status)
	reply(w, object{"error": object{"type": kind, "code": code, "message": message}})
}

// begin makes a session that waits to be paid.
func (b *bank) begin(w http.ResponseWriter, form url.Values) {
	b.n++
	const price = "line_items[0][price_data]"
	amount, _ := strconv.ParseInt(form.Get(price+"[unit_amount]"), 10, 64)
	id := fmt.Sprintf("cs_test_%d", b.n)
	b.sessions[id] = object{
		"id": id, "object": "checkout.session", "mode": form.Get("mode"), "status": "open", "payment_status": "unpaid", "amount_total": amount,
		"currency": form.Get(price + "[currency]"), "url": b.URL + "/pay/" + id, "expires_at": time.Now().Add(b.life).Unix(),
		"metadata": object{"coffer_transaction": form.Get("metadata[coffer_transaction]")}, "client_reference_id": form.Get("client_reference_id"),
		"days": form.Get(price + "[recurring][interval_count]"), "customer_email": form.Get("customer_email"), "success_url": form.Get("success_url"),
	}
	reply(w, b.sessions[id])
}

// expanded shows what is asked for in full, and else its id.
func expanded(session object, form url.Values) object {
	wanted := slices.Concat(form["expand[]"], form["expand[0]"], form["expand[1]"], form["expand[2]"], form["expand[3]"])
	shown := object{}
	for name, value := range session {
		if o, ok := value.(object); ok && name != "metadata" && !slices.ContainsFunc(wanted, func(w string) bool { return strings.HasPrefix(w, name) }) {
			value = o["id"]
		}
		shown[name] = value
	}
	return shown
}

func (b *bank) expire(w http.ResponseWriter, session object) {
	if session["status"] != "open" {
		refuse(w, http.StatusBadRequest, "invalid_request_error", "", "Only Checkout Sessions with a status in [\"open\"] can be expired.")
		return
	}
	session["status"], session["url"] = "expired", nil
	reply(w, session)
}

func (b *bank) giveBack(w http.ResponseWriter, form url.Values) {
	p := b.money[form.Get("payment_intent")]
	amount, _ := strconv.ParseInt(form.Get("amount"), 10, 64)
	switch {
	case p.refunded == p.amount:
		refuse(w, http.StatusBadRequest, "invalid_request_error", "charge_already_refunded", "Charge has already been refunded.")
		return
	case amount <= 0 || amount > p.amount-p.refunded:
		refuse(w, http.StatusBadRequest, "invalid_request_error", "", "Refund amount is greater than unrefunded amount on charge")
		return
	}
	p.refund(b, amount, object{"coffer_refund": form.Get("metadata[coffer_refund]")})
	reply(w, object{"id": p.refunds[0]["id"], "object": "refund", "charge": object{"id": "ch_1", "currency": p.currency, "amount_refunded": p.refunded}})
}

func (p *payment) refund(b *bank, amount int64, marks object) {
	b.n++
	p.refunded += amount
	p.refunds = slices.Insert(p.refunds, 0, object{"id": fmt.Sprintf("re_%d", b.n), "object": "refund", "amount": amount, "status": "succeeded", "metadata": marks})
}

// visit pays on the page that a buyer was sent to, and returns the session as
// an event has it.
func (b *bank) visit(page string) (session object) {
	b.t.Helper()
	id := page[strings.LastIndexByte(page, '/')+1:]
	b.set(func() {
		s := b.sessions[id]
		if s == nil || s["status"] != "open" {
			b.t.Errorf("the page of %s says: %v", id, s)
			return
		}
		n := strings.TrimPrefix(id, "cs_test_")
		amount, _ := s["amount_total"].(int64)
		paid := &payment{amount: amount, currency: fmt.Sprint(s["currency"])}
		s["status"], s["payment_status"], s["url"] = "complete", "paid", nil
		if b.money["pi_"+n] = paid; s["mode"] == "payment" {
			paid.marks, _ = s["metadata"].(object)
			s["payment_intent"] = object{"id": "pi_" + n, "status": "succeeded"}
		} else { // the money of a subscription is marked with nothing
			s["subscription"], s["invoice"] = object{"id": "sub_" + n, "status": "active"}, object{"id": "in_" + n, "object": "invoice", "payments": paidBy("pi_" + n)}
			b.members["sub_"+n] = "active"
		}
		session = expanded(s, nil)
	})
	return session
}

func paidBy(intent string) object {
	return object{"object": "list", "data": []object{{"id": "inpay_1", "status": "paid", "payment": object{"type": "payment_intent", "payment_intent": intent}}}}
}

// renews takes the money for another period, and returns the invoice as an
// event has it.
func (b *bank) renews(session object, amount int64) (invoice object) {
	b.set(func() {
		b.n++
		id, sub := fmt.Sprintf("in_r%05d", b.n), fmt.Sprint(session["subscription"])
		intent := b.intent(id)
		invoice = object{
			"id": id, "object": "invoice", "billing_reason": "subscription_cycle", "amount_paid": amount, "currency": session["currency"], "status": "paid",
			"parent": object{"type": "subscription_details", "subscription_details": object{"subscription": sub, "metadata": session["metadata"]}},
		}
		b.money[intent] = &payment{amount: amount, currency: fmt.Sprint(session["currency"])}
		b.invoices[id] = object{"payments": paidBy(intent), "of": sub}
		maps.Copy(b.invoices[id], invoice)
	})
	return invoice
}

// intent is the name of the money that paid a session, or an invoice.
func (b *bank) intent(id string) string {
	if n, ok := strings.CutPrefix(id, "in_"); ok {
		return "pi_" + n
	}
	return "pi_" + strings.TrimPrefix(id, "cs_test_")
}

// charge is a payment as events about refunds have it, after giving back
// amount, as one does in the Dashboard.
func (b *bank) charge(intent string, amount int64) (charge object) {
	b.set(func() {
		p := b.money[intent]
		if amount > 0 {
			p.refund(b, amount, object{})
		}
		charge = object{
			"id": "ch_" + intent, "object": "charge", "amount": p.amount, "amount_refunded": p.refunded, "currency": p.currency, "payment_intent": intent,
			"metadata": p.marks,
		}
	})
	return charge
}

func disputeOf(intent, status string) object {
	return object{"id": "dp_" + intent, "object": "dispute", "charge": "ch_" + intent, "payment_intent": intent, "status": status, "metadata": object{}}
}

// event is a message of the bank.
type event string

// tells makes a message about something.
func (b *bank) tells(kind string, about object) (e event) {
	b.t.Helper()
	b.set(func() {
		b.n++
		text, err := json.Marshal(object{
			"id": fmt.Sprintf("evt_%d", b.n), "object": "event", "type": kind, "api_version": "2025-09-30.clover", "livemode": false, "data": object{"object": about},
		})
		if err != nil {
			b.t.Fatal(err)
		}
		e = event(text)
	})
	return e
}

// signature signs a message as the bank does, at that time.
func signature(e event, secret string, at time.Time) with {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.%s", at.Unix(), e)
	return with{"Stripe-Signature": fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(mac.Sum(nil)))}
}

// hears delivers a message and checks how it is answered.
func (s *server) hears(status int, e event) *answer {
	s.t.Helper()
	return s.anybody().want(status, "POST", stripeHook, raw(e), signature(e, stripeSecret, s.now()))
}

// heeds delivers a message, which must be taken.
func (s *server) heeds(e event) {
	s.t.Helper()
	if a := s.hears(http.StatusNoContent, e); len(a.body) > 0 {
		s.t.Errorf("%s", a.body)
	}
}

// rejects delivers a message that must be refused.
func (s *server) rejects(status int, code string, e event) {
	s.t.Helper()
	s.hears(status, e).isProblem(status, code)
}

// tries is hears for goroutines, and for servers that may die.
func (s *server) tries(e event) (*answer, error) {
	return s.anybody().try("POST", stripeHook, raw(e), signature(e, stripeSecret, s.now()))
}

// pays orders a product and pays for it, of which the server has not heard yet.
func (u *user) pays(b *bank, product string) (transaction string, session object) {
	u.t.Helper()
	a := u.buys(product)
	return a.text("transaction.id"), b.visit(a.text("checkout_url"))
}

// unavailable sends a request that the server cannot answer now, since the bank
// does not.
func (u *user) unavailable(method, path string, body any) {
	u.t.Helper()
	a, err := u.try(method, path, body)
	if err != nil {
		u.t.Fatal(err)
	}
	if a.isProblem(http.StatusServiceUnavailable, "unavailable"); a.header.Get("Retry-After") == "" {
		u.t.Errorf("%s: %v", a.what, a.header)
	}
	if strings.Contains(string(a.body), stripeKey) {
		u.t.Errorf("the key is shown: %s", a.body)
	}
}
