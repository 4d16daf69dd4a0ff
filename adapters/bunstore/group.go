package bunstore

import (
	"context"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type groupRow struct {
	bun.BaseModel `bun:"table:groups,alias:g"`

	ID           core.GroupID         `bun:"id,pk"`
	OrgID        core.OrgID           `bun:"org_id"`
	ParentID     core.GroupID         `bun:"parent_id"`
	Name         string               `bun:"name"`
	NameFolded   string               `bun:"name_folded"`
	Description  string               `bun:"description"`
	CoverAssetID core.AssetID         `bun:"cover_asset_id"`
	IsPublic     bool                 `bun:"is_public"`
	Metadata     metadata             `bun:"metadata"`
	Order        document[groupOrder] `bun:"organisation"`
	CreatedBy    core.AccountID       `bun:"created_by"`
	OwnerID      core.AccountID       `bun:"owner_id"`

	SharePasswordHash    string `bun:"share_password_hash"`
	SharePasswordVersion int64  `bun:"share_password_version"`

	DeletedAt   stamp        `bun:"deleted_at"`
	DeletedWith core.GroupID `bun:"deleted_with"`
	Version     int64        `bun:"version"`
	CreatedAt   stamp        `bun:"created_at"`
	UpdatedAt   stamp        `bun:"updated_at"`
}

// groupOrder is the column organisation, as JSON.
type groupOrder struct {
	Sections []string         `json:"sections,omitempty"`
	Sort     core.GroupSort   `json:"sort"`
	Layout   core.GroupLayout `json:"layout"`
}

func newGroupRow(g *core.Group) *groupRow {
	return &groupRow{
		ID: g.ID, OrgID: g.OrgID, ParentID: g.ParentID, Name: g.Name, NameFolded: core.Fold(g.Name), Description: g.Description,
		CoverAssetID: g.CoverAssetID, IsPublic: g.IsPublic, Metadata: metadata(g.Metadata), Order: document[groupOrder]{groupOrder(g.Order)},
		CreatedBy: g.CreatedBy, OwnerID: g.OwnerID, SharePasswordHash: g.SharePasswordHash, SharePasswordVersion: g.SharePasswordVersion, DeletedAt: stamp{g.DeletedAt}, DeletedWith: g.DeletedWith,
		Version: g.Version, CreatedAt: stamp{g.CreatedAt}, UpdatedAt: stamp{g.UpdatedAt},
	}
}

func (r *groupRow) group() *core.Group {
	return &core.Group{
		ID: r.ID, OrgID: r.OrgID, ParentID: r.ParentID, Name: r.Name, Description: r.Description,
		CoverAssetID: r.CoverAssetID, IsPublic: r.IsPublic, Metadata: core.Metadata(r.Metadata), Order: core.GroupOrder(r.Order.v),
		CreatedBy: r.CreatedBy, OwnerID: r.OwnerID, SharePasswordHash: r.SharePasswordHash, SharePasswordVersion: r.SharePasswordVersion, DeletedAt: r.DeletedAt.Time, DeletedWith: r.DeletedWith,
		Version: r.Version, CreatedAt: r.CreatedAt.Time, UpdatedAt: r.UpdatedAt.Time,
	}
}

type groups struct{ repository }

func (r groups) Add(ctx context.Context, g *core.Group, most int64) error {
	if err := r.countOf(ctx, "groups_count", g.OrgID, 1, most); err != nil {
		return err
	}
	_, err := r.NewInsert().Model(newGroupRow(g)).Exec(ctx)
	return translate("add group", err)
}

func (r groups) Get(ctx context.Context, org core.OrgID, id core.GroupID) (*core.Group, error) {
	return r.one(ctx, r.NewSelect(), org, id)
}

func (r groups) Lock(ctx context.Context, org core.OrgID, id core.GroupID) (*core.Group, error) {
	return r.one(ctx, r.alone(r.NewSelect()), org, id)
}

func (r groups) one(ctx context.Context, sel *bun.SelectQuery, org core.OrgID, id core.GroupID) (*core.Group, error) {
	var row groupRow
	if err := sel.Model(&row).Where("g.org_id = ? AND g.id = ?", org, id).Scan(ctx); err != nil {
		return nil, translate("get group", err)
	}
	return row.group(), nil
}

func (r groups) Save(ctx context.Context, g *core.Group) error {
	res, err := r.NewUpdate().Model(newGroupRow(g)).ExcludeColumn("org_id", "created_by", "created_at").
		Where("g.org_id = ? AND g.id = ? AND g.version = ?", g.OrgID, g.ID, g.Version-1).Exec(ctx)
	return saved("save group", res, err)
}

func (r groups) List(ctx context.Context, q ports.GroupQuery) ([]ports.ListedGroup, error) {
	if q.IDs != nil && len(q.IDs) == 0 {
		return nil, nil
	}
	var rows []struct {
		groupRow
		CoverID   core.AssetID `bun:"v_asset_id"`
		Number    int          `bun:"v_number"`
		BlobKey   string       `bun:"v_blob_key"`
		CoverType string       `bun:"v_content_type"`
		SizeBytes int64        `bun:"v_size_bytes"`
	}
	sel := r.filtered(r.NewSelect().Model(&rows).ModelTableExpr("groups AS g").ColumnExpr("g.*").
		ColumnExpr(coverColumns).Join(coverJoin("g")), q)
	if err := sel.OrderExpr("g.id DESC").Limit(int64(q.Limit)).Scan(ctx); err != nil {
		return nil, translate("list groups", err)
	}
	out := make([]ports.ListedGroup, len(rows))
	for i := range rows {
		row := &rows[i]
		out[i] = ports.ListedGroup{Group: *row.group(), Cover: coverOf(row.OrgID, row.CoverID, row.Number, row.BlobKey, row.CoverType, row.SizeBytes)}
	}
	return out, nil
}

// coverColumns are of version v, the cover.
const coverColumns = `v.asset_id AS v_asset_id, coalesce(v.number, 0) AS v_number, coalesce(v.blob_key, '') AS v_blob_key,
	coalesce(v.content_type, '') AS v_content_type, coalesce(v.size_bytes, 0) AS v_size_bytes`

// coverOf is what a signed URL of a cover needs; the zero Version of none.
func coverOf(org core.OrgID, id core.AssetID, number int, key, contentType string, size int64) core.Version {
	if id.IsZero() {
		return core.Version{} //nolint:exhaustruct_v5 // none
	}
	return core.Version{ //nolint:exhaustruct_v5 // what a signed URL needs
		AssetID: id, OrgID: org, Number: number, BlobKey: key, ContentType: contentType, SizeBytes: size,
	}
}

func (r groups) filtered(sel *bun.SelectQuery, q ports.GroupQuery) *bun.SelectQuery {
	sel.Where("g.org_id = ?", q.OrgID)
	if q.Deleted {
		sel.Where("g.deleted_with = g.id")
	} else {
		sel.Where("g.deleted_at IS NULL")
	}
	if q.IDs != nil {
		sel.Where("g.id IN (?)", bun.List(q.IDs))
	}
	if !q.ParentID.IsZero() {
		sel.Where("g.parent_id = ?", q.ParentID)
	}
	if q.Text != "" {
		sel.Where(`g.name_folded LIKE ? ESCAPE '\'`, likePattern(core.Fold(q.Text)))
	}
	if q.Tag != "" {
		sel.Where(strings.Replace(r.dialect.hasTag, "n.", "g.", 1), r.dialect.tagArg(q.Tag))
	}
	if !q.Before.IsZero() {
		sel.Where("g.id < ?", q.Before)
	}
	return sel
}

// filesAtOnce is how many files of deleted groups are removed in a unit of work.
const filesAtOnce = 10_000

// Purge takes the groups of one org at a time, whose tree it locks.
func (r groups) Purge(ctx context.Context, t time.Time, limit int) (removed int, own []core.Group, err error) {
	const due = ` FROM groups AS g JOIN orgs AS o ON o.id = g.org_id AND o.deleted_at IS NULL WHERE g.deleted_at <= ?`
	var of []core.OrgID
	if err := r.NewRaw(`SELECT g.org_id`+due+` ORDER BY g.deleted_at, g.id LIMIT 1`, stamp{t}).Scan(ctx, &of); err != nil || len(of) == 0 {
		return 0, nil, translate("purge groups", err)
	}
	if err := groupTrees(r).Lock(ctx, of[0]); err != nil {
		return 0, nil, err
	}
	var rows []groupRow
	err = r.NewRaw(`SELECT g.*`+due+` AND g.org_id = ? ORDER BY g.deleted_at, g.id = g.deleted_with, g.id LIMIT ?`, stamp{t}, of[0], limit).Scan(ctx, &rows)
	if err != nil || len(rows) == 0 {
		return 0, nil, translate("purge groups", err)
	}
	ids := make([]core.GroupID, len(rows))
	for i := range rows {
		if ids[i] = rows[i].ID; rows[i].DeletedWith == rows[i].ID {
			own = append(own, *rows[i].group())
		}
	}
	res, err := r.NewRaw(`DELETE FROM group_assets WHERE (group_id, asset_id) IN
		(SELECT group_id, asset_id FROM group_assets WHERE group_id IN (?) LIMIT ?)`, bun.List(ids), filesAtOnce).Exec(ctx)
	if n, err := affected("purge groups", res, err); err != nil || n == filesAtOnce {
		return n, nil, err
	}
	if done, err := shareLinks(r).strip(ctx, limit, "l.group_id IN (?)", bun.List(ids)); err != nil || !done {
		return limit, nil, err
	}
	if done, err := traffic(r).strip(ctx, groupTraffic, limit, "g.id IN (?)", bun.List(ids)); err != nil || !done {
		return limit, nil, err // the groups are for the next call
	}
	if _, err := r.NewRaw(`DELETE FROM groups WHERE id IN (?)`, bun.List(ids)).Exec(ctx); err != nil {
		return 0, nil, translate("purge groups", err)
	}
	return len(ids), own, r.countOf(ctx, "groups_count", of[0], -len(ids), core.Unlimited)
}
