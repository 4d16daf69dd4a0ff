package core

import (
	"slices"
	"time"
)

// What can go wrong with an account.
var (
	ErrLastOwner     = &Error{Kind: KindConflict, Code: "last_owner", Message: "an organisation keeps at least one active owner; make somebody else an owner first"}
	ErrAlreadyMember = &Error{Kind: KindConflict, Code: "already_member", Message: "this address already has an account or an open invitation here"}
	ErrAccountState  = &Error{Kind: KindConflict, Code: "account_state", Message: "the account is not in a state that allows this"}
	ErrPersonalOrg   = &Error{Kind: KindForbidden, Code: "personal_org", Message: "a personal organisation belongs to its user alone: it has no members and goes with its user"}
	ErrNotInvited    = &Error{Kind: KindForbidden, Code: "invitation_for_another", Message: "the invitation is for another e-mail address; sign in with that one"}
)

// AccountID identifies an account.
type AccountID = ID[Account]

// AccountStatus says whether an account grants anything; only AccountActive does.
type AccountStatus string

// The life of an account: invited → active → suspended ⇄ active → removed. A
// removed account may be invited again.
const (
	AccountInvited   AccountStatus = "invited"
	AccountActive    AccountStatus = "active"
	AccountSuspended AccountStatus = "suspended"
	AccountRemoved   AccountStatus = "removed"
)

// OrgRole is what an account is in its org.
type OrgRole string

// The roles in an org.
const (
	OrgOwner  OrgRole = "owner"
	OrgAdmin  OrgRole = "admin"
	OrgMember OrgRole = "member"
	OrgViewer OrgRole = "viewer"
)

// OrgAction is something that an org role allows or not.
type OrgAction uint8

// The rows of the role table.
const (
	ViewOrg OrgAction = iota
	UploadAssets
	DeleteOwnAssets
	DeleteAnyAsset
	ManageProducts
	CreateGroups
	InviteMembers
	ManageMembers
	EditOrg
	ManageDrives   // make, delete and divide storage among shared drives
	ManageWebhooks // and audit log, reports
	DeleteOrg      // and transfer ownership
)

var orgRoleTable = map[OrgAction][]OrgRole{
	ViewOrg:         {OrgOwner, OrgAdmin, OrgMember, OrgViewer},
	UploadAssets:    {OrgOwner, OrgAdmin, OrgMember},
	DeleteOwnAssets: {OrgOwner, OrgAdmin, OrgMember},
	DeleteAnyAsset:  {OrgOwner, OrgAdmin},
	ManageProducts:  {OrgOwner, OrgAdmin},
	CreateGroups:    {OrgOwner, OrgAdmin, OrgMember},
	InviteMembers:   {OrgOwner, OrgAdmin},
	ManageMembers:   {OrgOwner, OrgAdmin},
	EditOrg:         {OrgOwner, OrgAdmin},
	ManageDrives:    {OrgOwner, OrgAdmin},
	ManageWebhooks:  {OrgOwner, OrgAdmin},
	DeleteOrg:       {OrgOwner},
}

// May reports whether the role allows the action.
func (r OrgRole) May(a OrgAction) bool { return slices.Contains(orgRoleTable[a], r) }

// Account is a principal: one user inside one org.
type Account struct {
	ID           AccountID
	OrgID        OrgID
	UserID       UserID // zero while invited
	Role         OrgRole
	Status       AccountStatus
	InvitedEmail string    // clean; empty for the account that came with its org
	InvitedBy    AccountID // zero likewise
	Version      int64
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// NewOwner returns the active owner account that every org begins with.
func NewOwner(id AccountID, org OrgID, user UserID, now time.Time) *Account {
	return &Account{
		ID: id, OrgID: org, UserID: user, Role: OrgOwner, Status: AccountActive,
		Version: 1, CreatedAt: now, UpdatedAt: now,
	}
}

// NewInvitation returns the account of somebody who has not come yet.
func NewInvitation(id AccountID, org OrgID, email string, role OrgRole, by AccountID, now time.Time) *Account {
	return &Account{
		ID: id, OrgID: org, Role: role, Status: AccountInvited, InvitedEmail: email, InvitedBy: by,
		Version: 1, CreatedAt: now, UpdatedAt: now,
	}
}

// Accept makes an invited account the user's, who must have the invited address.
func (a *Account) Accept(u *User, now time.Time) error {
	switch {
	case a.Status != AccountInvited:
		return ErrAccountState
	case a.InvitedEmail != u.Email:
		return ErrNotInvited
	}
	a.UserID, a.Status = u.ID, AccountActive
	a.touch(now)
	return nil
}

// Reinvite opens a removed account to its user again.
func (a *Account) Reinvite(email string, role OrgRole, by AccountID, now time.Time) error {
	if a.Status != AccountRemoved {
		return ErrAlreadyMember
	}
	a.Status, a.Role, a.UserID, a.InvitedEmail, a.InvitedBy = AccountInvited, role, UserID{}, email, by
	a.touch(now)
	return nil
}

// ChangeRole gives an account that is not removed another role.
func (a *Account) ChangeRole(role OrgRole, now time.Time) error {
	if a.Status == AccountRemoved {
		return ErrAccountState
	}
	a.Role = role
	a.touch(now)
	return nil
}

// Suspend takes away what an active account grants, until Reactivate.
func (a *Account) Suspend(now time.Time) error { return a.turn(AccountActive, AccountSuspended, now) }

// Reactivate ends a suspension.
func (a *Account) Reactivate(now time.Time) error {
	return a.turn(AccountSuspended, AccountActive, now)
}

// Remove ends an account, or withdraws an invitation.
func (a *Account) Remove(now time.Time) error {
	if a.Status == AccountRemoved {
		return ErrAccountState
	}
	a.Status = AccountRemoved
	a.touch(now)
	return nil
}

// Forget ends the account of a user who goes for good: what it said of the
// person goes, too.
func (a *Account) Forget(now time.Time) error {
	a.InvitedEmail = ""
	return a.Remove(now)
}

func (a *Account) turn(from, to AccountStatus, now time.Time) error {
	if a.Status != from {
		return ErrAccountState
	}
	a.Status = to
	a.touch(now)
	return nil
}

func (a *Account) touch(now time.Time) {
	a.Version++
	a.UpdatedAt = now
}

// isActiveOwner reports whether an org may need this account to have an owner.
func (a *Account) isActiveOwner() bool { return a.Status == AccountActive && a.Role == OrgOwner }

// Roster is how many people an org has. The store keeps it unchanged while a
// unit of work decides by it.
type Roster struct {
	Owners  int   // active ones
	Members int64 // active and suspended accounts, and open invitations
}

// CheckOwners refuses a change that would leave an org without an active
// owner: before and after are the account as it was and as it shall be.
func (r Roster) CheckOwners(before, after *Account) error {
	if before.isActiveOwner() && !after.isActiveOwner() && r.Owners <= 1 {
		return ErrLastOwner
	}
	return nil
}

// CanManage refuses changes of another's account. Admins neither touch an
// owner nor make one; to make an owner is to share the ownership.
func CanManage(f OrgFacts, target *Account, role OrgRole) error {
	if err := CanInOrg(f, ManageMembers); err != nil {
		return err
	}
	if (target.Role == OrgOwner || role == OrgOwner) && !f.Role.May(DeleteOrg) {
		return ErrForbidden
	}
	return nil
}

// CheckOrgRole refuses what is no role.
func CheckOrgRole(location string, role OrgRole) error {
	if role.May(ViewOrg) {
		return nil
	}
	return Invalid(location, "must be owner, admin, member or viewer")
}
