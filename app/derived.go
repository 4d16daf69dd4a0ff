package app

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// DeriveVersion is the job that makes pictures of a version and reads its text.
type DeriveVersion struct {
	OrgID   core.OrgID   `json:"org_id"`
	AssetID core.AssetID `json:"asset_id"`
	Number  int          `json:"number"`
}

// Kind implements ports.Job.
func (DeriveVersion) Kind() string { return "asset.derive" }

// Derive makes those of the versions that are of such a type ones of which
// something will be derived, and returns which have become so.
func Derive(ctx context.Context, tx ports.Tx, now time.Time, vs ...ports.Undone) ([]ports.Undone, error) {
	var us []ports.Undone
	for _, v := range vs {
		if _, ok := core.DerivableFrom(v.ContentType); ok {
			us = append(us, v)
		}
	}
	if len(us) == 0 {
		return nil, nil
	}
	added, err := tx.Derived.Add(ctx, now, us...)
	if err != nil || len(added) == 0 {
		return nil, err
	}
	jobs := make([]ports.Job, len(added))
	for i, u := range added {
		jobs[i] = DeriveVersion{OrgID: u.OrgID, AssetID: u.AssetID, Number: u.Number}
	}
	return added, tx.Jobs.Enqueue(ctx, jobs...)
}

// Thumbnails leads those who may see files to pictures of them.
type Thumbnails struct {
	Blobs ports.Blobs
	Clock ports.Clock
	TTL   time.Duration // of a URL
}

// URL returns where a browser finds the thumbnail, or nothing if there is none.
// It does no I/O.
func (t Thumbnails) URL(ctx context.Context, p *core.Preview) (string, error) {
	if p == nil || p.Thumbnail.BlobKey == "" {
		return "", nil
	}
	r, err := SignPicture(ctx, t.Blobs, p.Thumbnail, "inline", t.Clock.Now().Add(t.TTL))
	return r.URL, err
}

// SignPicture signs a URL of a picture, which no name of a file is part of.
func SignPicture(ctx context.Context, blobs ports.Blobs, p core.Picture, disposition string, expires time.Time) (ports.SignedRequest, error) {
	return blobs.SignGet(ctx, ports.GetSpec{Key: p.BlobKey, ContentType: p.ContentType, Disposition: disposition, Expires: expires})
}
