package share

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Face is how the page of a link shows whose it is. It tells nothing of what
// the link leads to, so that who has to show a password first sees it, too.
type Face struct {
	OrgName    string
	Branding   core.Branding // none unless the licence includes it
	Logo       bool          // there is one, see Logo
	WhiteLabel bool          // the licence lets the page not name Coffer
}

// Face returns whose link it is, also of one that has ended. It counts nothing.
func (s *Service) Face(ctx context.Context, v Visit) (Face, error) {
	face, _, err := s.face(ctx, v)
	return face, err
}

func (s *Service) face(ctx context.Context, v Visit) (Face, core.Version, error) {
	var logo core.Version
	at, err := s.arrive(ctx, v, core.AssetID{})
	if err != nil {
		return Face{}, logo, err
	}
	f := Face{OrgName: at.facts.OrgName}
	org, id := at.facts.Link.OrgID, at.facts.LogoAssetID
	err = s.store.View(ctx, func(tx ports.Tx) error {
		license := core.UnlimitedLicense()
		if !s.opts.Unlimited {
			inForce, err := tx.Licenses.InForce(ctx, org, at.now)
			if err != nil {
				return err
			}
			license = inForce.License
		}
		f.WhiteLabel = license.Has(core.FeatureWhiteLabel)
		if !license.Has(core.FeatureBranding) {
			return nil
		}
		f.Branding = at.facts.Branding
		if id.IsZero() {
			return nil
		}
		if logo, err = logoOf(ctx, tx, org, id); err != nil {
			return err
		}
		f.Logo = logo.BlobKey != ""
		return nil
	})
	return f, logo, err
}

// logoOf returns the version of a logo that can be shown; the zero Version of
// one that is gone, in the trash, or no image that is safe to show.
func logoOf(ctx context.Context, tx ports.Tx, org core.OrgID, id core.AssetID) (core.Version, error) {
	a, err := tx.Assets.Get(ctx, org, id)
	if errors.Is(err, core.ErrNotFound) || err == nil && a.Trashed() {
		return core.Version{}, nil
	}
	if err != nil {
		return core.Version{}, err
	}
	t, err := tx.Nodes.Trail(ctx, a.DriveID, id)
	if errors.Is(err, core.ErrNotFound) || err == nil && !t.Live() {
		return core.Version{}, nil
	}
	if err != nil {
		return core.Version{}, err
	}
	current, err := tx.Versions.Current(ctx, org, []core.AssetID{id})
	if v := current[id]; strings.HasPrefix(v.ContentType, "image/") && core.InlineSafe(v.ContentType) {
		return v, err
	}
	return core.Version{}, err
}

// Logo returns a URL of the org's logo, or core.ErrNotFound. It counts nothing.
func (s *Service) Logo(ctx context.Context, v Visit) (Download, error) {
	_, logo, err := s.face(ctx, v)
	if err != nil {
		return Download{}, err
	}
	if logo.BlobKey == "" {
		return Download{}, core.ErrNotFound
	}
	return s.show(ctx, "logo", logo, s.clock.Now())
}

// Preview returns a URL for showing a file at or below the target in place. That
// is part of looking, and counts nothing: so there is none where downloads are
// off or counted, since the bytes are those of the file, nor of types that a
// browser may run.
func (s *Service) Preview(ctx context.Context, v Visit, file core.AssetID) (Download, error) {
	at, err := s.open(ctx, v, core.AccessDownload, file)
	if err != nil {
		return Download{}, err
	}
	name, version, err := s.file(ctx, at, file)
	if err == nil && (!at.facts.Link.AllowsPreview() || !core.InlineSafe(version.ContentType)) {
		err = core.ErrShareNoDownload
	}
	if err != nil {
		return Download{}, s.refuse(ctx, at, core.AccessDownload, file, err)
	}
	return s.show(ctx, name, version, at.now)
}

// show signs a URL for showing a version in place.
func (s *Service) show(ctx context.Context, name string, v core.Version, now time.Time) (Download, error) {
	d := Download{FileName: name, ContentType: v.ContentType, SizeBytes: v.SizeBytes, ExpiresAt: now.Add(s.opts.DownloadTTL)}
	r, err := s.blobs.SignGet(ctx, ports.GetSpec{
		Key: v.BlobKey, ContentType: d.ContentType, Expires: d.ExpiresAt, Disposition: core.ContentDisposition(true, name),
	})
	d.URL = r.URL
	return d, err
}
