package asset

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// OnConflict says what to do if the folder has something of that name.
type OnConflict string

// The answers to a name that is taken.
const (
	ConflictFail    OnConflict = "fail"
	ConflictRename  OnConflict = "rename"  // "a.txt" becomes "a (1).txt"
	ConflictVersion OnConflict = "version" // the bytes become another version of that asset
)

// CreateInput describes a file before its bytes arrive.
type CreateInput struct {
	OrgID       core.OrgID
	DriveID     core.DriveID // zero: the org's default drive, or the one of an API key
	ParentID    core.NodeID  // zero: the drive's root
	Name        string
	ContentType string
	SizeBytes   int64
	SHA256      string // hex; empty: not declared
	Metadata    core.Metadata
	OnConflict  OnConflict
	Once        *app.Once

	staged *Staged // the bytes, if they are here already
}

// Created is an asset that waits for its bytes, and how to send them.
type Created struct {
	Asset  *core.Asset
	Upload *Plan
}

// Create reserves room for a file and signs its upload. Nothing is reserved
// unless it returns nil. It returns core.ErrNameTaken, errors with the code
// limit_exceeded, and what core.CanUpload says.
func (s *Service) Create(ctx context.Context, a core.Actor, in CreateInput) (*Created, error) {
	now := s.clock.Now()
	asset, upload, err := s.draft(in, now)
	if err != nil {
		return nil, err
	}
	if in.Once != nil { // an answer is replayed only to those who may still have it
		if _, _, err := s.among(ctx, a, in.OrgID, core.DriveEditor); err != nil {
			return nil, err
		}
		if err := in.Once.Find(ctx, s.store, s.secrets, now); err != nil {
			return nil, err
		}
	}
	// What costs more than a statement is asked about first: a folder's place
	// in the tree, an upload that the blob store has to begin.
	if !in.ParentID.IsZero() || upload.Strategy == core.UploadMultipart {
		if err := s.ask(ctx, a, in, now); err != nil {
			return nil, err
		}
	}
	for try := range placements {
		if in.OnConflict == ConflictVersion { // first: a version needs no room for an asset
			created, err := s.another(ctx, a, in, asset, upload, now)
			if errors.Is(err, core.ErrStale) {
				continue // another version was begun
			}
			if !errors.Is(err, core.ErrNotFound) {
				return created, err
			}
		}
		created, err := s.place(ctx, a, in, asset, upload, now)
		if !errors.Is(err, core.ErrNameTaken) || in.OnConflict == ConflictFail {
			return created, err
		}
		if in.OnConflict == ConflictRename {
			if err := s.rename(ctx, a, in, asset, upload, try); err != nil {
				return nil, err
			}
		}
	}
	return nil, core.ErrConflict
}

// placements is how often a place for a file is looked for while others take
// the one that was found.
const placements = 50

// draft makes the asset and its upload of what the client sent.
func (s *Service) draft(in CreateInput, now time.Time) (*core.Asset, *core.Upload, error) {
	name, err := core.CleanNodeName("body.name", in.Name, s.text.NFC)
	if err != nil {
		return nil, nil, err
	}
	contentType, err := core.CleanContentType("body.content_type", in.ContentType)
	if err != nil {
		return nil, nil, err
	}
	metadata, err := core.CleanMetadata("body.metadata", in.Metadata, s.text.NFC)
	if err != nil {
		return nil, nil, err
	}
	sum, err := parseSHA256(in.SHA256)
	if err != nil {
		return nil, nil, err
	}
	if in.SizeBytes < 0 || in.SizeBytes > core.MaxBlobBytes {
		return nil, nil, core.Invalid("body.size_bytes", "must be from 0 to 5,000,000,000,000")
	}
	asset := &core.Asset{
		Node: core.Node{
			ID: core.AssetID(s.ids.NewID()), OrgID: in.OrgID, DriveID: in.DriveID, ParentID: in.ParentID, Kind: core.KindAsset,
			Name: name, Version: 1, CreatedAt: now, UpdatedAt: now,
		},
		File: core.File{Status: core.AssetPending, ContentType: contentType, SizeBytes: in.SizeBytes, Newest: 1, Metadata: metadata},
	}
	upload := &core.Upload{
		ID: core.UploadID(s.ids.NewID()), OrgID: in.OrgID, DriveID: in.DriveID, AssetID: asset.ID, Number: 1,
		ContentType: contentType, SizeBytes: in.SizeBytes, SHA256: sum,
	}
	upload.Plan(s.opts.Uploads, now)
	if in.staged != nil {
		upload.Stage(in.staged.id, s.opts.Uploads, now)
	}
	s.address(upload, name)
	return asset, upload, nil
}

// address gives the upload its keys.
func (s *Service) address(u *core.Upload, name string) {
	u.BlobKey = core.BlobKey(u.OrgID, u.AssetID, u.Number, name)
	if u.Strategy == core.UploadSingle && !s.blobs.CreateOnly() {
		u.StagingKey = core.StagingKey(u.ID)
	}
}

// place reserves room for a new asset and signs its upload.
func (s *Service) place(
	ctx context.Context, a core.Actor, in CreateInput, asset *core.Asset, u *core.Upload, now time.Time,
) (*Created, error) {
	return s.reserve(ctx, in, ports.Reservation{
		Actor: a, Upload: u, NewAsset: asset, Unlimited: s.opts.Unlimited, Now: now,
	}, asset)
}

func (s *Service) reserve(ctx context.Context, in CreateInput, r ports.Reservation, asset *core.Asset) (*Created, error) {
	if err := s.begin(ctx, r.Upload); err != nil {
		return nil, err
	}
	plan, err := s.plan(ctx, r.Upload, r.Now, 1, firstParts)
	if err != nil {
		return nil, err
	}
	out := &Created{Asset: asset, Upload: plan}
	granted := false
	if in.Once == nil {
		granted, err = s.settle(ctx, s.hot, r, asset)
	} else {
		err = in.Once.Do(ctx, s.store, s.secrets, r.Now, func(tx ports.Tx) (err error) {
			if granted, err = s.settle(ctx, tx.Quota, r, asset); err != nil {
				return err
			}
			if !granted {
				return errNotGranted // undoes the unit, which the database may have given up already
			}
			return in.Once.Keep(ctx, tx, s.secrets, out, r.Now)
		})
	}
	if err == nil && granted {
		return out, nil
	}
	switch {
	case err == nil, errors.Is(err, errNotGranted):
		s.forget(ctx, r.Upload)
		return nil, s.refusal(ctx, in, r)
	case errors.Is(err, core.ErrNameTaken), errors.Is(err, core.ErrStale):
		s.forget(ctx, r.Upload)
	}
	// After any other error nobody knows whether it was reserved: the upload
	// stays, to be swept if it was not.
	return nil, err
}

var errNotGranted = errors.New("not granted")

func (s *Service) settle(ctx context.Context, q ports.Quota, r ports.Reservation, asset *core.Asset) (bool, error) {
	g, ok, err := q.Reserve(ctx, r)
	if err != nil || !ok {
		return false, err
	}
	r.Upload.DriveID, r.Upload.CreatedBy = g.DriveID, g.AccountID
	if r.NewAsset != nil {
		asset.DriveID, asset.CreatedBy = g.DriveID, g.AccountID
		if asset.ParentID.IsZero() {
			asset.ParentID = core.RootOf(g.DriveID)
		}
	}
	return true, nil
}

// ask judges an upload by what the store knows now.
func (s *Service) ask(ctx context.Context, a core.Actor, in CreateInput, now time.Time) error {
	f, err := s.hot.ForUpload(ctx, a, ports.UploadQuery{OrgID: in.OrgID, DriveID: in.DriveID, ParentID: in.ParentID, Now: now})
	if err != nil {
		return err
	}
	if s.opts.Unlimited {
		f.License = core.UnlimitedLicense()
	}
	newAssets := int64(1)
	if in.OnConflict == ConflictVersion {
		newAssets = 0 // perhaps; Reserve knows
	}
	return core.CanUpload(f, in.SizeBytes, newAssets)
}

// refusal says why a reservation was not granted.
func (s *Service) refusal(ctx context.Context, in CreateInput, r ports.Reservation) error {
	if r.NewAsset != nil {
		in.OnConflict = ConflictFail // it was the reservation of a new asset
	}
	if err := s.ask(ctx, r.Actor, in, r.Now); err != nil {
		return err
	}
	// What was in the way a moment ago has gone.
	return core.ErrConflict
}

func parseSHA256(text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	const size = 32
	sum, err := hex.DecodeString(text)
	if err != nil || len(sum) != size {
		return nil, core.Invalid("body.checksum_sha256", "must be 64 hexadecimal digits")
	}
	return sum, nil
}
