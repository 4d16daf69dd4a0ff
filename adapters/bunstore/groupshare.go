package bunstore

import (
	"context"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// nestedCover joins the version v of a cover n that those see who view a group.
const nestedCover = `LEFT JOIN nodes AS n ON n.id = g.cover_asset_id AND n.org_id = g.org_id AND n.purged_at IS NULL
	LEFT JOIN drives AS d ON d.id = n.drive_id
	LEFT JOIN asset_versions AS v ON v.asset_id = n.id AND v.number = n.current_version AND ` + shownInGroup

// nestedCounts count no further than they have to: many may ask.
const nestedCounts = `(SELECT count(*) FROM (SELECT 1 FROM group_assets AS a JOIN nodes AS n ON n.id = a.asset_id AND n.purged_at IS NULL
		JOIN drives AS d ON d.id = n.drive_id WHERE a.group_id = g.id AND ` + shownInGroup + ` LIMIT ?0) AS few) AS assets,
	(SELECT count(*) FROM (SELECT 1 FROM groups AS c WHERE c.parent_id = g.id AND c.deleted_at IS NULL LIMIT ?0) AS few) AS groups_in`

func (r groups) Nested(ctx context.Context, q ports.NestedQuery) ([]ports.NestedGroup, error) {
	var rows []struct {
		groupRow
		CoverID   core.AssetID `bun:"v_asset_id"`
		Number    int          `bun:"v_number"`
		BlobKey   string       `bun:"v_blob_key"`
		CoverType string       `bun:"v_content_type"`
		SizeBytes int64        `bun:"v_size_bytes"`
		Assets    int          `bun:"assets"`
		Groups    int          `bun:"groups_in"`
	}
	sel := r.NewSelect().Model(&rows).ModelTableExpr("groups AS g").ColumnExpr("g.*").ColumnExpr(coverColumns).
		ColumnExpr(nestedCounts, core.MaxGroupCount).Join(nestedCover).
		Where("g.org_id = ? AND g.deleted_at IS NULL", q.OrgID).OrderExpr("g.name_folded, g.id").Limit(int64(q.Limit))
	if q.ID.IsZero() {
		sel.Where("g.parent_id = ?", q.ParentID)
	} else {
		sel.Where("g.id = ?", q.ID)
	}
	if !q.After.ID.IsZero() {
		sel.Where("(g.name_folded, g.id) > (?, ?)", q.After.Name, q.After.ID)
	}
	if err := sel.Scan(ctx); err != nil {
		return nil, translate("nested groups", err)
	}
	out := make([]ports.NestedGroup, len(rows))
	for i := range rows {
		row := &rows[i]
		out[i] = ports.NestedGroup{
			ListedGroup: ports.ListedGroup{Group: *row.group(), Cover: coverOf(row.OrgID, row.CoverID, row.Number, row.BlobKey, row.CoverType, row.SizeBytes)},
			Assets:      row.Assets, Groups: row.Groups, At: ports.GroupName{Name: row.NameFolded, ID: row.ID},
		}
	}
	return out, nil
}
