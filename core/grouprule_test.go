package core_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-755a8038/coffer/core"
)

func TestRightsOnGroups(t *testing.T) {
	const view, edit, all = core.GroupView, core.GroupView | core.GroupEdit, core.AllGroupRights
	active := func(role core.OrgRole, levels ...core.GroupLevel) core.GroupStanding {
		return core.GroupStanding{Status: core.AccountActive, OrgRole: role, Levels: levels}
	}
	top, leaf := core.GroupLevel{ID: groupID(1), Name: "top"}, core.GroupLevel{ID: groupID(2), Name: "leaf"}
	row := func(l core.GroupLevel, account, role *core.GroupRights) core.GroupLevel {
		l.Account, l.Role = account, role
		return l
	}
	with := func(s core.GroupStanding, public, creator bool) core.GroupStanding {
		s.IsPublic, s.Creator = public, creator
		return s
	}
	for what, c := range map[string]struct {
		of   core.GroupStanding
		want core.GroupRights
		rule core.GroupRule // of the right to view
		from core.GroupID
	}{
		"owner, against a row":           {active(core.OrgOwner, row(top, new(core.GroupRights(0)), nil)), all, core.GroupRuleOwner, core.GroupID{}},
		"admin":                          {active(core.OrgAdmin, top), all, core.GroupRuleAdmin, core.GroupID{}},
		"member by default":              {active(core.OrgMember, top), 0, core.GroupRuleDefault, core.GroupID{}},
		"member, public":                 {with(active(core.OrgMember, top), true, false), view, core.GroupRulePublic, core.GroupID{}},
		"viewer, public":                 {with(active(core.OrgViewer, top), true, false), view, core.GroupRulePublic, core.GroupID{}},
		"creator":                        {with(active(core.OrgMember, top), true, true), all, core.GroupRuleCreator, core.GroupID{}},
		"creator who became a viewer":    {with(active(core.OrgViewer, top), false, true), 0, core.GroupRuleDefault, core.GroupID{}},
		"a row of the role":              {active(core.OrgViewer, row(top, nil, new(view))), view, core.GroupRuleRole, top.ID},
		"an account beats its role":      {active(core.OrgMember, row(top, new(edit), new(view))), edit, core.GroupRuleAccount, top.ID},
		"it takes away, too":             {active(core.OrgMember, row(top, new(core.GroupRights(0)), new(all))), 0, core.GroupRuleAccount, top.ID},
		"inherited":                      {active(core.OrgMember, row(top, new(edit), nil), leaf), edit, core.GroupRuleAccount, top.ID},
		"nearer beats farther":           {active(core.OrgMember, row(top, new(all), nil), row(leaf, nil, new(view))), view, core.GroupRuleRole, leaf.ID},
		"public in spite of a row":       {with(active(core.OrgMember, row(top, new(core.GroupRights(0)), nil)), true, false), view, core.GroupRulePublic, core.GroupID{}},
		"a row beats the creator":        {with(active(core.OrgMember, row(top, nil, new(view))), false, true), view, core.GroupRuleRole, top.ID},
		"suspended":                      {core.GroupStanding{Status: core.AccountSuspended, OrgRole: core.OrgOwner, IsPublic: true}, 0, core.GroupRuleInactive, core.GroupID{}},
		"nobody, in spite of the public": {core.GroupStanding{IsPublic: true}, 0, core.GroupRuleInactive, core.GroupID{}},
	} {
		why := c.of.Explain()
		if got := c.of.Rights(); got != c.want || why[0].Rule != c.rule || why[0].GroupID != c.from || why[0].Granted != c.want.Has(core.GroupView) {
			t.Errorf("%s: %q, %+v", what, got, why[0])
		}
	}
}

// TestRightsAreThoseOfTheModel compares with a model that asks every rule, from
// the weakest up, for every right.
func TestRightsAreThoseOfTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := core.GroupStanding{
			Status:  rapid.SampledFrom([]core.AccountStatus{"", core.AccountInvited, core.AccountActive, core.AccountActive, core.AccountActive, core.AccountSuspended}).Draw(t, "status"),
			OrgRole: rapid.SampledFrom([]core.OrgRole{core.OrgOwner, core.OrgAdmin, core.OrgMember, core.OrgMember, core.OrgViewer}).Draw(t, "role"),
			Creator: rapid.Bool().Draw(t, "creator"), IsPublic: rapid.Bool().Draw(t, "public"),
		}
		draw := func(what string) *core.GroupRights {
			if rapid.IntRange(0, 2).Draw(t, what+"?") > 0 {
				return nil
			}
			return new(core.GroupRights(rapid.IntRange(0, int(core.AllGroupRights)).Draw(t, what)))
		}
		for i := range rapid.IntRange(1, 5).Draw(t, "levels") {
			s.Levels = append(s.Levels, core.GroupLevel{ID: groupID(byte(i + 1)), Account: draw("account"), Role: draw("role")})
		}
		for _, reason := range s.Explain() {
			type answer struct {
				granted bool
				rule    core.GroupRule
				from    core.GroupID
			}
			want := answer{false, core.GroupRuleDefault, core.GroupID{}}
			if s.Creator && s.OrgRole != core.OrgViewer {
				want = answer{true, core.GroupRuleCreator, core.GroupID{}}
			}
			for _, l := range s.Levels {
				if l.Role != nil {
					want = answer{*l.Role&reason.Right != 0, core.GroupRuleRole, l.ID}
				}
				if l.Account != nil {
					want = answer{*l.Account&reason.Right != 0, core.GroupRuleAccount, l.ID}
				}
			}
			if reason.Right == core.GroupView && s.IsPublic && !want.granted {
				want = answer{true, core.GroupRulePublic, core.GroupID{}}
			}
			if s.OrgRole == core.OrgOwner {
				want = answer{true, core.GroupRuleOwner, core.GroupID{}}
			}
			if s.OrgRole == core.OrgAdmin {
				want = answer{true, core.GroupRuleAdmin, core.GroupID{}}
			}
			if s.Status != core.AccountActive {
				want = answer{false, core.GroupRuleInactive, core.GroupID{}}
			}
			if got := (answer{reason.Granted, reason.Rule, reason.GroupID}); got != want || s.Rights().Has(reason.Right) != want.granted {
				t.Fatalf("%q: %+v, want %+v", reason.Right, got, want)
			}
		}
	})
}

func groupFacts(role core.OrgRole, own core.GroupRights) core.GroupFacts {
	id := groupID(1)
	return core.GroupFacts{
		OrgFacts: core.OrgFacts{OrgID: core.OrgID{1}, AccountID: core.AccountID{7}, Status: core.AccountActive, Role: role},
		GroupID:  id, Levels: []core.GroupLevel{{ID: id, Account: &own}},
	}
}

func TestWhoMayDoWhatWithAGroup(t *testing.T) {
	const view, all = core.GroupView, core.AllGroupRights
	deleted := func(f core.GroupFacts) core.GroupFacts { f.Deleted = true; return f }
	byKey := groupFacts(core.OrgOwner, all)
	byKey.APIKey.ID, byKey.APIKey.Status = core.APIKeyID{1}, core.KeyActive
	for what, c := range map[string]struct {
		f    core.GroupFacts
		need core.GroupRights
		want error
	}{
		"view":                          {groupFacts(core.OrgMember, view), view, nil},
		"no view":                       {groupFacts(core.OrgMember, 0), view, core.ErrNotFound},
		"edit without":                  {groupFacts(core.OrgMember, view), core.GroupEdit, core.ErrForbidden},
		"a deleted one, by a viewer":    {deleted(groupFacts(core.OrgMember, view)), view, core.ErrNotFound},
		"a deleted one, to look at":     {deleted(groupFacts(core.OrgMember, all)), view, nil},
		"a deleted one, to restore":     {deleted(groupFacts(core.OrgMember, all)), core.GroupDelete, nil},
		"a deleted one, to change":      {deleted(groupFacts(core.OrgMember, all)), core.GroupEdit, core.ErrGroupDeleted},
		"a script":                      {byKey, view, core.ErrKeyNotAllowed},
		"somebody without a membership": {core.GroupFacts{IsPublic: true}, view, core.ErrNotFound},
	} {
		if err := core.CanInGroup(c.f, c.need); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
	}
	g := &core.Group{}
	for what, c := range map[string]struct {
		own    core.GroupRights
		change core.GroupChange
		want   error
	}{
		"a name":             {view | core.GroupEdit, core.GroupChange{Name: "x"}, nil},
		"public, editing":    {view | core.GroupEdit, core.GroupChange{IsPublic: true}, core.ErrForbidden},
		"public, sharing":    {view | core.GroupEdit | core.GroupShare, core.GroupChange{IsPublic: true}, nil},
		"a move, almost all": {all &^ core.GroupManageAssets, core.GroupChange{ParentID: groupID(9)}, core.ErrForbidden},
		"a move":             {all, core.GroupChange{ParentID: groupID(9)}, nil},
	} {
		if err := core.CanChangeGroup(groupFacts(core.OrgMember, c.own), g, c.change); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
	}
}

func TestAParentIsOneThatOneMayEdit(t *testing.T) {
	const edit = core.GroupView | core.GroupEdit
	org := core.OrgID{1}
	foreign, gone := groupFacts(core.OrgMember, edit), groupFacts(core.OrgMember, edit)
	foreign.OrgID, gone.Deleted = core.OrgID{2}, true
	for what, c := range map[string]struct {
		f      core.GroupFacts
		public bool
		want   error
	}{
		"editable":          {groupFacts(core.OrgMember, edit), false, nil},
		"only viewed":       {groupFacts(core.OrgMember, core.GroupView), false, core.ErrForbidden},
		"unseen":            {groupFacts(core.OrgMember, 0), false, core.ErrNoGroupParent()},
		"foreign":           {foreign, false, core.ErrNoGroupParent()},
		"deleted":           {gone, false, core.ErrNoGroupParent()},
		"public, unshared":  {groupFacts(core.OrgMember, edit), true, core.ErrForbidden},
		"public and shared": {groupFacts(core.OrgMember, edit|core.GroupShare), true, nil},
	} {
		if err := core.CheckGroupParent(c.f, org, c.public); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
	}
}

func TestWhatOneMayNotViewIsNotNamed(t *testing.T) {
	none, all := core.NoGroupRights, core.AllGroupRights
	f := groupFacts(core.OrgMember, all)
	top := core.GroupLevel{ID: groupID(50), Name: "secret", Account: &none, Role: &all}
	f.Levels = []core.GroupLevel{top, {ID: f.GroupID, Name: "open", Account: &all}}
	other := core.GroupStanding{Status: core.AccountActive, OrgRole: core.OrgMember, Levels: []core.GroupLevel{{ID: top.ID, Name: top.Name, Role: &all}, {ID: f.GroupID}}}
	for _, seen := range []bool{false, true} {
		f.Levels[0].IsPublic = seen
		r := f.Discreet(other.Explain())[0]
		if f.Views(top.ID) != seen || f.Parent().IsZero() == seen || !r.Inherited || r.GroupID.IsZero() == seen || (r.GroupName == "") == seen {
			t.Errorf("seen: %v, parent %v, %+v", seen, f.Parent(), r)
		}
	}
	if f.Views(groupID(99)) {
		t.Error("a group elsewhere is seen")
	}
}

func TestWhoRestores(t *testing.T) {
	for what, c := range map[string]struct {
		own   core.GroupRights
		moves bool
		want  error
	}{
		"in its place":         {core.GroupView | core.GroupDelete, false, nil},
		"to the top":           {core.GroupView | core.GroupDelete, true, core.ErrForbidden},
		"to the top, with all": {core.AllGroupRights, true, nil},
		"may not delete":       {core.GroupView, false, core.ErrNotFound},
	} {
		f := groupFacts(core.OrgMember, c.own)
		f.Deleted = true
		if err := core.CanRestoreGroup(f, c.moves); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
	}
}

func TestPermissionsOfGroups(t *testing.T) {
	me, you := core.AccountID{7}, core.AccountID{8}
	for what, c := range map[string]struct {
		rows []core.GroupPermission
		ok   bool
	}{
		"none":               {nil, true},
		"both kinds":         {[]core.GroupPermission{{Role: core.OrgMember, Rights: core.GroupView}, {AccountID: me, Rights: core.AllGroupRights}}, true},
		"nothing at all":     {[]core.GroupPermission{{Role: core.OrgViewer}}, true},
		"for nobody":         {[]core.GroupPermission{{Rights: core.GroupView}}, false},
		"for both":           {[]core.GroupPermission{{Role: core.OrgMember, AccountID: me}}, false},
		"for owners":         {[]core.GroupPermission{{Role: core.OrgOwner}}, false},
		"edit unseen":        {[]core.GroupPermission{{AccountID: me, Rights: core.GroupEdit}}, false},
		"twice for one":      {[]core.GroupPermission{{AccountID: me}, {AccountID: you}, {AccountID: me}}, false},
		"twice for one role": {[]core.GroupPermission{{Role: core.OrgMember}, {Role: core.OrgMember}}, false},
		"too many":           {make([]core.GroupPermission, core.MaxGroupRows+1), false},
	} {
		if err := core.CheckGroupPermissions(c.rows); (err == nil) != c.ok {
			t.Errorf("%s: %v", what, err)
		}
	}
	// Nobody locks themselves out: a member needs a row of their own once another speaks for their role.
	f := groupFacts(core.OrgMember, core.AllGroupRights)
	f.Creator = true
	roles := core.GroupPermission{Role: core.OrgMember, Rights: core.GroupView}
	for what, c := range map[string]struct {
		f    core.GroupFacts
		rows []core.GroupPermission
		ok   bool
	}{
		"the role alone":    {f, []core.GroupPermission{roles}, false},
		"with one's own":    {f, []core.GroupPermission{roles, {AccountID: me, Rights: core.AllGroupRights}}, true},
		"one's own, less":   {f, []core.GroupPermission{{AccountID: me, Rights: core.GroupView}}, false},
		"nothing":           {f, nil, true},
		"others' rows":      {f, []core.GroupPermission{{AccountID: you, Rights: core.GroupView}}, true},
		"an admin's, whose": {groupFacts(core.OrgAdmin, 0), []core.GroupPermission{{AccountID: me}}, true},
	} {
		if err := core.CheckGroupLockout(c.f, c.rows); (err == nil) != c.ok {
			t.Errorf("%s: %v", what, err)
		}
	}
}
