package asset_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/adapters/memblob"
	"github.com/seed-755a8038/coffer/adapters/sealing"
	"github.com/seed-755a8038/coffer/adapters/signedblob"
	"github.com/seed-755a8038/coffer/adapters/system"
	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/migrations"
	"github.com/seed-755a8038/coffer/ports"
)

// clock is a clock that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) shift(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// memory runs what is enqueued when told to.
type memory struct {
	mu   sync.Mutex
	jobs []ports.Job
}

func (m *memory) Enqueue(_ context.Context, jobs ...ports.Job) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.jobs = append(m.jobs, jobs...)
	return nil
}

// overwritable is a blob store without create-only writes, as some S3 servers are.
type overwritable struct{ *signedblob.Blobs }

func (overwritable) CreateOnly() bool { return false }

func (o overwritable) SignPut(ctx context.Context, s ports.PutSpec) (ports.SignedRequest, error) {
	s.CreateOnly = false
	return o.Blobs.SignPut(ctx, s)
}

type fixture struct {
	*testing.T
	*asset.Service
	store *bunstore.Store
	blobs ports.Blobs
	clock *clock
	queue *memory
	actor core.Actor
	org   core.OrgID
	drive core.DriveID
}

func newFixture(t *testing.T, createOnly bool) *fixture {
	t.Helper()
	f := &fixture{T: t, clock: &clock{now: time.Now().UTC().Truncate(time.Microsecond)}, queue: &memory{}}
	var err error
	f.store, err = bunstore.OpenMemory(t.Context(), migrations.SQLite())
	f.must(err)
	t.Cleanup(func() { _ = f.store.Close() })
	_, err = f.store.Migrate(t.Context())
	f.must(err)
	f.store.WithJobs(func(*sql.Conn, *sql.Tx) ports.Jobs { return f.queue })
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	blobs, err := signedblob.New(memblob.New(f.clock), signedblob.Options{
		Key: bytes.Repeat([]byte("k"), 32), BaseURL: server.URL + "/blobs/", Clock: f.clock,
	})
	f.must(err)
	mux.Handle("/blobs/", blobs)
	f.blobs = blobs
	if !createOnly {
		f.blobs = overwritable{blobs}
	}
	secrets, err := sealing.New(bytes.Repeat([]byte("s"), 32))
	f.must(err)
	f.Service = asset.NewService(asset.Deps{
		Store: f.store, Hot: f.store, Blobs: f.blobs, Secrets: secrets, Clock: f.clock, IDs: system.NewIDs(f.clock), Text: system.Text{},
	}, asset.Options{
		Uploads:     core.UploadTimes{URL: 15 * time.Minute, Single: time.Hour, Multipart: 7 * 24 * time.Hour},
		DownloadTTL: time.Hour, TrashRetention: 30 * 24 * time.Hour, Installation: "this one",
	})
	f.must(f.Claim(t.Context()))
	f.signUp()
	return f
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) signUp() {
	ids, now := system.NewIDs(f.clock), f.clock.Now()
	org := core.NewPersonalOrg(core.OrgID(ids.NewID()), "ana", "ana", now)
	user := core.NewUser(core.UserID(ids.NewID()), "ana@example.com", "ana", "", org.ID, now)
	account := core.NewOwner(core.AccountID(ids.NewID()), org.ID, user.ID, now)
	drive := core.NewPersonalDrive(core.DriveID(ids.NewID()), org.ID, account.ID, now)
	session := core.NewSession(core.SessionID(ids.NewID()), user.ID, []byte("t"), core.Client{}, now, 1000*time.Hour)
	f.must(f.store.Update(f.Context(), func(tx ports.Tx) error {
		ctx := f.Context()
		return errors.Join(tx.Orgs.Add(ctx, org, drive.ID), tx.Users.Add(ctx, user), tx.Accounts.Add(ctx, account),
			tx.Drives.Add(ctx, drive), tx.Sessions.Add(ctx, session))
	}))
	f.actor = core.Actor{Kind: core.ActorAccount, UserID: user.ID, SessionID: session.ID}
	f.org, f.drive = org.ID, drive.ID
}

func (f *fixture) create(name string, data []byte, edit func(*asset.CreateInput)) *asset.Created {
	f.Helper()
	in := asset.CreateInput{OrgID: f.org, Name: name, ContentType: "text/plain", SizeBytes: int64(len(data)), OnConflict: asset.ConflictFail}
	if edit != nil {
		edit(&in)
	}
	created, err := f.Create(f.Context(), f.actor, in)
	f.must(err)
	return created
}

// send carries out a signed request as a client would.
func (f *fixture) send(r ports.SignedRequest, body []byte) int {
	f.Helper()
	req, err := http.NewRequestWithContext(f.Context(), r.Method, r.URL, bytes.NewReader(body))
	f.must(err)
	req.Header = r.Header.Clone()
	resp, err := http.DefaultClient.Do(req)
	f.must(err)
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

func (f *fixture) complete(c *asset.Created) (*core.Asset, error) {
	return f.Complete(f.Context(), f.actor, c.Asset.ID, asset.CompleteInput{UploadID: c.Upload.Upload.ID})
}

func (f *fixture) content(id core.AssetID) string {
	f.Helper()
	d, err := f.Download(f.Context(), f.actor, id)
	f.must(err)
	resp, err := http.Get(d.URL)
	f.must(err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	f.must(err)
	return string(data)
}

// work runs the jobs that were enqueued.
func (f *fixture) work() {
	f.Helper()
	jobs := f.queue.jobs
	f.queue.jobs = nil
	for _, job := range jobs {
		switch j := job.(type) {
		case asset.RemoveBlobs:
			f.must(f.RemoveBlobs(f.Context(), j))
		case asset.HashVersion:
			f.must(f.HashVersion(f.Context(), j))
		default:
			f.Fatalf("unexpected job %T", job)
		}
	}
}

func (f *fixture) used(want core.OrgUsage) {
	f.Helper()
	got, err := f.Usage(f.Context(), f.actor, f.org)
	f.must(err)
	want.Members = 1
	if got.OrgUsage != want {
		f.Errorf("usage = %+v, want %+v", got.OrgUsage, want)
	}
}

func (f *fixture) keys() (keys []string) {
	for info, err := range f.blobs.List(f.Context(), "") {
		f.must(err)
		if core.IsBlobKey(info.Key) {
			keys = append(keys, info.Key)
		}
	}
	return keys
}

func TestAFileGoesUpAndDown(t *testing.T) {
	for _, createOnly := range []bool{true, false} {
		t.Run(fmt.Sprintf("create-only %t", createOnly), func(t *testing.T) {
			f := newFixture(t, createOnly)
			c := f.create("a.txt", []byte("hello"), nil)
			if status := f.send(*c.Upload.Single, []byte("hello")); status != 200 {
				t.Fatal(status)
			}
			a, err := f.complete(c)
			f.must(err)
			if a.Status != core.AssetReady || a.Current != 1 {
				t.Errorf("%+v", a.File)
			}
			// The old URL cannot change what is finished.
			_ = f.send(*c.Upload.Single, []byte("HELLO"))
			if got := f.content(a.ID); got != "hello" {
				t.Errorf("content = %q", got)
			}
			f.work()
			a, err = f.Get(f.Context(), f.actor, f.org, a.ID)
			f.must(err)
			if sum := sha256.Sum256([]byte("hello")); !bytes.Equal(a.SHA256, sum[:]) {
				t.Errorf("SHA-256 = %x", a.SHA256)
			}
			again, err := f.complete(c)
			f.must(err)
			if again.ID != a.ID || again.Node.Version != a.Node.Version {
				t.Error("completing again changed something")
			}
			f.used(core.OrgUsage{UsedBytes: 5, AssetsCount: 1})
			f.must(f.Delete(f.Context(), f.actor, f.org, a.ID, true, 0))
			f.work()
			f.used(core.OrgUsage{})
		})
	}
}

func TestStagedBytesAreSwept(t *testing.T) {
	f := newFixture(t, false)
	c := f.create("a.txt", []byte("hello"), nil)
	f.send(*c.Upload.Single, []byte("hello"))
	a, err := f.complete(c)
	f.must(err)
	_ = f.send(*c.Upload.Single, []byte("HELLO")) // lands in the staging key
	f.work()
	f.clock.shift(25 * time.Hour)
	f.must(f.Sweep(f.Context(), asset.Sweep{}))
	if keys := f.keys(); !slices.Equal(keys, []string{core.BlobKey(f.org, a.ID, 1, "a.txt")}) {
		t.Errorf("keys = %q", keys)
	}
}

func TestWrongBytesEndTheUpload(t *testing.T) {
	f := newFixture(t, false) // staged: the store checks nothing after the PUT
	sum := sha256.Sum256([]byte("other"))
	c := f.create("a.txt", []byte("hello"), func(in *asset.CreateInput) { in.SHA256 = hex.EncodeToString(sum[:]) })
	_, err := f.blobs.Put(f.Context(), c.Upload.Upload.StagingKey, "", bytes.NewReader([]byte("hello")))
	f.must(err)
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
	f.send(*sent.Upload.Single, []byte("hello"))
	f.must(f.Reconcile(f.Context(), asset.Reconcile{}))
	f.used(core.OrgUsage{UsedBytes: 10, AssetsCount: 2})
	f.clock.shift(16 * time.Minute)
	f.must(f.Reconcile(f.Context(), asset.Reconcile{}))
	a, err := f.Get(f.Context(), f.actor, f.org, sent.Asset.ID)
	f.must(err)
	if a.Status != core.AssetReady {
		t.Errorf("%+v", a.File)
	}
	f.used(core.OrgUsage{UsedBytes: 10, AssetsCount: 2})
	f.clock.shift(time.Hour)
	f.must(f.Reconcile(f.Context(), asset.Reconcile{}))
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
		if status := f.send(p.Request, part(p.Number)); status != 200 {
			t.Fatal(status)
		}
	}
	_, err := f.complete(c)
	e, ok := errors.AsType[*core.Error](err)
	if !ok || !errors.Is(err, core.ErrUploadIncomplete) || fmt.Sprint(e.Details["missing_parts"]) != fmt.Sprintf("[%d]", u.PartCount()) {
		t.Fatalf("error = %#v", err)
	}
	progress, err := f.Arrived(f.Context(), f.actor, c.Asset.ID)
	f.must(err)
	if len(progress.Parts) != u.PartCount()-1 {
		t.Errorf("%d parts have arrived", len(progress.Parts))
	}
	f.clock.shift(time.Hour) // the first URLs are long over
	plan, err := f.Resume(f.Context(), f.actor, c.Asset.ID, u.PartCount(), 1)
	f.must(err)
	if status := f.send(plan.Parts[0].Request, part(u.PartCount())); status != 200 {
		t.Fatal(status)
	}
	f.must(f.Reconcile(f.Context(), asset.Reconcile{})) // not due: somebody is at it
	a, err := f.complete(c)
	f.must(err)
	if f.content(a.ID) != string(data) {
		t.Error("other bytes came down")
	}
}

func TestNothingForeignIsSwept(t *testing.T) {
	f := newFixture(t, true)
	f.clock.shift(-48 * time.Hour)
	for _, key := range []string{"backups/db.dump", core.BlobKey(f.org, core.AssetID{9}, 1, "orphan")} {
		_, err := f.blobs.Put(f.Context(), key, "", bytes.NewReader([]byte("x")))
		f.must(err)
	}
	f.clock.shift(48 * time.Hour)
	other := asset.NewService(asset.Deps{Store: f.store, Hot: f.store, Blobs: f.blobs, Clock: f.clock}, asset.Options{Installation: "another"})
	if other.Claim(f.Context()) == nil {
		t.Error("another installation claims our store")
	}
	if err := other.Sweep(f.Context(), asset.Sweep{}); err == nil {
		t.Error("another installation sweeps our store")
	}
	if len(f.keys()) != 1 {
		t.Errorf("keys = %q", f.keys())
	}
	f.must(f.Sweep(f.Context(), asset.Sweep{}))
	if len(f.keys()) != 0 {
		t.Errorf("keys = %q", f.keys())
	}
	if _, err := f.blobs.Stat(f.Context(), "backups/db.dump"); err != nil {
		t.Error(err)
	}
}

func TestStagedBytesCannotReplaceVerifiedOnes(t *testing.T) {
	f := newFixture(t, false)
	c := f.create("a", []byte("good"), nil)
	f.send(*c.Upload.Single, []byte("good"))
	var wg sync.WaitGroup
	var done atomic.Int64
	for range 8 {
		wg.Go(func() {
			_, err := f.complete(c)
			if err == nil {
				done.Add(1)
				_ = f.send(*c.Upload.Single, []byte("evil"))
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
	f.send(*c.Upload.Single, []byte("1"))
	a, err := f.complete(c)
	f.must(err)
	if err := f.Delete(f.Context(), f.actor, f.org, a.ID, false, 1); !errors.Is(err, core.ErrStale) {
		t.Errorf("error = %v", err)
	}
	f.must(f.Delete(f.Context(), f.actor, f.org, a.ID, false, 0))
	f.used(core.OrgUsage{UsedBytes: 1, AssetsCount: 1})
}

func TestEveryChangeIsAudited(t *testing.T) {
	f := newFixture(t, true)
	c := f.create("a", []byte("1"), nil)
	f.send(*c.Upload.Single, []byte("1"))
	a, err := f.complete(c)
	f.must(err)
	name := "b"
	_, err = f.Update(f.Context(), f.actor, f.org, a.ID, asset.Change{Name: &name, Metadata: &core.Metadata{Tags: []string{"t"}}})
	f.must(err)
	_, err = f.Update(f.Context(), f.actor, f.org, a.ID, asset.Change{Name: &name}) // changes nothing
	f.must(err)
	f.must(f.Delete(f.Context(), f.actor, f.org, a.ID, false, 0))
	f.must(f.Delete(f.Context(), f.actor, f.org, a.ID, true, 0))
	var got []string
	f.must(f.store.View(f.Context(), func(tx ports.Tx) error {
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
	f.send(*first.Upload.Single, []byte("1"))
	_, err := f.complete(first)
	f.must(err)
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
	f.send(*c.Upload.Single, []byte("22"))
	a, err := f.complete(c)
	f.must(err)
	if a.Current != 2 || f.content(a.ID) != "22" {
		t.Errorf("%+v", a.File)
	}
	a, err = f.RestoreVersion(f.Context(), f.actor, a.ID, 1)
	f.must(err)
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
	f.send(*c.Upload.Single, []byte("1"))
	a, err := f.complete(c)
	f.must(err)
	f.must(f.Delete(f.Context(), f.actor, f.org, a.ID, false, a.Node.Version))
	if _, err := f.Download(f.Context(), f.actor, a.ID); !errors.Is(err, core.ErrAssetTrashed) {
		t.Errorf("error = %v", err)
	}
	f.used(core.OrgUsage{UsedBytes: 1, AssetsCount: 1})
	f.clock.shift(31 * 24 * time.Hour)
	f.must(f.EmptyTrash(f.Context(), asset.EmptyTrash{}))
	f.work()
	f.used(core.OrgUsage{})
	if keys := f.keys(); len(keys) != 0 {
		t.Errorf("keys = %q", keys)
	}
}
