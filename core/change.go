package core

import "time"

// ChangeKind says what has happened to a node.
type ChangeKind string

// The kinds of change. One of a folder counts for all that is in it: what
// comes into a drive by ChangeMovedIn, ChangeCreated or ChangeRestored may
// bring more with it, which is there to be listed.
const (
	ChangeCreated  ChangeKind = "created"   // a folder, or a file with its first complete version
	ChangeUpdated  ChangeKind = "updated"   // other content or metadata
	ChangeMoved    ChangeKind = "moved"     // another name or folder
	ChangeMovedIn  ChangeKind = "moved_in"  // from another drive
	ChangeMovedOut ChangeKind = "moved_out" // to another drive
	ChangeTrashed  ChangeKind = "trashed"
	ChangeRestored ChangeKind = "restored"
	ChangePurged   ChangeKind = "purged"
)

// ErrCursorExpired reports a place in a list of changes that is no longer kept.
var ErrCursorExpired = &Error{Kind: KindGone, Code: "cursor_expired", Message: "changes that old are no longer kept; begin with cursor=now, then list the drive anew"}

// NodeChange is one thing that happened in a drive. Seq counts from 1, without
// gaps, in the order in which changes become visible.
type NodeChange struct {
	Seq         int64
	DriveID     DriveID
	Kind        ChangeKind
	NodeID      NodeID
	NodeKind    NodeKind
	ParentID    NodeID
	Name        string
	NodeVersion int64
	At          time.Time
}

// Changed returns the change that has just been made to n.
func Changed(kind ChangeKind, n *Node, now time.Time) NodeChange {
	return NodeChange{
		DriveID: n.DriveID, Kind: kind, NodeID: n.ID, NodeKind: n.Kind, ParentID: n.ParentID, Name: n.Name, NodeVersion: n.Version, At: now,
	}
}
