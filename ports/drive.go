package ports

import (
	"context"

	"github.com/seed-755a8038/coffer/core"
)

// Drives stores drives.
type Drives interface {
	// Add stores a new drive with its root node. It returns core.ErrConflict
	// if the account has a personal drive in that org.
	Add(ctx context.Context, d *core.Drive) error

	// Get returns the drive, or core.ErrNotFound.
	Get(ctx context.Context, org core.OrgID, id core.DriveID) (*core.Drive, error)

	// Save stores a changed drive whose Version is one above the stored one,
	// else returns core.ErrStale. What the drive uses is not its to say.
	Save(ctx context.Context, d *core.Drive) error

	// PersonalOf returns an account's own drive, or core.ErrNotFound.
	PersonalOf(ctx context.Context, org core.OrgID, owner core.AccountID) (*core.Drive, error)
}

// Nodes stores the tree of a drive.
type Nodes interface {
	// List returns live nodes directly below a folder in byte order of their
	// names.
	List(ctx context.Context, q NodeQuery) ([]Entry, error)

	// Exists reports whether there is a live folder of that id in the drive.
	Exists(ctx context.Context, drive core.DriveID, id core.NodeID) (bool, error)

	// NamesLike returns the names of live nodes directly below the folder that
	// begin with prefix, which ends with an ASCII character, in order; at most
	// limit.
	NamesLike(ctx context.Context, drive core.DriveID, parent core.NodeID, prefix string, limit int) ([]string, error)
}

// Entry is a node as a listing shows it.
type Entry struct {
	Node core.Node
	File core.File // zero for a folder
}

// NodeQuery is a page of a folder.
type NodeQuery struct {
	DriveID  core.DriveID
	ParentID core.NodeID
	After    string // return names strictly after this one
	Limit    int
}
