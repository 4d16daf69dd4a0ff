package ports

import (
	"context"
	"time"
)

// Statistics counts what a server has.
type Statistics interface {
	// Count counts in one statement, which reads a row for each org, user,
	// drive, upload and session, and none for a file.
	Count(ctx context.Context, now time.Time) (Counts, error)
}

// Counts is what a server has.
type Counts struct {
	Orgs          int64 // live ones of several people
	PersonalOrgs  int64
	DeletedOrgs   int64 // closed, their data still there
	Users         int64 // not deleted, the disabled ones too
	DisabledUsers int64
	Admins        int64 // platform admins
	Drives        int64
	Assets        int64 // pending and trashed ones too
	UsedBytes     int64 // as in core.OrgUsage, of all orgs
	Uploads       int64 // in progress
	UploadBytes   int64 // what they have reserved
	Sessions      int64 // neither expired nor revoked
}
