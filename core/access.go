package core

import (
	"strings"
	"time"
)

// Ownership says to whom a drive belongs, seen by one account.
type Ownership string

// The kinds of ownership.
const (
	SharedDrive Ownership = "shared"
	OwnDrive    Ownership = "own"
	OthersDrive Ownership = "others"
)

// DriveStanding is everything that decides what an account may do in a drive.
type DriveStanding struct {
	Status    AccountStatus // empty: no account in the drive's org
	OrgRole   OrgRole
	Ownership Ownership
	Member    DriveRole // the account's member row, or DriveNone
	Default   DriveRole // the drive's role for org members without a row
}

// AccessRule names the rule that gives an account its role in a drive.
type AccessRule string

// The rules. They are part of the API.
const (
	RulePersonalDrive  AccessRule = "personal_drive"   // it is the account's own
	RuleDriveMember    AccessRule = "drive_member"     // the account has a member row
	RuleOrgOwner       AccessRule = "org_owner"        // no row, and an owner of the org
	RuleOrgAdmin       AccessRule = "org_admin"        // no row, and an admin of the org
	RuleDefaultRole    AccessRule = "default_role"     // no row, and the drive's role for the org's people
	RuleOrgViewerLimit AccessRule = "org_viewer_limit" // more by row or by default, but a viewer of the org
	RuleNone           AccessRule = "none"             // nothing gives the account any role
)

// Role returns what the account may do with the drive's content. A member row
// decides where there is one; an org viewer never becomes more than a viewer.
func (s DriveStanding) Role() DriveRole {
	role, _ := s.Explain()
	return role
}

// Explain returns what Role does, and the rule that has decided it.
func (s DriveStanding) Explain() (DriveRole, AccessRule) {
	switch {
	case s.Status != AccountActive || s.Ownership == OthersDrive:
		return DriveNone, RuleNone
	case s.Ownership == OwnDrive:
		return DriveAdmin, RulePersonalDrive
	}
	role, rule := s.given()
	if s.OrgRole == OrgViewer && role.AtLeast(DriveEditor) {
		return DriveViewer, RuleOrgViewerLimit
	}
	return role, rule
}

// given is Explain for an active account and a shared drive, without the limit
// of org viewers.
func (s DriveStanding) given() (DriveRole, AccessRule) {
	switch {
	case s.Member != DriveNone:
		return s.Member, RuleDriveMember
	case s.OrgRole == OrgOwner:
		return DriveAdmin, RuleOrgOwner
	case s.OrgRole == OrgAdmin:
		return DriveAdmin, RuleOrgAdmin
	case s.Default != DriveNone:
		return s.Default, RuleDefaultRole
	}
	return DriveNone, RuleNone
}

// Manages reports whether the account names the drive and says who may do what
// in it. Owners and admins of the org always do with a shared one, whatever
// their row says, so that nobody can lock them out.
func (s DriveStanding) Manages() bool {
	role := s.Role()
	return role == DriveAdmin || role.AtLeast(DriveViewer) && s.OrgRole.May(ManageDrives)
}

// Key returns the standing as one word. It lets a database ask whether a
// standing it has before it is in a set that Role has judged; the rule itself
// stays here.
func (s DriveStanding) Key() string {
	return strings.Join([]string{string(s.Status), string(s.OrgRole), string(s.Ownership), string(s.Member), string(s.Default)}, "/")
}

// StandingsAtLeast returns the keys of all standings whose role is at least want.
func StandingsAtLeast(want DriveRole) []string {
	var keys []string
	add := func(s DriveStanding) {
		if s.Role().AtLeast(want) {
			keys = append(keys, s.Key())
		}
	}
	for _, status := range []AccountStatus{AccountInvited, AccountActive, AccountSuspended, AccountRemoved} {
		for _, role := range []OrgRole{OrgOwner, OrgAdmin, OrgMember, OrgViewer} {
			// A personal drive has neither members nor a default role.
			add(DriveStanding{status, role, OwnDrive, DriveNone, DriveNone})
			add(DriveStanding{status, role, OthersDrive, DriveNone, DriveNone})
			for _, member := range driveRoles {
				for _, byDefault := range driveRoles {
					add(DriveStanding{status, role, SharedDrive, member, byDefault})
				}
			}
		}
	}
	return keys
}

// OrgFacts is what decides what an actor may do in an org.
type OrgFacts struct {
	Credential
	OrgID      OrgID
	IsPersonal bool
	AccountID  AccountID
	Status     AccountStatus
	Role       OrgRole
	Email      string // the actor's, for the audit log
}

// CanInOrg refuses an action that the actor's account does not allow. Without
// an active account the org does not exist.
func CanInOrg(f OrgFacts, a OrgAction) error {
	if err := f.Check(); err != nil {
		return err
	}
	switch {
	case f.ByKey():
		return ErrKeyNotAllowed
	case f.Status != AccountActive:
		return ErrNotFound
	case !f.Role.May(a):
		return ErrForbidden
	}
	return nil
}

// DriveFacts is what decides what an actor may do in a drive.
type DriveFacts struct {
	Credential
	DriveStanding
	OrgID     OrgID
	DriveID   DriveID
	AccountID AccountID
	Email     string // the actor's, for the audit log; only where something may be changed
}

// CanInDrive refuses what needs more than the actor's role in the drive, and by
// an API key more than its permissions. A drive the actor may not even read
// does not exist; a key of somebody who may not is over.
func CanInDrive(f DriveFacts, want DriveRole) error {
	switch want {
	case DriveViewer:
		return f.may(want, PermitRead)
	case DriveEditor:
		return f.may(want, PermitWrite)
	case DriveAdmin:
		return f.may(want, noKeyMay)
	case DriveNone:
	}
	return f.may(want, 0)
}

// noKeyMay is more than any key is permitted.
const noKeyMay = permitAll + 1

// may refuses what needs more than the role, or for a key than the permissions.
func (f DriveFacts) may(want DriveRole, permitted Permissions) error {
	if err := f.Check(); err != nil {
		return err
	}
	role := f.Role()
	switch {
	case !role.AtLeast(DriveViewer) && f.ByKey():
		return ErrKeyInvalid
	case !role.AtLeast(DriveViewer):
		return ErrNotFound
	case f.ByKey() && !f.APIKey.Permissions.Has(permitted):
		return ErrKeyNotAllowed
	case !role.AtLeast(want):
		return ErrForbidden
	}
	return nil
}

// Rights are what the account may do with what is in the drive; nobody's
// credential is looked at.
func (f DriveFacts) Rights() Rights {
	f.UserDisabled, f.SessionRevoked = false, false
	return Rights{
		Read:      CanInDrive(f, DriveViewer) == nil,
		Write:     CanInDrive(f, DriveEditor) == nil,
		Delete:    CanDelete(f, f.AccountID) == nil,
		DeleteAny: CanDelete(f, AccountID{}) == nil,
	}
}

// CanManageDrive refuses what only those do who manage the drive.
func CanManageDrive(f DriveFacts) error {
	if err := CanInDrive(f, DriveViewer); err != nil {
		return err
	}
	return allowed(f.Manages())
}

// CanChangeDrive refuses changes of a drive. Its quota is a share of the org's
// storage, which owners and admins of the org divide.
func CanChangeDrive(f DriveFacts, c DriveChange) error {
	if err := CanManageDrive(f); err != nil {
		return err
	}
	if c.QuotaBytes != nil && f.Ownership == SharedDrive && !f.OrgRole.May(ManageDrives) {
		return ErrForbidden.Say("only owners and admins of the organisation divide its storage among drives")
	}
	return nil
}

// NodeFacts is a node together with what decides who may do what with it.
type NodeFacts struct {
	DriveFacts
	Node Node
}

// FolderFacts is a folder together with what decides who may look into it.
type FolderFacts struct {
	DriveFacts
	Kind    NodeKind // empty: there is no such node in the drive
	InTrash bool     // it, or a folder above it
}

// CanList refuses looking into a folder.
func CanList(f FolderFacts) error {
	if err := CanInDrive(f.DriveFacts, DriveViewer); err != nil {
		return err
	}
	switch {
	case f.Kind != KindFolder:
		return ErrNotFolder
	case f.InTrash:
		return ErrNodeTrashed
	}
	return nil
}

// AssetFacts is an asset together with what decides who may do what with it.
type AssetFacts struct {
	DriveFacts
	Asset   Asset
	Version Version // the current one; zero while the asset is pending
	InTrash bool    // it, or a folder above it

	// EntitledUntil is when the last of the user's entitlements to the asset, or
	// to a folder above it, ends; zero: there is none, or the drive gives access
	// already. Only where bytes are asked for.
	EntitledUntil time.Time
}

// CanChangeAsset refuses changing an asset to those who may not write it.
func CanChangeAsset(f AssetFacts) error { return CanInDrive(f.DriveFacts, DriveEditor) }

// CanDeleteAsset refuses trashing and purging. An editor by default role
// deletes what they added themselves; an editor by a member row, a drive's
// admin, and an org's owner or admin delete anything.
func CanDeleteAsset(f AssetFacts) error {
	return CanDelete(f.DriveFacts, f.Asset.CreatedBy)
}

// CanDelete is CanDeleteAsset for anything that somebody has created in a
// drive. An API key needs the permission to delete for it, and no other.
func CanDelete(f DriveFacts, createdBy AccountID) error {
	if err := f.may(DriveEditor, PermitDelete); err != nil {
		return err
	}
	anything := f.Role().AtLeast(DriveAdmin) || f.Member.AtLeast(DriveEditor) || f.OrgRole.May(DeleteAnyAsset)
	if anything || createdBy == f.AccountID {
		return nil
	}
	return ErrForbidden
}

// CanDownload refuses bytes to those who may not read them, and bytes that are
// not complete. What somebody has bought they may have whatever their role in
// the drive is, and also while it is in the trash.
func CanDownload(f AssetFacts, now time.Time) error {
	err := f.canDownloadByRole()
	if err == nil || f.Check() != nil || f.ByKey() || !now.Before(f.EntitledUntil) {
		return err
	}
	if f.Asset.Status != AssetReady {
		return ErrAssetNotReady
	}
	return nil
}

func (f AssetFacts) canDownloadByRole() error {
	if err := CanInDrive(f.DriveFacts, DriveViewer); err != nil {
		return err
	}
	switch {
	case f.InTrash || f.Asset.Trashed():
		return ErrAssetTrashed
	case f.Asset.Status != AssetReady:
		return ErrAssetNotReady
	}
	return nil
}

// UploadFacts is what decides whether an upload is accepted.
type UploadFacts struct {
	DriveFacts
	License    License
	Usage      OrgUsage
	QuotaBytes int64    // of the drive, or Unlimited
	DriveUsed  int64    // bytes
	ParentKind NodeKind // empty: there is no such node in the drive
	ParentLive bool     // neither it nor a folder above it is in the trash
	Depth      int      // of the parent; 0 for the root
}

// CanUpload refuses an upload of size bytes that creates newAssets assets (1,
// or 0 for another version), naming the limit in the way.
func CanUpload(f UploadFacts, size int64, newAssets int64) error {
	if err := CanInDrive(f.DriveFacts, DriveEditor); err != nil {
		return err
	}
	switch {
	case f.ParentKind != KindFolder || !f.ParentLive:
		return ErrParentNotDir
	case f.Depth >= MaxDepth:
		return ErrTooDeep
	}
	if err := CheckUploadSize(f.License.Limits, size); err != nil {
		return err
	}
	return CheckRoom(f.License.Limits, f.Usage, size, newAssets, f.QuotaBytes, f.DriveUsed)
}

// CheckUploadSize refuses one file that is too large for a licence.
func CheckUploadSize(limits Limits, size int64) error {
	if most := limits.MaxUploadBytes(); most != Unlimited && size > most {
		return limitExceeded("max_upload_size_mb", limits.MaxUploadSizeMB, 0, (size+MB-1)/MB).With("max_bytes", most).With("requested_bytes", size)
	}
	return nil
}

// CheckRoom refuses files of size bytes together that do not fit into what a
// licence allows an org, or into a drive's quota (or Unlimited), naming the
// limit in the way.
func CheckRoom(limits Limits, usage OrgUsage, size, newAssets, quota, driveUsed int64) error {
	if err := CheckLimit("max_assets_count", limits.MaxAssets, usage.AssetsCount, newAssets); err != nil {
		return err
	}
	if most := limits.MaxStorageBytes(); most != Unlimited && size > most-usage.UsedBytes {
		return limitExceeded("max_total_storage_mb", limits.MaxTotalStorageMB, (usage.UsedBytes+MB-1)/MB, (size+MB-1)/MB).
			With("max_bytes", most).With("used_bytes", usage.UsedBytes).With("requested_bytes", size)
	}
	return CheckLimit("quota_bytes", quota, driveUsed, size)
}
