package ports

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// Purges removes deleted orgs piece by piece. Which ones, the caller decides
// (core.Org.Purge); once a piece is gone there is no way back.
type Purges interface {
	// Due returns the orgs that were deleted at t or before, or whose purge has
	// begun, by id, with a greater id than after.
	Due(ctx context.Context, t time.Time, after core.OrgID, limit int) ([]core.OrgID, error)

	// Lock is Orgs.Get, and nothing else changes the org until the unit of work
	// ends. It is for Update only.
	Lock(ctx context.Context, org core.OrgID) (*core.Org, error)

	// Step removes at most about limit rows of a locked org and returns what
	// they leave in the blob store. What the org uses is counted down with
	// them. The org's own row is the last, with it done is true; its slugs stay
	// reserved.
	Step(ctx context.Context, org core.OrgID, limit int) (left Remains, done bool, err error)
}
