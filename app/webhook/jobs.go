package webhook

import (
	"context"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const (
	fanOutBatch = 50  // events at a time
	fanOutTurn  = 4   // times, until other orgs get their turn
	fanOutPage  = 100 // orgs
)

// EventsWait makes Run tell webhooks at once.
func (s *Service) EventsWait() { wake(s.waiting) }

// FanOut makes a delivery of each event that waits for each webhook that wants
// it, exactly once, however many do so at once. Each org gets its turn; it
// reports whether there may be more.
func (s *Service) FanOut(ctx context.Context) (more bool, err error) {
	var failed []error
	var after core.OrgID
	for ctx.Err() == nil {
		var orgs []core.OrgID
		err := s.Store.View(ctx, func(tx ports.Tx) (err error) {
			orgs, err = tx.Events.Untold(ctx, after, fanOutPage)
			return err
		})
		for _, org := range orgs {
			full, err := s.fanOut(ctx, org)
			more, failed = more || full, append(failed, err)
			after = org
		}
		if err != nil || len(orgs) < fanOutPage {
			return more, errors.Join(append(failed, err)...)
		}
	}
	return more, errors.Join(failed...)
}

// fanOut is an org's turn.
func (s *Service) fanOut(ctx context.Context, org core.OrgID) (more bool, err error) {
	defer wake(s.due)
	for range fanOutTurn {
		var n int
		err := s.Store.Update(ctx, func(tx ports.Tx) error {
			events, err := tx.Events.Waiting(ctx, org, fanOutBatch)
			if err != nil {
				return err
			}
			n = len(events)
			return s.spread(ctx, tx, org, events)
		})
		if err != nil || n < fanOutBatch {
			return false, err
		}
	}
	return true, nil
}

// spread makes the deliveries of events, and ends their waiting.
func (s *Service) spread(ctx context.Context, tx ports.Tx, org core.OrgID, events []*core.Event) error {
	if len(events) == 0 {
		return nil
	}
	hooks, err := s.listeners(ctx, tx, org)
	if err != nil {
		return err
	}
	now := s.Clock.Now()
	ids := make([]core.EventID, len(events))
	var deliveries []*core.Delivery
	for i, e := range events {
		ids[i] = e.ID
		body, err := app.EventBody(e)
		if err != nil {
			return err
		}
		for _, w := range hooks {
			if w.Wants(e.Type) {
				deliveries = append(deliveries, core.NewDelivery(core.DeliveryID(s.IDs.NewID()), w, e, body, now))
			}
		}
	}
	if err := tx.Deliveries.Add(ctx, deliveries...); err != nil {
		return err
	}
	return tx.Events.Told(ctx, org, ids...)
}

// listeners returns the webhooks that are to be told. A licence that no longer
// includes webhooks leaves them where they are, and tells them nothing.
func (s *Service) listeners(ctx context.Context, tx ports.Tx, org core.OrgID) ([]*core.Webhook, error) {
	err := s.licensed(ctx, tx, org)
	if core.KindOf(err) == core.KindForbidden {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return tx.Webhooks.List(ctx, ports.WebhookQuery{OrgID: org, Active: true, Limit: core.MaxWebhooks})
}

// Prune is the job that forgets old deliveries.
type Prune struct{}

// Kind implements ports.Job.
func (Prune) Kind() string { return "webhook.prune" }

const (
	deliveryRetention = 30 * 24 * time.Hour
	pruneBatch        = 500
)

// Prune removes some deliveries at a time.
func (s *Service) Prune(ctx context.Context, _ Prune) error {
	until := s.Clock.Now().Add(-deliveryRetention)
	for ctx.Err() == nil {
		var n int
		err := s.Store.Update(ctx, func(tx ports.Tx) (err error) {
			n, err = tx.Deliveries.Prune(ctx, until, core.MaxDeliveries, pruneBatch)
			return err
		})
		if err != nil || n == 0 {
			return err
		}
	}
	return ctx.Err()
}

// lost reports that somebody else has the delivery now, or that it is gone.
func lost(err error) bool { return errors.Is(err, core.ErrNotFound) || errors.Is(err, core.ErrStale) }
