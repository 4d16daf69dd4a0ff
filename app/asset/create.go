package asset

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"strings"
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
	DriveID     core.DriveID // zero: the org's default drive
	ParentID    core.NodeID  // zero: the drive's root
	Name        string
	ContentType string
	SizeBytes   int64
	SHA256      string // hex; empty: not declared
	Metadata    core.Metadata
	OnConflict  OnConflict
	Once        *app.Once
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
	if err := in.Once.Find(ctx, s.store, s.secrets, now); err != nil {
		return nil, err
	}
	// What costs more than a statement is asked about first: a folder's place
	// in the tree, an upload that the blob store has to begin.
	if !in.ParentID.IsZero() || upload.Strategy == core.UploadMultipart {
		if err := s.ask(ctx, a, in, now); err != nil {
			return nil, err
		}
	}
	for range attempts {
		created, err := s.place(ctx, a, in, asset, upload, now)
		if !errors.Is(err, core.ErrNameTaken) {
			return created, err
		}
		switch in.OnConflict {
		case ConflictRename:
			err = s.rename(ctx, a, in, asset, upload, now)
		case ConflictVersion:
			created, err = s.another(ctx, a, in, asset, upload, now)
			if !errors.Is(err, core.ErrNotFound) && !errors.Is(err, core.ErrStale) {
				return created, err
			}
			err = nil // it went away, or another version was begun: try again
		case ConflictFail:
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, core.ErrNameTaken
}

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
	s.address(upload, name)
	return asset, upload, nil
}

// address gives the upload its keys.
func (s *Service) address(u *core.Upload, name string) {
	u.BlobKey = core.BlobKey(u.OrgID, u.AssetID, u.Number, name)
	if u.Strategy == core.UploadSingle && !s.blobs.CreateOnly() {
		u.StagingKey = "staging/" + u.ID.String()
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
			if granted, err = s.settle(ctx, tx.Quota, r, asset); err != nil || !granted {
				return err
			}
			return in.Once.Keep(ctx, tx, s.secrets, out, r.Now)
		})
	}
	if err == nil && granted {
		return out, nil
	}
	s.forget(ctx, r.Upload)
	if err != nil {
		return nil, err
	}
	return nil, s.refusal(ctx, in, r)
}

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

// rename finds a free name for an asset whose name is taken.
func (s *Service) rename(ctx context.Context, a core.Actor, in CreateInput, asset *core.Asset, u *core.Upload, now time.Time) error {
	drive, parent, err := s.folder(ctx, a, in, now)
	if err != nil {
		return err
	}
	ext := path.Ext(asset.Name)
	stem := strings.TrimSuffix(asset.Name, ext)
	const room = len(" (999999)")
	for len(stem)+len(ext)+room > core.MaxNameBytes && len(stem) > 0 {
		stem = strings.ToValidUTF8(stem[:len(stem)-1], "")
	}
	var taken []string
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		taken, err = tx.Nodes.NamesLike(ctx, drive, parent, stem+" (", maxNames)
		return err
	})
	if err != nil {
		return err
	}
	used := make(map[string]bool, len(taken))
	for _, name := range taken {
		used[name] = true
	}
	for i := 1; ; i++ {
		if name := fmt.Sprintf("%s (%d)%s", stem, i, ext); !used[name] {
			asset.Name = name
			s.address(u, name)
			return nil
		}
	}
}

// maxNames bounds what rename reads of a folder full of "a (1).txt".
const maxNames = 10_000

// another makes the upload a version of the asset that has the name.
func (s *Service) another(
	ctx context.Context, a core.Actor, in CreateInput, draft *core.Asset, u *core.Upload, now time.Time,
) (*Created, error) {
	_, parent, err := s.folder(ctx, a, in, now)
	if err != nil {
		return nil, err
	}
	var asset *core.Asset
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		asset, err = tx.Assets.ByName(ctx, in.OrgID, parent, draft.Name)
		return err
	})
	if err != nil {
		return nil, err
	}
	version := *u
	version.AssetID, version.DriveID, version.Number, version.StoreID = asset.ID, asset.DriveID, asset.Newest+1, ""
	s.address(&version, asset.Name)
	asset.Newest++
	return s.reserve(ctx, in, ports.Reservation{
		Actor: a, Upload: &version, Unlimited: s.opts.Unlimited, Now: now,
	}, asset)
}

// folder returns where the client wants the file, defaults filled in.
func (s *Service) folder(ctx context.Context, a core.Actor, in CreateInput, now time.Time) (core.DriveID, core.NodeID, error) {
	f, err := s.hot.ForUpload(ctx, a, ports.UploadQuery{OrgID: in.OrgID, DriveID: in.DriveID, ParentID: in.ParentID, Now: now})
	if err != nil {
		return core.DriveID{}, core.NodeID{}, err
	}
	if in.ParentID.IsZero() {
		return f.DriveID, core.RootOf(f.DriveID), nil
	}
	return f.DriveID, in.ParentID, nil
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
