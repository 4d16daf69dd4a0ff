package asset

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// firstParts is how many part URLs an answer carries at most; a client asks
// for more when it gets there, so that none expires before it is used.
const firstParts = 100

// Plan tells a client how to send the bytes of an upload.
type Plan struct {
	Upload    *core.Upload
	ExpiresAt time.Time            // of the URLs; more can be had until Upload.ExpiresAt
	Single    *ports.SignedRequest // for core.UploadSingle
	Parts     []SignedPart         // for core.UploadMultipart
}

// SignedPart is how to send one part.
type SignedPart struct {
	Number  int
	Size    int64
	Request ports.SignedRequest
}

// begin lets the store begin a multipart upload. It comes before the
// reservation: what is begun and not reserved is forgotten again or swept.
func (s *Service) begin(ctx context.Context, u *core.Upload) error {
	if u.Strategy != core.UploadMultipart || u.StoreID != "" {
		return nil
	}
	id, err := s.blobs.CreateMultipart(ctx, u.BlobKey, u.ContentType, u.SizeBytes, u.PartSize)
	u.StoreID = id
	return err
}

// forget takes back what begin began. Best effort: the sweeper takes the rest.
func (s *Service) forget(ctx context.Context, u *core.Upload) {
	if u.StoreID == "" {
		return
	}
	_ = s.blobs.AbortMultipart(context.WithoutCancel(ctx), u.BlobKey, u.StoreID)
	u.StoreID = ""
}

// plan signs the requests of an upload; of a multipart one those of count
// parts from number from on.
func (s *Service) plan(ctx context.Context, u *core.Upload, now time.Time, from, count int) (*Plan, error) {
	p := &Plan{Upload: u, ExpiresAt: now.Add(s.opts.Uploads.URL)}
	if p.ExpiresAt.After(u.ExpiresAt) {
		p.ExpiresAt = u.ExpiresAt
	}
	if u.Strategy == core.UploadSingle {
		r, err := s.blobs.SignPut(ctx, ports.PutSpec{
			Key: u.PutKey(), Size: u.SizeBytes, ContentType: u.ContentType, SHA256: u.SHA256,
			CreateOnly: u.StagingKey == "", Expires: p.ExpiresAt,
		})
		p.Single = &r
		return p, err
	}
	for n := from; n < from+count && n <= u.PartCount(); n++ {
		r, err := s.blobs.SignPart(ctx, ports.PartSpec{
			Key: u.BlobKey, UploadID: u.StoreID, Number: n, Size: u.PartBytes(n), Expires: p.ExpiresAt,
		})
		if err != nil {
			return nil, err
		}
		p.Parts = append(p.Parts, SignedPart{Number: n, Size: u.PartBytes(n), Request: r})
	}
	return p, nil
}

// Resume signs an upload again: the one PUT, or count parts from number from
// on (1 and 100 if zero).
func (s *Service) Resume(ctx context.Context, a core.Actor, id core.AssetID, from, count int) (*Plan, error) {
	u, _, err := s.pending(ctx, a, id, core.UploadID{})
	if err != nil {
		return nil, err
	}
	if u.Strategy == core.UploadCopy {
		return nil, core.ErrUploadBusy
	}
	from, count = max(from, 1), min(count, core.MaxParts)
	if count <= 0 {
		count = firstParts
	}
	if u.Strategy == core.UploadMultipart && from > u.PartCount() {
		return nil, core.Invalid("body.from", "is beyond the last part").With("part_count", u.PartCount())
	}
	now := s.clock.Now()
	if !now.Before(u.ExpiresAt) {
		return nil, core.ErrUploadNotFound
	}
	if err := s.store.Update(ctx, func(tx ports.Tx) error {
		checkAt := now.Add(s.opts.Uploads.URL)
		if checkAt.After(u.ExpiresAt) {
			checkAt = u.ExpiresAt
		}
		return tx.Uploads.Postpone(ctx, u.ID, time.Time{}, checkAt)
	}); err != nil {
		return nil, err
	}
	return s.plan(ctx, u, now, from, min(count, maxParts))
}

// maxParts bounds the part URLs of one answer.
const maxParts = 1_000

// Progress is what has arrived of an upload.
type Progress struct {
	Upload *core.Upload
	Parts  []ports.Part // of a multipart upload, by number
	Bytes  int64
}

// Arrived tells what the store has of an upload, for a client that resumes.
func (s *Service) Arrived(ctx context.Context, a core.Actor, id core.AssetID) (*Progress, error) {
	u, _, err := s.pending(ctx, a, id, core.UploadID{})
	if err != nil {
		return nil, err
	}
	p := &Progress{Upload: u}
	if u.Strategy == core.UploadSingle {
		info, err := s.blobs.Stat(ctx, u.PutKey())
		if err == nil {
			p.Bytes = info.Size
		}
		return p, ignoreMissing(err)
	}
	for part, err := range s.blobs.Parts(ctx, u.BlobKey, u.StoreID) {
		if err != nil {
			return nil, err
		}
		p.Parts = append(p.Parts, part)
		p.Bytes += part.Size
	}
	return p, nil
}

// Abort gives an upload up, with what it reserved. If the asset never had a
// version, it goes too.
func (s *Service) Abort(ctx context.Context, a core.Actor, id core.AssetID) error {
	u, f, err := s.pending(ctx, a, id, core.UploadID{})
	if err != nil {
		return err
	}
	if u.CreatedBy != f.AccountID {
		if err := core.CanDeleteAsset(f); err != nil {
			return err
		}
	}
	return s.abandon(ctx, u, authorOf(f.DriveFacts, a), "upload.aborted")
}

// abandon removes an upload and, once that is certain, what it has sent.
// action says why.
func (s *Service) abandon(ctx context.Context, u *core.Upload, by author, action string) error {
	return s.store.Update(ctx, func(tx ports.Tx) error {
		if err := tx.Uploads.Abort(ctx, u.OrgID, u.ID); err != nil {
			return err
		}
		changes := map[string]core.Change{"version": {From: u.Number}, "size_bytes": {From: u.SizeBytes}}
		if err := s.record(ctx, tx, by, action, u.AssetID, changes, s.clock.Now()); err != nil {
			return err
		}
		left := ports.Remains{BlobKeys: u.Keys()}
		if u.Strategy == core.UploadMultipart {
			left.Multiparts = []ports.Multipart{{Key: u.BlobKey, UploadID: u.StoreID}}
		}
		return release(ctx, tx, left, u)
	})
}

// pending returns the asset's upload with that id, the newest if id is zero.
// Whoever may change the asset may go on with its upload.
func (s *Service) pending(
	ctx context.Context, a core.Actor, asset core.AssetID, id core.UploadID,
) (*core.Upload, core.AssetFacts, error) {
	f, err := s.facts(ctx, a, core.OrgID{}, asset)
	if err != nil {
		return nil, f, err
	}
	if err := core.CanChangeAsset(f); err != nil {
		return nil, f, err
	}
	var uploads []*core.Upload
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		uploads, err = tx.Uploads.Of(ctx, f.OrgID, asset)
		return err
	})
	if err != nil {
		return nil, f, err
	}
	for _, u := range uploads {
		if id.IsZero() || u.ID == id {
			return u, f, nil
		}
	}
	if len(uploads) > 0 {
		return nil, f, core.ErrUploadMismatch
	}
	return nil, f, core.ErrUploadNotFound
}
