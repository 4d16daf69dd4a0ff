package contract

import (
	"errors"
	"slices"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func eventIDs(es []*core.Event) []core.EventID {
	ids := make([]core.EventID, len(es))
	for i, e := range es {
		ids[i] = e.ID
	}
	return ids
}

func (s storeTest) newEvent(org core.OrgID) *core.Event {
	return core.NewEvent(s.id(), org, "asset.uploaded", map[string]any{"name": "é"}, noon)
}

func (s storeTest) addEvents(es ...*core.Event) {
	s.Helper()
	s.update(func(tx ports.Tx) error { return tx.Events.Add(s.Context(), es...) })
}

func eventsWait(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	waiting := func(org core.OrgID, limit int, want ...*core.Event) {
		s.Helper()
		s.update(func(tx ports.Tx) error {
			got, err := tx.Events.Waiting(s.Context(), org, limit)
			s.equal(eventIDs(got), eventIDs(want))
			return err
		})
	}
	s.addEvents(s.newEvent(ana.org.ID))
	off := s.newWebhook(ana)
	off.Active = false
	s.addWebhook(off)
	s.addEvents(s.newEvent(ana.org.ID))
	s.webhook(ana)
	a, b, c := s.newEvent(ana.org.ID), s.newEvent(ana.org.ID), s.newEvent(ana.org.ID)
	s.addEvents(a, b)
	s.addEvents(c)
	s.addEvents(s.newEvent(ben.org.ID))
	waiting(ana.org.ID, 9, a, b, c)
	waiting(ana.org.ID, 2, a, b)
	waiting(ben.org.ID, 9)
	s.update(func(tx ports.Tx) error {
		s.must(tx.Events.Told(s.Context(), ben.org.ID, a.ID)) // not its own
		s.must(tx.Events.Told(s.Context(), ana.org.ID))
		return tx.Events.Told(s.Context(), ana.org.ID, a.ID, c.ID)
	})
	waiting(ana.org.ID, 9, b)
	untold := func(after core.OrgID, limit int, want ...core.OrgID) {
		s.Helper()
		s.view(func(tx ports.Tx) error {
			got, err := tx.Events.Untold(s.Context(), after, limit)
			s.equal(append([]core.OrgID{}, got...), append([]core.OrgID{}, want...))
			return err
		})
	}
	untold(core.OrgID{}, 9, ana.org.ID)
	s.webhook(ben)
	s.addEvents(s.newEvent(ben.org.ID), s.newEvent(ben.org.ID))
	untold(core.OrgID{}, 9, ana.org.ID, ben.org.ID)
	untold(core.OrgID{}, 1, ana.org.ID)
	untold(ana.org.ID, 9, ben.org.ID)
	untold(ben.org.ID, 9)
}

// eventsToldOnce: however many look at once, each event becomes one delivery.
func eventsToldOnce(s storeTest) {
	ana := s.signUp("ana")
	w := s.webhook(ana)
	for range 30 {
		s.addEvents(s.newEvent(ana.org.ID))
	}
	ids := make([][][16]byte, racers)
	for i := range ids {
		for range 40 {
			ids[i] = append(ids[i], s.id())
		}
	}
	s.equal(s.race(nil, func(i int) error {
		for more := true; more; {
			err := s.Update(s.Context(), func(tx ports.Tx) error {
				es, err := tx.Events.Waiting(s.Context(), ana.org.ID, 7)
				if err != nil {
					return err
				}
				more = len(es) > 0
				var ds []*core.Delivery
				for _, e := range es {
					ds = append(ds, core.NewDelivery(ids[i][0], w, e, []byte("{}"), noon))
					ids[i] = ids[i][1:]
				}
				return errors.Join(tx.Deliveries.Add(s.Context(), ds...), tx.Events.Told(s.Context(), ana.org.ID, eventIDs(es)...))
			})
			if err != nil {
				return err
			}
		}
		return nil
	}), racers)
	found := s.deliveryIDs(ports.DeliveryQuery{OrgID: ana.org.ID, WebhookID: w.ID, Limit: 99})
	s.equal(len(slices.Compact(found)), 30)
}
