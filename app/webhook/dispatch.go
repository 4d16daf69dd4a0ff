package webhook

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const (
	maxSenders = 64               // that send at once, each to another webhook
	maxOfOrg   = 8                // of them, to webhooks of one org, over all servers
	turn       = 20               // deliveries until others get their turn
	turnTime   = 5 * time.Second  // likewise
	pollEvery  = time.Second      // where nobody says that something is due
	leaseTime  = 30 * time.Second // for which a sender that died holds its webhook
)

// crew are those who send now, each to a webhook of its own.
type crew struct {
	mu    sync.Mutex
	at    map[ports.WebhookRef]bool
	ofOrg map[core.OrgID]int
	more  bool // is due than there is room for
}

func newCrew() *crew {
	return &crew{at: make(map[ports.WebhookRef]bool), ofOrg: make(map[core.OrgID]int)}
}

// full reports whether there is no room; then whoever makes some says so.
func (c *crew) full() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.more = len(c.at) == maxSenders
	return c.more
}

// begin takes a place to send to a webhook, if there is room and nobody does.
func (c *crew) begin(ref ports.WebhookRef) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.at) == maxSenders {
		c.more = true
		return false
	}
	if c.at[ref] {
		return false
	}
	c.at[ref] = true
	c.ofOrg[ref.OrgID]++
	return true
}

// end gives a place back, and reports whether others may wait for it.
func (c *crew) end(ref ports.WebhookRef) (awaited bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	awaited = c.more || c.ofOrg[ref.OrgID] == maxOfOrg
	delete(c.at, ref)
	if c.ofOrg[ref.OrgID]--; c.ofOrg[ref.OrgID] == 0 {
		delete(c.ofOrg, ref.OrgID)
	}
	return awaited
}

// wake makes whoever listens look at once.
func wake(sleeper chan<- struct{}) {
	select {
	case sleeper <- struct{}{}:
	default: // they are going to
	}
}

// repeat does something at once, and again each pollEvery or when woken, until
// ctx ends. What goes wrong is told to failed.
func repeat(ctx context.Context, woken <-chan struct{}, do func() error, failed func(error)) {
	ticks := time.NewTicker(pollEvery)
	defer ticks.Stop()
	for ctx.Err() == nil {
		if err := do(); err != nil && ctx.Err() == nil {
			failed(err)
		}
		select {
		case <-ctx.Done():
		case <-ticks.C:
		case <-woken:
		}
	}
}

// Run makes deliveries of the events that wait and sends those that are due,
// until ctx ends, and then waits for what is being sent. At most one delivery at
// a time is on its way to a webhook, over all servers of a database, so that one
// that is slow or dead holds up no other. What goes wrong here is told to
// failed, and tried again.
func (s *Service) Run(ctx context.Context, failed func(error)) {
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() {
		repeat(ctx, s.waiting, func() error {
			more, err := s.FanOut(ctx)
			if more {
				wake(s.waiting)
			}
			return err
		}, failed)
	})
	repeat(ctx, s.due, func() error { return s.dispatch(ctx, &all, failed) }, failed)
}

// dispatch begins to send to webhooks, as far as there is room.
func (s *Service) dispatch(ctx context.Context, senders *sync.WaitGroup, failed func(error)) error {
	if s.crew.full() {
		return nil
	}
	var due []ports.WebhookRef
	err := s.Store.View(ctx, func(tx ports.Tx) (err error) {
		due, err = tx.Dispatches.Due(ctx, s.Clock.Now(), maxOfOrg, maxSenders+1) // one more than there can be room for
		return err
	})
	if err != nil {
		return err
	}
	for _, ref := range due {
		if !s.crew.begin(ref) {
			continue
		}
		senders.Go(func() {
			again, err := s.Serve(ctx, ref)
			if s.crew.end(ref) || again {
				wake(s.due)
			}
			if err != nil {
				failed(err)
			}
		})
	}
	return nil
}

// Serve sends what is due to a webhook, one after the other, until one fails or
// others should get their turn. It reports whether there may be more.
func (s *Service) Serve(ctx context.Context, ref ports.WebhookRef) (more bool, err error) {
	more = true
	until := s.Clock.Now().Add(turnTime)
	for n := 0; more && n < turn && s.Clock.Now().Before(until) && ctx.Err() == nil; n++ {
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
	case err != nil:
		return false, err
	case c == nil: // some were given up
		return true, nil
	}
	result := s.send(ctx, c)
	err = s.settle(ctx, c, result)
	if lost(err) {
		return false, nil
	}
	return result.OK(), err
}

// claim returns what is due to a webhook; nil if nothing may be sent to it, and
// some of what waits was given up.
func (s *Service) claim(ctx context.Context, ref ports.WebhookRef) (c *claim, err error) {
	now := s.Clock.Now()
	lease := s.IDs.NewID()
	err = s.Store.Update(ctx, func(tx ports.Tx) error {
		w, d, err := tx.Dispatches.Claim(ctx, ref, lease, now, now.Add(leaseTime))
		if err != nil {
			return err
		}
		why, err := s.silence(ctx, tx, w)
		if err != nil {
			return err
		}
		if why == "" {
			c = &claim{lease, w, d}
			return nil
		}
		if err := giveUp(ctx, tx, w, why); err != nil {
			return err
		}
		d.GiveUp(why)
		return tx.Dispatches.Settle(ctx, lease, w, d, now)
	})
	return c, err
}

const (
	switchedOff = "the webhook is switched off"
	giveUpBatch = 1_000
)

// silence says why nothing may be sent to a webhook; empty: it may.
func (s *Service) silence(ctx context.Context, tx ports.Tx, w *core.Webhook) (string, error) {
	if !w.Active {
		return switchedOff, nil
	}
	err := s.licensed(ctx, tx, w.OrgID)
	if core.KindOf(err) == core.KindForbidden {
		return "the licence does not include webhooks", nil
	}
	return "", err
}

// giveUp gives up what waits for a webhook. If that is much, it is some of it:
// the rest follows when it is claimed.
func giveUp(ctx context.Context, tx ports.Tx, w *core.Webhook, why string) error {
	return tx.Deliveries.GiveUp(ctx, w.OrgID, w.ID, why, giveUpBatch)
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

// settle stores how a delivery went, and what follows for its webhook. Either
// may have been changed since: led elsewhere, given up, asked for again.
func (s *Service) settle(ctx context.Context, c *claim, result core.Attempt) error {
	now := s.Clock.Now()
	return s.Store.Update(ctx, func(tx ports.Tx) error {
		w, err := tx.Webhooks.Lock(ctx, c.OrgID, c.WebhookID)
		if err != nil {
			return err
		}
		d, err := tx.Deliveries.Get(ctx, c.OrgID, c.WebhookID, c.ID)
		if err != nil {
			return err
		}
		why := judge(w, d, result, now)
		if err := tx.Dispatches.Settle(ctx, c.lease, w, d, now.Add(w.Rest(now))); err != nil {
			return err
		}
		if why == "" || !w.Active {
			return nil
		}
		return s.disable(ctx, tx, w, why, now)
	})
}

// judge notes an attempt, and returns why the webhook is to be disabled, or "".
// What was answered where the webhook does not lead any more says nothing of it.
func judge(w *core.Webhook, d *core.Delivery, result core.Attempt, now time.Time) core.DisabledReason {
	elsewhere := result.URL != w.URL
	if elsewhere && !result.OK() {
		d.Missed(result, now)
		return ""
	}
	d.Attempted(result, rand.Float64(), now) //nolint:gosec // jitter is no secret
	switch {
	case elsewhere:
		return ""
	case result.OK():
		w.Succeeded()
		return ""
	}
	return w.Failed(result, now)
}
