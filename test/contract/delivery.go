package contract

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// newDelivery makes a delivery of a new event that is not stored.
func (s storeTest) newDelivery(w *core.Webhook) *core.Delivery {
	e := &core.Event{ID: core.EventID(s.id()), OrgID: w.OrgID, Type: "asset.uploaded"}
	return core.NewDelivery(core.DeliveryID(s.id()), w, e, []byte(`{"data":{"é":"中\u0000<>"}}`), noon)
}

func (s storeTest) addDeliveries(ds ...*core.Delivery) {
	s.Helper()
	s.update(func(tx ports.Tx) error { return tx.Deliveries.Add(s.Context(), ds...) })
}

// deliver stores a delivery that is due at noon.
func (s storeTest) deliver(w *core.Webhook) *core.Delivery {
	s.Helper()
	d := s.newDelivery(w)
	s.addDeliveries(d)
	return d
}

// delivery returns a delivery as it is stored.
func (s storeTest) delivery(d *core.Delivery) (got *core.Delivery) {
	s.Helper()
	s.view(func(tx ports.Tx) (err error) {
		got, err = tx.Deliveries.Get(s.Context(), d.OrgID, d.WebhookID, d.ID)
		return err
	})
	return got
}

func deliveryEqual(s storeTest) {
	w := s.webhook(s.signUp("ana"))
	d := s.deliver(w)
	s.equal(s.delivery(d), d)
	d.Attempted(core.Attempt{
		At: noon, URL: w.URL, Status: 503, Header: map[string]string{"Retry-After": "é\"1"}, Body: "中 <busy>", Error: "no", Took: 1500 * time.Microsecond,
	}, 0.5, noon.Add(time.Second))
	s.update(func(tx ports.Tx) error { return tx.Deliveries.Save(s.Context(), d) })
	s.equal(s.delivery(d), d)
	d.Attempted(core.Attempt{At: noon, URL: w.URL, Status: 200}, 0.5, noon)
	s.update(func(tx ports.Tx) error { return tx.Deliveries.Save(s.Context(), d) })
	s.equal(s.delivery(d), d)

	twin, other := s.newDelivery(w), s.newDelivery(w)
	twin.EventID = d.EventID
	s.addDeliveries(twin, other)
	s.equal(s.delivery(d), d)
	s.equal(s.delivery(other), other)
	s.view(func(tx ports.Tx) error {
		_, err := tx.Deliveries.Get(s.Context(), twin.OrgID, twin.WebhookID, twin.ID)
		s.wantErr(err, core.ErrNotFound)
		return nil
	})
	many := make([]*core.Delivery, 250)
	for i := range many {
		many[i] = s.newDelivery(w)
	}
	s.addDeliveries(many...)
	s.equal(s.delivery(many[249]), many[249])
}

func (s storeTest) deliveryIDs(q ports.DeliveryQuery) (ids []core.DeliveryID) {
	s.Helper()
	s.view(func(tx ports.Tx) error {
		found, err := tx.Deliveries.List(s.Context(), q)
		for _, d := range found {
			ids = append(ids, d.ID)
		}
		return err
	})
	return ids
}

func deliveryLists(s storeTest) {
	ana := s.signUp("ana")
	w, other := s.webhook(ana), s.webhook(ana)
	s.deliver(other)
	var want []core.DeliveryID
	for i := range 6 {
		d := s.newDelivery(w)
		switch i % 3 {
		case 1:
			d.Attempted(core.Attempt{Status: 200}, 0, noon)
		case 2:
			d.Attempted(core.Attempt{Status: 410}, 0, noon)
		}
		s.addDeliveries(d)
		want = append([]core.DeliveryID{d.ID}, want...)
	}
	q := ports.DeliveryQuery{OrgID: ana.org.ID, WebhookID: w.ID, Limit: 9}
	s.equal(s.deliveryIDs(q), want)
	q.Limit = 2
	s.equal(s.deliveryIDs(q), want[:2])
	q.Before = want[1]
	s.equal(s.deliveryIDs(q), want[2:4])
	for i, status := range []core.DeliveryStatus{core.DeliveryFailed, core.DeliveryDelivered, core.DeliveryPending} {
		s.equal(s.deliveryIDs(ports.DeliveryQuery{OrgID: ana.org.ID, WebhookID: w.ID, Status: status, Limit: 9}), []core.DeliveryID{want[i], want[i+3]})
	}
}

func deliveryEnds(s storeTest) {
	ana := s.signUp("ana")
	w, other := s.webhook(ana), s.webhook(ana)
	done, pending, others := s.newDelivery(w), s.deliver(w), s.deliver(other)
	done.Attempted(core.Attempt{Status: 200}, 0, noon)
	done.CreatedAt = noon.Add(-time.Microsecond)
	s.addDeliveries(done)
	tried := s.newDelivery(w)
	tried.Attempted(core.Attempt{At: noon, URL: w.URL, Status: 500, Body: "é"}, 0, noon)
	s.addDeliveries(tried)
	giveUp := func(limit int) {
		s.update(func(tx ports.Tx) error {
			return tx.Deliveries.GiveUp(s.Context(), ana.org.ID, w.ID, "é \"it\"", limit)
		})
	}
	giveUp(1) // what is due first
	pending.GiveUp("é \"it\"")
	s.equal(s.delivery(pending), pending)
	s.equal(s.delivery(tried), tried)
	giveUp(9)
	tried.GiveUp("é \"it\"")
	s.equal(s.delivery(tried), tried)
	s.equal(s.delivery(done), done)
	s.equal(s.delivery(others), others)
	pruned := func(t time.Time, most, limit, want int) {
		s.Helper()
		s.update(func(tx ports.Tx) error {
			n, err := tx.Deliveries.Prune(s.Context(), t, most, limit)
			s.equal(n, want)
			return err
		})
	}
	kept := func(w *core.Webhook, want ...*core.Delivery) {
		s.Helper()
		s.equal(deliveryIDsOf(want), s.deliveryIDs(ports.DeliveryQuery{OrgID: ana.org.ID, WebhookID: w.ID, Limit: 9}))
	}
	pruned(noon, 9, 9, 1)
	kept(w, tried, pending)
	pruned(noon.Add(time.Microsecond), 9, 1, 1)
	pruned(noon.Add(time.Microsecond), 9, 9, 1)
	kept(w)
	kept(other, others) // which is pending still
	_, second, third := s.deliver(w), s.deliver(w), s.deliver(w)
	pruned(noon, 3, 9, 0)
	pruned(noon, 2, 9, 1)
	kept(w, third, second)
	pruned(noon, 1, 1, 1)
	pruned(noon, 1, 9, 0)
	kept(w, third)
	kept(other, others)
}

func deliveryIDsOf(ds []*core.Delivery) (ids []core.DeliveryID) {
	for _, d := range ds {
		ids = append(ids, d.ID)
	}
	return ids
}

// due returns the webhooks that are due, at most two of an org.
func (s storeTest) due(now time.Time, limit int) (refs []ports.WebhookRef) {
	s.Helper()
	const share = 2
	s.view(func(tx ports.Tx) (err error) {
		refs, err = tx.Dispatches.Due(s.Context(), now, share, limit)
		return err
	})
	return refs
}

func refOf(w *core.Webhook) ports.WebhookRef { return ports.WebhookRef{OrgID: w.OrgID, ID: w.ID} }

func deliveriesDue(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	first, second, third := s.webhook(ana), s.webhook(ben), s.webhook(ana)
	add := func(w *core.Webhook, at time.Time) *core.Delivery {
		d := s.newDelivery(w)
		d.NextAt = at
		s.addDeliveries(d)
		return d
	}
	late, early := add(first, noon.Add(2*time.Second)), add(first, noon.Add(time.Second))
	add(second, noon)
	add(third, noon.Add(time.Hour))
	s.equal(s.due(noon.Add(-1), 9), []ports.WebhookRef{})
	s.equal(s.due(noon.Add(3*time.Second), 9), []ports.WebhookRef{refOf(second), refOf(first)})
	s.equal(s.due(noon.Add(3*time.Second), 1), []ports.WebhookRef{refOf(second)})

	now, until := noon.Add(3*time.Second), noon.Add(30*time.Second)
	lease := s.id()
	s.update(func(tx ports.Tx) error {
		w, d, err := tx.Dispatches.Claim(s.Context(), refOf(first), lease, now, until)
		s.must(err)
		s.equal(w, first)
		s.equal(d, early)
		return nil
	})
	s.equal(s.due(now, 9), []ports.WebhookRef{refOf(second)})
	claim := func(w *core.Webhook, org core.OrgID, at time.Time) error {
		return s.Update(s.Context(), func(tx ports.Tx) error {
			_, _, err := tx.Dispatches.Claim(s.Context(), ports.WebhookRef{OrgID: org, ID: w.ID}, s.id(), at, at.Add(time.Minute))
			return err
		})
	}
	s.wantErr(claim(first, ana.org.ID, now), core.ErrNotFound)                                // held
	s.wantErr(claim(third, ana.org.ID, now), core.ErrNotFound)                                // nothing is due
	s.wantErr(claim(second, ana.org.ID, now), core.ErrNotFound)                               // another org's
	s.equal(s.due(now.Add(time.Hour), 9)[1:], []ports.WebhookRef{refOf(third), refOf(first)}) // as it was before

	early.Attempted(core.Attempt{At: now, Status: 200}, 0, now)
	first.FailingSince = noon
	s.update(func(tx ports.Tx) error {
		return tx.Dispatches.Settle(s.Context(), lease, first, early, now.Add(5*time.Second))
	})
	s.equal(s.delivery(early), early)
	s.equal(s.gotWebhook(ana.org.ID, first.ID), first)
	s.equal(s.due(now.Add(4*time.Second), 9), []ports.WebhookRef{refOf(second)}) // it rests
	s.equal(s.due(now.Add(5*time.Second), 9), []ports.WebhookRef{refOf(second), refOf(first)})
	s.wantErr(s.Update(s.Context(), func(tx ports.Tx) error {
		return tx.Dispatches.Settle(s.Context(), lease, first, late, now)
	}), core.ErrStale) // held no more
	s.update(func(tx ports.Tx) error { return tx.Dispatches.Hurry(s.Context(), refOf(first), now) })
	s.equal(s.due(now, 9), []ports.WebhookRef{refOf(second), refOf(first)})
	s.must(claim(first, ana.org.ID, now))
	s.update(func(tx ports.Tx) error { return tx.Dispatches.Hurry(s.Context(), refOf(first), now) })
	s.equal(s.due(now, 9), []ports.WebhookRef{refOf(second)}) // held
	s.equal(s.delivery(late), late)
}

// deliveriesShared: an org with many webhooks holds a share of what can be held,
// those that hold few come first, and in an org those that have waited longest.
func deliveriesShared(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	var anas []*core.Webhook
	for range 4 {
		w := s.webhook(ana)
		s.deliver(w)
		s.deliver(w)
		anas = append(anas, w)
	}
	bens := s.webhook(ben)
	late := s.newDelivery(bens)
	late.NextAt = noon.Add(time.Minute)
	s.addDeliveries(late)
	now := late.NextAt
	s.equal(s.due(now, 9), []ports.WebhookRef{refOf(anas[0]), refOf(bens), refOf(anas[1])})
	s.equal(s.due(now, 2), []ports.WebhookRef{refOf(anas[0]), refOf(bens)})
	claim := func(w *core.Webhook) (lease [16]byte, d *core.Delivery) {
		lease = s.id()
		s.update(func(tx ports.Tx) (err error) {
			_, d, err = tx.Dispatches.Claim(s.Context(), refOf(w), lease, now, now.Add(time.Minute))
			return err
		})
		return lease, d
	}
	lease, d := claim(anas[0])
	s.equal(s.due(now, 9), []ports.WebhookRef{refOf(bens), refOf(anas[1])})
	claim(anas[1])
	s.equal(s.due(now, 9), []ports.WebhookRef{refOf(bens)})
	d.Attempted(core.Attempt{At: now, Status: 200}, 0, now)
	s.update(func(tx ports.Tx) error { return tx.Dispatches.Settle(s.Context(), lease, anas[0], d, now) })
	s.equal(s.due(now, 9), []ports.WebhookRef{refOf(bens), refOf(anas[2])}) // its other waits behind those
	s.equal(s.due(now.Add(time.Minute), 9), []ports.WebhookRef{refOf(anas[2]), refOf(bens), refOf(anas[3])})
}

// deliveriesSilent: one that is switched off is due at once, whatever waits for it.
func deliveriesSilent(s storeTest) {
	ana := s.signUp("ana")
	w := s.newWebhook(ana)
	w.Active = false
	s.addWebhook(w)
	s.equal(s.due(noon, 9), []ports.WebhookRef{})
	d := s.newDelivery(w)
	d.NextAt = noon.Add(time.Hour)
	s.addDeliveries(d)
	s.equal(s.due(noon, 9), []ports.WebhookRef{refOf(w)})
	s.update(func(tx ports.Tx) error {
		got, waits, err := tx.Dispatches.Claim(s.Context(), refOf(w), s.id(), noon, noon.Add(time.Minute))
		s.equal(got, w)
		s.equal(waits, d)
		return err
	})
}

// deliveryClaimRace: whoever claims a webhook is alone with it until it settles.
func deliveryClaimRace(s storeTest) {
	w := s.webhook(s.signUp("ana"))
	const all = 12
	for range all {
		s.deliver(w)
	}
	leases := make([][16]byte, racers)
	for i := range leases {
		leases[i] = s.id()
	}
	var alone, delivered atomic.Int64
	s.equal(s.race(nil, func(i int) error {
		for delivered.Load() < all {
			var held *core.Webhook
			var d *core.Delivery
			err := s.Update(s.Context(), func(tx ports.Tx) (err error) {
				held, d, err = tx.Dispatches.Claim(s.Context(), refOf(w), leases[i], noon, noon.Add(time.Minute))
				return err
			})
			if errors.Is(err, core.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if n := alone.Add(1); n != 1 {
				s.Errorf("%d at once", n)
			}
			if d.Attempts != 0 {
				s.Errorf("a delivery comes again: %+v", d)
			}
			d.Attempted(core.Attempt{At: noon, Status: 204}, 0, noon)
			alone.Add(-1)
			if err := s.Update(s.Context(), func(tx ports.Tx) error {
				return tx.Dispatches.Settle(s.Context(), leases[i], held, d, noon)
			}); err != nil {
				return err
			}
			delivered.Add(1)
		}
		return nil
	}), racers)
	s.equal(len(s.deliveryIDs(ports.DeliveryQuery{OrgID: w.OrgID, WebhookID: w.ID, Status: core.DeliveryDelivered, Limit: 99})), all)
}

// deliveryLeaseOver: what somebody has claimed who then died is claimed again,
// and if they were only slow, they come too late.
func deliveryLeaseOver(s storeTest) {
	w := s.webhook(s.signUp("ana"))
	d := s.deliver(w)
	slow, fresh := s.id(), s.id()
	claim := func(lease [16]byte, at time.Time) error {
		return s.Update(s.Context(), func(tx ports.Tx) error {
			_, _, err := tx.Dispatches.Claim(s.Context(), refOf(w), lease, at, at.Add(time.Minute))
			return err
		})
	}
	s.must(claim(slow, noon))
	s.wantErr(claim(fresh, noon.Add(time.Minute-time.Microsecond)), core.ErrNotFound)
	s.equal(s.due(noon.Add(time.Minute), 9), []ports.WebhookRef{refOf(w)})
	s.must(claim(fresh, noon.Add(time.Minute)))
	settle := func(lease [16]byte, status int) error {
		mine := *d
		mine.Attempted(core.Attempt{At: noon, Status: status}, 0, noon)
		return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Dispatches.Settle(s.Context(), lease, w, &mine, noon) })
	}
	s.wantErr(settle(slow, 500), core.ErrStale)
	s.equal(s.delivery(d), d)
	s.must(settle(fresh, 200))
	s.equal(s.delivery(d).Status, core.DeliveryDelivered)
	s.update(func(tx ports.Tx) error { return tx.Webhooks.Remove(s.Context(), w.OrgID, w.ID) })
	s.wantErr(settle(fresh, 200), core.ErrStale)
}
