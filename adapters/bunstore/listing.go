package bunstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type listings struct{ repository }

func (r listings) List(ctx context.Context, q ports.NodeQuery) ([]ports.Entry, error) {
	switch q.Sort {
	case ports.SortKind:
		return r.byKind(ctx, q)
	case ports.SortSize:
		return r.byNumber(ctx, q, "n.size_bytes")
	case ports.SortUpdated:
		return r.byNumber(ctx, q, "n.updated_at")
	case ports.SortName:
	}
	sel, above, way := r.page(q)
	if q.After.Name != "" {
		sel.Where("n.name ? ?", above, q.After.Name)
	}
	return r.entries(ctx, sel.OrderExpr("n.name ?", way).Limit(int64(q.Limit)))
}

// page selects the live nodes of a folder. The operator and the direction are
// those of the order asked for.
func (r listings) page(q ports.NodeQuery) (sel *bun.SelectQuery, above, way bun.Safe) {
	sel = r.NewSelect().Where("n.parent_id = ? AND n.trashed_at IS NULL AND "+inDrive, q.ParentID, q.DriveID)
	if q.Descending {
		return sel, "<", "DESC"
	}
	return sel, ">", "ASC"
}

func (r listings) byNumber(ctx context.Context, q ports.NodeQuery, column bun.Safe) ([]ports.Entry, error) {
	sel, above, way := r.page(q)
	if !q.After.ID.IsZero() {
		sel.Where("(?, n.id) ? (?, ?)", column, above, q.After.At, q.After.ID)
	}
	return r.entries(ctx, sel.OrderExpr("? ?, n.id ?", column, way, way).Limit(int64(q.Limit)))
}

// byKind reads the kinds one after the other: only so does an index lead to
// where the page begins.
func (r listings) byKind(ctx context.Context, q ports.NodeQuery) ([]ports.Entry, error) {
	kinds := []core.NodeKind{core.KindFolder, core.KindAsset}
	if q.Descending {
		kinds[0], kinds[1] = kinds[1], kinds[0]
	}
	var out []ports.Entry
	for i, kind := range kinds {
		if i == 0 && q.After.Kind == kinds[1] {
			continue
		}
		if len(out) >= q.Limit {
			break
		}
		sel, above, way := r.page(q)
		sel.Where("n.kind = ?", kind).OrderExpr("n.name ?", way).Limit(int64(q.Limit - len(out)))
		if q.After.Kind == kind {
			sel.Where("n.name ? ?", above, q.After.Name)
		}
		more, err := r.entries(ctx, sel)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

func (r listings) entries(ctx context.Context, sel *bun.SelectQuery) ([]ports.Entry, error) {
	var rows []nodeRow
	if err := withHash(sel.Model(&rows)).Scan(ctx); err != nil {
		return nil, translate("list nodes", err)
	}
	return toEntries(rows), nil
}

func (r listings) ListTrash(ctx context.Context, q ports.TrashQuery) ([]ports.Entry, error) {
	sel := r.NewSelect().Where("n.drive_id = ? AND n.trashed_at IS NOT NULL AND n.purged_at IS NULL", q.DriveID).Where(notBelowPurged).
		OrderExpr("n.trashed_at DESC, n.id DESC").Limit(int64(q.Limit))
	at := stamp{q.Before.TrashedAt}
	switch {
	case at.IsZero():
	case q.Before.ID.IsZero():
		sel.Where("n.trashed_at < ?", at)
	default:
		sel.Where("(n.trashed_at, n.id) < (?, ?)", at, q.Before.ID)
	}
	return r.entries(ctx, sel)
}

func (r listings) OldTrash(ctx context.Context, t time.Time, limit int) ([]core.Node, error) {
	var rows []nodeRow
	err := r.NewSelect().Model(&rows).Where("n.trashed_at < ? AND n.purged_at IS NULL", stamp{t}).Where(notBelowPurged).
		OrderExpr("n.trashed_at, n.id").Limit(int64(limit)).Scan(ctx)
	return toNodes(rows), translate("list old trash", err)
}
