package contract

import (
	"fmt"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// newWebhook makes a webhook that is not stored yet.
func (s storeTest) newWebhook(p person) *core.Webhook {
	return &core.Webhook{
		ID: core.WebhookID(s.id()), OrgID: p.org.ID, URL: "https://example.com/hooks?é=中", Events: []string{"asset.*"}, Description: "é 中",
		Active: true, Secret: []byte{1, 0, 2}, CreatedBy: p.account.ID, Version: 1, CreatedAt: noon, UpdatedAt: noon,
	}
}

func (s storeTest) addWebhook(w *core.Webhook) {
	s.Helper()
	s.update(func(tx ports.Tx) error { return tx.Webhooks.Add(s.Context(), w, core.MaxWebhooks) })
}

// webhook stores a webhook of a person's org.
func (s storeTest) webhook(p person) *core.Webhook {
	s.Helper()
	w := s.newWebhook(p)
	s.addWebhook(w)
	return w
}

func (s storeTest) gotWebhook(org core.OrgID, id core.WebhookID) (w *core.Webhook) {
	s.Helper()
	s.view(func(tx ports.Tx) (err error) {
		w, err = tx.Webhooks.Get(s.Context(), org, id)
		return err
	})
	return w
}

func webhookEqual(s storeTest) {
	ana := s.signUp("ana")
	w := s.newWebhook(ana)
	w.Active, w.Disabled, w.DisabledAt = false, core.DisabledFailing, noon.Add(time.Second)
	w.OldSecret, w.OldSecretUntil, w.FailingSince = []byte{3}, noon.Add(time.Hour), noon.Add(-time.Hour)
	s.addWebhook(w)
	s.equal(s.gotWebhook(ana.org.ID, w.ID), w)
	url, filter, active := "https://other.example", []string{}, true
	w.Change(core.WebhookChange{URL: &url, Events: &filter, Active: &active}, noon.Add(time.Minute))
	w.Rotate([]byte{4}, noon.Add(time.Minute))
	w.Version--
	s.update(func(tx ports.Tx) error { return tx.Webhooks.Save(s.Context(), w) })
	s.equal(s.gotWebhook(ana.org.ID, w.ID), w)
	s.update(func(tx ports.Tx) error {
		locked, err := tx.Webhooks.Lock(s.Context(), ana.org.ID, w.ID)
		s.equal(locked, w)
		return err
	})
}

func webhookIsolation(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	w := s.webhook(ana)
	d := s.deliver(w)
	s.update(func(tx ports.Tx) error {
		ctx := s.Context()
		_, err := tx.Webhooks.Get(ctx, ben.org.ID, w.ID)
		s.wantErr(err, core.ErrNotFound)
		_, err = tx.Webhooks.Lock(ctx, ben.org.ID, w.ID)
		s.wantErr(err, core.ErrNotFound)
		s.wantErr(tx.Webhooks.Remove(ctx, ben.org.ID, w.ID), core.ErrNotFound)
		s.wantErr(tx.Webhooks.Remove(ctx, ana.org.ID, core.WebhookID(s.id())), core.ErrNotFound)
		stolen := *w
		stolen.OrgID, stolen.Version = ben.org.ID, 2
		s.wantErr(tx.Webhooks.Save(ctx, &stolen), core.ErrStale)
		list, err := tx.Webhooks.List(ctx, ports.WebhookQuery{OrgID: ben.org.ID, Limit: 9})
		s.must(err)
		s.equal(len(list), 0)
		_, err = tx.Deliveries.Get(ctx, ben.org.ID, w.ID, d.ID)
		s.wantErr(err, core.ErrNotFound)
		_, err = tx.Deliveries.Get(ctx, ana.org.ID, core.WebhookID(s.id()), d.ID)
		s.wantErr(err, core.ErrNotFound)
		other := *d
		other.OrgID = ben.org.ID
		s.wantErr(tx.Deliveries.Save(ctx, &other), core.ErrNotFound)
		s.must(tx.Deliveries.GiveUp(ctx, ben.org.ID, w.ID, "no", 9))
		none, err := tx.Deliveries.List(ctx, ports.DeliveryQuery{OrgID: ben.org.ID, WebhookID: w.ID, Limit: 9})
		s.equal(len(none), 0)
		return err
	})
	s.equal(s.gotWebhook(ana.org.ID, w.ID), w)
	s.equal(s.delivery(d), d)
}

func webhookStale(s storeTest) {
	ana := s.signUp("ana")
	w := s.webhook(ana)
	s.equal(s.race(core.ErrStale, func(i int) error {
		mine := *w
		url := fmt.Sprintf("https://%d.example", i)
		mine.Change(core.WebhookChange{URL: &url}, noon)
		return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Webhooks.Save(s.Context(), &mine) })
	}), 1)
	s.equal(s.gotWebhook(ana.org.ID, w.ID).Version, int64(2))
}

func webhookLimit(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	s.webhook(ben)
	s.webhook(ana)
	all := make([]*core.Webhook, racers)
	for i := range all {
		all[i] = s.newWebhook(ana)
	}
	s.equal(s.race(&core.Error{Code: "limit_exceeded"}, func(i int) error {
		return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Webhooks.Add(s.Context(), all[i], 4) })
	}), 3)
	s.view(func(tx ports.Tx) error {
		list, err := tx.Webhooks.List(s.Context(), ports.WebhookQuery{OrgID: ana.org.ID, Limit: 99})
		s.equal(len(list), 4)
		return err
	})
}

func webhookLists(s storeTest) {
	ana := s.signUp("ana")
	var want []core.WebhookID
	for i := range 5 {
		w := s.newWebhook(ana)
		w.Active = i%2 == 0
		s.addWebhook(w)
		want = append([]core.WebhookID{w.ID}, want...)
	}
	list := func(q ports.WebhookQuery, want ...core.WebhookID) {
		s.Helper()
		q.OrgID = ana.org.ID
		s.view(func(tx ports.Tx) error {
			found, err := tx.Webhooks.List(s.Context(), q)
			got := make([]core.WebhookID, len(found))
			for i, w := range found {
				got[i] = w.ID
			}
			s.equal(got, want)
			return err
		})
	}
	list(ports.WebhookQuery{Limit: 9}, want...)
	list(ports.WebhookQuery{Limit: 2}, want[:2]...)
	list(ports.WebhookQuery{Limit: 9, Before: want[1]}, want[2:]...)
	list(ports.WebhookQuery{Limit: 9, Active: true}, want[0], want[2], want[4])
}

func webhookRemoved(s storeTest) {
	ana := s.signUp("ana")
	w, other := s.webhook(ana), s.webhook(ana)
	gone, stays := s.deliver(w), s.deliver(other)
	s.update(func(tx ports.Tx) error { return tx.Webhooks.Remove(s.Context(), ana.org.ID, w.ID) })
	s.view(func(tx ports.Tx) error {
		_, err := tx.Webhooks.Get(s.Context(), ana.org.ID, w.ID)
		s.wantErr(err, core.ErrNotFound)
		list, err := tx.Webhooks.List(s.Context(), ports.WebhookQuery{OrgID: ana.org.ID, Limit: 9})
		s.equal(len(list), 1)
		return err
	})
	s.wantErr(s.Update(s.Context(), func(tx ports.Tx) error {
		_, err := tx.Webhooks.Lock(s.Context(), ana.org.ID, w.ID)
		return err
	}), core.ErrNotFound)
	s.wantErr(s.Update(s.Context(), func(tx ports.Tx) error { return tx.Webhooks.Remove(s.Context(), ana.org.ID, w.ID) }), core.ErrNotFound)
	s.wantErr(s.Update(s.Context(), func(tx ports.Tx) error {
		changed := *w
		changed.Version++
		return tx.Webhooks.Save(s.Context(), &changed)
	}), core.ErrStale)
	s.equal(s.due(noon, 9), []ports.WebhookRef{refOf(other)})
	s.update(func(tx ports.Tx) error { return tx.Webhooks.Add(s.Context(), s.newWebhook(ana), 2) }) // it counts no more
	late := s.deliver(w)                                                                            // of somebody who had seen it
	prune := func(want int) {
		s.Helper()
		s.update(func(tx ports.Tx) error {
			n, err := tx.Deliveries.Prune(s.Context(), noon, 99, 1)
			s.equal(n, want)
			return err
		})
	}
	prune(1)
	prune(1)
	prune(0)
	s.view(func(tx ports.Tx) error {
		for _, d := range []*core.Delivery{gone, late} {
			_, err := tx.Deliveries.Get(s.Context(), d.OrgID, d.WebhookID, d.ID)
			s.wantErr(err, core.ErrNotFound)
		}
		return nil
	})
	s.equal(s.delivery(stays), stays)
	if err := s.Update(s.Context(), func(tx ports.Tx) error { return tx.Deliveries.Add(s.Context(), s.newDelivery(w)) }); err == nil {
		s.Error("a delivery to a webhook that has gone is stored")
	}
}
