package drive_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func TestANodeIsRenamedAndMoved(t *testing.T) {
	f := newTeam(t)
	sc, ctx := f.lib(f.ana), t.Context()
	a, b := f.folder(sc, "/a"), f.folder(sc, "/b")
	x := f.file(f.ana, f.library, a, "x.txt", "x")
	f.file(f.ana, f.library, b, "x.txt", "other")
	name := func(s string) *string { return &s }
	e, err := f.Rename(ctx, sc, x, name("y.txt"), "", 2)
	f.Must(err)
	if e.Node.Name != "y.txt" || e.Node.Version != 3 {
		t.Errorf("%+v", e.Node)
	}
	_, err = f.Rename(ctx, sc, x, name("z"), "", 2)
	f.Fails(err, core.ErrStale)
	for _, same := range []*string{nil, name("y.txt")} { // not a change
		e, err = f.Rename(ctx, sc, x, same, "", 3)
		f.Must(err)
		if e.Node.Version != 3 {
			t.Errorf("%+v", e.Node)
		}
	}
	f.Must(must(f.Rename(ctx, sc, x, name("x.txt"), "", 0)))
	_, err = f.Move(ctx, sc, x, drive.Target{Scope: sc, ParentID: b}, 0)
	f.Fails(err, core.ErrNameTaken)
	e, err = f.Move(ctx, sc, x, drive.Target{Scope: sc, ParentID: b, OnConflict: drive.ConflictRename}, 0)
	f.Must(err)
	if e.Node.Name != "x (1).txt" || e.Node.Version != 5 || e.Node.ParentID != b {
		t.Errorf("one move with a new name is one change: %+v", e.Node)
	}
	f.Must(must(f.Move(ctx, sc, b, drive.Target{Scope: sc, ParentID: a, Name: name("c")}, 0)))
	f.is(sc, "a/ a/c/ a/c/x.txt a/c/x_(1).txt")
	got, _ := f.happened(sc, 0)
	if want := "created a|created b|created x.txt|created x.txt|moved y.txt|moved x.txt|moved x (1).txt|moved c"; strings.Join(got, "|") != want {
		t.Errorf("changes %q", got)
	}
	f.sound()
}

func must(_ *ports.Entry, err error) error { return err }

func TestAMoveIsRefused(t *testing.T) {
	f := newTeam(t)
	sc, ctx := f.lib(f.ana), t.Context()
	a, b, gone := f.folder(sc, "/a"), f.folder(sc, "/a/b"), f.folder(sc, "/gone/in")
	file := f.file(f.ana, f.library, core.NodeID{}, "file", "x")
	f.Must(f.Delete(ctx, sc, f.folder(sc, "/gone"), false, 0))
	_, before := f.happened(sc, 0)
	for name, c := range map[string]struct {
		id, to core.NodeID
		code   string
	}{
		"into itself": {a, a, "folder_into_itself"}, "below itself": {a, b, "folder_into_itself"}, "the root": {core.RootOf(f.library), a, "root_folder"},
		"into a file": {a, file, "validation_failed"}, "into nothing": {a, core.NodeID(f.IDs.NewID()), "validation_failed"},
		"into the trash": {a, gone, "trashed"}, "out of the trash": {gone, a, "trashed"}, "nothing": {core.NodeID(f.IDs.NewID()), a, "not_found"},
		"into another drive, as if it were this": {a, core.RootOf(f.ana.drive), "validation_failed"},
	} {
		_, err := f.Move(ctx, sc, c.id, drive.Target{Scope: sc, ParentID: c.to}, 0)
		if f.code(err, c.code); t.Failed() {
			t.Fatal(name)
		}
	}
	bad := "a/b"
	_, err := f.Rename(ctx, sc, a, &bad, "", 0)
	f.code(err, "validation_failed")
	viewer := sc
	viewer.Rights = core.Rights{Read: true}
	_, err = f.Rename(ctx, viewer, a, nil, "", 0)
	f.Fails(err, core.ErrForbidden)
	_, err = f.Move(ctx, sc, a, drive.Target{Scope: viewer}, 0)
	f.Fails(err, core.ErrForbidden)
	foreign := f.SignUp("eve")
	other, err := f.Enter(ctx, foreign.Actor, foreign.Drive.ID)
	f.Must(err)
	_, err = f.Move(ctx, sc, a, drive.Target{Scope: other}, 0)
	f.code(err, "validation_failed")
	if got, _ := f.happened(sc, before); len(got) != 0 {
		t.Errorf("changes %q", got)
	}
	f.sound()
}

func TestATreeGoesToAnotherDrive(t *testing.T) {
	f := newTeam(t)
	lib, own, ctx := f.lib(f.ben), f.in(f.ben, f.ben.drive), t.Context()
	a := f.folder(lib, "/a")
	f.file(f.ben, f.library, f.folder(lib, "/a/b"), "x", "12345")
	trashed := f.file(f.ben, f.library, a, "old", "123")
	f.Must(f.Delete(ctx, lib, trashed, false, 0))
	waits, err := f.pending(f.ben, f.library, a, "waits", 7)
	f.Must(err)
	f.used(f.library, 15, 15, 3)
	_, inLib := f.happened(lib, 0)
	_, inOwn := f.happened(own, 0)

	f.Write(func(tx ports.Tx) error { return f.quota(ctx, tx, f.ben.drive, 14) })
	_, err = f.Move(ctx, lib, a, drive.Target{Scope: own}, 0)
	f.code(err, "limit_exceeded")
	f.Write(func(tx ports.Tx) error { return f.quota(ctx, tx, f.ben.drive, 15) })
	f.Must(must(f.Move(ctx, lib, a, drive.Target{Scope: own}, 0)))
	f.is(lib, "")
	f.is(own, "a/ a/b/ a/b/x a/waits")
	f.used(f.library, 0, 15, 3)
	f.used(f.ben.drive, 15, 15, 3)
	f.Must(f.arrive(f.ben, waits, "1234567")) // its upload has followed
	f.Must(must(f.Restore(ctx, own, trashed, drive.RestoreInput{})))
	f.is(own, "a/ a/b/ a/b/x a/old a/waits")
	out, _ := f.happened(lib, inLib)
	in, _ := f.happened(own, inOwn)
	f.Read(func(tx ports.Tx) error { // both drives' readers hear of it
		es, err := tx.Events.List(ctx, f.org, core.EventID{}, 999)
		var of []any
		for _, e := range es {
			if changes, _ := e.Data["changes"].(map[string]any); e.Type == "node.moved" && changes["drive_id"] != nil && e.Data["node_id"] == a.String() {
				of = append(of, e.Data["drive_id"])
			}
		}
		if !slices.Equal(of, []any{f.library.String(), f.ben.drive.String()}) {
			t.Errorf("the move is told of in %v", of)
		}
		return err
	})
	if !slices.Equal(out, []string{"moved_out a"}) || !slices.Equal(in, []string{"moved_in a", "created waits", "restored old"}) {
		t.Errorf("changes %q and %q", out, in)
	}
	_, err = f.EnterAt(ctx, f.ana.Actor, a)
	f.Fails(err, core.ErrNotFound) // it is Ben's now

	// Who may not delete something may not take it away.
	boss := f.lib(f.ana)
	f.folder(boss, "/hers/in")
	_, err = f.Move(ctx, f.lib(f.ben), f.folder(boss, "/hers"), drive.Target{Scope: own}, 0)
	f.Fails(err, core.ErrForbidden)
	f.folder(f.lib(f.ben), "/his")
	f.folder(boss, "/his/hers")
	_, err = f.Move(ctx, f.lib(f.ben), f.folder(boss, "/his"), drive.Target{Scope: own}, 0)
	f.Fails(err, core.ErrForbidden)
	f.sound()
}

func (f *team) quota(ctx context.Context, tx ports.Tx, id core.DriveID, bytes int64) error {
	d, err := tx.Drives.Get(ctx, f.org, id)
	if err != nil {
		return err
	}
	d.QuotaBytes = bytes
	d.Version++
	return tx.Drives.Save(ctx, d)
}
