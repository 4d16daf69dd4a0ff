package group_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-755a8038/coffer/app/group"
	"github.com/seed-755a8038/coffer/app/org"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func role(r core.OrgRole, rights core.GroupRights) core.GroupPermission {
	return core.GroupPermission{Role: r, Rights: rights}
}

func one(p person, rights core.GroupRights) core.GroupPermission {
	return core.GroupPermission{AccountID: p.account, Rights: rights}
}

// says writes down which rights an account has on a group, by which rule, and
// which one refuses it the others.
func (w *world) says(asks person, id core.GroupID, account core.AccountID) string {
	w.Helper()
	e, err := w.Effective(w.Context(), asks.actor, id, account)
	w.Must(err)
	var all []string
	var last string
	for _, r := range e.Reasons {
		text := string(r.Rule)
		if r.GroupName != "" {
			text += " of " + r.GroupName
		}
		if r.Granted {
			text = "+" + text
		}
		if text != last {
			all = append(all, r.Right.String()+": "+text)
		}
		last = text
	}
	return strings.Join(all, ", ")
}

func TestAMemberSeesOnlyWhatTheRowsAllow(t *testing.T) {
	w := newWorld(t)
	a := w.makes(w.ana, "a", top)
	b := w.makes(w.ana, "b", a)
	for _, p := range []person{w.mia, w.vic} {
		w.Fails(errors.Join(w.sees(p, a), w.sees(p, b)), core.ErrNotFound) // no row, no right
	}
	// A row counts for all below it.
	w.permits(w.ana, a, role(core.OrgMember, core.GroupView|core.GroupEdit))
	w.Must(errors.Join(w.sees(w.mia, a), w.sees(w.mia, b), w.sees(w.max, b)))
	w.Fails(w.sees(w.vic, b), core.ErrNotFound)
	// A nearer group's beats it, and an account's its role's.
	w.permits(w.ana, b, role(core.OrgMember, core.NoGroupRights), one(w.mia, core.GroupView), role(core.OrgViewer, core.GroupView))
	w.Must(errors.Join(w.sees(w.mia, b), w.sees(w.vic, b)))
	w.Fails(w.sees(w.max, b), core.ErrNotFound)
	w.refused(core.ErrForbidden, func() error { return w.replaces(w.mia, b, core.GroupChange{Name: "x", ParentID: a}) })
	w.Must(w.replaces(w.max, a, core.GroupChange{Name: "x"}))
	// A public group is everybody's to view, whatever rows say, and nothing more.
	w.Must(w.replaces(w.ana, b, core.GroupChange{Name: "b", ParentID: a, IsPublic: true}))
	w.Must(w.sees(w.max, b))
	w.refused(core.ErrForbidden, func() error { return w.replaces(w.max, b, core.GroupChange{Name: "x", ParentID: a, IsPublic: true}) })
	w.Fails(w.sees(w.stranger("zoe"), b), core.ErrNotFound)
}

// TestEachRightAllowsWhatItIsForAndNothingElse tries everything with each right.
func TestEachRightAllowsWhatItIsForAndNothingElse(t *testing.T) {
	w := newWorld(t)
	file := w.files("1")[0]
	in := w.makes(w.mia, "parent", top) // max may do nothing there
	ctx, by := t.Context(), w.max.actor
	tries := []struct {
		what string
		with core.GroupRights
		do   func(id core.GroupID) error
	}{
		{"edit", core.GroupEdit, func(id core.GroupID) error { return w.replaces(w.max, id, core.GroupChange{Name: "other"}) }},
		{"nest", core.GroupEdit, func(id core.GroupID) error {
			_, err := w.Create(ctx, by, group.Input{GroupChange: core.GroupChange{Name: "nested", ParentID: id}})
			return err
		}},
		{"delete", core.GroupDelete, func(id core.GroupID) error { return w.Delete(ctx, by, id, 0) }},
		{"publish", core.GroupShare | core.GroupEdit, func(id core.GroupID) error {
			return w.replaces(w.max, id, core.GroupChange{Name: "g", IsPublic: true})
		}},
		{"add", core.GroupManageAssets, func(id core.GroupID) error {
			_, err := w.AddAsset(ctx, by, group.AssetInput{GroupID: id, AssetID: file})
			return err
		}},
		{"bulk", core.GroupManageAssets, func(id core.GroupID) error {
			return w.ChangeAssets(ctx, by, id, group.Bulk{Add: []core.AssetID{file}})
		}},
		{"permissions", core.AllGroupRights, func(id core.GroupID) error { _, err := w.Permissions(ctx, by, id); return err }},
		{"permit", core.AllGroupRights, func(id core.GroupID) error {
			_, err := w.SetPermissions(ctx, by, id, []core.GroupPermission{one(w.max, core.AllGroupRights)})
			return err
		}},
	}
	for _, c := range tries {
		for _, has := range []core.GroupRights{core.GroupEdit, core.GroupDelete, core.GroupShare, core.GroupShare | core.GroupEdit, core.GroupManageAssets, core.AllGroupRights} {
			id := w.makes(w.mia, "g", top)
			w.permits(w.mia, id, one(w.max, core.GroupView|has))
			if has.Has(c.with) {
				if err := c.do(id); err != nil {
					t.Errorf("%s with %s: %v", c.what, has, err)
				}
				continue
			}
			w.refused(core.ErrForbidden, func() error { return c.do(id) })
		}
	}
	// Elsewhere a group inherits other rights: it takes all on it, and edit there.
	id := w.makes(w.mia, "g", top)
	w.permits(w.mia, id, one(w.max, core.GroupView|core.GroupEdit))
	w.permits(w.mia, in, one(w.max, core.GroupView|core.GroupEdit))
	w.refused(core.ErrForbidden, func() error { return w.moves(w.max, id, "g", in) })
	w.permits(w.mia, id, one(w.max, core.AllGroupRights))
	w.permits(w.mia, in, one(w.max, core.GroupView))
	w.refused(core.ErrForbidden, func() error { return w.moves(w.max, id, "g", in) })
	w.permits(w.mia, in, one(w.max, core.GroupView|core.GroupEdit))
	w.Must(w.moves(w.max, id, "g", in))
}

func TestEveryRightIsExplained(t *testing.T) {
	w := newWorld(t)
	ada := w.joins("ada", core.OrgAdmin)
	a := w.makes(w.mia, "a", top)
	b := w.makes(w.mia, "b", a)
	same := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	same(w.says(w.ana, b, core.AccountID{}), "view: +org_owner")
	same(w.says(ada, b, ada.account), "view: +org_admin")
	same(w.says(w.mia, b, core.AccountID{}), "view: +creator")
	same(w.says(w.mia, b, w.max.account), "view: org_default")
	w.permits(w.mia, a, role(core.OrgMember, core.GroupView|core.GroupEdit), one(w.mia, core.AllGroupRights))
	w.permits(w.mia, b, role(core.OrgViewer, core.NoGroupRights))
	same(w.says(w.max, b, core.AccountID{}), "view: +role_row of a, delete: role_row of a")
	same(w.says(w.mia, b, core.AccountID{}), "view: +account_row of a")
	same(w.says(w.mia, b, w.vic.account), "view: role_row of b")
	w.Must(w.replaces(w.mia, b, core.GroupChange{Name: "b", ParentID: a, IsPublic: true}))
	same(w.says(w.vic, b, w.vic.account), "view: +is_public, edit: role_row of b")
	_, err := w.orgs.ChangeMember(t.Context(), w.ana.actor, w.org, w.max.account, org.MemberChange{Status: core.AccountSuspended})
	w.Must(err)
	same(w.says(w.ana, b, w.max.account), "view: inactive")

	// Of others it is told to those who set permissions; nothing to whom it is not.
	_, err = w.Effective(t.Context(), w.vic.actor, b, w.mia.account)
	w.Fails(err, core.ErrForbidden)
	_, err = w.Effective(t.Context(), w.vic.actor, a, core.AccountID{})
	w.Fails(err, core.ErrNotFound)
	_, err = w.Effective(t.Context(), w.mia.actor, b, w.stranger("zoe").account)
	w.Fails(err, core.ErrNotFound)
	if w.sees(w.max, b) == nil {
		t.Error("a suspended account sees a public group")
	}
}

func TestRowsAreReplacedAndWhatChangesIsLogged(t *testing.T) {
	w := newWorld(t)
	id := w.makes(w.mia, "g", top)
	w.permits(w.mia, id, role(core.OrgViewer, core.GroupView), one(w.max, core.GroupView), one(w.mia, core.AllGroupRights))
	w.did("group.created group.permissions_set", "group.created group.updated")
	want := []core.GroupPermission{role(core.OrgMember, core.NoGroupRights), one(w.max, core.GroupView|core.GroupEdit), one(w.mia, core.AllGroupRights)}
	got, err := w.SetPermissions(t.Context(), w.mia.actor, id, want)
	w.Must(err)
	read, err := w.Permissions(t.Context(), w.ana.actor, id)
	if w.Must(err); len(got) != 3 || fmt.Sprint(got) != fmt.Sprint(read) || got[0] != want[0] {
		t.Errorf("set %v, read %v", got, read)
	}
	log, events := w.did("group.permissions_set", "group.updated")
	// Each by whom it is for; what stays as it was is not told.
	c := log[0].Changes
	if len(c) != 3 || c["viewer"] != (core.Change{From: "view"}) || c["member"] != (core.Change{To: ""}) ||
		c[w.max.account.String()] != (core.Change{From: "view", To: "view,edit"}) {
		t.Errorf("%v", c)
	}
	if events[0].Data["group_id"] != id.String() {
		t.Errorf("%v", events[0].Data)
	}
	same := w.state()
	w.permits(w.mia, id, want...)
	if w.state() != same {
		t.Error("the same rows again are a change")
	}
	w.permits(w.mia, id)
	if got, err = w.Permissions(t.Context(), w.mia.actor, id); err != nil || len(got) > 0 {
		t.Errorf("%v %v", got, err)
	}
}

func TestRowsThatAreRefused(t *testing.T) {
	w := newWorld(t)
	zoe, gone := w.stranger("zoe"), w.joins("gone", core.OrgMember)
	w.Must(w.orgs.RemoveMember(t.Context(), w.ana.actor, w.org, gone.account, 0))
	id := w.makes(w.mia, "g", top)
	w.permits(w.mia, id, one(w.max, core.GroupView|core.GroupEdit))
	sets := func(p person, rows ...core.GroupPermission) func() error {
		return func() error { _, err := w.SetPermissions(t.Context(), p.actor, id, rows); return err }
	}
	// Nobody takes rights from themselves, by a row of their own or of their role.
	w.refused(core.ErrGroupLockout, sets(w.mia, role(core.OrgMember, core.GroupView)))
	w.refused(core.ErrGroupLockout, sets(w.mia, one(w.mia, core.GroupView|core.GroupEdit)))
	w.invalid("body.permissions[1].account_id", sets(w.mia, role(core.OrgViewer, core.GroupView), one(zoe, core.GroupView)))
	w.invalid("body.permissions[0].account_id", sets(w.mia, one(gone, core.GroupView)))
	w.invalid("body.permissions[0].role", sets(w.ana, role(core.OrgAdmin, core.GroupView)))
	w.invalid("body.permissions[0].can_view", sets(w.mia, one(w.max, core.GroupEdit)))
	w.invalid("body.permissions[1]", sets(w.mia, one(w.max, core.GroupView), one(w.max, core.GroupView)))
	w.invalid("body.permissions[0]", sets(w.mia, core.GroupPermission{}))
	w.refused(core.ErrForbidden, sets(w.max, one(w.max, core.AllGroupRights)))
	w.refused(core.ErrNotFound, sets(w.vic))
	w.Must(sets(w.mia, role(core.OrgMember, core.GroupView), one(w.mia, core.AllGroupRights))()) // as the refusal says
	w.Must(sets(w.ana, one(w.mia, core.NoGroupRights), one(w.ana, core.NoGroupRights))())        // an owner cannot be locked out
	w.Fails(w.sees(w.mia, id), core.ErrNotFound)
	w.Must(w.sees(w.ana, id))
}

// verify lets a person accept invitations without their mail.
func (w *world) verify(p person) {
	w.Helper()
	w.Write(func(tx ports.Tx) error {
		u, err := tx.Users.Get(w.Context(), p.actor.UserID)
		if err != nil {
			return err
		}
		u.EmailVerifiedAt = w.Clock.Now()
		u.Version++
		return tx.Users.Save(w.Context(), u)
	})
}

// TestWhoLeavesTakesNoRightsAlong: not even when they come back.
func TestWhoLeavesTakesNoRightsAlong(t *testing.T) {
	w := newWorld(t)
	mias, anas := w.makes(w.mia, "mia's", top), w.makes(w.ana, "ana's", top)
	file := w.file(w.mia, w.library, "1", "text/plain")
	w.Must(w.ChangeAssets(t.Context(), w.mia.actor, mias, group.Bulk{Add: []core.AssetID{file}}))
	w.permits(w.ana, anas, one(w.mia, core.AllGroupRights), one(w.max, core.GroupView))
	w.Must(w.orgs.RemoveMember(t.Context(), w.ana.actor, w.org, w.mia.account, 0))
	w.Fails(w.sees(w.mia, mias), core.ErrNotFound)
	rows, err := w.Permissions(t.Context(), w.ana.actor, anas)
	if w.Must(err); len(rows) != 1 || rows[0] != one(w.max, core.GroupView) {
		t.Errorf("%v", rows)
	}
	g, err := w.Get(t.Context(), w.ana.actor, mias)
	if w.Must(err); g.CreatedBy != w.mia.account || !g.OwnerID.IsZero() {
		t.Errorf("%+v", g) // who made it is known, and means nothing any more
	}
	w.grows(w.ana, "ana's 0/0 mia's 1/1") // what she added stays

	back, err := w.orgs.Invite(t.Context(), w.ana.actor, w.org, org.InviteInput{Email: "mia@example.com", Role: core.OrgMember})
	w.Must(err)
	w.verify(w.mia)
	_, err = w.orgs.Accept(t.Context(), w.mia.actor, "", back.Account.ID)
	w.Must(err)
	w.Fails(errors.Join(w.sees(w.mia, mias), w.sees(w.mia, anas)), core.ErrNotFound)
	w.makes(w.mia, "a new one", top)
	w.grows(w.mia, "a new one 0/0")
}

// TestACreatorWhoBecomesAViewerHasNoMoreThanOne: a viewer makes no groups, so
// having made one gives nothing, until that changes again.
func TestACreatorWhoBecomesAViewerHasNoMoreThanOne(t *testing.T) {
	w := newWorld(t)
	id := w.makes(w.mia, "g", top)
	for _, c := range []struct {
		role core.OrgRole
		want error
	}{{core.OrgViewer, core.ErrNotFound}, {core.OrgMember, nil}} {
		_, err := w.orgs.ChangeMember(t.Context(), w.ana.actor, w.org, w.mia.account, org.MemberChange{Role: c.role})
		w.Must(err)
		w.Fails(w.sees(w.mia, id), c.want)
	}
}

// A group in one that its people may not view looks like one at the top, and
// stays where it is.
func TestWhatIsAboveIsNotToldToThoseWhoMayNotViewIt(t *testing.T) {
	w := newWorld(t)
	secret := w.makes(w.ana, "secret", top)
	open := w.makes(w.ana, "open", secret)
	w.permits(w.ana, secret, role(core.OrgViewer, core.NoGroupRights))
	w.permits(w.ana, open, one(w.mia, core.AllGroupRights))
	seen, err := w.Get(t.Context(), w.mia.actor, open)
	if w.Must(err); !seen.ParentID.IsZero() {
		t.Errorf("in %v", seen.ParentID)
	}
	list, err := w.List(t.Context(), w.mia.actor, group.Query{Limit: 10})
	if w.Must(err); len(list) != 1 || !list[0].ParentID.IsZero() {
		t.Errorf("%+v", list)
	}
	if got := w.says(w.mia, open, w.vic.account); got != "view: role_row" {
		t.Error(got)
	}
	out, err := w.Update(t.Context(), w.mia.actor, open, core.GroupChange{Name: "renamed"}, 0)
	if w.Must(err); !out.ParentID.IsZero() {
		t.Errorf("in %v", out.ParentID)
	}
	seen, err = w.Get(t.Context(), w.ana.actor, open)
	if w.Must(err); seen.ParentID != secret || seen.Name != "renamed" {
		t.Errorf("%+v", seen)
	}
	list, err = w.List(t.Context(), w.ana.actor, group.Query{ParentID: secret, Limit: 10})
	if w.Must(err); len(list) != 1 || list[0].ParentID != secret {
		t.Errorf("%+v", list)
	}
}

func TestNobodySharesOrMovesWithoutTheRight(t *testing.T) {
	w := newWorld(t)
	in := w.makes(w.ana, "in", top)
	w.permits(w.ana, in, role(core.OrgMember, core.GroupView|core.GroupEdit|core.GroupDelete))
	makes := func(public bool) func() error {
		return func() error {
			_, err := w.Create(t.Context(), w.mia.actor, group.Input{GroupChange: core.GroupChange{Name: "g", ParentID: in, IsPublic: public}})
			return err
		}
	}
	w.refused(core.ErrForbidden, makes(true))
	w.Must(makes(false)())
	// Who puts a group where they would have fewer rights on it, locks themselves out.
	own := w.makes(w.mia, "own", top)
	w.refused(core.ErrGroupLockout, func() error { return w.moves(w.mia, own, "own", in) })
	// To come back at the top is to be moved there.
	child := w.makes(w.ana, "child", in)
	w.Must(w.Delete(t.Context(), w.ana.actor, child, 0))
	w.Must(w.Delete(t.Context(), w.ana.actor, in, 0))
	w.refused(core.ErrForbidden, func() error { _, err := w.Restore(t.Context(), w.mia.actor, child); return err })
	_, err := w.Restore(t.Context(), w.mia.actor, in)
	w.Must(err)
	_, err = w.Restore(t.Context(), w.mia.actor, child)
	w.Must(err)
}
