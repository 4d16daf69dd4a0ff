package contract

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// dataset stores a dataset of a person's org, with a drive of its own.
func (s storeTest) dataset(p person, slug string, v core.Visibility) *core.Dataset {
	s.Helper()
	name := "Dataset " + slug
	drive := core.NewSharedDrive(core.DriveID(s.id()), p.org.ID, core.DriveChange{Name: &name}, noon)
	d := core.NewDataset(core.DatasetID(s.id()), p.org.ID, drive.ID, p.account.ID,
		core.DatasetChange{Slug: &slug, Name: &name, Visibility: &v}, noon)
	s.update(func(tx ports.Tx) error {
		s.must(tx.Drives.Add(s.Context(), drive))
		return tx.Datasets.Add(s.Context(), d)
	})
	return d
}

// staged stores the items of a version that nobody sees yet.
func (s storeTest) staged(d *core.Dataset, items ...*core.DatasetItem) *core.DatasetVersion {
	s.Helper()
	v := &core.DatasetVersion{
		ID: core.DatasetVersionID(s.id()), OrgID: d.OrgID, DatasetID: d.ID, SessionID: core.IngestSessionID(s.id()), CreatedBy: d.CreatedBy, CreatedAt: noon,
		Items: int64(len(items)),
	}
	stored := make([]ports.NewItem, len(items))
	for n, i := range items {
		i.ID, i.OrgID, i.VersionID, i.Line = core.DatasetItemID(s.id()), d.OrgID, v.ID, int64(n+1)
		if i.Data == nil {
			i.Data = json.RawMessage("{}")
		}
		words := append([]string{}, core.Words(i.Title+" "+strings.Join(i.Tags, " "))...)
		slices.Sort(words)
		stored[n] = ports.NewItem{DatasetItem: *i, Words: slices.Compact(words)}
	}
	s.update(func(tx ports.Tx) error {
		s.must(tx.DatasetVersions.Add(s.Context(), v))
		return tx.IngestItems.Store(s.Context(), stored)
	})
	return v
}

// published makes a version the one that is shown.
func (s storeTest) published(d *core.Dataset, v *core.DatasetVersion) {
	s.Helper()
	v.Number, v.PublishedAt, v.ManifestHash = d.CurrentVersion+1, noon, []byte("hash")
	d.Publish(v.Number, noon)
	s.update(func(tx ports.Tx) error {
		s.must(tx.DatasetVersions.Publish(s.Context(), v))
		return tx.Datasets.Save(s.Context(), d)
	})
}

func (s storeTest) release(d *core.Dataset, items ...*core.DatasetItem) *core.DatasetVersion {
	s.Helper()
	v := s.staged(d, items...)
	s.published(d, v)
	return v
}

func (s storeTest) items(q ports.ItemQuery) (names []string) {
	s.Helper()
	for range 1_000 {
		page, err := s.Hot.Items(s.Context(), q)
		s.must(err)
		for _, i := range page.Items {
			names = append(names, i.ExternalID)
		}
		if page.Next.IsZero() {
			return names
		}
		q.After = page.Next
	}
	s.Fatal("a list without an end")
	return nil
}

func itemEqual(s storeTest) {
	ana := s.signUp("ana")
	d := s.dataset(ana, "d", core.VisibleToOrg)
	file, poster := s.fileOf(ana, "film.mp4"), s.fileOf(ana, "poster.png")
	want := &core.DatasetItem{
		ExternalID: "B/é 中", Type: "video", Title: "Ein Hafen — \"Harbour\"", Tags: []string{"a tag", "é"},
		Data: json.RawMessage(`{"a":[1,2.5,"<&>",null],"bb":{"y":true,"zz":"中"},"c":0.10}`),
		Assets: []core.ItemAsset{
			{Role: "main", AssetID: file.ID, Number: 1, Path: "films/Harbour é.mp4"},
			{Role: "poster", AssetID: poster.ID, Number: 1},
		},
	}
	s.release(d, &core.DatasetItem{ExternalID: "first", Type: "text"}, want)
	f, err := s.Hot.ForItem(s.Context(), ana.actor(), want.ID)
	s.must(err)
	s.must(core.CanSeeItems(f.DatasetFacts))
	s.equal(f.Item, *want)
	s.equal(f.Number, int64(1))
	s.equal(string(f.Item.Data), string(want.Data))
	files := []core.ItemFile{
		{ItemAsset: want.Assets[0], Name: "Harbour é.mp4", ContentType: f.Files[0].ContentType, SizeBytes: f.Files[0].SizeBytes, SHA256: f.Files[0].SHA256},
		{ItemAsset: want.Assets[1], Name: "poster.png", ContentType: f.Files[1].ContentType, SizeBytes: f.Files[1].SizeBytes, SHA256: f.Files[1].SHA256},
	}
	s.equal(f.Files, files)
	if f.Files[0].ContentType == "" || f.Files[0].SizeBytes == 0 {
		s.Errorf("%+v", f.Files[0])
	}
	page, err := s.Hot.Items(s.Context(), ports.ItemQuery{Dataset: d.ID, Number: 1, Limit: 5})
	s.must(err)
	s.equal(page.Next.IsZero(), true)
	s.equal(page.Items[1], ports.ListedItem{DatasetItem: *want, Files: files})
	s.view(func(tx ports.Tx) error {
		got, err := tx.DatasetItems.ByExternalID(s.Context(), want.VersionID, "A", 5)
		s.equal(got, []*core.DatasetItem{want, page0(page)})
		return err
	})
	file1, err := s.Hot.ForItemFile(s.Context(), ana.actor(), want.ID, "main")
	s.must(err)
	s.must(core.CanFetch(file1))
	s.equal([]any{file1.ItemID, file1.Number, file1.File.Name, file1.File.AssetID, file1.File.Number}, []any{want.ID, int64(1), "Harbour é.mp4", file.ID, 1})
	none, err := s.Hot.ForItemFile(s.Context(), ana.actor(), want.ID, "transcript")
	s.must(err)
	s.wantErr(core.CanFetch(none), core.ErrNotFound)
	s.sound()
}

// itemsTold: a search finds items by the texts of their files, too.
func itemsTold(s storeTest) {
	ana, eve := s.signUp("ana"), s.signUp("eve")
	d := s.dataset(ana, "d", core.VisibleToOrg)
	tells := func(p person, name string, words ...string) *core.Asset {
		file := s.fileOf(p, name)
		s.update(func(tx ports.Tx) error {
			_, err := tx.Derived.Add(s.Context(), noon, ports.Undone{OrgID: p.org.ID, AssetID: file.ID, Number: 1})
			s.must(err)
			done := &core.Derived{OrgID: p.org.ID, AssetID: file.ID, Number: 1}
			done.Finish(core.Preview{}, noon)
			return tx.Derived.Finish(s.Context(), done, words)
		})
		return file
	}
	tells(eve, "foreign.vtt", "harbour", "night")
	file := tells(ana, "walk.vtt", "harbour", "night", "ünlit")
	var items []*core.DatasetItem
	for n := range 12 {
		i := &core.DatasetItem{ExternalID: fmt.Sprint(n), Type: []string{"video", "image"}[n%2], Title: "Nothing"}
		switch {
		case n%3 == 0:
			i.Title, i.Tags = "The harbour at night", []string{"told"}
		case n%4 == 1:
			i.Tags, i.Assets = []string{"told"}, []core.ItemAsset{{Role: "transcript", AssetID: file.ID, Number: 1, Path: "walk.vtt"}}
		}
		items = append(items, i)
	}
	// What has both is found once.
	items[9].Assets = []core.ItemAsset{{Role: "transcript", AssetID: file.ID, Number: 1, Path: "walk.vtt"}}
	s.release(d, items...)
	for _, limit := range []int{1, 2, 3, 50} {
		q := ports.ItemQuery{Dataset: d.ID, Number: 1, Limit: limit, Words: []string{"harbour", "nig"}}
		s.equal(s.items(q), []string{"0", "1", "3", "5", "6", "9"})
		q.Type = "image"
		s.equal(s.items(q), []string{"1", "3", "5", "9"})
		q.Tag = "told"
		s.equal(s.items(q), []string{"1", "3", "5", "9"})
		q = ports.ItemQuery{Dataset: d.ID, Number: 1, Limit: limit, Words: []string{"ünl"}}
		s.equal(s.items(q), []string{"1", "5", "9"})
	}
}

func page0(p ports.ItemPage) *core.DatasetItem { return &p.Items[0].DatasetItem }

func itemsFiltered(s storeTest) {
	ana := s.signUp("ana")
	d, other := s.dataset(ana, "d", core.VisibleToOrg), s.dataset(ana, "other", core.VisibleToOrg)
	var items []*core.DatasetItem
	for n := range 60 {
		i := &core.DatasetItem{ExternalID: fmt.Sprint(n), Type: []string{"image", "text"}[n%2], Title: fmt.Sprintf("Picture %d of the harbour", n)}
		if n%3 == 0 {
			i.Tags = []string{"blue", "sea"}
		}
		if n%10 == 7 {
			i.Title += " lighthouse"
		}
		items = append(items, i)
	}
	staged := s.staged(other, &core.DatasetItem{ExternalID: "hidden", Type: "image", Title: "lighthouse"})
	s.release(d, &core.DatasetItem{ExternalID: "old", Type: "image", Title: "Picture of the lighthouse"})
	s.release(d, items...)
	for _, limit := range []int{1, 7, 200} {
		for _, q := range []struct {
			ports.ItemQuery
			want func(n int, i *core.DatasetItem) bool
		}{
			{ports.ItemQuery{}, func(int, *core.DatasetItem) bool { return true }},
			{ports.ItemQuery{Type: "text"}, func(n int, _ *core.DatasetItem) bool { return n%2 == 1 }},
			{ports.ItemQuery{Tag: "sea"}, func(n int, _ *core.DatasetItem) bool { return n%3 == 0 }},
			{ports.ItemQuery{Tag: "sea", Type: "text"}, func(n int, _ *core.DatasetItem) bool { return n%6 == 3 }},
			{ports.ItemQuery{Words: []string{"picture"}}, func(int, *core.DatasetItem) bool { return true }},
			{ports.ItemQuery{Words: []string{"harbour", "lighth"}}, func(n int, _ *core.DatasetItem) bool { return n%10 == 7 }},
			{ports.ItemQuery{Words: []string{"lighth", "harbour"}}, func(int, *core.DatasetItem) bool { return false }},
			{ports.ItemQuery{Words: []string{"light"}, Tag: "blue"}, func(n int, _ *core.DatasetItem) bool { return n%30 == 27 }},
			{ports.ItemQuery{Words: []string{"light"}, Type: "image"}, func(int, *core.DatasetItem) bool { return false }},
			{ports.ItemQuery{Words: []string{"sea"}, Type: "image", Tag: "sea"}, func(n int, _ *core.DatasetItem) bool { return n%6 == 0 }},
			{ports.ItemQuery{Type: "imag"}, func(int, *core.DatasetItem) bool { return false }},
		} {
			var want []string
			for n, i := range items {
				if q.want(n, i) {
					want = append(want, i.ExternalID)
				}
			}
			q.Dataset, q.Number, q.Limit = d.ID, 2, limit
			s.equal(s.items(q.ItemQuery), want)
		}
	}
	s.equal(s.items(ports.ItemQuery{Dataset: d.ID, Number: 1, Words: []string{"lighthouse"}, Limit: 9}), []string{"old"})
	s.equal(len(s.items(ports.ItemQuery{Dataset: d.ID, Number: 3, Limit: 9})), 0)
	s.equal(len(s.items(ports.ItemQuery{Dataset: other.ID, Number: 0, Limit: 9})), 0)
	s.equal(len(s.items(ports.ItemQuery{Dataset: other.ID, Number: 1, Words: []string{"lighthouse"}, Limit: 9})), 0)
	s.published(other, staged)
	s.equal(s.items(ports.ItemQuery{Dataset: other.ID, Number: 1, Words: []string{"lighthouse"}, Limit: 9}), []string{"hidden"})
}

func factsItemStrangers(s storeTest) {
	ana, ben, cleo := s.signUp("ana"), s.signUp("ben"), s.signUp("cleo")
	t := s.newTeam(ana, "team")
	in := t.in(ana)
	account := s.joined(t, ben, core.OrgViewer, core.AccountActive)
	d := s.dataset(in, "d", core.VisibleToOrg)
	item := &core.DatasetItem{ExternalID: "1", Type: "text"}
	v := s.staged(d, item)
	may := func(p person) error {
		f, err := s.Hot.ForItem(s.Context(), p.actor(), item.ID)
		if err == nil {
			err = core.CanInDataset(f.DatasetFacts, core.DatasetView)
		}
		g, err2 := s.Hot.ForItemFile(s.Context(), p.actor(), item.ID, "main")
		if err2 == nil {
			err2 = core.CanInDataset(g.DatasetFacts, core.DatasetView)
		}
		if (err == nil) != (err2 == nil) {
			s.Errorf("the item: %v, its file: %v", err, err2)
		}
		return err
	}
	s.wantErr(may(ana), core.ErrNotFound) // not published
	s.published(d, v)
	s.must(may(ana))
	s.must(may(ben))
	s.wantErr(may(cleo), core.ErrNotFound)
	account.Status = core.AccountSuspended
	account.Version++
	s.must(s.saveAccount(account))
	s.wantErr(may(ben), core.ErrNotFound)
	account.Status = core.AccountRemoved
	account.Version++
	s.must(s.saveAccount(account))
	s.wantErr(may(ben), core.ErrNotFound)
	_, err := s.Hot.ForItem(s.Context(), core.Actor{Kind: core.ActorAPIKey}, item.ID)
	s.wantErr(err, core.ErrKeyNotAllowed)
	_, err = s.Hot.ForItem(s.Context(), ana.actor(), core.DatasetItemID(s.id()))
	s.wantErr(err, core.ErrNotFound)
	stranger := ana.actor()
	stranger.UserID = core.UserID(s.id())
	_, err = s.Hot.ForItem(s.Context(), stranger, item.ID)
	s.wantErr(err, core.ErrUnauthenticated)
	d.Delete(noon)
	s.update(func(tx ports.Tx) error { return tx.Datasets.Save(s.Context(), d) })
	s.wantErr(may(ana), core.ErrNotFound)
}

// shownAssets asks for an asset by what shows it.
func shownAssets(s storeTest) {
	ana, ben, cleo := s.signUp("ana"), s.signUp("ben"), s.signUp("cleo")
	t := s.newTeam(ana, "team")
	in := t.in(ana)
	s.joined(t, ben, core.OrgViewer, core.AccountActive)
	file := s.fileOf(in, "a.png")
	shown := func(p person) error {
		f, err := s.Hot.ForShownAsset(s.Context(), p.actor(), file.ID)
		if err == nil {
			s.equal([]any{f.File.AssetID, f.File.Number, f.File.Name}, []any{file.ID, 1, "a.png"})
			if f.Key == "" || f.File.SizeBytes == 0 {
				s.Errorf("%+v", f)
			}
		}
		return err
	}
	item := func() *core.DatasetItem {
		return &core.DatasetItem{ExternalID: "1", Type: "image", Assets: []core.ItemAsset{{Role: "main", AssetID: file.ID, Number: 1}}}
	}
	s.wantErr(shown(ben), core.ErrNotFound)
	secret, open := s.dataset(in, "secret", core.VisibleToGrantees), s.dataset(in, "open", core.VisibleToOrg)
	s.release(secret, item())
	v := s.staged(open, item())
	s.must(shown(ana))
	s.wantErr(shown(ben), core.ErrNotFound)
	s.published(open, v)
	s.must(shown(ben))
	s.wantErr(shown(cleo), core.ErrNotFound)
	s.trash(file)
	s.must(shown(ben)) // whoever publishes may put it there
	status := core.DatasetArchived
	s.must(open.Change(core.DatasetChange{Status: &status}, noon))
	s.update(func(tx ports.Tx) error { return tx.Datasets.Save(s.Context(), open) })
	s.wantErr(shown(ben), core.ErrNotFound)
	_, err := s.Hot.ForShownAsset(s.Context(), core.Actor{Kind: core.ActorAPIKey}, file.ID)
	s.wantErr(err, core.ErrKeyNotAllowed)
	s.disable(ben)
	s.wantErr(shown(ben), core.ErrUserDisabled)
}

func (s storeTest) grant(d *core.Dataset, grants ...core.DatasetGrant) error {
	return s.Update(s.Context(), func(tx ports.Tx) error { return tx.DatasetGrants.Replace(s.Context(), d.ID, grants) })
}

func (s storeTest) grantsOf(d *core.Dataset) (grants []core.DatasetGrant) {
	s.view(func(tx ports.Tx) (err error) {
		grants, err = tx.DatasetGrants.List(s.Context(), d.ID)
		return err
	})
	return grants
}

func datasetGrantsEqual(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	t := s.newTeam(ana, "team")
	in := t.in(ana)
	joe := s.joined(t, ben, core.OrgMember, core.AccountActive)
	d, other := s.dataset(in, "d", core.VisibleToGrantees), s.dataset(in, "other", core.VisibleToGrantees)
	const most = core.DatasetView | core.DatasetPublish
	want := []core.DatasetGrant{
		{Role: core.OrgViewer, Rights: core.DatasetView},
		{Role: core.OrgMember, Rights: core.DatasetView | core.DatasetAnnotate},
		{AccountID: joe.ID, Rights: most},
	}
	s.must(s.grant(d, want...))
	s.must(s.grant(other, want[2]))
	s.equal(s.grantsOf(d), want)
	s.wantErr(s.grant(d, core.DatasetGrant{AccountID: core.AccountID(s.id()), Rights: core.DatasetView}), core.ErrNotFound)
	s.equal(s.grantsOf(d), want)
	f, err := s.Hot.ForDataset(s.Context(), ben.actor(), d.ID)
	s.must(err)
	s.equal(f.Rights(), most)
	s.equal([]core.DatasetRights{*f.Account, *f.ByRole}, []core.DatasetRights{most, want[1].Rights})

	mine := s.dataset(person{org: t.org, account: joe}, "mine", core.VisibleToGrantees)
	s.update(func(tx ports.Tx) error { return tx.DatasetGrants.Forget(s.Context(), t.org.ID, joe.ID) })
	s.equal(s.grantsOf(d), want[:2])
	s.equal(len(s.grantsOf(other)), 0)
	f, err = s.Hot.ForDataset(s.Context(), ben.actor(), mine.ID)
	s.must(err)
	s.equal([]any{f.Creator, f.Rights()}, []any{false, core.NoDatasetRights})
	s.must(s.grant(d))
	s.equal(len(s.grantsOf(d)), 0)
}

// datasetLists compares what is listed with what core says of each dataset.
func datasetLists(s storeTest) {
	ana := s.signUp("ana")
	t := s.newTeam(ana, "team")
	in := t.in(ana)
	people := make(map[core.OrgRole]person)
	accounts := make(map[core.OrgRole]*core.Account)
	for _, role := range []core.OrgRole{core.OrgAdmin, core.OrgMember, core.OrgViewer} {
		people[role] = s.signUp(string(role))
		accounts[role] = s.joined(t, people[role], role, core.AccountActive)
	}
	var all []*core.Dataset
	grants := []core.DatasetRights{core.NoDatasetRights, core.DatasetView, core.DatasetView | core.DatasetPublish}
	for _, v := range []core.Visibility{core.VisibleToOrg, core.VisibleToGrantees} {
		for status := range 3 {
			for n, rights := range grants {
				for m, byRole := range grants {
					d := s.dataset(in, fmt.Sprintf("Set-%s-%d-%d-%d", v, status, n, m), v)
					if status > 0 {
						d.Publish(1, noon)
					}
					if status == 2 {
						archived := core.DatasetArchived
						s.must(d.Change(core.DatasetChange{Status: &archived}, noon))
						d.Version--
					}
					if status > 0 {
						s.update(func(tx ports.Tx) error { return tx.Datasets.Save(s.Context(), d) })
					}
					var list []core.DatasetGrant
					for _, role := range []core.OrgRole{core.OrgMember, core.OrgViewer} {
						if rights != 0 {
							list = append(list, core.DatasetGrant{AccountID: accounts[role].ID, Rights: rights})
						}
						if byRole != 0 {
							list = append(list, core.DatasetGrant{Role: role, Rights: byRole})
						}
					}
					s.must(s.grant(d, list...))
					all = append(all, d)
				}
			}
		}
	}
	for role, p := range people {
		var want, got []string
		for _, d := range slices.Backward(all) {
			f, err := s.Hot.ForDataset(s.Context(), p.actor(), d.ID)
			s.must(err)
			if core.CanInDataset(f, core.DatasetView) == nil {
				want = append(want, d.Slug)
			}
		}
		q := ports.DatasetQuery{OrgID: t.org.ID, Account: accounts[role].ID, Role: role, Limit: 7}
		for {
			var page []*core.Dataset
			s.view(func(tx ports.Tx) (err error) {
				page, err = tx.Datasets.List(s.Context(), q)
				return err
			})
			for _, d := range page {
				got = append(got, d.Slug)
			}
			if len(page) < q.Limit {
				break
			}
			q.Before = page[len(page)-1].ID
		}
		s.equal(got, want)
	}
	s.view(func(tx ports.Tx) error {
		list, err := tx.Datasets.List(s.Context(), ports.DatasetQuery{
			OrgID: t.org.ID, Account: t.owner.ID, Role: core.OrgOwner, Status: core.DatasetArchived, Text: "SET-org", Limit: 50,
		})
		s.equal(len(list), 9)
		return err
	})
}

func (s storeTest) annotation(d *core.Dataset, by *core.Account, external, text string) *core.Annotation {
	s.Helper()
	f := core.ItemFacts{DatasetFacts: core.DatasetFacts{OrgFacts: core.OrgFacts{OrgID: d.OrgID, AccountID: by.ID}, Dataset: *d}, Number: 1}
	f.Item.ExternalID = external
	body := core.AppendCanonical(nil, map[string]any{"text": text})
	a := core.NewAnnotation(core.AnnotationID(s.id()), f, core.AnnotationComment, body, noon)
	s.update(func(tx ports.Tx) error { return tx.Annotations.Add(s.Context(), a) })
	return a
}

func annotationEqual(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	d, other := s.dataset(ana, "d", core.VisibleToOrg), s.dataset(ana, "other", core.VisibleToOrg)
	s.release(d, &core.DatasetItem{ExternalID: "1", Type: "text"}, &core.DatasetItem{ExternalID: "gone", Type: "text"})
	s.release(d, &core.DatasetItem{ExternalID: "1", Type: "text"})
	first, second := s.annotation(d, ana.account, "1", "one <&> é"), s.annotation(d, ana.account, "gone", "two")
	s.annotation(other, ana.account, "1", "elsewhere")
	list := func(q ports.AnnotationQuery) (found []ports.ListedAnnotation) {
		s.view(func(tx ports.Tx) (err error) {
			q.Dataset, q.Limit = d.ID, max(q.Limit, 1)
			found, err = tx.Annotations.List(s.Context(), q)
			return err
		})
		return found
	}
	s.equal(list(ports.AnnotationQuery{Limit: 9}), []ports.ListedAnnotation{{Annotation: *first}, {Annotation: *second, Orphaned: true}})
	s.equal(list(ports.AnnotationQuery{}), []ports.ListedAnnotation{{Annotation: *first}})
	s.equal(list(ports.AnnotationQuery{After: first.ID}), []ports.ListedAnnotation{{Annotation: *second, Orphaned: true}})
	s.equal(list(ports.AnnotationQuery{ExternalID: "gone"}), []ports.ListedAnnotation{{Annotation: *second, Orphaned: true}})
	s.equal(len(list(ports.AnnotationQuery{Kind: core.AnnotationLabel})), 0)
	s.equal(len(list(ports.AnnotationQuery{Author: ben.account.ID})), 0)

	before := *first
	was := first.Change(core.AnnotationLabel, json.RawMessage(`{"label":"x"}`), noon.Add(time.Hour))
	save := func(a *core.Annotation, was *core.AnnotationVersion) error {
		return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Annotations.Save(s.Context(), a, was) })
	}
	s.must(save(first, was))
	s.wantErr(save(first, was), core.ErrStale)
	s.view(func(tx ports.Tx) error {
		got, err := tx.Annotations.Find(s.Context(), first.ID)
		s.equal(got, first)
		s.must(err)
		versions, err := tx.Annotations.Versions(s.Context(), d.OrgID, first.ID, 0, 9)
		s.equal(versions, []core.AnnotationVersion{{AnnotationID: first.ID, OrgID: d.OrgID, Version: 1, Kind: before.Kind, Body: before.Body, At: noon}})
		s.must(err)
		versions, err = tx.Annotations.Versions(s.Context(), ben.org.ID, first.ID, 0, 9)
		s.equal(len(versions), 0)
		return err
	})
	s.wantErr(s.Update(s.Context(), func(tx ports.Tx) error { return tx.Annotations.Remove(s.Context(), ben.org.ID, first.ID) }), core.ErrNotFound)
	s.wantErr(s.Update(s.Context(), func(tx ports.Tx) error {
		_, err := tx.Annotations.Lock(s.Context(), ben.org.ID, first.ID)
		return err
	}), core.ErrNotFound)
	s.update(func(tx ports.Tx) error { return tx.Annotations.Remove(s.Context(), d.OrgID, first.ID) })
	s.equal(len(list(ports.AnnotationQuery{Limit: 9})), 1)
	s.sound()
}

// annotationRace lets several change an annotation of which they have seen the
// same version.
func annotationRace(s storeTest) {
	ana := s.signUp("ana")
	d := s.dataset(ana, "d", core.VisibleToOrg)
	a := s.annotation(d, ana.account, "1", "one")
	won := s.race(core.ErrStale, func(i int) error {
		return s.Update(s.Context(), func(tx ports.Tx) error {
			got, err := tx.Annotations.Lock(s.Context(), d.OrgID, a.ID)
			if err != nil {
				return err
			}
			if got.Version != a.Version {
				return core.ErrStale
			}
			was := got.Change(core.AnnotationComment, fmt.Appendf(nil, `{"text":"%d"}`, i), noon)
			return tx.Annotations.Save(s.Context(), got, was)
		})
	})
	s.equal(won, 1)
	s.view(func(tx ports.Tx) error {
		versions, err := tx.Annotations.Versions(s.Context(), d.OrgID, a.ID, 0, 9)
		s.equal(len(versions), 1)
		return err
	})
}

func datasetAccesses(s storeTest) {
	ana := s.signUp("ana")
	d, gone := s.dataset(ana, "d", core.VisibleToOrg), core.DatasetID(s.id())
	access := func(kind core.DatasetAccessKind, at time.Time) *core.DatasetAccess {
		return &core.DatasetAccess{
			ID: core.DatasetAccessID(s.id()), OrgID: d.OrgID, DatasetID: d.ID, Number: 3, Kind: kind, ItemID: core.DatasetItemID(s.id()), AssetID: core.AssetID(s.id()),
			AccountID: ana.account.ID, Address: "192.0.2.0/24", UserAgent: "é test", At: at,
		}
	}
	list := func(q ports.DatasetAccessQuery) []*core.DatasetAccess {
		q.OrgID, q.Dataset, q.Limit = d.OrgID, d.ID, max(q.Limit, 5)
		got, err := s.DatasetLog.Accesses(s.Context(), q)
		s.must(err)
		return got
	}
	one, two, three := access(core.DatasetViewed, noon), access(core.DatasetFile, noon.Add(time.Hour)), access(core.DatasetListed, noon.Add(2*time.Hour))
	three.ItemID, three.AssetID = core.DatasetItemID{}, core.AssetID{}
	lost := access(core.DatasetViewed, noon)
	lost.DatasetID = gone
	s.must(s.DatasetLog.Note(s.Context(), one))
	s.must(s.DatasetLog.Note(s.Context(), lost))
	s.must(s.DatasetLog.Keep(s.Context(), two))
	s.must(s.DatasetLog.Note(s.Context(), three))
	s.equal(list(ports.DatasetAccessQuery{}), []*core.DatasetAccess{three, two, one})
	s.equal(list(ports.DatasetAccessQuery{Before: three.ID, Kind: core.DatasetFile, Account: ana.account.ID}), []*core.DatasetAccess{two})
	s.equal(list(ports.DatasetAccessQuery{From: noon.Add(time.Hour), To: noon.Add(2 * time.Hour)}), []*core.DatasetAccess{two})
	s.equal(len(list(ports.DatasetAccessQuery{Account: core.AccountID(s.id())})), 0)
	got, err := s.DatasetLog.Accesses(s.Context(), ports.DatasetAccessQuery{OrgID: core.OrgID(s.id()), Dataset: d.ID, Limit: 5})
	s.must(err)
	s.equal(len(got), 0)
	n, err := s.DatasetLog.Prune(s.Context(), noon.Add(time.Hour), 100)
	s.must(err)
	s.equal(n, 1)
	s.equal(len(list(ports.DatasetAccessQuery{})), 2)

	// More than there is room for, by several at once.
	won := s.raceOf(4, nil, func(int) error {
		for range 700 {
			if err := s.DatasetLog.Note(s.Context(), access(core.DatasetViewed, noon)); err != nil {
				return err
			}
		}
		return nil
	})
	s.equal(won, 4)
	s.equal(len(list(ports.DatasetAccessQuery{Limit: 5_000})), 2+4*700)
}
