package asset_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/fixture"
)

type world = fixture.World

type env struct {
	*world
	*asset.Service
	drives *drive.Service
	actor  core.Actor
	org    core.OrgID
	drive  core.DriveID
}

func newFixture(t *testing.T, createOnly bool) *env {
	t.Helper()
	f := &env{world: fixture.New(t, createOnly)}
	uploads := core.UploadTimes{URL: 15 * time.Minute, Single: time.Hour, Multipart: 7 * 24 * time.Hour}
	f.Service = asset.NewService(asset.Deps{
		Store: f.Store, Hot: f.Store, Blobs: f.Blobs, Secrets: f.Secrets, Clock: f.Clock, IDs: f.IDs, Text: f.Text,
	}, asset.Options{Uploads: uploads, DownloadTTL: time.Hour, Installation: "this one"})
	f.drives = drive.NewService(drive.Deps{
		Store: f.Store, Access: f.Store, Blobs: f.Blobs, Secrets: f.Secrets, Clock: f.Clock, IDs: f.IDs, Text: f.Text,
	}, drive.Options{Uploads: uploads, TrashRetention: 30 * 24 * time.Hour})
	f.Must(f.Claim(t.Context()))
	p := f.SignUp("ana")
	f.actor, f.org, f.drive = p.Actor, p.Org.ID, p.Drive.ID
	return f
}

func (f *env) remove(id core.AssetID, permanent bool, ifMatch int64) error {
	f.Helper()
	sc, err := f.drives.Enter(f.Context(), f.actor, f.drive)
	f.Must(err)
	return f.drives.Delete(f.Context(), sc, id, permanent, ifMatch)
}

func (f *env) create(name string, data []byte, edit func(*asset.CreateInput)) *asset.Created {
	f.Helper()
	in := asset.CreateInput{OrgID: f.org, Name: name, ContentType: "text/plain", SizeBytes: int64(len(data)), OnConflict: asset.ConflictFail}
	if edit != nil {
		edit(&in)
	}
	created, err := f.Create(f.Context(), f.actor, in)
	f.Must(err)
	return created
}

func (f *env) complete(c *asset.Created) (*core.Asset, error) {
	return f.Complete(f.Context(), f.actor, c.Asset.ID, asset.CompleteInput{UploadID: c.Upload.Upload.ID})
}

func (f *env) content(id core.AssetID) string {
	f.Helper()
	d, err := f.Download(f.Context(), f.actor, id)
	f.Must(err)
	return f.Fetch(d.URL)
}

// work runs the jobs that were enqueued.
func (f *env) work() {
	f.Helper()
	for _, job := range f.Queue.Take() {
		switch j := job.(type) {
		case app.RemoveBlobs:
			f.Must(f.RemoveBlobs(f.Context(), j))
		case asset.HashVersion:
			f.Must(f.HashVersion(f.Context(), j))
		default:
			f.Fatalf("unexpected job %T", job)
		}
	}
}

func (f *env) used(want core.OrgUsage) {
	f.Helper()
	got, err := f.Usage(f.Context(), f.actor, f.org)
	f.Must(err)
	want.Members = 1
	if got.OrgUsage != want {
		f.Errorf("usage = %+v, want %+v", got.OrgUsage, want)
	}
}

func TestAFileGoesUpAndDown(t *testing.T) {
	for _, createOnly := range []bool{true, false} {
		t.Run(fmt.Sprintf("create-only %t", createOnly), func(t *testing.T) {
			f := newFixture(t, createOnly)
			c := f.create("a.txt", []byte("hello"), nil)
			if status := f.Send(*c.Upload.Single, []byte("hello")); status != 200 {
				t.Fatal(status)
			}
			a, err := f.complete(c)
			f.Must(err)
			if a.Status != core.AssetReady || a.Current != 1 {
				t.Errorf("%+v", a.File)
			}
			// The old URL cannot change what is finished.
			_ = f.Send(*c.Upload.Single, []byte("HELLO"))
			if got := f.content(a.ID); got != "hello" {
				t.Errorf("content = %q", got)
			}
			f.work()
			a, err = f.Get(f.Context(), f.actor, f.org, a.ID)
			f.Must(err)
			if sum := sha256.Sum256([]byte("hello")); !bytes.Equal(a.SHA256, sum[:]) {
				t.Errorf("SHA-256 = %x", a.SHA256)
			}
			again, err := f.complete(c)
			f.Must(err)
			if again.ID != a.ID || again.Node.Version != a.Node.Version {
				t.Error("completing again changed something")
			}
			f.used(core.OrgUsage{UsedBytes: 5, AssetsCount: 1})
			f.Must(f.remove(a.ID, true, 0))
			f.work()
			f.used(core.OrgUsage{})
		})
	}
}

func TestStagedBytesAreSwept(t *testing.T) {
	f := newFixture(t, false)
	c := f.create("a.txt", []byte("hello"), nil)
	f.Send(*c.Upload.Single, []byte("hello"))
	a, err := f.complete(c)
	f.Must(err)
	_ = f.Send(*c.Upload.Single, []byte("HELLO")) // lands in the staging key
	f.work()
	f.Clock.Shift(25 * time.Hour)
	f.Must(f.Sweep(f.Context(), asset.Sweep{}))
	if keys := f.BlobKeys(); !slices.Equal(keys, []string{core.BlobKey(f.org, a.ID, 1, "a.txt")}) {
		t.Errorf("keys = %q", keys)
	}
}

func TestWrongBytesEndTheUpload(t *testing.T) {
	f := newFixture(t, false) // staged: the store checks nothing after the PUT
	sum := sha256.Sum256([]byte("other"))
	c := f.create("a.txt", []byte("hello"), func(in *asset.CreateInput) { in.SHA256 = hex.EncodeToString(sum[:]) })
	_, err := f.Blobs.Put(f.Context(), c.Upload.Upload.StagingKey, "", bytes.NewReader([]byte("hello")))
	f.Must(err)
	if _, err := f.complete(c); !errors.Is(err, core.ErrChecksumMismatch) {
		t.Errorf("error = %v", err)
	}
	f.work()
	f.used(core.OrgUsage{})
	if _, err := f.complete(c); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("error = %v", err)
	}
}

func TestSilentClients(t *testing.T) {
	f := newFixture(t, true)
	sent, silent := f.create("sent", []byte("hello"), nil), f.create("silent", []byte("hello"), nil)
	f.Send(*sent.Upload.Single, []byte("hello"))
	f.Must(f.Reconcile(f.Context(), asset.Reconcile{}))
	f.used(core.OrgUsage{UsedBytes: 10, AssetsCount: 2})
	f.Clock.Shift(16 * time.Minute)
	f.Must(f.Reconcile(f.Context(), asset.Reconcile{}))
	a, err := f.Get(f.Context(), f.actor, f.org, sent.Asset.ID)
	f.Must(err)
	if a.Status != core.AssetReady {
		t.Errorf("%+v", a.File)
	}
	f.used(core.OrgUsage{UsedBytes: 10, AssetsCount: 2})
	f.Clock.Shift(time.Hour)
	f.Must(f.Reconcile(f.Context(), asset.Reconcile{}))
	f.used(core.OrgUsage{UsedBytes: 5, AssetsCount: 1})
	if _, err := f.Get(f.Context(), f.actor, f.org, silent.Asset.ID); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("error = %v", err)
	}
}

func TestAMultipartUploadIsResumed(t *testing.T) {
	f := newFixture(t, true)
	data := bytes.Repeat([]byte("0123456789abcdef"), 4_100_000) // 65.6 MB
	c := f.create("big", data, nil)
	u := c.Upload.Upload
	part := func(n int) []byte { return data[int64(n-1)*u.PartSize:][:u.PartBytes(n)] }
	for _, p := range c.Upload.Parts[:len(c.Upload.Parts)-1] {
		if status := f.Send(p.Request, part(p.Number)); status != 200 {
			t.Fatal(status)
		}
	}
	_, err := f.complete(c)
	e, ok := errors.AsType[*core.Error](err)
	if !ok || !errors.Is(err, core.ErrUploadIncomplete) || fmt.Sprint(e.Details["missing_parts"]) != fmt.Sprintf("[%d]", u.PartCount()) {
		t.Fatalf("error = %#v", err)
	}
	progress, err := f.Arrived(f.Context(), f.actor, c.Asset.ID)
	f.Must(err)
	if len(progress.Parts) != u.PartCount()-1 {
		t.Errorf("%d parts have arrived", len(progress.Parts))
	}
	f.Clock.Shift(time.Hour) // the first URLs are long over
	plan, err := f.Resume(f.Context(), f.actor, c.Asset.ID, u.PartCount(), 1)
	f.Must(err)
	if status := f.Send(plan.Parts[0].Request, part(u.PartCount())); status != 200 {
		t.Fatal(status)
	}
	f.Must(f.Reconcile(f.Context(), asset.Reconcile{})) // not due: somebody is at it
	a, err := f.complete(c)
	f.Must(err)
	if f.content(a.ID) != string(data) {
		t.Error("other bytes came down")
	}
}

func TestNothingForeignIsSwept(t *testing.T) {
	f := newFixture(t, true)
	f.Clock.Shift(-48 * time.Hour)
	for _, key := range []string{"backups/db.dump", core.BlobKey(f.org, core.AssetID{9}, 1, "orphan")} {
		_, err := f.Blobs.Put(f.Context(), key, "", bytes.NewReader([]byte("x")))
		f.Must(err)
	}
	f.Clock.Shift(48 * time.Hour)
	other := asset.NewService(asset.Deps{Store: f.Store, Hot: f.Store, Blobs: f.Blobs, Clock: f.Clock}, asset.Options{Installation: "another"})
	if other.Claim(f.Context()) == nil {
		t.Error("another installation claims our store")
	}
	if err := other.Sweep(f.Context(), asset.Sweep{}); err == nil {
		t.Error("another installation sweeps our store")
	}
	if len(f.BlobKeys()) != 1 {
		t.Errorf("keys = %q", f.BlobKeys())
	}
	f.Must(f.Sweep(f.Context(), asset.Sweep{}))
	if len(f.BlobKeys()) != 0 {
		t.Errorf("keys = %q", f.BlobKeys())
	}
	if _, err := f.Blobs.Stat(f.Context(), "backups/db.dump"); err != nil {
		t.Error(err)
	}
}

func TestStagedBytesCannotReplaceVerifiedOnes(t *testing.T) {
	f := newFixture(t, false)
	c := f.create("a", []byte("good"), nil)
	f.Send(*c.Upload.Single, []byte("good"))
	var wg sync.WaitGroup
	var done atomic.Int64
	for range 8 {
		wg.Go(func() {
			_, err := f.complete(c)
			if err == nil {
				done.Add(1)
				_ = f.Send(*c.Upload.Single, []byte("evil"))
				return
			}
			if !errors.Is(err, core.ErrUploadBusy) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if done.Load() == 0 || f.content(c.Asset.ID) != "good" {
		t.Errorf("%d completed, content %q", done.Load(), f.content(c.Asset.ID))
	}
}

func TestACopyGetsAPlainName(t *testing.T) {
	f := newFixture(t, true)
	long := strings.Repeat("é", 127)
	for _, test := range []struct{ name, want string }{
		{".bashrc", ".bashrc (1)"}, {"a", "a (1)"}, {long, strings.Repeat("é", 123) + " (1)"}, {"b.tar.gz", "b.tar (1).gz"},
	} {
		for range 2 {
			c := f.create(test.name, []byte("1"), func(in *asset.CreateInput) { in.OnConflict = asset.ConflictRename })
			if c.Asset.Name != test.name && c.Asset.Name != test.want {
				t.Errorf("%q becomes %q, want %q", test.name, c.Asset.Name, test.want)
			}
		}
	}
}

func TestAVersionNeedsNoRoomForAnAsset(t *testing.T) {
	f := newFixture(t, true)
	for i := range 100 {
		f.create(fmt.Sprint(i), nil, nil)
	}
	c := f.create("7", []byte("1"), func(in *asset.CreateInput) { in.OnConflict = asset.ConflictVersion })
	if c.Upload.Upload.Number != 2 {
		t.Errorf("number %d", c.Upload.Upload.Number)
	}
}

func TestTrashingDoesNotPurgeWhatHasJustArrived(t *testing.T) {
	f := newFixture(t, true)
	c := f.create("a", []byte("1"), nil)
	f.Send(*c.Upload.Single, []byte("1"))
	a, err := f.complete(c)
	f.Must(err)
	if err := f.remove(a.ID, false, 1); !errors.Is(err, core.ErrStale) {
		t.Errorf("error = %v", err)
	}
	f.Must(f.remove(a.ID, false, 0))
	f.used(core.OrgUsage{UsedBytes: 1, AssetsCount: 1})
}

func TestEveryChangeIsAudited(t *testing.T) {
	f := newFixture(t, true)
	c := f.create("a", []byte("1"), nil)
	f.Send(*c.Upload.Single, []byte("1"))
	a, err := f.complete(c)
	f.Must(err)
	name := "b"
	_, err = f.Update(f.Context(), f.actor, f.org, a.ID, asset.Change{Name: &name, Metadata: &core.Metadata{Tags: []string{"t"}}})
	f.Must(err)
	_, err = f.Update(f.Context(), f.actor, f.org, a.ID, asset.Change{Name: &name}) // changes nothing
	f.Must(err)
	f.Must(f.remove(a.ID, false, 0))
	f.Must(f.remove(a.ID, true, 0))
	var got []string
	f.Must(f.Store.View(f.Context(), func(tx ports.Tx) error {
		entries, err := tx.Audit.List(f.Context(), ports.AuditQuery{OrgID: f.org, Limit: 10})
		for _, e := range entries {
			got = append(got, e.Action+" by "+e.ActorEmail)
			if e.TargetID != a.ID.String() {
				t.Errorf("target %s", e.TargetID)
			}
		}
		return err
	}))
	by := " by ana@example.com"
	if want := []string{"asset.purged" + by, "asset.trashed" + by, "asset.updated" + by, "asset.uploaded" + by}; !slices.Equal(got, want) {
		t.Errorf("audit log %q, want %q", got, want)
	}
}

func TestNamesThatAreTaken(t *testing.T) {
	f := newFixture(t, true)
	first := f.create("a.txt", []byte("1"), nil)
	f.Send(*first.Upload.Single, []byte("1"))
	_, err := f.complete(first)
	f.Must(err)
	in := asset.CreateInput{OrgID: f.org, Name: "a.txt", SizeBytes: 1, OnConflict: asset.ConflictFail}
	if _, err := f.Create(f.Context(), f.actor, in); !errors.Is(err, core.ErrNameTaken) {
		t.Errorf("error = %v", err)
	}
	for _, want := range []string{"a (1).txt", "a (2).txt"} {
		c := f.create("a.txt", []byte("1"), func(in *asset.CreateInput) { in.OnConflict = asset.ConflictRename })
		if c.Asset.Name != want {
			t.Errorf("name = %q, want %q", c.Asset.Name, want)
		}
	}
	c := f.create("a.txt", []byte("22"), func(in *asset.CreateInput) { in.OnConflict = asset.ConflictVersion })
	if c.Asset.ID != first.Asset.ID || c.Upload.Upload.Number != 2 {
		t.Errorf("asset %s version %d", c.Asset.ID, c.Upload.Upload.Number)
	}
	f.Send(*c.Upload.Single, []byte("22"))
	a, err := f.complete(c)
	f.Must(err)
	if a.Current != 2 || f.content(a.ID) != "22" {
		t.Errorf("%+v", a.File)
	}
	a, err = f.RestoreVersion(f.Context(), f.actor, a.ID, 1)
	f.Must(err)
	if a.Current != 1 || f.content(a.ID) != "1" {
		t.Errorf("%+v", a.File)
	}
	f.used(core.OrgUsage{UsedBytes: 5, AssetsCount: 3})
}

func TestOneKeyHasOneEffect(t *testing.T) {
	f := newFixture(t, true)
	once := &app.Once{Scope: "ana", Key: "k", Request: []byte("r"), Status: 201, Encode: json.Marshal}
	ids := make([]string, 8)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			c, err := f.Create(f.Context(), f.actor, asset.CreateInput{OrgID: f.org, Name: "a", SizeBytes: 1, OnConflict: asset.ConflictFail, Once: once})
			var replay *app.Replay
			switch {
			case errors.As(err, &replay):
				var answer asset.Created
				if err := json.Unmarshal(replay.Answer, &answer); err != nil || replay.Status != 201 {
					t.Error(replay.Status, err)
					return
				}
				ids[i] = answer.Asset.Node.ID.String()
			case err != nil:
				t.Error(err)
			default:
				ids[i] = c.Asset.ID.String()
			}
		})
	}
	wg.Wait()
	if slices.Sort(ids); ids[0] != ids[len(ids)-1] {
		t.Errorf("ids = %q", ids)
	}
	f.used(core.OrgUsage{UsedBytes: 1, AssetsCount: 1})
	other := *once
	other.Request = []byte("another")
	_, err := f.Create(f.Context(), f.actor, asset.CreateInput{OrgID: f.org, Name: "b", OnConflict: asset.ConflictFail, Once: &other})
	if !errors.Is(err, core.ErrIdempotencyConflict) {
		t.Errorf("error = %v", err)
	}
}

func TestTheTrashIsEmptiedInTime(t *testing.T) {
	f := newFixture(t, true)
	c := f.create("a", []byte("1"), nil)
	f.Send(*c.Upload.Single, []byte("1"))
	a, err := f.complete(c)
	f.Must(err)
	f.Must(f.remove(a.ID, false, a.Node.Version))
	if _, err := f.Download(f.Context(), f.actor, a.ID); !errors.Is(err, core.ErrAssetTrashed) {
		t.Errorf("error = %v", err)
	}
	f.used(core.OrgUsage{UsedBytes: 1, AssetsCount: 1})
	f.Clock.Shift(31 * 24 * time.Hour)
	f.Must(f.drives.Housekeep(f.Context(), drive.Housekeep{}))
	f.work()
	f.used(core.OrgUsage{})
	if keys := f.BlobKeys(); len(keys) != 0 {
		t.Errorf("keys = %q", keys)
	}
}
