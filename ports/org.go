package ports

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// Orgs stores orgs.
type Orgs interface {
	// Add stores a new org with nothing used, or returns core.ErrSlugTaken.
	// defaultDrive is where files go that name no drive; it may be added later
	// in the same unit of work.
	Add(ctx context.Context, o *core.Org, defaultDrive core.DriveID) error

	// Get returns the org, or core.ErrNotFound.
	Get(ctx context.Context, id core.OrgID) (*core.Org, error)

	// ListOf returns the orgs in which the user has an active account, by id.
	ListOf(ctx context.Context, user core.UserID, p OrgPage) ([]OrgEntry, error)

	// Usage returns what the org uses of its licence.
	Usage(ctx context.Context, id core.OrgID) (core.OrgUsage, error)
}

// OrgEntry is an org as one of its members sees it.
type OrgEntry struct {
	Org       core.Org
	AccountID core.AccountID
	Role      core.OrgRole
}

// OrgPage is a page of orgs.
type OrgPage struct {
	After core.OrgID // return orgs with a greater id
	Limit int
}

// Accounts stores accounts.
type Accounts interface {
	// Add stores a new account; core.ErrConflict if the user has one there.
	Add(ctx context.Context, a *core.Account) error

	// Get returns the account, or core.ErrNotFound.
	Get(ctx context.Context, org core.OrgID, id core.AccountID) (*core.Account, error)

	// Of returns the user's account in the org, or core.ErrNotFound.
	Of(ctx context.Context, org core.OrgID, user core.UserID) (*core.Account, error)
}

// Licenses knows the licences and who has which.
type Licenses interface {
	// InForce returns the latest assignment to the org that is valid at now,
	// else the default licence.
	InForce(ctx context.Context, org core.OrgID, now time.Time) (core.OrgLicense, error)

	// List returns all licences, by fee, then by name.
	List(ctx context.Context) ([]core.License, error)

	// Assign gives the org a licence from now until expires (zero: no end). It
	// returns core.ErrNotFound if there is no such licence.
	Assign(ctx context.Context, a LicenseAssignment) error
}

// LicenseAssignment gives a licence to an org.
type LicenseAssignment struct {
	ID        [16]byte // sorts by time: the latest valid one counts
	OrgID     core.OrgID
	License   string
	ExpiresAt time.Time
	Now       time.Time
}
