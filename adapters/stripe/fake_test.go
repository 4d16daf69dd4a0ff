package stripe_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/stripe"
	"github.com/seed-755a8038/coffer/core"
)

const (
	testKey    = "sk_test_51VeryS3cret"
	testSecret = "whsec_VeryS3cret"
)

// fake is as much of Stripe as remembers: sessions that people pay, refunds
// that add up, requests that are made twice. What the API really takes,
// stripe-mock knows.
type fake struct {
	*httptest.Server

	mu       sync.Mutex
	n        int
	sessions map[string]*object
	charges  map[string]*money // by PaymentIntent, or by charge
	active   map[string]bool   // subscriptions
	invoices map[string]object
	answers  map[string]answer // by idempotency key
	requests []request
	instead  func(w http.ResponseWriter, r *http.Request) bool // answers, or does not want to
}

type object = map[string]any

type money struct {
	amount, refunded int64
	refunds          []object // newest first
}

type request struct {
	Method, Path string
	Form         url.Values
	Header       http.Header
}

type answer struct {
	asked  string
	status int
	body   []byte
}

func openFake(t testing.TB) *fake {
	t.Helper()
	f := &fake{
		sessions: map[string]*object{}, charges: map[string]*money{}, active: map[string]bool{},
		invoices: map[string]object{}, answers: map[string]answer{},
	}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) payments(t testing.TB, changes ...func(*stripe.Config)) *stripe.Payments {
	t.Helper()
	cfg := stripe.Config{SecretKey: testKey, WebhookSecret: testSecret, APIURL: f.URL}
	for _, change := range changes {
		change(&cfg)
	}
	p, err := stripe.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	f.mu.Lock()
	f.requests = append(f.requests, request{r.Method, r.URL.EscapedPath(), r.Form, r.Header.Clone()})
	instead := f.instead
	f.mu.Unlock()
	if instead != nil && instead(w, r) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer "+testKey {
		problem(w, 401, "invalid_request_error", "", "Invalid API Key provided: sk_test_****cret")
		return
	}
	f.once(w, r)
}

// once answers a request that was made before as it was answered then.
func (f *fake) once(w http.ResponseWriter, r *http.Request) {
	key, asked := r.Header.Get("Idempotency-Key"), r.Method+" "+r.URL.Path+" "+r.Form.Encode()
	known, ok := f.answers[key]
	switch {
	case ok && known.asked != asked:
		problem(w, 400, "idempotency_error", "", "Keys for idempotent requests can only be used with the same parameters they were first used with.")
		return
	case ok:
		w.Header().Set("Idempotent-Replayed", "true")
	default:
		rec := httptest.NewRecorder()
		f.route(rec, r)
		known = answer{asked, rec.Code, rec.Body.Bytes()}
		if key != "" && r.Method == http.MethodPost {
			f.answers[key] = known
		}
	}
	w.WriteHeader(known.status)
	_, _ = w.Write(known.body)
}

func (f *fake) route(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/v1/"), "/")
	switch at := r.Method + " " + parts[0]; {
	case at == "POST checkout" && len(parts) == 2:
		f.create(w, r.Form)
	case at == "GET checkout" && len(parts) == 2:
		reply(w, object{"object": "list", "data": []object{}})
	case at == "GET checkout" && len(parts) == 3:
		f.session(w, parts[2], expanded(r.Form))
	case at == "POST checkout" && len(parts) == 4 && parts[3] == "expire":
		f.expire(w, parts[2])
	case at == "POST refunds":
		f.refund(w, r.Form)
	case at == "GET refunds":
		f.listRefunds(w, r.Form)
	case at == "GET invoices" && len(parts) == 1:
		f.listInvoices(w, r.Form)
	case at == "GET invoices":
		if i, ok := f.invoices[parts[1]]; ok {
			reply(w, i)
			return
		}
		missing(w, "invoice", parts[1])
	case at == "DELETE subscriptions" && f.active[parts[1]]:
		f.active[parts[1]] = false
		reply(w, object{"id": parts[1], "object": "subscription", "status": "canceled"})
	default:
		missing(w, parts[0], parts[len(parts)-1])
	}
}

func (f *fake) create(w http.ResponseWriter, form url.Values) {
	f.n++
	amount, _ := strconv.ParseInt(form.Get("line_items[0][price_data][unit_amount]"), 10, 64)
	id := fmt.Sprintf("cs_test_%d", f.n)
	f.sessions[id] = &object{
		"id": id, "object": "checkout.session", "mode": form.Get("mode"),
		"status": "open", "payment_status": "unpaid", "amount_total": amount, "currency": form.Get("line_items[0][price_data][currency]"),
		"url": fmt.Sprintf("https://checkout.stripe.example/pay/%d", f.n), "expires_at": time.Now().Add(24 * time.Hour).Unix(),
		"metadata": object{"coffer_transaction": form.Get("metadata[coffer_transaction]")},
	}
	reply(w, *f.sessions[id])
}

func (f *fake) session(w http.ResponseWriter, id string, expand []string) {
	s, ok := f.sessions[id]
	if !ok {
		missing(w, "checkout.session", id)
		return
	}
	shown := object{}
	for name, value := range *s {
		if o, ok := value.(object); ok && name != "metadata" && !slices.ContainsFunc(expand, func(e string) bool { return strings.HasPrefix(e, name) }) {
			value = o["id"]
		}
		shown[name] = value
	}
	reply(w, shown)
}

// pay does what a buyer does on Stripe's page.
func (f *fake) pay(t *testing.T, id string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	s := *f.sessions[id]
	if s["status"] != "open" {
		t.Fatalf("the page of %s says: %v", id, s["status"])
	}
	n := strings.TrimPrefix(id, "cs_test_")
	s["status"], s["payment_status"], s["url"] = "complete", "paid", nil
	amount, _ := s["amount_total"].(int64)
	f.charges["pi_"+n] = &money{amount: amount}
	if s["mode"] == "payment" {
		s["payment_intent"] = object{"id": "pi_" + n, "status": "succeeded", "client_secret": "pi_" + n + "_secret_x"}
		return
	}
	s["subscription"] = object{"id": "sub_" + n, "status": "active"}
	s["invoice"] = object{"id": "in_" + n, "object": "invoice", "payments": paymentsBy("pi_" + n)}
	f.active["sub_"+n] = true
}

// renew takes the money for another period of a subscription.
func (f *fake) renew(t *testing.T, sub string) core.Payment {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.active[sub] {
		t.Fatalf("%s is not active", sub)
	}
	f.n++
	id, intent := fmt.Sprintf("in_r%d", f.n), fmt.Sprintf("pi_r%d", f.n)
	f.charges[intent] = &money{amount: 1900}
	f.invoices[id] = object{
		"id": id, "object": "invoice", "status": "paid", "billing_reason": "subscription_cycle", "amount_paid": 1900, "currency": "eur", "created": int64(f.n),
		"payments": paymentsBy(intent), "subscription": sub,
	}
	return core.Payment{Ref: id, PaymentRef: intent, Paid: core.Money{Amount: 1900, Currency: "EUR"}}
}

// listInvoices lists those of a subscription that are paid, newest first, and
// one of another kind.
func (f *fake) listInvoices(w http.ResponseWriter, form url.Values) {
	found := []object{}
	for _, i := range f.invoices {
		if i["subscription"] == form.Get("subscription") && i["status"] == form.Get("status") {
			found = append(found, i)
		}
	}
	slices.SortFunc(found, func(a, b object) int { return int(b["created"].(int64) - a["created"].(int64)) }) //nolint:forcetypeassert // see renew
	found = append(found, object{"id": "in_first", "object": "invoice", "billing_reason": "subscription_create", "amount_paid": 1900, "currency": "eur"})
	reply(w, object{"object": "list", "url": "/v1/invoices", "data": found})
}

// paymentsBy are the payments of an invoice: one that failed, one that paid.
func paymentsBy(intent string) object {
	return object{"object": "list", "data": []object{
		{"id": "inpay_0", "status": "canceled", "payment": object{"type": "payment_intent", "payment_intent": "pi_failed"}},
		{"id": "inpay_1", "status": "paid", "payment": object{"type": "payment_intent", "payment_intent": intent}},
		{"id": "inpay_2", "status": "open", "payment": object{"type": "payment_intent", "payment_intent": "pi_open"}},
	}}
}

func (f *fake) expire(w http.ResponseWriter, id string) {
	s, ok := f.sessions[id]
	switch {
	case !ok:
		missing(w, "checkout.session", id)
	case (*s)["status"] != "open":
		problem(w, 400, "invalid_request_error", "", fmt.Sprintf("Only Checkout Sessions with a status in [\"open\"] can be expired. This one is %v.", (*s)["status"]))
	default:
		(*s)["status"], (*s)["url"] = "expired", nil
		reply(w, *s)
	}
}

func (f *fake) refund(w http.ResponseWriter, form url.Values) {
	id := form.Get("payment_intent") + form.Get("charge")
	c, ok := f.charges[id]
	amount, _ := strconv.ParseInt(form.Get("amount"), 10, 64)
	switch {
	case !ok:
		missing(w, "payment_intent", id)
		return
	case c.refunded == c.amount:
		problem(w, 400, "invalid_request_error", "charge_already_refunded", "Charge ch_1 has already been refunded.")
		return
	case amount <= 0 || amount > c.amount-c.refunded:
		problem(w, 400, "invalid_request_error", "", "Refund amount is greater than unrefunded amount on charge")
		return
	}
	f.n++
	c.refunded += amount
	r := object{
		"id": fmt.Sprintf("re_%d", f.n), "object": "refund", "amount": amount, "status": "succeeded",
		"metadata": object{"coffer_refund": form.Get("metadata[coffer_refund]")}, "charge": "ch_1",
	}
	c.refunds = slices.Insert(c.refunds, 0, r)
	if slices.Contains(expanded(form), "charge") {
		r = object{"id": r["id"], "charge": object{"id": "ch_1", "currency": "eur", "amount_refunded": c.refunded}}
	}
	reply(w, r)
}

func (f *fake) listRefunds(w http.ResponseWriter, form url.Values) {
	c, ok := f.charges[form.Get("payment_intent")+form.Get("charge")]
	if !ok {
		missing(w, "payment_intent", form.Get("payment_intent"))
		return
	}
	from := 1 + slices.IndexFunc(c.refunds, func(r object) bool { return r["id"] == form.Get("starting_after") })
	limit, _ := strconv.Atoi(form.Get("limit"))
	to := min(len(c.refunds), from+limit)
	reply(w, object{"object": "list", "url": "/v1/refunds", "has_more": to < len(c.refunds), "data": c.refunds[from:to]})
}

func expanded(form url.Values) (out []string) {
	for i := 0; form.Has(fmt.Sprintf("expand[%d]", i)); i++ {
		out = append(out, form.Get(fmt.Sprintf("expand[%d]", i)))
	}
	return out
}

func reply(w http.ResponseWriter, o object) { _ = json.NewEncoder(w).Encode(o) }

func problem(w http.ResponseWriter, status int, typ, code, message string) {
	w.Header().Set("Request-Id", "req_1")
	w.WriteHeader(status)
	reply(w, object{"error": object{"type": typ, "code": code, "message": message}})
}

func missing(w http.ResponseWriter, what, id string) {
	problem(w, 404, "invalid_request_error", "resource_missing", fmt.Sprintf("No such %s: '%s'", what, id))
}

// sent are the requests so far of that method to a path that begins so.
func (f *fake) sent(method, prefix string) (out []request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.requests {
		if r.Method == method && strings.HasPrefix(r.Path, prefix) {
			out = append(out, r)
		}
	}
	return out
}

// set changes what the fake knows.
func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// purchase returns a pending transaction of EUR 19.00.
func purchase(typ core.ProductType) *core.Transaction {
	t := &core.Transaction{
		ID: core.TransactionID{0: 1, 15: 2}, ProductName: "A “book” & more", Type: typ,
		Price: core.Money{Amount: 1900, Currency: "EUR"}, Provider: "stripe", Status: core.TransactionPending,
	}
	if typ == core.Membership {
		t.Days = 30
	}
	return t
}
