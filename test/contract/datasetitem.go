package contract

import (
	"encoding/json"
	"fmt"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

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
