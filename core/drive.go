package core

import (
	"fmt"
	"time"
)

// What can go wrong with a drive.
var (
	ErrDriveNameTaken = &Error{Kind: KindConflict, Code: "drive_name_taken", Message: "the organisation has a shared drive of this name; choose another name"}
	ErrDriveNotEmpty  = &Error{Kind: KindConflict, Code: "drive_not_empty", Message: "there is something in the drive, or in its trash; empty it first, or delete it with force=true"}
	ErrDefaultDrive   = &Error{Kind: KindConflict, Code: "default_drive", Message: "this is the organisation's default drive; make another one its default first"}
	ErrPersonalDrive  = &Error{Kind: KindConflict, Code: "personal_drive", Message: "a personal drive belongs to one account alone: it has no members, no quota and no default role, and goes with its account"}
)

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
	DeletedAt      time.Time // a job is removing it
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

// NewSharedDrive returns an empty drive of an org for several people.
func NewSharedDrive(id DriveID, org OrgID, c DriveChange, now time.Time) *Drive {
	d := &Drive{ID: id, OrgID: org, QuotaBytes: Unlimited, Version: 1, CreatedAt: now, UpdatedAt: now}
	d.apply(c)
	return d
}

// DriveChange is what an update leaves alone (nil) or sets, all of it clean.
type DriveChange struct {
	Name        *string
	QuotaBytes  *int64 // Unlimited: none
	DefaultRole *DriveRole
}

// Change applies c. Less room than is used is allowed: it is in the way of
// more. A personal drive has a name only, else ErrPersonalDrive.
func (d *Drive) Change(c DriveChange, now time.Time) error {
	if d.IsPersonal() && (c.QuotaBytes != nil || c.DefaultRole != nil) {
		return ErrPersonalDrive
	}
	d.apply(c)
	d.touch(now)
	return nil
}

func (d *Drive) apply(c DriveChange) {
	if c.Name != nil {
		d.Name = *c.Name
	}
	if c.QuotaBytes != nil {
		d.QuotaBytes = *c.QuotaBytes
	}
	if c.DefaultRole != nil {
		d.DefaultRole = *c.DefaultRole
	}
}

// CheckDelete refuses deleting a drive that is not to be deleted, whatever is
// in it.
func (d *Drive) CheckDelete(o *Org) error {
	switch {
	case d.IsPersonal():
		return ErrPersonalDrive
	case o.DefaultDriveID == d.ID:
		return ErrDefaultDrive
	}
	return nil
}

// Delete hides a drive from everybody for good; a job removes what is in it.
func (d *Drive) Delete(o *Org, now time.Time) error {
	if err := d.CheckDelete(o); err != nil {
		return err
	}
	d.DeletedAt = now
	d.touch(now)
	return nil
}

// DriveContents is what is in a drive: its root is not counted, nor what is
// being purged. What is below a folder in the trash is in the trash.
type DriveContents struct {
	Files        int64
	Folders      int64
	FileBytes    int64 // of the current versions, also of those on their way
	TrashFiles   int64
	TrashFolders int64
	TrashBytes   int64 // likewise
	PurgingBytes int64 // likewise; still used
}

// CheckEmpty returns ErrDriveNotEmpty, with what there is, unless there is
// nothing, in the trash neither.
func (c DriveContents) CheckEmpty() error {
	if c.Files+c.Folders+c.TrashFiles+c.TrashFolders == 0 {
		return nil
	}
	return ErrDriveNotEmpty.With("files", c.Files).With("folders", c.Folders).
		With("trash_files", c.TrashFiles).With("trash_folders", c.TrashFolders)
}

// HandOver puts a personal drive whose account has left into the custody of
// the org's owners and admins: a shared drive that nobody else sees.
func (d *Drive) HandOver(from string, now time.Time) {
	d.OwnerAccountID, d.DefaultRole = AccountID{}, DriveNone
	d.Name = CustodyName(from, 1)
	d.touch(now)
}

// CustodyName returns the name of the number-th drive that somebody leaves to
// an org, so that each has its own.
func CustodyName(from string, number int) string {
	suffix := ""
	if number > 1 {
		suffix = fmt.Sprintf(" (%d)", number)
	}
	return clip("Personal drive of "+from, MaxTitleBytes-len(suffix)) + suffix
}

func (d *Drive) touch(now time.Time) {
	d.Version++
	d.UpdatedAt = now
}

// IsPersonal reports whether the drive belongs to one account.
func (d *Drive) IsPersonal() bool { return !d.OwnerAccountID.IsZero() }
