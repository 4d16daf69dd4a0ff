package ports

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// Nodes stores the trees of drives. A node of another drive than the one named
// does not exist. Whoever changes a tree holds Drives.Lock, so that what is
// read in a unit of work stays true until it ends.
type Nodes interface {
	// Trail returns the way from a node up to its drive's root, or an empty
	// trail. It includes what is in the trash or being purged.
	Trail(ctx context.Context, drive core.DriveID, id core.NodeID) (core.Trail, error)

	// Get returns the node, whatever its state, or core.ErrNotFound.
	Get(ctx context.Context, drive core.DriveID, id core.NodeID) (*Entry, error)

	// ByName returns the live node of that name in a folder, or core.ErrNotFound.
	ByName(ctx context.Context, drive core.DriveID, parent core.NodeID, name string) (*Entry, error)

	// ByNames returns those of the names that live nodes of a folder have.
	ByNames(ctx context.Context, drive core.DriveID, parent core.NodeID, names []string) (map[string]Entry, error)

	// ByPath returns the live node that a path of clean names leads to from
	// root, which an empty path means, or core.ErrNotFound.
	ByPath(ctx context.Context, drive core.DriveID, root core.NodeID, path []string) (*Entry, error)

	// Add stores a new folder, or returns core.ErrNameTaken. The folders of the
	// trail, from the new one's parent up, get the height that this gives them,
	// in the trail, too.
	Add(ctx context.Context, n *core.Node, parent core.Trail) error

	// Save stores a changed node whose Version is one above the stored one,
	// else returns core.ErrStale: its name, parent, trashed and purged times, not
	// its height. It can also return core.ErrNameTaken.
	Save(ctx context.Context, n *core.Node) error

	// Raise gives the folders of the trail, from parent up, the height that a
	// folder of that height in parent gives them, in the trail, too.
	Raise(ctx context.Context, parent core.Trail, height int) error

	// NamesLike returns the names of live nodes directly below the folder that
	// begin with prefix, which ends with an ASCII character, in order; at most
	// limit.
	NamesLike(ctx context.Context, drive core.DriveID, parent core.NodeID, prefix string, limit int) ([]string, error)
}

// Listings shows what is in the trees of drives, page by page.
type Listings interface {
	// List returns live nodes directly below a folder; whether that is live is
	// for Nodes.Trail to say.
	List(ctx context.Context, q NodeQuery) ([]Entry, error)

	// Search returns live nodes below a folder, newest first: in the order of
	// their ids.
	Search(ctx context.Context, q NodeSearch) ([]Entry, error)

	// ListTrash returns what has itself been moved to the trash and is not being
	// purged, with a folder above it or by itself; latest first.
	ListTrash(ctx context.Context, q TrashQuery) ([]Entry, error)

	// OldTrash returns what ListTrash does of any drive, if it was trashed before
	// t, oldest first.
	OldTrash(ctx context.Context, t time.Time, limit int) ([]core.Node, error)
}

// Entry is a node as a listing shows it.
type Entry struct {
	Node core.Node
	File core.File // zero for a folder
}

// NodeSort is an order of a folder's nodes. Where it leaves two equal, their
// names (by kind) or ids (else) decide, in the same direction.
type NodeSort string

// The orders, each also the other way round.
const (
	SortName    NodeSort = "name" // in byte order
	SortSize    NodeSort = "size"
	SortUpdated NodeSort = "updated_at"
	SortKind    NodeSort = "kind" // folders, then files, each by name; backwards: files, then folders, each by name backwards
)

// NodeQuery is a page of a folder.
type NodeQuery struct {
	DriveID    core.DriveID
	ParentID   core.NodeID
	Sort       NodeSort // empty: by name
	Descending bool
	After      NodePosition
	Limit      int
}

// NodePosition is where a page of a folder ends: what the sort looks at, of its
// last node. The zero position is before the first page.
type NodePosition struct {
	Name string        `json:"n,omitempty"` // for SortName and SortKind
	Kind core.NodeKind `json:"k,omitempty"` // for SortKind
	At   int64         `json:"a,omitempty"` // bytes for SortSize, microseconds since 1970 for SortUpdated
	ID   core.NodeID   `json:"i,omitzero"`  // for SortSize and SortUpdated
}

// NodeSearch is a page of what is found below a folder. The zero value of a
// filter means any.
type NodeSearch struct {
	DriveID  core.DriveID
	Root     core.NodeID // the drive's root: no limit
	Text     string      // folded; part of the name, its beginning if shorter than 3 characters
	OrgID    core.OrgID  // of the drive, for Words
	Words    []string    // of core.SearchWords: of the text of a file, the last one the beginning of a word
	Kind     core.NodeKind
	Type     string // a media type, or its part before the slash
	Tag      string
	MinSize  int64     // bytes
	MaxSize  int64     // bytes; 0: any
	From, To time.Time // of the last change
	Before   core.NodeID
	Limit    int
}

// TrashQuery is a page of a drive's trash.
type TrashQuery struct {
	DriveID core.DriveID
	Before  TrashPosition
	Limit   int
}

// TrashPosition is where a page of the trash ends. Without an ID it is before
// all that was trashed at that time; the zero position is before the first page.
type TrashPosition struct {
	TrashedAt time.Time   `json:"t,omitzero"`
	ID        core.NodeID `json:"i,omitzero"`
}

// Changes keeps what happens in drives, for those who follow it.
type Changes interface {
	// Add appends changes of one drive, which is locked, and numbers them.
	Add(ctx context.Context, changes ...core.NodeChange) error

	// List returns at most limit changes of the drive after seq, in order, and
	// the number of the latest there is; 0 is before the first. It returns
	// core.ErrCursorExpired if changes after seq have been pruned, or if there has
	// never been one of that number, and core.ErrNotFound if there is no such drive.
	List(ctx context.Context, drive core.DriveID, seq int64, limit int) (changes []core.NodeChange, latest int64, err error)

	// Kept returns the numbers of the last change that was pruned and of the
	// latest there is; 0 if there is none.
	Kept(ctx context.Context, drive core.DriveID) (pruned, latest int64, err error)

	// Prune removes changes made before t, of any drive, at most limit, and such
	// as come before one of those in its drive. It returns how many.
	Prune(ctx context.Context, t time.Time, limit int) (int, error)
}
