package dataset_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/manifest"
	"github.com/seed-755a8038/coffer/adapters/system"
	"github.com/seed-755a8038/coffer/app/dataset"
	"github.com/seed-755a8038/coffer/app/org"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/fixture"
)

type person struct {
	actor   core.Actor
	account core.AccountID
}

// world is an org with its owner, two members and a viewer, and a dataset of mia's.
type world struct {
	*fixture.World
	*dataset.Service

	orgs               *org.Service
	org                core.OrgID
	ana, mia, max, vic person
	set                *core.Dataset
}

const logKept = 24 * time.Hour

func newWorld(t *testing.T, v core.Visibility) *world {
	t.Helper()
	w := &world{World: fixture.New(t, true)}
	w.Service = dataset.NewService(dataset.Deps{
		Store: w.Store, Access: w.Store, Log: w.Store.DatasetLog(), Blobs: w.Blobs, Manifests: manifest.New(w.Text), Secrets: w.Secrets, Clock: w.Clock, IDs: w.IDs, Text: w.Text,
	}, dataset.Options{LogRetention: logKept, LogAddresses: core.AddressFull})
	w.orgs = org.NewService(org.Deps{
		Store: w.Store, Access: w.Store, Secrets: w.Secrets, Clock: w.Clock, IDs: w.IDs, Text: w.Text, Zones: system.Zones{},
	}, org.Options{LinkURL: "https://coffer.example", Retention: logKept})
	now := w.Clock.Now()
	o := core.NewOrg(core.OrgID(w.IDs.NewID()), "Acme", "acme", now)
	library := core.NewLibrary(core.DriveID(w.IDs.NewID()), o.ID, now)
	w.org = o.ID
	w.Write(func(tx ports.Tx) error {
		return errors.Join(tx.Orgs.Add(w.Context(), o, library.ID), tx.Drives.Add(w.Context(), library))
	})
	w.ana, w.mia, w.max, w.vic = w.joins("ana", core.OrgOwner), w.joins("mia", core.OrgMember), w.joins("max", core.OrgMember), w.joins("vic", core.OrgViewer)
	name, slug, none := "Dataset harbour", "harbour", core.DriveNone
	drive := core.NewSharedDrive(core.DriveID(w.IDs.NewID()), w.org, core.DriveChange{Name: &name, DefaultRole: &none}, now)
	w.set = core.NewDataset(core.DatasetID(w.IDs.NewID()), w.org, drive.ID, w.mia.account, core.DatasetChange{Slug: &slug, Name: &slug, Visibility: &v}, now)
	w.Write(func(tx ports.Tx) error {
		return errors.Join(tx.Drives.Add(w.Context(), drive), tx.Datasets.Add(w.Context(), w.set))
	})
	return w
}

func (w *world) joins(name string, role core.OrgRole) person {
	w.Helper()
	now := w.Clock.Now()
	p := w.SignUp(name)
	account := core.NewOwner(core.AccountID(w.IDs.NewID()), w.org, p.User.ID, now)
	account.Role = role
	personal := core.NewPersonalDrive(core.DriveID(w.IDs.NewID()), w.org, account.ID, now)
	w.Write(func(tx ports.Tx) error {
		return errors.Join(tx.Accounts.Add(w.Context(), account), tx.Drives.Add(w.Context(), personal))
	})
	p.Actor.ActiveOrg = w.org
	p.Actor.From = core.Client{Address: "192.0.2.9", UserAgent: name + "'s browser"}
	return person{p.Actor, account.ID}
}

// publishes makes a version of these items the current one, and returns their ids.
func (w *world) publishes(items ...core.DatasetItem) (ids []core.DatasetItemID) {
	w.Helper()
	now := w.Clock.Now()
	v := &core.DatasetVersion{
		ID: core.DatasetVersionID(w.IDs.NewID()), OrgID: w.org, DatasetID: w.set.ID, Number: w.set.CurrentVersion + 1,
		SessionID: core.IngestSessionID(w.IDs.NewID()), ManifestHash: []byte("hash"), Items: int64(len(items)), CreatedBy: w.mia.account, CreatedAt: now, PublishedAt: now,
	}
	stored := make([]ports.NewItem, len(items))
	for n, i := range items {
		i.ID, i.OrgID, i.VersionID, i.Line = core.DatasetItemID(w.IDs.NewID()), w.org, v.ID, int64(n+1)
		if i.Data == nil {
			i.Data = json.RawMessage("{}")
		}
		words := append([]string{}, core.Words(i.Title)...)
		slices.Sort(words)
		stored[n] = ports.NewItem{DatasetItem: i, Words: slices.Compact(words)}
		ids = append(ids, i.ID)
	}
	w.Write(func(tx ports.Tx) error {
		draft := *v
		draft.Number, draft.PublishedAt = 0, time.Time{}
		d, err := tx.Datasets.Get(w.Context(), w.org, w.set.ID)
		if err != nil {
			return err
		}
		d.Publish(v.Number, now)
		w.set = d
		return errors.Join(tx.DatasetVersions.Add(w.Context(), &draft), tx.IngestItems.Store(w.Context(), stored),
			tx.DatasetVersions.Publish(w.Context(), v), tx.Datasets.Save(w.Context(), d))
	})
	return ids
}

func item(name, title string) core.DatasetItem {
	return core.DatasetItem{ExternalID: name, Type: "text", Title: title}
}

// file makes a ready file with these bytes.
func (w *world) file(name, text string) core.AssetID {
	w.Helper()
	ctx, key := w.Context(), "dataset-test/"+name
	_, err := w.Blobs.Put(ctx, key, "text/html", strings.NewReader(text))
	w.Must(err)
	id := core.AssetID(w.IDs.NewID())
	now := w.Clock.Now()
	_, err = w.Store.DB().ExecContext(ctx, `INSERT INTO nodes (id, org_id, drive_id, parent_id, kind, name, name_folded, status, content_type, size_bytes, current_version, newest_version, metadata, created_by, height, version, created_at, updated_at)
		VALUES (?, ?, ?, ?, 'asset', ?, ?, 'ready', 'text/html', ?, 1, 1, '{}', ?, 0, 1, ?, ?)`,
		id, w.org, w.set.DriveID, core.RootOf(w.set.DriveID), name, name, len(text), w.mia.account, now.UnixMicro(), now.UnixMicro())
	w.Must(err)
	w.Write(func(tx ports.Tx) error {
		return tx.Versions.Add(ctx, &core.Version{
			AssetID: id, Number: 1, OrgID: w.org, BlobKey: key, ContentType: "text/html", SizeBytes: int64(len(text)), UploadID: core.UploadID(w.IDs.NewID()), CreatedBy: w.mia.account, CreatedAt: now,
		})
	})
	return id
}

func (w *world) names(p person, q dataset.ItemQuery) (string, dataset.Items, error) {
	w.Helper()
	q.DatasetID, q.Limit = w.set.ID, max(q.Limit, 1)
	out, err := w.Items(w.Context(), p.actor, q)
	var names []string
	for _, i := range out.Items {
		names = append(names, i.ExternalID)
	}
	return strings.Join(names, " "), out, err
}

// kinds are the kinds of all accesses that are logged, oldest first.
func (w *world) kinds() string {
	w.Helper()
	rows, err := w.Accesses(w.Context(), w.ana.actor, dataset.AccessQuery{DatasetID: w.set.ID, Limit: 100})
	w.Must(err)
	var kinds []string
	for _, r := range slices.Backward(rows) {
		kinds = append(kinds, string(r.Kind))
	}
	return strings.Join(kinds, " ")
}

func TestAPageStaysWithItsVersion(t *testing.T) {
	w := newWorld(t, core.VisibleToOrg)
	_, _, err := w.names(w.mia, dataset.ItemQuery{})
	w.Fails(err, core.ErrDatasetUnpublished)
	_, _, err = w.names(w.vic, dataset.ItemQuery{})
	w.Fails(err, core.ErrNotFound) // a draft
	w.publishes(item("1", "One harbour"), item("2", "Two"), item("3", "Three harbours"))
	got, page, err := w.names(w.vic, dataset.ItemQuery{Limit: 2})
	if w.Must(err); got != "1 2" || page.Number != 1 || page.Next.Number != 1 {
		t.Fatal(got, page)
	}
	w.publishes(item("9", "Nine"))
	got, page, err = w.names(w.vic, dataset.ItemQuery{From: page.Next, Limit: 2})
	if w.Must(err); got != "3" || page.Number != 1 || page.Next != (dataset.ItemPosition{}) {
		t.Fatal(got, page)
	}
	got, _, err = w.names(w.vic, dataset.ItemQuery{Limit: 2})
	if w.Must(err); got != "9" {
		t.Fatal(got)
	}
	got, _, err = w.names(w.vic, dataset.ItemQuery{Number: 1, Text: "  HARB", Limit: 9})
	if w.Must(err); got != "1 3" {
		t.Fatal(got)
	}
	_, _, err = w.names(w.vic, dataset.ItemQuery{Number: 3})
	w.Fails(err, core.ErrNotFound)
	_, _, err = w.names(w.vic, dataset.ItemQuery{Text: "?!"})
	if core.KindOf(err) != core.KindInvalid {
		t.Error(err)
	}
	versions, err := w.Versions(t.Context(), w.vic.actor, w.set.ID, 0, 9)
	if w.Must(err); len(versions) != 2 || versions[0].Number != 2 {
		t.Errorf("%+v", versions)
	}
	if got := w.kinds(); got != "list list list list" { // and no refusal
		t.Error(got)
	}
}

func TestAURLIsMintedForThoseOnlyWhoMayView(t *testing.T) {
	w := newWorld(t, core.VisibleToGrantees)
	asset := w.file("page.html", "<b>bytes</b>")
	i := item("1", "One")
	i.Assets = []core.ItemAsset{{Role: "main", AssetID: asset, Number: 1, Path: "pages/first.html"}}
	id := w.publishes(i)[0]
	sign := func(p person, role string) (dataset.SignedFile, error) {
		return w.SignFile(w.Context(), p.actor, id, role, true, time.Minute)
	}
	_, err := sign(w.vic, "main")
	w.Fails(err, core.ErrNotFound)
	_, err = w.SetGrants(t.Context(), w.mia.actor, w.set.ID, []core.DatasetGrant{{AccountID: w.vic.account, Rights: core.DatasetView}}, 0)
	w.Must(err)
	f, err := sign(w.vic, "main")
	w.Must(err)
	if f.File.Name != "first.html" || f.File.SizeBytes != 12 || !f.ExpiresAt.Equal(w.Clock.Now().Add(time.Minute)) {
		t.Errorf("%+v", f)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.URL, nil)
	w.Must(err)
	res, err := http.DefaultClient.Do(req)
	w.Must(err)
	body, err := io.ReadAll(res.Body)
	w.Must(errors.Join(err, res.Body.Close()))
	if string(body) != "<b>bytes</b>" || !strings.HasPrefix(res.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%s %v", body, res.Header)
	}
	_, err = sign(w.vic, "poster")
	w.Fails(err, core.ErrNotFound)
	if got := w.kinds(); got != "file" {
		t.Error(got)
	}
	rows, err := w.Accesses(t.Context(), w.mia.actor, dataset.AccessQuery{DatasetID: w.set.ID, Limit: 9})
	w.Must(err)
	if r := rows[0]; r.AccountID != w.vic.account || r.AssetID != asset || r.ItemID != id || r.Number != 1 || r.Address != "192.0.2.9" || r.UserAgent != "vic's browser" {
		t.Errorf("%+v", r)
	}
	_, err = w.Accesses(t.Context(), w.vic.actor, dataset.AccessQuery{DatasetID: w.set.ID, Limit: 9})
	w.Fails(err, core.ErrForbidden)

	// Archived, taken back, suspended, deleted: each mint asks anew.
	for _, c := range []struct {
		do   func() error
		undo func() error
	}{
		{w.sets(core.DatasetArchived), w.sets(core.DatasetPublished)},
		{w.grants(), w.grants(core.DatasetGrant{AccountID: w.vic.account, Rights: core.DatasetView})},
		{w.suspends(core.AccountSuspended), w.suspends(core.AccountActive)},
		{func() error { return w.Delete(w.Context(), w.mia.actor, w.set.ID, 0) }, nil},
	} {
		w.Must(c.do())
		_, err = sign(w.vic, "main")
		w.Fails(err, core.ErrNotFound)
		if c.undo != nil {
			w.Must(c.undo())
			_, err = sign(w.vic, "main")
			w.Must(err)
		}
	}
}

func (w *world) sets(s core.DatasetStatus) func() error {
	return func() error {
		_, err := w.Update(w.Context(), w.mia.actor, w.set.ID, core.DatasetChange{Status: &s}, 0)
		return err
	}
}

func (w *world) grants(list ...core.DatasetGrant) func() error {
	return func() error {
		_, err := w.SetGrants(w.Context(), w.mia.actor, w.set.ID, list, 0)
		return err
	}
}

func (w *world) suspends(s core.AccountStatus) func() error {
	return func() error {
		_, err := w.orgs.ChangeMember(w.Context(), w.ana.actor, w.org, w.vic.account, org.MemberChange{Status: s})
		return err
	}
}

func TestGrantsDecideWhoWritesInTheDrive(t *testing.T) {
	w := newWorld(t, core.VisibleToGrantees)
	const publish = core.DatasetView | core.DatasetPublish
	editors := func() (out string) {
		w.Write(func(tx ports.Tx) error {
			list, err := tx.DriveMembers.List(w.Context(), ports.DriveAccountQuery{OrgID: w.org, DriveID: w.set.DriveID, Members: true, Limit: 9})
			for _, m := range list {
				out += m.Member.Email + " "
			}
			d, err2 := tx.Drives.Get(w.Context(), w.org, w.set.DriveID)
			out += string(d.DefaultRole)
			return errors.Join(err, err2)
		})
		return out
	}
	for _, c := range []struct {
		grants []core.DatasetGrant
		want   string
	}{
		{[]core.DatasetGrant{{AccountID: w.max.account, Rights: publish}, {AccountID: w.vic.account, Rights: core.DatasetView}}, "mia@example.com max@example.com "},
		{[]core.DatasetGrant{{Role: core.OrgMember, Rights: publish}}, "mia@example.com editor"},
		{[]core.DatasetGrant{{AccountID: w.max.account, Rights: core.DatasetView}}, "mia@example.com "},
		{[]core.DatasetGrant{{AccountID: w.ana.account, Rights: publish}}, "mia@example.com "}, // an owner of the org is an admin there
	} {
		w.Must(w.grants(c.grants...)())
		if got := editors(); got != c.want {
			t.Errorf("%v: %q, want %q", c.grants, got, c.want)
		}
	}
	set := func(p person, version int64, list ...core.DatasetGrant) error {
		_, err := w.SetGrants(t.Context(), p.actor, w.set.ID, list, version)
		return err
	}
	g, err := w.Grants(t.Context(), w.ana.actor, w.set.ID)
	w.Must(err)
	w.Must(set(w.mia, g.Version, g.Grants...)) // no change
	again, err := w.Grants(t.Context(), w.ana.actor, w.set.ID)
	if w.Must(err); again.Version != g.Version {
		t.Error("the same grants are a change")
	}
	w.Fails(set(w.mia, g.Version-1), core.ErrStale)
	w.Fails(set(w.max, 0), core.ErrNotFound)
	for _, bad := range []core.DatasetGrant{
		{},
		{Role: core.OrgMember, AccountID: w.max.account, Rights: publish},
		{Role: core.OrgAdmin, Rights: publish},
		{AccountID: w.max.account, Rights: core.DatasetAnnotate},
		{AccountID: w.max.account, Rights: core.AllDatasetRights},
		{Role: core.OrgViewer, Rights: publish},
		{AccountID: core.AccountID(w.IDs.NewID()), Rights: publish},
	} {
		if err := set(w.mia, 0, bad); core.KindOf(err) != core.KindInvalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	// Who leaves takes none along.
	w.Must(set(w.ana, 0, core.DatasetGrant{AccountID: w.max.account, Rights: publish}))
	w.Must(errors.Join(w.orgs.RemoveMember(t.Context(), w.ana.actor, w.org, w.max.account, 0), w.orgs.RemoveMember(t.Context(), w.ana.actor, w.org, w.mia.account, 0)))
	g, err = w.Grants(t.Context(), w.ana.actor, w.set.ID)
	if w.Must(err); len(g.Grants) > 0 {
		t.Errorf("%+v", g)
	}
	d, err := w.Get(t.Context(), w.ana.actor, w.set.ID)
	if w.Must(err); d.CreatedBy != w.mia.account || !d.OwnerID.IsZero() {
		t.Errorf("%+v", d)
	}
}

func TestADatasetIsChangedByThoseWhoManageIt(t *testing.T) {
	w := newWorld(t, core.VisibleToOrg)
	name, slug, bad := " New é ", "New-Slug", "a b"
	published := core.DatasetPublished
	change := func(p person, c core.DatasetChange, version int64) error {
		d, err := w.Update(t.Context(), p.actor, w.set.ID, c, version)
		if err == nil {
			w.set = d
		}
		return err
	}
	w.Must(change(w.mia, core.DatasetChange{Name: &name, Slug: &slug}, 1))
	if w.set.Name != "New é" || w.set.Slug != "new-slug" || w.set.Version != 2 {
		t.Errorf("%+v", w.set)
	}
	w.Fails(change(w.ana, core.DatasetChange{Name: &bad}, 1), core.ErrStale)
	w.Fails(change(w.max, core.DatasetChange{Name: &bad}, 0), core.ErrNotFound) // a draft
	w.Fails(change(w.ana, core.DatasetChange{Status: &published}, 0), core.ErrDatasetUnpublished)
	if err := change(w.ana, core.DatasetChange{Slug: &bad}, 0); core.KindOf(err) != core.KindInvalid {
		t.Error(err)
	}
	w.publishes(item("1", "One"))
	w.Fails(change(w.max, core.DatasetChange{Name: &bad}, 0), core.ErrForbidden)
	w.Fails(w.Delete(t.Context(), w.max.actor, w.set.ID, 0), core.ErrForbidden)
	w.Must(w.Delete(t.Context(), w.ana.actor, w.set.ID, w.set.Version))
	_, err := w.Get(t.Context(), w.ana.actor, w.set.ID)
	w.Fails(err, core.ErrNotFound)
	list, err := w.List(t.Context(), w.ana.actor, dataset.Query{Limit: 9})
	if w.Must(err); len(list) > 0 {
		t.Error("a deleted dataset is listed")
	}
}

func TestAnnotationsOutliveVersions(t *testing.T) {
	w := newWorld(t, core.VisibleToOrg)
	ids := w.publishes(item("1", "One"), item("2", "Two"))
	say := func(p person, id core.DatasetItemID, text string) (*core.Annotation, error) {
		return w.Annotate(t.Context(), p.actor, id, dataset.AnnotationInput{Kind: core.AnnotationComment, Body: map[string]any{"text": text}})
	}
	first, err := say(w.max, ids[0], "first")
	w.Must(err)
	_, err = say(w.mia, ids[1], "second")
	w.Must(err)
	_, err = say(w.vic, ids[0], "viewers do not")
	w.Fails(err, core.ErrForbidden)

	change := func(p person, text string, version int64) error {
		_, err := w.ChangeAnnotation(t.Context(), p.actor, first.ID, dataset.AnnotationInput{Body: map[string]any{"text": text}}, version)
		return err
	}
	w.Must(change(w.max, "changed", 1))
	w.Must(change(w.max, "changed", 2)) // no change
	w.Fails(change(w.max, "late", 1), core.ErrStale)
	w.Fails(change(w.mia, "not mine", 0), core.ErrForbidden)
	versions, err := w.AnnotationVersions(t.Context(), w.vic.actor, first.ID, 0, 9)
	if w.Must(err); len(versions) != 1 || string(versions[0].Body) != `{"text":"first"}` {
		t.Errorf("%+v", versions)
	}

	now := w.publishes(item("1", "Uno"))
	of, err := w.AnnotationsOf(t.Context(), w.vic.actor, now[0], core.AnnotationID{}, 9)
	if w.Must(err); len(of) != 1 || string(of[0].Body) != `{"text":"changed"}` || of[0].Number != 1 || of[0].Orphaned {
		t.Errorf("%+v", of)
	}
	all, err := w.Annotations(t.Context(), w.vic.actor, dataset.AnnotationQuery{DatasetID: w.set.ID, Limit: 9})
	if w.Must(err); len(all) != 2 || all[0].Orphaned || !all[1].Orphaned {
		t.Errorf("%+v", all)
	}
	w.Fails(w.DeleteAnnotation(t.Context(), w.vic.actor, first.ID, 0), core.ErrForbidden)
	w.Fails(w.DeleteAnnotation(t.Context(), w.max.actor, first.ID, 1), core.ErrStale)
	w.Must(w.DeleteAnnotation(t.Context(), w.ana.actor, first.ID, 0))
	_, err = w.Annotation(t.Context(), w.max.actor, first.ID)
	w.Fails(err, core.ErrNotFound)
	stranger := w.SignUp("zoe").Actor
	_, err = w.Annotation(t.Context(), stranger, all[1].ID)
	w.Fails(err, core.ErrNotFound)
	w.Must(w.sets(core.DatasetArchived)())
	_, err = say(w.mia, now[0], "too late")
	w.Fails(err, core.ErrDatasetArchived)
}

func TestWhatDiffersIsFoundInPages(t *testing.T) {
	w := newWorld(t, core.VisibleToOrg)
	var old, changed []core.DatasetItem
	want := map[string]string{}
	for n := range 1_300 { // more than are in memory at a time
		name := fmt.Sprintf("item %04d", n)
		i := item(name, "Title")
		if n%7 != 3 {
			old = append(old, i)
		}
		j := i
		switch {
		case n%7 == 3:
			want[name] = "added []"
		case n%100 == 50:
			j.Title, j.Tags = "Another", []string{"new"}
			want[name] = "changed [title tags]"
		case n%100 == 51:
			j.Data = json.RawMessage(`{"a":1}`)
			want[name] = "changed [data]"
		case n > 1_250:
			want[name] = "removed []"
			continue
		}
		changed = append(changed, j)
	}
	slices.Reverse(changed) // the order of a manifest means nothing
	w.publishes(old...)
	w.publishes(changed...)
	q := dataset.DiffQuery{DatasetID: w.set.ID, From: 1, Limit: 17}
	last, found := "", 0
	for {
		d, err := w.Diff(t.Context(), w.vic.actor, q)
		w.Must(err)
		for _, c := range d.Changes {
			if found++; c.ExternalID <= last || want[c.ExternalID] != fmt.Sprint(c.Change, " ", c.Fields) {
				t.Errorf("%s after %s: %s %v, want %s", c.ExternalID, last, c.Change, c.Fields, want[c.ExternalID])
			}
			last = c.ExternalID
		}
		if d.To != 2 || len(d.Changes) > 17 {
			t.Fatal(d.To, len(d.Changes))
		}
		if q.After = d.Next; d.Next == "" {
			break
		}
	}
	if found != len(want) {
		t.Errorf("%d differences, want %d", found, len(want))
	}
	_, err := w.Diff(t.Context(), w.vic.actor, dataset.DiffQuery{DatasetID: w.set.ID, From: 1, To: 3, Limit: 1})
	w.Fails(err, core.ErrNotFound)
	if got := w.kinds(); got != "diff" {
		t.Error(got)
	}
}

func TestAnExportIsLoggedOnceAndOldAccessesAreForgotten(t *testing.T) {
	w := newWorld(t, core.VisibleToOrg)
	w.publishes(item("1", "One"), item("2", "Two"))
	out, err := w.ExportItems(t.Context(), w.vic.actor, dataset.ItemQuery{DatasetID: w.set.ID, Limit: 1})
	w.Must(err)
	next, err := w.ExportItems(t.Context(), w.vic.actor, dataset.ItemQuery{DatasetID: w.set.ID, From: out.Next, Limit: 1})
	if w.Must(err); out.Items[0].ExternalID+next.Items[0].ExternalID != "12" || next.Next != (dataset.ItemPosition{}) {
		t.Errorf("%+v %+v", out, next)
	}
	if got := w.kinds(); got != "export" {
		t.Error(got)
	}
	w.Must(w.suspends(core.AccountSuspended)())
	_, err = w.ExportItems(t.Context(), w.vic.actor, dataset.ItemQuery{DatasetID: w.set.ID, From: out.Next, Limit: 1})
	w.Fails(err, core.ErrNotFound) // between two pages
	w.Clock.Shift(logKept + time.Hour)
	w.Must(w.PruneLog(context.Background(), dataset.PruneLog{}))
	if got := w.kinds(); got != "" {
		t.Error(got)
	}
}
