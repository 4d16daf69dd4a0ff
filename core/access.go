package core

import "strings"

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

// Role returns what the account may do with the drive's content. A member row
// decides where there is one; an org viewer never becomes more than a viewer.
func (s DriveStanding) Role() DriveRole {
	if s.Status != AccountActive || s.Ownership == OthersDrive {
		return DriveNone
	}
	if s.Ownership == OwnDrive {
		return DriveAdmin
	}
	role := s.Member
	if role == DriveNone {
		switch s.OrgRole {
		case OrgOwner, OrgAdmin:
			role = DriveAdmin
		case OrgMember, OrgViewer:
			role = s.Default
		}
	}
	if s.OrgRole == OrgViewer && role.AtLeast(DriveViewer) {
		return DriveViewer
	}
	return role
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

// CanInDrive refuses what needs more than the actor's role in the drive. A
// drive the actor may not even read does not exist.
func CanInDrive(f DriveFacts, want DriveRole) error {
	if err := f.Check(); err != nil {
		return err
	}
	role := f.Role()
	switch {
	case !role.AtLeast(DriveViewer):
		return ErrNotFound
	case !role.AtLeast(want):
		return ErrForbidden
	}
	return nil
}

// AssetFacts is an asset together with what decides who may do what with it.
type AssetFacts struct {
	DriveFacts
	Asset   Asset
	Version Version // the current one; zero while the asset is pending
}

// CanChangeAsset refuses changing an asset to those who may not write it.
func CanChangeAsset(f AssetFacts) error { return CanInDrive(f.DriveFacts, DriveEditor) }

// CanDeleteAsset refuses trashing and purging. An editor by default role
// deletes what they added themselves; an editor by a member row, a drive's
// admin, and an org's owner or admin delete anything.
func CanDeleteAsset(f AssetFacts) error {
	if err := CanInDrive(f.DriveFacts, DriveEditor); err != nil {
		return err
	}
	own := f.Asset.CreatedBy == f.AccountID
	anything := f.Role().AtLeast(DriveAdmin) || f.Member.AtLeast(DriveEditor) || f.OrgRole.May(DeleteAnyAsset)
	if own || anything {
		return nil
	}
	return ErrForbidden
}

// CanDownload refuses bytes to those who may not read them, and bytes that are
// not complete.
func CanDownload(f AssetFacts) error {
	if err := CanInDrive(f.DriveFacts, DriveViewer); err != nil {
		return err
	}
	switch {
	case f.Asset.Trashed():
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
	limits := f.License.Limits
	if most := limits.MaxUploadBytes(); most != Unlimited && size > most {
		return limitExceeded("max_upload_size_mb", limits.MaxUploadSizeMB, 0, (size+MB-1)/MB).With("max_bytes", most).With("requested_bytes", size)
	}
	if err := CheckLimit("max_assets_count", limits.MaxAssets, f.Usage.AssetsCount, newAssets); err != nil {
		return err
	}
	if most := limits.MaxStorageBytes(); most != Unlimited && size > most-f.Usage.UsedBytes {
		return limitExceeded("max_total_storage_mb", limits.MaxTotalStorageMB, (f.Usage.UsedBytes+MB-1)/MB, (size+MB-1)/MB).
			With("max_bytes", most).With("used_bytes", f.Usage.UsedBytes).With("requested_bytes", size)
	}
	return CheckLimit("quota_bytes", f.QuotaBytes, f.DriveUsed, size)
}
