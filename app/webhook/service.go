// Package webhook holds the use cases of webhooks: which there are, what they
// are told of, and how it gets there.
package webhook

import (
	"context"
	"crypto/rand"
	"net/netip"
	"slices"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Options are the choices of the operator.
type Options struct {
	Unlimited bool // no licence limits
	Plain     bool // endpoints may be http, which shows events to everybody on the way

	// Allows reports whether an address that a URL names by its digits is one that
	// will be connected to; nil: each is.
	Allows func(netip.Addr) bool
}

// Deps are the ports the service works on.
type Deps struct {
	Store   ports.Store
	Access  ports.Access
	Secrets ports.Secrets
	Sender  ports.WebhookSender
	Clock   ports.Clock
	IDs     ports.IDs
	Text    ports.Text
}

// Service runs the use cases of webhooks. It is safe for concurrent use.
type Service struct {
	Deps

	opts    Options
	waiting chan struct{} // events may wait
	due     chan struct{} // deliveries may be due
	crew    *crew
}

// NewService returns a Service on the given ports.
func NewService(d Deps, opts Options) *Service {
	return &Service{Deps: d, opts: opts, waiting: make(chan struct{}, 1), due: make(chan struct{}, 1), crew: newCrew()}
}

// may returns the actor's standing in an org whose webhooks they manage.
func (s *Service) may(ctx context.Context, a core.Actor, org core.OrgID) (core.OrgFacts, error) {
	f, err := s.Access.ForOrg(ctx, a, org)
	if err != nil {
		return f, err
	}
	return f, core.CanInOrg(f, core.ManageWebhooks)
}

// licensed refuses what the licence in force does not include. What is there can
// always be seen, and removed.
func (s *Service) licensed(ctx context.Context, tx ports.Tx, org core.OrgID) error {
	if s.opts.Unlimited {
		return nil
	}
	l, err := tx.Licenses.InForce(ctx, org, s.Clock.Now())
	if err != nil {
		return err
	}
	return l.CheckFeature(core.FeatureWebhooks)
}

func (s *Service) record(
	ctx context.Context, tx ports.Tx, f core.OrgFacts, a core.Actor, action string, w *core.Webhook, changes map[string]core.Change,
) error {
	target := app.Target{Kind: "webhook", ID: w.ID.String()}
	return tx.Audit.Add(ctx, app.Audited(s.IDs.NewID(), f, a, action, target, changes, s.Clock.Now()))
}

// CreateInput is a new webhook, as a client says it.
type CreateInput struct {
	OrgID       core.OrgID
	URL         string
	Events      []string // none: all
	Description string
	Active      bool
	Once        *app.Once
}

// Issued is a webhook with its secret, which is shown once.
type Issued struct {
	Webhook *core.Webhook
	Secret  string
}

// Create makes a webhook. It returns errors with the codes feature_unavailable
// and limit_exceeded.
func (s *Service) Create(ctx context.Context, a core.Actor, in CreateInput) (Issued, error) {
	f, err := s.may(ctx, a, in.OrgID)
	if err != nil {
		return Issued{}, err
	}
	now := s.Clock.Now()
	if err := in.Once.Find(ctx, s.Store, s.Secrets, now); err != nil {
		return Issued{}, err
	}
	c := core.WebhookChange{URL: &in.URL, Events: &in.Events, Description: &in.Description}
	if err := s.clean(&c); err != nil {
		return Issued{}, err
	}
	secret, sealed, err := s.newSecret()
	if err != nil {
		return Issued{}, err
	}
	w := &core.Webhook{
		ID: core.WebhookID(s.IDs.NewID()), OrgID: in.OrgID, URL: *c.URL, Events: *c.Events, Description: *c.Description, Active: in.Active,
		Secret: sealed, CreatedBy: f.AccountID, Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	out := Issued{w, secret}
	err = in.Once.Do(ctx, s.Store, s.Secrets, now, func(tx ports.Tx) error {
		if err := s.licensed(ctx, tx, in.OrgID); err != nil {
			return err
		}
		if err := tx.Webhooks.Add(ctx, w, core.MaxWebhooks); err != nil {
			return err
		}
		if err := s.record(ctx, tx, f, a, "webhook.created", w, webhookChanges(&core.Webhook{}, w)); err != nil {
			return err
		}
		return in.Once.Keep(ctx, tx, s.Secrets, out, now)
	})
	return out, err
}

// newSecret returns a new secret, as it is and sealed.
func (s *Service) newSecret() (secret string, sealed []byte, err error) {
	var random [core.WebhookSecretBytes]byte
	_, _ = rand.Read(random[:]) // never fails
	secret = core.FormatWebhookSecret(random)
	sealed, err = s.Secrets.Seal([]byte(secret))
	return secret, sealed, err
}

// clean brings a change into the form in which it is stored.
func (s *Service) clean(c *core.WebhookChange) error {
	if c.URL != nil {
		if err := core.CheckWebhookURL("body.url", *c.URL, s.opts.Plain); err != nil {
			return err
		}
		if a, ok := core.WebhookAddress(*c.URL); ok && s.opts.Allows != nil && !s.opts.Allows(a) {
			return core.Invalid("body.url", core.ErrAddressRefused.Error())
		}
	}
	if c.Events != nil {
		filter, err := core.CleanEventFilter("body.events", *c.Events)
		if err != nil {
			return err
		}
		c.Events = &filter
	}
	if c.Description != nil {
		const limit = 500 // bytes
		text, err := core.CleanProse("body.description", *c.Description, limit, s.Text.NFC)
		if err != nil {
			return err
		}
		c.Description = &text
	}
	return nil
}

func webhookChanges(before, after *core.Webhook) map[string]core.Change {
	changes := make(map[string]core.Change)
	if before.URL != after.URL {
		changes["url"] = core.Change{From: before.URL, To: after.URL}
	}
	if !slices.Equal(before.Events, after.Events) {
		changes["events"] = core.Change{From: before.Events, To: after.Events}
	}
	if before.Description != after.Description {
		changes["description"] = core.Change{From: before.Description, To: after.Description}
	}
	if before.Active != after.Active {
		changes["active"] = core.Change{From: before.Active, To: after.Active}
	}
	return changes
}

// List returns webhooks of an org, newest first.
func (s *Service) List(ctx context.Context, a core.Actor, q ports.WebhookQuery) (ws []*core.Webhook, err error) {
	if _, err := s.may(ctx, a, q.OrgID); err != nil {
		return nil, err
	}
	err = s.Store.View(ctx, func(tx ports.Tx) (err error) {
		ws, err = tx.Webhooks.List(ctx, q)
		return err
	})
	return ws, err
}

// Get returns a webhook of an org.
func (s *Service) Get(ctx context.Context, a core.Actor, org core.OrgID, id core.WebhookID) (w *core.Webhook, err error) {
	if _, err := s.may(ctx, a, org); err != nil {
		return nil, err
	}
	err = s.Store.View(ctx, func(tx ports.Tx) (err error) {
		w, err = tx.Webhooks.Get(ctx, org, id)
		return err
	})
	return w, err
}

// Update changes a webhook. ifMatch is the version that the client has seen, 0
// for any. What waits for a webhook that is switched off is given up. It returns
// core.ErrStale, and errors with the code feature_unavailable.
func (s *Service) Update(
	ctx context.Context, a core.Actor, org core.OrgID, id core.WebhookID, c core.WebhookChange, ifMatch int64,
) (w *core.Webhook, err error) {
	f, err := s.may(ctx, a, org)
	if err != nil {
		return nil, err
	}
	if err := s.clean(&c); err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	err = s.Store.Update(ctx, func(tx ports.Tx) (err error) {
		if w, err = s.locked(ctx, tx, org, id, ifMatch); err != nil {
			return err
		}
		if err := s.licensed(ctx, tx, org); err != nil {
			return err
		}
		before := *w
		w.Change(c, now)
		changes := webhookChanges(&before, w)
		if len(changes) == 0 {
			*w = before
			return nil
		}
		if err := tx.Webhooks.Save(ctx, w); err != nil {
			return err
		}
		if err := s.follow(ctx, tx, w, now); err != nil {
			return err
		}
		return s.record(ctx, tx, f, a, "webhook.updated", w, changes)
	})
	return w, err
}

// follow does what follows for the deliveries to a webhook that was changed.
func (s *Service) follow(ctx context.Context, tx ports.Tx, w *core.Webhook, now time.Time) error {
	if !w.Active {
		return giveUp(ctx, tx, w, switchedOff)
	}
	return tx.Dispatches.Hurry(ctx, ports.WebhookRef{OrgID: w.OrgID, ID: w.ID}, now)
}

// locked returns a webhook that is to be changed, at the version the client has
// seen (0: any).
func (s *Service) locked(ctx context.Context, tx ports.Tx, org core.OrgID, id core.WebhookID, ifMatch int64) (*core.Webhook, error) {
	w, err := tx.Webhooks.Lock(ctx, org, id)
	if err == nil && ifMatch != 0 && ifMatch != w.Version {
		err = core.ErrStale
	}
	return w, err
}

// Delete removes a webhook with its deliveries. It returns core.ErrStale.
func (s *Service) Delete(ctx context.Context, a core.Actor, org core.OrgID, id core.WebhookID, ifMatch int64) error {
	f, err := s.may(ctx, a, org)
	if err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx ports.Tx) error {
		w, err := s.locked(ctx, tx, org, id, ifMatch)
		if err != nil {
			return err
		}
		if err := tx.Webhooks.Remove(ctx, org, id); err != nil {
			return err
		}
		return s.record(ctx, tx, f, a, "webhook.deleted", w, map[string]core.Change{"url": {From: w.URL}})
	})
}

// RotateSecret gives a webhook another secret. The one so far signs beside it
// for core.WebhookSecretOverlap. It returns errors with the code feature_unavailable.
func (s *Service) RotateSecret(ctx context.Context, a core.Actor, org core.OrgID, id core.WebhookID, once *app.Once) (out Issued, err error) {
	f, err := s.may(ctx, a, org)
	if err != nil {
		return out, err
	}
	secret, sealed, err := s.newSecret()
	if err != nil {
		return out, err
	}
	now := s.Clock.Now()
	err = once.Do(ctx, s.Store, s.Secrets, now, func(tx ports.Tx) error {
		w, err := tx.Webhooks.Lock(ctx, org, id)
		if err != nil {
			return err
		}
		if err := s.licensed(ctx, tx, org); err != nil {
			return err
		}
		w.Rotate(sealed, now)
		if err := tx.Webhooks.Save(ctx, w); err != nil {
			return err
		}
		out = Issued{w, secret}
		changes := map[string]core.Change{"old_secret_until": {To: w.OldSecretUntil.Format(time.RFC3339)}}
		if err := s.record(ctx, tx, f, a, "webhook.secret_rotated", w, changes); err != nil {
			return err
		}
		return once.Keep(ctx, tx, s.Secrets, out, now)
	})
	return out, err
}
