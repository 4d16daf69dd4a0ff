package drive_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func (f *team) copied(sc core.Scope, id core.NodeID, to drive.Target) *ports.Entry {
	f.Helper()
	to.OnConflict = drive.ConflictRename
	e, err := f.Copy(f.Context(), sc, id, to, nil)
	f.Must(err)
	return e
}

func TestAFileIsCopied(t *testing.T) {
	f := newTeam(t)
	sc, own, ctx := f.lib(f.ben), f.in(f.ben, f.ben.drive), t.Context()
	id := f.file(f.ben, f.library, core.NodeID{}, "a.txt", "hello")
	if _, err := f.files.Tag(ctx, f.ben.Actor, id, []string{"red"}, nil); err != nil {
		t.Fatal(err)
	}
	_, seq := f.happened(own, 0)
	_, err := f.Copy(ctx, sc, id, drive.Target{Scope: sc}, nil)
	f.Fails(err, core.ErrNameTaken)
	beside := f.copied(sc, id, drive.Target{Scope: sc})
	name := "b.txt"
	away := f.copied(sc, id, drive.Target{Scope: own, Name: &name})
	if beside.Node.Name != "a (1).txt" || away.Node.Name != "b.txt" || beside.File.Status != core.AssetPending || away.Node.DriveID != f.ben.drive {
		t.Errorf("%+v and %+v", beside, away)
	}
	f.used(f.library, 10, 15, 3)
	f.used(f.ben.drive, 5, 15, 3)
	if got, _ := f.happened(own, seq); len(got) != 0 {
		t.Errorf("a pending file is told of: %q", got)
	}
	f.work()
	for _, e := range []*ports.Entry{beside, away} {
		got, err := f.files.Get(ctx, f.ben.Actor, f.org, e.Node.ID)
		f.Must(err)
		if got.Status != core.AssetReady || !slices.Equal(got.Metadata.Tags, []string{"red"}) || len(got.SHA256) != 32 || got.CreatedBy != f.ben.account ||
			f.read(f.ben, e.Node.ID) != "hello" {
			t.Errorf("%+v", got)
		}
	}
	if got, _ := f.happened(own, seq); !slices.Equal(got, []string{"created b.txt"}) {
		t.Errorf("changes %q", got)
	}
	if len(f.BlobKeys()) != 3 {
		t.Errorf("keys %q", f.BlobKeys())
	}
	f.sound()
}

func TestAFolderIsCopied(t *testing.T) {
	f := newTeam(t)
	sc, ctx := f.lib(f.ana), t.Context()
	a := f.folder(sc, "/a")
	f.file(f.ana, f.library, f.folder(sc, "/a/b/c"), "x", "12345")
	f.file(f.ana, f.library, a, "y", "123")
	f.Must(f.Delete(ctx, sc, f.file(f.ana, f.library, a, "trashed", "1"), false, 0))
	_, err := f.pending(f.ana, f.library, a, "pending", 9)
	f.Must(err)
	e := f.copied(sc, a, drive.Target{Scope: sc, ParentID: f.folder(sc, "/to")})
	f.work()
	f.is(sc, "a/ a/b/ a/b/c/ a/b/c/x a/pending a/y to/ to/a/ to/a/b/ to/a/b/c/ to/a/b/c/x to/a/y")
	f.used(f.library, 8+1+9+8, 26, 6)
	x, err := f.List(ctx, sc, drive.ListInput{Path: "/to/a/b/c", Limit: 5})
	f.Must(err)
	if len(x) != 1 || f.read(f.ana, x[0].Node.ID) != "12345" {
		t.Errorf("%+v", x)
	}
	got, _ := f.happened(sc, 0)
	if n := counted(got); n["created a"] != 2 || n["created to"] != 1 || n["created x"] != 2 || n["created b"] != 1 {
		t.Errorf("changes %q", got)
	}
	for to, code := range map[core.NodeID]string{a: "folder_into_itself", f.folder(sc, "/a/b/c"): "folder_into_itself", x[0].Node.ID: "validation_failed"} {
		_, err := f.Copy(ctx, sc, a, drive.Target{Scope: sc, ParentID: to}, nil)
		f.code(err, code)
	}
	_, err = f.Copy(ctx, sc, core.RootOf(f.library), drive.Target{Scope: sc, ParentID: a}, nil)
	f.Fails(err, core.ErrIsRoot)
	f.Must(f.Delete(ctx, sc, a, false, 0))
	_, err = f.Copy(ctx, sc, a, drive.Target{Scope: sc}, nil)
	f.Fails(err, core.ErrNodeTrashed)
	_, err = f.Copy(ctx, sc, e.Node.ID, drive.Target{Scope: sc, ParentID: a}, nil)
	f.Fails(err, core.ErrNodeTrashed)
	f.sound()
}

func TestACopyIsMadeAsAWholeOrNotAtAll(t *testing.T) {
	f := newTeam(t)
	sc, own, ctx := f.lib(f.ben), f.in(f.ben, f.ben.drive), t.Context()
	a := f.folder(sc, "/a")
	for i := range 4 {
		f.file(f.ben, f.library, a, fmt.Sprint(i), "12345")
	}
	waits, err := f.pending(f.ben, f.library, core.NodeID{}, "waits", 3)
	f.Must(err)
	f.Queue.Take()
	_, before := f.happened(own, 0)
	f.Write(func(tx ports.Tx) error { return f.quota(ctx, tx, f.ben.drive, 19) })
	_, err = f.Copy(ctx, sc, a, drive.Target{Scope: own}, nil)
	f.code(err, "limit_exceeded")
	if e, _ := errors.AsType[*core.Error](err); e == nil || e.Details["limit"] != "quota_bytes" {
		t.Errorf("%+v", e)
	}
	license := core.License{Name: "tiny", Limits: core.UnlimitedLicense().Limits}
	license.Limits.MaxAssets = 8
	f.Write(func(tx ports.Tx) error {
		return errors.Join(f.quota(ctx, tx, f.ben.drive, core.Unlimited), tx.Licenses.Add(ctx, &license),
			tx.Licenses.Assign(ctx, ports.LicenseAssignment{ID: f.IDs.NewID(), OrgID: f.org, License: "tiny", Now: f.Clock.Now()}))
	})
	_, err = f.Copy(ctx, sc, a, drive.Target{Scope: own}, nil)
	f.code(err, "limit_exceeded")
	_, err = f.Copy(ctx, sc, waits.Asset.ID, drive.Target{Scope: own}, nil)
	f.Fails(err, core.ErrAssetNotReady)
	for _, mend := range []func(from, to *core.Scope){
		func(from, _ *core.Scope) { from.Rights = core.Rights{Write: true} }, func(_, to *core.Scope) { to.Rights = core.Rights{Read: true} },
	} {
		from, to := sc, own
		mend(&from, &to)
		_, err = f.Copy(ctx, from, a, drive.Target{Scope: to}, nil)
		f.Fails(err, core.ErrForbidden)
	}
	if got, _ := f.happened(own, before); len(got) != 0 {
		t.Errorf("changes %q", got)
	}
	f.is(own, "")
	f.used(f.library, 23, 23, 5)
	f.sound()
}

func TestACopyOutlivesItsSource(t *testing.T) {
	f := newTeam(t)
	sc, ctx := f.lib(f.ana), t.Context()
	id := f.file(f.ana, f.library, core.NodeID{}, "a.txt", "hello")
	e := f.copied(sc, id, drive.Target{Scope: sc})
	jobs := f.Queue.Take() // which have not run yet
	f.Must(f.Delete(ctx, sc, id, true, 0))
	f.work() // the source's bytes would go now
	for _, job := range slices.Concat(jobs, jobs) {
		f.Must(f.run(job))
	}
	if got := f.read(f.ana, e.Node.ID); got != "hello" {
		t.Errorf("the copy is %q", got)
	}
	f.work()
	if keys := f.BlobKeys(); len(keys) != 1 {
		t.Errorf("the source's bytes are left: %q", keys)
	}
	f.used(f.library, 5, 5, 1)

	// A copy that nobody needs any more lets its source go, too.
	again := f.copied(sc, e.Node.ID, drive.Target{Scope: sc})
	f.Queue.Take()
	f.Must(f.Delete(ctx, sc, e.Node.ID, true, 0))
	f.work()
	f.Must(f.Delete(ctx, sc, again.Node.ID, false, 0))
	f.work()
	if keys := f.BlobKeys(); len(keys) != 0 {
		t.Errorf("bytes are left: %q", keys)
	}
	f.used(f.library, 0, 0, 0)
	f.sound()
}

// The store has lost the source's bytes, or does not answer for long.
func TestACopyWithoutASourceIsGivenUp(t *testing.T) {
	f := newTeam(t)
	sc, ctx := f.lib(f.ana), t.Context()
	id := f.file(f.ana, f.library, core.NodeID{}, "a.txt", "hello")
	f.copied(sc, id, drive.Target{Scope: sc})
	f.Must(f.Blobs.Delete(ctx, f.BlobKeys()...))
	f.work()
	f.is(sc, "a.txt a_(1).txt")
	for range 3 {
		f.Clock.Shift(4 * 24 * time.Hour)
		f.Must(f.files.Reconcile(ctx, asset.Reconcile{}))
	}
	f.is(sc, "a.txt")
	f.used(f.library, 5, 5, 1)
	f.sound()
}

func TestACopyIsMadeOncePerKey(t *testing.T) {
	f := newTeam(t)
	sc, ctx := f.lib(f.ana), t.Context()
	id := f.file(f.ana, f.library, core.NodeID{}, "a.txt", "hello")
	once := func(request string) *app.Once {
		return &app.Once{Scope: "ana", Key: "k", Request: []byte(request), Status: 201, Encode: json.Marshal}
	}
	e, err := f.Copy(ctx, sc, id, drive.Target{Scope: sc, OnConflict: drive.ConflictRename}, once("one"))
	f.Must(err)
	_, err = f.Copy(ctx, sc, id, drive.Target{Scope: sc, OnConflict: drive.ConflictRename}, once("one"))
	replay, ok := errors.AsType[*app.Replay](err)
	if want, _ := json.Marshal(e); !ok || replay.Status != 201 || !bytes.Equal(replay.Answer, want) {
		t.Errorf("%v", err)
	}
	_, err = f.Copy(ctx, sc, id, drive.Target{Scope: sc}, once("two"))
	f.Fails(err, core.ErrIdempotencyConflict)
	f.is(sc, "a.txt a_(1).txt")
	f.used(f.library, 10, 10, 2)
}

func TestACopyOfTooMuchIsRefused(t *testing.T) {
	f := newTeam(t)
	sc, ctx := f.lib(f.ana), t.Context()
	top := f.folder(sc, "/a")
	f.plant(sc, top, "x", 10_000, false)
	_, err := f.Copy(ctx, sc, top, drive.Target{Scope: sc}, nil)
	f.Fails(err, core.ErrTooManyNodes)
	_, err = f.Move(ctx, sc, top, drive.Target{Scope: f.in(f.ana, f.ana.drive)}, 0)
	f.Fails(err, core.ErrTooManyNodes)
	f.sound()
}
