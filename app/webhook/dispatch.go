package webhook

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const (
	maxSenders = 64               // that send at once, each to another webhook
	turn       = 20               // deliveries until others get their turn
	pollEvery  = time.Second      // where nobody says that something is due
	leaseTime  = 30 * time.Second // for which a sender that died holds its webhook
	catchEvery = 30 * time.Second // between looks for events whose job has died
)

// wake makes Run look at once.
func (s *Service) wake() {
	select {
	case s.woken <- struct{}{}:
	default: // it is going to
	}
}

// Run sends what is due, until ctx ends, and then waits for what is being sent.
// At most one delivery at a time is on its way to a webhook, over all servers of
// a database, so that one that is slow or dead holds up no other. What goes
// wrong here is told to failed, and tried again.
func (s *Service) Run(ctx context.Context, failed func(error)) {
	var senders sync.WaitGroup
	defer senders.Wait()
	ticks, catches := time.NewTicker(pollEvery), time.NewTicker(catchEvery)
	defer ticks.Stop()
	defer catches.Stop()
	check := func(err error) {
		if err != nil && ctx.Err() == nil {
			failed(err)
		}
	}
	// The jobs of a server that died run again only after minutes.
	check(s.catchUp(ctx, s.Clock.Now().Add(catchEvery)))
	for ctx.Err() == nil {
		check(s.dispatch(ctx, &senders, failed))
		select {
		case <-ctx.Done():
		case <-ticks.C:
		case <-catches.C:
			check(s.catchUp(ctx, s.Clock.Now().Add(-catchEvery)))
		case <-s.woken:
		}
	}
}

// catchUp does what the jobs of events that have waited since before t should have.
func (s *Service) catchUp(ctx context.Context, t time.Time) error {
	const batch = 100
	var orgs []core.OrgID
	err := s.Store.View(ctx, func(tx ports.Tx) (err error) {
		orgs, err = tx.Events.Overdue(ctx, t, batch)
		return err
	})
	var failed []error
	for _, org := range orgs {
		failed = append(failed, s.FanOut(ctx, app.FanOut{OrgID: org}))
	}
	return errors.Join(append(failed, err)...)
}

// dispatch begins to send to webhooks, as far as there is room.
func (s *Service) dispatch(ctx context.Context, senders *sync.WaitGroup, failed func(error)) error {
	room := cap(s.slots) - len(s.slots)
	if room == 0 {
		return nil // whoever makes room wakes us
	}
	var due []ports.WebhookRef
	err := s.Store.View(ctx, func(tx ports.Tx) (err error) {
		due, err = tx.Dispatches.Due(ctx, s.Clock.Now(), room)
		return err
	})
	if err != nil {
		return err
	}
	for _, ref := range due {
		s.slots <- struct{}{} // there is room: nobody else takes it
		senders.Go(func() {
			again, err := s.Serve(ctx, ref)
			<-s.slots
			if err != nil {
				failed(err)
			}
			if again {
				s.wake()
			}
		})
	}
	return nil
}

// Serve sends what is due to a webhook, one after the other, until one fails or
// others should get their turn. It reports whether there may be more.
func (s *Service) Serve(ctx context.Context, ref ports.WebhookRef) (more bool, err error) {
	more = true
	for n := 0; more && n < turn && ctx.Err() == nil; n++ {
		// What has begun comes to its end, also while the server stops.
		more, err = s.attempt(context.WithoutCancel(ctx), ref)
	}
	return more && err == nil, err
}

// claim is a delivery that is this server's to make.
type claim struct {
	lease   [16]byte
	webhook *core.Webhook
	*core.Delivery
}

// attempt makes one delivery, and reports whether the next one may follow.
func (s *Service) attempt(ctx context.Context, ref ports.WebhookRef) (more bool, err error) {
	c, err := s.claim(ctx, ref)
	switch {
	case lost(err):
		return false, nil
	case err != nil || c == nil:
		return false, err
	}
	result := s.send(ctx, c)
	err = s.settle(ctx, c, result)
	if lost(err) {
		return false, nil
	}
	return result.OK(), err
}

// claim returns what is due to a webhook; nil if that is switched off, so that
// nothing is.
func (s *Service) claim(ctx context.Context, ref ports.WebhookRef) (c *claim, err error) {
	now := s.Clock.Now()
	lease := s.IDs.NewID()
	err = s.Store.Update(ctx, func(tx ports.Tx) error {
		w, d, err := tx.Dispatches.Claim(ctx, ref, lease, now, now.Add(leaseTime))
		if err != nil {
			return err
		}
		if w.Active {
			c = &claim{lease, w, d}
			return nil
		}
		if err := tx.Deliveries.GiveUp(ctx, ref.OrgID, ref.ID); err != nil {
			return err
		}
		d.GiveUp("the webhook is switched off")
		return tx.Dispatches.Settle(ctx, lease, w, d, now)
	})
	return c, err
}

// send sends a delivery.
func (s *Service) send(ctx context.Context, c *claim) core.Attempt {
	now := s.Clock.Now()
	keys, err := s.keys(c.webhook, now)
	if err != nil {
		return core.Attempt{At: now, URL: c.webhook.URL, Error: "the secret cannot be read: rotate it"}
	}
	result := s.Sender.Send(ctx, ports.WebhookMessage{URL: c.webhook.URL, ID: c.EventID.String(), At: now, Body: c.Body, Keys: keys})
	result.At, result.URL = now, c.webhook.URL
	return result
}

// keys returns what signs at now.
func (s *Service) keys(w *core.Webhook, now time.Time) ([][]byte, error) {
	var keys [][]byte
	for _, sealed := range w.Secrets(now) {
		secret, err := s.Secrets.Open(sealed)
		if err != nil {
			return nil, fmt.Errorf("open the secret of webhook %s: %w", w.ID, err)
		}
		key, err := core.ParseWebhookSecret(string(secret))
		if err != nil {
			return nil, fmt.Errorf("read the secret of webhook %s: %w", w.ID, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// settle stores how a delivery went, and what follows for its webhook.
func (s *Service) settle(ctx context.Context, c *claim, result core.Attempt) error {
	now := s.Clock.Now()
	c.Attempted(result, rand.Float64(), now) //nolint:gosec // jitter is no secret
	return s.Store.Update(ctx, func(tx ports.Tx) error {
		w, err := tx.Webhooks.Lock(ctx, c.OrgID, c.WebhookID)
		if err != nil {
			return err
		}
		var why core.DisabledReason
		if result.OK() {
			w.Succeeded()
		} else {
			why = w.Failed(result, now)
		}
		if err := tx.Dispatches.Settle(ctx, c.lease, w, c.Delivery, now.Add(w.Rest(now))); err != nil {
			return err
		}
		if why == "" || !w.Active {
			return nil
		}
		return s.disable(ctx, tx, w, why, now)
	})
}
