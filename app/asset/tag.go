package asset

import (
	"context"
	"slices"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Tag adds tags to an asset, and removes others from it.
func (s *Service) Tag(ctx context.Context, a core.Actor, id core.AssetID, add, remove []string) (*core.Asset, error) {
	f, err := s.facts(ctx, a, core.OrgID{}, id)
	if err != nil {
		return nil, err
	}
	if err := core.CanChangeAsset(f); err != nil {
		return nil, err
	}
	more, err := core.CleanMetadata("body.add_tags", core.Metadata{Tags: add}, s.text.NFC)
	if err != nil {
		return nil, err
	}
	less, err := core.CleanMetadata("body.remove_tags", core.Metadata{Tags: remove}, s.text.NFC)
	if err != nil {
		return nil, err
	}
	return s.change(ctx, f, 0, func(tx ports.Tx, asset *core.Asset, now time.Time) error {
		if f.InTrash || asset.Trashed() {
			return core.ErrAssetTrashed
		}
		before, after := asset.Metadata, asset.Metadata
		after.Tags = slices.DeleteFunc(append(slices.Clone(before.Tags), more.Tags...), func(tag string) bool {
			return slices.Contains(less.Tags, tag)
		})
		if after, err = core.CleanMetadata("body.add_tags", after, s.text.NFC); err != nil || slices.Equal(before.Tags, after.Tags) {
			return err
		}
		asset.Describe(after, now)
		changes := map[string]core.Change{"metadata": {From: shown(before), To: shown(after)}}
		return s.record(ctx, tx, authorOf(f.DriveFacts, a), "asset.updated", id, changes, now)
	})
}
