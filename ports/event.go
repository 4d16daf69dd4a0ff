package ports

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// Events stores what has happened in orgs, for those outside who want to know.
type Events interface {
	// Add appends events, in the unit of work of the change they tell of.
	Add(ctx context.Context, events ...*core.Event) error

	// List returns an org's events with a greater id, by id.
	List(ctx context.Context, org core.OrgID, after core.EventID, limit int) ([]*core.Event, error)

	// Prune removes at most limit events older than t, of any org, and returns
	// how many.
	Prune(ctx context.Context, t time.Time, limit int) (int, error)
}
