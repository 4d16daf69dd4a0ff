package asset

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Download is a signed URL and what it leads to.
type Download struct {
	URL         string
	FileName    string
	ContentType string
	SizeBytes   int64
	ExpiresAt   time.Time
}

// Download returns a URL of the asset's current version, to be saved as a file.
func (s *Service) Download(ctx context.Context, a core.Actor, id core.AssetID) (Download, error) {
	return s.sign(ctx, a, id, false, s.opts.DownloadTTL)
}

// URLInput says which URL somebody wants.
type URLInput struct {
	Inline    bool           // to be shown in place, which only types that cannot run script are
	Rendition core.Rendition // empty: the file itself
	TTL       time.Duration
}

// SignedURL returns a short-lived URL of the asset's current version, or of a
// picture of it: who may download the one may see the other. It returns
// core.ErrNoRendition if there is no such picture.
func (s *Service) SignedURL(ctx context.Context, a core.Actor, id core.AssetID, in URLInput) (Download, error) {
	if in.Rendition == "" {
		return s.sign(ctx, a, id, in.Inline, in.TTL)
	}
	f, err := s.downloadable(ctx, a, id)
	if err != nil {
		return Download{}, err
	}
	var derived *core.Derived
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		derived, err = tx.Derived.Get(ctx, f.OrgID, id, f.Version.Number)
		return err
	})
	if errors.Is(err, core.ErrNotFound) {
		err = core.ErrNoRendition.With("rendition", string(in.Rendition))
	}
	if err != nil {
		return Download{}, err
	}
	p, err := derived.Picture(in.Rendition)
	if err != nil {
		return Download{}, err
	}
	stem, _ := core.SplitName(core.KindAsset, f.Asset.Name)
	d := Download{
		FileName:    stem + "." + string(in.Rendition) + "." + strings.TrimPrefix(strings.Replace(p.ContentType, "jpeg", "jpg", 1), "image/"),
		ContentType: p.ContentType, SizeBytes: p.SizeBytes, ExpiresAt: s.clock.Now().Add(in.TTL),
	}
	r, err := app.SignPicture(ctx, s.blobs, p, core.ContentDisposition(in.Inline, d.FileName), d.ExpiresAt)
	d.URL = r.URL
	return d, err
}

// downloadable returns an asset that the actor may download.
func (s *Service) downloadable(ctx context.Context, a core.Actor, id core.AssetID) (core.AssetFacts, error) {
	f, err := s.hot.ForDownload(ctx, a, id)
	if err != nil {
		return f, err
	}
	return f, core.CanDownload(f, s.clock.Now())
}

func (s *Service) sign(ctx context.Context, a core.Actor, id core.AssetID, inline bool, ttl time.Duration) (Download, error) {
	f, err := s.downloadable(ctx, a, id)
	if err != nil {
		return Download{}, err
	}
	v := f.Version
	d := Download{FileName: f.Asset.Name, ContentType: v.ContentType, SizeBytes: v.SizeBytes, ExpiresAt: s.clock.Now().Add(ttl)}
	r, err := s.blobs.SignGet(ctx, ports.GetSpec{
		Key: v.BlobKey, ContentType: v.ContentType, Expires: d.ExpiresAt,
		Disposition: core.ContentDisposition(inline && core.InlineSafe(v.ContentType), d.FileName),
	})
	d.URL = r.URL
	return d, err
}

// Versions returns the asset's versions with a number below before (0: all),
// newest first.
func (s *Service) Versions(ctx context.Context, a core.Actor, id core.AssetID, before, limit int) (core.File, []core.Version, error) {
	f, err := s.hot.ForAsset(ctx, a, id)
	if err != nil {
		return core.File{}, nil, err
	}
	if err := core.CanInDrive(f.DriveFacts, core.DriveViewer); err != nil {
		return core.File{}, nil, err
	}
	var versions []core.Version
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		versions, err = tx.Versions.List(ctx, f.OrgID, id, before, limit)
		return err
	})
	return f.Asset.File, versions, err
}

// RestoreVersion makes the content of an old version current again.
func (s *Service) RestoreVersion(ctx context.Context, a core.Actor, id core.AssetID, number int) (*core.Asset, error) {
	f, err := s.hot.ForAsset(ctx, a, id)
	if err != nil {
		return nil, err
	}
	if err := core.CanChangeAsset(f); err != nil {
		return nil, err
	}
	return s.change(ctx, f, 0, func(tx ports.Tx, asset *core.Asset, now time.Time) error {
		v, err := tx.Versions.Get(ctx, f.OrgID, id, number)
		if err != nil {
			return err
		}
		if f.InTrash || asset.Trashed() {
			return core.ErrAssetTrashed
		}
		if asset.Current == v.Number {
			return nil
		}
		changes := map[string]core.Change{"current_version": {From: asset.Current, To: v.Number}}
		asset.Restore(v, now)
		asset.Preview = nil
		derived, err := tx.Derived.Get(ctx, f.OrgID, id, number)
		if err == nil {
			asset.Preview = &derived.Preview
		} else if !errors.Is(err, core.ErrNotFound) {
			return err
		}
		return s.record(ctx, tx, authorOf(f.DriveFacts, a), "asset.version_restored", id, changes, now)
	})
}
