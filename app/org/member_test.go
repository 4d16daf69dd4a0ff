package org_test

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"

	"github.com/seed-755a8038/coffer/app/org"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// TestWhoManagesWhom lets every role change, remove and invite every other.
func TestWhoManagesWhom(t *testing.T) {
	f := newWorld(t)
	ana := f.signUp("ana", true)
	c := f.create(ana, "Acme")
	f.Must(f.Store.Update(t.Context(), func(tx ports.Tx) error {
		return tx.Licenses.Assign(t.Context(), ports.LicenseAssignment{ID: f.IDs.NewID(), OrgID: c.Org.ID, License: "enterprise", Now: f.Clock.Now()})
	}))
	roles := []core.OrgRole{core.OrgOwner, core.OrgAdmin, core.OrgMember, core.OrgViewer}
	actors := make(map[core.OrgRole]core.Actor)
	for i, role := range roles {
		actors[role], _ = f.join(ana, c.Org.ID, fmt.Sprintf("actor%d", i), role)
	}
	for _, actor := range roles {
		for i, target := range roles {
			want := func(to core.OrgRole) error {
				if actor == core.OrgOwner || actor == core.OrgAdmin && target != core.OrgOwner && to != core.OrgOwner {
					return nil
				}
				return core.ErrForbidden
			}
			_, account := f.join(ana, c.Org.ID, fmt.Sprintf("t%s%d", actor, i), target)
			for _, to := range append(roles, target) { // and back again
				_, err := f.ChangeMember(t.Context(), actors[actor], c.Org.ID, account, org.MemberChange{Role: to})
				if now := want(to); !errors.Is(err, now) {
					t.Errorf("%s makes %s %s: %v, want %v", actor, target, to, err, now)
				}
				_, err = f.ChangeMember(t.Context(), ana, c.Org.ID, account, org.MemberChange{Role: target})
				f.Must(err)
			}
			for _, status := range []core.AccountStatus{core.AccountSuspended, core.AccountActive} {
				_, err := f.ChangeMember(t.Context(), actors[actor], c.Org.ID, account, org.MemberChange{Status: status})
				f.Fails(err, want(""))
			}
			f.Fails(f.RemoveMember(t.Context(), actors[actor], c.Org.ID, account, 0), want(""))
		}
		for i, role := range roles {
			_, err := f.invite(actors[actor], c.Org.ID, fmt.Sprintf("new-%s%d@example.com", actor, i), role)
			var want error
			if actor != core.OrgOwner && (actor != core.OrgAdmin || role == core.OrgOwner) {
				want = core.ErrForbidden
			}
			if !errors.Is(err, want) {
				t.Errorf("%s invites %s: %v, want %v", actor, role, err, want)
			}
		}
	}
}

// TestWhoMayWhat tries the other actions of the role table in every role, and
// as somebody from elsewhere.
func TestWhoMayWhat(t *testing.T) {
	f := newWorld(t)
	ana, stranger := f.signUp("ana", true), f.signUp("stranger", true)
	c := f.create(ana, "Acme")
	name := "Acme & Co"
	do := map[string]func(a core.Actor) error{
		"get":     func(a core.Actor) error { return f.sees(a, c.Org.ID) },
		"license": func(a core.Actor) error { _, err := f.License(t.Context(), a, c.Org.ID); return err },
		"members": func(a core.Actor) error {
			_, err := f.Members(t.Context(), a, c.Org.ID, core.AccountID{}, 10)
			return err
		},
		"invitations": func(a core.Actor) error {
			_, err := f.Invitations(t.Context(), a, c.Org.ID, core.AccountID{}, 10)
			return err
		},
		"update": func(a core.Actor) error {
			_, err := f.Update(t.Context(), a, c.Org.ID, org.UpdateInput{Name: &name})
			return err
		},
		"audit": func(a core.Actor) error {
			_, err := f.AuditLog(t.Context(), a, ports.AuditQuery{OrgID: c.Org.ID, Limit: 1})
			return err
		},
		"transfer": func(a core.Actor) error { return f.Transfer(t.Context(), a, c.Org.ID, core.AccountID(f.IDs.NewID())) },
		"delete":   func(a core.Actor) error { return f.Delete(t.Context(), a, c.Org.ID, 999) },
	}
	may := map[string]string{ // admin, member, viewer
		"get": "yyy", "license": "yyy", "members": "yyy", "invitations": "y--", "update": "y--", "audit": "y--", "transfer": "---", "delete": "---",
	}
	for i, role := range []core.OrgRole{core.OrgAdmin, core.OrgMember, core.OrgViewer} {
		a, _ := f.join(ana, c.Org.ID, string(role), role)
		for action, run := range do {
			var want error
			if may[action][i] == '-' {
				want = core.ErrForbidden
			}
			if err := run(a); !errors.Is(err, want) {
				t.Errorf("%s, %s: %v, want %v", role, action, err, want)
			}
		}
	}
	for action, run := range do {
		if err := run(stranger); !errors.Is(err, core.ErrNotFound) {
			t.Errorf("a stranger, %s: %v", action, err)
		}
	}
	f.Fails(do["transfer"](ana), core.ErrNotFound) // allowed, but to nobody
	f.Fails(do["delete"](ana), core.ErrStale)      // allowed, but not this version
}

// TestChangesActAtOnce: the very next facts of a credential know.
func TestChangesActAtOnce(t *testing.T) {
	f := newWorld(t)
	ana := f.signUp("ana", true)
	c := f.create(ana, "Acme")
	ben, account := f.join(ana, c.Org.ID, "ben", core.OrgAdmin)
	change := func(m org.MemberChange) ports.Member {
		t.Helper()
		got, err := f.ChangeMember(t.Context(), ana, c.Org.ID, account, m)
		f.Must(err)
		return got
	}
	upload := func() error {
		facts, err := f.Store.ForUpload(t.Context(), ben, ports.UploadQuery{OrgID: c.Org.ID, Now: f.Clock.Now()})
		f.Must(err)
		return core.CanUpload(facts, 1, 1)
	}
	_, err := f.Invitations(t.Context(), ben, c.Org.ID, core.AccountID{}, 1)
	f.Must(err)
	if got := change(org.MemberChange{Role: core.OrgViewer}); got.Account.Role != core.OrgViewer || got.Email != "ben@example.com" || got.Name != "ben" {
		t.Errorf("%+v", got)
	}
	_, err = f.Invitations(t.Context(), ben, c.Org.ID, core.AccountID{}, 1)
	f.Fails(err, core.ErrForbidden)
	f.Fails(upload(), core.ErrForbidden)
	change(org.MemberChange{Role: core.OrgMember})
	f.Must(upload())
	change(org.MemberChange{Status: core.AccountSuspended})
	f.Fails(f.sees(ben, c.Org.ID), core.ErrNotFound)
	f.Fails(upload(), core.ErrNotFound)
	orgs, err := f.List(t.Context(), ben, ports.OrgPage{Limit: 10})
	f.Must(err)
	if len(orgs) != 1 || !orgs[0].Org.IsPersonal {
		t.Errorf("a suspended account lists %+v", orgs)
	}
	f.Fails(f.Leave(t.Context(), ben, c.Org.ID), core.ErrNotFound)
	change(org.MemberChange{Status: core.AccountActive})
	f.Must(upload())
	f.Must(f.RemoveMember(t.Context(), ana, c.Org.ID, account, 0))
	f.Fails(f.sees(ben, c.Org.ID), core.ErrNotFound)
	f.Fails(upload(), core.ErrNotFound)
	_, err = f.ChangeMember(t.Context(), ana, c.Org.ID, account, org.MemberChange{Role: core.OrgAdmin})
	f.Fails(err, core.ErrNotFound)
}

func TestChangeMemberNotes(t *testing.T) {
	f := newWorld(t)
	ana := f.signUp("ana", true)
	c := f.create(ana, "Acme")
	_, account := f.join(ana, c.Org.ID, "ben", core.OrgMember)
	both := org.MemberChange{Role: core.OrgViewer, Status: core.AccountSuspended, IfMatch: 2}
	m, err := f.ChangeMember(t.Context(), ana, c.Org.ID, account, both)
	f.Must(err)
	if m.Account.Version != 3 || m.Account.Role != core.OrgViewer || m.Account.Status != core.AccountSuspended {
		t.Errorf("%+v", m.Account)
	}
	_, err = f.ChangeMember(t.Context(), ana, c.Org.ID, account, both)
	f.Fails(err, core.ErrStale)
	both.IfMatch = 3
	m, err = f.ChangeMember(t.Context(), ana, c.Org.ID, account, both) // nothing to change: nothing is noted
	f.Must(err)
	if m.Account.Version != 3 {
		t.Errorf("version = %d", m.Account.Version)
	}
	entries, err := f.AuditLog(t.Context(), ana, ports.AuditQuery{OrgID: c.Org.ID, Action: "account.updated", Limit: 10})
	f.Must(err)
	if len(entries) != 1 {
		t.Fatalf("%d entries", len(entries))
	}
	want := &core.AuditEntry{
		ID: entries[0].ID, OrgID: c.Org.ID, ActorKind: core.ActorAccount, ActorID: c.Account.ID, ActorEmail: "ana@example.com", Action: "account.updated",
		TargetKind: "account", TargetID: account.String(), Address: "192.0.2.7", At: f.Clock.Now(),
		Changes: map[string]core.Change{"role": {From: "member", To: "viewer"}, "status": {From: "active", To: "suspended"}},
	}
	if !reflect.DeepEqual(entries[0], want) {
		t.Errorf("%+v, want %+v", entries[0], want)
	}
}

// TestCustody: the personal drive of somebody who goes is a shared drive that
// owners and admins see, and nobody else.
func TestCustody(t *testing.T) {
	for name, leave := range map[string]func(f *world, owner, who core.Actor, org core.OrgID, account core.AccountID) error{
		"removed": func(f *world, owner, _ core.Actor, id core.OrgID, account core.AccountID) error {
			return f.RemoveMember(f.Context(), owner, id, account, 0)
		},
		"left": func(f *world, _, who core.Actor, id core.OrgID, _ core.AccountID) error {
			return f.Leave(f.Context(), who, id)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newWorld(t)
			ana := f.signUp("ana", true)
			c := f.create(ana, "Acme")
			ben, account := f.join(ana, c.Org.ID, "ben", core.OrgMember)
			admin, _ := f.join(ana, c.Org.ID, "admin", core.OrgAdmin)
			member, _ := f.join(ana, c.Org.ID, "member", core.OrgMember)
			var d *core.Drive
			f.Must(f.Store.View(t.Context(), func(tx ports.Tx) (err error) {
				d, err = tx.Drives.PersonalOf(t.Context(), c.Org.ID, account)
				return err
			}))
			may := func(a core.Actor) error {
				facts, err := f.Store.ForDrive(t.Context(), a, d.ID)
				f.Must(err)
				return core.CanInDrive(facts, core.DriveAdmin)
			}
			f.Must(may(ben))
			f.Fails(may(ana), core.ErrNotFound)
			f.Must(leave(f, ana, ben, c.Org.ID, account))
			f.Fails(may(ben), core.ErrNotFound)
			f.Fails(may(member), core.ErrNotFound)
			f.Must(may(ana))
			f.Must(may(admin))
			f.Must(f.Store.View(t.Context(), func(tx ports.Tx) (err error) {
				d, err = tx.Drives.Get(t.Context(), c.Org.ID, d.ID)
				return err
			}))
			if d.IsPersonal() || d.Name != "Personal drive of ben@example.com" {
				t.Errorf("%+v", d)
			}
			actions := f.logged(ana, c.Org.ID)
			if last := actions[len(actions)-1]; last != "account."+name {
				t.Errorf("audit ends with %q", last)
			}
		})
	}
}

func TestPersonalOrgStaysPersonal(t *testing.T) {
	f := newWorld(t)
	ana := f.signUp("ana", true)
	account := core.AccountID(f.IDs.NewID())
	_, err := f.invite(ana, ana.ActiveOrg, "ben@example.com", core.OrgMember)
	f.Fails(err, core.ErrPersonalOrg)
	f.Fails(f.Leave(t.Context(), ana, ana.ActiveOrg), core.ErrPersonalOrg)
	f.Fails(f.Transfer(t.Context(), ana, ana.ActiveOrg, account), core.ErrPersonalOrg)
	f.Fails(f.Delete(t.Context(), ana, ana.ActiveOrg, 0), core.ErrPersonalOrg)
	f.Fails(f.RemoveMember(t.Context(), ana, ana.ActiveOrg, account, 0), core.ErrPersonalOrg)
	_, err = f.ChangeMember(t.Context(), ana, ana.ActiveOrg, account, org.MemberChange{Role: core.OrgViewer})
	f.Fails(err, core.ErrPersonalOrg)
}

func TestLastOwnerStays(t *testing.T) {
	f := newWorld(t)
	ana := f.signUp("ana", true)
	c := f.create(ana, "Acme")
	ben, account := f.join(ana, c.Org.ID, "ben", core.OrgMember)
	f.Fails(f.Leave(t.Context(), ana, c.Org.ID), core.ErrLastOwner)
	f.Fails(f.RemoveMember(t.Context(), ana, c.Org.ID, c.Account.ID, 0), core.ErrLastOwner)
	for _, change := range []org.MemberChange{{Role: core.OrgAdmin}, {Status: core.AccountSuspended}} {
		_, err := f.ChangeMember(t.Context(), ana, c.Org.ID, c.Account.ID, change)
		f.Fails(err, core.ErrLastOwner)
	}
	f.Fails(f.Transfer(t.Context(), ana, c.Org.ID, c.Account.ID), core.ErrAccountState) // to oneself
	open, err := f.invite(ana, c.Org.ID, "cy@example.com", core.OrgMember)
	f.Must(err)
	f.Fails(f.Transfer(t.Context(), ana, c.Org.ID, open.Account.ID), core.ErrAccountState)
	f.Must(f.Transfer(t.Context(), ana, c.Org.ID, account))
	for who, want := range map[core.Actor]core.OrgRole{ana: core.OrgAdmin, ben: core.OrgOwner} {
		got, err := f.Get(t.Context(), who, c.Org.ID)
		f.Must(err)
		if got.Role != want {
			t.Errorf("role = %s, want %s", got.Role, want)
		}
	}
	f.Fails(f.Transfer(t.Context(), ana, c.Org.ID, account), core.ErrForbidden)
	f.Fails(f.Leave(t.Context(), ben, c.Org.ID), core.ErrLastOwner)
	f.Must(f.Leave(t.Context(), ana, c.Org.ID))
	want := []string{"org.created", "account.invited", "account.joined", "account.invited", "org.transferred", "org.transferred", "account.left"}
	if got := f.logged(ben, c.Org.ID); !reflect.DeepEqual(got, want) {
		t.Errorf("audit = %v", got)
	}
}

// TestOwnersLeaveAtOnce races every way in which two owners can go.
func TestOwnersLeaveAtOnce(t *testing.T) {
	ways := []func(f *world, a core.Actor, id core.OrgID, own, other core.AccountID) error{
		func(f *world, a core.Actor, id core.OrgID, _, _ core.AccountID) error {
			return f.Leave(f.Context(), a, id)
		},
		func(f *world, a core.Actor, id core.OrgID, own, _ core.AccountID) error {
			_, err := f.ChangeMember(f.Context(), a, id, own, org.MemberChange{Role: core.OrgViewer})
			return err
		},
		func(f *world, a core.Actor, id core.OrgID, _, other core.AccountID) error {
			return f.RemoveMember(f.Context(), a, id, other, 0)
		},
		func(f *world, a core.Actor, id core.OrgID, _, other core.AccountID) error {
			_, err := f.ChangeMember(f.Context(), a, id, other, org.MemberChange{Status: core.AccountSuspended})
			return err
		},
		func(f *world, a core.Actor, id core.OrgID, _, other core.AccountID) error {
			return f.Transfer(f.Context(), a, id, other)
		},
	}
	f := newWorld(t)
	ana, ben := f.signUp("ana", true), f.signUp("ben", true)
	for round := range 50 {
		c := f.create(ana, "Acme")
		m, err := f.invite(ana, c.Org.ID, "ben@example.com", core.OrgOwner)
		f.Must(err)
		_, err = f.Accept(t.Context(), ben, "", m.Account.ID)
		f.Must(err)
		var wg sync.WaitGroup
		errs := make([]error, 2)
		wg.Go(func() { errs[0] = ways[round%len(ways)](f, ana, c.Org.ID, c.Account.ID, m.Account.ID) })
		wg.Go(func() {
			errs[1] = ways[(round/len(ways))%len(ways)](f, ben, c.Org.ID, m.Account.ID, c.Account.ID)
		})
		wg.Wait()
		for _, err := range errs {
			if err != nil && core.KindOf(err) == core.KindInternal {
				t.Errorf("round %d: %v", round, err)
			}
		}
		f.Must(f.Store.Update(t.Context(), func(tx ports.Tx) error {
			r, err := tx.Accounts.Roster(t.Context(), c.Org.ID)
			if r.Owners < 1 {
				t.Errorf("round %d: no owner is left, %v", round, errs)
			}
			return err
		}))
	}
}

func TestUpdateAndDelete(t *testing.T) {
	f := newWorld(t)
	ana := f.signUp("ana", true)
	c := f.create(ana, "Acme")
	slug, zone := "ACME-2", "Europe/Berlin"
	got, err := f.Update(t.Context(), ana, c.Org.ID, org.UpdateInput{Slug: &slug, TimeZone: &zone, IfMatch: 1})
	f.Must(err)
	if got.Org.Slug != "acme-2" || got.Org.Settings.TimeZone != zone || got.Org.Version != 2 {
		t.Errorf("%+v", got.Org)
	}
	_, err = f.Update(t.Context(), ana, c.Org.ID, org.UpdateInput{Slug: &slug, IfMatch: 1})
	f.Fails(err, core.ErrStale)
	_, err = f.Create(t.Context(), ana, org.CreateInput{Name: "x", Slug: c.Org.Slug}) // given up, and kept
	f.Fails(err, core.ErrSlugTaken)
	_, err = f.Update(t.Context(), ana, c.Org.ID, org.UpdateInput{Branding: &core.Branding{PrimaryColor: "#FFFFFF"}})
	f.Fails(err, &core.Error{Code: "feature_unavailable"})
	_, err = f.Update(t.Context(), ana, c.Org.ID, org.UpdateInput{Branding: &core.Branding{}})
	f.Must(err)
	f.Must(f.Store.Update(t.Context(), func(tx ports.Tx) error {
		return tx.Licenses.Assign(t.Context(), ports.LicenseAssignment{ID: f.IDs.NewID(), OrgID: c.Org.ID, License: "enterprise", Now: f.Clock.Now()})
	}))
	got, err = f.Update(t.Context(), ana, c.Org.ID, org.UpdateInput{Branding: &core.Branding{PrimaryColor: "#FFFFFF"}})
	f.Must(err)
	if got.Org.Branding.PrimaryColor != "#ffffff" {
		t.Errorf("%+v", got.Org.Branding)
	}
	foreign := core.Branding{LogoAssetID: core.AssetID(f.IDs.NewID())}
	_, err = f.Update(t.Context(), ana, c.Org.ID, org.UpdateInput{Branding: &foreign})
	f.Fails(err, &core.Error{Code: "validation_failed"})
	entries, err := f.AuditLog(t.Context(), ana, ports.AuditQuery{OrgID: c.Org.ID, Action: "org.", Limit: 10})
	f.Must(err)
	want := map[string]core.Change{"slug": {From: c.Org.Slug, To: "acme-2"}, "time_zone": {From: "", To: zone}}
	if len(entries) != 4 || !reflect.DeepEqual(entries[2].Changes, want) {
		t.Errorf("%d entries, %+v", len(entries), entries)
	}
	f.Must(f.Delete(t.Context(), ana, c.Org.ID, got.Org.Version))
	f.Fails(f.sees(ana, c.Org.ID), core.ErrNotFound)
	f.Fails(f.Delete(t.Context(), ana, c.Org.ID, 0), core.ErrNotFound)
	_, err = f.Create(t.Context(), ana, org.CreateInput{Name: "x", Slug: "acme-2"})
	f.Fails(err, core.ErrSlugTaken)
}
