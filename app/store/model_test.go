package store_test

import (
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-755a8038/coffer/app/store"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/fixture"
)

// holding is what a buyer has of a product, as the model knows it.
type holding struct {
	paid      *core.Transaction // for what is held now
	nodes     map[core.NodeID]bool
	ref       string    // of a membership: the provider's name for it
	end       time.Time // of a membership: of the period; zero: never
	canceled  bool
	suspended bool
}

// until is when access ends.
func (h *holding) until() time.Time {
	switch {
	case h.end.IsZero():
		return core.Forever
	case h.canceled:
		return h.end
	}
	return h.end.Add(grace)
}

// owned reports whether it cannot be bought again. A membership that its provider
// renews is not over before that has had the time to tell.
func (h *holding) owned(now time.Time) bool {
	switch {
	case h.end.IsZero():
		return true
	case h.canceled:
		return now.Before(h.end)
	}
	return now.Before(h.end.Add(toTell))
}

type buyerOf struct {
	buyer   int
	product int
}

// shop is the model: what is linked to each product, who has what, what waits.
type shop struct {
	*world

	people   []fixture.Person
	products []core.ProductID
	files    []core.AssetID
	linked   []map[core.NodeID]bool
	held     map[buyerOf]*holding
	orders   map[buyerOf]*core.Transaction
	invoices int
}

func (s *shop) membership(product int) bool { return product == 1 }

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{world: newWorld(t), held: map[buyerOf]*holding{}, orders: map[buyerOf]*core.Transaction{}}
	s.people = []fixture.Person{s.ben, s.SignUp("cat"), s.SignUp("dan")}
	for _, kind := range []core.ProductType{core.Digital, core.Membership} {
		p, file := s.sells(kind, 900)
		s.products, s.files = append(s.products, p), append(s.files, file)
		s.linked = append(s.linked, map[core.NodeID]bool{file: true})
	}
	s.files = append(s.files, s.file("one more"), s.file("yet another"))
	return s
}

// pay is what a payment has to give.
func (s *shop) pay(who buyerOf, t *core.Transaction, ref string, end time.Time) {
	h := s.held[who]
	if h == nil {
		h = &holding{nodes: map[core.NodeID]bool{}}
		s.held[who] = h
	}
	h.paid, h.suspended, h.end = t, false, end
	maps.Copy(h.nodes, s.linked[who.product])
	if ref != "" {
		h.ref, h.canceled = ref, false
	}
}

func (s *shop) agrees() {
	s.Helper()
	now := s.Clock.Now()
	for i, who := range s.people {
		for _, file := range s.files {
			want := false
			for at, h := range s.held {
				want = want || at.buyer == i && h.nodes[file] && !h.suspended && now.Before(h.until())
			}
			if _, err := s.assets.Download(s.Context(), who.Actor, file); (err == nil) != want {
				s.Fatalf("person %d, file %s: %v, and the model says %v", i, file, err, want)
			}
		}
	}
}

// TestAccessIsWhatWasPaidFor does anything in any order: at every moment each
// buyer has what the model says, and every invariant of the store holds.
func TestAccessIsWhatWasPaidFor(t *testing.T) {
	rapid.Check(t, func(all *rapid.T) {
		s := newShop(t)
		who := func(r *rapid.T) buyerOf {
			return buyerOf{rapid.IntRange(0, len(s.people)-1).Draw(r, "buyer"), rapid.IntRange(0, 1).Draw(r, "product")}
		}
		holder := func(r *rapid.T) (buyerOf, *holding) {
			w := who(r)
			h := s.held[w]
			if h == nil {
				r.Skip("has nothing")
			}
			return w, h
		}
		all.Repeat(map[string]func(*rapid.T){
			"": func(*rapid.T) { s.agrees() },
			"order": func(r *rapid.T) {
				w := who(r)
				o, err := s.Buy(s.Context(), s.people[w.buyer].Actor, store.BuyInput{ProductID: s.products[w.product]})
				h, pending := s.held[w], s.orders[w]
				switch {
				case pending != nil:
					if err != nil || o.ID != pending.ID {
						r.Fatalf("the order does not go on: %v", err)
					}
				case h != nil && h.owned(s.Clock.Now()):
					s.Fails(err, core.ErrAlreadyOwned)
				default:
					s.Must(err)
					s.orders[w] = o
				}
			},
			"pay": func(r *rapid.T) {
				w := who(r)
				o := s.orders[w]
				if o == nil {
					r.Skip("nothing ordered")
				}
				e := pays(o)
				end := time.Time{}
				if s.membership(w.product) {
					e.SubscriptionRef, end = "sub_"+o.ID.String(), s.Clock.Now().Add(30*days)
					if h := s.held[w]; h != nil && h.end.After(s.Clock.Now()) {
						end = h.end.Add(30 * days)
					}
				}
				for range rapid.IntRange(1, 3).Draw(r, "times") {
					s.Must(s.tells(e))
				}
				s.pay(w, s.transaction(s.people[w.buyer], o.ID), e.SubscriptionRef, end)
				delete(s.orders, w)
			},
			"give up": func(r *rapid.T) {
				w := who(r)
				o := s.orders[w]
				if o == nil {
					r.Skip("nothing ordered")
				}
				_, err := s.Abandon(s.Context(), s.people[w.buyer].Actor, o.ID)
				s.Must(err)
				delete(s.orders, w)
			},
			"renew": func(r *rapid.T) {
				w, h := holder(r)
				if !s.membership(w.product) {
					r.Skip("for ever")
				}
				s.invoices++
				ref := "in_" + string(rune('a'+s.invoices%26)) + time.Duration(s.invoices).String()
				s.Must(s.tells(ports.PaymentEvent{
					Kind: ports.PaymentRenewed, SubscriptionRef: h.ref, Payment: core.Payment{Ref: ref, PaymentRef: "pi_" + ref, Paid: h.paid.Price},
				}))
				found, err := s.Purchases(s.Context(), s.people[w.buyer].Actor, ports.TransactionQuery{ProductID: s.products[w.product], Limit: 1})
				s.Must(err)
				s.pay(w, &found[0].Transaction, "", h.end.Add(30*days))
			},
			"refund": func(r *rapid.T) {
				w, h := holder(r)
				left := h.paid.Price.Amount - s.transaction(s.people[w.buyer], h.paid.ID).Refunded
				amount := rapid.Int64Range(1, left).Draw(r, "amount")
				if rapid.Bool().Draw(r, "all") {
					amount = left
				}
				s.bank.refunds = map[string]int64{"before": h.paid.Price.Amount - left}
				_, err := s.Refund(s.Context(), s.ana.Actor, store.RefundInput{ID: h.paid.ID, Amount: &amount})
				s.Must(err)
				if amount == left {
					delete(s.held, w)
				}
			},
			"dispute": func(r *rapid.T) {
				_, h := holder(r)
				s.Must(s.tells(ports.PaymentEvent{Kind: ports.PaymentDisputed, Transaction: h.paid.ID}))
				h.suspended = true
			},
			"settle": func(r *rapid.T) {
				w, h := holder(r)
				if !h.suspended {
					r.Skip("not disputed")
				}
				won := rapid.Bool().Draw(r, "won")
				s.Must(s.tells(ports.PaymentEvent{Kind: ports.PaymentSettled, Transaction: h.paid.ID, Won: won}))
				h.suspended = false
				if !won {
					delete(s.held, w)
				}
			},
			"cancel": func(r *rapid.T) {
				w, h := holder(r)
				if !s.membership(w.product) {
					r.Skip("for ever")
				}
				sub, err := s.Memberships(s.Context(), s.people[w.buyer].Actor, ports.SubscriptionQuery{Live: true, Limit: 1})
				s.Must(err)
				_, err = s.CancelSubscription(s.Context(), s.people[w.buyer].Actor, sub[0].ID)
				s.Must(err)
				h.canceled = true
			},
			"link": func(r *rapid.T) {
				i := rapid.IntRange(0, 1).Draw(r, "product")
				file := rapid.SampledFrom(s.files).Draw(r, "file")
				_, err := s.Link(s.Context(), s.ana.Actor, store.LinkInput{OrgID: s.ana.Org.ID, ProductID: s.products[i], NodeID: file})
				if s.linked[i][file] {
					s.Fails(err, core.ErrAlreadyLinked)
					return
				}
				s.Must(err)
				s.works()
				s.linked[i][file] = true
				for at, h := range s.held {
					if at.product == i {
						h.nodes[file] = true
					}
				}
			},
			"unlink": func(r *rapid.T) {
				i := rapid.IntRange(0, 1).Draw(r, "product")
				file := rapid.SampledFrom(s.files).Draw(r, "file")
				err := s.Unlink(s.Context(), s.ana.Actor, s.ana.Org.ID, s.products[i], file)
				switch {
				case !s.linked[i][file]:
					s.Fails(err, core.ErrNotFound)
				case len(s.linked[i]) == 1:
					s.Fails(err, core.ErrProductEmpty)
				default:
					s.Must(err)
					delete(s.linked[i], file)
				}
			},
			"time": func(r *rapid.T) {
				s.Clock.Shift(time.Duration(rapid.IntRange(1, 20).Draw(r, "days")) * days)
				s.Must(s.Renew(s.Context(), store.Renew{}))
				now := s.Clock.Now()
				for at, h := range maps.Clone(s.held) {
					if !now.Before(h.until()) { // which the job has ended, or will: who is late begins anew
						delete(s.held, at)
					}
				}
				for range 2 { // one that lapses at this moment expires the next time
					s.Must(s.Renew(s.Context(), store.Renew{}))
				}
			},
		})
		s.sound()
	})
}
