package bunstore

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type purges struct{ repository }

func (r purges) Due(ctx context.Context, t time.Time, after core.OrgID, limit int) (ids []core.OrgID, err error) {
	err = r.NewRaw(`SELECT id FROM orgs WHERE deleted_at IS NOT NULL AND (deleted_at <= ? OR purging_at IS NOT NULL) AND id > ?
		ORDER BY id LIMIT ?`, stamp{t}, floor(after), limit).Scan(ctx, &ids)
	return ids, translate("orgs to purge", err)
}

func (r purges) Lock(ctx context.Context, org core.OrgID) (*core.Org, error) {
	if err := r.lock(ctx, "orgs", "id", org); err != nil {
		return nil, err
	}
	return orgs(r).Get(ctx, org)
}

// ofOrg are the tables that have rows of an org, in the order in which they
// can be emptied once its drives are gone, with their keys. Tables of which a
// foreign key takes care are not among them.
var ofOrg = []struct{ table, key string }{
	{"tickets", "hash"}, {"accounts", "id"}, {"org_licenses", "id"}, {"audit_log", "id"},
}

// Step takes leaves of the tree first, so that no folder goes before what is
// in it; then the drives, then what else the org has.
func (r purges) Step(ctx context.Context, org core.OrgID, limit int) (left ports.Remains, done bool, err error) {
	if err := r.lock(ctx, "org_usage", "org_id", org); err != nil {
		return left, false, err
	}
	var drive core.DriveID
	err = r.NewRaw(`SELECT id FROM drives WHERE org_id = ? ORDER BY id LIMIT 1`, org).Scan(ctx, &drive)
	if err = translate("purge org", err); err == nil {
		left, err = r.pruneDrive(ctx, org, drive, limit)
		return left, false, err
	}
	if !errors.Is(err, core.ErrNotFound) {
		return left, false, err
	}
	for _, t := range ofOrg {
		res, err := r.NewRaw(`DELETE FROM ? WHERE ? IN (SELECT ? FROM ? WHERE org_id = ? LIMIT ?)`,
			bun.Ident(t.table), bun.Ident(t.key), bun.Ident(t.key), bun.Ident(t.table), org, limit).Exec(ctx)
		if n, err := affected("purge "+t.table, res, err); err != nil || n == limit {
			return left, false, err
		}
	}
	_, err = r.NewRaw(`DELETE FROM orgs WHERE id = ?`, org).Exec(ctx)
	return left, err == nil, translate("purge org", err)
}

// pruneDrive removes leaves of the drive's tree, or the drive if only its root
// is left. The newest nodes come first: they rarely have others below them.
func (r purges) pruneDrive(ctx context.Context, org core.OrgID, drive core.DriveID, limit int) (left ports.Remains, err error) {
	if err := r.lock(ctx, "drives", "id", drive); err != nil {
		return left, err
	}
	leaves := r.NewSelect().Column("n.id", "n.kind").TableExpr("nodes AS n").
		Where("n.drive_id = ? AND n.parent_id IS NOT NULL", drive).
		Where("NOT EXISTS (SELECT 1 FROM nodes c WHERE c.parent_id = n.id)").OrderExpr("n.id DESC").Limit(int64(limit))
	if r.dialect.forUpdate != "" {
		leaves = leaves.For(r.dialect.forUpdate)
	}
	var rows []struct {
		ID   core.NodeID   `bun:"id"`
		Kind core.NodeKind `bun:"kind"`
	}
	if err := leaves.Scan(ctx, &rows); err != nil {
		return left, translate("purge nodes", err)
	}
	if len(rows) == 0 {
		_, err := r.NewRaw(`DELETE FROM drives WHERE id = ?`, drive).Exec(ctx) // its root and its members go with it
		return left, translate("purge drive", err)
	}
	ids, assets := make([]core.NodeID, len(rows)), 0
	for i, row := range rows {
		ids[i] = row.ID
		if row.Kind == core.KindAsset {
			assets++
		}
	}
	left, freed, err := r.remains(ctx, ids)
	if err != nil {
		return left, err
	}
	in := bun.List(ids)
	for _, q := range []*bun.RawQuery{
		r.NewRaw(`UPDATE org_usage SET used_bytes = used_bytes - ?, assets_count = assets_count - ? WHERE org_id = ?`, freed, assets, org),
		r.NewRaw(`UPDATE drives SET used_bytes = used_bytes - ? WHERE id = ?`, freed, drive),
		r.NewRaw(`DELETE FROM uploads WHERE asset_id IN (?)`, in), r.NewRaw(`DELETE FROM asset_versions WHERE asset_id IN (?)`, in),
		r.NewRaw(`DELETE FROM nodes WHERE id IN (?)`, in),
	} {
		if _, err := q.Exec(ctx); err != nil {
			return left, translate("purge nodes", err)
		}
	}
	return left, nil
}

// remains returns what locked nodes leave in the blob store, and what they use.
func (r purges) remains(ctx context.Context, ids []core.NodeID) (left ports.Remains, bytes int64, err error) {
	var versions []versionRow
	if err := r.NewSelect().Model(&versions).Where("v.asset_id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return left, 0, translate("versions to purge", err)
	}
	pending, err := uploads(r).list(ctx, r.NewSelect().Where("up.asset_id IN (?)", bun.List(ids)))
	if err != nil {
		return left, 0, err
	}
	left, bytes = remainsOf(versions, pending)
	return left, bytes, nil
}
