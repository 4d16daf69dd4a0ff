package ports

import (
	"context"

	"github.com/seed-755a8038/coffer/core"
)

// DatasetGrants stores who may do what with a dataset.
type DatasetGrants interface {
	// List returns the grants of a dataset: those of roles first.
	List(ctx context.Context, id core.DatasetID) ([]core.DatasetGrant, error)

	// Replace stores these in place of all others. It returns core.ErrNotFound if
	// an account is not there.
	Replace(ctx context.Context, id core.DatasetID, grants []core.DatasetGrant) error

	// Forget removes what an account that leaves has: its grants, and the rights of
	// a creator.
	Forget(ctx context.Context, org core.OrgID, account core.AccountID) error
}
