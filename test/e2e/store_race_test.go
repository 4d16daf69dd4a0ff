package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"testing"
)

func TestOneEventTellsOnceHoweverManyDeliverIt(t *testing.T) {
	tellWithStripe(t, nil, func(t *testing.T, s *server, b *bank) {
		ana, ben := s.signUp("ana").found(object{"name": "Acme"}), s.signUp("ben")
		file, album := ana.upload(object{"name": "a.txt"}, []byte("alpha")).text("id"), ana.folder(ana.drive, "/Album")
		product, club := ana.offers(article("Ten presets", nil), aFile(file), aFolder(album)), ana.offers(membership("The club", nil), aFile(file), aFolder(album))
		deliver := func(what string, want map[int]int, events ...event) {
			t.Helper()
			answers := race(t, 100, func(i int) (*answer, error) { return s.tries(events[i%len(events)]) })
			count(t, what, answers, want)
			for _, a := range answers {
				if a.status != http.StatusNoContent {
					t.Errorf("%s: %d %s", what, a.status, a.body)
				}
			}
		}
		all := map[int]int{http.StatusNoContent: 100}

		id, session := ben.pays(b, product)
		before := s.mails()
		deliver("one event", all, b.tells("checkout.session.completed", session))
		s.exactly(id, 2)
		s.told(ben.email, "Your receipt: Ten presets", 1)
		if n := s.mails() - before; n != 1 {
			t.Errorf("%d mails", n)
		}

		// A membership: one event, told by two more, begins one.
		id, session = ben.pays(b, club)
		paid := b.tells("checkout.session.completed", session)
		deliver("events of one payment", all, paid, b.tells("checkout.session.completed", session), b.tells("checkout.session.async_payment_succeeded", session))
		s.exactly(id, 2)
		if n := s.number("SELECT count(*) FROM subscriptions"); n != 1 {
			t.Errorf("%d memberships", n)
		}
		end := ben.subscription("active").time("items.0.period_end")

		// Two periods, each told by many at once, are two.
		one, two := b.renews(session, 1900), b.renews(session, 1900)
		deliver("events of two periods", all, b.tells("invoice.paid", one), b.tells("invoice.paid", two), b.tells("invoice.paid", one), paid)
		ben.becomes("active", end.Add(2*period))
		ben.expiresMust(end.Add(2 * period))
		if n := s.number("SELECT count(*) FROM transactions WHERE status = 'completed'"); n != 4 {
			t.Errorf("%d transactions, want 4", n)
		}

		// Completed and refunded at once, it ends refunded.
		cat := s.signUp("cat")
		id, session = cat.pays(b, product)
		paid = b.tells("checkout.session.completed", session)
		back := b.tells("charge.refunded", b.charge(b.intent(fmt.Sprint(session["id"])), 1900))
		answers := race(t, 60, func(i int) (*answer, error) { return s.tries([]event{paid, back}[i%2]) })
		for i, a := range answers {
			if a.status != http.StatusNoContent && (a.status != http.StatusConflict || i%2 == 0) {
				t.Errorf("%d %s", a.status, a.body)
			}
		}
		s.heeds(back)
		s.heeds(paid)
		cat.sees(id, "refunded")
		cat.lacks(file)
		if n := s.happened("transaction.refunded", id); n != 1 || s.happened("entitlement.revoked", id) != 1 {
			t.Errorf("it is told %d times", n)
		}
	})
}

func TestTwoServersSellOnce(t *testing.T) {
	t.Parallel()
	b := openBank(t)
	shared := postgresS3.setup(t, true)
	maps.Copy(shared, b.settings())
	shared["COFFER_AUTH_JWT_SECRET"] = goodSecret
	w := wiring{name: postgresS3.name, s3: true, setup: func(testing.TB, bool) settings { return shared }}
	one := newServer(t, w, nil)
	two := newServer(t, w, settings{"COFFER_PUBLIC_URL": one.url})
	one.start()
	two.start()
	ana, ben := one.signUp("ana").found(object{"name": "Acme"}), one.signUp("ben")
	there := &client{t: t, url: two.url, token: ben.token}
	file := ana.upload(object{"name": "a.txt"}, []byte("alpha")).text("id")
	club := ana.offers(membership("The club", nil), aFile(file))
	orders := race(t, 20, func(i int) (*answer, error) {
		return []*client{ben.client, there}[i%2].try("POST", "/api/transactions", object{"product_id": club})
	})
	count(t, "orders", orders, map[int]int{http.StatusCreated: 20})
	id, session := orders[0].text("transaction.id"), b.visit(orders[0].text("checkout_url"))
	paid := b.tells("checkout.session.completed", session)
	all := map[int]int{http.StatusNoContent: 60}
	count(t, "one event", race(t, 60, func(i int) (*answer, error) { return []*server{one, two}[i%2].tries(paid) }), all)
	one.exactly(id, 1)
	invoice := b.renews(session, 1900)
	renewals := []event{b.tells("invoice.paid", invoice), b.tells("invoice.paid", invoice)}
	count(t, "two events of one payment", race(t, 60, func(i int) (*answer, error) { return []*server{one, two}[i%2].tries(renewals[i/2%2]) }), all)
	if n := one.number("SELECT count(*) FROM transactions WHERE status = 'completed'"); n != 2 || one.number("SELECT count(*) FROM transactions") != 2 || len(b.sessions) != 1 {
		t.Errorf("%d completed transactions, %d sessions", n, len(b.sessions))
	}
	ben.has(file, "alpha")
}

func TestOneOrderIsConfirmedAndRefundedOnce(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, ben := s.signUp("ana").found(object{"name": "Acme"}), s.signUp("ben")
		adm := s.hire(ana, s.signUp("adm"), "admin")
		file := ana.upload(object{"name": "a.txt"}, []byte("alpha")).text("id")
		for _, kind := range []object{article("Ten presets", nil), membership("The club", nil)} {
			product := ana.offers(kind, aFile(file))
			orders := race(t, 20, func(int) (*answer, error) {
				return ben.try("POST", "/api/transactions", object{"product_id": product})
			})
			count(t, "orders", orders, map[int]int{http.StatusCreated: 20})
			id := orders[0].text("transaction.id")
			for _, o := range orders {
				if o.text("transaction.id") != id {
					t.Errorf("%s, and %s", o.body, id)
				}
			}
			if n := s.number("SELECT count(*) FROM transactions WHERE product_id = '" + product + "'"); n != 1 {
				t.Errorf("%d orders", n)
			}

			before := s.mails()
			count(t, "confirmations", race(t, 100, func(i int) (*answer, error) {
				return []*user{ana, adm}[i%2].try("POST", order(id, "/complete"), nil)
			}), map[int]int{http.StatusOK: 100})
			s.exactly(id, 1)
			if n := s.mails() - before; n != 1 {
				t.Errorf("%d mails", n)
			}

			// Parts at once never come to more than was paid; all that is left, once.
			parts := race(t, 12, func(int) (*answer, error) {
				return ana.try("POST", order(id, "/refund"), object{"amount": 500})
			})
			count(t, "refunds of a part", parts, map[int]int{http.StatusOK: 3, http.StatusUnprocessableEntity: 9})
			if a := ana.sees(id, "completed"); a.number("refunded_amount") != 1500 {
				t.Errorf("%s", a.body)
			}
			count(t, "full refunds", race(t, 20, func(i int) (*answer, error) {
				return []*user{ana, adm}[i%2].try("POST", order(id, "/refund"), object{})
			}), map[int]int{http.StatusOK: 1, http.StatusConflict: 19})
			ana.sees(id, "refunded")
			if n := s.happened("transaction.refunded", id); n != 4 || s.happened("entitlement.revoked", id) != 1 {
				t.Errorf("it is told %d times", n)
			}
			if n := s.mails() - before; n != 5 {
				t.Errorf("%d mails", n)
			}
			ben.lacks(file)
		}
	})
}

func TestStripeGivesBackOnceHoweverManyAsk(t *testing.T) {
	tellWithStripe(t, nil, func(t *testing.T, s *server, b *bank) {
		ana, ben := s.signUp("ana").found(object{"name": "Acme"}), s.signUp("ben")
		file := ana.upload(object{"name": "a.txt"}, []byte("alpha")).text("id")
		product := ana.offers(article("Ten presets", nil), aFile(file))
		orders := race(t, 20, func(int) (*answer, error) {
			return ben.try("POST", "/api/transactions", object{"product_id": product})
		})
		count(t, "orders", orders, map[int]int{http.StatusCreated: 20})
		for _, o := range orders {
			if o.text("transaction.id") != orders[0].text("transaction.id") || o.text("checkout_url") != orders[0].text("checkout_url") {
				t.Errorf("%s, and %s", o.body, orders[0].body)
			}
		}
		if len(b.sessions) != 1 {
			t.Errorf("%d sessions", len(b.sessions))
		}
		id, session := orders[0].text("transaction.id"), b.visit(orders[0].text("checkout_url"))
		s.heeds(b.tells("checkout.session.completed", session))
		intent := b.intent(fmt.Sprint(session["id"]))
		answers := race(t, 20, func(int) (*answer, error) { return ana.try("POST", order(id, "/refund"), object{}) })
		for _, a := range answers { // who asked at the same moment hears of the same refund
			if a.status != http.StatusOK && a.status != http.StatusConflict {
				t.Errorf("%d %s", a.status, a.body)
			}
		}
		if statuses(answers)[http.StatusOK] == 0 || len(b.money[intent].refunds) != 1 || b.money[intent].refunded != 1900 {
			t.Errorf("%v, %+v", statuses(answers), b.money[intent])
		}
		if n := s.happened("transaction.refunded", id); n != 1 {
			t.Errorf("it is told %d times", n)
		}
		ben.lacks(file)
	})
}

func TestBuyingLinkingAndRemovingMissNothing(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana").found(object{"name": "Acme"})
		base := ana.upload(object{"name": "base.txt"}, []byte("base")).text("id")
		people := make([]*user, 8)
		for i := range people {
			people[i] = s.signUp(fmt.Sprintf("buyer%d", i))
		}
		// Whoever buys while something is linked has it, before or after.
		product := ana.offers(article("Ten presets", object{"price": euros(0)}), aFile(base))
		parts := make([]string, 4)
		for i := range parts {
			parts[i] = ana.upload(object{"name": fmt.Sprintf("p%d.txt", i)}, []byte("part")).text("id")
		}
		count(t, "purchases and links", race(t, len(people)+len(parts), func(i int) (*answer, error) {
			if i < len(people) {
				return people[i].try("POST", "/api/transactions", object{"product_id": product})
			}
			return ana.try("POST", ana.products("/"+product+"/assets"), aFile(parts[i-len(people)]))
		}), map[int]int{http.StatusCreated: len(people) + len(parts)})
		eventually(t, "all have everything", func() bool {
			return s.number("SELECT count(*) FROM entitlements") == len(people)*(1+len(parts))
		})
		for _, u := range people {
			u.libraryMust(append([]string{base}, parts...)...)
		}

		// What is removed at the moment at which it is bought is either sold, or gone before.
		for round := range 6 {
			folder := ana.folder(ana.drive, fmt.Sprintf("/Round %d", round))
			file := ana.upload(object{"name": "f.txt", "parent_id": folder}, []byte("file")).text("id")
			sold := ana.offers(article(fmt.Sprintf("Round %d", round), object{"price": euros(0)}), aFile(file), aFile(base))
			answers := race(t, 5, func(i int) (*answer, error) {
				if i == 0 {
					return ana.try("DELETE", "/api/nodes/"+folder+"?permanent=true", nil)
				}
				return people[i].try("POST", "/api/transactions", object{"product_id": sold})
			})
			switch removed := answers[0]; removed.status {
			case http.StatusNoContent:
				for i := 1; i < 5; i++ {
					people[i].lacks(file)
				}
			case http.StatusConflict:
				removed.isProblem(http.StatusConflict, "sold")
				for i := 1; i < 5; i++ {
					people[i].has(file, "file")
				}
			default:
				t.Errorf("%d %s", removed.status, removed.body)
			}
			count(t, "purchases", answers[1:], map[int]int{http.StatusCreated: 4})
			people[1].has(base, "base")
		}
	})
}
