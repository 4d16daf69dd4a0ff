package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestABuyerPaysAtStripe(t *testing.T) {
	tellWithStripe(t, nil, func(t *testing.T, s *server, b *bank) {
		ana, ben := s.signUp("ana").found(object{"name": "Acme"}), s.signUp("ben")
		file := ana.upload(object{"name": "a.txt"}, []byte("alpha")).text("id")
		product := ana.offers(article("Ten presets", nil), aFile(file))
		ordered := ben.buys(product)
		id, page := ordered.text("transaction.id"), ordered.text("checkout_url")
		if ordered.text("transaction.provider") != "stripe" || ordered.text("transaction.status") != "pending" || !strings.HasPrefix(page, b.URL+"/pay/cs_test_") {
			t.Errorf("%s", ordered.body)
		}
		for range 2 {
			if again := ben.buys(product); again.text("transaction.id") != id || again.text("checkout_url") != page {
				t.Errorf("%s\n%s", ordered.body, again.body)
			}
		}
		if n := b.asked("POST", "checkout/sessions"); n != 1 {
			t.Errorf("%d sessions for one order", n)
		}
		for name, want := range map[string]any{
			"mode": "payment", "amount_total": int64(1900), "currency": "eur", "client_reference_id": id, "customer_email": ben.email,
			"success_url": s.url + "/purchases/" + id + "?payment=paid",
		} {
			if got := b.sessions["cs_test_1"][name]; got != want {
				t.Errorf("the session's %s is %v, want %v", name, got, want)
			}
		}
		ana.refused(http.StatusConflict, "paid_by_provider", "POST", order(id, "/complete"), nil)
		if back := s.anybody().want(http.StatusOK, "GET", "/purchases/"+id+"?payment=paid", nil); !strings.HasPrefix(back.header.Get("Content-Type"), "text/html") || strings.Contains(string(back.body), "Ten presets") {
			t.Errorf("%v %s", back.header, back.body)
		}

		// What Stripe has not signed, for this server and just now, is not believed.
		session := b.visit(page)
		paid := b.tells("checkout.session.completed", session)
		open := s.anybody()
		for what, header := range map[string]with{
			"of nobody": {}, "that is none": {"Stripe-Signature": "t=1,v1=x"}, "by another secret": signature(paid, "whsec_other", s.now()), "of another body": signature(paid+" ", stripeSecret, s.now()),
			"that is old": signature(paid, stripeSecret, s.now().Add(-6*time.Minute)), "of the future": signature(paid, stripeSecret, s.now().Add(6*time.Minute)),
			"without its version": {"Stripe-Signature": strings.Replace(signature(paid, stripeSecret, s.now())["Stripe-Signature"], "v1=", "v0=", 1)},
		} {
			if a := open.ask("POST", stripeHook, raw(paid), header); a.status != http.StatusBadRequest {
				t.Errorf("a signature %s: %d %s", what, a.status, a.body)
			} else {
				a.isProblem(http.StatusBadRequest, "payment_event_invalid")
			}
		}
		s.rejects(http.StatusBadRequest, "payment_event_invalid", `{"id": "evt_0", "object": "charge"}`)
		s.rejects(http.StatusBadRequest, "payment_event_invalid", `no JSON`)
		open.refused(http.StatusRequestEntityTooLarge, "body_too_large", "POST", stripeHook, raw(strings.Repeat(" ", 1_100_000)))

		// Another amount or currency is not the price; what is another program's, or waits for the money, is none of it.
		but := func(members object) event { return b.tells("checkout.session.completed", session.but(members)) }
		wrong := but(object{"amount_total": 1899})
		for range 2 { // it is not noted as known
			s.rejects(http.StatusUnprocessableEntity, "payment_mismatch", wrong)
		}
		s.rejects(http.StatusUnprocessableEntity, "payment_mismatch", but(object{"currency": "usd"}))
		s.rejects(http.StatusUnprocessableEntity, "payment_mismatch", but(object{"amount_total": 190_000}))
		s.heeds(but(object{"metadata": object{}}))
		s.heeds(but(object{"metadata": object{"coffer_transaction": missingID}}))
		s.heeds(but(object{"payment_status": "unpaid"}))
		s.heeds(b.tells("checkout.session.async_payment_succeeded", session.but(object{"metadata": nil})))
		s.heeds(b.tells("customer.created", object{"id": "cus_1", "metadata": object{"note": "x", "Note": "y"}})) // as another program may
		ben.sees(id, "pending")
		ben.lacks(file)
		if n := s.number("SELECT count(*) FROM payment_events WHERE id = '" + eventID(wrong) + "'"); n != 0 {
			t.Error("an event without an effect is known")
		}

		// What is paid is theirs, once, however often and in whatever way it is told.
		before := s.mails()
		for range 3 {
			s.heeds(paid)
		}
		s.heeds(but(nil))
		s.heeds(b.tells("checkout.session.async_payment_succeeded", session))
		s.heeds(b.tells("checkout.session.expired", session)) // came late
		ben.sees(id, "completed")
		ben.has(file, "alpha")
		ben.libraryMust(file)
		s.exactly(id, 1)
		s.told(ben.email, "Your receipt: Ten presets", 1)
		if n := s.mails() - before; n != 1 {
			t.Errorf("%d mails", n)
		}
		s.rejects(http.StatusConflict, "transaction_state", but(object{"payment_intent": "pi_other"})) // paid twice: somebody has to look
		ben.refused(http.StatusConflict, "already_owned", "POST", "/api/transactions", object{"product_id": product})
		if n := b.asked("POST", ""); n != 1 {
			t.Errorf("Stripe was asked for %d things", n)
		}
		if text := s.process.read(); strings.Contains(text, stripeKey) || strings.Contains(text, stripeSecret) {
			t.Error("the log has a secret of Stripe's")
		}
	})
}

func eventID(e event) string {
	_, rest, _ := strings.Cut(string(e), `"id":"evt_`)
	id, _, _ := strings.Cut(rest, `"`)
	return "evt_" + id
}

func TestMoneyGoesBackByStripe(t *testing.T) {
	tellWithStripe(t, nil, func(t *testing.T, s *server, b *bank) {
		ana, ben, cat, dan := s.signUp("ana").found(object{"name": "Acme"}), s.signUp("ben"), s.signUp("cat"), s.signUp("dan")
		file := ana.upload(object{"name": "a.txt"}, []byte("alpha")).text("id")
		product := ana.offers(article("Ten presets", nil), aFile(file))

		// Told in the wrong order, it waits for its turn.
		id, session := ben.pays(b, product)
		intent := b.intent(session["id"].(string)) //nolint:forcetypeassert // the bank has made it
		paid, back := b.tells("checkout.session.completed", session), b.tells("charge.refunded", b.charge(intent, 1900))
		for range 2 {
			s.rejects(http.StatusConflict, "payment_event_early", back)
		}
		s.rejects(http.StatusConflict, "payment_event_early", b.tells("charge.dispute.created", disputeOf(intent, "needs_response").but(object{"metadata": session["metadata"]})))
		ben.sees(id, "pending")
		s.heeds(paid)
		ben.has(file, "alpha")
		for range 2 {
			s.heeds(back)
		}
		s.heeds(paid) // once more: the money does not come back
		ben.sees(id, "refunded")
		ben.lacks(file)
		ben.libraryMust()
		s.told(ben.email, "Your refund: Ten presets", 1)
		s.told(ben.email, "Your receipt: Ten presets", 1)

		// Given back here, it is given back there, once.
		id, session = cat.pays(b, product)
		intent = b.intent(session["id"].(string)) //nolint:forcetypeassert // as above
		s.heeds(b.tells("checkout.session.completed", session))
		once := with{"Idempotency-Key": "part"}
		for range 3 {
			if a := ana.want(http.StatusOK, "POST", order(id, "/refund"), object{"amount": 500}, once); a.number("refunded_amount") != 500 || a.text("status") != "completed" {
				t.Errorf("%s", a.body)
			}
		}
		ana.refused(http.StatusUnprocessableEntity, "refund_too_high", "POST", order(id, "/refund"), object{"amount": 1401})
		if b.money[intent].refunded != 500 || len(b.money[intent].refunds) != 1 || b.asked("POST", "refunds") != 1 {
			t.Errorf("%+v", b.money[intent])
		}
		s.heeds(b.tells("charge.refunded", b.charge(intent, 0)))   // which tells of that
		s.heeds(b.tells("charge.refunded", b.charge(intent, 400))) // and of another, in the Dashboard
		if a := cat.sees(id, "completed"); a.number("refunded_amount") != 900 {
			t.Errorf("%s", a.body)
		}
		cat.has(file, "alpha")
		once["Idempotency-Key"] = "rest"
		for range 3 {
			if a := ana.want(http.StatusOK, "POST", order(id, "/refund"), nil, once); a.number("refunded_amount") != 1900 || a.text("status") != "refunded" {
				t.Errorf("%s", a.body)
			}
		}
		if b.money[intent].refunded != 1900 || len(b.money[intent].refunds) != 3 || b.asked("POST", "refunds") != 2 {
			t.Errorf("%+v, asked %d times", b.money[intent], b.asked("POST", "refunds"))
		}
		ana.refused(http.StatusConflict, "transaction_state", "POST", order(id, "/refund"), nil)
		s.heeds(b.tells("charge.refunded", b.charge(intent, 0)))
		cat.lacks(file)
		s.told(cat.email, "Your refund: Ten presets", 3)

		// An answer that was lost is no second refund.
		id, session = dan.pays(b, product)
		intent = b.intent(session["id"].(string)) //nolint:forcetypeassert // as above
		s.heeds(b.tells("checkout.session.completed", session))
		b.fails(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPost {
				b.answer(discarded{}, r)
				panic(http.ErrAbortHandler)
			}
			return false
		})
		ana.unavailable("POST", order(id, "/refund"), object{"amount": 700})
		b.fails(nil)
		dan.sees(id, "completed")
		if a := ana.refunds(id, object{"amount": 700}); a.number("refunded_amount") != 700 || len(b.money[intent].refunds) != 1 {
			t.Errorf("%s, %+v", a.body, b.money[intent])
		}

		// A dispute suspends; won, it is theirs again; lost, it is not.
		disputed := func(event, status string, want bool) {
			t.Helper()
			e := b.tells(event, disputeOf(intent, status))
			s.heeds(e)
			s.heeds(e)
			if a := dan.want(http.StatusOK, "GET", order(id, ""), nil); a.get("disputed") != want {
				t.Errorf("%s", a.body)
			}
		}
		disputed("charge.dispute.created", "needs_response", true)
		dan.lacks(file)
		dan.libraryMust()
		bonus := ana.upload(object{"name": "b.txt"}, []byte("bonus")).text("id")
		ana.links(product, aFile(bonus))
		eventually(t, "the bonus is given", func() bool {
			return s.number("SELECT count(*) FROM entitlements WHERE node_id = '"+bonus+"'") == 1
		})
		dan.lacks(bonus)
		disputed("charge.dispute.closed", "won", false)
		dan.has(file, "alpha")
		dan.has(bonus, "bonus")
		disputed("charge.dispute.created", "needs_response", true)
		disputed("charge.dispute.closed", "lost", false)
		dan.sees(id, "refunded")
		dan.lacks(file, bonus)
		if n := s.number("SELECT count(*) FROM entitlements WHERE revoked_at IS NULL"); n != 0 {
			t.Errorf("%d entitlements stand", n)
		}
		s.heeds(b.tells("charge.refunded", object{"id": "ch_x", "object": "charge", "amount_refunded": 5, "currency": "eur", "payment_intent": "pi_of_another_program", "metadata": object{}}))
	})
}

// discarded is an answer that nobody gets.
type discarded struct{}

func (discarded) Header() http.Header            { return http.Header{} }
func (discarded) Write(text []byte) (int, error) { return len(text), nil }
func (discarded) WriteHeader(int)                {}

func TestAnOrderThatStripeDoesNotTellOf(t *testing.T) {
	tellWithStripe(t, nil, func(t *testing.T, s *server, b *bank) {
		ana, ben := s.signUp("ana").found(object{"name": "Acme"}), s.signUp("ben")
		file := ana.upload(object{"name": "a.txt"}, []byte("alpha")).text("id")
		sell := func(name string) string { return ana.offers(article(name, nil), aFile(file)) }

		// Its page has expired: a payment that comes after that is not taken.
		one := sell("One")
		ordered := ben.buys(one)
		id := ordered.text("transaction.id")
		late := b.visit(ordered.text("checkout_url"))
		for range 2 {
			s.heeds(b.tells("checkout.session.expired", late))
		}
		if a := ben.sees(id, "failed"); a.text("fail_reason") != "expired" {
			t.Errorf("%s", a.body)
		}
		for range 2 {
			s.heeds(b.tells("checkout.session.completed", late))
		}
		ben.lacks(file)
		returned := func(id string, session object) {
			t.Helper()
			p := b.money[b.intent(fmt.Sprint(session["id"]))]
			eventually(t, "what was paid is given back", func() bool {
				a := ben.want(http.StatusOK, "GET", order(id, ""), nil)
				return a.text("status") == "failed" && a.text("fail_reason") == "paid_late" && a.number("refunded_amount") == 1900
			})
			b.set(func() {
				if p.refunded != 1900 || len(p.refunds) != 1 {
					t.Errorf("%+v", p)
				}
			})
		}
		returned(id, late)
		s.told(ben.email, "Your refund: One", 1)
		s.heeds(b.tells("charge.refunded", b.charge(b.intent(fmt.Sprint(late["id"])), 0))) // which tells of that
		s.told(ben.email, "Your refund: One", 1)
		anew := ben.buys(one)
		if anew.text("transaction.id") == id || anew.text("checkout_url") == ordered.text("checkout_url") {
			t.Errorf("%s", anew.body)
		}

		// Given up here, it can no longer be paid there; paid there, it is not given up.
		ben.want(http.StatusOK, "POST", order(anew.text("transaction.id"), "/cancel"), nil)
		if state := b.sessions["cs_test_3"]["status"]; b.asked("POST", "checkout/sessions/") != 1 || state != nil && state != "expired" {
			t.Errorf("the page is %v", state)
		}
		id, session := ben.pays(b, one)
		ben.refused(http.StatusConflict, "transaction_state", "POST", order(id, "/cancel"), nil)
		ben.sees(id, "pending")
		s.heeds(b.tells("checkout.session.completed", session))
		ben.has(file, "alpha")

		// Stripe does not answer: the order stays, and goes on when it does.
		two := sell("Two")
		wanted := object{"product_id": two}
		b.fails(func(w http.ResponseWriter, _ *http.Request) bool {
			refuse(w, http.StatusInternalServerError, "api_error", "", "Sorry, "+stripeKey)
			return true
		})
		ben.unavailable("POST", "/api/transactions", wanted)
		waiting := ben.want(http.StatusOK, "GET", "/api/me/transactions?status=pending", nil)
		if len(waiting.list("id")) != 1 || waiting.text("items.0.product_id") != two {
			t.Errorf("%s", waiting.body)
		}
		sessions := len(b.sessions)
		b.fails(func(_ http.ResponseWriter, r *http.Request) bool { // it does what it is asked, and the answer is lost
			b.answer(discarded{}, r)
			panic(http.ErrAbortHandler)
		})
		ben.unavailable("POST", "/api/transactions", wanted)
		b.fails(nil)
		resumed := ben.buys(two)
		if resumed.text("transaction.id") != waiting.text("items.0.id") || len(b.sessions) != sessions+1 || resumed.get("checkout_url") == nil {
			t.Errorf("%d sessions, there were %d: %s", len(b.sessions), sessions, resumed.body)
		}
		s.restart(settings{"COFFER_STRIPE_API_URL": "http://" + freeAddr(t)}) // where nobody is
		three := sell("Three")
		ben.unavailable("POST", "/api/transactions", object{"product_id": three})
		ben.refused(http.StatusConflict, "transaction_state", "POST", order(id, "/cancel"), nil)
		s.restart(settings{"COFFER_STRIPE_API_URL": b.URL})

		// What Stripe refuses fails, with its words and without its secrets.
		b.fails(func(w http.ResponseWriter, _ *http.Request) bool {
			refuse(w, http.StatusBadRequest, "invalid_request_error", "amount_too_small", "The amount must be at least 50 cents. "+stripeKey)
			return true
		})
		four := sell("Four")
		refused := ben.refused(http.StatusUnprocessableEntity, "payment_refused", "POST", "/api/transactions", object{"product_id": four})
		if !strings.Contains(refused.text("detail"), "at least 50 cents") || strings.Contains(string(refused.body), stripeKey) {
			t.Errorf("%s", refused.body)
		}
		if failed := ben.want(http.StatusOK, "GET", "/api/me/transactions?status=failed&limit=1", nil); failed.text("items.0.product_id") != four || failed.text("items.0.fail_reason") != "declined" {
			t.Errorf("%s", failed.body)
		}
		b.fails(nil)

		// Paid, and nobody tells: the server asks, after ten minutes. It asks again about one of
		// which it does not know whether it was begun, and closes what is over.
		b.visit(resumed.text("checkout_url"))
		open := ben.buys(sell("Five"))
		s.turnTo(time.Now().Add(9*time.Minute), ana, ben)
		ben.sees(resumed.text("transaction.id"), "pending")
		s.turnTo(time.Now().Add(11*time.Minute), ana, ben)
		eventually(t, "the server has asked", func() bool {
			return ben.want(http.StatusOK, "GET", order(resumed.text("transaction.id"), ""), nil).text("status") == "completed"
		})
		s.exactly(resumed.text("transaction.id"), 1)
		s.told(ben.email, "Your receipt: Two", 1)
		ben.libraryMust(file, file)
		if a := ben.buys(open.text("transaction.product_id")); a.text("checkout_url") != open.text("checkout_url") {
			t.Errorf("%s", a.body)
		}
		s.turnTo(time.Now().Add(25*time.Hour), ana, ben)
		eventually(t, "the order that is over has failed", func() bool {
			return ben.want(http.StatusOK, "GET", order(open.text("transaction.id"), ""), nil).text("status") == "failed"
		})
		page := open.text("checkout_url")
		if state := b.sessions[page[strings.LastIndexByte(page, '/')+1:]]["status"]; state != "expired" {
			t.Errorf("the page is %v", state)
		}
		if third := ben.want(http.StatusOK, "GET", "/api/me/transactions?status=pending", nil).list("product_id"); !slices.Equal(third, []string{three}) {
			t.Errorf("pending: %v", third)
		}
		if again := ben.buys(three); again.get("checkout_url") == nil {
			t.Errorf("%s", again.body)
		}
	})
}

func TestWhoComesBackToAPageThatIsOverGetsAnother(t *testing.T) {
	tellWithStripe(t, nil, func(t *testing.T, s *server, b *bank) {
		ana, ben := s.signUp("ana").found(object{"name": "Acme"}), s.signUp("ben")
		product := ana.offers(article("Ten presets", nil), aFile(ana.upload(object{"name": "a.txt"}, []byte("alpha")).text("id")))
		b.set(func() { b.life = time.Second })
		first := ben.buys(product)
		over := first.time("transaction.expires_at")
		b.set(func() {
			b.life = 24 * time.Hour
			b.sessions["cs_test_1"]["status"], b.sessions["cs_test_1"]["url"] = "expired", nil
		})
		eventually(t, "the page is over", func() bool { return time.Now().After(over) })
		again := ben.buys(product)
		if again.get("checkout_url") == nil || again.text("checkout_url") == first.text("checkout_url") || again.text("transaction.id") == first.text("transaction.id") {
			t.Errorf("%s", again.body)
		}
		ben.sees(first.text("transaction.id"), "failed")
	})
}

func TestWhatIsPaidTooLateComesBack(t *testing.T) {
	tellWithStripe(t, nil, func(t *testing.T, s *server, b *bank) {
		ana := s.signUp("ana").found(object{"name": "Acme"})
		file := ana.upload(object{"name": "a.txt"}, []byte("alpha")).text("id")
		product, club := ana.offers(article("Ten presets", nil), aFile(file)), ana.offers(membership("The club", nil), aFile(file))
		state := func(id string) string {
			t.Helper()
			var text string
			if err := s.database().QueryRowContext(t.Context(), "SELECT status || ' ' || fail_reason FROM transactions WHERE id = $1", id).Scan(&text); err != nil {
				t.Fatal(err)
			}
			return text
		}
		comesBack := func(id string, session object) {
			t.Helper()
			for range 2 {
				s.heeds(b.tells("checkout.session.completed", session))
			}
			p := b.money[b.intent(fmt.Sprint(session["id"]))]
			eventually(t, "what was paid comes back", func() (back bool) {
				b.set(func() { back = p.refunded == 1900 && len(p.refunds) == 1 })
				return back && state(id) == "failed paid_late"
			})
			if n := s.number("SELECT count(*) FROM entitlements"); n != 0 {
				t.Errorf("%d entitlements", n)
			}
		}

		// Who leaves can pay no more: their page is closed. What they have paid at that moment comes back.
		ben := s.signUp("ben")
		open, one := ben.buys(product), ben.buys(club)
		joined := b.visit(one.text("checkout_url"))
		ben.want(http.StatusNoContent, "DELETE", "/api/me", goodbye)
		eventually(t, "the page is closed", func() bool { return state(open.text("transaction.id")) == "failed canceled" })
		b.set(func() {
			if is := b.sessions["cs_test_1"]["status"]; is != "expired" {
				t.Errorf("the page is %v", is)
			}
		})
		comesBack(one.text("transaction.id"), joined)
		eventually(t, "Stripe has ended the subscription", func() bool { return b.member(fmt.Sprint(joined["subscription"])) == "canceled" })

		// Of a product of which nothing is left, or whose seller has left, nothing is sold.
		cat, dan := s.signUp("cat"), s.signUp("dan")
		cats, session := cat.pays(b, product)
		dans, other := dan.pays(b, club)
		ana.want(http.StatusNoContent, "DELETE", "/api/nodes/"+file+"?permanent=true", nil)
		comesBack(cats, session)
		cat.sees(cats, "failed")
		cat.refused(http.StatusConflict, "not_for_sale", "POST", "/api/transactions", object{"product_id": product})
		ana.want(http.StatusNoContent, "DELETE", "/api/orgs/"+ana.org, nil)
		comesBack(dans, other)
	})
}

func TestAMembershipThatStripeRenews(t *testing.T) {
	tellWithStripe(t, nil, func(t *testing.T, s *server, b *bank) {
		ana, ben, cat := s.signUp("ana").found(object{"name": "Acme"}), s.signUp("ben"), s.signUp("cat")
		file := ana.upload(object{"name": "a.txt"}, []byte("alpha")).text("id")
		club := ana.offers(membership("The club", nil), aFile(file))
		id, session := ben.pays(b, club)
		sub, _ := session["subscription"].(string)
		if b.sessions["cs_test_1"]["mode"] != "subscription" || b.sessions["cs_test_1"]["days"] != "30" {
			t.Errorf("%v", b.sessions["cs_test_1"])
		}
		early := b.tells("invoice.paid", b.renews(session, 1900))
		s.rejects(http.StatusConflict, "payment_event_early", early)
		s.heeds(b.tells("checkout.session.completed", session))
		s.exactly(id, 1)
		ben.has(file, "alpha")
		end := ben.subscription("active").time("items.0.period_end")
		ben.expiresMust(end)

		// Each payment is a period, once, also if it is told by two events; the first is told by the session alone.
		s.heeds(early)
		end = ben.becomes("active", end.Add(period))
		invoice := b.renews(session, 1900)
		renewed := b.tells("invoice.paid", invoice)
		for range 2 {
			s.heeds(renewed)
		}
		s.heeds(b.tells("invoice.paid", invoice))
		s.heeds(b.tells("invoice.paid", invoice.but(object{"id": "in_first", "billing_reason": "subscription_create"})))
		s.heeds(b.tells("invoice.paid", invoice.but(object{"id": "in_other", "parent": object{"subscription_details": object{"subscription": "sub_other", "metadata": object{}}}})))
		end = ben.becomes("active", end.Add(period))
		ben.expiresMust(end)
		ben.libraryMust(file)
		paid := ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/transactions", nil)
		if renewals := paid.list("renewal"); !slices.Equal(renewals, []string{"true", "true", "false"}) || slices.ContainsFunc(paid.list("status"), func(s string) bool { return s != "completed" }) {
			t.Errorf("%s", paid.body)
		}
		if n := s.happened("transaction.completed", paid.text("items.0.id")); n != 1 {
			t.Errorf("the renewal is told %d times", n)
		}

		// A payment that fails, and succeeds after all.
		failed := b.tells("invoice.payment_failed", invoice.but(object{"id": "in_failed", "amount_paid": 0, "status": "open"}))
		s.turnTo(end.Add(time.Hour), ana, ben) // Stripe has its time
		ben.subscription("active")
		ben.has(file, "alpha")
		for range 2 {
			s.heeds(b.tells("invoice.payment_failed", invoice.but(object{"id": "in_failed", "amount_paid": 0, "status": "open"})))
			s.heeds(failed)
		}
		ben.subscription("past_due")
		ben.has(file, "alpha")
		s.told(ben.email, "Your membership has to be paid: The club", 1)
		s.heeds(b.tells("invoice.paid", b.renews(session, 1900)))
		end = ben.becomes("active", end.Add(period))
		ben.expiresMust(end)

		// Hearing nothing, the server takes it for unpaid after a while, and ends it after the grace.
		s.turnTo(end.Add(7*time.Hour), ana, ben, cat)
		ben.becomes("past_due", end)
		if open := ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/transactions?status=pending", nil).list("id"); len(open) != 0 {
			t.Errorf("what Stripe takes waits for the seller: %v", open)
		}
		s.heeds(b.tells("invoice.paid", b.renews(session, 1900)))
		end = ben.becomes("active", end.Add(period))

		// What it was not told, it asks for; told late, that is known.
		silent := b.renews(session, 1900)
		s.turnTo(end.Add(7*time.Hour), ana, ben, cat)
		end = ben.becomes("active", end.Add(period))
		ben.expiresMust(end)
		s.heeds(b.tells("invoice.paid", silent))
		ben.becomes("active", end)

		// The money of this period comes back: that ends it, and Stripe takes no more.
		latest := ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/transactions?limit=1", nil).text("items.0.id")
		refunded := ana.refunds(latest, nil)
		if refunded.text("status") != "refunded" || b.asked("POST", "refunds") != 1 {
			t.Errorf("%s", refunded.body)
		}
		ben.subscription("expired")
		ben.lacks(file)
		eventually(t, "Stripe has ended the subscription", func() bool { return b.member(sub) == "canceled" })
		s.heeds(b.tells("customer.subscription.deleted", object{"id": sub, "object": "subscription", "metadata": session["metadata"], "cancellation_details": object{"comment": "ended by Coffer"}}))
		s.heeds(b.tells("invoice.payment_failed", invoice.but(object{"id": "in_too_late"})))
		ben.subscription("expired")

		// Refunded in the Dashboard, of which only the money has a name.
		id, session = cat.pays(b, club)
		s.heeds(b.tells("checkout.session.completed", session))
		cat.has(file, "alpha")
		intent := b.intent(session["id"].(string)) //nolint:forcetypeassert // the bank has made it
		back := b.tells("charge.refunded", b.charge(intent, 1900))
		eventually(t, "Stripe tells again until the server knows the money", func() bool {
			return s.anybody().ask("POST", stripeHook, raw(back), signature(back, stripeSecret, s.now())).status == http.StatusNoContent
		})
		cat.sees(id, "refunded")
		cat.lacks(file)
		cat.subscription("expired")
		s.settle()
	})
}

// member returns the state of a subscription.
func (b *bank) member(sub string) (state string) {
	b.set(func() { state = b.members[sub] })
	return state
}

func TestNobodyGoesOnPayingStripe(t *testing.T) {
	tellWithStripe(t, nil, func(t *testing.T, s *server, b *bank) {
		ana := s.signUp("ana").found(object{"name": "Acme"})
		file := ana.upload(object{"name": "a.txt"}, []byte("alpha")).text("id")
		club := ana.offers(membership("The club", nil), aFile(file))
		joins := func(name string) (u *user, sub string, session object) {
			t.Helper()
			u = s.signUp(name)
			_, session = u.pays(b, club)
			s.heeds(b.tells("checkout.session.completed", session))
			u.has(file, "alpha")
			sub, _ = session["subscription"].(string)
			return u, sub, session
		}
		ended := func(sub string) {
			t.Helper()
			eventually(t, "Stripe has ended "+sub, func() bool { return b.member(sub) == "canceled" })
		}
		ben, bens, _ := joins("ben")
		ben.want(http.StatusOK, "POST", "/api/subscriptions/"+ben.subscription("active").text("items.0.id")+"/cancel", nil)
		ended(bens)
		ben.has(file, "alpha")

		// Who cancels while Stripe is down is heard when it is up.
		cat, cats, _ := joins("cat")
		b.fails(func(w http.ResponseWriter, _ *http.Request) bool {
			refuse(w, http.StatusServiceUnavailable, "api_error", "", "")
			return true
		})
		cat.want(http.StatusNoContent, "DELETE", "/api/me", goodbye)
		eventually(t, "Stripe was asked in vain", func() bool { return b.asked("DELETE", "subscriptions/"+cats) > 0 })
		b.fails(nil)
		ended(cats)

		// Who cancels at Stripe has what is paid, too.
		dan, dans, session := joins("dan")
		end := dan.subscription("active").time("items.0.period_end")
		about := object{"id": dans, "object": "subscription", "metadata": session["metadata"], "status": "active", "cancel_at_period_end": false}
		s.heeds(b.tells("customer.subscription.updated", about))
		dan.subscription("active")
		s.heeds(b.tells("customer.subscription.updated", about.but(object{"cancel_at_period_end": true})))
		dan.subscription("canceled")
		dan.has(file, "alpha")
		s.heeds(b.tells("customer.subscription.deleted", about.but(object{"status": "canceled"})))
		dan.has(file, "alpha")
		s.turnTo(end.Add(-5*time.Minute), ana, dan)
		dan.has(file, "alpha")
		s.turnTo(end.Add(time.Second), ana, dan)
		dan.lacks(file)
		dan.becomes("expired", end)

		// An organisation that is closed takes nothing any more.
		_, eves, _ := joins("eve")
		ana.want(http.StatusNoContent, "DELETE", "/api/orgs/"+ana.org, nil)
		ended(eves)
	})
}

func TestTheDoctorAsksStripe(t *testing.T) {
	tellWithStripe(t, nil, func(t *testing.T, s *server, b *bank) {
		code, out, errs := s.run("doctor")
		if strings.Contains(out, "FAIL  Stripe") || !strings.Contains(out, "for a test key") || !strings.Contains(out, "a webhook secret is set") || code != 0 && !s.wiring.s3 {
			t.Errorf("doctor: %d %s%s", code, out, errs)
		}
		if n := b.asked("GET", "checkout/sessions"); n != 1 || b.asked("POST", "") != 0 {
			t.Errorf("Stripe was asked %d times", n)
		}
		for what, wrong := range map[string]settings{
			"a wrong key": {"COFFER_STRIPE_SECRET_KEY": "sk_test_wrong"}, "nobody there": {"COFFER_STRIPE_API_URL": "http://" + freeAddr(t)},
		} {
			code, out, errs := s.runWith(wrong, "doctor")
			if code != 1 || !strings.Contains(out, "nobody can pay") {
				t.Errorf("doctor with %s: %d %s%s", what, code, out, errs)
			}
			if strings.Contains(out+errs, "sk_test_wrong") || strings.Contains(out+errs, stripeKey) || strings.Contains(out+errs, stripeSecret) {
				t.Errorf("doctor shows a secret: %s%s", out, errs)
			}
		}
		for what, bad := range map[string]settings{
			"no key": {"COFFER_STRIPE_SECRET_KEY": ""}, "no secret": {"COFFER_STRIPE_WEBHOOK_SECRET": ""}, "a key of another kind": {"COFFER_STRIPE_SECRET_KEY": "pk_test_x"},
			"an address where the key can be read": {"COFFER_STRIPE_API_URL": "http://stripe.example.com"}, "no such provider": {"COFFER_PAYMENT_PROVIDER": "barter"},
			"money that does not exist, in production": {"COFFER_ENV": "production", "COFFER_PUBLIC_URL": "https://coffer.example.com", "COFFER_AUTH_JWT_SECRET": goodSecret, "COFFER_PAYMENT_PROVIDER": "instant"},
		} {
			if code, _, errs := s.runWith(bad, "serve"); code != 2 || !strings.Contains(errs, "COFFER_STRIPE") && !strings.Contains(errs, "COFFER_PAYMENT") {
				t.Errorf("serve with %s: %d %s", what, code, errs)
			}
		}
	})
}
