package core

import (
	"fmt"
	"strings"
)

// GroupRights is a set of what an account may do with a group.
type GroupRights uint8

// The rights. Whoever has any other may view, too.
const (
	GroupView         GroupRights = 1 << iota
	GroupEdit                     // change it, and put groups into it
	GroupDelete                   // delete and restore it
	GroupShare                    // make it public, its password and its links
	GroupManageAssets             // add, arrange and remove files

	NoGroupRights  GroupRights = 0
	AllGroupRights             = GroupView | GroupEdit | GroupDelete | GroupShare | GroupManageAssets
)

var groupRightNames = [...]string{"view", "edit", "delete", "share", "manage_assets"}

// Has reports whether all of want are in the set.
func (r GroupRights) Has(want GroupRights) bool { return r&want == want }

// String returns the names of the rights with commas between them.
func (r GroupRights) String() string {
	var names []string
	for i, name := range groupRightNames {
		if r.Has(1 << i) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// GroupPermission is a row of a group's permissions: for a role in the org, or
// for one account.
type GroupPermission struct {
	Role      OrgRole   // empty: for the account
	AccountID AccountID // zero: for the role
	Rights    GroupRights
}

// CheckGroupPermissions refuses rows that say nothing, or contradict another.
func CheckGroupPermissions(rows []GroupPermission) error {
	if len(rows) > MaxGroupRows {
		return Invalid("body.permissions", "has more than 500 rows")
	}
	type grantee struct {
		role    OrgRole
		account AccountID
	}
	seen := make(map[grantee]bool, len(rows))
	for i, p := range rows {
		at := fmt.Sprintf("body.permissions[%d]", i)
		to := grantee{p.Role, p.AccountID}
		switch {
		case (p.Role == "") == p.AccountID.IsZero():
			return Invalid(at, "needs role or account_id, and not both")
		case p.Role != "" && p.Role != OrgMember && p.Role != OrgViewer:
			return Invalid(at+".role", "must be member or viewer: owners and admins have all rights")
		case p.Rights != NoGroupRights && !p.Rights.Has(GroupView):
			return Invalid(at+".can_view", "is needed for each of the others")
		case seen[to]:
			return Invalid(at, "is the second row for the same role or account")
		}
		seen[to] = true
	}
	return nil
}

// GroupRule names the rule that gives or refuses a right on a group.
type GroupRule string

// The rules. They are part of the API.
const (
	GroupRuleInactive GroupRule = "inactive"    // no active account in the org
	GroupRuleOwner    GroupRule = "org_owner"   // an owner of the org has all rights
	GroupRuleAdmin    GroupRule = "org_admin"   // likewise an admin
	GroupRuleAccount  GroupRule = "account_row" // a row for the account
	GroupRuleRole     GroupRule = "role_row"    // a row for its role in the org
	GroupRuleCreator  GroupRule = "creator"     // no row, and it has made the group
	GroupRulePublic   GroupRule = "is_public"   // nothing else, and the group is public
	GroupRuleDefault  GroupRule = "org_default" // no row, and nothing by default
)

// GroupLevel is a group on the way from the top down to another, with what its
// rows say of one account.
type GroupLevel struct {
	ID      GroupID
	Name    string
	Account *GroupRights // the row for the account; nil: none
	Role    *GroupRights // the row for its role; nil: none
}

// groupVerdict is what the rows of some levels say together; rule is empty
// while none says anything.
type groupVerdict struct {
	rights GroupRights
	rule   GroupRule
	from   GroupID
	name   string
}

// after returns what is to be said once the level has been asked, too: a nearer
// group beats a farther one, and an account's row one of its role.
func (l *GroupLevel) after(above groupVerdict) groupVerdict {
	switch {
	case l.Account != nil:
		return groupVerdict{*l.Account, GroupRuleAccount, l.ID, l.Name}
	case l.Role != nil:
		return groupVerdict{*l.Role, GroupRuleRole, l.ID, l.Name}
	}
	return above
}

// GroupStanding is everything that decides what an account may do with a group.
type GroupStanding struct {
	Status   AccountStatus // empty: no account in the org
	OrgRole  OrgRole
	Creator  bool         // the group's OwnerID is the account
	IsPublic bool         // the group is
	Levels   []GroupLevel // from the top down to the group
}

// GroupReason is whether an account has a right, and why.
type GroupReason struct {
	Right     GroupRights // one
	Granted   bool
	Rule      GroupRule
	GroupID   GroupID // of a row: whose it is, the group's own or that of one above it
	GroupName string
}

// Rights returns what the account may do.
func (s GroupStanding) Rights() GroupRights {
	rights, _ := s.judge(s.verdict())
	return rights
}

func (s GroupStanding) verdict() groupVerdict {
	var v groupVerdict
	for i := range s.Levels {
		v = s.Levels[i].after(v)
	}
	return v
}

// judge returns the rights, and what has decided on all but the right to view a
// public group.
func (s GroupStanding) judge(v groupVerdict) (GroupRights, groupVerdict) {
	switch {
	case s.Status != AccountActive:
		v = groupVerdict{rule: GroupRuleInactive}
		return v.rights, v
	case s.OrgRole == OrgOwner:
		v = groupVerdict{rights: AllGroupRights, rule: GroupRuleOwner}
	case s.OrgRole == OrgAdmin:
		v = groupVerdict{rights: AllGroupRights, rule: GroupRuleAdmin}
	case v.rule != "":
	case s.Creator && s.OrgRole.May(CreateGroups):
		v = groupVerdict{rights: AllGroupRights, rule: GroupRuleCreator}
	default:
		v = groupVerdict{rule: GroupRuleDefault}
	}
	if s.IsPublic {
		return v.rights | GroupView, v
	}
	return v.rights, v
}

// Explain returns for each right, in their order, whether the account has it and
// which rule has decided.
func (s GroupStanding) Explain() []GroupReason {
	rights, v := s.judge(s.verdict())
	out := make([]GroupReason, len(groupRightNames))
	for i := range out {
		right := GroupRights(1) << i
		out[i] = GroupReason{right, rights.Has(right), v.rule, v.from, v.name}
		if rights.Has(right) && !v.rights.Has(right) {
			out[i] = GroupReason{Right: right, Granted: true, Rule: GroupRulePublic}
		}
	}
	return out
}

// GroupFacts is what decides what an actor may do with a group.
type GroupFacts struct {
	OrgFacts
	GroupID  GroupID
	Creator  bool
	IsPublic bool
	Deleted  bool
	Levels   []GroupLevel
}

// Standing returns what of the facts is about the account.
func (f GroupFacts) Standing() GroupStanding {
	return GroupStanding{Status: f.Status, OrgRole: f.Role, Creator: f.Creator, IsPublic: f.IsPublic, Levels: f.Levels}
}

// CanInGroup refuses what needs more rights than the actor has. A group that it
// may not view does not exist; a deleted one exists for those only who may
// delete it, and can but be looked at and restored.
func CanInGroup(f GroupFacts, want GroupRights) error {
	if err := CanInOrg(f.OrgFacts, ViewOrg); err != nil {
		return err
	}
	rights := f.Standing().Rights()
	switch {
	case !rights.Has(GroupView), f.Deleted && !rights.Has(GroupDelete):
		return ErrNotFound
	case f.Deleted && want != GroupView && want != GroupDelete:
		return ErrGroupDeleted
	}
	return allowed(rights.Has(want))
}

// CanChangeGroup refuses a change. To make a group public, or private again, or
// to set the password of its links, is to share it. In another place it inherits other rights, so only who has all of
// them moves it.
func CanChangeGroup(f GroupFacts, g *Group, c GroupChange) error {
	want := GroupEdit
	if c.IsPublic != g.IsPublic || c.SharePassword != nil && *c.SharePassword != g.SharePasswordHash {
		want |= GroupShare
	}
	if c.ParentID != g.ParentID {
		want = AllGroupRights
	}
	return CanInGroup(f, want)
}

// CanPermitInGroup refuses changing who may do what with a group to those who
// have not every right themselves: nobody gives more than they have.
func CanPermitInGroup(f GroupFacts) error { return CanInGroup(f, AllGroupRights) }

// CheckGroupLockout refuses rows that take rights from who sets them.
func CheckGroupLockout(f GroupFacts, rows []GroupPermission) error {
	last := GroupLevel{ID: f.GroupID}
	for i := range rows {
		switch p := &rows[i]; {
		case p.AccountID == f.AccountID && p.Role == "":
			last.Account = &p.Rights
		case p.Role == f.Role && p.AccountID.IsZero():
			last.Role = &p.Rights
		}
	}
	s := f.Standing()
	s.Levels = append(s.Levels[:len(s.Levels)-1:len(s.Levels)-1], last)
	if !s.Rights().Has(AllGroupRights) {
		return ErrGroupLockout
	}
	return nil
}

// CanSeeTraffic refuses the analytics of a group to those who may neither edit
// nor share it.
func CanSeeTraffic(f GroupFacts) error {
	err := CanInGroup(f, GroupEdit)
	if err != nil && CanInGroup(f, GroupShare) == nil {
		return nil
	}
	return err
}
