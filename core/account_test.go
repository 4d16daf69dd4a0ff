package core_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

var (
	noon  = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	later = noon.Add(time.Minute)
)

// ident returns an id that no other name has.
func ident[T any](name string) (id core.ID[T]) {
	copy(id[:], name)
	return id
}

func accountIn(status core.AccountStatus, role core.OrgRole) *core.Account {
	a := &core.Account{
		ID: ident[core.Account]("ana"), OrgID: ident[core.Org]("org"), Role: role, Status: status, InvitedEmail: "ana@example.com",
		InvitedBy: ident[core.Account]("ben"), Version: 3, CreatedAt: noon, UpdatedAt: noon,
	}
	if status != core.AccountInvited {
		a.UserID = ident[core.User]("ana")
	}
	return a
}

func TestNewAccounts(t *testing.T) {
	owner := core.NewOwner(ident[core.Account]("a"), ident[core.Org]("o"), ident[core.User]("u"), noon)
	if *owner != (core.Account{
		ID: ident[core.Account]("a"), OrgID: ident[core.Org]("o"), UserID: ident[core.User]("u"), Role: core.OrgOwner, Status: core.AccountActive,
		Version: 1, CreatedAt: noon, UpdatedAt: noon,
	}) {
		t.Errorf("owner = %+v", owner)
	}
	open := core.NewInvitation(ident[core.Account]("b"), ident[core.Org]("o"), "b@example.com", core.OrgViewer, owner.ID, noon)
	if *open != (core.Account{
		ID: ident[core.Account]("b"), OrgID: ident[core.Org]("o"), Role: core.OrgViewer, Status: core.AccountInvited, InvitedEmail: "b@example.com",
		InvitedBy: owner.ID, Version: 1, CreatedAt: noon, UpdatedAt: noon,
	}) {
		t.Errorf("invitation = %+v", open)
	}
}

// TestAccountTransitions tries every transition in every status. A status that
// is not named refuses it and leaves the account alone.
func TestAccountTransitions(t *testing.T) {
	ana := &core.User{ID: ident[core.User]("ana"), Email: "ana@example.com"}
	statuses := []core.AccountStatus{core.AccountInvited, core.AccountActive, core.AccountSuspended, core.AccountRemoved}
	for name, test := range map[string]struct {
		do      func(a *core.Account) error
		to      map[core.AccountStatus]core.AccountStatus
		refusal error
	}{
		"accept": {
			func(a *core.Account) error { return a.Accept(ana, later) },
			map[core.AccountStatus]core.AccountStatus{core.AccountInvited: core.AccountActive},
			core.ErrAccountState,
		},
		"reinvite": {
			func(a *core.Account) error {
				return a.Reinvite("ana@example.com", core.OrgAdmin, ident[core.Account]("cy"), later)
			},
			map[core.AccountStatus]core.AccountStatus{core.AccountRemoved: core.AccountInvited},
			core.ErrAlreadyMember,
		},
		"change role": {
			func(a *core.Account) error { return a.ChangeRole(core.OrgAdmin, later) },
			map[core.AccountStatus]core.AccountStatus{
				core.AccountInvited: core.AccountInvited, core.AccountActive: core.AccountActive, core.AccountSuspended: core.AccountSuspended,
			},
			core.ErrAccountState,
		},
		"suspend": {
			func(a *core.Account) error { return a.Suspend(later) },
			map[core.AccountStatus]core.AccountStatus{core.AccountActive: core.AccountSuspended},
			core.ErrAccountState,
		},
		"reactivate": {
			func(a *core.Account) error { return a.Reactivate(later) },
			map[core.AccountStatus]core.AccountStatus{core.AccountSuspended: core.AccountActive},
			core.ErrAccountState,
		},
		"remove": {
			func(a *core.Account) error { return a.Remove(later) },
			map[core.AccountStatus]core.AccountStatus{
				core.AccountInvited: core.AccountRemoved, core.AccountActive: core.AccountRemoved, core.AccountSuspended: core.AccountRemoved,
			},
			core.ErrAccountState,
		},
	} {
		for _, from := range statuses {
			t.Run(fmt.Sprintf("%s %s", name, from), func(t *testing.T) {
				a := accountIn(from, core.OrgMember)
				before := *a
				err := test.do(a)
				to, legal := test.to[from]
				switch {
				case !legal && (!errors.Is(err, test.refusal) || *a != before):
					t.Errorf("error = %v, want %v; account = %+v", err, test.refusal, a)
				case legal && (err != nil || a.Status != to || a.Version != before.Version+1 || !a.UpdatedAt.Equal(later)):
					t.Errorf("error = %v; account = %+v", err, a)
				}
			})
		}
	}
}

func TestAccountTransitionsSetTheirFields(t *testing.T) {
	a := accountIn(core.AccountInvited, core.OrgMember)
	stranger := &core.User{ID: ident[core.User]("x"), Email: "ana@example.org"}
	if err := a.Accept(stranger, later); !errors.Is(err, core.ErrNotInvited) || !a.UserID.IsZero() || a.Version != 3 {
		t.Errorf("a stranger accepts: %v, %+v", err, a)
	}
	if err := a.Accept(&core.User{ID: ident[core.User]("ana"), Email: "ana@example.com"}, later); err != nil || a.UserID != ident[core.User]("ana") {
		t.Errorf("accept: %v, %+v", err, a)
	}
	if err := a.ChangeRole(core.OrgViewer, later); err != nil || a.Role != core.OrgViewer {
		t.Errorf("change role: %v, %+v", err, a)
	}
	if err := a.Remove(later); err != nil || a.UserID.IsZero() {
		t.Errorf("remove: %v, %+v", err, a)
	}
	cy := ident[core.Account]("cy")
	if err := a.Reinvite("new@example.com", core.OrgAdmin, cy, later); err != nil || a.InvitedEmail != "new@example.com" || a.Role != core.OrgAdmin || a.InvitedBy != cy {
		t.Errorf("reinvite: %v, %+v", err, a)
	}
}

// TestOrgRoleTable is the table of roles, cell by cell: owner, admin, member, viewer.
func TestAccountForget(t *testing.T) {
	for _, status := range []core.AccountStatus{core.AccountInvited, core.AccountActive, core.AccountSuspended} {
		a := accountIn(status, core.OrgMember)
		a.InvitedEmail = "ana@example.com"
		if err := a.Forget(later); err != nil || a.Status != core.AccountRemoved || a.InvitedEmail != "" || !a.UpdatedAt.Equal(later) {
			t.Errorf("%s: %v, %+v", status, err, a)
		}
	}
	if err := accountIn(core.AccountRemoved, core.OrgMember).Forget(later); !errors.Is(err, core.ErrAccountState) {
		t.Errorf("removed: %v", err)
	}
}

func TestOrgRoleTable(t *testing.T) {
	for action, want := range map[core.OrgAction]string{
		core.ViewOrg: "yyyy", core.UploadAssets: "yyy-", core.DeleteOwnAssets: "yyy-", core.DeleteAnyAsset: "yy--", core.ManageProducts: "yy--", core.CreateGroups: "yyy-",
		core.InviteMembers: "yy--", core.ManageMembers: "yy--", core.EditOrg: "yy--", core.ManageWebhooks: "yy--", core.DeleteOrg: "y---",
	} {
		for i, role := range []core.OrgRole{core.OrgOwner, core.OrgAdmin, core.OrgMember, core.OrgViewer} {
			may := want[i] == 'y'
			if role.May(action) != may {
				t.Errorf("%s may %d = %t", role, action, !may)
			}
			for _, status := range []core.AccountStatus{"", core.AccountInvited, core.AccountActive, core.AccountSuspended, core.AccountRemoved} {
				err := core.CanInOrg(core.OrgFacts{Status: status, Role: role}, action)
				switch {
				case status != core.AccountActive && !errors.Is(err, core.ErrNotFound),
					status == core.AccountActive && may && err != nil, status == core.AccountActive && !may && !errors.Is(err, core.ErrForbidden):
					t.Errorf("%s %s, action %d: %v", status, role, action, err)
				}
			}
		}
		if core.OrgRole("boss").May(action) || core.OrgRole("").May(action) {
			t.Errorf("an unknown role may %d", action)
		}
	}
}

func TestCanManage(t *testing.T) {
	owner, admin, member, viewer := core.OrgOwner, core.OrgAdmin, core.OrgMember, core.OrgViewer
	all := []core.OrgRole{owner, admin, member, viewer}
	for _, actor := range all {
		for _, target := range all {
			for _, to := range append(all, "") {
				var want error
				switch {
				case actor == member || actor == viewer:
					want = core.ErrForbidden
				case actor == admin && (target == owner || to == owner):
					want = core.ErrForbidden
				}
				err := core.CanManage(core.OrgFacts{Status: core.AccountActive, Role: actor}, accountIn(core.AccountActive, target), to)
				if !errors.Is(err, want) {
					t.Errorf("%s makes %s %q: %v, want %v", actor, target, to, err, want)
				}
			}
		}
	}
	target := accountIn(core.AccountActive, member)
	if err := core.CanManage(core.OrgFacts{Status: core.AccountSuspended, Role: owner}, target, ""); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("a suspended owner: %v", err)
	}
	gone := core.OrgFacts{Status: core.AccountActive, Role: owner, Credential: core.Credential{SessionRevoked: true}}
	if err := core.CanManage(gone, target, ""); !errors.Is(err, core.ErrUnauthenticated) {
		t.Errorf("a revoked session: %v", err)
	}
}

func TestCheckOwners(t *testing.T) {
	active, suspended, removed := core.AccountActive, core.AccountSuspended, core.AccountRemoved
	for _, test := range []struct {
		owners   int
		from, to core.AccountStatus
		was, is  core.OrgRole
		want     error
	}{
		{1, active, removed, core.OrgOwner, core.OrgOwner, core.ErrLastOwner},
		{1, active, suspended, core.OrgOwner, core.OrgOwner, core.ErrLastOwner},
		{1, active, active, core.OrgOwner, core.OrgAdmin, core.ErrLastOwner},
		{0, active, removed, core.OrgOwner, core.OrgOwner, core.ErrLastOwner}, // never so, and never worse
		{1, active, active, core.OrgOwner, core.OrgOwner, nil},
		{2, active, removed, core.OrgOwner, core.OrgOwner, nil},
		{2, active, active, core.OrgOwner, core.OrgMember, nil},
		{1, suspended, removed, core.OrgOwner, core.OrgOwner, nil},
		{1, suspended, suspended, core.OrgOwner, core.OrgViewer, nil},
		{1, core.AccountInvited, removed, core.OrgOwner, core.OrgOwner, nil},
		{1, active, removed, core.OrgAdmin, core.OrgAdmin, nil},
		{1, active, active, core.OrgMember, core.OrgOwner, nil},
	} {
		err := core.Roster{Owners: test.owners}.CheckOwners(accountIn(test.from, test.was), accountIn(test.to, test.is))
		if !errors.Is(err, test.want) {
			t.Errorf("%+v: %v", test, err)
		}
	}
}

func TestCheckOrgRole(t *testing.T) {
	for _, name := range []string{"owner", "admin", "member", "viewer"} {
		if err := core.CheckOrgRole("x", core.OrgRole(name)); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", "Owner", "boss", " admin"} {
		if err := core.CheckOrgRole("body.role", core.OrgRole(name)); core.KindOf(err) != core.KindInvalid {
			t.Errorf("%q: %v", name, err)
		}
	}
}
