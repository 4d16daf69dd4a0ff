package contract

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// inGroup runs a unit of work that has locked a group, as the application does.
func (s storeTest) inGroup(g *core.Group, fn func(tx ports.Tx) error) error {
	return s.Update(s.Context(), func(tx ports.Tx) error {
		s.must(tx.GroupTrees.Lock(s.Context(), g.OrgID))
		if _, err := tx.Groups.Lock(s.Context(), g.OrgID, g.ID); err != nil {
			return err
		}
		return fn(tx)
	})
}

func (s storeTest) groupAsset(p person, g *core.Group, id core.AssetID) core.GroupAsset {
	return core.GroupAsset{GroupID: g.ID, OrgID: g.OrgID, AssetID: id, AddedBy: p.account.ID, AddedAt: noon}
}

func (s storeTest) addToGroup(p person, g *core.Group, most int64, ids ...core.AssetID) error {
	files := make([]core.GroupAsset, len(ids))
	for i, id := range ids {
		files[i] = s.groupAsset(p, g, id)
	}
	return s.inGroup(g, func(tx ports.Tx) error { return tx.GroupAssets.Add(s.Context(), most, files...) })
}

func (s storeTest) inOrder(g *core.Group, hidden bool) (ids []core.AssetID, found []ports.ListedGroupAsset) {
	s.Helper()
	s.view(func(tx ports.Tx) (err error) {
		found, err = tx.GroupAssets.List(s.Context(), ports.GroupAssetQuery{GroupID: g.ID, Order: g.Order, Hidden: hidden, Limit: 1_000})
		return err
	})
	for i := range found {
		ids = append(ids, found[i].AssetID)
	}
	return ids, found
}

// files stores ready files.
func (s storeTest) files(p person, names ...string) (ids []core.AssetID) {
	s.Helper()
	for _, name := range names {
		ids = append(ids, s.finish(s.reserve(p, name, 1)).ID)
	}
	return ids
}

func groupAssetEqual(s storeTest) {
	ana := s.signUp("ana")
	g := s.newGroup(ana, "g", core.GroupID{})
	g.Order.Sections = []string{"first", `se"cond`}
	s.must(s.addGroup(g, core.Unlimited))
	ids := s.files(ana, "a", "b")
	want := s.groupAsset(ana, g, ids[0])
	want.Section, want.Title, want.Description = `se"cond`, "Título", "Zwei\nZeilen"
	s.must(s.inGroup(g, func(tx ports.Tx) error { return tx.GroupAssets.Add(s.Context(), core.Unlimited, want) }))
	_, found := s.inOrder(g, false)
	s.equal(found[0].GroupAsset, want)
	s.equal([]any{found[0].Node.ID, found[0].Node.Name, found[0].File.SizeBytes, found[0].Hidden}, []any{ids[0], "a", int64(1), false})
	s.sound()
	s.wantErr(s.addToGroup(ana, g, core.Unlimited, ids[1], ids[0]), core.ErrAlreadyInGroup)
	s.wantErr(s.addToGroup(ana, g, core.Unlimited, ids[1], core.AssetID(s.id())), core.ErrNotFound)
	got, _ := s.inOrder(g, false)
	s.equal(got, ids[:1])

	want.Section, want.Title, want.Description = "first", "", ""
	missing := want
	missing.AssetID = ids[1]
	s.wantErr(s.inGroup(g, func(tx ports.Tx) error { return tx.GroupAssets.Save(s.Context(), missing) }), core.ErrNotFound)
	s.must(s.inGroup(g, func(tx ports.Tx) error { return tx.GroupAssets.Save(s.Context(), want) }))
	_, found = s.inOrder(g, false)
	s.equal(found[0].GroupAsset, want)
	g.Order.Sections = g.Order.Sections[1:] // a section that goes leaves its files
	g.Touch(noon)
	s.must(s.saveGroup(g))
	s.must(s.inGroup(g, func(tx ports.Tx) error { return tx.GroupAssets.Tidy(s.Context(), g) }))
	_, found = s.inOrder(g, false)
	s.equal(found[0].Section, "")
	s.sound()

	other := s.group(ana, "other", core.GroupID{})
	s.must(s.addToGroup(ana, other, core.Unlimited, ids...))
	s.wantErr(s.inGroup(g, func(tx ports.Tx) error { return tx.GroupAssets.Remove(s.Context(), g.ID, ids...) }), core.ErrNotFound)
	s.must(s.inGroup(g, func(tx ports.Tx) error { return tx.GroupAssets.Remove(s.Context(), g.ID, ids[0]) }))
	got, _ = s.inOrder(g, false)
	s.equal(len(got), 0)
	got, _ = s.inOrder(other, false)
	s.equal(got, ids)
}

// groupAssetOrder moves files about, between the same two again and again, too,
// and compares with a list.
func groupAssetOrder(s storeTest) {
	ana := s.signUp("ana")
	g := s.group(ana, "g", core.GroupID{})
	var names []string
	for i := range 8 {
		names = append(names, fmt.Sprint(i))
	}
	want := s.files(ana, names...)
	s.must(s.addToGroup(ana, g, core.Unlimited, want...))
	order := func(position int, ids ...core.AssetID) {
		s.Helper()
		s.must(s.inGroup(g, func(tx ports.Tx) error { return tx.GroupAssets.Order(s.Context(), g.ID, position, ids...) }))
		want = slices.DeleteFunc(want, func(id core.AssetID) bool { return slices.Contains(ids, id) })
		want = slices.Insert(want, min(position, len(want)), ids...)
		got, _ := s.inOrder(g, false)
		if !slices.Equal(got, want) {
			s.Fatalf("to %d: %v, want %v", position, got, want)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 60 {
		switch i % 3 {
		case 0:
			order(1, want[2+i%6]) // always between the first two: until there is no room
		case 1:
			order(1, want[len(want)-1])
		default:
			order(rng.IntN(10), want[rng.IntN(len(want))])
		}
	}
	order(0, want[5], want[2], want[7])
	all := slices.Clone(want)
	slices.Reverse(all)
	order(0, all...)
	err := s.inGroup(g, func(tx ports.Tx) error {
		return tx.GroupAssets.Order(s.Context(), g.ID, 0, want[0], core.AssetID(s.id()))
	})
	s.wantErr(err, core.ErrNotFound)
	err = s.inGroup(g, func(tx ports.Tx) error { return tx.GroupAssets.Order(s.Context(), g.ID, 3, core.AssetID(s.id())) })
	s.wantErr(err, core.ErrNotFound)
}

// groupAssetPages turns the pages of a group in every order, section by section.
func groupAssetPages(s storeTest) {
	ana := s.signUp("ana")
	g := s.newGroup(ana, "g", core.GroupID{})
	g.Order.Sections = []string{"z", "a"}
	s.must(s.addGroup(g, core.Unlimited))
	names := []string{"b", "é", "a", "中", "B", "c"}
	ids := s.files(ana, names...)
	sections, titles := []string{"", "a", "z", "z", "", "a"}, []string{"", "", "x", "x", "A", ""}
	files := make([]core.GroupAsset, len(ids))
	for i, id := range ids {
		files[i] = s.groupAsset(ana, g, id)
		files[i].Section, files[i].Title, files[i].AddedAt = sections[i], titles[i], noon.Add(time.Duration(i/2)*time.Second)
	}
	s.must(s.inGroup(g, func(tx ports.Tx) error { return tx.GroupAssets.Add(s.Context(), core.Unlimited, files...) }))
	for sort, want := range map[core.GroupSort][]int{
		core.GroupByCustom: {0, 4, 2, 3, 1, 5}, core.GroupByName: {4, 0, 2, 3, 5, 1}, core.GroupByDate: {4, 0, 2, 3, 5, 1}, core.GroupByType: {4, 0, 2, 3, 5, 1},
	} {
		for _, size := range []int{1, 2, 9} {
			q := ports.GroupAssetQuery{GroupID: g.ID, Order: core.GroupOrder{Sections: g.Order.Sections, Sort: sort}, Limit: size}
			var got []int
			for {
				var page []ports.ListedGroupAsset
				s.view(func(tx ports.Tx) (err error) {
					page, err = tx.GroupAssets.List(s.Context(), q)
					return err
				})
				for i := range page {
					got = append(got, slices.Index(ids, page[i].AssetID))
				}
				if len(page) < size || len(got) > len(ids) {
					break
				}
				q.After = page[len(page)-1].At
			}
			if !slices.Equal(got, want) {
				s.Errorf("by %s, %d at a time: %v, want %v", sort, size, got, want)
			}
		}
	}
}

// groupAssetLimit: however many come at once, there are never more than the
// licence allows.
func groupAssetLimit(s storeTest) {
	ana := s.signUp("ana")
	g := s.group(ana, "g", core.GroupID{})
	const most = 3
	ids := s.files(ana, "a", "b", "c", "d", "e", "f", "g", "h")
	s.equal(s.raceOf(len(ids), &core.Error{Code: "limit_exceeded"}, func(i int) error { return s.addToGroup(ana, g, most, ids[i]) }), most)
	got, _ := s.inOrder(g, false)
	s.equal(len(got), most)
	err := s.addToGroup(ana, g, 9, slices.DeleteFunc(slices.Clone(ids), func(id core.AssetID) bool { return slices.Contains(got, id) })...)
	s.must(err)
	err = s.addToGroup(ana, g, most+5, s.files(ana, "i")...)
	if e, ok := errors.AsType[*core.Error](err); !ok || e.Details["limit"] != "max_assets_per_group" || e.Details["used"] != int64(8) || e.Details["max"] != int64(8) {
		s.Errorf("%v", err)
	}
	one := s.group(ana, "one", core.GroupID{}) // of racing requests one adds a file
	s.equal(s.race(core.ErrAlreadyInGroup, func(int) error { return s.addToGroup(ana, one, core.Unlimited, ids[0]) }), 1)
}

// groupAssetGone: what is in the trash is hidden, and what is removed for good
// leaves its groups.
func groupAssetGone(s storeTest) {
	ana := s.signUp("ana")
	g, other, gone := s.group(ana, "g", core.GroupID{}), s.group(ana, "other", core.GroupID{}), s.group(ana, "gone", core.GroupID{})
	folder := s.folder(ana, ana.root(), "folder")
	asset := s.finish(s.reserve(ana, "a", 1))
	inside := s.finish(s.reserveIn(ana, folder.ID, "b", 1))
	pending := s.reserve(ana, "c", 1).NewAsset
	ids := []core.AssetID{asset.ID, inside.ID, pending.ID}
	for _, x := range []*core.Group{g, other, gone} {
		s.must(s.addToGroup(ana, x, core.Unlimited, ids...))
	}
	s.deleteGroup(gone, noon)
	shown := func(want ...core.AssetID) {
		s.Helper()
		got, _ := s.inOrder(g, false)
		s.equal(got, want)
		all, found := s.inOrder(g, true)
		s.equal(all, ids)
		for _, x := range found {
			s.equal(x.Hidden, !slices.Contains(want, x.AssetID))
		}
		var pairs []ports.GroupFile
		s.view(func(tx ports.Tx) error {
			for f, err := range tx.GroupAssets.All(s.Context(), ana.org.ID) {
				s.must(err)
				pairs = append(pairs, f)
			}
			return nil
		})
		s.equal(len(pairs), 2*len(want))
		for i, f := range pairs { // file by file, in each of the live groups
			s.equal(f.AssetID, want[i/2])
			s.equal(f.GroupID == g.ID || f.GroupID == other.ID, true)
		}
	}
	shown(asset.ID, inside.ID)
	s.trash(asset)
	shown(inside.ID)
	s.must(s.save(ana, folder, func() { folder.Trash(noon) }))
	shown()
	s.restore(asset)
	shown(asset.ID)
	s.must(s.save(ana, folder, func() { folder.Purge(noon) }))
	s.reap(ana, folder.ID, 10)
	ids = []core.AssetID{asset.ID, pending.ID}
	shown(asset.ID)
	s.sound()
}

func groupCandidates(s storeTest) {
	ana, ben, eve := s.signUp("ana"), s.signUp("ben"), s.signUp("eve")
	t := s.newTeam(ana, "team")
	in := t.in(ana)
	joe := s.joined(t, ben, core.OrgMember, core.AccountActive)
	folder := s.folder(in, in.root(), "folder")
	asset, pending := s.finish(s.reserve(in, "a", 1)), s.reserve(in, "b", 1).NewAsset
	inside := s.finish(s.reserveIn(in, folder.ID, "c", 1))
	s.must(s.save(in, folder, func() { folder.Trash(noon) }))
	foreign := s.finish(s.reserve(eve, "x", 1))
	s.putMember(t.library.ID, joe.ID, core.DriveViewer)
	s.view(func(tx ports.Tx) error {
		got, err := tx.GroupAssets.Candidates(s.Context(), t.org.ID, joe.ID, []core.NodeID{asset.ID, pending.ID, inside.ID, folder.ID, foreign.ID, core.NodeID(s.id())})
		standing := core.DriveStanding{Status: core.AccountActive, OrgRole: core.OrgMember, Ownership: core.SharedDrive, Member: core.DriveViewer, Default: core.DriveEditor}
		s.equal(got, map[core.NodeID]core.GroupCandidate{
			asset.ID:   {DriveStanding: standing, NodeID: asset.ID, Kind: core.KindAsset, Status: core.AssetReady, Live: true},
			pending.ID: {DriveStanding: standing, NodeID: pending.ID, Kind: core.KindAsset, Status: core.AssetPending, Live: true},
			inside.ID:  {DriveStanding: standing, NodeID: inside.ID, Kind: core.KindAsset, Status: core.AssetReady},
			folder.ID:  {DriveStanding: standing, NodeID: folder.ID, Kind: core.KindFolder},
		})
		return err
	})
}
