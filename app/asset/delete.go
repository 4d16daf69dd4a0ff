package asset

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Delete moves an asset to the trash, or, if permanent, removes it with all
// its versions and gives back what they used. ifMatch is the version the
// client has seen, 0 for any. An asset that never had bytes has nothing to
// restore and goes at once.
func (s *Service) Delete(ctx context.Context, a core.Actor, org core.OrgID, id core.AssetID, permanent bool, ifMatch int64) error {
	f, err := s.facts(ctx, a, org, id)
	if err != nil {
		return err
	}
	if err := core.CanDeleteAsset(f); err != nil {
		return err
	}
	if permanent || f.Asset.Status == core.AssetPending {
		if ifMatch != 0 && ifMatch != f.Asset.Node.Version {
			return core.ErrStale
		}
		return s.purge(ctx, f.OrgID, id)
	}
	_, err = s.change(ctx, f.OrgID, id, ifMatch, func(asset *core.Asset, now time.Time) error {
		asset.Trash(now)
		return nil
	})
	return err
}

// purge removes the rows first and the bytes after them, so that no row ever
// points at bytes that are gone.
func (s *Service) purge(ctx context.Context, org core.OrgID, id core.AssetID) error {
	return s.store.Update(ctx, func(tx ports.Tx) error {
		remains, err := tx.Assets.Purge(ctx, org, id)
		if err != nil {
			return err
		}
		return tx.Jobs.Enqueue(ctx, RemoveBlobs{Keys: remains.BlobKeys, Multiparts: remains.Multiparts})
	})
}
