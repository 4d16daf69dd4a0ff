package core

import "time"

// DriveMember gives an account a role of its own in a shared drive.
type DriveMember struct {
	DriveID   DriveID
	AccountID AccountID
	Role      DriveRole // not DriveNone
	CreatedAt time.Time
}

// CheckDriveMember refuses to give an account a role in a shared drive that
// would not mean what it says. Who has been removed from the org is nobody's
// member: ErrNotFound.
func CheckDriveMember(a *Account, role DriveRole) error {
	switch {
	case a.Status == AccountRemoved:
		return ErrNotFound
	case a.Status == AccountInvited:
		return ErrAccountState.Say("the account has not accepted its invitation yet; give it a role in the drive when it has")
	case a.Role == OrgViewer && role != DriveViewer:
		return Invalid("body.role", "the account is a viewer of the organisation, and so at most a viewer of a drive; make it a member of the organisation first")
	case a.Role.May(ManageDrives) && role != DriveAdmin:
		return Invalid("body.role", "the account is an owner or admin of the organisation, who are admins of its shared drives; change its role in the organisation first")
	}
	return nil
}
