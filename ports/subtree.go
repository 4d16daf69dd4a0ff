package ports

import (
	"context"

	"github.com/seed-755a8038/coffer/core"
)

// Subtrees works on a node together with all that is below it: what takes as
// long as that is large, or has a limit.
type Subtrees interface {
	// Height counts the levels of folders below a folder, exactly: it reads all
	// of them, up to core.MaxDepth levels.
	Height(ctx context.Context, drive core.DriveID, id core.NodeID) (int, error)

	// Mixed reports whether anything below the folder, in the trash or not, was
	// created by another account. It returns core.ErrTooManyNodes if it has found
	// nothing in limit nodes, and there are more.
	Mixed(ctx context.Context, drive core.DriveID, id core.NodeID, by core.AccountID, limit int) (bool, error)

	// Entries returns a node and all live ones below it, level by level, or
	// core.ErrTooManyNodes if that is more than limit, and core.ErrNotFound.
	Entries(ctx context.Context, drive core.DriveID, id core.NodeID, limit int) ([]Entry, error)

	// Transfer makes another drive of the org that of a node and all below it,
	// with what they use. Both drives are locked, with usage. The node is as
	// Nodes.Save takes it: in a folder of the other drive already, its DriveID
	// still the one it comes from, which Transfer changes. Beside the errors of
	// Save it returns core.ErrTooManyNodes if there are more than limit, core.ErrNotFound
	// if the org has no such drive, and an error with the code limit_exceeded if
	// that drive's quota does not have the room.
	Transfer(ctx context.Context, org core.OrgID, n *core.Node, to core.DriveID, limit int) error

	// Plant stores new folders and files of one drive, parents first, each file
	// with the upload that will bring its bytes, and takes the room they need
	// without asking for limits: the caller has judged them, with the drive
	// locked with usage. It can return core.ErrNameTaken.
	Plant(ctx context.Context, folders []*core.Node, files []Planted) error

	// Grow stores uploads of further versions of files of one drive, and takes
	// the room they need likewise. The assets count the numbers already, else it
	// returns core.ErrStale.
	Grow(ctx context.Context, files []Planted) error

	// Purging returns nodes that have been purged and are still there, longest
	// ago first, of any drive.
	Purging(ctx context.Context, limit int) ([]core.Node, error)

	// Reap removes at most limit of the nodes at and below one that is purged,
	// or that is the root of a deleted drive, lowest first, and gives back what
	// they used. The drive is locked with usage. done says that nothing is left,
	// as it does of a node that is gone.
	Reap(ctx context.Context, drive core.DriveID, id core.NodeID, limit int) (left Remains, done bool, err error)
}

// Planted is a file with the upload that will bring its bytes.
type Planted struct {
	Asset  *core.Asset
	Upload *core.Upload
}
