package bunstore

import (
	"context"
	"errors"
	"slices"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type driveRow struct {
	bun.BaseModel `bun:"table:drives,alias:d"`

	ID             core.DriveID   `bun:"id,pk"`
	OrgID          core.OrgID     `bun:"org_id"`
	OwnerAccountID core.AccountID `bun:"owner_account_id"`
	Name           string         `bun:"name"`
	NameFolded     string         `bun:"name_folded"`
	DefaultRole    core.DriveRole `bun:"default_role"`
	QuotaBytes     limit          `bun:"quota_bytes"`
	UsedBytes      int64          `bun:"used_bytes"`
	DeletedAt      stamp          `bun:"deleted_at"`
	Version        int64          `bun:"version"`
	CreatedAt      stamp          `bun:"created_at"`
	UpdatedAt      stamp          `bun:"updated_at"`
}

func (r *driveRow) drive() *core.Drive {
	return &core.Drive{
		ID: r.ID, OrgID: r.OrgID, OwnerAccountID: r.OwnerAccountID, Name: r.Name, DefaultRole: r.DefaultRole,
		QuotaBytes: int64(r.QuotaBytes), UsedBytes: r.UsedBytes, DeletedAt: r.DeletedAt.Time,
		Version: r.Version, CreatedAt: r.CreatedAt.Time, UpdatedAt: r.UpdatedAt.Time,
	}
}

type drives struct{ repository }

func (r drives) Add(ctx context.Context, d *core.Drive) error {
	_, err := r.NewInsert().Model(newDriveRow(d)).Exec(ctx)
	if err != nil {
		return translate("add drive", err)
	}
	root := core.NewRoot(d)
	_, err = r.NewInsert().Model(newNodeRow(root, new(core.File))).Exec(ctx)
	return translate("add root", err)
}

func newDriveRow(d *core.Drive) *driveRow {
	return &driveRow{
		ID: d.ID, OrgID: d.OrgID, OwnerAccountID: d.OwnerAccountID, Name: d.Name, NameFolded: core.Fold(d.Name),
		DefaultRole: d.DefaultRole, QuotaBytes: limit(d.QuotaBytes), UsedBytes: d.UsedBytes, DeletedAt: stamp{d.DeletedAt},
		Version: d.Version, CreatedAt: stamp{d.CreatedAt}, UpdatedAt: stamp{d.UpdatedAt},
	}
}

func (r drives) Save(ctx context.Context, d *core.Drive) error {
	res, err := r.NewUpdate().Model(newDriveRow(d)).ExcludeColumn("used_bytes", "created_at").
		Where("d.org_id = ? AND d.id = ? AND d.version = ?", d.OrgID, d.ID, d.Version-1).Exec(ctx)
	return saved("save drive", res, err)
}

func (r drives) Get(ctx context.Context, org core.OrgID, id core.DriveID) (*core.Drive, error) {
	return r.one(ctx, "d.org_id = ? AND d.id = ? AND d.deleted_at IS NULL", org, id)
}

func (r drives) ByName(ctx context.Context, org core.OrgID, name string) (*core.Drive, error) {
	return r.one(ctx, "d.org_id = ? AND d.name_folded = ? AND d.owner_account_id IS NULL AND d.deleted_at IS NULL", org, core.Fold(name))
}

func (r drives) PersonalOf(ctx context.Context, org core.OrgID, owner core.AccountID) (*core.Drive, error) {
	return r.one(ctx, "d.org_id = ? AND d.owner_account_id = ?", org, owner)
}

func (r drives) one(ctx context.Context, where string, args ...any) (*core.Drive, error) {
	var row driveRow
	if err := r.NewSelect().Model(&row).Where(where, args...).Scan(ctx); err != nil {
		return nil, translate("get drive", err)
	}
	return row.drive(), nil
}

func (r drives) Lock(ctx context.Context, org core.OrgID, usage bool, ids ...core.DriveID) error {
	if usage {
		var found []core.OrgID
		q := r.alone(r.NewSelect().Column("org_id").TableExpr("org_usage").Where("org_id = ?", org))
		if err := q.Scan(ctx, &found); err != nil || len(found) == 0 {
			return orMissing(translate("lock usage", err))
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var found []core.DriveID
	q := r.alone(r.NewSelect().Column("id").TableExpr("drives").Where("org_id = ? AND id IN (?)", org, bun.List(ids)).OrderExpr("id"))
	if err := q.Scan(ctx, &found); err != nil {
		return translate("lock drives", err)
	}
	for _, id := range ids {
		if !slices.Contains(found, id) {
			return core.ErrNotFound
		}
	}
	return nil
}

// orMissing is the error of a query that found nothing.
func orMissing(err error) error {
	if err == nil {
		return core.ErrNotFound
	}
	return err
}

func (r drives) List(ctx context.Context, q ports.DriveQuery) ([]ports.DriveEntry, error) {
	var rows []struct {
		driveRow
		standingRow
		IsDefault bool `bun:"is_default"`
	}
	text := `SELECT d.*, ` + standingAs + `, d.id = o.default_drive_id AS is_default
		FROM drives d
		JOIN orgs o ON o.id = d.org_id AND o.deleted_at IS NULL
		JOIN accounts ac ON ac.org_id = d.org_id AND ac.id = ?
		LEFT JOIN drive_members m ON m.drive_id = d.id AND m.account_id = ac.id
		WHERE d.org_id = ? AND d.id > ? AND d.deleted_at IS NULL AND ` + standing + ` IN (` + readable + `)`
	args := []any{q.AccountID, q.OrgID, floor(q.After)}
	if !q.ID.IsZero() {
		text, args = text+` AND d.id = ?`, append(args, q.ID)
	}
	if err := r.NewRaw(text+` ORDER BY d.id LIMIT ?`, append(args, q.Limit)...).Scan(ctx, &rows); err != nil {
		return nil, translate("list drives", err)
	}
	out := make([]ports.DriveEntry, len(rows))
	for i := range rows {
		out[i] = ports.DriveEntry{Drive: *rows[i].drive(), Standing: rows[i].standing(q.AccountID), IsDefault: rows[i].IsDefault}
	}
	return out, nil
}

// contents counts a drive's nodes in one pass, folder by folder: PostgreSQL
// does so in parallel. Then the trashed folders, and those below them, say what
// is in the trash with its folder.
const contents = `WITH RECURSIVE gone (id, state) AS (
		SELECT id, CASE WHEN purged_at IS NULL THEN 1 ELSE 2 END FROM nodes WHERE drive_id = ? AND trashed_at IS NOT NULL AND kind = 'folder'
		UNION ALL
		SELECT n.id, gone.state FROM gone JOIN nodes n ON n.parent_id = gone.id AND n.kind = 'folder' AND n.trashed_at IS NULL
	), found (kind, state, nodes, bytes) AS (
		SELECT c.kind, CASE WHEN c.own > 0 THEN c.own ELSE coalesce(gone.state, 0) END, c.nodes, c.bytes
		FROM (SELECT parent_id, kind, CASE WHEN purged_at IS NOT NULL THEN 2 WHEN trashed_at IS NOT NULL THEN 1 ELSE 0 END AS own,
				count(*) AS nodes, sum(size_bytes) AS bytes
			FROM nodes WHERE drive_id = ? AND parent_id IS NOT NULL GROUP BY 1, 2, 3) AS c
		LEFT JOIN gone ON gone.id = c.parent_id
	) SELECT ` + contentsColumns + ` FROM found HAVING EXISTS (SELECT 1 FROM drives WHERE org_id = ? AND id = ? AND deleted_at IS NULL)`

const contentsColumns = `
	CAST(coalesce(sum(nodes) FILTER (WHERE kind = 'asset' AND state = 0), 0) AS bigint) AS files,
	CAST(coalesce(sum(nodes) FILTER (WHERE kind = 'folder' AND state = 0), 0) AS bigint) AS folders,
	CAST(coalesce(sum(bytes) FILTER (WHERE state = 0), 0) AS bigint) AS file_bytes,
	CAST(coalesce(sum(nodes) FILTER (WHERE kind = 'asset' AND state = 1), 0) AS bigint) AS trash_files,
	CAST(coalesce(sum(nodes) FILTER (WHERE kind = 'folder' AND state = 1), 0) AS bigint) AS trash_folders,
	CAST(coalesce(sum(bytes) FILTER (WHERE state = 1), 0) AS bigint) AS trash_bytes,
	CAST(coalesce(sum(bytes) FILTER (WHERE state = 2), 0) AS bigint) AS purging_bytes`

func (r drives) Contents(ctx context.Context, org core.OrgID, id core.DriveID) (core.DriveContents, error) {
	var row struct {
		Files        int64 `bun:"files"`
		Folders      int64 `bun:"folders"`
		FileBytes    int64 `bun:"file_bytes"`
		TrashFiles   int64 `bun:"trash_files"`
		TrashFolders int64 `bun:"trash_folders"`
		TrashBytes   int64 `bun:"trash_bytes"`
		PurgingBytes int64 `bun:"purging_bytes"`
	}
	err := r.NewRaw(contents, id, id, org, id).Scan(ctx, &row)
	return core.DriveContents(row), translate("count nodes", err)
}

func (r drives) Deleted(ctx context.Context, after core.DriveID, limit int) ([]core.Drive, error) {
	var rows []driveRow
	err := r.NewSelect().Model(&rows).Where("d.deleted_at IS NOT NULL AND d.id > ?", floor(after)).
		OrderExpr("d.id").Limit(int64(limit)).Scan(ctx)
	out := make([]core.Drive, len(rows))
	for i := range rows {
		out[i] = *rows[i].drive()
	}
	return out, translate("deleted drives", err)
}

func (r drives) Strip(ctx context.Context, org core.OrgID, id core.DriveID, limit int) (done bool, err error) {
	var found []core.DriveID
	err = r.NewRaw(`SELECT id FROM drives WHERE org_id = ? AND id = ? AND deleted_at IS NOT NULL`, org, id).Scan(ctx, &found)
	if err != nil || len(found) == 0 {
		return true, translate("strip drive", err)
	}
	return r.strip(ctx, id, limit)
}

// strip is Strip for a drive that is known to go. What is kept of its members
// and keys is little, and goes with its row.
func (r drives) strip(ctx context.Context, id core.DriveID, limit int) (done bool, err error) {
	res, err := r.NewRaw(`DELETE FROM node_changes WHERE drive_id = ?0 AND seq IN (SELECT seq FROM node_changes WHERE drive_id = ?0 ORDER BY seq LIMIT ?1)`,
		id, limit).Exec(ctx)
	if n, err := affected("strip drive", res, err); err != nil || n == limit {
		return false, err
	}
	return shareLinks(r).strip(ctx, limit, "l.drive_id = ?", id)
}

func (r drives) Remove(ctx context.Context, org core.OrgID, id core.DriveID) error {
	res, err := r.NewRaw(`DELETE FROM drives WHERE org_id = ? AND id = ? AND deleted_at IS NOT NULL
		AND NOT EXISTS (SELECT 1 FROM nodes WHERE drive_id = ?)`, org, id, id).Exec(ctx)
	if err != nil {
		return translate("remove drive", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(translate("remove drive", err), core.ErrConflict)
	}
	return nil
}
