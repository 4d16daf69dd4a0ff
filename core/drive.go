package core

import "time"

// DriveID identifies a drive. The root node of a drive has the same bytes as
// its id, so that every node has a parent.
type DriveID = ID[Drive]

// DriveRole is what an account may do with the content of a drive.
type DriveRole string

// The roles in a drive, weakest first. DriveNone is no role at all: the drive
// does not exist for that account.
const (
	DriveNone   DriveRole = ""
	DriveViewer DriveRole = "viewer"
	DriveEditor DriveRole = "editor"
	DriveAdmin  DriveRole = "admin"
)

var driveRoles = []DriveRole{DriveNone, DriveViewer, DriveEditor, DriveAdmin}

func (r DriveRole) rank() int {
	for i, role := range driveRoles {
		if r == role {
			return i
		}
	}
	return 0
}

// AtLeast reports whether r allows all that want allows.
func (r DriveRole) AtLeast(want DriveRole) bool { return r.rank() >= want.rank() }

// Drive is the storage tenant inside an org: one tree of folders and files.
type Drive struct {
	ID             DriveID
	OrgID          OrgID
	OwnerAccountID AccountID // zero: shared
	Name           string
	DefaultRole    DriveRole // of org members without a member row; shared drives only
	QuotaBytes     int64     // Unlimited: only the licence limits it
	UsedBytes      int64     // kept by the store, see OrgUsage
	Version        int64
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// NewPersonalDrive returns the drive that belongs to one account alone.
func NewPersonalDrive(id DriveID, org OrgID, owner AccountID, now time.Time) *Drive {
	return &Drive{
		ID: id, OrgID: org, OwnerAccountID: owner, Name: "Personal", QuotaBytes: Unlimited,
		Version: 1, CreatedAt: now, UpdatedAt: now,
	}
}

// NewLibrary returns the shared drive that every org of several people begins
// with: its default drive, where members edit.
func NewLibrary(id DriveID, org OrgID, now time.Time) *Drive {
	return &Drive{
		ID: id, OrgID: org, Name: "Library", DefaultRole: DriveEditor, QuotaBytes: Unlimited,
		Version: 1, CreatedAt: now, UpdatedAt: now,
	}
}

// HandOver puts a personal drive whose account has left into the custody of
// the org's owners and admins: a shared drive that nobody else sees.
func (d *Drive) HandOver(from string, now time.Time) {
	d.OwnerAccountID, d.DefaultRole = AccountID{}, DriveNone
	d.Name = clip("Personal drive of "+from, MaxTitleBytes)
	d.Version++
	d.UpdatedAt = now
}

// IsPersonal reports whether the drive belongs to one account.
func (d *Drive) IsPersonal() bool { return !d.OwnerAccountID.IsZero() }
