package app

import (
	"context"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// RemoveBlobs is the job that removes bytes nothing refers to any more.
type RemoveBlobs struct {
	Keys       []string          `json:"keys"`
	Multiparts []ports.Multipart `json:"multiparts,omitempty"`
}

// Kind implements ports.Job.
func (RemoveBlobs) Kind() string { return "asset.remove_blobs" }

// EnqueueRemoval makes what a purge has left in the blob store go if, and only
// if, the unit of work commits, in jobs of a size that ends in time. Rows go
// first and bytes after them, so that no row ever points at bytes that are gone.
func EnqueueRemoval(ctx context.Context, tx ports.Tx, left ports.Remains) error {
	const most = 500
	var jobs []ports.Job
	for len(left.BlobKeys) > 0 || len(left.Multiparts) > 0 {
		keys, parts := min(most, len(left.BlobKeys)), min(most, len(left.Multiparts))
		jobs = append(jobs, RemoveBlobs{Keys: left.BlobKeys[:keys], Multiparts: left.Multiparts[:parts]})
		left.BlobKeys, left.Multiparts = left.BlobKeys[keys:], left.Multiparts[parts:]
	}
	if len(jobs) == 0 {
		return nil
	}
	return tx.Jobs.Enqueue(ctx, jobs...)
}

// LandCopies is the job that brings the bytes of copied files.
type LandCopies struct {
	OrgID  core.OrgID     `json:"org_id"`
	Assets []core.AssetID `json:"assets"`
}

// Kind implements ports.Job.
func (LandCopies) Kind() string { return "asset.land_copies" }
