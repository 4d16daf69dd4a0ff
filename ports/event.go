package ports

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// Events stores what has happened in orgs, for those outside who want to know.
type Events interface {
	// Add appends events of one org, in the unit of work of the change they tell
	// of. If the org has an active webhook they wait until somebody says Told.
	Add(ctx context.Context, events ...*core.Event) error

	// List returns an org's events with a greater id, by id.
	List(ctx context.Context, org core.OrgID, after core.EventID, limit int) ([]*core.Event, error)

	// Waiting returns events of the org that webhooks have yet to be told of, by
	// id, and nothing else gets them until the unit of work ends. It is for
	// Update only.
	Waiting(ctx context.Context, org core.OrgID, limit int) ([]*core.Event, error)

	// Untold returns orgs with events that wait, by id, after one.
	Untold(ctx context.Context, after core.OrgID, limit int) ([]core.OrgID, error)

	// Told ends the waiting of events of the org.
	Told(ctx context.Context, org core.OrgID, ids ...core.EventID) error

	// Prune removes at most limit events older than t, of any org, and returns
	// how many.
	Prune(ctx context.Context, t time.Time, limit int) (int, error)
}

// EventStreams gives the events of an org the order in which they are followed.
// Their ids do not serve: one with a smaller id may be committed later. So each
// gets its number once it is committed, and nothing is ever added below a number
// that somebody has seen.
type EventStreams interface {
	// Head returns the number of the latest event that has one, 0 if none ever
	// had, and whether there are events without.
	Head(ctx context.Context, org core.OrgID) (seq int64, unnumbered bool, err error)

	// Number gives at most limit events without a number the next ones, by id,
	// and returns how many. Units of work that number events of one org do so one
	// after the other.
	Number(ctx context.Context, org core.OrgID, limit int) (int, error)

	// Place returns the number of an event, or core.ErrNotFound if the org has no
	// such event, or it has no number.
	Place(ctx context.Context, org core.OrgID, id core.EventID) (int64, error)

	// At returns the event with a number, or core.ErrNotFound.
	At(ctx context.Context, org core.OrgID, seq int64) (core.EventID, error)

	// After returns the page, and the number up to which it has looked: that of
	// its last event if the page is full. It returns core.ErrNotFound if what
	// comes first after q.After, filtered or not, is no longer kept.
	After(ctx context.Context, q StreamQuery) ([]*core.Event, int64, error)
}

// StreamQuery is a page of the events of an org, in the order of their numbers.
type StreamQuery struct {
	OrgID core.OrgID
	After int64
	Last  int64    // the greatest number
	Types []string // types, or a noun with a dot and a star; none: all
	Limit int
}
