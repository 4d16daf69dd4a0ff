package asset

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

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
	if in.Once != nil { // an answer is replayed only to those who may still have it
		f, err := s.hot.ForOrg(ctx, a, in.OrgID)
		if err != nil {
			return nil, err
		}
		if err := core.CanInOrg(f, core.ViewOrg); err != nil {
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

// rename finds a free name for an asset whose name is taken.
func (s *Service) rename(ctx context.Context, a core.Actor, in CreateInput, asset *core.Asset, u *core.Upload, try int) error {
	drive, parent, err := s.folder(ctx, a, in, s.clock.Now())
	if err != nil {
		return err
	}
	stem, ext := splitName(in.Name, s.text.NFC)
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
	// Who was not fast enough the first time leaves others a choice.
	skip := rand.IntN(1 + try) //nolint:gosec // spreads those who race; nothing secret
	for i := 1; ; i++ {
		if name := fmt.Sprintf("%s (%d)%s", stem, i, ext); !used[name] {
			if skip--; skip >= 0 {
				continue
			}
			asset.Name = name
			s.address(u, name)
			return nil
		}
	}
}

// splitName divides a clean name into what comes before the number of a copy
// and what comes after it, leaving room for the number.
func splitName(raw string, nfc core.NFC) (stem, ext string) {
	const (
		room   = len(" (999999)")
		maxExt = 32
	)
	name := nfc(raw)
	ext = path.Ext(name)
	if ext == name || len(ext) > maxExt { // ".bashrc", or no extension at all
		ext = ""
	}
	stem = strings.TrimSuffix(name, ext)
	for len(stem)+len(ext)+room > core.MaxNameBytes {
		_, last := utf8.DecodeLastRuneInString(stem)
		stem = stem[:len(stem)-last]
	}
	return strings.TrimRightFunc(stem, unicode.IsSpace), ext
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
