package drive_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/fixture"
)

const (
	trashRetention  = 30 * 24 * time.Hour
	changeRetention = 60 * 24 * time.Hour
)

// team is a company, Ana's, with a Library in which Ben is an editor by default.
type team struct {
	*fixture.World
	*drive.Service

	files    *asset.Service
	org      core.OrgID
	library  core.DriveID
	ana, ben member
}

// member is somebody in the team.
type member struct {
	core.Actor

	account core.AccountID
	drive   core.DriveID // their own
}

func newTeam(t *testing.T) *team { return teamIn(fixture.New(t, true)) }

func teamIn(w *fixture.World) *team {
	w.Helper()
	f := &team{World: w}
	uploads := core.UploadTimes{URL: 15 * time.Minute, Single: time.Hour, Multipart: 7 * 24 * time.Hour}
	f.Service = drive.NewService(drive.Deps{
		Store: f.Store, Access: f.Store, Blobs: f.Blobs, Secrets: f.Secrets, Clock: f.Clock, IDs: f.IDs, Text: f.Text,
	}, drive.Options{Uploads: uploads, TrashRetention: trashRetention, ChangeRetention: changeRetention})
	f.files = asset.NewService(asset.Deps{
		Store: f.Store, Hot: f.Store, Blobs: f.Blobs, Secrets: f.Secrets, Clock: f.Clock, IDs: f.IDs, Text: f.Text,
	}, asset.Options{Uploads: uploads, DownloadTTL: time.Hour})
	ana, ben, now := f.SignUp("ana"), f.SignUp("ben"), f.Clock.Now()
	org := core.NewOrg(core.OrgID(f.IDs.NewID()), "Acme", "acme", now)
	library := core.NewLibrary(core.DriveID(f.IDs.NewID()), org.ID, now)
	boss := core.NewOwner(core.AccountID(f.IDs.NewID()), org.ID, ana.User.ID, now)
	worker := core.NewInvitation(core.AccountID(f.IDs.NewID()), org.ID, ben.User.Email, core.OrgMember, boss.ID, now)
	f.Must(worker.Accept(ben.User, now))
	f.org, f.library = org.ID, library.ID
	f.ana = member{ana.Actor, boss.ID, core.DriveID(f.IDs.NewID())}
	f.ben = member{ben.Actor, worker.ID, core.DriveID(f.IDs.NewID())}
	f.Write(func(tx ports.Tx) error {
		ctx := f.Context()
		return errors.Join(tx.Orgs.Add(ctx, org, library.ID), tx.Accounts.Add(ctx, boss), tx.Accounts.Add(ctx, worker), tx.Drives.Add(ctx, library),
			tx.Drives.Add(ctx, core.NewPersonalDrive(f.ana.drive, org.ID, boss.ID, now)),
			tx.Drives.Add(ctx, core.NewPersonalDrive(f.ben.drive, org.ID, worker.ID, now)))
	})
	return f
}

// in is a drive as somebody's scope.
func (f *team) in(m member, d core.DriveID) core.Scope {
	f.Helper()
	sc, err := f.Enter(f.Context(), m.Actor, d)
	f.Must(err)
	return sc
}

// lib is the Library as somebody's scope.
func (f *team) lib(m member) core.Scope { f.Helper(); return f.in(m, f.library) }

// folder makes what is missing of a path, such as "/a/b", and returns its end.
func (f *team) folder(sc core.Scope, path string) core.NodeID {
	f.Helper()
	i := strings.LastIndexByte(path, '/')
	n, _, err := f.CreateFolder(f.Context(), sc, drive.FolderInput{Name: path[i+1:], Path: path[:i], Parents: true})
	f.Must(err)
	return n.ID
}

// pending describes a file whose bytes do not arrive yet.
func (f *team) pending(m member, d core.DriveID, parent core.NodeID, name string, size int) (*asset.Created, error) {
	return f.files.Create(f.Context(), m.Actor, asset.CreateInput{
		OrgID: f.org, DriveID: d, ParentID: parent, Name: name, ContentType: "text/plain", SizeBytes: int64(size), OnConflict: asset.ConflictFail,
	})
}

// arrive sends the bytes of a file and completes it.
func (f *team) arrive(m member, c *asset.Created, text string) error {
	if status := f.Send(*c.Upload.Single, []byte(text)); status != 200 {
		f.Errorf("PUT: %d", status)
	}
	_, err := f.files.Complete(f.Context(), m.Actor, c.Asset.ID, asset.CompleteInput{UploadID: c.Upload.Upload.ID})
	return err
}

// file uploads a file.
func (f *team) file(m member, d core.DriveID, parent core.NodeID, name, text string) core.NodeID {
	f.Helper()
	c, err := f.pending(m, d, parent, name, len(text))
	f.Must(err)
	f.Must(f.arrive(m, c, text))
	return c.Asset.ID
}

// read returns the content of a file.
func (f *team) read(m member, id core.AssetID) string {
	f.Helper()
	d, err := f.files.Download(f.Context(), m.Actor, id)
	f.Must(err)
	return f.Fetch(d.URL)
}

// work runs the jobs that were enqueued, and those that they enqueue.
func (f *team) work() {
	f.Helper()
	for jobs := f.Queue.Take(); len(jobs) > 0; jobs = f.Queue.Take() {
		for _, job := range jobs {
			f.Must(f.run(job))
		}
	}
}

func (f *team) run(job ports.Job) error {
	switch j := job.(type) {
	case app.RemoveBlobs:
		return f.files.RemoveBlobs(f.Context(), j)
	case app.LandCopies:
		return f.files.LandCopies(f.Context(), j)
	case asset.HashVersion:
		return f.files.HashVersion(f.Context(), j)
	case drive.Reap:
		return f.Reap(f.Context(), j)
	case drive.EmptyDrive:
		return f.EmptyDrive(f.Context(), j)
	}
	f.Fatalf("unexpected job %T", job)
	return nil
}

// tree returns the paths of all that is live in a drive, in order; folders end
// with "/", and a space is shown as "_".
func (f *team) tree(sc core.Scope) []string {
	f.Helper()
	var out []string
	var walk func(id core.NodeID, prefix string)
	walk = func(id core.NodeID, prefix string) {
		entries, err := f.List(f.Context(), sc, drive.ListInput{ParentID: id, Limit: 10_000})
		f.Must(err)
		for i := range entries {
			path := prefix + entries[i].Node.Name
			if entries[i].Node.Kind == core.KindFolder {
				path += "/"
				walk(entries[i].Node.ID, path)
			}
			out = append(out, strings.ReplaceAll(path, " ", "_"))
		}
	}
	walk(core.RootOf(sc.DriveID), "")
	slices.Sort(out)
	return out
}

// is checks what is live in a drive: paths with spaces between them.
func (f *team) is(sc core.Scope, want string) {
	f.Helper()
	if got := f.tree(sc); !slices.Equal(got, strings.Fields(want)) {
		f.Errorf("the tree is %q, want %q", got, strings.Fields(want))
	}
}

// used checks what a drive and the org use.
func (f *team) used(d core.DriveID, bytes, orgBytes, orgFiles int64) {
	f.Helper()
	f.Read(func(tx ports.Tx) error {
		got, err := tx.Drives.Get(f.Context(), f.org, d)
		f.Must(err)
		usage, err := tx.Orgs.Usage(f.Context(), f.org)
		if got.UsedBytes != bytes || usage.UsedBytes != orgBytes || usage.AssetsCount != orgFiles {
			f.Errorf("the drive uses %d, the org %d by %d files, want %d, %d by %d", got.UsedBytes, usage.UsedBytes, usage.AssetsCount,
				bytes, orgBytes, orgFiles)
		}
		return err
	})
}

// happened returns the kinds and names of changes in a drive since seq, and the
// number of the last.
func (f *team) happened(sc core.Scope, seq int64) ([]string, int64) {
	f.Helper()
	var out []string
	for {
		list, end, latest, err := f.Changes(f.Context(), sc, drive.Since{Seq: seq}, 100)
		f.Must(err)
		for _, c := range list {
			out = append(out, string(c.Kind)+" "+c.Name)
		}
		if seq = end; seq == latest {
			return out, seq
		}
	}
}

// sound runs fsck on the rows.
func (f *team) sound() {
	f.Helper()
	for v, err := range f.Store.Violations(f.Context(), f.Clock.Now(), f.Clock.Now().Add(-time.Hour)) {
		f.Must(err)
		f.Errorf("%s: %s: %s", v.Invariant, v.Subject, v.Detail)
	}
}

// audited returns the actions in the org's audit log, oldest first, but not
// what it says of uploads.
func (f *team) audited() (actions []string) {
	f.Helper()
	f.Read(func(tx ports.Tx) error {
		entries, err := tx.Audit.List(f.Context(), ports.AuditQuery{OrgID: f.org, Limit: 10_000})
		for _, e := range slices.Backward(entries) {
			if !strings.HasPrefix(e.Action, "asset.upload") && e.Action != "asset.created" {
				actions = append(actions, e.Action)
			}
		}
		return err
	})
	return actions
}

// code checks the code of an error.
func (f *team) code(err error, want string) {
	f.Helper()
	if e, ok := errors.AsType[*core.Error](err); !ok || e.Code != want {
		f.Errorf("error = %v, want %s", err, want)
	}
}

// counted counts equal texts.
func counted(texts []string) map[string]int {
	out := make(map[string]int)
	for _, text := range texts {
		out[text]++
	}
	return out
}
