package ports

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// DatasetAccess answers what decides a request about a dataset, like Access.
type DatasetAccess interface {
	// ForDataset returns a dataset of any live org and what decides what the actor
	// may do with it; one round trip. It refuses keys.
	ForDataset(ctx context.Context, a core.Actor, id core.DatasetID) (core.DatasetFacts, error)
}

// Datasets stores datasets. Another org's dataset is reported as core.ErrNotFound,
// like one that is deleted.
type Datasets interface {
	// Add stores a new dataset, or returns core.ErrDatasetSlugTaken.
	Add(ctx context.Context, d *core.Dataset) error

	// Get returns the dataset, or core.ErrNotFound.
	Get(ctx context.Context, org core.OrgID, id core.DatasetID) (*core.Dataset, error)

	// Lock is Get, and nothing else changes the dataset until the unit of work
	// ends. It is for Update only.
	Lock(ctx context.Context, org core.OrgID, id core.DatasetID) (*core.Dataset, error)

	// BySlug returns the org's dataset of that slug, or core.ErrNotFound.
	BySlug(ctx context.Context, org core.OrgID, slug string) (*core.Dataset, error)

	// Save stores a changed dataset whose Version is one above the stored one, else
	// returns core.ErrStale; or core.ErrDatasetSlugTaken.
	Save(ctx context.Context, d *core.Dataset) error

	// ByDrive returns the dataset whose drive it is, or core.ErrNotFound.
	ByDrive(ctx context.Context, org core.OrgID, drive core.DriveID) (*core.Dataset, error)

	// ShownBelow counts the datasets that show a file at or below the node in
	// a published version. except is not counted.
	ShownBelow(ctx context.Context, n *core.Node, except core.DatasetID) (int64, error)

	// List returns the org's datasets that an account may view, newest first.
	List(ctx context.Context, q DatasetQuery) ([]*core.Dataset, error)
}

// DatasetQuery is a page of an org's datasets. The zero value of a filter means any.
type DatasetQuery struct {
	OrgID   core.OrgID
	Account core.AccountID // who looks
	Role    core.OrgRole   // of the account
	Status  core.DatasetStatus
	Text    string // part of the name, in any case
	Before  core.DatasetID
	Limit   int
}

// DatasetVersions stores versions. Another org's is reported as core.ErrNotFound.
type DatasetVersions interface {
	// Add stores a version into which items are going to be stored.
	Add(ctx context.Context, v *core.DatasetVersion) error

	// Get returns the published version of that number, or core.ErrNotFound.
	Get(ctx context.Context, dataset core.DatasetID, number int64) (*core.DatasetVersion, error)

	// ByID returns the version, published or not, or core.ErrNotFound.
	ByID(ctx context.Context, org core.OrgID, id core.DatasetVersionID) (*core.DatasetVersion, error)

	// List returns published versions, newest first; before 0: from the newest on.
	List(ctx context.Context, dataset core.DatasetID, before int64, limit int) ([]*core.DatasetVersion, error)

	// Publish gives a version its number, and adds its files to those of the dataset.
	Publish(ctx context.Context, v *core.DatasetVersion) error

	// Discard makes Purge remove a version that is not published.
	Discard(ctx context.Context, id core.DatasetVersionID, now time.Time) error
}
