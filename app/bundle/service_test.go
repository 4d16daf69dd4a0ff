package bundle_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-755a8038/coffer/adapters/sealing"
	"github.com/seed-755a8038/coffer/app/bundle"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/fixture"
)

// world is a server of its own.
type world struct {
	*fixture.World
	*bundle.Service
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := fixture.New(t, true)
	return &world{w, bundle.NewService(bundle.Deps{
		Store: w.Store, Blobs: w.Blobs, Secrets: w.Secrets, Clock: w.Clock, IDs: w.IDs, Text: w.Text,
		Claim: func(context.Context) error { return nil },
	})}
}

// company makes an org of ana's, with a shared drive in which ben has a role, a
// folder, and a file in it.
func (w *world) company() (ana, ben fixture.Person, org *core.Org) {
	w.Helper()
	ana, ben = w.SignUp("ana"), w.SignUp("ben")
	now := w.Clock.Now()
	org = core.NewOrg(core.OrgID(w.IDs.NewID()), "Acme", "acme", now)
	owner := core.NewOwner(core.AccountID(w.IDs.NewID()), org.ID, ana.User.ID, now)
	other := core.NewOwner(core.AccountID(w.IDs.NewID()), org.ID, ben.User.ID, now)
	library := core.NewLibrary(core.DriveID(w.IDs.NewID()), org.ID, now)
	w.Write(func(tx ports.Tx) error {
		ctx := w.Context()
		return errors.Join(tx.Orgs.Add(ctx, org, library.ID), tx.Accounts.Add(ctx, owner), tx.Accounts.Add(ctx, other), tx.Drives.Add(ctx, library),
			tx.Drives.Add(ctx, core.NewPersonalDrive(core.DriveID(w.IDs.NewID()), org.ID, owner.ID, now)),
			tx.Drives.Add(ctx, core.NewPersonalDrive(core.DriveID(w.IDs.NewID()), org.ID, other.ID, now)))
	})
	db := w.Store.DB()
	folder, file := core.NodeID(w.IDs.NewID()).String(), core.AssetID(w.IDs.NewID())
	key := core.BlobKey(org.ID, file, 1, "a.txt")
	for _, query := range []string{
		`INSERT INTO drive_members VALUES ('` + library.ID.String() + `', '` + other.ID.String() + `', 'editor', 1)`,
		`INSERT INTO nodes VALUES ('` + folder + `', '` + org.ID.String() + `', '` + library.ID.String() + `', '` + library.ID.String() + `', 'folder', 'F', 'f', NULL, NULL, NULL, 0, 1, 1, 1, '', '', 0, 0, 0, '{}')`,
		`INSERT INTO nodes VALUES ('` + file.String() + `', '` + org.ID.String() + `', '` + library.ID.String() + `', '` + folder + `', 'asset', 'a.txt', 'a.txt', NULL, NULL, NULL, 0, 1, 1, 1, 'ready', 'text/plain', 5, 1, 1, '{}')`,
		`INSERT INTO asset_versions VALUES ('` + file.String() + `', 1, '` + org.ID.String() + `', '` + key + `', 'text/plain', 5, NULL, '` + folder + `', '` + owner.ID.String() + `', 1)`,
		`UPDATE org_usage SET used_bytes = 5, assets_count = 1 WHERE org_id = '` + org.ID.String() + `'`,
		`UPDATE drives SET used_bytes = 5 WHERE id = '` + library.ID.String() + `'`,
		`INSERT INTO node_changes VALUES ('` + library.ID.String() + `', 1, 'created', '` + folder + `', 'folder', '` + library.ID.String() + `', 'F', 1, 1)`,
		`UPDATE drives SET change_seq = 1 WHERE id = '` + library.ID.String() + `'`,
		`UPDATE nodes SET height = 1 WHERE id = '` + library.ID.String() + `'`,
	} {
		_, err := db.ExecContext(w.Context(), query)
		w.Must(err)
	}
	_, err := w.Blobs.Put(w.Context(), key, "text/plain", strings.NewReader("bytes"))
	w.Must(err)
	return ana, ben, org
}

// packed returns the bundle of an org.
func (w *world) packed(org core.OrgID) []byte {
	w.Helper()
	f, err := os.Create(filepath.Join(w.TempDir(), "bundle.tar"))
	w.Must(err)
	_, err = w.Export(w.Context(), org.String(), f)
	w.Must(errors.Join(err, f.Close()))
	b, err := os.ReadFile(f.Name())
	w.Must(err)
	return b
}

func (w *world) takes(b []byte, o bundle.ImportOptions) (*bundle.Summary, error) {
	return w.Import(w.Context(), bytes.NewReader(b), int64(len(b)), o)
}

// sound checks every invariant.
func (w *world) sound() {
	w.Helper()
	now := w.Clock.Now()
	for v, err := range w.Store.Violations(w.Context(), now, now) {
		w.Must(err)
		w.Errorf("%+v", v)
	}
}

func unpack(t *testing.T, b []byte) (all []entry) {
	t.Helper()
	for r := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all[:len(all)-1] // the end is made anew
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, entry{name: h.Name, body: string(body)})
	}
}

func TestAnOrgComesToAnotherServer(t *testing.T) {
	from, to := newWorld(t), newWorld(t)
	ana, _, org := from.company()
	b := from.packed(org.ID)
	here := to.SignUp("ben") // whoever that is: the address was not confirmed
	got, err := to.takes(b, bundle.ImportOptions{Slug: "acme-2"})
	to.Must(err)
	if got.Created != 1 || got.Blobs != 1 || got.Slug != "acme-2" || got.Resealed {
		t.Errorf("%+v", got)
	}
	to.sound()
	to.Read(func(tx ports.Tx) error {
		o, err := tx.Orgs.BySlug(to.Context(), "acme-2")
		to.Must(err)
		u, err := tx.Users.Get(to.Context(), ana.User.ID)
		to.Must(err)
		ben, err := tx.Users.Get(to.Context(), here.User.ID)
		to.Must(err)
		used, err := tx.Orgs.Usage(to.Context(), org.ID)
		to.Must(err)
		if _, err := tx.Orgs.BySlug(to.Context(), "acme"); err != nil { // a slug it had is its own, too
			t.Error(err)
		}
		if o.ID != org.ID || u.Verified() || u.PasswordHash != "" || !ben.Verified() || used.UsedBytes != 5 || used.AssetsCount != 1 {
			t.Errorf("%+v %+v %+v %+v", o, u, ben, used)
		}
		if mine, err := tx.Accounts.Of(to.Context(), org.ID, here.User.ID); err != nil || mine.Role != core.OrgOwner {
			t.Errorf("%+v, %v", mine, err)
		}
		return nil
	})
	_, err = to.takes(b, bundle.ImportOptions{})
	to.Fails(err, core.ErrBundleOrg)
}

func TestAPersonalOrgComesWithItsUser(t *testing.T) {
	from, to, other := newWorld(t), newWorld(t), newWorld(t)
	ana := from.SignUp("ana")
	b := from.packed(ana.Org.ID)
	_, err := to.takes(b, bundle.ImportOptions{})
	to.Must(err)
	to.sound()
	to.Read(func(tx ports.Tx) error {
		u, err := tx.Users.Get(to.Context(), ana.User.ID)
		if err == nil && u.PersonalOrgID != ana.Org.ID {
			t.Errorf("%+v", u)
		}
		return err
	})
	other.SignUp("ana")
	_, err = other.takes(b, bundle.ImportOptions{Slug: "ana-2"})
	other.Fails(err, core.ErrBundleUser)
}

func TestWhatCannotBeTakenChangesNothing(t *testing.T) {
	from := newWorld(t)
	_, _, org := from.company()
	b := from.packed(org.ID)

	to := newWorld(t)
	eve := to.SignUp("eve")
	_, err := to.takes(b, bundle.ImportOptions{Slug: "eve"})
	to.Fails(err, core.ErrSlugTaken)
	_, err = to.takes(b, bundle.ImportOptions{Slug: "-"})
	to.Fails(err, core.Invalid("slug", ""))

	other := newWorld(t)
	other.Secrets, err = sealing.New(bytes.Repeat([]byte("x"), 32))
	other.Must(err)
	other.Deps.Secrets = other.World.Secrets
	if got, err := other.takes(b, bundle.ImportOptions{}); err != nil || !got.Resealed {
		t.Errorf("%v", err)
	}
	other.sound()

	older := unpack(t, b)
	older[0].body = strings.Replace(older[0].body, `"schema":1`, `"schema":9`, 1)
	_, err = to.takes(pack(t, older...), bundle.ImportOptions{})
	to.Fails(err, core.ErrBundleSchema)

	licensed := unpack(t, b)
	at := 0
	for i := range licensed {
		if licensed[i].name == "tables/accounts/000001.ndjson" {
			at = i
		}
	}
	line := entry{name: "tables/org_licenses/000001.ndjson", body: `{"id":"` + core.NodeID{7}.String() + `","org_id":"` + org.ID.String() + `","license":"nobody's","expires_at":null,"created_at":1}` + "\n"}
	licensed = append(licensed[:at:at], append([]entry{line}, licensed[at:]...)...)
	licensed[0].body = strings.Replace(licensed[0].body, `{"name":"org_licenses","rows":0}`, `{"name":"org_licenses","rows":1}`, 1)
	_, err = to.takes(pack(t, licensed...), bundle.ImportOptions{})
	to.Fails(err, core.ErrBundleLicense)
	to.untouched(org.ID, eve)
}

// untouched checks that there is nothing but eve and what is hers.
func (w *world) untouched(org core.OrgID, eve fixture.Person) {
	w.Helper()
	w.sound()
	w.Read(func(tx ports.Tx) error {
		if _, err := tx.Orgs.Get(w.Context(), org); !errors.Is(err, core.ErrNotFound) {
			w.Errorf("the org is there: %v", err)
		}
		_, err := tx.Users.ByEmail(w.Context(), "ana@example.com")
		if !errors.Is(err, core.ErrNotFound) {
			w.Errorf("ana is there: %v", err)
		}
		_, err = tx.Users.Get(w.Context(), eve.User.ID)
		return err
	})
}

// TestBundlesReachNoOtherOrg: whatever rows say, with right checksums, nothing of
// another org is touched.
func TestBundlesReachNoOtherOrg(t *testing.T) {
	from := newWorld(t)
	ana, _, org := from.company()
	good := from.packed(org.ID)
	to := newWorld(t)
	eve := to.SignUp("eve")
	library := org.DefaultDriveID.String()
	hers := eve.Drive.ID.String()
	for name, c := range map[string]struct{ table, old, text string }{
		"a member of another's drive":      {"drive_members", library, hers},
		"a folder in another's drive":      {"nodes", `"drive_id":"` + library + `"`, `"drive_id":"` + hers + `"`},
		"a folder in another's folder":     {"nodes", `"parent_id":"` + library + `"`, `"parent_id":"` + hers + `"`},
		"another's drive as its own":       {"drives", `"id":"` + library + `"`, `"id":"` + hers + `"`},
		"another's drive as the default":   {"orgs", library, hers},
		"another's org":                    {"orgs", `"id":"` + org.ID.String() + `"`, `"id":"` + eve.Org.ID.String() + `"`},
		"a user whom nobody announced":     {"accounts", ana.User.ID.String(), eve.User.ID.String()},
		"changes of another's drive":       {"node_changes", library, hers},
		"a column that is not there":       {"accounts", `"role":`, `"rule":`},
		"a column too many":                {"accounts", `"role":`, `"x":1,"role":`},
		"text for a number":                {"accounts", `"version":1`, `"version":"1"`},
		"a number that is too large":       {"accounts", `"version":1`, `"version":99999999999999999999`},
		"a role that is none":              {"accounts", `"role":"owner"`, `"role":"emperor"`},
		"a deleted org":                    {"orgs", `"deleted_at":null`, `"deleted_at":1`},
		"a document that is none":          {"nodes", `"metadata":"{}"`, `"metadata":"{"`},
		"NUL in a name":                    {"nodes", `"name":"F"`, `"name":"F\u0000"`},
		"a number where a row must be one": {"nodes", `"kind":"folder"`, `"kind":5`},
	} {
		t.Run(name, func(t *testing.T) {
			entries, changed := unpack(t, good), false
			for i := range entries {
				if strings.HasPrefix(entries[i].name, "tables/"+c.table+"/") {
					body := strings.ReplaceAll(entries[i].body, c.old, c.text)
					changed = changed || body != entries[i].body
					entries[i].body = body
				}
			}
			if !changed {
				t.Fatal("there is no such row")
			}
			if _, err := to.takes(pack(t, entries...), bundle.ImportOptions{}); core.KindOf(err) != core.KindInvalid {
				t.Errorf("%v", err)
			}
			to.untouched(org.ID, eve)
		})
	}
}
