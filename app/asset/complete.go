package asset

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// CompleteInput says which upload has ended. Parts may be left out: the store
// knows what has arrived.
type CompleteInput struct {
	UploadID core.UploadID
	Parts    []ports.Part // number and ETag
}

// Complete checks the bytes that have arrived against what was declared and
// makes them the asset's current version. Completing twice returns the asset.
// It returns core.ErrUploadIncomplete if bytes are missing; if they are wrong,
// core.ErrSizeMismatch or core.ErrChecksumMismatch, and the upload has ended.
func (s *Service) Complete(ctx context.Context, a core.Actor, id core.AssetID, in CompleteInput) (*core.Asset, error) {
	u, f, err := s.pending(ctx, a, id, in.UploadID)
	switch {
	case errors.Is(err, core.ErrUploadNotFound), errors.Is(err, core.ErrUploadMismatch):
		return s.completed(ctx, a, id, in.UploadID, err)
	case err != nil:
		return nil, err
	}
	// The bytes are there: a client that hangs up now does not undo that.
	asset, err := s.land(context.WithoutCancel(ctx), u, in.Parts, authorOf(f.DriveFacts, a))
	if errors.Is(err, core.ErrUploadNotFound) { // somebody else completed it, or gave it up
		return s.completed(ctx, a, id, in.UploadID, err)
	}
	return asset, err
}

// completed returns the asset if the upload has become a version of it, else why.
func (s *Service) completed(ctx context.Context, a core.Actor, id core.AssetID, upload core.UploadID, why error) (*core.Asset, error) {
	f, err := s.facts(ctx, a, core.OrgID{}, id)
	if err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(tx ports.Tx) error {
		_, err := tx.Versions.ByUpload(ctx, f.OrgID, id, upload)
		return err
	})
	if errors.Is(err, core.ErrNotFound) {
		return nil, why
	}
	return &f.Asset, err
}

// land verifies an upload's bytes and turns it into a version. An upload whose
// bytes are wrong is abandoned.
//
// One caller at a time does this for an upload: two would read large files
// twice, and the slower one could copy bytes over those the faster one verified.
func (s *Service) land(ctx context.Context, u *core.Upload, claimed []ports.Part, by author) (*core.Asset, error) {
	now := s.clock.Now()
	held := now.Add(core.UploadClaim)
	err := s.store.Update(ctx, func(tx ports.Tx) error { return tx.Uploads.Claim(ctx, u.ID, now, held) })
	if err != nil {
		return nil, err
	}
	var sum []byte
	held, err = s.hold(ctx, held, []core.UploadID{u.ID}, func(ctx context.Context) (err error) {
		sum, err = s.examine(ctx, u, claimed, by)
		return err
	})
	if err == nil {
		var asset *core.Asset
		if asset, err = s.turn(ctx, u, held, sum, by); err == nil {
			return asset, nil
		}
	}
	if errors.Is(err, core.ErrUploadNotFound) {
		return nil, err
	}
	return nil, errors.Join(err, s.unclaim(ctx, held, u))
}

// turn makes an upload a version whose bytes are there, and right.
func (s *Service) turn(ctx context.Context, u *core.Upload, held time.Time, sum []byte, by author) (*core.Asset, error) {
	l, in := &landed{upload: u, sum: sum}, place{u.OrgID, u.DriveID}
	var err error
	for range attempts {
		if err = s.finish(ctx, in, held, by, l); err == nil {
			err = l.err
		}
		if !errors.Is(err, core.ErrStale) {
			return l.asset, err
		}
		if l.asset != nil { // it has gone to another drive
			in.drive = l.asset.DriveID
		}
	}
	return nil, err
}

// unclaim lets others complete uploads, who need not wait for the claims to end.
// An abandoned upload has none.
func (s *Service) unclaim(ctx context.Context, held time.Time, uploads ...*core.Upload) error {
	if len(uploads) == 0 {
		return nil
	}
	again := s.clock.Now().Add(reconcileAgain)
	return s.store.Update(ctx, func(tx ports.Tx) error {
		for _, u := range uploads {
			if err := tx.Uploads.Postpone(ctx, u.ID, held, earlier(again, u.ExpiresAt)); err != nil {
				return err
			}
		}
		return nil
	})
}

// examine brings the bytes of an upload to their place and returns their SHA-256,
// or nil if nobody knows it. An upload whose bytes are wrong is abandoned.
func (s *Service) examine(ctx context.Context, u *core.Upload, claimed []ports.Part, by author) ([]byte, error) {
	info, err := s.gather(ctx, u, claimed)
	if err != nil {
		return nil, err
	}
	sum, err := s.verify(ctx, u, info)
	if errors.Is(err, core.ErrSizeMismatch) || errors.Is(err, core.ErrChecksumMismatch) {
		err = errors.Join(err, notGone(s.abandon(ctx, u, by, "upload.refused")))
	}
	return sum, err
}

// gather brings the bytes to their final key and describes them there.
func (s *Service) gather(ctx context.Context, u *core.Upload, claimed []ports.Part) (ports.BlobInfo, error) {
	switch u.Strategy {
	case core.UploadMultipart:
		return s.assemble(ctx, u, claimed)
	case core.UploadCopy:
		return s.duplicate(ctx, u)
	case core.UploadSingle:
	}
	info, err := s.blobs.Stat(ctx, u.PutKey())
	switch {
	case errors.Is(err, core.ErrBlobNotFound):
		return info, core.ErrUploadIncomplete
	case err != nil || u.StagingKey == "":
		return info, err
	}
	// Until the copy is made the client could still change what it sent, so
	// it is the copy that is verified.
	if err := s.blobs.Copy(ctx, u.StagingKey, u.BlobKey); err != nil {
		return info, err
	}
	return s.blobs.Stat(ctx, u.BlobKey)
}

// duplicate copies the source of a copy. What its source is known to hash to,
// the copy does, too.
func (s *Service) duplicate(ctx context.Context, u *core.Upload) (ports.BlobInfo, error) {
	err := s.blobs.Copy(ctx, u.SourceKey, u.BlobKey)
	if errors.Is(err, core.ErrBlobNotFound) {
		return ports.BlobInfo{}, core.ErrUploadIncomplete
	}
	if err != nil {
		return ports.BlobInfo{}, err
	}
	info, err := s.blobs.Stat(ctx, u.BlobKey)
	if info.SHA256 == nil {
		info.SHA256 = u.SHA256
	}
	return info, err
}

func (s *Service) assemble(ctx context.Context, u *core.Upload, claimed []ports.Part) (ports.BlobInfo, error) {
	parts, err := s.arrivedParts(ctx, u, claimed)
	if err == nil {
		err = s.blobs.CompleteMultipart(ctx, u.BlobKey, u.StoreID, parts)
	}
	// No such upload, or the blob is there: an earlier attempt came this far.
	if err != nil && !errors.Is(err, core.ErrUploadNotFound) && !errors.Is(err, core.ErrBlobExists) {
		return ports.BlobInfo{}, err
	}
	info, err := s.blobs.Stat(ctx, u.BlobKey)
	if errors.Is(err, core.ErrBlobNotFound) {
		return info, core.ErrUploadIncomplete
	}
	return info, err
}

// arrivedParts returns all parts of the upload, or core.ErrUploadIncomplete
// with the numbers of those that are missing or of another size.
func (s *Service) arrivedParts(ctx context.Context, u *core.Upload, claimed []ports.Part) ([]ports.Part, error) {
	etags := make(map[int]string, len(claimed))
	for _, p := range claimed {
		etags[p.Number] = p.ETag
	}
	var parts []ports.Part
	have := make(map[int]bool, u.PartCount())
	for p, err := range s.blobs.Parts(ctx, u.BlobKey, u.StoreID) {
		if err != nil {
			return nil, err
		}
		etag, named := etags[p.Number]
		if p.Number <= u.PartCount() && p.Size == u.PartBytes(p.Number) && (!named || etag == p.ETag) {
			parts, have[p.Number] = append(parts, p), true
		}
	}
	if len(parts) == u.PartCount() {
		return parts, nil
	}
	var missing []int
	for n := 1; n <= u.PartCount() && len(missing) < firstParts; n++ {
		if !have[n] {
			missing = append(missing, n)
		}
	}
	return nil, core.ErrUploadIncomplete.With("missing_parts", missing).With("part_count", u.PartCount())
}

// verify compares what the store has with what was declared, and returns the
// SHA-256 of the bytes, or nil if nobody knows it.
func (s *Service) verify(ctx context.Context, u *core.Upload, info ports.BlobInfo) ([]byte, error) {
	if info.Size != u.SizeBytes {
		return nil, core.ErrSizeMismatch.With("declared", u.SizeBytes).With("stored", info.Size)
	}
	sum := info.SHA256
	if sum == nil && u.SHA256 != nil {
		var err error
		if sum, err = app.HashBlob(ctx, s.blobs, u.BlobKey); err != nil {
			return nil, err
		}
	}
	if u.SHA256 != nil && !bytes.Equal(sum, u.SHA256) {
		return nil, core.ErrChecksumMismatch
	}
	return sum, nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, core.ErrBlobNotFound) {
		return nil
	}
	return err
}

func notGone(err error) error {
	if errors.Is(err, core.ErrUploadNotFound) {
		return nil
	}
	return err
}
