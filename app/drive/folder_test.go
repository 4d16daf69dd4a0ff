package drive_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/core"
)

func TestFoldersAreMadeWithTheirParents(t *testing.T) {
	f := newTeam(t)
	sc := f.lib(f.ana)
	create := func(in drive.FolderInput) (*core.Node, bool, error) { return f.CreateFolder(t.Context(), sc, in) }
	_, _, err := create(drive.FolderInput{Name: "c", Path: "/a/b"})
	if e, _ := errors.AsType[*core.Error](err); e == nil || len(e.Fields) != 1 || e.Fields[0].Location != "body.path" {
		t.Errorf("without parents: %v", err)
	}
	f.is(sc, "")
	c, made, err := create(drive.FolderInput{Name: "c", Path: "/a/b", Parents: true})
	f.Must(err)
	if !made || c.Name != "c" || c.CreatedBy != f.ana.account {
		t.Errorf("made %t: %+v", made, c)
	}
	f.is(sc, "a/ a/b/ a/b/c/")
	again, made, err := create(drive.FolderInput{Name: "c", Path: "a/b/", Parents: true})
	f.Must(err)
	if made || again.ID != c.ID {
		t.Errorf("made %t, another %v", made, again.ID)
	}
	_, _, err = create(drive.FolderInput{Name: "c", Path: "/a/b"})
	f.Fails(err, core.ErrNameTaken)
	if e, _ := errors.AsType[*core.Error](err); e == nil || e.Details["node_id"] != c.ID {
		t.Errorf("what is there already is not said: %+v", e)
	}
	_, _, err = create(drive.FolderInput{Name: "d", ParentID: c.ID, Path: "x/y", Parents: true})
	f.Must(err)
	f.file(f.ana, f.library, c.ID, "file", "x")
	for in, code := range map[drive.FolderInput]string{
		{Name: "file", ParentID: c.ID}:                           "name_taken",
		{Name: "file", ParentID: c.ID, Parents: true}:            "name_taken",
		{Name: "z", ParentID: c.ID, Path: "file", Parents: true}: "name_taken",
		{Name: "z", ParentID: core.NodeID(f.IDs.NewID())}:        "validation_failed",
		{Name: "z", ParentID: core.RootOf(f.ana.drive)}:          "validation_failed",
		{Name: "a/b"}:                               "validation_failed",
		{Name: "z", Path: "a/../b"}:                 "validation_failed",
		{Name: "z", Path: "new/folders", Once: nil}: "validation_failed",
	} {
		_, _, err := create(in)
		f.code(err, code)
	}
	f.is(sc, "a/ a/b/ a/b/c/ a/b/c/file a/b/c/x/ a/b/c/x/y/ a/b/c/x/y/d/")
	got, _ := f.happened(sc, 0)
	if want := "created a,created b,created c,created x,created y,created d,created file"; strings.Join(got, ",") != want {
		t.Errorf("changes %q", got)
	}
	if got := f.audited(); !slices.Equal(got, slices.Repeat([]string{"folder.created"}, 6)) {
		t.Errorf("audit log %q", got)
	}
	viewer := f.lib(f.ben)
	viewer.Rights = core.Rights{Read: true}
	_, _, err = f.CreateFolder(t.Context(), viewer, drive.FolderInput{Name: "z"})
	f.Fails(err, core.ErrForbidden)
	f.sound()
}

// deep makes a path of that many folders below a prefix.
func deep(prefix string, levels int) string { return prefix + strings.Repeat("/d", levels) }

func TestATreeHasAtMostSixtyFourLevels(t *testing.T) {
	f := newTeam(t)
	sc := f.lib(f.ana)
	bottom := f.folder(sc, deep("", 63))
	for _, in := range []drive.FolderInput{{Name: "d", ParentID: bottom}, {Name: "d", Path: deep("", 63)}, {Name: "d", Path: deep("", 64), Parents: true}} {
		_, _, err := f.CreateFolder(t.Context(), sc, in)
		f.code(err, "validation_failed")
	}
	f.file(f.ana, f.library, bottom, "file", "x") // the one level that is left
	way, err := f.Path(t.Context(), sc, bottom)
	f.Must(err)
	if len(way) != 64 || !way[0].IsRoot() || way[63].ID != bottom {
		t.Errorf("%d steps", len(way))
	}
	_, err = f.Move(t.Context(), sc, f.folder(sc, "/e"), drive.Target{Scope: sc, ParentID: bottom}, 0)
	f.code(err, "validation_failed")
	f.sound()
}

// What is kept of a folder's height is an upper bound: it must not be what a
// move is refused for.
func TestAFolderThatWasHighOnceCanGoDeep(t *testing.T) {
	f := newTeam(t)
	sc := f.lib(f.ana)
	move := func(id, parent core.NodeID) error {
		_, err := f.Move(t.Context(), sc, id, drive.Target{Scope: sc, ParentID: parent}, 0)
		return err
	}
	high, part := f.folder(sc, "/high"), f.folder(sc, "/high/d")
	f.folder(sc, deep("/high", 40))
	at := f.folder(sc, deep("/p", 29)) // at depth 30: high would reach 71
	f.code(move(high, at), "validation_failed")
	f.Must(f.Delete(t.Context(), sc, part, false, 0))
	f.code(move(high, at), "validation_failed") // what is in its trash may come back
	f.Must(f.Delete(t.Context(), sc, part, true, 0))
	f.Must(move(high, at))
	f.is(f.in(f.ana, f.ana.drive), "")
	f.sound()
}

func TestAPersonalDriveIsNobodyElses(t *testing.T) {
	f := newTeam(t)
	id := f.folder(f.in(f.ben, f.ben.drive), "/mine")
	_, err := f.Enter(t.Context(), f.ana.Actor, f.ben.drive) // though she owns the org
	f.Fails(err, core.ErrNotFound)
	_, err = f.EnterAt(t.Context(), f.ana.Actor, id)
	f.Fails(err, core.ErrNotFound)
	_, err = f.Get(t.Context(), f.lib(f.ana), id)
	f.Fails(err, core.ErrNotFound)
	_, err = f.List(t.Context(), f.lib(f.ana), drive.ListInput{ParentID: id, Limit: 10})
	f.Fails(err, core.ErrNotFound)
}

func TestAPartOfADriveIsAllThereIs(t *testing.T) {
	f := newTeam(t)
	sc := f.lib(f.ana)
	in, out := f.folder(sc, "/in/below"), f.folder(sc, "/out")
	part := sc.Narrow(f.folder(sc, "/in"))
	ctx := t.Context()
	_, err := f.Get(ctx, part, out)
	f.Fails(err, core.ErrNotFound)
	_, err = f.Get(ctx, part, core.RootOf(f.library))
	f.Fails(err, core.ErrNotFound)
	_, err = f.Move(ctx, part, in, drive.Target{Scope: part, ParentID: out}, 0)
	f.code(err, "validation_failed")
	_, err = f.Trash(ctx, part, drive.TrashPosition{}, 10)
	f.Fails(err, core.ErrForbidden)
	_, _, _, err = f.Changes(ctx, part, drive.Since{}, 10)
	f.Fails(err, core.ErrForbidden)
	f.Fails(f.EmptyTrash(ctx, part), core.ErrForbidden)
	found, err := f.Search(ctx, part, drive.SearchInput{Limit: 10})
	f.Must(err)
	if len(found) != 1 || found[0].Node.ID != in {
		t.Errorf("found %+v", found)
	}
	way, err := f.Path(ctx, part, in)
	f.Must(err)
	if len(way) != 2 || way[0].Name != "in" {
		t.Errorf("the way is %+v", way)
	}
	// What comes out of the trash comes back into the part.
	f.Must(f.Delete(ctx, part, in, false, 0))
	e, err := f.Restore(ctx, part, in, drive.RestoreInput{})
	f.Must(err)
	if e.Node.ParentID != part.Root {
		t.Errorf("restored to %v", e.Node.ParentID)
	}
}
