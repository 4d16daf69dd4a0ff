package ports

import (
	"context"
	"iter"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// Bundles reads everything that an org has, table by table, and adds it to
// another store. What is only of use where it was made is not among it: uploads
// in progress, mailed secrets, today's visitors, and what is derived of files.
type Bundles interface {
	// Schema returns the number of the latest migration.
	Schema(ctx context.Context) (int64, error)

	// Tables returns the tables in the order in which rows can be added.
	Tables() []string

	// Count returns how many rows of a table the org has.
	Count(ctx context.Context, org core.OrgID, table string) (int64, error)

	// Rows yields those rows, in an order in which they can be added. The
	// asset_versions come in byte order of their keys.
	Rows(ctx context.Context, org core.OrgID, table string) iter.Seq2[BundleRow, error]

	// Users yields the users to whom rows of the org refer, by id, without what
	// is secret.
	Users(ctx context.Context, org core.OrgID) iter.Seq2[BundleUser, error]

	// Identities returns how external issuers know the user.
	Identities(ctx context.Context, user core.UserID) ([]core.Identity, error)

	// Reserve keeps a slug for the org for ever, or returns core.ErrSlugTaken.
	Reserve(ctx context.Context, org core.OrgID, slug string, now time.Time) error

	// Add stores rows of the org, whose users are those that users says. It
	// returns core.ErrBundleInvalid for a row that is not one of the table, or
	// of another org, or that refers to a user whom users does not have.
	Add(ctx context.Context, org core.OrgID, users map[core.UserID]core.UserID, table string, rows []BundleRow) error

	// Settle counts anew what the org uses, once all is added. It returns
	// core.ErrBundleInvalid if a row refers to something of another org.
	Settle(ctx context.Context, org core.OrgID) error
}

// BundleRow is a row by the names of its columns: strings (also for ids and
// documents), int64, bool and []byte, or nil. From a bundle, numbers are
// json.Number and bytes are strings in base64.
type BundleRow map[string]any

// BundleUser is a user as a bundle knows them.
type BundleUser struct {
	ID      core.UserID
	Email   string
	Name    string
	Deleted bool
}
