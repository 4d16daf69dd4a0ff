package drive_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func (f *team) trash(sc core.Scope) (names []string) {
	f.Helper()
	entries, err := f.Trash(f.Context(), sc, drive.TrashPosition{}, 1000)
	f.Must(err)
	for i := range entries {
		names = append(names, entries[i].Node.Name)
	}
	return names
}

func TestWhatIsTrashedComesBack(t *testing.T) {
	f := newTeam(t)
	sc, ctx := f.lib(f.ana), t.Context()
	a, b := f.folder(sc, "/a"), f.folder(sc, "/a/b")
	x := f.file(f.ana, f.library, b, "x", "x")
	remove := func(id core.NodeID) { t.Helper(); f.Must(f.Delete(ctx, sc, id, false, 0)); f.Clock.Shift(time.Second) }
	restore := func(id core.NodeID, in drive.RestoreInput) *core.Node {
		t.Helper()
		e, err := f.Restore(ctx, sc, id, in)
		f.Must(err)
		return &e.Node
	}
	f.Fails(must(f.Restore(ctx, sc, b, drive.RestoreInput{})), core.ErrNotTrashed)
	f.Fails(f.Delete(ctx, sc, b, false, 99), core.ErrStale)
	f.Fails(f.Delete(ctx, sc, core.RootOf(f.library), true, 0), core.ErrIsRoot)
	remove(b)
	remove(b) // twice changes nothing
	f.is(sc, "a/")
	f.Fails(must(f.Restore(ctx, sc, x, drive.RestoreInput{})), core.ErrNotTrashed) // it comes with its folder
	f.Fails(f.Delete(ctx, sc, x, false, 0), core.ErrNodeTrashed)
	restore(b, drive.RestoreInput{})
	f.is(sc, "a/ a/b/ a/b/x")

	remove(x)
	remove(b)
	remove(a)
	if got := f.trash(sc); !slices.Equal(got, []string{"a", "b", "x"}) {
		t.Errorf("trash %q", got)
	}
	if n := restore(x, drive.RestoreInput{}); n.ParentID != core.RootOf(f.library) { // its folder is not there
		t.Errorf("%+v", n)
	}
	f.folder(sc, "/a")
	f.Fails(must(f.Restore(ctx, sc, b, drive.RestoreInput{ParentID: a})), core.ErrNodeTrashed)
	f.code(must(f.Restore(ctx, sc, b, drive.RestoreInput{ParentID: core.NodeID(f.IDs.NewID())})), "validation_failed")
	if n := restore(a, drive.RestoreInput{}); n.Name != "a (1)" {
		t.Errorf("%+v", n)
	}
	f.code(must(f.Restore(ctx, sc, b, drive.RestoreInput{ParentID: b})), "trashed")
	name := "a"
	if n := restore(b, drive.RestoreInput{ParentID: core.RootOf(f.library), Name: &name}); n.Name != "a (2)" {
		t.Errorf("%+v", n)
	}
	got, _ := f.happened(sc, 3)
	want := []string{"trashed b", "restored b", "trashed x", "trashed b", "trashed a", "restored x", "created a", "restored a (1)", "restored a (2)"}
	if !slices.Equal(got, want) {
		t.Errorf("changes %q", got)
	}
	if f.audited()[2] != "folder.trashed" || f.audited()[3] != "folder.restored" {
		t.Errorf("audit log %q", f.audited())
	}
	f.used(f.library, 1, 1, 1)
	f.sound()
}

func TestSomeDeleteOnlyWhatIsTheirs(t *testing.T) {
	f := newTeam(t)
	ana, ben, ctx := f.lib(f.ana), f.lib(f.ben), t.Context()
	his := f.folder(ben, "/his/in")
	top := f.folder(ben, "/his")
	hers := f.file(f.ana, f.library, his, "hers", "x")
	for _, permanent := range []bool{false, true} {
		f.Fails(f.Delete(ctx, ben, hers, permanent, 0), core.ErrForbidden)
		f.Fails(f.Delete(ctx, ben, top, permanent, 0), core.ErrForbidden)
	}
	// What she has put into the trash is still hers, and the folder goes with it.
	f.Must(f.Delete(ctx, ana, hers, false, 0))
	f.Fails(f.Delete(ctx, ben, top, true, 0), core.ErrForbidden)
	f.Fails(f.EmptyTrash(ctx, ben), core.ErrForbidden)
	f.Must(f.Delete(ctx, ana, hers, true, 0))
	f.Must(f.Delete(ctx, ben, top, true, 0))
	f.work()
	f.used(f.library, 0, 0, 0)
	f.is(ana, "")
	f.sound()
}

// plant makes that many folders in one, at once; trashed says that they are in
// the trash.
func (f *team) plant(sc core.Scope, parent core.NodeID, name string, count int, trashed bool) {
	f.Helper()
	f.Write(func(tx ports.Tx) error {
		e, err := tx.Nodes.Get(f.Context(), sc.DriveID, parent)
		f.Must(err)
		var folders []*core.Node
		for i := range count {
			n := core.NewFolder(core.NodeID(f.IDs.NewID()), &e.Node, fmt.Sprintf("%s %d", name, i), sc.By, f.Clock.Now())
			if trashed {
				n.Trash(f.Clock.Now())
			}
			folders = append(folders, n)
		}
		f.Must(tx.Subtrees.Plant(f.Context(), folders, nil))
		t, err := tx.Nodes.Trail(f.Context(), sc.DriveID, parent)
		f.Must(err)
		return tx.Nodes.Raise(f.Context(), t, 0)
	})
}

func TestALargeFolderIsPurgedInSteps(t *testing.T) {
	f := newTeam(t)
	sc, ctx := f.lib(f.ana), t.Context()
	top := f.folder(sc, "/large")
	f.plant(sc, f.folder(sc, "/large/one"), "x", 250, false)
	f.plant(sc, f.folder(sc, "/large/two"), "x", 250, false)
	f.file(f.ana, f.library, top, "x", "12345")
	c, err := f.pending(f.ana, f.library, top, "waits", 7)
	f.Must(err)
	f.Must(f.Delete(ctx, sc, f.folder(sc, "/large/one/x 1"), false, 0))
	f.Queue.Take()
	f.Must(f.Delete(ctx, sc, top, true, 0))
	f.is(sc, "") // for everybody, at once
	if got := f.trash(sc); len(got) != 0 {
		t.Errorf("trash %q", got)
	}
	for _, err := range []error{must(f.Get(ctx, sc, top)), must(f.Restore(ctx, sc, top, drive.RestoreInput{})), f.Delete(ctx, sc, top, true, 0)} {
		f.Fails(err, core.ErrNotFound)
	}
	f.Fails(f.arrive(f.ana, c, "1234567"), core.ErrNotFound)
	f.folder(sc, "/large") // the name is free
	jobs := f.Queue.Take()
	rest := slices.IndexFunc(jobs, func(j ports.Job) bool { _, ok := j.(drive.Reap); return ok })
	if rest < 0 {
		t.Fatalf("jobs %+v", jobs)
	}
	jobs = slices.Delete(jobs, rest, rest+1) // whose process crashes: the job is lost
	for _, job := range jobs {
		f.Must(f.run(job))
	}
	left := func() (n int) {
		f.Read(func(tx ports.Tx) error {
			nodes, err := tx.Subtrees.Purging(f.Context(), 10)
			n = len(nodes)
			return err
		})
		return n
	}
	f.sound()
	if left() != 1 {
		t.Error("nothing is left of a large folder")
	}
	f.Must(f.Housekeep(ctx, drive.Housekeep{}))
	f.work()
	if left() != 0 {
		t.Error("housekeeping does not go on with it")
	}
	f.Must(f.Reap(ctx, drive.Reap{OrgID: f.org, DriveID: f.library, NodeID: top})) // comes again
	f.used(f.library, 0, 0, 0)
	if keys := f.BlobKeys(); len(keys) != 0 {
		t.Errorf("bytes are left: %q", keys)
	}
	f.is(sc, "large/")
	f.sound()
}

func TestReapRefusesWhatIsNotPurged(t *testing.T) {
	f := newTeam(t)
	a := f.folder(f.lib(f.ana), "/a")
	if f.Reap(t.Context(), drive.Reap{OrgID: f.org, DriveID: f.library, NodeID: a}) == nil {
		t.Error("a live folder is reaped")
	}
	f.is(f.lib(f.ana), "a/")
}

func TestTheTrashIsEmptied(t *testing.T) {
	for _, files := range []int{0, 10, 300} {
		t.Run(fmt.Sprint(files), func(t *testing.T) {
			f := newTeam(t)
			sc, ctx := f.lib(f.ana), t.Context()
			f.Must(f.EmptyTrash(ctx, sc))
			f.folder(sc, "/stays")
			f.plant(sc, core.RootOf(f.library), "now", files, true)
			if files > 0 {
				f.Must(f.Delete(ctx, sc, f.file(f.ana, f.library, core.NodeID{}, "x", "x"), false, 0))
			}
			f.Queue.Take()
			f.Must(f.EmptyTrash(ctx, sc))
			f.Clock.Shift(time.Second)
			// What is thrown away from now on stays there, even if it is so much
			// that no page of the trash shows anything else.
			f.plant(sc, core.RootOf(f.library), "later", 250, true)
			f.work()
			if got := f.trash(sc); len(got) != 250 {
				t.Errorf("%d in the trash", len(got))
			}
			f.used(f.library, 0, 0, 0)
			f.is(sc, "stays/")
			if asked := slices.Contains(f.audited(), "drive.trash_emptied"); asked != (files == 300) {
				t.Errorf("the audit log says who emptied the trash: %t", asked)
			}
			f.sound()
		})
	}
}

func TestHousekeepingByTheClock(t *testing.T) {
	f := newTeam(t)
	sc, ctx := f.lib(f.ana), t.Context()
	old := f.folder(sc, "/old")
	f.file(f.ana, f.library, old, "x", "123")
	f.Must(f.Delete(ctx, sc, old, false, 0))
	f.Clock.Shift(trashRetention)
	f.Must(f.Delete(ctx, sc, f.folder(sc, "/young"), false, 0))
	f.Must(f.Housekeep(ctx, drive.Housekeep{}))
	if got := f.trash(sc); !slices.Equal(got, []string{"young", "old"}) {
		t.Errorf("to the microsecond: trash %q", got)
	}
	f.Clock.Shift(time.Microsecond)
	f.Must(f.Housekeep(ctx, drive.Housekeep{}))
	f.work()
	if got := f.trash(sc); !slices.Equal(got, []string{"young"}) {
		t.Errorf("trash %q", got)
	}
	f.used(f.library, 0, 0, 0)
	got, latest := f.happened(sc, 0)
	if want := "[created old created x trashed old created young trashed young purged old]"; fmt.Sprint(got) != want {
		t.Errorf("changes %v", got)
	}
	f.Clock.Shift(changeRetention - trashRetention)
	f.Must(f.Housekeep(ctx, drive.Housekeep{}))
	if _, _, _, err := f.Changes(ctx, sc, drive.Since{Seq: 2}, 10); err == nil {
		t.Error("changes of before the retention are still there")
	}
	list, end, last, err := f.Changes(ctx, sc, drive.Since{Oldest: true}, 10)
	f.Must(err)
	if latest++; len(list) != 4 || end != latest || last != latest { // young is purged, too
		t.Errorf("%d changes to %d of %d", len(list), end, last)
	}
	list, end, _, err = f.Changes(ctx, sc, drive.Since{Oldest: true, Now: true}, 10)
	f.Must(err)
	if len(list) != 0 || end != latest {
		t.Errorf("%d changes to %d", len(list), end)
	}
	f.sound()
}
