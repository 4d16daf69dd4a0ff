package contract

import (
	"fmt"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func (s storeTest) permit(g *core.Group, rows ...core.GroupPermission) error {
	return s.Update(s.Context(), func(tx ports.Tx) error { return tx.GroupPermissions.Replace(s.Context(), g.ID, rows) })
}

func (s storeTest) permitted(g *core.Group) (rows []core.GroupPermission) {
	s.Helper()
	s.view(func(tx ports.Tx) (err error) {
		rows, err = tx.GroupPermissions.List(s.Context(), g.ID)
		return err
	})
	return rows
}

// in is a person as the owner of a team.
func (t team) in(p person) person {
	p.org, p.account, p.drive = t.org, t.owner, t.library
	return p
}

func groupPermissionsEqual(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	t := s.newTeam(ana, "team")
	joe := s.joined(t, ben, core.OrgMember, core.AccountActive)
	s.personal(t.owner)
	s.personal(joe)
	g, other := s.group(t.in(ana), "g", core.GroupID{}), s.group(t.in(ana), "other", core.GroupID{})
	want := []core.GroupPermission{
		{Role: core.OrgViewer, Rights: core.GroupView},
		{Role: core.OrgMember, Rights: core.NoGroupRights},
		{AccountID: t.owner.ID, Rights: core.AllGroupRights},
		{AccountID: joe.ID, Rights: core.GroupView | core.GroupManageAssets},
	}
	s.must(s.permit(g, want...))
	s.must(s.permit(other, want[3]))
	s.equal(s.permitted(g), want)
	s.must(s.permit(g, want[0], want[3]))
	s.equal(s.permitted(g), []core.GroupPermission{want[0], want[3]})
	s.wantErr(s.permit(g, core.GroupPermission{AccountID: core.AccountID(s.id())}), core.ErrNotFound)
	s.equal(s.permitted(g), []core.GroupPermission{want[0], want[3]}) // all or nothing
	s.sound()

	mine := s.newGroup(t.in(ana), "mine", core.GroupID{})
	mine.CreatedBy, mine.OwnerID = joe.ID, joe.ID
	s.must(s.addGroup(mine, core.Unlimited))
	s.update(func(tx ports.Tx) error { return tx.GroupPermissions.Forget(s.Context(), t.org.ID, joe.ID) })
	s.equal(s.permitted(g), want[:1])
	s.equal(len(s.permitted(other)), 0)
	got := s.getGroup(mine)
	s.equal([]core.AccountID{got.CreatedBy, got.OwnerID}, []core.AccountID{joe.ID, {}})
	s.must(s.permit(g))
	s.equal(len(s.permitted(g)), 0)
}

// factsGroup asks for accounts of every role, group by group, and compares with
// what the tree of the org says of them.
func factsGroup(s storeTest) {
	ana := s.signUp("ana")
	t := s.newTeam(ana, "team")
	in := t.in(ana)
	top := s.group(in, "top", core.GroupID{})
	mid := s.group(in, "mid", top.ID)
	leaf := s.group(in, "leaf", mid.ID)
	public := s.newGroup(in, "public", mid.ID)
	public.IsPublic = true
	s.must(s.addGroup(public, core.Unlimited))
	const some = core.GroupView | core.GroupEdit
	for i, role := range []core.OrgRole{core.OrgOwner, core.OrgAdmin, core.OrgMember, core.OrgViewer} {
		p := s.signUp(string(role))
		a := s.joined(t, p, role, core.AccountActive)
		own := s.newGroup(in, fmt.Sprint("own ", i), top.ID)
		own.OwnerID = a.ID
		s.must(s.addGroup(own, core.Unlimited))
		s.must(s.permit(top, core.GroupPermission{Role: core.OrgViewer, Rights: some}, core.GroupPermission{AccountID: a.ID, Rights: core.GroupView}))
		s.must(s.permit(mid, core.GroupPermission{Role: core.OrgMember, Rights: core.NoGroupRights}))

		f, err := s.Hot.ForGroup(s.Context(), p.actor(), leaf.ID)
		s.must(err)
		row := func(r core.GroupRights, there bool) *core.GroupRights {
			if !there {
				return nil
			}
			return &r
		}
		s.equal(f, core.GroupFacts{
			OrgFacts: core.OrgFacts{OrgID: t.org.ID, AccountID: a.ID, Status: core.AccountActive, Role: role, Email: p.user.Email},
			GroupID:  leaf.ID,
			Levels: []core.GroupLevel{
				{ID: top.ID, Name: "top", Account: row(core.GroupView, true), Role: row(some, role == core.OrgViewer)},
				{ID: mid.ID, Name: "mid", Role: row(core.NoGroupRights, role == core.OrgMember)},
				{ID: leaf.ID, Name: "leaf"},
			},
		})
		s.view(func(tx ports.Tx) error {
			of, err := tx.GroupPermissions.Facts(s.Context(), t.org.ID, leaf.ID, a.ID)
			f.Email = ""
			s.equal(of, f)
			s.must(err)
			entries, err := tx.GroupTrees.Entries(s.Context(), t.org.ID, a.ID, role, false)
			s.must(err)
			seen := core.GroupsWith(core.GroupView, core.AccountActive, role, entries)
			for _, g := range []*core.Group{top, mid, leaf, public, own} {
				f, err := s.Hot.ForGroup(s.Context(), p.actor(), g.ID)
				s.must(err)
				if got := f.Standing().Rights().Has(core.GroupView); got != seen[g.ID] {
					s.Errorf("%s sees %s: %t, in the tree %t", role, g.Name, got, seen[g.ID])
				}
			}
			return nil
		})
	}
}

func factsGroupStrangers(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	g := s.group(ana, "g", core.GroupID{})
	f, err := s.Hot.ForGroup(s.Context(), ana.actor(), g.ID)
	s.must(err)
	s.must(core.CanInGroup(f, core.AllGroupRights))
	s.equal([]bool{f.Creator, f.IsPublic, f.Deleted}, []bool{true, false, false})
	f, err = s.Hot.ForGroup(s.Context(), ben.actor(), g.ID)
	s.must(err)
	s.wantErr(core.CanInGroup(f, core.GroupView), core.ErrNotFound)
	_, err = s.Hot.ForGroup(s.Context(), ana.actor(), core.GroupID(s.id()))
	s.wantErr(err, core.ErrNotFound)
	_, err = s.Hot.ForGroup(s.Context(), core.Actor{Kind: core.ActorAPIKey}, g.ID)
	s.wantErr(err, core.ErrKeyNotAllowed)
	stranger := ana.actor()
	stranger.UserID = core.UserID(s.id())
	_, err = s.Hot.ForGroup(s.Context(), stranger, g.ID)
	s.wantErr(err, core.ErrUnauthenticated)
	external := core.Actor{Kind: core.ActorAccount, UserID: ana.user.ID, External: true}
	f, err = s.Hot.ForGroup(s.Context(), external, g.ID)
	s.must(err)
	s.must(core.CanInGroup(f, core.GroupView))
	s.deleteGroup(g, noon.Add(time.Hour))
	f, err = s.Hot.ForGroup(s.Context(), ana.actor(), g.ID)
	s.must(err)
	s.wantErr(core.CanInGroup(f, core.GroupEdit), core.ErrGroupDeleted)
	s.disable(ana)
	f, err = s.Hot.ForGroup(s.Context(), ana.actor(), g.ID)
	s.must(err)
	s.wantErr(core.CanInGroup(f, core.GroupView), core.ErrUserDisabled)
	f, err = s.Hot.ForGroup(s.Context(), ana.actor(), core.GroupID(s.id())) // who is shut out hears that first
	s.must(err)
	s.wantErr(core.CanInGroup(f, core.GroupView), core.ErrUserDisabled)
}
