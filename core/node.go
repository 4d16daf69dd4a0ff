package core

import "time"

// MaxDepth is how deep a tree may be; a top node of a drive has depth 1. A
// folder stays one level above it, so that there is room for what is in it.
const MaxDepth = 64

// What can go wrong with a node.
var (
	ErrNameTaken    = &Error{Kind: KindConflict, Code: "name_taken", Message: "there is already something with this name in the folder; choose another name, or say what to do by on_conflict"}
	ErrParentNotDir = Invalid("body.parent_id", "is not a folder of this drive")
	ErrTooDeep      = Invalid("body.parent_id", "the folder is too deep in the tree: at most 64 levels")
	ErrNotFolder    = &Error{Kind: KindConflict, Code: "not_a_folder", Message: "this is a file, not a folder"}
	ErrCycle        = &Error{Kind: KindConflict, Code: "folder_into_itself", Message: "a folder cannot be moved or copied into itself or into something below it"}
	ErrNodeTrashed  = &Error{Kind: KindConflict, Code: "trashed", Message: "it, or a folder above it, is in the trash; restore that first"}
	ErrNotTrashed   = &Error{Kind: KindConflict, Code: "not_trashed", Message: "it is not in the trash; what is inside a trashed folder comes back with that folder"}
	ErrIsRoot       = &Error{Kind: KindConflict, Code: "root_folder", Message: "this is the drive's root folder: it cannot be renamed, moved, copied or deleted"}
	ErrTooManyNodes = &Error{Kind: KindInvalid, Code: "too_many_nodes", Message: "the folder holds more than can be done in one step; take the folders in it one after the other"}
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
	TrashedAt time.Time // with it all below it
	PurgedAt  time.Time // likewise: a job is removing it
	Height    int       // of a folder: at least the levels of folders below it
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

// NewFolder returns an empty folder; name is in the form of CleanNodeName.
func NewFolder(id NodeID, parent *Node, name string, by AccountID, now time.Time) *Node {
	return &Node{
		ID: id, OrgID: parent.OrgID, DriveID: parent.DriveID, ParentID: parent.ID, Kind: KindFolder, Name: name, CreatedBy: by,
		Version: 1, CreatedAt: now, UpdatedAt: now,
	}
}

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

// Move puts the node into another folder of its drive; see Trail.CheckMove.
func (n *Node) Move(parent NodeID, now time.Time) {
	n.ParentID = parent
	n.touch(now)
}

// Restore takes the node out of the trash, into a live folder, under a name
// that is free there.
func (n *Node) Restore(parent NodeID, name string, now time.Time) {
	n.TrashedAt = time.Time{}
	n.ParentID, n.Name = parent, name
	n.touch(now)
}

// Purge hides the node and all below it for good; a job removes them.
func (n *Node) Purge(now time.Time) {
	if n.TrashedAt.IsZero() {
		n.TrashedAt = now
	}
	n.PurgedAt = now
	n.touch(now)
}

// Trail is the way from a node, which is its first element, up to the root of
// its drive, which is its last.
type Trail []Node

// Node returns the node that the trail begins at, or ErrNotFound if there is
// none or if it is being removed.
func (t Trail) Node() (*Node, error) {
	for i := range t {
		if !t[i].PurgedAt.IsZero() {
			return nil, ErrNotFound
		}
	}
	if len(t) == 0 {
		return nil, ErrNotFound
	}
	return &t[0], nil
}

// Depth is how deep the node is; 0 for the root.
func (t Trail) Depth() int { return len(t) - 1 }

// Live reports whether neither the node nor a folder above it is in the trash.
func (t Trail) Live() bool {
	for i := range t {
		if t[i].Trashed() {
			return false
		}
	}
	return true
}

// Within reports whether the node is top or below it.
func (t Trail) Within(top NodeID) bool {
	for i := range t {
		if t[i].ID == top {
			return true
		}
	}
	return false
}

// CheckParent refuses a place for a node of this kind, with height levels of
// folders below it, in the folder that the trail begins at.
func (t Trail) CheckParent(kind NodeKind, height int) error {
	folder, err := t.Node()
	switch {
	case err != nil || folder.Kind != KindFolder || !t.Live():
		return ErrParentNotDir
	case kind == KindFolder && t.Depth()+1+height > MaxDepth-1, kind == KindAsset && t.Depth()+1 > MaxDepth:
		return ErrTooDeep
	}
	return nil
}

// CheckMove is CheckParent, and refuses a node that the folder is in.
func (t Trail) CheckMove(n *Node) error {
	if t.Within(n.ID) {
		return ErrCycle
	}
	return t.CheckParent(n.Kind, n.Height)
}

func (n *Node) touch(now time.Time) {
	n.Version++
	n.UpdatedAt = now
}
