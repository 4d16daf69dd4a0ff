package asset

import (
	"context"
	"errors"

	"github.com/seed-755a8038/coffer/app"
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
	for range attempts {
		err = s.store.Update(ctx, func(tx ports.Tx) error {
			asset, err := tx.Assets.Lock(ctx, f.OrgID, id)
			if err != nil {
				return err
			}
			if ifMatch != 0 && ifMatch != asset.Node.Version {
				return core.ErrStale
			}
			by, now := authorOf(f.DriveFacts, a), s.clock.Now()
			if permanent || asset.Status == core.AssetPending {
				return s.remove(ctx, tx, asset, by)
			}
			if asset.Trashed() {
				return nil
			}
			asset.Trash(now)
			if err := tx.Assets.Save(ctx, asset); err != nil {
				return err
			}
			return s.record(ctx, tx, by, "asset.trashed", id, nil, now)
		})
		if ifMatch != 0 || !errors.Is(err, core.ErrStale) {
			break
		}
	}
	return err
}

// purge removes an asset for good.
func (s *Service) purge(ctx context.Context, org core.OrgID, id core.AssetID) error {
	return s.store.Update(ctx, func(tx ports.Tx) error {
		asset, err := tx.Assets.Lock(ctx, org, id)
		if err != nil {
			return err
		}
		return s.remove(ctx, tx, asset, itself(org))
	})
}

// remove takes the rows first and the bytes after them, so that no row ever
// points at bytes that are gone.
func (s *Service) remove(ctx context.Context, tx ports.Tx, asset *core.Asset, by author) error {
	remains, err := tx.Assets.Purge(ctx, asset.OrgID, asset.ID)
	if err != nil {
		return err
	}
	changes := map[string]core.Change{"name": {From: asset.Name, To: nil}}
	if err := s.record(ctx, tx, by, "asset.purged", asset.ID, changes, s.clock.Now()); err != nil {
		return err
	}
	return app.EnqueueRemoval(ctx, tx, remains)
}
