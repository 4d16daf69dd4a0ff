package core

import "time"

// MaxDepth is how deep a tree may be; a top node of a drive has depth 1.
const MaxDepth = 64

// What can go wrong with a node.
var (
	ErrNameTaken    = &Error{Kind: KindConflict, Code: "name_taken", Message: "there is already something with this name in the folder; choose another name, or say what to do by on_conflict"}
	ErrParentNotDir = Invalid("body.parent_id", "is not a folder of this drive")
	ErrTooDeep      = Invalid("body.parent_id", "the folder is too deep in the tree: at most 64 levels")
)

// NodeID identifies a node.
type NodeID = ID[Node]

// NodeKind says what a node is.
type NodeKind string

// The kinds of node.
const (
	KindFolder NodeKind = "folder"
	KindAsset  NodeKind = "asset"
)

// Node is one entry of a drive's tree.
type Node struct {
	ID        NodeID
	OrgID     OrgID
	DriveID   DriveID
	ParentID  NodeID // RootOf(DriveID) for a top node; zero for the root itself
	Kind      NodeKind
	Name      string    // in the form of CleanNodeName; empty for the root
	CreatedBy AccountID // zero for the root
	TrashedAt time.Time
	Version   int64
	CreatedAt time.Time
	UpdatedAt time.Time
}

// RootOf returns the id of a drive's root node.
func RootOf(d DriveID) NodeID { return NodeID(d) }

// NewRoot returns the root node of a drive.
func NewRoot(d *Drive) *Node {
	return &Node{
		ID: RootOf(d.ID), OrgID: d.OrgID, DriveID: d.ID, Kind: KindFolder,
		Version: 1, CreatedAt: d.CreatedAt, UpdatedAt: d.CreatedAt,
	}
}

// IsRoot reports whether n is the root of its drive.
func (n *Node) IsRoot() bool { return n.ParentID.IsZero() }

// Trashed reports whether n itself is in the trash.
func (n *Node) Trashed() bool { return !n.TrashedAt.IsZero() }

// Rename gives the node another name, in the form of CleanNodeName.
func (n *Node) Rename(name string, now time.Time) {
	n.Name = name
	n.touch(now)
}

// Trash moves the node, with what is below it, to the trash. Trashing twice
// changes nothing.
func (n *Node) Trash(now time.Time) {
	if n.Trashed() {
		return
	}
	n.TrashedAt = now
	n.touch(now)
}

func (n *Node) touch(now time.Time) {
	n.Version++
	n.UpdatedAt = now
}
