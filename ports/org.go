package ports

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// Orgs stores orgs.
type Orgs interface {
	// Add stores a new org with nothing used, or returns core.ErrSlugTaken.
	// defaultDrive becomes its default drive; it may be added later in the same
	// unit of work.
	Add(ctx context.Context, o *core.Org, defaultDrive core.DriveID) error

	// Get returns the org, deleted or not, or core.ErrNotFound.
	Get(ctx context.Context, id core.OrgID) (*core.Org, error)

	// BySlug returns the live org that has, or had, the slug, or core.ErrNotFound.
	BySlug(ctx context.Context, slug string) (*core.Org, error)

	// Save stores a changed org whose Version is one above the stored one,
	// else returns core.ErrStale. A slug that any org has or had is taken:
	// core.ErrSlugTaken, unless it was this org's own.
	Save(ctx context.Context, o *core.Org) error

	// ListOf returns the live orgs in which the user has an active account, by
	// id; or, if the page is of deleted ones, those which the user can restore:
	// owned actively, not personal, not being purged.
	ListOf(ctx context.Context, user core.UserID, p OrgPage) ([]OrgEntry, error)

	// ListAll returns all orgs, by id, with what they use and the licence in
	// force at now, for operators.
	ListAll(ctx context.Context, text string, now time.Time, p OrgPage) ([]OrgState, error)

	// Usage returns what the org uses of its licence.
	Usage(ctx context.Context, id core.OrgID) (core.OrgUsage, error)
}

// OrgEntry is an org as one of its members sees it.
type OrgEntry struct {
	Org       core.Org
	AccountID core.AccountID
	Role      core.OrgRole
}

// OrgState is an org as an operator sees it.
type OrgState struct {
	Org     core.Org
	Usage   core.OrgUsage
	License string // the name of the one in force
}

// OrgPage is a page of orgs.
type OrgPage struct {
	After   core.OrgID // return orgs with a greater id
	Limit   int
	Deleted bool // of a user: the deleted ones in place of the live ones
}

// Accounts stores accounts.
type Accounts interface {
	// Add stores a new account. It returns core.ErrAlreadyMember if the user
	// has one there, or the address an open invitation.
	Add(ctx context.Context, a *core.Account) error

	// Get returns the account, or core.ErrNotFound.
	Get(ctx context.Context, org core.OrgID, id core.AccountID) (*core.Account, error)

	// Statuses returns those of the accounts among ids that are of the org.
	Statuses(ctx context.Context, org core.OrgID, ids []core.AccountID) (map[core.AccountID]core.AccountStatus, error)

	// Of returns the user's account in the org, or core.ErrNotFound.
	Of(ctx context.Context, org core.OrgID, user core.UserID) (*core.Account, error)

	// Save stores a changed account whose Version is one above the stored
	// one, else returns core.ErrStale. It can also return core.ErrAlreadyMember.
	Save(ctx context.Context, a *core.Account) error

	// Roster counts the org's people and keeps other units of work from
	// changing them until this one ends. It is for Update only.
	Roster(ctx context.Context, org core.OrgID) (core.Roster, error)

	// List returns an org's accounts by id.
	List(ctx context.Context, q AccountQuery) ([]Member, error)

	// OfUser returns a user's accounts that are not removed, in live orgs, with
	// the open invitations to the address (empty: none), by org.
	OfUser(ctx context.Context, user core.UserID, email string) ([]Membership, error)

	// AllOf is OfUser with the accounts in deleted orgs, and without
	// invitations.
	AllOf(ctx context.Context, user core.UserID) ([]Membership, error)
}

// AccountQuery is a page of an org's accounts.
type AccountQuery struct {
	OrgID    core.OrgID
	Statuses []core.AccountStatus // empty: any
	IDs      []core.AccountID     // only these; nil: any
	Email    string               // clean; empty: any
	After    core.AccountID
	Limit    int
}

// Member is an account with what is known of its user.
type Member struct {
	Account core.Account
	Email   string // the user's, or the invited one
	Name    string // empty for an invitation

	UserDisabled bool // by an operator
}

// Membership is an account with its org.
type Membership struct {
	Account core.Account
	Org     core.Org
	DriveID core.DriveID // the account's personal drive; zero for an invitation
}

// Licenses knows the licences and who has which.
type Licenses interface {
	// InForce returns the latest assignment to the org that is valid at now,
	// else the default licence.
	InForce(ctx context.Context, org core.OrgID, now time.Time) (core.OrgLicense, error)

	// List returns all licences, by fee, then by name.
	List(ctx context.Context) ([]core.License, error)

	// Lock returns a licence by its name, or core.ErrNotFound, and nothing else
	// changes it until the unit of work ends. It is for Update only.
	Lock(ctx context.Context, name string) (*core.License, error)

	// Add stores a new licence, or returns core.ErrLicenseNameTaken.
	Add(ctx context.Context, l *core.License) error

	// Save stores a changed licence whose Version is one above the stored one,
	// else returns core.ErrStale.
	Save(ctx context.Context, l *core.License) error

	// Assign gives the org a licence from now until expires (zero: no end). It
	// returns core.ErrNotFound if there is no such licence or org.
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

// Audit stores the audit logs of orgs.
type Audit interface {
	// Add appends entries.
	Add(ctx context.Context, entries ...*core.AuditEntry) error

	// List returns entries of an org, newest first.
	List(ctx context.Context, q AuditQuery) ([]*core.AuditEntry, error)
}

// AuditQuery is a page of an audit log. The zero value of a filter means any.
type AuditQuery struct {
	OrgID    core.OrgID
	Actor    core.AccountID
	Action   string // an action, or a noun with a dot at its end
	From, To time.Time
	Before   core.AuditID
	Limit    int
}
