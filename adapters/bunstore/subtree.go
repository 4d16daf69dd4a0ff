package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type subtrees struct{ repository }

// What is at and below a node, level by level: the databases walk no further
// than somebody reads. The arguments are the node and, with downIn, its drive;
// between from and end stands what else has to be true of a child c.
const (
	downFrom = `WITH RECURSIVE down (id, created_by, step) AS (SELECT id, created_by, 0 FROM nodes WHERE id = ?`
	downIn   = downFrom + ` AND drive_id = ?`
	downTo   = ` UNION ALL
		SELECT c.id, c.created_by, down.step + 1 FROM down JOIN nodes AS c ON c.parent_id = down.id WHERE down.step < 200`
	downEnd = `) `
)

func (r subtrees) Height(ctx context.Context, drive core.DriveID, id core.NodeID) (int, error) {
	var height, found int
	err := r.NewRaw(downIn+downTo+` AND c.kind = 'folder'`+downEnd+`SELECT coalesce(max(step), 0), count(*) FROM down`, id, drive).
		Scan(ctx, &height, &found)
	if err == nil && found == 0 {
		err = core.ErrNotFound
	}
	return height, translate("height", err)
}

func (r subtrees) Mixed(ctx context.Context, drive core.DriveID, id core.NodeID, by core.AccountID, limit int) (bool, error) {
	var others, looked int
	err := r.NewRaw(downIn+downTo+` AND c.purged_at IS NULL`+downEnd+`
		SELECT coalesce(sum(CASE WHEN step > 0 AND (created_by IS NULL OR created_by <> ?) THEN 1 ELSE 0 END), 0), count(*)
		FROM (SELECT created_by, step FROM down LIMIT ?) AS part`, id, drive, by, limit+2).Scan(ctx, &others, &looked)
	switch {
	case err != nil:
		return false, translate("mixed", err)
	case others == 0 && looked > limit+1: // the folder itself is one of them
		return false, core.ErrTooManyNodes
	}
	return others > 0, nil
}

func (r subtrees) Entries(ctx context.Context, drive core.DriveID, id core.NodeID, limit int) ([]ports.Entry, error) {
	var rows []nodeRow
	err := r.NewRaw(downIn+downTo+` AND c.trashed_at IS NULL`+downEnd+`
		SELECT n.*, cv.sha256 FROM (SELECT id, step FROM down LIMIT ?) AS part JOIN nodes AS n ON n.id = part.id
		LEFT JOIN asset_versions AS cv ON cv.asset_id = n.id AND cv.number = n.current_version
		ORDER BY part.step, n.parent_id, n.name`, id, drive, limit+1).Scan(ctx, &rows)
	switch {
	case err != nil:
		return nil, translate("list subtree", err)
	case len(rows) == 0:
		return nil, core.ErrNotFound
	case len(rows) > limit:
		return nil, core.ErrTooManyNodes
	}
	return toEntries(rows), nil
}

func (r subtrees) Transfer(ctx context.Context, org core.OrgID, n *core.Node, to core.DriveID, limit int) error {
	var count int
	err := r.NewRaw(downIn+downTo+downEnd+`SELECT count(*) FROM (SELECT id FROM down LIMIT ?) AS part`, n.ID, n.DriveID, limit+1).Scan(ctx, &count)
	if err != nil {
		return translate("transfer", err)
	}
	if count > limit {
		return core.ErrTooManyNodes
	}
	err = r.NewRaw(`SELECT count(*) FROM nodes WHERE org_id = ? AND drive_id = ? AND id = ? AND version = ?`, org, n.DriveID, n.ID, n.Version-1).
		Scan(ctx, &count)
	if err != nil {
		return translate("transfer", err)
	}
	if count == 0 {
		return core.ErrStale
	}
	if err := r.carry(ctx, org, n, to); err != nil {
		return err
	}
	n.DriveID = to
	return nil
}

// carry takes a node and what is below it to another drive, with what it uses.
// All of it goes in one statement: no node is in another drive than its parent.
func (r subtrees) carry(ctx context.Context, org core.OrgID, n *core.Node, to core.DriveID) error {
	var bytes int64
	err := r.NewRaw(downFrom+downTo+downEnd+`SELECT
		coalesce((SELECT sum(v.size_bytes) FROM down JOIN asset_versions AS v ON v.asset_id = down.id), 0) +
		coalesce((SELECT sum(up.size_bytes) FROM down JOIN uploads AS up ON up.asset_id = down.id), 0)`, n.ID).Scan(ctx, &bytes)
	if err != nil {
		return translate("transfer", err)
	}
	res, err := r.NewRaw(`UPDATE drives SET used_bytes = used_bytes + ?
		WHERE org_id = ? AND id = ? AND (quota_bytes IS NULL OR used_bytes + ? <= quota_bytes)`, bytes, org, to, bytes).Exec(ctx)
	if granted, err := affected("transfer", res, err); err != nil || granted == 0 {
		return r.overQuota(ctx, org, to, bytes, err)
	}
	for _, q := range []*bun.RawQuery{
		r.NewRaw(`UPDATE drives SET used_bytes = used_bytes - ? WHERE id = ?`, bytes, n.DriveID),
		r.NewRaw(`UPDATE uploads SET drive_id = ? WHERE asset_id IN (`+downFrom+downTo+downEnd+`SELECT id FROM down)`, to, n.ID),
		r.NewRaw(`UPDATE nodes SET drive_id = ?, parent_id = CASE WHEN id = ? THEN ? ELSE parent_id END, name = CASE WHEN id = ? THEN ? ELSE name END,
				name_folded = CASE WHEN id = ? THEN ? ELSE name_folded END, version = CASE WHEN id = ? THEN ? ELSE version END,
				updated_at = CASE WHEN id = ? THEN ? ELSE updated_at END
			WHERE id IN (`+downFrom+downTo+downEnd+`SELECT id FROM down)`,
			to, n.ID, n.ParentID, n.ID, n.Name, n.ID, core.Fold(n.Name), n.ID, n.Version, n.ID, stamp{n.UpdatedAt}, n.ID),
	} {
		if _, err := q.Exec(ctx); err != nil {
			return translate("transfer", err)
		}
	}
	return nil
}

// overQuota says what is in the way of so many bytes in a drive.
func (r subtrees) overQuota(ctx context.Context, org core.OrgID, id core.DriveID, bytes int64, err error) error {
	if err != nil {
		return err
	}
	d, err := drives(r).Get(ctx, org, id)
	if err != nil {
		return err
	}
	return core.CheckLimit("quota_bytes", d.QuotaBytes, d.UsedBytes, bytes)
}

func (r subtrees) Purging(ctx context.Context, limit int) ([]core.Node, error) {
	var rows []nodeRow
	err := r.NewSelect().Model(&rows).Where("n.purged_at IS NOT NULL").OrderExpr("n.purged_at, n.id").Limit(int64(limit)).Scan(ctx)
	return toNodes(rows), translate("list purged", err)
}

func (r subtrees) Reap(ctx context.Context, drive core.DriveID, id core.NodeID, limit int) (ports.Remains, bool, error) {
	var top nodeRow
	err := r.NewSelect().Model(&top).Where("n.id = ? AND n.drive_id = ?", id, drive).Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) { // another worker was faster
		return ports.Remains{}, true, nil
	}
	if err != nil {
		return ports.Remains{}, false, translate("reap", err)
	}
	if top.PurgedAt.IsZero() && !top.ParentID.IsZero() { // a root goes with its drive, which hides it
		return ports.Remains{}, false, fmt.Errorf("reap: node %s is not purged", id)
	}
	w := reaper{removal: removal{repository: r.repository}, room: limit}
	if top.Kind == core.KindAsset {
		err = w.assets(ctx, []core.AssetID{id})
	} else {
		err = w.run(ctx, id)
	}
	if err != nil {
		return ports.Remains{}, false, err
	}
	return w.left, w.done || top.Kind == core.KindAsset, w.giveBack(ctx, top.OrgID, drive)
}
