package dataset

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// SignedFile is a signed URL and what it leads to.
type SignedFile struct {
	URL       string
	ExpiresAt time.Time
	File      core.ItemFile
}

// SignFile returns a short-lived URL of the file that an item has in a role: of the
// version that was published, whatever has become of the asset. Each asks anew
// whether the dataset is published, and shown to the actor. inline asks for showing
// it in place, which only types that cannot run script get.
func (s *Service) SignFile(ctx context.Context, a core.Actor, id core.DatasetItemID, role string, inline bool, ttl time.Duration) (SignedFile, error) {
	f, err := s.Access.ForItemFile(ctx, a, id, role)
	if err != nil {
		return SignedFile{}, err
	}
	if err := core.CanFetch(f); err != nil {
		return SignedFile{}, err
	}
	return s.signFile(ctx, a, f, inline, ttl)
}

// SignShown returns a URL of a file that a published version of some dataset shows
// to the actor, likewise: of the latest of those.
func (s *Service) SignShown(ctx context.Context, a core.Actor, id core.AssetID, inline bool, ttl time.Duration) (SignedFile, error) {
	f, err := s.Access.ForShownAsset(ctx, a, id)
	if err != nil {
		return SignedFile{}, err
	}
	if err := core.CanFetch(f); err != nil {
		return SignedFile{}, err
	}
	return s.signFile(ctx, a, f, inline, ttl)
}

func (s *Service) signFile(ctx context.Context, a core.Actor, f core.ItemFileFacts, inline bool, ttl time.Duration) (SignedFile, error) {
	out := SignedFile{File: f.File, ExpiresAt: s.Clock.Now().Add(ttl)}
	r, err := s.Blobs.SignGet(ctx, ports.GetSpec{
		Key: f.Key, ContentType: f.File.ContentType, Expires: out.ExpiresAt,
		Disposition: core.ContentDisposition(inline && core.InlineSafe(f.File.ContentType), f.File.Name),
	})
	if err != nil {
		return SignedFile{}, err
	}
	out.URL = r.URL
	return out, s.note(ctx, f.DatasetFacts, a, core.DatasetAccess{Kind: core.DatasetFile, Number: f.Number, ItemID: f.ItemID, AssetID: f.File.AssetID})
}
