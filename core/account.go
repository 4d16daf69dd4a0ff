package core

import (
	"slices"
	"time"
)

// AccountID identifies an account.
type AccountID = ID[Account]

// AccountStatus says whether an account grants anything; only AccountActive does.
type AccountStatus string

// The life of an account: invited → active → suspended ⇄ active → removed.
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
	InviteMembers
	ManageMembers
	EditOrg
	ManageWebhooks // and audit log, reports
	DeleteOrg      // and transfer ownership
)

var orgRoleTable = map[OrgAction][]OrgRole{
	ViewOrg:         {OrgOwner, OrgAdmin, OrgMember, OrgViewer},
	UploadAssets:    {OrgOwner, OrgAdmin, OrgMember},
	DeleteOwnAssets: {OrgOwner, OrgAdmin, OrgMember},
	DeleteAnyAsset:  {OrgOwner, OrgAdmin},
	ManageProducts:  {OrgOwner, OrgAdmin},
	InviteMembers:   {OrgOwner, OrgAdmin},
	ManageMembers:   {OrgOwner, OrgAdmin},
	EditOrg:         {OrgOwner, OrgAdmin},
	ManageWebhooks:  {OrgOwner, OrgAdmin},
	DeleteOrg:       {OrgOwner},
}

// May reports whether the role allows the action.
func (r OrgRole) May(a OrgAction) bool {
	return slices.Contains(orgRoleTable[a], r)
}

// Account is a principal: one user inside one org.
type Account struct {
	ID        AccountID
	OrgID     OrgID
	UserID    UserID
	Role      OrgRole
	Status    AccountStatus
	Version   int64
	CreatedAt time.Time
	UpdatedAt time.Time
}

// NewOwner returns the active owner account that every org begins with.
func NewOwner(id AccountID, org OrgID, user UserID, now time.Time) *Account {
	return &Account{
		ID: id, OrgID: org, UserID: user, Role: OrgOwner, Status: AccountActive,
		Version: 1, CreatedAt: now, UpdatedAt: now,
	}
}
