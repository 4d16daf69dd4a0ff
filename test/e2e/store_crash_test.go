package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"
)

// TestAServerThatDiesLosesNoPayment: events are delivered while the server is
// killed, again and again, and sent again until they are acknowledged.
func TestAServerThatDiesLosesNoPayment(t *testing.T) {
	tellWithStripe(t, nil, func(t *testing.T, s *server, b *bank) {
		ana := s.signUp("ana").found(object{"name": "Acme"})
		s.must("license", "assign", ana.org, "enterprise")
		file, album := ana.upload(object{"name": "a.txt"}, []byte("alpha")).text("id"), ana.folder(ana.drive, "/Album")
		people := []*user{s.signUp("ben"), s.signUp("cat"), s.signUp("dan")}
		const rounds = 10
		type sale struct {
			buyer       *user
			transaction string
			session     object
			event       event
			back        bool // is refunded in the end
		}
		var sales []sale
		for round := range rounds {
			kind := article(fmt.Sprintf("Round %d", round), nil)
			if round%2 == 1 {
				kind = membership(fmt.Sprintf("Round %d", round), nil)
			}
			product := ana.offers(kind, aFile(file), aFolder(album))
			var pending []event
			for i, u := range people {
				id, session := u.pays(b, product)
				e := b.tells("checkout.session.completed", session)
				sales = append(sales, sale{u, id, session, e, round%2 == 0 && i == 0})
				pending = append(pending, e)
			}
			if round > 0 { // of the last round: told once more, and given back
				last := sales[(round-1)*len(people)]
				pending = append(pending, last.event)
				if last.back {
					pending = append(pending, b.tells("charge.refunded", b.charge(b.intent(fmt.Sprint(last.session["id"])), 1900)))
				}
			}

			// Nobody waits for the server to die, or knows how far it has come.
			var wg sync.WaitGroup
			for _, e := range pending {
				wg.Go(func() {
					a, err := s.tries(e)
					if err == nil && a.status != http.StatusNoContent && a.status != http.StatusConflict && a.status != http.StatusServiceUnavailable {
						t.Errorf("%s: %d %s", a.what, a.status, a.body)
					}
				})
			}
			time.Sleep(time.Duration(rand.IntN(40)) * time.Millisecond)
			s.kill()
			wg.Wait()
			s.start()
			for _, e := range pending { // as Stripe does, until it is taken
				eventually(t, "the event is acknowledged", func() bool {
					a, err := s.tries(e)
					return err == nil && a.status == http.StatusNoContent
				})
			}
		}
		for _, sold := range sales {
			if sold.back {
				sold.buyer.sees(sold.transaction, "refunded")
				if n := s.happened("transaction.completed", sold.transaction); n != 1 || s.happened("transaction.refunded", sold.transaction) != 1 {
					t.Errorf("%s is told %d times", sold.transaction, n)
				}
				continue
			}
			sold.buyer.sees(sold.transaction, "completed")
			s.exactly(sold.transaction, 2)
		}
		if n := s.number("SELECT count(*) FROM subscriptions WHERE status = 'active'"); n != rounds/2*len(people) {
			t.Errorf("%d memberships", n)
		}
		for i, u := range people {
			want := 2 * rounds
			if i == 0 { // had the money of every other round back
				want = rounds
			}
			if n := len(u.library()); n != want {
				t.Errorf("%s has %d entitlements, want %d", u.email, n, want)
			}
			u.has(file, "alpha")
		}
	})
}

// TestAServerThatDiesReachesEveryHolder: what is linked to a product is given to
// all who have it, also if the server dies at that moment.
func TestAServerThatDiesReachesEveryHolder(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana").found(object{"name": "Acme"})
		file := ana.upload(object{"name": "a.txt"}, []byte("alpha")).text("id")
		product := ana.offers(article("Ten presets", object{"price": euros(0)}), aFile(file))
		people := make([]*user, 30)
		for i := range people {
			people[i] = s.signUp(fmt.Sprintf("buyer%d", i))
			people[i].buys(product)
		}
		back := ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/transactions?limit=1", nil).text("items.0.id")
		ana.refunds(back, nil) // the last one has it no more
		holders := people[:len(people)-1]
		var added []string
		for round := range 4 {
			node := ana.upload(object{"name": fmt.Sprintf("bonus %d.txt", round)}, []byte("bonus")).text("id")
			added = append(added, node)
			ana.links(product, aFile(node))
			time.Sleep(time.Duration(round*rand.IntN(20)) * time.Millisecond) // at first, at once
			s.crash()
		}
		patiently(t, "all who have the product have what came to it", func() bool {
			return s.number("SELECT count(*) FROM entitlements WHERE revoked_at IS NULL") == len(holders)*(1+len(added))
		})
		for _, u := range []*user{holders[0], holders[len(holders)-1]} {
			u.libraryMust(append([]string{file}, added...)...)
			u.has(added[3], "bonus")
		}
		people[len(people)-1].libraryMust()
		people[len(people)-1].lacks(added...)
		for _, node := range added {
			if n := s.number("SELECT count(*) FROM events WHERE type = 'entitlement.granted' AND CAST(data AS text) LIKE '%" + node + "%'"); n != 1 {
				t.Errorf("that %s was given is told %d times", node, n)
			}
		}
	})
}
