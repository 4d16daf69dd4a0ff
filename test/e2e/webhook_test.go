package e2e

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// licensed signs somebody up whose org has webhooks.
func (s *server) licensed(name string) *user {
	s.t.Helper()
	u := s.signUp(name).found(object{"name": name + " Ltd"})
	s.must("license", "assign", u.org, "enterprise")
	return u
}

// gives makes a product for nothing, with a file, that can be bought.
func (u *user) gives(name string) string {
	u.t.Helper()
	file := u.upload(object{"name": name + ".txt"}, []byte(name)).text("id")
	products := "/api/orgs/" + u.org + "/products"
	id := u.want(http.StatusCreated, "POST", products, object{"name": name, "type": "digital", "price": object{"amount": 0, "currency": "EUR"}}).text("id")
	u.want(http.StatusCreated, "POST", products+"/"+id+"/assets", object{"asset_id": file})
	u.want(http.StatusOK, "PATCH", products+"/"+id, object{"status": "published"})
	return id
}

// later moves the server's clock on, and signs the users in again.
func (s *server) later(d time.Duration, users ...*user) {
	s.t.Helper()
	s.restart(settings{"COFFER_CLOCK_OFFSET": d.String()})
	for _, u := range users {
		u.logIn()
	}
}

func TestAnIntegratorHearsWhatHappens(t *testing.T) {
	tell(t, hooking, func(t *testing.T, s *server) {
		r := newReceiver(t)
		ana, ben := s.signUp("ana").found(object{"name": "Acme"}), s.signUp("ben")
		hooks := "/api/orgs/" + ana.org + "/webhooks"
		refusal := ana.ask("POST", hooks, object{"url": r.url})
		refusal.isProblem(http.StatusForbidden, "feature_unavailable")
		if refusal.text("feature") != "webhooks" || refusal.text("available_in") != "enterprise" {
			t.Errorf("%s", refusal.body)
		}
		s.must("license", "assign", ana.org, "enterprise")

		// Made once, shown once.
		order, key := object{"url": r.url, "description": " Index "}, with{"Idempotency-Key": "hook-1"}
		made := ana.want(http.StatusCreated, "POST", hooks, order, key)
		again := ana.want(http.StatusCreated, "POST", hooks, order, key)
		secret, path := made.text("secret"), hooks+"/"+made.text("webhook.id")
		if again.text("secret") != secret || again.text("webhook.id") != made.text("webhook.id") || !strings.HasPrefix(secret, "whsec_") ||
			made.header.Get("Location") != path || made.header.Get("ETag") != `"1"` {
			t.Errorf("%s\n%s", made.body, again.body)
		}
		for _, a := range []*answer{ana.want(http.StatusOK, "GET", path, nil), ana.want(http.StatusOK, "GET", hooks, nil), ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/audit-log", nil)} {
			if strings.Contains(string(a.body), secret) || strings.Contains(string(a.body), "secret\"") {
				t.Errorf("%s tells the secret: %s", a.what, a.body)
			}
		}
		h := &hook{ana, path, made.text("webhook.id"), secret}

		// Tried out.
		ping := ana.want(http.StatusCreated, "POST", path+"/ping", nil)
		got := r.await("webhook.ping", 1)
		got.verified(t, secret, true)
		if got.id() != ping.text("event_id") || got.Data["webhook_id"] != h.id || got.Data["org_id"] != ana.org ||
			got.header.Get("Content-Type") != "application/json" || !strings.HasPrefix(got.header.Get("User-Agent"), "Coffer-Webhooks/") {
			t.Errorf("%v %s", got.header, got.body)
		}
		eventually(t, "the ping is delivered", func() bool { return h.deliveries("").text("items.0.status") == "delivered" })
		log := h.deliveries("")
		if log.number("items.0.attempts") != 1 || log.number("items.0.response.status") != 204 || log.text("items.0.request.body") != string(got.body) ||
			log.text("items.0.request.url") != r.url || log.text("items.0.request.headers.webhook-id") != got.id() || log.get("items.0.next_attempt_at") != nil {
			t.Errorf("%s", log.body)
		}

		// What somebody buys is heard of, signed.
		product := ana.gives("presets")
		ben.want(http.StatusCreated, "POST", "/api/transactions", object{"product_id": product})
		sale := r.await("transaction.completed", 1)
		sale.verified(t, secret, true)
		if sale.Data["product_id"] != product || sale.Data["org_id"] != ana.org || time.Since(sale.Timestamp).Abs() > time.Minute {
			t.Errorf("%s", sale.body)
		}
		r.await("entitlement.granted", 1).verified(t, secret, true)

		// A filter.
		ana.want(http.StatusOK, "PATCH", path, object{"events": []string{"product.*", "product.*"}}, with{"If-Match": `"1"`})
		ana.refused(http.StatusPreconditionFailed, "precondition_failed", "PATCH", path, object{"events": []string{}}, with{"If-Match": `"1"`})
		h.settled("transaction.completed")
		sales := len(r.all("transaction.completed"))
		other := ana.gives("more")
		ben.want(http.StatusCreated, "POST", "/api/transactions", object{"product_id": other})
		eventually(t, "the product is heard of", func() bool {
			return slices.ContainsFunc(r.all("product.updated"), func(m *message) bool { return m.Data["product_id"] == other })
		})
		h.settled("product.updated")
		if n := len(r.all("transaction.completed")); n != sales {
			t.Errorf("%d sales are heard of", n-sales)
		}

		// Each event has come once.
		ids := map[string]int{}
		for _, m := range r.all() {
			if ids[m.id()]++; ids[m.id()] > 1 {
				t.Errorf("%s comes twice", m.body)
			}
		}
		ana.want(http.StatusNoContent, "DELETE", path, nil)
		ana.refused(http.StatusNotFound, "not_found", "GET", path, nil)
		ana.refused(http.StatusNotFound, "not_found", "GET", path+"/deliveries", nil)
	})
}

func TestEachChangeIsHeardOf(t *testing.T) {
	tell(t, hooking, func(t *testing.T, s *server) {
		r := newReceiver(t)
		ana := s.licensed("ana")
		ben := s.signUp("ben")
		h := ana.listens(r, nil)
		file := ana.upload(object{"name": "a.txt"}, []byte("first")).text("id")
		assets := "/api/orgs/" + ana.org + "/assets"
		ana.upload(object{"name": "a.txt", "on_conflict": "version"}, []byte("second"))
		ana.want(http.StatusOK, "PATCH", assets+"/"+file, object{"metadata": object{"tags": []string{"red"}}})
		folder := ana.folder(ana.drive, "/photos")
		ana.patch(file, object{"parent_id": folder})
		ana.want(http.StatusCreated, "POST", "/api/nodes/"+folder+"/copy", object{"name": "copy"})
		l := ana.shares(file, object{"password": "sesame street"})
		ana.edits(l, object{"name": "for ben"})
		ana.want(http.StatusNoContent, "DELETE", "/api/shares/"+l.id, nil)
		ana.want(http.StatusNoContent, "DELETE", "/api/nodes/"+file, nil)
		ana.want(http.StatusOK, "POST", "/api/nodes/"+file+"/restore", nil)
		ana.want(http.StatusNoContent, "DELETE", "/api/nodes/"+file+"?permanent=true", nil)
		drive := ana.share(object{"name": "More"})
		ana.want(http.StatusOK, "PATCH", drive, object{"name": "Less"})
		ana.want(http.StatusNoContent, "DELETE", drive, nil)
		mate := s.hire(ana, ben, "member")
		ana.change(mate.account, object{"role": "viewer"})
		mate.want(http.StatusNoContent, "POST", "/api/orgs/"+ana.org+"/leave", nil)
		ana.want(http.StatusOK, "PATCH", "/api/orgs/"+ana.org, object{"name": "Other Ltd"})
		ana.want(http.StatusNoContent, "DELETE", "/api/orgs/"+ana.org, nil)
		ana.want(http.StatusNoContent, "POST", "/api/orgs/"+ana.org+"/restore", nil)
		want := []string{
			"account.invited", "account.joined", "account.left", "account.updated", "asset.updated", "asset.uploaded", "asset.uploaded", "asset.uploaded",
			"drive.created", "drive.deleted", "drive.updated", "node.created", "node.created", "node.moved", "node.purged", "node.restored", "node.trashed",
			"org.deleted", "org.restored", "org.updated", "share.created", "share.revoked", "share.updated",
		}
		var got []string
		eventually(t, "all events arrive", func() bool {
			got = nil
			for _, m := range r.all() {
				got = append(got, m.Type)
			}
			return len(got) >= len(want)
		})
		h.settled("org.restored")
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
		for _, m := range r.all() {
			m.verified(t, h.secret, true)
			if text := string(m.body); m.Data["org_id"] != ana.org || strings.Contains(text, "sesame") || strings.Contains(text, l.token) {
				t.Errorf("%s", m.body)
			}
		}
		for _, m := range r.all("asset.uploaded", "node.moved", "node.trashed", "node.purged", "node.restored") {
			if m.Data["node_id"] == file && m.Data["drive_id"] != ana.drive {
				t.Errorf("%s", m.body)
			}
		}
		if m := r.all("node.moved")[0]; m.Data["parent_id"] != folder || m.Data["name"] != "a.txt" || m.Data["kind"] != "asset" {
			t.Errorf("%s", m.body)
		}
	})
}

func TestAReceiverThatFailsGetsTheMessageAgain(t *testing.T) {
	tell(t, hooking, func(t *testing.T, s *server) {
		r := newReceiver(t)
		r.answers(http.StatusServiceUnavailable, "busy \x00\xff "+strings.Repeat("é", 5_000))
		ana := s.licensed("ana")
		h := ana.listens(r, object{"events": []string{"product.created"}})
		product := ana.want(http.StatusCreated, "POST", "/api/orgs/"+ana.org+"/products",
			object{"name": "x", "type": "digital", "price": object{"amount": 1, "currency": "EUR"}}).text("id")
		first := r.await("product.created", 1)
		eventually(t, "the failure is known", func() bool { return h.deliveries("").number("items.0.attempts") >= 1 })
		log := h.deliveries("?status=pending")
		if body := log.text("items.0.response.body"); log.number("items.0.response.status") != 503 || !strings.HasPrefix(body, "busy \ufffd\ufffd é") ||
			len(body) > 4096 || log.text("items.0.response.headers.X-Receiver") != "test" || log.get("items.0.next_attempt_at") == nil {
			t.Errorf("%s", log.body)
		}
		if a := ana.want(http.StatusOK, "GET", h.path, nil); a.get("failing_since") == nil {
			t.Errorf("%s", a.body)
		}
		r.answers(http.StatusOK, "ok")
		s.later(time.Minute, ana)
		if got := h.settled("product.created"); !slices.Equal(got, []string{"delivered"}) {
			t.Errorf("%v", got)
		}
		tries := len(r.all("product.created"))
		second := r.await("product.created", max(2, tries))
		if first.id() != second.id() || !bytes.Equal(first.body, second.body) || second.Data["product_id"] != product {
			t.Errorf("%v %s\n%v %s", first.header, first.body, second.header, second.body)
		}
		first.verified(t, h.secret, true)
		second.verified(t, h.secret, true)
		if a := ana.want(http.StatusOK, "GET", h.path, nil); a.get("failing_since") != nil {
			t.Errorf("%s", a.body)
		}

		// Redelivered by hand, with the same id, and found in the audit log.
		id := h.deliveries("").text("items.0.id")
		ana.want(http.StatusAccepted, "POST", h.path+"/deliveries/"+id+"/redeliver", nil)
		third := r.await("product.created", tries+1)
		if got := h.settled("product.created"); third.id() != first.id() || !bytes.Equal(third.body, first.body) || !slices.Equal(got, []string{"delivered"}) {
			t.Errorf("%v %s, %v", third.header, third.body, got)
		}
		if log := h.deliveries(""); log.number("items.0.attempts") != int64(tries)+1 {
			t.Errorf("%s", log.body)
		}
		ana.refused(http.StatusNotFound, "not_found", "POST", h.path+"/deliveries/"+missingID+"/redeliver", nil)
		actions := ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/audit-log?action=webhook.", nil).list("action")
		if !slices.Equal(actions, []string{"webhook.redelivered", "webhook.created"}) {
			t.Errorf("%v", actions)
		}
	})
}

func TestNoMessageIsLostInACrash(t *testing.T) {
	tell(t, hooking, func(t *testing.T, s *server) {
		r := newReceiver(t)
		held := make(chan struct{})
		r.with(func(http.ResponseWriter, *http.Request) { <-held })
		ana := s.licensed("ana")
		h := ana.listens(r, object{"events": []string{"product.created"}})
		make1 := func(name string) {
			ana.want(http.StatusCreated, "POST", "/api/orgs/"+ana.org+"/products", object{"name": name, "type": "digital", "price": object{"amount": 1, "currency": "EUR"}})
		}
		make1("first")
		first := r.await("product.created", 1)
		for _, name := range []string{"second", "third", "fourth"} {
			make1(name)
		}
		s.kill() // with one on its way, and others behind it
		r.with(nil)
		close(held)
		s.env["COFFER_CLOCK_OFFSET"] = "1m" // whoever held the webhook is dead
		s.start()
		ana.logIn()
		eventually(t, "all are delivered", func() bool { return len(h.deliveries("?status=delivered").list("id")) == 4 })
		ids, names := map[string]int{}, map[string]int{}
		for _, m := range r.all() {
			m.verified(t, h.secret, true)
			ids[m.id()]++
			names[m.Data["name"].(string)]++ //nolint:forcetypeassert // the event's form
		}
		if len(ids) != 4 || ids[first.id()] != 2 || names["first"] != 2 || names["second"] != 1 || names["third"] != 1 || names["fourth"] != 1 {
			t.Errorf("%v %v", ids, names)
		}
	})
}

func TestASlowReceiverHoldsUpNobody(t *testing.T) {
	tellOn(t, []wiring{sqliteDisk}, hooking, func(t *testing.T, s *server) {
		slow, quick := newReceiver(t), newReceiver(t)
		held := make(chan struct{})
		defer close(held)
		var now, most atomic.Int64 // at the slow one, which gets its message again once nobody waits for an answer
		slow.with(func(_ http.ResponseWriter, r *http.Request) {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			defer now.Add(-1)
			select {
			case <-held:
			case <-r.Context().Done():
			}
		})
		ana := s.licensed("ana")
		ana.listens(slow, object{"events": []string{"product.created"}})
		h := ana.listens(quick, object{"events": []string{"product.created"}})
		const all = 30
		for i := range all {
			ana.want(http.StatusCreated, "POST", "/api/orgs/"+ana.org+"/products",
				object{"name": strings.Repeat("x", i+1), "type": "digital", "price": object{"amount": 1, "currency": "EUR"}})
		}
		eventually(t, "the quick one has all", func() bool { return len(quick.all()) == all })
		if n := most.Load(); n != 1 {
			t.Errorf("%d are on their way to the slow one at once", n)
		}
		if got := h.settled("product.created"); len(got) != all {
			t.Errorf("%v", got)
		}
	})
}

func TestASecretIsChangedWithoutABreak(t *testing.T) {
	tell(t, hooking, func(t *testing.T, s *server) {
		r := newReceiver(t)
		ana := s.licensed("ana")
		h := ana.listens(r, nil)
		old := h.secret
		rotated := ana.want(http.StatusOK, "POST", h.path+"/rotate-secret", nil, with{"Idempotency-Key": "rotate"})
		if again := ana.want(http.StatusOK, "POST", h.path+"/rotate-secret", nil, with{"Idempotency-Key": "rotate"}); again.text("secret") != rotated.text("secret") {
			t.Errorf("rotated twice")
		}
		fresh := rotated.text("secret")
		if fresh == old || rotated.get("webhook.previous_secret_until") == nil || rotated.header.Get("ETag") != `"2"` {
			t.Errorf("%s", rotated.body)
		}
		ana.want(http.StatusCreated, "POST", h.path+"/ping", nil)
		both := r.await("webhook.ping", 1)
		both.verified(t, old, true)
		both.verified(t, fresh, true)
		h.settled("webhook.ping")
		s.later(25*time.Hour, ana)
		ana.want(http.StatusCreated, "POST", h.path+"/ping", nil)
		one := r.await("webhook.ping", 2)
		one.verified(t, fresh, false)
		one.isForged(t, old)
		h.settled("webhook.ping")
	})
}

func TestAnEndpointThatIsGoneIsSwitchedOff(t *testing.T) {
	tell(t, hooking, func(t *testing.T, s *server) {
		gone, dead := newReceiver(t), newReceiver(t)
		ana := s.licensed("ana")
		adam := s.hire(ana, s.signUp("adam"), "admin")
		mia := s.hire(ana, s.signUp("mia"), "member")
		g := ana.listens(gone, object{"events": []string{"org.updated"}})
		gone.answers(http.StatusGone, "")
		ana.want(http.StatusCreated, "POST", g.path+"/ping", nil)
		off := func(h *hook, reason string) {
			t.Helper()
			eventually(t, "the webhook is switched off", func() bool { return ana.want(http.StatusOK, "GET", h.path, nil).text("active") == "false" })
			if a := ana.want(http.StatusOK, "GET", h.path, nil); a.text("disabled_reason") != reason || a.get("disabled_at") == nil {
				t.Errorf("%s", a.body)
			}
			ana.refused(http.StatusConflict, "webhook_inactive", "POST", h.path+"/ping", nil)
			mail := "A webhook of ana Ltd was switched off"
			eventually(t, "owners and admins are told", func() bool {
				log := s.process.read()
				return strings.Contains(log, "mail to "+ana.email+": "+mail) && strings.Contains(log, "mail to "+adam.email+": "+mail)
			})
			if log := s.process.read(); strings.Contains(log, "mail to "+mia.email+": "+mail) || strings.Contains(log, "sesame") {
				t.Errorf("the log tells too much")
			}
			entry := ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/audit-log?action=webhook.disabled", nil)
			if entry.text("items.0.actor.kind") != "system" || entry.text("items.0.target.id") != h.id || entry.text("items.0.changes.reason.to") != reason {
				t.Errorf("%s", entry.body)
			}
		}
		off(g, "gone")
		if got := g.settled("webhook.ping"); !slices.Equal(got, []string{"failed"}) || len(gone.all()) != 1 {
			t.Errorf("%v", got)
		}

		// Another fails for five days.
		d := ana.listens(dead, nil)
		dead.answers(http.StatusInternalServerError, "")
		ana.want(http.StatusCreated, "POST", d.path+"/ping", nil)
		eventually(t, "it has failed once", func() bool { return d.deliveries("").number("items.0.attempts") == 1 })
		for i, later := range []time.Duration{time.Hour, 100 * time.Hour} {
			s.later(later, ana)
			eventually(t, "it has failed again", func() bool { return d.deliveries("").number("items.0.attempts") == int64(i+2) })
		}
		if a := ana.want(http.StatusOK, "GET", d.path, nil); a.text("active") != "true" || a.get("failing_since") == nil {
			t.Errorf("%s", a.body)
		}
		s.later(121*time.Hour, ana)
		off(d, "failing")

		// Switched on again, it works.
		dead.answers(http.StatusOK, "")
		ana.want(http.StatusOK, "PATCH", d.path, object{"active": true})
		ana.want(http.StatusAccepted, "POST", d.path+"/deliveries/"+d.deliveries("").text("items.0.id")+"/redeliver", nil)
		if got := d.settled("webhook.ping"); !slices.Equal(got, []string{"delivered"}) {
			t.Errorf("%v", got)
		}
		ana.want(http.StatusOK, "PATCH", d.path, object{"active": false})
		ana.refused(http.StatusConflict, "webhook_inactive", "POST", d.path+"/deliveries/"+d.deliveries("").text("items.0.id")+"/redeliver", nil)
	})
}

func TestWebhooksAreOfOneOrgAlone(t *testing.T) {
	tell(t, hooking, func(t *testing.T, s *server) {
		r := newReceiver(t)
		ana, eve := s.licensed("ana"), s.licensed("eve")
		mia, vic := s.hire(ana, s.signUp("mia"), "member"), s.hire(ana, s.signUp("vic"), "viewer")
		h, hers := ana.listens(r, nil), eve.listens(r, nil)
		ana.want(http.StatusCreated, "POST", h.path+"/ping", nil)
		h.settled("webhook.ping")
		delivery := h.deliveries("").text("items.0.id")
		all := func(org, id string) []request {
			base := "/api/orgs/" + org + "/webhooks"
			return []request{
				{"GET", base + "/" + id, ""},
				{"PATCH", base + "/" + id, `{"url": "` + r.url + `"}`},
				{"DELETE", base + "/" + id, ""},
				{"POST", base + "/" + id + "/rotate-secret", ""},
				{"POST", base + "/" + id + "/ping", ""},
				{"GET", base + "/" + id + "/deliveries", ""},
				{"POST", base + "/" + id + "/deliveries/" + delivery + "/redeliver", ""},
			}
		}
		for _, req := range append(all(ana.org, h.id), request{"GET", "/api/orgs/" + ana.org + "/webhooks", ""}, request{"POST", "/api/orgs/" + ana.org + "/webhooks", `{"url": "` + r.url + `"}`}) {
			eve.request(req).isProblem(http.StatusNotFound, "not_found")
			mia.request(req).isProblem(http.StatusForbidden, "forbidden")
			vic.request(req).isProblem(http.StatusForbidden, "forbidden")
			bot := ana.issue(ana.drive, "read", "write", "delete")
			bot.request(req).isProblem(http.StatusForbidden, "key_not_allowed")
		}
		for _, req := range all(eve.org, h.id) {
			eve.request(req).isProblem(http.StatusNotFound, "not_found")
		}
		eve.refused(http.StatusNotFound, "not_found", "POST", hers.path+"/deliveries/"+delivery+"/redeliver", nil)
		if n := len(r.all()); n != 1 {
			t.Errorf("%d messages", n)
		}

		// Bad addresses and filters, and the limit under a race.
		hooks := "/api/orgs/" + ana.org + "/webhooks"
		for _, body := range []object{
			{"url": "ftp://example.com/"},
			{"url": "https://u:p@example.com/"},
			{"url": "nonsense"},
			{"url": "https://example.com/#x"},
			{"url": r.url, "events": []string{"asset"}},
			{"url": r.url, "events": []string{"bird.*"}},
			{"url": r.url, "secret": "mine"},
		} {
			ana.refused(http.StatusUnprocessableEntity, "validation_failed", "POST", hooks, body)
		}
		answers := race(t, 25, func(int) (*answer, error) { return ana.try("POST", hooks, object{"url": r.url, "active": false}) })
		count(t, "making webhooks at once", answers, map[int]int{http.StatusCreated: 19, http.StatusForbidden: 6})
		for _, a := range answers {
			if a.status == http.StatusForbidden {
				a.isProblem(http.StatusForbidden, "limit_exceeded")
			}
		}

		// Without the licence nothing is sent, and what is there can be removed.
		s.must("license", "assign", ana.org, "pro")
		ana.refused(http.StatusForbidden, "feature_unavailable", "POST", h.path+"/ping", nil)
		ana.want(http.StatusOK, "GET", h.path, nil)
		ana.want(http.StatusNoContent, "DELETE", h.path, nil)
		// A deleted organisation's webhooks go with it.
		eve.want(http.StatusNoContent, "DELETE", "/api/orgs/"+eve.org, nil)
		s.later(31*24*time.Hour, ana)
		eventually(t, "the webhooks of the organisation are gone", func() bool {
			var n int
			if err := s.database().QueryRowContext(t.Context(), "SELECT count(*) FROM webhooks WHERE org_id = $1", eve.org).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n == 0
		})
		s.settle()
	})
}

func TestWebhooksReachNoPrivateAddress(t *testing.T) {
	tellOn(t, []wiring{sqliteDisk}, nil, func(t *testing.T, s *server) {
		r := newReceiver(t)
		ana := s.licensed("ana")
		h := ana.listens(r, object{"url": "http://hooks.example.com/"})
		for _, url := range []string{r.url, "http://169.254.169.254/latest/meta-data/", "http://[::1]:9/", "http://[::ffff:127.0.0.1]/", "http://10.0.0.1/", "http://2130706433/"} {
			ana.refused(http.StatusUnprocessableEntity, "validation_failed", "PATCH", h.path, object{"url": url})
			ana.refused(http.StatusUnprocessableEntity, "validation_failed", "POST", "/api/orgs/"+ana.org+"/webhooks", object{"url": url})
		}
		// Where a name leads is seen when something is sent.
		ana.want(http.StatusOK, "PATCH", h.path, object{"url": strings.Replace(r.url, "127.0.0.1", "localhost", 1)})
		ana.want(http.StatusCreated, "POST", h.path+"/ping", nil)
		eventually(t, "the attempt is over", func() bool { return h.deliveries("").number("items.0.attempts") > 0 })
		log := h.deliveries("")
		if log.text("items.0.error") != "the address is not one that may be connected to" || log.get("items.0.response") != nil {
			t.Errorf("%s", log.body)
		}
		if n := len(r.all()); n != 0 {
			t.Errorf("%d messages have arrived", n)
		}
	})
}
