package asset

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// rename finds a free name for an asset whose name is taken.
func (s *Service) rename(ctx context.Context, a core.Actor, in CreateInput, asset *core.Asset, u *core.Upload, try int) error {
	drive, parent, err := s.folder(ctx, a, in, s.clock.Now())
	if err != nil {
		return err
	}
	stem, ext := core.SplitName(core.KindAsset, s.text.NFC(in.Name))
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
			if !a.ByLink() { // a URL must not tell a visitor which names are taken
				s.address(u, name)
			}
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
