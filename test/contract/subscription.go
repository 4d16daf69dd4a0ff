package contract

import (
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func subscriptionEqual(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	x := s.product(ana, core.Membership)
	paid := s.buy(ben, x)
	get := func(id core.SubscriptionID) (sub *core.Subscription) {
		s.Helper()
		s.view(func(tx ports.Tx) (err error) {
			sub, err = tx.Subscriptions.Find(s.Context(), id)
			return err
		})
		return sub
	}
	save := func(sub *core.Subscription) error {
		return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Subscriptions.Save(s.Context(), sub) })
	}
	want := core.NewSubscription(paid.SubscriptionID, paid, "", noon)
	s.equal(get(want.ID), want)
	second := *want
	second.ID = core.SubscriptionID(s.id())
	s.wantErr(s.Update(s.Context(), func(tx ports.Tx) error { return tx.Subscriptions.Add(s.Context(), &second) }), core.ErrConflict)

	want.ProviderRef, want.EndedAt = "sub_1", noon.Add(time.Hour)
	_, err := want.Cancel(noon.Add(time.Minute))
	s.must(err)
	s.must(save(want))
	s.wantErr(save(want), core.ErrStale)
	s.equal(get(want.ID), want)
	s.view(func(tx ports.Tx) error {
		got, err := tx.Subscriptions.Live(s.Context(), ben.user.ID, x.ID)
		s.must(err)
		s.equal(got, want)
		_, err = tx.Subscriptions.Live(s.Context(), ana.user.ID, x.ID)
		s.wantErr(err, core.ErrNotFound)
		got, err = tx.Subscriptions.ByRef(s.Context(), core.ProviderManual, "sub_1")
		s.must(err)
		s.equal(got, want)
		for _, ref := range []string{"", "sub_2"} {
			_, err = tx.Subscriptions.ByRef(s.Context(), core.ProviderManual, ref)
			s.wantErr(err, core.ErrNotFound)
		}
		due := func(at time.Time, after core.SubscriptionID) int {
			found, err := tx.Subscriptions.Due(s.Context(), at, after, 9)
			s.must(err)
			return len(found)
		}
		s.equal([]int{due(want.PeriodEnd, core.SubscriptionID{}), due(want.PeriodEnd.Add(-1), core.SubscriptionID{}), due(want.PeriodEnd, want.ID)}, []int{1, 0, 0})
		for _, c := range []struct {
			q ports.SubscriptionQuery
			n int
		}{
			{ports.SubscriptionQuery{OrgID: ana.org.ID}, 1},
			{ports.SubscriptionQuery{OrgID: ben.org.ID}, 0},
			{ports.SubscriptionQuery{UserID: ben.user.ID, Live: true}, 1},
			{ports.SubscriptionQuery{UserID: ben.user.ID, Before: want.ID}, 0},
			{ports.SubscriptionQuery{UserID: ben.user.ID, ProductID: core.ProductID(s.id())}, 0},
		} {
			c.q.Limit = 9
			found, err := tx.Subscriptions.List(s.Context(), c.q)
			s.must(err)
			s.equal(len(found), c.n)
		}
		return nil
	})
	want.End(noon.Add(time.Hour))
	s.must(save(want))
	again := s.buy(ben, x) // who has let it expire begins anew
	want.Renew(again, noon)
	s.wantErr(save(want), core.ErrConflict)
	s.view(func(tx ports.Tx) error {
		live, err := tx.Subscriptions.List(s.Context(), ports.SubscriptionQuery{UserID: ben.user.ID, Live: true, Limit: 9})
		s.equal(len(live), 1)
		return err
	})
}
