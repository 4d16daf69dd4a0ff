package group

import (
	"context"
	"errors"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// bulkLocation names a file that is to be added with others.
const bulkLocation = "body.add[%d]"

// Bulk is several changes of what is in a group: what is removed goes first,
// what is added comes to the end, and then what is ordered to the beginning.
type Bulk struct {
	Add, Remove, Order []core.AssetID
}

// ChangeAssets makes all of several changes, or none. It returns what AddAsset
// does.
func (s *Service) ChangeAssets(ctx context.Context, a core.Actor, id core.GroupID, b Bulk) error {
	f, err := s.may(ctx, a, id, core.GroupManageAssets)
	if err != nil {
		return err
	}
	for at, ids := range map[string][]core.AssetID{"body.add": b.Add, "body.remove": b.Remove, "body.order": b.Order} {
		if err := once(at, ids); err != nil {
			return err
		}
	}
	if len(b.Add)+len(b.Remove)+len(b.Order) == 0 {
		return nil
	}
	return s.Store.Update(ctx, func(tx ports.Tx) error {
		g, err := s.opened(ctx, tx, f)
		if err != nil {
			return err
		}
		if err := within("body.remove", tx.GroupAssets.Remove(ctx, id, b.Remove...)); err != nil {
			return err
		}
		if len(b.Add) > 0 {
			if err := s.add(ctx, tx, f, g, core.GroupAssetChange{}, bulkLocation, b.Add...); err != nil {
				return err
			}
		}
		if err := within("body.order", tx.GroupAssets.Order(ctx, id, 0, b.Order...)); err != nil {
			return err
		}
		return s.changed(ctx, tx, by{f.OrgFacts, a}, g, Change{Added: b.Add, Removed: b.Remove, Ordered: len(b.Order) > 0})
	})
}

func once(location string, ids []core.AssetID) error {
	if len(ids) > core.MaxGroupBulk {
		return core.Invalid(location, "has more than 1,000 files")
	}
	seen := make(map[core.AssetID]bool, len(ids))
	for _, id := range ids {
		if seen[id] {
			return core.Invalid(location, "names a file twice")
		}
		seen[id] = true
	}
	return nil
}

// within says where a file was named that is not in the group.
func within(location string, err error) error {
	if errors.Is(err, core.ErrNotFound) {
		return core.Invalid(location, "names a file that is not in the group")
	}
	return err
}
