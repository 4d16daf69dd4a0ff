package bunstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// removal removes nodes of one drive, which is locked with usage, and counts
// what that frees.
type removal struct {
	repository
	left  ports.Remains
	bytes int64
	count int // assets
}

// assets removes assets with their versions, the marked copies of those, what is
// derived of them, and uploads.
func (r *removal) assets(ctx context.Context, ids []core.AssetID) error {
	if len(ids) == 0 {
		return nil
	}
	in := bun.List(ids)
	var versions []versionRow
	err := r.NewSelect().Model(&versions).Where("v.asset_id IN (?)", in).OrderExpr("v.asset_id, v.number").Scan(ctx)
	if err != nil {
		return translate("remove assets", err)
	}
	for i := range versions {
		r.bytes += versions[i].SizeBytes
		r.left.BlobKeys = append(r.left.BlobKeys, versions[i].BlobKey)
	}
	ups, err := uploads{r.repository}.list(ctx, r.NewSelect().Where("up.asset_id IN (?)", in).OrderExpr("up.asset_id, up.number DESC"))
	if err != nil {
		return err
	}
	for _, u := range ups {
		r.bytes += u.SizeBytes
		r.left.BlobKeys = append(r.left.BlobKeys, u.Keys()...)
		if u.SourceKey != "" { // the job sees whether anybody still needs it
			r.left.BlobKeys = append(r.left.BlobKeys, u.SourceKey)
		}
		if u.StoreID != "" {
			r.left.Multiparts = append(r.left.Multiparts, ports.Multipart{Key: u.BlobKey, UploadID: u.StoreID, StartedAt: u.CreatedAt})
		}
	}
	var marked []string
	if err := r.NewRaw(`DELETE FROM marked_copies WHERE asset_id IN (?) RETURNING blob_key`, in).Scan(ctx, &marked); err != nil {
		return translate("remove assets", err)
	}
	pictures, err := derived{r.repository}.removeOf(ctx, ids)
	if err != nil {
		return err
	}
	r.left.BlobKeys = append(append(r.left.BlobKeys, marked...), pictures...)
	r.count += len(ids)
	for _, q := range []string{
		`DELETE FROM uploads WHERE asset_id IN (?)`, `DELETE FROM asset_versions WHERE asset_id IN (?)`, `DELETE FROM nodes WHERE id IN (?)`,
	} {
		_, err := r.NewRaw(q, in).Exec(ctx)
		if err = translate("remove assets", err); errors.Is(err, errReference) {
			return core.ErrDatasetUses // since a moment ago
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// giveBack subtracts what has been removed from what the org and the drive use.
func (r *removal) giveBack(ctx context.Context, org core.OrgID, drive core.DriveID) error {
	if r.bytes == 0 && r.count == 0 {
		return nil
	}
	for _, q := range []*bun.RawQuery{
		r.NewRaw(`UPDATE org_usage SET used_bytes = used_bytes - ?, assets_count = assets_count - ? WHERE org_id = ?`, r.bytes, r.count, org),
		r.NewRaw(`UPDATE drives SET used_bytes = used_bytes - ? WHERE id = ?`, r.bytes, drive),
	} {
		if _, err := q.Exec(ctx); err != nil {
			return translate("give back quota", err)
		}
	}
	return nil
}

// reaper removes a tree from its leaves up, as many nodes as there is room for.
type reaper struct {
	removal
	room int
	done bool
}

// run goes down with sets of folders, each the folders in those of the set
// before, until none of the set has folders in it; it removes that set and
// goes back up to the one before. So each step is a few statements by index,
// however wide or deep the tree is.
func (r *reaper) run(ctx context.Context, top core.NodeID) error {
	path := [][]core.NodeID{{top}}
	for len(path) > 0 && r.room > 0 {
		set := path[len(path)-1]
		inside, err := r.children(ctx, set, core.KindFolder)
		switch {
		case err != nil:
			return err
		case len(inside) > 0 && len(path) > maxTrail:
			return fmt.Errorf("reap: the tree below %s is deeper than trees can be", top)
		case len(inside) > 0:
			path = append(path, inside)
			continue
		}
		empty, err := r.remove(ctx, set)
		if err != nil || !empty {
			return err
		}
		path = path[:len(path)-1]
	}
	r.done = len(path) == 0
	return nil
}

// children returns nodes of a kind in any of the folders, as many as there is room for.
func (r *reaper) children(ctx context.Context, folders []core.NodeID, kind core.NodeKind) (ids []core.NodeID, err error) {
	err = r.NewRaw(`SELECT id FROM nodes WHERE parent_id IN (?) AND kind = ? LIMIT ?`, bun.List(folders), kind, r.room).Scan(ctx, &ids)
	return ids, translate("reap", err)
}

// remove removes folders that hold only assets, with those. It returns false
// if there was not the room for all.
func (r *reaper) remove(ctx context.Context, folders []core.NodeID) (bool, error) {
	ids, err := r.children(ctx, folders, core.KindAsset)
	if err != nil {
		return false, err
	}
	if err := r.assets(ctx, ids); err != nil {
		return false, err
	}
	r.room -= len(ids)
	if r.room == 0 && len(ids) > 0 { // there may be more
		return false, nil
	}
	last := min(r.room, len(folders))
	if _, err := r.NewRaw(`DELETE FROM nodes WHERE id IN (?)`, bun.List(folders[:last])).Exec(ctx); err != nil {
		return false, translate("reap", err)
	}
	r.room -= last
	return last == len(folders), nil
}
