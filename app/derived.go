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

// Derive makes a version one of which something will be derived, if it is of
// such a type, and returns whether it has become one.
func Derive(ctx context.Context, tx ports.Tx, v ports.Undone, now time.Time) (bool, error) {
	if _, ok := core.DerivableFrom(v.ContentType); !ok {
		return false, nil
	}
	added, err := tx.Derived.Add(ctx, v.OrgID, v.AssetID, v.Number, now)
	if err != nil || !added {
		return false, err
	}
	return true, tx.Jobs.Enqueue(ctx, DeriveVersion{OrgID: v.OrgID, AssetID: v.AssetID, Number: v.Number})
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
