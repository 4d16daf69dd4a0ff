package app

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Room is what there is for further files of a drive.
type Room struct {
	limits core.Limits
	usage  core.OrgUsage
	drive  *core.Drive
}

// RoomIn returns the room there is. The counters are locked (Drives.Lock with
// usage): what is read is what will be added to. unlimited is without the limits
// of a licence; drive quotas still hold.
func RoomIn(ctx context.Context, tx ports.Tx, org core.OrgID, drive core.DriveID, unlimited bool, now time.Time) (*Room, error) {
	r := &Room{limits: core.UnlimitedLicense().Limits}
	if !unlimited {
		license, err := tx.Licenses.InForce(ctx, org, now)
		if err != nil {
			return nil, err
		}
		r.limits = license.Limits
	}
	var err error
	if r.usage, err = tx.Orgs.Usage(ctx, org); err != nil {
		return nil, err
	}
	r.drive, err = tx.Drives.Get(ctx, org, drive)
	return r, err
}

// Take takes the room that files need, of which so many are new and the others
// further versions, or none of it, if they go over a limit.
func (r *Room) Take(newFiles int64, files ...ports.Planted) error {
	var total int64
	for _, f := range files {
		if err := core.CheckUploadSize(r.limits, f.Upload.SizeBytes); err != nil {
			return err
		}
		total += f.Upload.SizeBytes
	}
	if err := core.CheckRoom(r.limits, r.usage, total, newFiles, r.drive.QuotaBytes, r.drive.UsedBytes); err != nil {
		return err
	}
	r.usage.UsedBytes += total
	r.usage.AssetsCount += newFiles
	r.drive.UsedBytes += total
	return nil
}
