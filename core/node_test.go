package core

import (
	"errors"
	"testing"
	"time"
)

var then = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// trail returns the way from a node at that depth, called after it, up to the
// root of drive 1.
func trail(depth int) Trail {
	drive := DriveID{15: 1}
	t := Trail{*NewRoot(&Drive{ID: drive, OrgID: OrgID{15: 2}})}
	for d := 1; d <= depth; d++ {
		t = append(Trail{*NewFolder(NodeID{0: 1, 15: byte(d)}, &t[0], "x", AccountID{15: 3}, then)}, t...)
	}
	return t
}

func TestATrailTellsWhereANodeIs(t *testing.T) {
	for depth := range 5 {
		at := trail(depth)
		n, err := at.Node()
		if err != nil || n.ID != at[0].ID || at.Depth() != depth || !at.Live() {
			t.Errorf("depth %d: %v, %v, depth %d, live %t", depth, n, err, at.Depth(), at.Live())
		}
		for d := range 7 {
			top := NodeID{0: 1, 15: byte(d)}
			if d == 0 {
				top = RootOf(DriveID{15: 1})
			}
			if at.Within(top) != (d <= depth) {
				t.Errorf("a node at depth %d within the one at %d: %t", depth, d, at.Within(top))
			}
		}
	}
	if n, err := (Trail{}).Node(); n != nil || !errors.Is(err, ErrNotFound) {
		t.Errorf("an empty trail begins at %v, %v", n, err)
	}
}

func TestWhatIsBelowATrashedOrPurgedFolderIsSo(t *testing.T) {
	for which := range 4 {
		at := trail(3)
		at[which].Trash(then)
		if _, err := at.Node(); err != nil || at.Live() {
			t.Errorf("%d above is in the trash: %v, live %t", which, err, at.Live())
		}
		if err := at.CheckParent(KindAsset, 0); !errors.Is(err, ErrParentNotDir) {
			t.Errorf("%d above is in the trash: %v", which, err)
		}
		at = trail(3)
		at[which].Purge(then)
		if _, err := at.Node(); !errors.Is(err, ErrNotFound) || at.Live() || !at[which].Trashed() {
			t.Errorf("%d above is purged: %v, live %t", which, err, at.Live())
		}
	}
}

func TestAPlaceMustNotBeTooDeep(t *testing.T) {
	for _, c := range []struct {
		kind          NodeKind
		depth, height int
		ok            bool
	}{
		{KindFolder, 0, 0, true},
		{KindFolder, 62, 0, true},
		{KindFolder, 63, 0, false},
		{KindFolder, 0, 62, true},
		{KindFolder, 0, 63, false},
		{KindFolder, 30, 32, true},
		{KindFolder, 30, 33, false},
		{KindAsset, 63, 0, true},
		{KindAsset, 64, 0, false},
		{KindAsset, 0, 0, true},
	} {
		err := trail(c.depth).CheckParent(c.kind, c.height)
		if (err == nil) != c.ok || err != nil && err.Error() != ErrTooDeep.Error() {
			t.Errorf("a %s of height %d at depth %d: %v", c.kind, c.height, c.depth, err)
		}
		n := &Node{ID: NodeID{15: 99}, Kind: c.kind, Height: c.height}
		if err := trail(c.depth).CheckMove(n); (err == nil) != c.ok {
			t.Errorf("move a %s of height %d to depth %d: %v", c.kind, c.height, c.depth, err)
		}
	}
	file := trail(1)
	file[0].Kind = KindAsset
	if err := file.CheckParent(KindFolder, 0); !errors.Is(err, ErrParentNotDir) {
		t.Errorf("into a file: %v", err)
	}
}

func TestAFolderIsNotMovedIntoItself(t *testing.T) {
	at := trail(3)
	for i := range at {
		if err := at.CheckMove(&at[i]); !errors.Is(err, ErrCycle) {
			t.Errorf("%d above moves into the trail: %v", i, err)
		}
	}
}

func TestANodeCountsItsChanges(t *testing.T) {
	n := NewFolder(NodeID{15: 9}, &trail(0)[0], "a", AccountID{15: 3}, then)
	if n.IsRoot() || n.Version != 1 || n.ParentID != RootOf(n.DriveID) {
		t.Errorf("%+v", n)
	}
	for i, change := range []func(at time.Time){
		func(at time.Time) { n.Rename("b", at) }, func(at time.Time) { n.Move(NodeID{15: 8}, at) }, n.Trash,
		func(at time.Time) { n.Restore(NodeID{15: 7}, "c", at) }, n.Purge,
	} {
		at := then.Add(time.Duration(i+1) * time.Second)
		change(at)
		if n.Version != int64(i+2) || !n.UpdatedAt.Equal(at) {
			t.Errorf("change %d: version %d at %v", i, n.Version, n.UpdatedAt)
		}
	}
	if n.Name != "c" || n.ParentID != (NodeID{15: 7}) || !n.Trashed() {
		t.Errorf("%+v", n)
	}
	before := *n
	if n.Trash(then); *n != before {
		t.Error("trashing twice changes something")
	}
	c := Changed(ChangePurged, n, then)
	if c.NodeID != n.ID || c.ParentID != n.ParentID || c.Name != "c" || c.NodeVersion != n.Version || c.NodeKind != KindFolder || c.DriveID != n.DriveID {
		t.Errorf("%+v", c)
	}
}
