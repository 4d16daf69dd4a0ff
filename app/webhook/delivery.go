package webhook

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Ping sends an event that says nothing, to see whether it arrives. It returns
// core.ErrWebhookInactive, and errors with the code feature_unavailable.
func (s *Service) Ping(ctx context.Context, a core.Actor, org core.OrgID, id core.WebhookID, once *app.Once) (d *core.Delivery, err error) {
	if _, err := s.may(ctx, a, org); err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	err = once.Do(ctx, s.Store, s.Secrets, now, func(tx ports.Tx) error {
		w, err := s.ready(ctx, tx, org, id, now)
		if err != nil {
			return err
		}
		e := core.NewEvent(s.IDs.NewID(), org, core.EventPing, map[string]any{"webhook_id": id.String()}, now)
		body, err := app.EventBody(e)
		if err != nil {
			return err
		}
		d = core.NewDelivery(core.DeliveryID(s.IDs.NewID()), w, e, body, now)
		if err := tx.Deliveries.Add(ctx, d); err != nil {
			return err
		}
		return once.Keep(ctx, tx, s.Secrets, d, now)
	})
	wake(s.due)
	return d, err
}

// ready returns a webhook that something can be sent to, at once.
func (s *Service) ready(ctx context.Context, tx ports.Tx, org core.OrgID, id core.WebhookID, now time.Time) (*core.Webhook, error) {
	w, err := tx.Webhooks.Lock(ctx, org, id)
	if err != nil {
		return nil, err
	}
	if err := s.licensed(ctx, tx, org); err != nil {
		return nil, err
	}
	if !w.Active {
		return nil, core.ErrWebhookInactive
	}
	return w, s.follow(ctx, tx, w, now)
}

// Deliveries returns what was, and is to be, sent to a webhook, newest first.
func (s *Service) Deliveries(ctx context.Context, a core.Actor, q ports.DeliveryQuery) (ds []*core.Delivery, err error) {
	if _, err := s.may(ctx, a, q.OrgID); err != nil {
		return nil, err
	}
	err = s.Store.View(ctx, func(tx ports.Tx) (err error) {
		if _, err := tx.Webhooks.Get(ctx, q.OrgID, q.WebhookID); err != nil {
			return err
		}
		ds, err = tx.Deliveries.List(ctx, q)
		return err
	})
	return ds, err
}

// Redeliver sends a delivery again, whatever has become of it: the same message
// with the same id. It returns core.ErrWebhookInactive, and errors with the code
// feature_unavailable.
func (s *Service) Redeliver(
	ctx context.Context, a core.Actor, org core.OrgID, webhook core.WebhookID, id core.DeliveryID,
) (d *core.Delivery, err error) {
	f, err := s.may(ctx, a, org)
	if err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	err = s.Store.Update(ctx, func(tx ports.Tx) error {
		w, err := s.ready(ctx, tx, org, webhook, now)
		if err != nil {
			return err
		}
		if d, err = tx.Deliveries.Get(ctx, org, webhook, id); err != nil {
			return err
		}
		d.Again(now)
		if err := tx.Deliveries.Save(ctx, d); err != nil {
			return err
		}
		return s.record(ctx, tx, f, a, "webhook.redelivered", w, map[string]core.Change{"delivery": {To: id.String()}})
	})
	wake(s.due)
	return d, err
}
