package contract

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// inShare returns what decides about a group and a file that a visitor asks for
// by a link of a group; zero: the link's group, and no file.
func (s storeTest) inShare(l *core.ShareLink, g core.GroupID, file core.AssetID) core.ShareFacts {
	s.Helper()
	f, _, err := s.Hot.ForShare(s.Context(), ports.ShareQuery{Hash: l.TokenHash, Group: g, Asset: file})
	s.must(err)
	return f
}

func (s storeTest) moveGroup(g *core.Group, parent core.GroupID) {
	s.Helper()
	s.update(func(tx ports.Tx) error {
		s.must(tx.GroupTrees.Lock(s.Context(), g.OrgID))
		g.ParentID = parent
		g.Touch(noon)
		return tx.Groups.Save(s.Context(), g)
	})
}

// fileOf makes a file in a person's drive, which is not the default one.
func (s storeTest) fileOf(p person, name string) *core.Asset {
	s.Helper()
	r := s.reservation(p, name, 1)
	r.Unlimited, r.Upload.DriveID, r.NewAsset.DriveID, r.NewAsset.ParentID = true, p.drive.ID, p.drive.ID, p.root()
	g, ok, err := s.Hot.Reserve(s.Context(), r)
	s.must(err)
	s.equal([]any{ok, g.DriveID}, []any{true, p.drive.ID})
	r.Upload.CreatedBy, r.NewAsset.CreatedBy = g.AccountID, g.AccountID
	return s.finish(r)
}

func factsGroupShare(s storeTest) {
	ana := s.signUp("ana")
	top := s.group(ana, "top", core.GroupID{})
	g := s.newGroup(ana, "Fotos é 中", top.ID)
	g.Description, g.CoverAssetID, g.SharePasswordHash, g.SharePasswordVersion = "Zwei\nZeilen", core.AssetID(s.id()), "$argon2id$x", 3
	g.Metadata = core.Metadata{Tags: []string{"a"}, CustomFields: map[string]any{"n": 1.5}}
	g.Order = core.GroupOrder{Sections: []string{"z", "a"}, Sort: core.GroupByDate, Layout: core.GroupGallery}
	s.must(s.addGroup(g, core.Unlimited))
	below := s.group(ana, "below", g.ID)
	s.must(s.permit(top, core.GroupPermission{AccountID: ana.account.ID, Rights: core.AllGroupRights}, core.GroupPermission{Role: core.OrgMember, Rights: core.GroupView}))
	l := s.shareGroup(ana, g, nil)
	f := s.inShare(l, core.GroupID{}, core.AssetID{})
	s.equal(&f.Link, l)
	want := *g
	want.CreatedBy, want.OwnerID, want.SharePasswordHash, want.SharePasswordVersion = core.AccountID{}, core.AccountID{}, "", 0
	s.equal(f.Group.Group, want)
	s.equal(f.Group.Path, []core.GroupStep{{ID: g.ID, Name: g.Name}})
	s.equal(f.Password(), core.SharePassword{Hash: "$argon2id$x", Version: 3, OfGroup: true})
	s.equal([]any{f.Node, f.File, f.Version, f.Creator}, []any{core.Node{}, core.File{}, core.Version{}, core.DriveFacts{}})
	s.equal(f.OrgName, ana.org.Name)
	s.view(func(tx ports.Tx) error {
		known, err := tx.GroupPermissions.Facts(s.Context(), ana.org.ID, g.ID, ana.account.ID)
		s.must(err)
		known.Email, known.IsPersonal = ana.user.Email, false
		for i := range known.Levels {
			l := &known.Levels[i] // what the creator may view above does not matter
			l.Name, l.Creator, l.IsPublic = "", false, false
		}
		s.equal(f.Group.Creator, known)
		return nil
	})
	f = s.inShare(l, below.ID, core.AssetID{})
	s.equal(f.Group.Group.ID, below.ID)
	s.equal(f.Group.Path, []core.GroupStep{{ID: g.ID, Name: g.Name}, {ID: below.ID, Name: below.Name}})
	s.equal(f.Password().Version, int64(3)) // of the link's group, whatever is looked at
	s.equal(core.CanOpen(f, core.Visitor{Password: 3}, noon), nil)

	// Of other links nothing changes, whatever is asked for.
	folder := s.share(ana, ana.root(), nil)
	s.equal(s.inShare(folder, below.ID, core.AssetID(s.id())), s.inShare(folder, core.GroupID{}, core.AssetID{}))
}

// factsGroupShareReach: a visitor reaches the shared group and those nested in
// it, with their files, and nothing else.
func factsGroupShareReach(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	parent := s.group(ana, "parent", core.GroupID{})
	shared, sibling := s.group(ana, "shared", parent.ID), s.group(ana, "sibling", parent.ID)
	mid := s.group(ana, "mid", shared.ID)
	leaf := s.group(ana, "leaf", mid.ID)
	foreign := s.group(ben, "foreign", core.GroupID{})
	l := s.shareGroup(ana, shared, nil)
	other := s.sharedDrive(ana, core.Unlimited)
	ids := map[string]core.AssetID{}
	put := func(g *core.Group, name string, a *core.Asset) {
		s.must(s.addToGroup(ana, g, core.Unlimited, a.ID))
		ids[name] = a.ID
	}
	put(shared, "in it", s.finish(s.reserve(ana, "a", 1)))
	put(leaf, "below, of another drive", s.fileOf(other, "b"))
	both := s.finish(s.reserve(ana, "c", 1))
	put(sibling, "of a sibling, too", both)
	put(mid, "of a sibling, too", both)
	put(sibling, "of a sibling", s.finish(s.reserve(ana, "d", 1)))
	put(parent, "of the parent", s.finish(s.reserve(ana, "e", 1)))
	ids["of no group"] = s.finish(s.reserve(ana, "f", 1)).ID
	pending := s.reserve(ana, "g", 1).NewAsset
	s.must(s.addToGroup(ana, shared, core.Unlimited, pending.ID))
	ids["on its way"] = pending.ID
	groups := map[string]*core.Group{"shared": shared, "mid": mid, "leaf": leaf, "sibling": sibling, "parent": parent, "foreign": foreign}
	reach := func(wantGroups, wantFiles []string) {
		s.Helper()
		for name, g := range groups {
			f := s.inShare(l, g.ID, core.AssetID{})
			s.equal(core.CanOpen(f, core.Visitor{}, noon), nil)
			if want := slices.Contains(wantGroups, name); !f.Group.Group.ID.IsZero() != want || (len(f.Group.Path) > 0) != want {
				s.Errorf("group %s is reached: %v, want %v", name, !want, want)
			}
		}
		for name, id := range ids {
			f := s.inShare(l, core.GroupID{}, id)
			if want := slices.Contains(wantFiles, name); (f.Node.ID == id) != want || (f.Version.BlobKey != "") != want {
				s.Errorf("the file %s is reached: %v, want %v", name, !want, want)
			}
		}
	}
	const in, below, twice = "in it", "below, of another drive", "of a sibling, too"
	reach([]string{"shared", "mid", "leaf"}, []string{in, below, twice})
	s.moveGroup(mid, parent.ID)
	reach([]string{"shared"}, []string{in})
	s.moveGroup(mid, shared.ID)
	s.deleteGroup(s.getGroup(leaf), noon)
	reach([]string{"shared", "mid"}, []string{in, twice})
	s.moveGroup(sibling, shared.ID)
	reach([]string{"shared", "mid", "sibling"}, []string{in, twice, "of a sibling"})
	f := s.inShare(l, core.GroupID{}, both.ID)
	s.equal(f.Node.Name, "c")
	s.equal(f.File.Status, core.AssetReady)
	d := s.getGroup(shared)
	s.deleteGroup(d, noon)
	f = s.inShare(l, core.GroupID{}, ids[in])
	s.equal(core.CanOpen(f, core.Visitor{}, noon), error(core.ErrShareUnavailable))
	s.equal([]any{f.Group.Group.ID, f.Node.ID}, []any{core.GroupID{}, core.NodeID{}})
}

// factsGroupShareTrash: a file that is in the trash, by itself or with a folder,
// or in a drive that goes, is in no shared group; and its cover is not shown.
func factsGroupShareTrash(s storeTest) {
	ana := s.signUp("ana")
	g := s.group(ana, "g", core.GroupID{})
	l := s.shareGroup(ana, g, nil)
	folder := s.folder(ana, ana.root(), "folder")
	file := s.finish(s.reserveIn(ana, s.folder(ana, folder.ID, "inner").ID, "a", 1))
	other := s.sharedDrive(ana, core.Unlimited)
	beside := s.fileOf(other, "b")
	s.must(s.addToGroup(ana, g, core.Unlimited, file.ID, beside.ID))
	stored := s.getGroup(g)
	stored.CoverAssetID = file.ID
	stored.Touch(noon)
	s.must(s.saveGroup(stored))
	is := func(file *core.Asset, want bool, count int) {
		s.Helper()
		f := s.inShare(l, core.GroupID{}, file.ID)
		s.equal(core.CanOpen(f, core.Visitor{}, noon), nil)
		s.equal(!f.Node.ID.IsZero(), want)
		s.view(func(tx ports.Tx) error {
			found, err := tx.Groups.Nested(s.Context(), ports.NestedQuery{OrgID: ana.org.ID, ID: g.ID, Limit: 1})
			s.must(err)
			s.equal(found[0].Assets, count)
			if file.ID == stored.CoverAssetID {
				s.equal(found[0].Cover.BlobKey != "", want)
			}
			return nil
		})
	}
	is(file, true, 2)
	s.trash(file)
	is(file, false, 1)
	s.restore(file)
	is(file, true, 2)
	s.must(s.save(ana, folder, func() { folder.Trash(noon) }))
	is(file, false, 1)
	is(beside, true, 1)
	s.must(s.save(ana, folder, func() { folder.Purge(noon) }))
	is(file, false, 1)
	d := *other.drive
	s.must(d.Delete(ana.org, noon))
	s.must(s.saveDrive(&d))
	is(beside, false, 0)
}

// factsGroupShareCreator: a link of a group is worth what who made it may do now.
func factsGroupShareCreator(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	t := s.newTeam(ana, "team")
	in := ana
	in.org, in.account, in.drive = t.org, t.owner, t.library
	ben.org, ben.drive = t.org, t.library
	ben.account = s.joined(t, ben, core.OrgMember, core.AccountActive)
	top := s.group(in, "top", core.GroupID{})
	g := s.group(in, "g", top.ID)
	l := s.shareGroup(ben, g, nil)
	opens := func(want error) {
		s.Helper()
		if err := core.CanOpen(s.inShare(l, core.GroupID{}, core.AssetID{}), core.Visitor{}, noon); !errors.Is(err, want) {
			s.Errorf("opening: %v, want %v", err, want)
		}
	}
	const shares = core.GroupView | core.GroupShare
	opens(core.ErrShareUnavailable)
	s.must(s.permit(top, core.GroupPermission{Role: core.OrgMember, Rights: shares}))
	opens(nil)
	s.must(s.permit(g, core.GroupPermission{AccountID: ben.account.ID, Rights: core.GroupView}))
	opens(core.ErrShareUnavailable)
	s.must(s.permit(g, core.GroupPermission{AccountID: ben.account.ID, Rights: shares}))
	opens(nil)
	a := *ben.account
	for _, c := range []struct {
		edit func()
		want error
	}{
		{func() { a.Status = core.AccountSuspended }, core.ErrShareUnavailable},
		{func() { a.Status, a.Role = core.AccountActive, core.OrgAdmin }, nil},
		{func() { a.Status = core.AccountRemoved }, core.ErrShareUnavailable},
	} {
		c.edit()
		a.Version++
		s.must(s.saveAccount(&a))
		opens(c.want)
	}
	mine := s.shareGroup(in, g, nil)
	s.deleteOrg(t)
	_, _, err := s.Hot.ForShare(s.Context(), ports.ShareQuery{Hash: mine.TokenHash})
	s.wantErr(err, core.ErrNotFound)
}

// groupShareRace: racing downloads of a group's link stay in its limit, while
// the group is moved about.
func groupShareRace(s storeTest) {
	const visitors, most = 100, 7
	ana := s.signUp("ana")
	g, parent := s.group(ana, "g", core.GroupID{}), s.group(ana, "parent", core.GroupID{})
	l := s.shareGroup(ana, g, func(l *core.ShareLink) { l.MaxDownloads = most })
	a := s.access(l, core.AccessDownload)
	a.GroupID, a.NodeID = g.ID, core.NodeID(s.id())
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 10 {
			s.moveGroup(g, []core.GroupID{parent.ID, {}}[i%2])
		}
	})
	all := s.crowd(visitors, s.patient, a)
	wg.Wait()
	s.exactly(all, l, core.AccessDownload, 0, most)
	s.equal(s.getShare(l).Downloads, int64(most))
	s.sound()
}

// groupShareLeft: from the moment at which a group has left the shared one, or
// is deleted, or its file is in the trash, nobody reaches it any more, however
// many are looking.
func groupShareLeft(s storeTest) {
	ana := s.signUp("ana")
	shared := s.group(ana, "shared", core.GroupID{})
	l := s.shareGroup(ana, shared, nil)
	for what, leave := range map[string]func(g *core.Group, a *core.Asset){
		"moved":   func(g *core.Group, _ *core.Asset) { s.moveGroup(g, core.GroupID{}) },
		"deleted": func(g *core.Group, _ *core.Asset) { s.deleteGroup(g, noon) },
		"trashed": func(_ *core.Group, a *core.Asset) { s.trash(a) },
		"removed": func(g *core.Group, a *core.Asset) {
			s.must(s.inGroup(g, func(tx ports.Tx) error { return tx.GroupAssets.Remove(s.Context(), g.ID, a.ID) }))
		},
	} {
		g := s.group(ana, what, shared.ID)
		file := s.finish(s.reserve(ana, what, 1))
		s.must(s.addToGroup(ana, g, core.Unlimited, file.ID))
		g = s.getGroup(g)
		var gone, ended atomic.Bool
		var seen atomic.Int64
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for !ended.Load() {
					before := gone.Load()
					f := s.inShare(l, core.GroupID{}, file.ID)
					if f.Node.ID.IsZero() {
						continue
					}
					if seen.Add(1); before {
						s.Errorf("%s, and reached", what)
					}
				}
			})
		}
		for seen.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
		leave(g, file)
		gone.Store(true)
		time.Sleep(20 * time.Millisecond)
		ended.Store(true)
		wg.Wait()
	}
}

// nestedLists: groups in another come by name, page by page, with what is in them.
func nestedLists(s storeTest) {
	ana := s.signUp("ana")
	top := s.group(ana, "top", core.GroupID{})
	for _, name := range []string{"b", "A", "c", "a", "D"} {
		s.group(ana, name, top.ID)
	}
	gone := s.group(ana, "gone", top.ID)
	s.deleteGroup(gone, noon)
	s.group(ana, "beside", core.GroupID{})
	var names []string
	q := ports.NestedQuery{OrgID: ana.org.ID, ParentID: top.ID, Limit: 2}
	s.view(func(tx ports.Tx) error {
		for {
			page, err := tx.Groups.Nested(s.Context(), q)
			s.must(err)
			for _, n := range page {
				names = append(names, core.Fold(n.Name))
			}
			if len(page) < q.Limit {
				return nil
			}
			q.After = page[len(page)-1].At
		}
	})
	s.equal(names, []string{"a", "a", "b", "c", "d"})
	s.view(func(tx ports.Tx) error {
		found, err := tx.Groups.Nested(s.Context(), ports.NestedQuery{OrgID: ana.org.ID, ID: top.ID, Limit: 1})
		s.must(err)
		s.equal([]int{found[0].Groups, found[0].Assets}, []int{5, 0})
		found, err = tx.Groups.Nested(s.Context(), ports.NestedQuery{OrgID: core.OrgID(s.id()), ID: top.ID, Limit: 1})
		s.equal(len(found), 0)
		return err
	})
}
