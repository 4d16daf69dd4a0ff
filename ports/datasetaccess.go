package ports

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// DatasetLog keeps who has looked at what of datasets. It is safe for concurrent use.
type DatasetLog interface {
	// Note remembers an access, and stores it soon; if there is no room, at once.
	// Only a process that is killed can lose it.
	Note(ctx context.Context, a *core.DatasetAccess) error

	// Keep stores an access, together with those that are noted, before it
	// returns. What is of a dataset that is gone is forgotten.
	Keep(ctx context.Context, a *core.DatasetAccess) error

	// Accesses returns rows of a dataset's log, newest first, also what this
	// process has noted.
	Accesses(ctx context.Context, q DatasetAccessQuery) ([]*core.DatasetAccess, error)

	// Prune removes at most limit rows older than t, of any dataset, and returns
	// how many it removed.
	Prune(ctx context.Context, t time.Time, limit int) (int, error)

	// Run stores what is noted until ctx ends, and then what is left. It tells
	// failed of what it could not store, and tries again.
	Run(ctx context.Context, failed func(error))
}

// DatasetAccessQuery is a page of a dataset's access log. The zero value of a filter
// means any.
type DatasetAccessQuery struct {
	OrgID    core.OrgID
	Dataset  core.DatasetID
	Account  core.AccountID
	Kind     core.DatasetAccessKind
	From, To time.Time
	Before   core.DatasetAccessID
	Limit    int
}
