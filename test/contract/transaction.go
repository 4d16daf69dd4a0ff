package contract

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const grace = 24 * time.Hour

func (s storeTest) addTransaction(t *core.Transaction) error {
	return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Transactions.Add(s.Context(), t) })
}

func (s storeTest) saveTransaction(t *core.Transaction) error {
	return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Transactions.Save(s.Context(), t) })
}

// order stores a pending transaction.
func (s storeTest) order(buyer person, x *core.Product) *core.Transaction {
	s.Helper()
	t := core.NewTransaction(core.TransactionID(s.id()), x, buyer.user.ID, core.ProviderManual, noon)
	s.must(s.addTransaction(t))
	return t
}

// complete is what the application does in one unit of work once a pending
// transaction is paid. It reports whether that was news.
func (s storeTest) complete(id core.TransactionID) (done bool, err error) {
	return s.completeAs(id, s.mint(5))
}

// mint returns ids for a goroutine to use.
func (s storeTest) mint(n int) (ids [][16]byte) {
	for range n {
		ids = append(ids, s.id())
	}
	return ids
}

// completeAs is complete with ids of its own: an event's, a subscription's, and
// one for each link.
func (s storeTest) completeAs(id core.TransactionID, ids [][16]byte) (done bool, err error) {
	ctx := s.Context()
	err = s.Update(ctx, func(tx ports.Tx) error {
		t, err := tx.Transactions.Lock(ctx, id)
		if err != nil {
			return err
		}
		if done, err = t.Complete(core.Payment{Paid: t.Price}, noon); err != nil || !done {
			return err
		}
		if _, err := tx.Products.Lock(ctx, t.OrgID, t.ProductID, true); err != nil {
			return err
		}
		var sub *core.Subscription
		if t.Type == core.Membership {
			sub = core.NewSubscription(ids[1], t, "", noon)
			if err := tx.Subscriptions.Add(ctx, sub); err != nil {
				return err
			}
			t.SubscriptionID = sub.ID
		}
		if err := tx.Transactions.Save(ctx, t); err != nil {
			return err
		}
		links, err := tx.ProductLinks.List(ctx, t.ProductID)
		if err != nil {
			return err
		}
		var es []*core.Entitlement
		for i := range links {
			es = append(es, core.NewEntitlement(ids[2+i], t, sub, links[i].NodeID, grace, noon))
		}
		if _, err := tx.Entitlements.Add(ctx, es...); err != nil {
			return err
		}
		return tx.Events.Add(ctx, &core.Event{ID: ids[0], OrgID: t.OrgID, Type: "transaction.completed", Data: map[string]any{}, At: noon})
	})
	return done, err
}

// buy gives a buyer a product, and returns the transaction as it is then.
func (s storeTest) buy(buyer person, x *core.Product) *core.Transaction {
	s.Helper()
	t := s.order(buyer, x)
	done, err := s.complete(t.ID)
	s.must(err)
	s.equal(done, true)
	return s.getTransaction(t.ID)
}

func (s storeTest) getTransaction(id core.TransactionID) (t *core.Transaction) {
	s.Helper()
	s.view(func(tx ports.Tx) (err error) {
		t, err = tx.Transactions.Find(s.Context(), id)
		return err
	})
	return t
}

func transactionEqual(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	x := s.product(ana, core.Membership)
	want := s.order(ben, x)
	s.equal(s.getTransaction(want.ID), want)
	s.view(func(tx ports.Tx) error {
		_, err := tx.Transactions.Find(s.Context(), core.TransactionID(s.id()))
		s.wantErr(err, core.ErrNotFound)
		got, err := tx.Transactions.Pending(s.Context(), ben.user.ID, x.ID)
		s.must(err)
		s.equal(got, want)
		_, err = tx.Transactions.Pending(s.Context(), ana.user.ID, x.ID)
		s.wantErr(err, core.ErrNotFound)
		return nil
	})
	s.must(want.Await(core.Payment{Ref: "cs_1", PaymentRef: "pi_1"}, "https://pay.example/1", noon.Add(time.Hour), noon.Add(time.Minute)))
	s.must(s.saveTransaction(want))
	s.wantErr(s.saveTransaction(want), core.ErrStale)
	s.equal(s.getTransaction(want.ID), want)
	done, err := s.complete(want.ID)
	s.must(err)
	s.equal(done, true)
	want = s.getTransaction(want.ID)
	s.equal(want.SubscriptionID.IsZero(), false)
	want.Refunded, want.DisputedAt, want.EndedAt, want.FailReason, want.Version = 7, noon.Add(time.Minute), noon.Add(time.Hour), core.FailedDeclined, want.Version+1
	s.must(s.saveTransaction(want))
	s.equal(s.getTransaction(want.ID), want)
	s.view(func(tx ports.Tx) error {
		for _, ask := range []func() (*core.Transaction, error){
			func() (*core.Transaction, error) {
				return tx.Transactions.ByPayment(s.Context(), core.ProviderManual, "pi_1")
			},
			func() (*core.Transaction, error) {
				return tx.Transactions.ByRef(s.Context(), core.ProviderManual, "cs_1")
			},
		} {
			got, err := ask()
			s.must(err)
			s.equal(got, want)
		}
		for _, ref := range []string{"", "cs_2"} {
			_, err := tx.Transactions.ByRef(s.Context(), core.ProviderManual, ref)
			s.wantErr(err, core.ErrNotFound)
			_, err = tx.Transactions.ByPayment(s.Context(), core.ProviderManual, ref)
			s.wantErr(err, core.ErrNotFound)
		}
		_, err := tx.Transactions.ByRef(s.Context(), "other", "cs_1")
		s.wantErr(err, core.ErrNotFound)
		return nil
	})
	other := core.NewTransaction(core.TransactionID(s.id()), x, ana.user.ID, core.ProviderManual, noon)
	other.ProviderRef = "cs_1"
	s.wantErr(s.addTransaction(other), core.ErrConflict)
	other.Provider = "other"
	s.must(s.addTransaction(other))
}

// pendingOnce: of one product, a buyer has one pending purchase at a time.
func pendingOnce(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	x := s.product(ana, core.Digital)
	ids := s.mint(racers)
	s.equal(s.race(core.ErrConflict, func(i int) error {
		return s.addTransaction(core.NewTransaction(ids[i], x, ben.user.ID, core.ProviderManual, noon))
	}), 1)
	s.order(ana, x)
	s.order(ben, s.product(ana, core.Digital))
	var pending *core.Transaction
	s.view(func(tx ports.Tx) (err error) {
		pending, err = tx.Transactions.Pending(s.Context(), ben.user.ID, x.ID)
		return err
	})
	_, err := pending.Fail(core.FailedCanceled, noon)
	s.must(err)
	s.must(s.saveTransaction(pending))
	s.order(ben, x)
}

// completedOnce: however often a payment is told of at once, there is one set
// of entitlements, one subscription, one event.
func completedOnce(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	a, b := s.folder(ana, ana.root(), "a"), s.folder(ana, ana.root(), "b")
	for _, kind := range []core.ProductType{core.Digital, core.Membership} {
		x := s.product(ana, kind, a.ID, b.ID)
		order := s.order(ben, x)
		const deliveries = 100
		var minted [deliveries][][16]byte
		for i := range minted {
			minted[i] = s.mint(4)
		}
		var completed [deliveries]bool
		s.equal(s.raceOf(deliveries, nil, func(i int) (err error) {
			completed[i], err = s.completeAs(order.ID, minted[i])
			return err
		}), deliveries)
		n := 0
		for _, did := range completed {
			if did {
				n++
			}
		}
		s.equal(n, 1)
		s.view(func(tx ports.Tx) error {
			held, err := tx.Entitlements.List(s.Context(), ports.EntitlementQuery{UserID: ben.user.ID, Now: noon, Limit: 99})
			s.must(err)
			held = slices.DeleteFunc(held, func(h ports.Held) bool { return h.ProductID != x.ID })
			s.equal(len(held), 2)
			subs, err := tx.Subscriptions.List(s.Context(), ports.SubscriptionQuery{UserID: ben.user.ID, ProductID: x.ID, Limit: 99})
			s.must(err)
			s.equal(len(subs), map[core.ProductType]int{core.Digital: 0, core.Membership: 1}[kind])
			return nil
		})
	}
	s.view(func(tx ports.Tx) error {
		events, err := tx.Events.List(s.Context(), ana.org.ID, core.EventID{}, 99)
		s.equal(len(events), 2)
		return err
	})
	s.sound()
}

func transactionLists(s storeTest) {
	ana, ben, eve := s.signUp("ana"), s.signUp("ben"), s.signUp("eve")
	one, two, hers := s.product(ana, core.Digital), s.product(ana, core.Digital), s.product(eve, core.Digital)
	all := []core.TransactionID{s.buy(ben, one).ID, s.order(ben, two).ID, s.buy(eve, one).ID, s.order(ben, hers).ID}
	list := func(q ports.TransactionQuery) (ids []core.TransactionID) {
		s.Helper()
		if q.Limit == 0 {
			q.Limit = 9
		}
		s.view(func(tx ports.Tx) error {
			found, err := tx.Transactions.List(s.Context(), q)
			for i := range found {
				f := &found[i]
				s.equal(&f.Transaction, s.getTransaction(f.ID))
				who := map[core.UserID]person{ben.user.ID: ben, eve.user.ID: eve}[f.BuyerID]
				s.equal([]string{f.BuyerEmail, f.BuyerName}, []string{who.user.Email, who.user.Name})
				ids = append(ids, f.ID)
			}
			return err
		})
		return ids
	}
	s.equal(list(ports.TransactionQuery{OrgID: ana.org.ID}), []core.TransactionID{all[2], all[1], all[0]})
	s.equal(list(ports.TransactionQuery{OrgID: ana.org.ID, Limit: 1}), all[2:3])
	s.equal(list(ports.TransactionQuery{OrgID: ana.org.ID, Before: all[2]}), []core.TransactionID{all[1], all[0]})
	s.equal(list(ports.TransactionQuery{OrgID: ana.org.ID, Status: core.TransactionPending}), all[1:2])
	s.equal(list(ports.TransactionQuery{OrgID: ana.org.ID, ProductID: one.ID}), []core.TransactionID{all[2], all[0]})
	s.equal(list(ports.TransactionQuery{BuyerID: ben.user.ID}), []core.TransactionID{all[3], all[1], all[0]})
	none := []core.TransactionID(nil)
	s.equal(list(ports.TransactionQuery{BuyerID: ana.user.ID}), none)
	s.equal(list(ports.TransactionQuery{BuyerID: ben.user.ID, From: noon.Add(time.Microsecond)}), none)
	s.equal(len(list(ports.TransactionQuery{BuyerID: ben.user.ID, From: noon, To: noon.Add(time.Microsecond)})), 3)
	s.equal(list(ports.TransactionQuery{BuyerID: ben.user.ID, To: noon}), none)

	waiting := func(at time.Time, after core.TransactionID) (ids []core.TransactionID) {
		s.Helper()
		s.view(func(tx ports.Tx) error {
			found, err := tx.Transactions.Waiting(s.Context(), at, after, 9)
			for _, t := range found {
				ids = append(ids, t.ID)
			}
			return err
		})
		return ids
	}
	s.equal(waiting(noon.Add(-1), core.TransactionID{}), none)
	s.equal(waiting(noon, core.TransactionID{}), []core.TransactionID{all[1], all[3]})
	s.equal(waiting(noon, all[1]), []core.TransactionID{all[3]})
	s.view(func(tx ports.Tx) error {
		for buyer, want := range map[core.UserID]bool{ben.user.ID: true, eve.user.ID: true, ana.user.ID: false} {
			got, err := tx.Transactions.Bought(s.Context(), buyer, one.ID)
			s.must(err)
			s.equal(got, want)
		}
		got, err := tx.Transactions.Bought(s.Context(), ben.user.ID, two.ID)
		s.equal(got, false)
		return err
	})
}

// transactionsOpen: of an org, or of a buyer, whoever sells.
func transactionsOpen(s storeTest) {
	ana, ben, eve := s.signUp("ana"), s.signUp("ben"), s.signUp("eve")
	one, two, hers := s.product(ana, core.Digital), s.product(ana, core.Digital), s.product(eve, core.Digital)
	s.buy(eve, one)
	all := []core.TransactionID{s.order(ben, one).ID, s.order(eve, two).ID, s.order(ben, two).ID, s.order(ben, hers).ID}
	nobody, anywhere, first := core.UserID{}, core.OrgID{}, core.TransactionID{}
	open := func(org core.OrgID, buyer core.UserID, after core.TransactionID, limit int) (ids []core.TransactionID) {
		s.Helper()
		s.view(func(tx ports.Tx) error {
			found, err := tx.Transactions.Open(s.Context(), org, buyer, after, limit)
			for _, t := range found {
				ids = append(ids, t.ID)
			}
			return err
		})
		return ids
	}
	s.equal(open(ana.org.ID, nobody, first, 9), all[:3])
	s.equal(open(ana.org.ID, nobody, all[0], 1), all[1:2])
	s.equal(open(anywhere, ben.user.ID, first, 9), []core.TransactionID{all[0], all[2], all[3]})
	s.equal(open(anywhere, ben.user.ID, all[2], 9), all[3:])
	s.equal(len(open(ben.org.ID, nobody, first, 9))+len(open(anywhere, ana.user.ID, first, 9)), 0)
}

// salesCounted: by period, product and currency; what is refunded stays counted.
func salesCounted(s storeTest) {
	ana, ben, eve := s.signUp("ana"), s.signUp("ben"), s.signUp("eve")
	one, yen := s.product(ana, core.Digital), s.newProduct(ana, core.Digital)
	yen.Price = core.Money{Amount: 500, Currency: "JPY"}
	s.must(s.addProduct(yen, core.Unlimited))
	sold := func(p person, x *core.Product, at time.Time, refunded int64) {
		s.Helper()
		t := s.order(p, x)
		_, err := t.Complete(core.Payment{Paid: t.Price}, at)
		s.must(err)
		t.Refunded = refunded
		s.must(s.saveTransaction(t))
	}
	bounds := []time.Time{noon, noon.Add(time.Hour), noon.Add(2 * time.Hour), noon.Add(3 * time.Hour)}
	sold(ben, one, noon.Add(-time.Microsecond), 0) // before
	sold(eve, one, noon, 0)
	sold(ben, one, noon.Add(time.Hour-time.Microsecond), 1_900)
	sold(ben, one, noon.Add(2*time.Hour), 100)
	sold(ben, yen, noon.Add(2*time.Hour), 0)
	sold(ben, yen, noon.Add(3*time.Hour), 0) // after
	s.order(ben, one)
	sold(ben, s.product(eve, core.Digital), noon, 0)
	want := []ports.Sales{
		{Period: 0, ProductID: one.ID, ProductName: one.Name, Currency: "EUR", Count: 2, Gross: 3_800, Refunded: 1_900},
		{Period: 2, ProductID: one.ID, ProductName: one.Name, Currency: "EUR", Count: 1, Gross: 1_900, Refunded: 100},
		{Period: 2, ProductID: yen.ID, ProductName: yen.Name, Currency: "JPY", Count: 1, Gross: 500},
	}
	s.view(func(tx ports.Tx) error {
		got, err := tx.Transactions.Sales(s.Context(), ana.org.ID, core.ProductID{}, bounds)
		s.must(err)
		s.equal(got, want)
		got, err = tx.Transactions.Sales(s.Context(), ana.org.ID, yen.ID, bounds)
		s.equal(got, want[2:])
		return err
	})
}

// eventsKept: events come back in order, per org; of a provider's events each
// is noted once.
func eventsKept(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	var want []*core.Event
	for i := range 5 {
		want = append(want, &core.Event{
			ID: core.EventID(s.id()), OrgID: ana.org.ID, Type: fmt.Sprintf("test.%d", i), Data: map[string]any{"n": float64(i), "é": []any{"x", nil}},
			At: noon.Add(time.Duration(i) * time.Second),
		})
	}
	s.addEvents(want...)
	list := func(org core.OrgID, after core.EventID, limit int) (es []*core.Event) {
		s.Helper()
		s.view(func(tx ports.Tx) (err error) {
			es, err = tx.Events.List(s.Context(), org, after, limit)
			return err
		})
		return es
	}
	s.equal(list(ana.org.ID, core.EventID{}, 9), want)
	s.equal(list(ana.org.ID, want[1].ID, 2), want[2:4])
	s.equal(len(list(ben.org.ID, core.EventID{}, 9)), 0)
	s.update(func(tx ports.Tx) error {
		n, err := tx.Events.Prune(s.Context(), want[3].At, 2)
		s.must(err)
		s.equal(n, 2)
		n, err = tx.Events.Prune(s.Context(), want[3].At, 9)
		s.equal(n, 1)
		return err
	})
	s.equal(list(ana.org.ID, core.EventID{}, 9), want[3:])

	note := func(provider, id string) error {
		return s.Update(s.Context(), func(tx ports.Tx) error { return tx.PaymentEvents.Add(s.Context(), provider, id, noon) })
	}
	s.equal(s.race(core.ErrConflict, func(int) error { return note("stripe", "evt_1") }), 1)
	s.must(errors.Join(note("stripe", "evt_2"), note("other", "evt_1")))
	s.update(func(tx ports.Tx) error {
		n, err := tx.PaymentEvents.Prune(s.Context(), noon, 9)
		s.must(err)
		s.equal(n, 0)
		n, err = tx.PaymentEvents.Prune(s.Context(), noon.Add(1*time.Microsecond), 2)
		s.equal(n, 2)
		return err
	})
	s.must(note("stripe", "evt_1"))
}
