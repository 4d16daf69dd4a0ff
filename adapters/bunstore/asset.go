package bunstore

import (
	"context"
	"database/sql"
	"slices"
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

func (r assets) Many(ctx context.Context, org core.OrgID, ids []core.AssetID) (map[core.AssetID]*core.Asset, error) {
	out := make(map[core.AssetID]*core.Asset, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	var rows []nodeRow
	err := withHash(r.NewSelect().Model(&rows)).Where("n.id IN (?) AND (n.kind = 'asset') IS TRUE AND "+inOrg, bun.List(ids), org).Scan(ctx)
	for i := range rows {
		out[rows[i].ID] = rows[i].asset()
	}
	return out, translate("get assets", err)
}

func (r assets) List(ctx context.Context, q ports.AssetQuery) ([]*core.Asset, error) {
	trash, err := r.trashOf(ctx, q.OrgID)
	if err != nil {
		return nil, err
	}
	var rows []nodeRow
	sel := withHash(r.NewSelect().Model(&rows)).
		Join("JOIN drives AS d ON d.id = n.drive_id").
		Join("JOIN accounts AS ac ON ac.id = ? AND ac.org_id = n.org_id", q.AccountID).
		Join("LEFT JOIN drive_members AS m ON m.drive_id = d.id AND m.account_id = ac.id").
		Where("n.org_id = ? AND n.kind = 'asset' AND n.trashed_at IS NULL AND d.deleted_at IS NULL", q.OrgID).
		Where(standing + " IN (" + readable + ")").
		OrderExpr("n.id DESC").Limit(int64(q.Limit))
	if trash {
		sel = sel.Where(notBelowTrashed)
	}
	if !q.Before.IsZero() {
		sel = sel.Where("n.id < ?", q.Before)
	}
	if !q.DriveID.IsZero() {
		sel = sel.Where("n.drive_id = ?", q.DriveID)
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

// trashOf reports whether an org has a folder in the trash. If so, what is
// listed has to be looked at from below.
func (r assets) trashOf(ctx context.Context, org core.OrgID) (trash bool, err error) {
	err = r.NewRaw(`SELECT EXISTS (SELECT 1 FROM drives AS d JOIN nodes AS t ON t.drive_id = d.id AND t.trashed_at IS NOT NULL AND t.kind = 'folder'
		WHERE d.org_id = ?)`, org).Scan(ctx, &trash)
	return trash, translate("find trash", err)
}

// assetColumns are those that Save writes. What reservations count is theirs; the
// place in the tree is Nodes'.
var assetColumns = []string{
	"name", "name_folded", "trashed_at", "purged_at", "version", "updated_at", "status", "content_type", "size_bytes", "current_version", "metadata",
}

func (r assets) Save(ctx context.Context, a *core.Asset) error {
	res, err := r.NewUpdate().Model(newNodeRow(&a.Node, &a.File)).Column(assetColumns...).
		Where("n.org_id = ? AND n.id = ? AND n.version = ?", a.OrgID, a.ID, a.Node.Version-1).Exec(ctx)
	return saved("save asset", res, err)
}

func (r assets) SaveMany(ctx context.Context, as []*core.Asset) error {
	for some := range slices.Chunk(as, plantBatch) {
		rows := make([]*nodeRow, len(some))
		for i, a := range some {
			rows[i] = newNodeRow(&a.Node, &a.File)
		}
		// The rows are there, and locked: none is inserted.
		q := r.NewInsert().Model(&rows).On("CONFLICT (id) DO UPDATE").Where("n.org_id = excluded.org_id AND n.version = excluded.version - 1")
		for _, column := range assetColumns {
			q = q.Set("? = excluded.?", bun.Ident(column), bun.Ident(column))
		}
		res, err := q.Exec(ctx)
		n, err := affected("save assets", res, err)
		if err == nil && n < len(rows) {
			err = core.ErrStale
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r assets) Lock(ctx context.Context, org core.OrgID, id core.AssetID) (*core.Asset, error) {
	if _, err := lockForRelease(ctx, r.repository, org, id); err != nil {
		return nil, err
	}
	return r.Get(ctx, org, id)
}

func (r assets) Purge(ctx context.Context, org core.OrgID, id core.AssetID) (ports.Remains, error) {
	drive, err := lockForRelease(ctx, r.repository, org, id)
	if err != nil {
		return ports.Remains{}, err
	}
	gone := removal{repository: r.repository}
	if err := gone.assets(ctx, []core.AssetID{id}); err != nil {
		return ports.Remains{}, err
	}
	return gone.left, gone.giveBack(ctx, org, drive)
}

// lockForRelease locks, in the order in which reservations lock them, what
// giving back quota changes, and returns the asset's drive, or an error if the
// asset is gone.
func lockForRelease(ctx context.Context, r repository, org core.OrgID, id core.AssetID) (core.DriveID, error) {
	var drive core.DriveID
	// With the usage locked, the asset can no longer pass to another drive.
	if err := (drives{r}).Lock(ctx, org, true); err != nil {
		return drive, err
	}
	err := r.NewRaw(`SELECT drive_id FROM nodes WHERE org_id = ? AND id = ? AND kind = 'asset'`, org, id).Scan(ctx, &drive)
	if err != nil {
		return drive, translate("lock asset", err)
	}
	if err := (drives{r}).Lock(ctx, org, false, drive); err != nil {
		return drive, err
	}
	var found int
	q := r.NewSelect().ColumnExpr("1").TableExpr("nodes").Where("id = ?", id)
	if r.dialect.forUpdate != "" {
		q = q.For(r.dialect.forUpdate)
	}
	return drive, translate("lock asset", q.Scan(ctx, &found))
}

func (r assets) Trashed(ctx context.Context, t time.Time, limit int) ([]*core.Asset, error) {
	var rows []nodeRow
	err := withHash(r.NewSelect().Model(&rows)).Where("n.kind = 'asset' AND n.trashed_at < ? AND n.purged_at IS NULL", stamp{t}).
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
