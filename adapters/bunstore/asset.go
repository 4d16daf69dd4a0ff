package bunstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type assets struct{ repository }

func (r assets) Get(ctx context.Context, org core.OrgID, id core.AssetID) (*core.Asset, error) {
	return r.one(ctx, "n.org_id = ? AND n.id = ?", org, id)
}

func (r assets) ByName(ctx context.Context, org core.OrgID, parent core.NodeID, name string) (*core.Asset, error) {
	return r.one(ctx, "n.org_id = ? AND n.parent_id = ? AND n.name = ? AND n.trashed_at IS NULL", org, parent, name)
}

func (r assets) one(ctx context.Context, where string, args ...any) (*core.Asset, error) {
	var row nodeRow
	if err := withHash(r.NewSelect().Model(&row)).Where("n.kind = 'asset'").Where(where, args...).Scan(ctx); err != nil {
		return nil, translate("get asset", err)
	}
	return row.asset(), nil
}

func (r assets) List(ctx context.Context, q ports.AssetQuery) ([]*core.Asset, error) {
	var rows []nodeRow
	sel := withHash(r.NewSelect().Model(&rows)).
		Join("JOIN drives AS d ON d.id = n.drive_id").
		Join("JOIN accounts AS ac ON ac.id = ? AND ac.org_id = n.org_id", q.AccountID).
		Join("LEFT JOIN drive_members AS m ON m.drive_id = d.id AND m.account_id = ac.id").
		Where("n.org_id = ? AND n.kind = 'asset' AND n.trashed_at IS NULL", q.OrgID).
		Where(standing + " IN (" + readable + ")").
		OrderExpr("n.id DESC").Limit(int64(q.Limit))
	if !q.Before.IsZero() {
		sel = sel.Where("n.id < ?", q.Before)
	}
	if q.Status != "" {
		sel = sel.Where("n.status = ?", q.Status)
	}
	if q.Type != "" {
		sel = sel.Where("(n.content_type = ? OR substr(n.content_type, 1, length(?) + 1) IN (? || '/', ? || ';'))", q.Type, q.Type, q.Type, q.Type)
	}
	if q.Tag != "" {
		sel = sel.Where(r.dialect.hasTag, r.dialect.tagArg(q.Tag))
	}
	if q.Text != "" {
		sel = sel.Where(`n.name_folded LIKE ? ESCAPE '\'`, likePattern(core.Fold(q.Text)))
	}
	if err := sel.Scan(ctx); err != nil {
		return nil, translate("list assets", err)
	}
	return toAssets(rows), nil
}

func (r assets) Save(ctx context.Context, a *core.Asset) error {
	res, err := r.NewUpdate().Model(newNodeRow(&a.Node, &a.File)).
		// What reservations count is theirs; the place in the tree is Nodes'.
		ExcludeColumn("newest_version", "drive_id", "org_id", "parent_id", "kind", "created_by", "created_at").
		Where("n.org_id = ? AND n.id = ? AND n.version = ?", a.OrgID, a.ID, a.Node.Version-1).Exec(ctx)
	return saved("save asset", res, err)
}

func (r assets) Lock(ctx context.Context, org core.OrgID, id core.AssetID) (*core.Asset, error) {
	if err := lockForRelease(ctx, r.repository, org, id); err != nil {
		return nil, err
	}
	return r.Get(ctx, org, id)
}

func (r assets) Purge(ctx context.Context, org core.OrgID, id core.AssetID) (ports.Remains, error) {
	if err := lockForRelease(ctx, r.repository, org, id); err != nil {
		return ports.Remains{}, err
	}
	var versions []versionRow
	if err := r.NewSelect().Model(&versions).Where("v.asset_id = ?", id).Scan(ctx); err != nil {
		return ports.Remains{}, translate("purge asset", err)
	}
	uploads, err := uploads(r).Of(ctx, org, id)
	if err != nil {
		return ports.Remains{}, err
	}
	left, freed := remainsOf(versions, uploads)
	return left, removeAsset(ctx, r.repository, id, freed)
}

// remainsOf returns what versions and uploads leave in the blob store, and how
// many bytes they use.
func remainsOf(versions []versionRow, uploads []*core.Upload) (left ports.Remains, bytes int64) {
	for i := range versions {
		bytes += versions[i].SizeBytes
		left.BlobKeys = append(left.BlobKeys, versions[i].BlobKey)
	}
	for _, u := range uploads {
		bytes += u.SizeBytes
		left.BlobKeys = append(left.BlobKeys, u.Keys()...)
		if u.StoreID != "" {
			left.Multiparts = append(left.Multiparts, ports.Multipart{Key: u.BlobKey, UploadID: u.StoreID, StartedAt: u.CreatedAt})
		}
	}
	return left, bytes
}

// lockForRelease locks, in the order in which reservations lock them, what
// giving back quota changes, and fails if the asset is gone.
func lockForRelease(ctx context.Context, r repository, org core.OrgID, id core.AssetID) error {
	var at struct {
		DriveID core.DriveID `bun:"drive_id"`
	}
	err := r.NewRaw(`SELECT drive_id FROM nodes WHERE org_id = ? AND id = ? AND kind = 'asset'`, org, id).Scan(ctx, &at)
	if err != nil {
		return translate("lock asset", err)
	}
	for _, lock := range []struct {
		table, key string
		id         any
	}{{"org_usage", "org_id", org}, {"drives", "id", at.DriveID}, {"nodes", "id", id}} {
		if err := r.lock(ctx, lock.table, lock.key, lock.id); err != nil {
			return err
		}
	}
	return nil
}

// removeAsset removes a locked asset and gives back freed bytes and one asset.
func removeAsset(ctx context.Context, r repository, id core.AssetID, freed int64) error {
	if err := release(ctx, r, id, freed, 1); err != nil {
		return err
	}
	for _, q := range []string{
		`DELETE FROM uploads WHERE asset_id = ?`, `DELETE FROM asset_versions WHERE asset_id = ?`, `DELETE FROM nodes WHERE id = ?`,
	} {
		if _, err := r.NewRaw(q, id).Exec(ctx); err != nil {
			return translate("remove asset", err)
		}
	}
	return nil
}

// release gives back what an asset has used, to its org and its drive.
func release(ctx context.Context, r repository, id core.AssetID, bytes int64, assets int) error {
	for _, q := range []*bun.RawQuery{
		r.NewRaw(`UPDATE org_usage SET used_bytes = used_bytes - ?, assets_count = assets_count - ?
			WHERE org_id = (SELECT org_id FROM nodes WHERE id = ?)`, bytes, assets, id),
		r.NewRaw(`UPDATE drives SET used_bytes = used_bytes - ? WHERE id = (SELECT drive_id FROM nodes WHERE id = ?)`, bytes, id),
	} {
		if _, err := q.Exec(ctx); err != nil {
			return translate("release quota", err)
		}
	}
	return nil
}

func (r assets) Trashed(ctx context.Context, t time.Time, limit int) ([]*core.Asset, error) {
	var rows []nodeRow
	err := withHash(r.NewSelect().Model(&rows)).Where("n.kind = 'asset' AND n.trashed_at < ?", stamp{t}).
		OrderExpr("n.trashed_at, n.id").Limit(int64(limit)).Scan(ctx)
	return toAssets(rows), translate("list trash", err)
}

func toAssets(rows []nodeRow) []*core.Asset {
	out := make([]*core.Asset, len(rows))
	for i := range rows {
		out[i] = rows[i].asset()
	}
	return out
}

// saved is the result of an optimistic update: no row means that the stored
// version was another, or that there is none.
func saved(op string, res sql.Result, err error) error {
	n, err := affected(op, res, err)
	if err == nil && n == 0 {
		return core.ErrStale
	}
	return err
}

func affected(op string, res sql.Result, err error) (int, error) {
	if err != nil {
		return 0, translate(op, err)
	}
	n, err := res.RowsAffected()
	return int(n), translate(op, err)
}

func nilIfEmpty[S ~[]E, E any](s S) S {
	if len(s) == 0 {
		return nil
	}
	return s
}

// floor is an id as the exclusive lower bound of a page: the zero id, which
// the drivers know as NULL, is below all others.
func floor[T any](id core.ID[T]) string { return id.String() }
