package ports

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// Webhooks stores webhooks. Another org's webhook is reported as core.ErrNotFound.
type Webhooks interface {
	// Add stores a new webhook, or returns an error with the code limit_exceeded
	// if the org has most already. Concurrent calls never go over the limit
	// together.
	Add(ctx context.Context, w *core.Webhook, most int64) error

	// Get returns the webhook, or core.ErrNotFound.
	Get(ctx context.Context, org core.OrgID, id core.WebhookID) (*core.Webhook, error)

	// Lock is Get, and nothing else changes the webhook until the unit of work
	// ends. It is for Update only.
	Lock(ctx context.Context, org core.OrgID, id core.WebhookID) (*core.Webhook, error)

	// Save stores a changed webhook whose Version is one above the stored one,
	// else returns core.ErrStale.
	Save(ctx context.Context, w *core.Webhook) error

	// Remove removes the webhook, or returns core.ErrNotFound. Nobody sees it
	// or its deliveries any more; Prune removes those.
	Remove(ctx context.Context, org core.OrgID, id core.WebhookID) error

	// List returns webhooks of an org, newest first.
	List(ctx context.Context, q WebhookQuery) ([]*core.Webhook, error)
}

// WebhookQuery is a page of an org's webhooks.
type WebhookQuery struct {
	OrgID  core.OrgID
	Active bool // only those that are switched on
	Before core.WebhookID
	Limit  int
}

// Deliveries stores what is, and was, sent to webhooks. Another org's, or
// another webhook's, is reported as core.ErrNotFound.
type Deliveries interface {
	// Add stores new deliveries, but not of an event that the webhook has a
	// delivery of.
	Add(ctx context.Context, ds ...*core.Delivery) error

	// Get returns the delivery, or core.ErrNotFound.
	Get(ctx context.Context, org core.OrgID, webhook core.WebhookID, id core.DeliveryID) (*core.Delivery, error)

	// List returns deliveries to a webhook, newest first.
	List(ctx context.Context, q DeliveryQuery) ([]*core.Delivery, error)

	// Save stores what has become of a delivery, or returns core.ErrNotFound.
	Save(ctx context.Context, d *core.Delivery) error

	// GiveUp fails at most limit pending deliveries to a webhook, those that are
	// due first, and notes why as the error of their last attempt.
	GiveUp(ctx context.Context, org core.OrgID, webhook core.WebhookID, why string, limit int) error

	// Prune removes deliveries, of any org, and returns how many: those that
	// are not pending and were made before t, all but the newest most of each
	// webhook, and those to webhooks that were removed, which go with the last
	// of them. Of each it removes at most limit.
	Prune(ctx context.Context, t time.Time, most, limit int) (int, error)
}

// DeliveryQuery is a page of the deliveries to a webhook. Status empty means any.
type DeliveryQuery struct {
	OrgID     core.OrgID
	WebhookID core.WebhookID
	Status    core.DeliveryStatus
	Before    core.DeliveryID
	Limit     int
}

// Dispatches says what is to be sent, and to whom nobody else is sending. At any
// time at most one holds a webhook: by a lease, an id of its choice.
type Dispatches interface {
	// Due returns webhooks of any org that nobody holds at now and that have a
	// delivery that is due. Of each org at most share are held at once. Those
	// come first that make their org hold the fewest, of these those that were
	// held the longest ago. A webhook that is not active is due at once.
	Due(ctx context.Context, now time.Time, share, limit int) ([]WebhookRef, error)

	// Claim holds a webhook until then and returns it with the delivery that has
	// waited longest. If somebody else holds it, or nothing is due, it returns
	// core.ErrNotFound, and the unit of work must be given up. It is for Update
	// only.
	Claim(ctx context.Context, ref WebhookRef, lease [16]byte, now, until time.Time) (*core.Webhook, *core.Delivery, error)

	// Settle stores what has become of a delivery and since when the webhook has
	// been failing, and holds the webhook no more; before free nobody holds it
	// again. It returns core.ErrStale if the lease is over and somebody else has
	// held it since, or the webhook is gone. It is for Update only.
	Settle(ctx context.Context, lease [16]byte, w *core.Webhook, d *core.Delivery, free time.Time) error

	// Hurry lets a webhook that nobody holds be held at now, whatever Settle has
	// said of it.
	Hurry(ctx context.Context, ref WebhookRef, now time.Time) error
}

// WebhookRef names a webhook of any org.
type WebhookRef struct {
	OrgID core.OrgID
	ID    core.WebhookID
}

// WebhookSender sends messages as Standard Webhooks has it.
type WebhookSender interface {
	// Send posts a message and returns what was answered, or why nothing was,
	// within core.WebhookTimeout or so. It connects to no address that is not
	// everybody's, follows no redirect, and keeps of the answer what core
	// allows, as valid text without NUL.
	Send(ctx context.Context, m WebhookMessage) core.Attempt
}

// WebhookMessage is what is sent to a webhook.
type WebhookMessage struct {
	URL  string
	ID   string // the same each time that it is sent
	At   time.Time
	Body []byte
	Keys [][]byte // each signs
}
