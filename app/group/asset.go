package group

import (
	"context"
	"fmt"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Asset is a file of a group as it is shown.
type Asset = ports.ListedGroupAsset

// Position is where in a group a page of its files begins.
type Position = ports.GroupPosition

// Assets returns files of a group in its order. What is in the trash, or has no
// bytes, only those see who manage the group's files.
func (s *Service) Assets(ctx context.Context, a core.Actor, id core.GroupID, after Position, limit int) (found []Asset, err error) {
	f, err := s.liveFor(ctx, a, id)
	if err != nil {
		return nil, err
	}
	err = s.Store.View(ctx, func(tx ports.Tx) error {
		g, err := tx.Groups.Get(ctx, f.OrgID, id)
		if err != nil {
			return err
		}
		found, err = tx.GroupAssets.List(ctx, ports.GroupAssetQuery{
			GroupID: id, Order: g.Order, Hidden: f.Standing().Rights().Has(core.GroupManageAssets), After: after, Limit: limit,
		})
		return err
	})
	return found, err
}

// AssetInput says what shall be added to a group.
type AssetInput struct {
	GroupID core.GroupID
	AssetID core.AssetID
	core.GroupAssetChange

	Once *app.Once
}

// AddAsset adds a file that the actor may share to a group. It returns
// core.ErrAlreadyInGroup, the refusals of core.CheckGroupAsset, and errors with
// the code limit_exceeded.
func (s *Service) AddAsset(ctx context.Context, a core.Actor, in AssetInput) (out Asset, err error) {
	f, err := s.may(ctx, a, in.GroupID, core.GroupManageAssets)
	if err != nil {
		return out, err
	}
	c, err := core.CleanGroupAsset(in.GroupAssetChange, s.Text.NFC)
	if err != nil {
		return out, err
	}
	now := s.Clock.Now()
	err = in.Once.Do(ctx, s.Store, s.Secrets, now, func(tx ports.Tx) error {
		g, err := s.opened(ctx, tx, f)
		if err != nil {
			return err
		}
		if c.Section != nil {
			if err := g.CheckSection("body.section", *c.Section); err != nil {
				return err
			}
		}
		if err := s.add(ctx, tx, f, g, c, "body.asset_id", in.AssetID); err != nil {
			return err
		}
		if c.Position != nil {
			if err := tx.GroupAssets.Order(ctx, g.ID, *c.Position, in.AssetID); err != nil {
				return err
			}
		}
		if err := s.changed(ctx, tx, by{f.OrgFacts, a}, g, Change{Added: []core.AssetID{in.AssetID}}); err != nil {
			return err
		}
		if out, err = s.asset(ctx, tx, g, in.AssetID); err != nil {
			return err
		}
		return in.Once.Keep(ctx, tx, s.Secrets, out, now)
	})
	return out, err
}

// opened returns a group to which files may be added: whoever removes files for
// good waits, as the other way round.
func (s *Service) opened(ctx context.Context, tx ports.Tx, f core.GroupFacts) (*core.Group, error) {
	if err := tx.GroupTrees.Lock(ctx, f.OrgID); err != nil {
		return nil, err
	}
	return s.locked(ctx, tx, f, 0)
}

// add adds files that the account may share, each with what c has. location names
// the field of the first; of several it has a %d.
func (s *Service) add(
	ctx context.Context, tx ports.Tx, f core.GroupFacts, g *core.Group, c core.GroupAssetChange, location string, ids ...core.AssetID,
) error {
	candidates, err := tx.GroupAssets.Candidates(ctx, g.OrgID, f.AccountID, ids)
	if err != nil {
		return err
	}
	files := make([]core.GroupAsset, len(ids))
	for i, id := range ids {
		at := location
		if len(ids) > 1 || location == bulkLocation {
			at = fmt.Sprintf(location, i)
		}
		if err := core.CheckGroupAsset(candidates[id], core.Invalid(at, "is no file of this organisation that you may share")); err != nil {
			return err
		}
		files[i] = core.GroupAsset{GroupID: g.ID, OrgID: g.OrgID, AssetID: id, AddedBy: f.AccountID, AddedAt: s.Clock.Now()}
		files[i].Change(c)
	}
	license, err := s.license(ctx, tx, g.OrgID)
	if err != nil {
		return err
	}
	return tx.GroupAssets.Add(ctx, license.Limits.MaxAssetsPerGroup, files...)
}

// asset returns one file of a group.
func (s *Service) asset(ctx context.Context, tx ports.Tx, g *core.Group, id core.AssetID) (Asset, error) {
	found, err := tx.GroupAssets.List(ctx, ports.GroupAssetQuery{GroupID: g.ID, Order: g.Order, AssetID: id, Hidden: true, Limit: 1})
	if err != nil {
		return Asset{}, err
	}
	if len(found) == 0 {
		return Asset{}, core.ErrNotFound
	}
	return found[0], nil
}

// Change is what was done to the files of a group.
type Change struct {
	Added, Removed, Changed []core.AssetID
	Ordered                 bool
}

// changed counts a change of what is in a group as one of the group.
func (s *Service) changed(ctx context.Context, tx ports.Tx, who by, g *core.Group, c Change) error {
	g.Touch(s.Clock.Now())
	if err := tx.Groups.Save(ctx, g); err != nil {
		return err
	}
	changes, data := map[string]core.Change{}, map[string]any{}
	for name, ids := range map[string][]core.AssetID{"added": c.Added, "removed": c.Removed, "changed": c.Changed} {
		list := make([]string, len(ids))
		for i, id := range ids {
			list[i] = id.String()
		}
		if data[name] = list; len(list) > 0 {
			changes[name] = core.Change{To: list}
		}
	}
	if data["ordered"] = c.Ordered; c.Ordered {
		changes["ordered"] = core.Change{To: true}
	}
	return s.did(ctx, tx, who, "group.assets_changed", g, changes, data)
}

// UpdateAsset changes what a file has in a group.
func (s *Service) UpdateAsset(ctx context.Context, a core.Actor, id core.GroupID, asset core.AssetID, c core.GroupAssetChange) (out Asset, err error) {
	f, err := s.may(ctx, a, id, core.GroupManageAssets)
	if err != nil {
		return out, err
	}
	if c, err = core.CleanGroupAsset(c, s.Text.NFC); err != nil {
		return out, err
	}
	err = s.Store.Update(ctx, func(tx ports.Tx) error {
		g, err := s.opened(ctx, tx, f)
		if err != nil {
			return err
		}
		before, err := s.asset(ctx, tx, g, asset)
		if err != nil {
			return err
		}
		if c.Section != nil {
			if err := g.CheckSection("body.section", *c.Section); err != nil {
				return err
			}
		}
		x := before.GroupAsset
		if x.Change(c); x == before.GroupAsset && c.Position == nil {
			out = before
			return nil
		}
		if err := tx.GroupAssets.Save(ctx, x); err != nil {
			return err
		}
		done := Change{Changed: []core.AssetID{asset}}
		if c.Position != nil {
			done.Ordered = true
			if err := tx.GroupAssets.Order(ctx, id, *c.Position, asset); err != nil {
				return err
			}
		}
		if err := s.changed(ctx, tx, by{f.OrgFacts, a}, g, done); err != nil {
			return err
		}
		out, err = s.asset(ctx, tx, g, asset)
		return err
	})
	return out, err
}

// RemoveAsset takes a file out of a group. The file itself stays.
func (s *Service) RemoveAsset(ctx context.Context, a core.Actor, id core.GroupID, asset core.AssetID) error {
	f, err := s.may(ctx, a, id, core.GroupManageAssets)
	if err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx ports.Tx) error {
		g, err := s.locked(ctx, tx, f, 0)
		if err != nil {
			return err
		}
		if err := tx.GroupAssets.Remove(ctx, id, asset); err != nil {
			return err
		}
		return s.changed(ctx, tx, by{f.OrgFacts, a}, g, Change{Removed: []core.AssetID{asset}})
	})
}
