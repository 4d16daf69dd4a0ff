package ports

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// Drives stores drives.
type Drives interface {
	// Add stores a new drive with its root node. It returns core.ErrConflict
	// if the account has a personal drive in that org, and
	// core.ErrDriveNameTaken if the org has a shared drive whose name differs
	// in case at most.
	Add(ctx context.Context, d *core.Drive) error

	// Get returns the drive, or core.ErrNotFound, also for a deleted one.
	Get(ctx context.Context, org core.OrgID, id core.DriveID) (*core.Drive, error)

	// Save stores a changed drive whose Version is one above the stored one,
	// else returns core.ErrStale. What the drive uses is not its to say. It can
	// also return core.ErrDriveNameTaken.
	Save(ctx context.Context, d *core.Drive) error

	// ByName returns the shared drive of that name, in any case, or
	// core.ErrNotFound.
	ByName(ctx context.Context, org core.OrgID, name string) (*core.Drive, error)

	// List returns the drives that an account of the org may read, by id.
	List(ctx context.Context, q DriveQuery) ([]DriveEntry, error)

	// Contents counts what is in a drive: it reads every node there.
	Contents(ctx context.Context, org core.OrgID, id core.DriveID) (core.DriveContents, error)

	// Deleted returns drives that wait to be removed, of any org, by id.
	Deleted(ctx context.Context, after core.DriveID, limit int) ([]core.Drive, error)

	// Strip removes at most limit rows of what is kept about a deleted drive
	// beside its tree. done says that nothing is left of that.
	Strip(ctx context.Context, org core.OrgID, id core.DriveID, limit int) (done bool, err error)

	// Remove removes a deleted drive whose tree is gone, root included. It
	// returns core.ErrConflict if there is anything left of that.
	Remove(ctx context.Context, org core.OrgID, id core.DriveID) error

	// PersonalOf returns an account's own drive, or core.ErrNotFound.
	PersonalOf(ctx context.Context, org core.OrgID, owner core.AccountID) (*core.Drive, error)

	// Lock keeps other units of work from changing the drives and their trees
	// until this one ends, and with usage from reserving or giving back room in
	// the org. It comes before any other write there, is for Update only, and
	// returns core.ErrNotFound if a drive is gone.
	Lock(ctx context.Context, org core.OrgID, usage bool, ids ...core.DriveID) error
}

// DriveQuery is a page of an org's drives.
type DriveQuery struct {
	OrgID     core.OrgID
	AccountID core.AccountID // whose standing decides what is listed
	ID        core.DriveID   // only this one; zero: any
	After     core.DriveID
	Limit     int
}

// DriveEntry is a drive as one account sees it.
type DriveEntry struct {
	Drive     core.Drive
	Standing  core.DriveStanding
	IsDefault bool // of its org
}

// DriveMembers stores who has a role of their own in shared drives.
type DriveMembers interface {
	// Put stores a member in place of the one there may be. The drive and the
	// account are of the same org.
	Put(ctx context.Context, m core.DriveMember) error

	// Remove takes a member's role away, or returns core.ErrNotFound.
	Remove(ctx context.Context, drive core.DriveID, account core.AccountID) error

	// RemoveAll takes away all roles that an account has in drives of its org.
	RemoveAll(ctx context.Context, account core.AccountID) error

	// Get returns any account of the org with its standing in the drive, or
	// core.ErrNotFound.
	Get(ctx context.Context, org core.OrgID, drive core.DriveID, account core.AccountID) (*DriveAccount, error)

	// List returns the accounts with a role of their own in the drive, or all
	// that may read it, by id.
	List(ctx context.Context, q DriveAccountQuery) ([]DriveAccount, error)
}

// DriveAccountQuery is a page of the accounts of a drive's org.
type DriveAccountQuery struct {
	OrgID   core.OrgID
	DriveID core.DriveID
	Members bool // those with a member row; else those that may read the drive
	After   core.AccountID
	Limit   int
}

// DriveAccount is an account with its standing in a drive.
type DriveAccount struct {
	Member
	Standing core.DriveStanding
	Since    time.Time // of its member row; zero: it has none
}
