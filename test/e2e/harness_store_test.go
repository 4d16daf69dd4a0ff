package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"
)

// products is the path of what the user's org sells, or of something below it.
func (u *user) products(rest string) string { return "/api/orgs/" + u.org + "/products" + rest }

func order(id, rest string) string { return "/api/transactions/" + id + rest }

// article describes a file for ever, for 19 euros, or what the members say.
func article(name string, members object) object {
	return object{"name": name, "type": "digital", "price": euros(1900)}.but(members)
}

// membership describes one of thirty days.
func membership(name string, members object) object {
	return article(name, object{"type": "membership", "subscription_days": 30}).but(members)
}

func euros(cents int64) object { return object{"amount": cents, "currency": "EUR"} }

// What a product is made of.
func aFile(id string) object   { return object{"asset_id": id} }
func aFolder(id string) object { return object{"folder_id": id} }

// drafts makes a product that is not for sale yet.
func (u *user) drafts(product object) string {
	u.t.Helper()
	return u.want(http.StatusCreated, "POST", u.products(""), product).text("id")
}

func (u *user) links(product string, part object) *answer {
	u.t.Helper()
	return u.want(http.StatusCreated, "POST", u.products("/"+product+"/assets"), part)
}

// alters changes a product.
func (u *user) alters(product string, to object) *answer {
	u.t.Helper()
	return u.want(http.StatusOK, "PATCH", u.products("/"+product), to)
}

func (u *user) publishes(product string) {
	u.t.Helper()
	u.alters(product, object{"status": "published"})
}

// offers puts a product of these parts up for sale.
func (u *user) offers(product object, parts ...object) string {
	u.t.Helper()
	id := u.drafts(product)
	for _, part := range parts {
		u.links(id, part)
	}
	u.publishes(id)
	return id
}

// buys orders a product.
func (u *user) buys(product string) *answer {
	u.t.Helper()
	return u.want(http.StatusCreated, "POST", "/api/transactions", object{"product_id": product})
}

// orders is buys where only the order's id is wanted.
func (u *user) orders(product string) string {
	u.t.Helper()
	return u.buys(product).text("transaction.id")
}

// confirms says that an order was paid by hand.
func (u *user) confirms(id string) *answer {
	u.t.Helper()
	return u.want(http.StatusOK, "POST", order(id, "/complete"), nil)
}

// sells is an order that is confirmed at once. It returns the transaction.
func (u *user) sells(product string, to *user) string {
	u.t.Helper()
	id := to.orders(product)
	u.confirms(id)
	return id
}

func (u *user) refunds(id string, body any) *answer {
	u.t.Helper()
	return u.want(http.StatusOK, "POST", order(id, "/refund"), body)
}

// sees returns an order, which must be in that state.
func (u *user) sees(id, status string) *answer {
	u.t.Helper()
	a := u.want(http.StatusOK, "GET", order(id, ""), nil)
	if a.text("status") != status {
		u.t.Errorf("the order is %s, want %s: %s", a.text("status"), status, a.body)
	}
	return a
}

// library is what the user has bought and may have now.
func (u *user) library() []string {
	u.t.Helper()
	ids := u.listing("asset.asset_id", "/api/me/entitlements?limit=3")
	slices.Sort(ids)
	return ids
}

// libraryMust checks what is in the user's library: one entry for each purchase
// of each file or folder.
func (u *user) libraryMust(nodes ...string) {
	u.t.Helper()
	slices.Sort(nodes)
	if got := u.library(); !slices.Equal(got, nodes) {
		u.t.Errorf("the library has %v, want %v", got, nodes)
	}
}

// entitlement returns the id of the user's entitlement to the node.
func (u *user) entitlement(node string) string {
	u.t.Helper()
	a := u.want(http.StatusOK, "GET", "/api/me/entitlements?limit=200", nil)
	i := slices.Index(a.list("asset.asset_id"), node)
	if i < 0 {
		u.t.Fatalf("no entitlement to %s: %s", node, a.body)
	}
	return a.text(fmt.Sprintf("items.%d.id", i))
}

// has fetches a file that the user may have, by each way there is.
func (u *user) has(asset, text string) {
	u.t.Helper()
	if got := u.download(asset); string(got) != text {
		u.t.Errorf("%q came down, want %q", got, text)
	}
	url := u.want(http.StatusOK, "POST", "/api/assets/"+asset+"/signed-url", object{"disposition": "attachment"}).text("download_url")
	if got := fetch(u.t, url); string(got.body) != text {
		u.t.Errorf("%q came down, want %q", got.body, text)
	}
}

// lacks checks that files do not exist for the user.
func (u *user) lacks(assets ...string) {
	u.t.Helper()
	for _, asset := range assets {
		u.refused(http.StatusNotFound, "not_found", "GET", "/api/assets/"+asset+"/download", nil)
		u.refused(http.StatusNotFound, "not_found", "GET", "/api/assets/"+asset+"/download?redirect=true", nil)
		u.refused(http.StatusNotFound, "not_found", "POST", "/api/assets/"+asset+"/signed-url", object{})
	}
}

// may reports whether the user can have a file.
func (u *user) may(asset string) bool {
	u.t.Helper()
	return u.ask("GET", "/api/assets/"+asset+"/download", nil).status == http.StatusOK
}

// subscription returns the newest of the user's memberships, which must be in
// that state.
func (u *user) subscription(status string) *answer {
	u.t.Helper()
	a := u.want(http.StatusOK, "GET", "/api/me/subscriptions?ended=true&limit=1", nil)
	if a.text("items.0.status") != status {
		u.t.Errorf("the membership is %s, want %s: %s", a.text("items.0.status"), status, a.body)
	}
	return a
}

// becomes waits until the newest of the user's memberships is in that state and,
// if that is not empty, its period ends then. It returns when it ends.
func (u *user) becomes(status string, end time.Time) time.Time {
	u.t.Helper()
	var got time.Time
	eventually(u.t, fmt.Sprintf("the membership of %s is %s until %v", u.email, status, end), func() bool {
		a := u.want(http.StatusOK, "GET", "/api/me/subscriptions?ended=true&limit=1", nil)
		got = a.time("items.0.period_end")
		return a.text("items.0.status") == status && (end.IsZero() || got.Equal(end))
	})
	return got
}

// time returns a time of the answer.
func (a *answer) time(path string) time.Time {
	a.t.Helper()
	at, err := time.Parse(time.RFC3339Nano, a.text(path))
	if err != nil {
		a.t.Fatalf("%s: %s: %v", a.what, path, err)
	}
	return at
}

// now is the time by the server's clock.
func (s *server) now() time.Time {
	s.t.Helper()
	text := s.env["COFFER_CLOCK_OFFSET"]
	if text == "" {
		return time.Now()
	}
	offset, err := time.ParseDuration(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return time.Now().Add(offset)
}

// turnTo starts the server again with its clock at that time, and signs the
// people in. Its jobs run at the start.
func (s *server) turnTo(then time.Time, people ...*user) {
	s.t.Helper()
	s.restart(settings{"COFFER_CLOCK_OFFSET": time.Until(then).String()})
	for _, u := range people {
		u.logIn()
	}
}

// happened returns how many events of the kind tell of the transaction, or
// whatever has that id.
func (s *server) happened(kind, id string) int {
	s.t.Helper()
	return s.number("SELECT count(*) FROM events WHERE type = '" + kind + "' AND CAST(data AS text) LIKE '%" + id + "%'")
}

// mails returns how many mails the server has had to send, ever.
func (s *server) mails() int {
	s.t.Helper()
	return s.number("SELECT count(*) FROM river_job WHERE kind = 'mail.send'")
}

// exactly checks what a completed transaction has brought about: once each.
func (s *server) exactly(transaction string, entitlements int) {
	s.t.Helper()
	for what, n := range map[string]int{
		"completed transactions":   s.number("SELECT count(*) FROM transactions WHERE status = 'completed' AND id = '" + transaction + "'"),
		"transaction.completed":    s.happened("transaction.completed", transaction),
		"entitlement.granted":      s.happened("entitlement.granted", transaction),
		"entries in the audit log": s.number("SELECT count(*) FROM audit_log WHERE action = 'transaction.completed' AND target_id = '" + transaction + "'"),
	} {
		if n != 1 {
			s.t.Errorf("transaction %s: %d %s, want 1", transaction, n, what)
		}
	}
	if n := s.number("SELECT count(*) FROM entitlements WHERE transaction_id = '" + transaction + "'"); n != entitlements {
		s.t.Errorf("transaction %s gives %d entitlements, want %d", transaction, n, entitlements)
	}
}

// patiently is eventually for what may have been begun by a process that died:
// a job of its is taken up again minutes later.
func patiently(t *testing.T, what string, happened func() bool) {
	t.Helper()
	const patience, pause = 5 * time.Minute, 250 * time.Millisecond
	for end := time.Now().Add(patience); !happened(); time.Sleep(pause) {
		if time.Now().After(end) {
			t.Fatalf("after %v still not: %s", patience, what)
		}
	}
}
