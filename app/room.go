package app

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Room is where files need room that are stored together.
type Room struct {
	OrgID     core.OrgID
	DriveID   core.DriveID
	Unlimited bool  // no licence limits; drive quotas still hold
	NewFiles  int64 // of those that are new; the others are further versions
}

// CheckRoom refuses files that go over a limit. The counters are locked
// (Drives.Lock with usage): what is read is what will be added to.
func CheckRoom(ctx context.Context, tx ports.Tx, r Room, files []ports.Planted, now time.Time) error {
	limits := core.UnlimitedLicense().Limits
	if !r.Unlimited {
		license, err := tx.Licenses.InForce(ctx, r.OrgID, now)
		if err != nil {
			return err
		}
		limits = license.Limits
	}
	usage, err := tx.Orgs.Usage(ctx, r.OrgID)
	if err != nil {
		return err
	}
	d, err := tx.Drives.Get(ctx, r.OrgID, r.DriveID)
	if err != nil {
		return err
	}
	var total int64
	for _, f := range files {
		if err := core.CheckUploadSize(limits, f.Upload.SizeBytes); err != nil {
			return err
		}
		total += f.Upload.SizeBytes
	}
	return core.CheckRoom(limits, usage, total, r.NewFiles, d.QuotaBytes, d.UsedBytes)
}
