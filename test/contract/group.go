package contract

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// newGroup makes a group of a person's org that is not stored yet.
func (s storeTest) newGroup(p person, name string, parent core.GroupID) *core.Group {
	return core.NewGroup(core.GroupID(s.id()), p.org.ID, p.account.ID, core.GroupChange{
		Name: name, ParentID: parent, Order: core.GroupOrder{Sort: core.GroupByCustom, Layout: core.GroupGrid},
	}, noon)
}

func (s storeTest) addGroup(g *core.Group, most int64) error {
	return s.Update(s.Context(), func(tx ports.Tx) error {
		s.must(tx.GroupTrees.Lock(s.Context(), g.OrgID))
		return tx.Groups.Add(s.Context(), g, most)
	})
}

// group stores a group.
func (s storeTest) group(p person, name string, parent core.GroupID) *core.Group {
	s.Helper()
	g := s.newGroup(p, name, parent)
	s.must(s.addGroup(g, core.Unlimited))
	return g
}

func (s storeTest) saveGroup(g *core.Group) error {
	return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Groups.Save(s.Context(), g) })
}

func (s storeTest) getGroup(g *core.Group) (got *core.Group) {
	s.Helper()
	s.view(func(tx ports.Tx) (err error) {
		got, err = tx.Groups.Get(s.Context(), g.OrgID, g.ID)
		return err
	})
	return got
}

func (s storeTest) groupsCount(p person) (n int64) {
	s.Helper()
	s.view(func(tx ports.Tx) error {
		u, err := tx.Orgs.Usage(s.Context(), p.org.ID)
		n = u.Groups
		return err
	})
	return n
}

func (s storeTest) deleteGroup(g *core.Group, at time.Time) {
	s.Helper()
	s.update(func(tx ports.Tx) error {
		s.must(g.Delete(at))
		s.must(tx.Groups.Save(s.Context(), g))
		return tx.GroupTrees.Delete(s.Context(), g)
	})
}

func groupEqual(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	parent := s.group(ana, "parent", core.GroupID{})
	want := s.newGroup(ana, "Fotos é 中", parent.ID)
	want.Description, want.CoverAssetID, want.IsPublic = "Zwei\nZeilen", core.AssetID(s.id()), true
	want.Metadata = core.Metadata{Tags: []string{"a", "b"}, CustomFields: map[string]any{"n": 1.5, "s": "x", "t": true, "z": nil}}
	want.Order = core.GroupOrder{Sections: []string{"z", `quo"ted`, "a"}, Sort: core.GroupByDate, Layout: core.GroupGallery}
	s.must(s.addGroup(want, core.Unlimited))
	s.equal(s.getGroup(want), want)
	s.view(func(tx ports.Tx) error {
		_, err := tx.Groups.Get(s.Context(), ben.org.ID, want.ID)
		s.wantErr(err, core.ErrNotFound)
		_, err = tx.Groups.Get(s.Context(), ana.org.ID, core.GroupID(s.id()))
		s.wantErr(err, core.ErrNotFound)
		_, err = tx.GroupTrees.Trail(s.Context(), ben.org.ID, want.ID)
		s.wantErr(err, core.ErrNotFound)
		_, err = tx.GroupPermissions.Facts(s.Context(), ben.org.ID, want.ID, ben.account.ID)
		s.wantErr(err, core.ErrNotFound)
		_, err = tx.GroupPermissions.Facts(s.Context(), ana.org.ID, want.ID, ben.account.ID)
		s.wantErr(err, core.ErrNotFound)
		entries, err := tx.GroupTrees.Entries(s.Context(), ben.org.ID, ben.account.ID, core.OrgOwner, true)
		s.equal(len(entries), 0)
		return err
	})
	want.Change(core.GroupChange{Name: "other", Order: core.GroupOrder{Sort: core.GroupByName, Layout: core.GroupList}}, noon.Add(time.Hour))
	want.SharePasswordHash, want.SharePasswordVersion = "$argon2id$x", 3
	want.OwnerID, want.DeletedAt, want.DeletedWith = core.AccountID{}, noon, parent.ID
	foreign := *want
	foreign.OrgID = ben.org.ID
	s.wantErr(s.saveGroup(&foreign), core.ErrStale)
	s.must(s.saveGroup(want))
	s.wantErr(s.saveGroup(want), core.ErrStale)
	s.equal(s.getGroup(want), want)
}

func groupStale(s storeTest) {
	g := s.group(s.signUp("ana"), "g", core.GroupID{})
	s.equal(s.race(core.ErrStale, func(i int) error {
		c := *g
		c.Name = fmt.Sprintf("name %d", i)
		c.Touch(noon)
		return s.saveGroup(&c)
	}), 1)
}

// groupLimit: however many are made at once, there are never more than the
// licence allows; a deleted one counts until it is purged.
func groupLimit(s storeTest) {
	ana := s.signUp("ana")
	const most = 3
	limit := &core.Error{Code: "limit_exceeded"}
	var made []*core.Group
	for range 8 {
		made = append(made, s.newGroup(ana, "g", core.GroupID{}))
	}
	s.equal(s.raceOf(len(made), limit, func(i int) error { return s.addGroup(made[i], most) }), most)
	s.equal(s.groupsCount(ana), int64(most))
	err := s.addGroup(s.newGroup(ana, "g", core.GroupID{}), most)
	if e, ok := errors.AsType[*core.Error](err); !ok || e.Details["limit"] != "max_groups" || e.Details["max"] != int64(most) || e.Details["used"] != int64(most) {
		s.Errorf("%v", err)
	}
	var all []ports.ListedGroup
	s.view(func(tx ports.Tx) (err error) {
		all, err = tx.Groups.List(s.Context(), ports.GroupQuery{OrgID: ana.org.ID, Limit: 9})
		return err
	})
	s.deleteGroup(&all[0].Group, noon)
	s.wantErr(s.addGroup(s.newGroup(ana, "g", core.GroupID{}), most), limit)
	s.update(func(tx ports.Tx) error {
		n, own, err := tx.Groups.Purge(s.Context(), noon, 9)
		s.equal(n, 1)
		s.equal(own, []core.Group{all[0].Group})
		return err
	})
	s.must(s.addGroup(s.newGroup(ana, "g", core.GroupID{}), most))
	s.sound()
	s.must(s.Inspector.RepairUsage(s.Context()))
	s.equal(s.groupsCount(ana), int64(most))
}

func groupLists(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	cover := s.finish(s.reserve(ana, "cover.png", 7))
	top := s.group(ana, "top", core.GroupID{})
	all := []core.GroupID{top.ID}
	for i := range 4 {
		g := s.newGroup(ana, fmt.Sprintf("Bilder %c%%_", 'Ä'+i), []core.GroupID{{}, top.ID}[i%2])
		g.CoverAssetID, g.Metadata.Tags = cover.ID, []string{"all", fmt.Sprint("n", i)}
		s.must(s.addGroup(g, core.Unlimited))
		all = append(all, g.ID)
	}
	gone := s.group(ana, "gone", core.GroupID{})
	below := s.group(ana, "below", gone.ID)
	s.deleteGroup(gone, noon)
	s.group(ben, "bilder ä", core.GroupID{})
	slices.Reverse(all)
	list := func(q ports.GroupQuery) (ids []core.GroupID, found []ports.ListedGroup) {
		s.Helper()
		if q.OrgID = ana.org.ID; q.Limit == 0 {
			q.Limit = 9
		}
		s.view(func(tx ports.Tx) (err error) {
			found, err = tx.Groups.List(s.Context(), q)
			return err
		})
		for i := range found {
			ids = append(ids, found[i].ID)
		}
		return ids, found
	}
	for _, c := range []struct {
		q    ports.GroupQuery
		want []core.GroupID
	}{
		{ports.GroupQuery{}, all},
		{ports.GroupQuery{Limit: 2}, all[:2]},
		{ports.GroupQuery{Before: all[1]}, all[2:]},
		{ports.GroupQuery{ParentID: top.ID}, []core.GroupID{all[0], all[2]}},
		{ports.GroupQuery{Text: "bilder ä%_"}, all[3:4]},
		{ports.GroupQuery{Tag: "n1"}, all[2:3]},
		{ports.GroupQuery{Tag: "all", ParentID: top.ID}, []core.GroupID{all[0], all[2]}},
		{ports.GroupQuery{Tag: "none"}, nil},
		{ports.GroupQuery{IDs: []core.GroupID{all[1], all[3], below.ID}}, []core.GroupID{all[1], all[3]}},
		{ports.GroupQuery{IDs: []core.GroupID{}}, nil},
		{ports.GroupQuery{Deleted: true}, []core.GroupID{gone.ID}},
	} {
		ids, _ := list(c.q)
		s.equal(ids, c.want)
	}
	_, found := list(ports.GroupQuery{})
	s.equal(found[0].Cover.AssetID, cover.ID)
	s.equal(found[0].Cover.BlobKey != "", true)
	s.trash(cover)
	_, found = list(ports.GroupQuery{})
	s.equal(found[0].Cover, core.Version{})
}

// groupNoCycles moves A into B while B is moved into A, again and again.
func groupNoCycles(s storeTest) {
	const rounds = 200
	p := s.signUp("ana")
	a, b := s.group(p, "a", core.GroupID{}), s.group(p, "b", core.GroupID{})
	inner := s.group(p, "inner", b.ID)
	move := func(id, into core.GroupID) error {
		return s.Update(s.Context(), func(tx ports.Tx) error {
			s.must(tx.GroupTrees.Lock(s.Context(), p.org.ID))
			g, err := tx.Groups.Lock(s.Context(), p.org.ID, id)
			s.must(err)
			var trail []core.GroupID
			if !into.IsZero() {
				trail, err = tx.GroupTrees.Trail(s.Context(), p.org.ID, into)
				s.must(err)
			}
			height, err := tx.GroupTrees.Height(s.Context(), p.org.ID, id)
			s.must(err)
			if err := core.CheckNest(id, trail, height); err != nil {
				return err
			}
			g.ParentID = into
			g.Touch(noon)
			return tx.Groups.Save(s.Context(), g)
		})
	}
	var wg sync.WaitGroup
	for _, m := range []struct{ id, into core.GroupID }{{a.ID, inner.ID}, {b.ID, a.ID}} {
		wg.Go(func() {
			for range rounds {
				err := move(m.id, m.into)
				if errors.Is(err, core.ErrGroupCycle) {
					err = move(m.id, core.GroupID{})
				}
				if err != nil {
					s.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	s.sound()
}

// groupDeleted: what is below a deleted group goes and comes with it, but not
// what was deleted before.
func groupDeleted(s storeTest) {
	p := s.signUp("ana")
	top := s.group(p, "top", core.GroupID{})
	g := s.group(p, "g", top.ID)
	child, early := s.group(p, "child", g.ID), s.group(p, "early", g.ID)
	leaf, earlyLeaf := s.group(p, "leaf", child.ID), s.group(p, "early leaf", early.ID)
	height := func(id core.GroupID, want int) {
		s.Helper()
		s.view(func(tx ports.Tx) error {
			n, err := tx.GroupTrees.Height(s.Context(), p.org.ID, id)
			s.equal(n, want)
			return err
		})
	}
	s.view(func(tx ports.Tx) error {
		trail, err := tx.GroupTrees.Trail(s.Context(), p.org.ID, leaf.ID)
		s.equal(trail, []core.GroupID{top.ID, g.ID, child.ID, leaf.ID})
		return err
	})
	s.deleteGroup(early, noon.Add(time.Minute))
	s.deleteGroup(g, noon.Add(time.Hour))
	height(top.ID, 3)
	height(leaf.ID, 0)
	for x, with := range map[*core.Group]core.GroupID{g: g.ID, child: g.ID, leaf: g.ID, early: early.ID, earlyLeaf: early.ID, top: {}} {
		got := s.getGroup(x)
		s.equal(got.DeletedWith, with)
		s.equal(got.Version, map[bool]int64{true: 1, false: 2}[with.IsZero()])
	}
	s.view(func(tx ports.Tx) error {
		_, err := tx.GroupTrees.Trail(s.Context(), p.org.ID, child.ID)
		s.wantErr(err, core.ErrNotFound)
		live, err := tx.GroupTrees.Entries(s.Context(), p.org.ID, p.account.ID, core.OrgOwner, false)
		s.must(err)
		all, err := tx.GroupTrees.Entries(s.Context(), p.org.ID, p.account.ID, core.OrgOwner, true)
		s.equal([]int{len(live), len(all)}, []int{1, 6})
		return err
	})
	s.sound()
	s.update(func(tx ports.Tx) error {
		s.must(g.Restore(true, retention, noon.Add(2*time.Hour)))
		s.must(tx.Groups.Save(s.Context(), g))
		return tx.GroupTrees.Restore(s.Context(), g)
	})
	for x, deleted := range map[*core.Group]bool{g: false, child: false, leaf: false, early: true, earlyLeaf: true} {
		s.equal(s.getGroup(x).Deleted(), deleted)
	}
	s.sound()
	s.deleteGroup(g, noon.Add(3*time.Hour))
	// What was deleted by itself is the last to go, so that it tells of the rest.
	var own []core.GroupID
	total := 0
	for range 9 {
		s.update(func(tx ports.Tx) error {
			n, gone, err := tx.Groups.Purge(s.Context(), noon.Add(3*time.Hour), 2)
			for i := range gone {
				own = append(own, gone[i].ID)
			}
			total += n
			return err
		})
		s.sound()
	}
	s.equal(own, []core.GroupID{early.ID, g.ID})
	s.equal(total, 5)
	s.equal(s.groupsCount(p), int64(1))
}
