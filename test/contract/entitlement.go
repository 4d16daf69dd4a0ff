package contract

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// may returns what core says to somebody who wants a file at a time.
func (s storeTest) may(p person, asset core.AssetID, at time.Time) error {
	f, err := s.Hot.ForDownload(s.Context(), p.actor(), asset)
	if err != nil {
		return err
	}
	return core.CanDownload(f, at)
}

func (s storeTest) held(p person, at time.Time) (held []ports.Held) {
	s.Helper()
	s.view(func(tx ports.Tx) (err error) {
		held, err = tx.Entitlements.List(s.Context(), ports.EntitlementQuery{UserID: p.user.ID, Now: at, Limit: 99})
		return err
	})
	return held
}

// entitled: what is bought is there for the buyer, and nobody else.
func entitled(s storeTest) {
	ana, ben, eve := s.signUp("ana"), s.signUp("ben"), s.signUp("eve")
	folder := s.folder(ana, ana.root(), "F")
	inner := s.folder(ana, folder.ID, "inner")
	deep := s.finish(s.reserveIn(ana, inner.ID, "deep", 1))
	file, other := s.finish(s.reserve(ana, "a", 1)), s.finish(s.reserve(ana, "b", 1))
	x := s.product(ana, core.Digital, folder.ID, file.ID)
	t := s.buy(ben, x)
	for _, c := range []struct {
		who   person
		asset core.AssetID
		want  error
	}{
		{ben, file.ID, nil},
		{ben, deep.ID, nil},
		{ben, other.ID, core.ErrNotFound},
		{eve, file.ID, core.ErrNotFound},
		{eve, deep.ID, core.ErrNotFound},
		{ana, other.ID, nil},
	} {
		s.wantErr(s.may(c.who, c.asset, noon), c.want)
	}
	held := s.held(ben, noon)
	s.equal(len(held), 2)
	for _, h := range held {
		s.equal([]string{h.ProductName, string(h.ProductType), h.OrgName}, []string{x.Name, string(x.Type), ana.org.Name})
		s.equal(h.Entitlement, *core.NewEntitlement(h.ID, t, nil, h.Node.ID, grace, noon))
		s.view(func(tx ports.Tx) error {
			got, err := tx.Entitlements.Get(s.Context(), ben.user.ID, h.ID)
			s.must(err)
			s.equal(*got, h)
			_, err = tx.Entitlements.Get(s.Context(), eve.user.ID, h.ID)
			s.wantErr(err, core.ErrNotFound)
			return nil
		})
	}
	s.equal(s.held(eve, noon), []ports.Held{})
	f, err := s.Hot.ForDownload(s.Context(), ben.actor(), file.ID)
	s.must(err)
	s.equal(f.EntitledUntil, core.Forever)

	// A file that comes into the folder later is in what was bought; one that has
	// left it is not.
	late := s.finish(s.reserveIn(ana, folder.ID, "late", 1))
	s.must(s.may(ben, late.ID, noon))
	moved := s.nodeOf(ana, late.ID)
	s.must(s.save(ana, moved, func() { moved.Move(ana.root(), noon) }))
	s.wantErr(s.may(ben, late.ID, noon), core.ErrNotFound)

	before := s.finish(s.reserveIn(ana, folder.ID, "trashed before it was bought", 1))
	s.must(s.save(ana, &before.Node, func() { before.Trash(noon.Add(-time.Hour)) }))
	s.wantErr(s.may(ben, before.ID, noon), core.ErrNotFound)

	// The trash keeps it; what is unlinked stays bought.
	s.trash(file)
	s.must(s.may(ben, file.ID, noon))
	s.wantErr(s.may(ana, file.ID, noon), core.ErrAssetTrashed)
	s.must(s.save(ana, folder, func() { folder.Trash(noon) }))
	s.must(s.may(ben, deep.ID, noon))
	s.must(s.unlink(x, file.ID))
	s.must(s.may(ben, file.ID, noon))

	// A disabled user, and a deleted org, have nothing.
	s.disable(ben)
	s.wantErr(s.may(ben, file.ID, noon), core.ErrUserDisabled)
}

// entitlementEnds: by time, by a refund, by a dispute; another purchase of the
// same file stands.
func entitlementEnds(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	file := s.finish(s.reserve(ana, "a", 1))
	once, again := s.product(ana, core.Digital, file.ID), s.product(ana, core.Digital, file.ID)
	member := s.product(ana, core.Membership, file.ID)
	t, other, m := s.buy(ben, once), s.buy(ben, again), s.buy(ben, member)
	end := noon.AddDate(0, 0, member.SubscriptionDays)
	refund := func(t *core.Transaction, want int) {
		s.Helper()
		_, err := t.Refund(t.Price.Amount, noon)
		s.must(err)
		s.update(func(tx ports.Tx) error {
			s.must(tx.Transactions.Save(s.Context(), t))
			n, err := tx.Entitlements.Revoke(s.Context(), t.ID, noon)
			s.equal(n, want)
			return err
		})
	}
	suspend := func(t *core.Transaction, since time.Time) {
		s.Helper()
		s.update(func(tx ports.Tx) error { return tx.Entitlements.Suspend(s.Context(), t.ID, since) })
	}
	s.equal(len(s.held(ben, noon)), 3)
	refund(t, 1)
	s.must(s.may(ben, file.ID, end.AddDate(99, 0, 0)))
	suspend(other, noon)
	s.must(s.may(ben, file.ID, end.Add(grace-1)))
	s.wantErr(s.may(ben, file.ID, end.Add(grace)), core.ErrNotFound)
	s.equal(len(s.held(ben, end)), 1)
	s.equal(len(s.held(ben, end.Add(grace))), 0)
	suspend(other, time.Time{})
	s.must(s.may(ben, file.ID, end.Add(grace)))
	refund(other, 1)
	s.wantErr(s.may(ben, file.ID, end.Add(grace)), core.ErrNotFound)
	s.must(s.may(ben, file.ID, end))

	// Canceled: to the end of the period. Renewed: to the end of the next one.
	var sub *core.Subscription
	s.update(func(tx ports.Tx) (err error) {
		if sub, err = tx.Subscriptions.Lock(s.Context(), m.SubscriptionID); err != nil {
			return err
		}
		_, err = sub.Cancel(noon)
		s.must(err)
		s.must(tx.Subscriptions.Save(s.Context(), sub))
		return tx.Entitlements.Renew(s.Context(), sub, sub.AccessUntil(grace))
	})
	s.must(s.may(ben, file.ID, end.Add(-1)))
	s.wantErr(s.may(ben, file.ID, end), core.ErrNotFound)
	renewal := core.NewRenewal(core.TransactionID(s.id()), sub, member, noon)
	_, err := renewal.Complete(core.Payment{Paid: renewal.Price}, noon)
	s.must(err)
	s.update(func(tx ports.Tx) error {
		s.must(tx.Transactions.Add(s.Context(), renewal))
		sub.Renew(renewal, noon)
		s.must(tx.Subscriptions.Save(s.Context(), sub))
		return tx.Entitlements.Renew(s.Context(), sub, sub.AccessUntil(grace))
	})
	next := end.AddDate(0, 0, member.SubscriptionDays)
	s.must(s.may(ben, file.ID, next.Add(-1)))
	s.wantErr(s.may(ben, file.ID, next), core.ErrNotFound)
	held := s.held(ben, noon)
	s.equal(held[0].ExpiresAt, next)
	s.sound()
	refund(m, 0) // for a period that is over
	s.must(s.may(ben, file.ID, noon))
	refund(renewal, 1)
	s.wantErr(s.may(ben, file.ID, noon), core.ErrNotFound)
}

// entitledOnce: giving the same again adds nothing, nor does giving what is gone.
func entitledOnce(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	file := s.finish(s.reserve(ana, "a", 1))
	folder := s.folder(ana, ana.root(), "F")
	inner := s.finish(s.reserveIn(ana, folder.ID, "inner", 1))
	t := s.buy(ben, s.product(ana, core.Digital, file.ID))
	give := func(nodes ...core.NodeID) (n int) {
		s.Helper()
		var es []*core.Entitlement
		for _, id := range nodes {
			es = append(es, core.NewEntitlement(core.EntitlementID(s.id()), t, nil, id, 0, noon))
		}
		s.update(func(tx ports.Tx) (err error) {
			n, err = tx.Entitlements.Add(s.Context(), es...)
			return err
		})
		return n
	}
	s.equal(give(file.ID), 0)
	s.equal(give(file.ID, inner.ID, core.NodeID(s.id())), 1)
	s.equal(give(), 0)
	s.must(s.save(ana, folder, func() { folder.Purge(noon) }))
	s.equal(give(folder.ID), 0)
	s.equal(len(s.held(ben, noon)), 2) // that inner is below it, the application has checked before
	s.wantErr(s.may(ben, inner.ID, noon), core.ErrNotFound)
}

// holdersFound: page by page, those who have a product now.
func holdersFound(s storeTest) {
	ana := s.signUp("ana")
	x, m := s.product(ana, core.Digital), s.product(ana, core.Membership)
	var bought, joined []core.TransactionID
	for i := range 5 {
		p := s.signUp(fmt.Sprintf("p%d", i))
		bought, joined = append(bought, s.buy(p, x).ID), append(joined, s.buy(p, m).ID)
	}
	s.order(ana, x)
	page := func(x *core.Product, after core.TransactionID, limit int) (ids []core.TransactionID) {
		s.Helper()
		s.update(func(tx ports.Tx) error {
			found, err := tx.Transactions.Holders(s.Context(), x.ID, after, limit)
			for _, h := range found {
				ids = append(ids, h.Transaction.ID)
				s.equal(&h.Transaction, s.sale(tx, h.Transaction.ID))
				s.equal(h.Subscription != nil, x.Type == core.Membership)
				if h.Subscription != nil {
					s.equal(h.Subscription.TransactionID, h.Transaction.ID)
				}
			}
			return err
		})
		return ids
	}
	s.equal(page(x, core.TransactionID{}, 9), bought)
	s.equal(page(x, bought[1], 2), bought[2:4])
	s.equal(page(m, core.TransactionID{}, 9), joined)
	t := s.getTransaction(bought[2])
	_, err := t.Refund(t.Price.Amount, noon)
	s.must(err)
	s.must(s.saveTransaction(t))
	s.equal(page(x, core.TransactionID{}, 9), slices.Delete(slices.Clone(bought), 2, 3))
	s.update(func(tx ports.Tx) error {
		sub, err := tx.Subscriptions.Lock(s.Context(), s.sale(tx, joined[0]).SubscriptionID)
		s.must(err)
		sub.End(noon)
		return tx.Subscriptions.Save(s.Context(), sub)
	})
	s.equal(page(m, core.TransactionID{}, 9), joined[1:])
}

func (s storeTest) sale(tx ports.Tx, id core.TransactionID) *core.Transaction {
	t, err := tx.Transactions.Find(s.Context(), id)
	s.must(err)
	return t
}

// boughtContents: a folder that was bought is looked into page by page, also in
// the trash.
func boughtContents(s storeTest) {
	ana := s.signUp("ana")
	folder := s.folder(ana, ana.root(), "F")
	var want []core.NodeID
	for _, name := range []string{"B", "a", "é"} {
		want = append(want, s.folder(ana, folder.ID, name).ID)
	}
	first := s.finish(s.reserveIn(ana, folder.ID, "same", 1))
	s.trash(first)
	before := s.finish(s.reserveIn(ana, folder.ID, "trashed before it was bought", 1))
	s.must(s.save(ana, &before.Node, func() { before.Trash(noon.Add(-time.Hour)) }))
	second := s.finish(s.reserveIn(ana, folder.ID, "same", 1))
	want = append(want, first.ID, second.ID)
	s.reserveIn(ana, folder.ID, "pending", 1)
	gone := s.folder(ana, folder.ID, "gone")
	s.must(s.save(ana, gone, func() { gone.Purge(noon) }))
	s.must(s.save(ana, folder, func() { folder.Trash(noon) }))
	for _, limit := range []int{1, 2, 3, 9} {
		var got []core.NodeID
		q := ports.ContentsQuery{DriveID: ana.drive.ID, ParentID: folder.ID, Bought: noon.Add(-time.Minute), Limit: limit}
		for more := true; more; {
			s.view(func(tx ports.Tx) error {
				page, err := tx.Entitlements.Contents(s.Context(), q)
				for _, e := range page {
					got = append(got, e.Node.ID)
					q.After = ports.ContentsPosition{Kind: e.Node.Kind, Name: e.Node.Name, ID: e.Node.ID}
				}
				more = len(page) == limit
				return err
			})
		}
		s.equal(got, want)
	}
}

// liveBelow: whoever wants to remove something for good is told how many have
// bought it, or a part of it, or more.
func liveBelow(s storeTest) {
	ana, ben, eve := s.signUp("ana"), s.signUp("ben"), s.signUp("eve")
	a := s.folder(ana, ana.root(), "a")
	b := s.folder(ana, a.ID, "b")
	c := s.folder(ana, b.ID, "c")
	file := s.finish(s.reserveIn(ana, c.ID, "f", 1))
	beside := s.folder(ana, a.ID, "beside")
	x := s.product(ana, core.Digital, b.ID)
	m := s.product(ana, core.Membership, b.ID, file.ID)
	live := func(node core.NodeID, at time.Time) (n int64) {
		s.Helper()
		s.update(func(tx ports.Tx) (err error) {
			s.must(tx.Drives.Lock(s.Context(), ana.org.ID, true, ana.drive.ID))
			e, err := tx.Nodes.Get(s.Context(), ana.drive.ID, node)
			s.must(err)
			n, err = tx.Entitlements.LiveBelow(s.Context(), &e.Node, at)
			return err
		})
		return n
	}
	s.equal(live(ana.root(), noon), int64(0))
	t := s.buy(ben, x)
	s.buy(eve, x)
	s.buy(ben, m)
	for node, want := range map[core.NodeID]int64{ana.root(): 4, a.ID: 4, b.ID: 4, c.ID: 4, file.ID: 4, beside.ID: 0} {
		s.equal(live(node, noon), want)
	}
	over := noon.AddDate(0, 0, m.SubscriptionDays).Add(grace)
	s.equal(live(file.ID, over), int64(2))
	s.must(s.unlink(x, b.ID)) // who has it keeps it
	s.equal(live(a.ID, over), int64(2))
	s.update(func(tx ports.Tx) error {
		_, err := tx.Entitlements.Revoke(s.Context(), t.ID, noon)
		return err
	})
	s.equal(live(a.ID, over), int64(1))
}

// soldOrRemoved: of a purchase and a removal at once, one comes first: nobody
// pays for what is removed at that moment.
func soldOrRemoved(s storeTest) {
	ana := s.signUp("ana")
	for round := range 10 {
		buyer := s.signUp(fmt.Sprintf("b%d", round))
		file := s.finish(s.reserve(ana, fmt.Sprint(round), 1))
		x := s.product(ana, core.Digital, file.ID)
		order, ids := s.order(buyer, x), s.mint(4)
		n := s.nodeOf(ana, file.ID)
		var wg sync.WaitGroup
		var live int64
		wg.Go(func() {
			_, err := s.completeAs(order.ID, ids)
			s.must(err)
		})
		wg.Go(func() {
			s.must(s.Update(s.Context(), func(tx ports.Tx) (err error) {
				s.must(tx.Drives.Lock(s.Context(), ana.org.ID, true, ana.drive.ID))
				live, err = tx.Entitlements.LiveBelow(s.Context(), n, noon)
				if err != nil || live > 0 {
					return err
				}
				n.Purge(noon)
				return tx.Nodes.Save(s.Context(), n)
			}))
		})
		wg.Wait()
		held := len(s.held(buyer, noon))
		if purged := live == 0; purged == (held > 0) {
			s.Errorf("round %d: purged %v, and the buyer has %d", round, purged, held)
		}
	}
}
