package bunstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// reserveSQLite does in a few statements what PostgreSQL does in one: there is
// no way to travel, and the only writer needs no condition to be repeated.
//
// Its statements are prepared before the transaction begins: preparing needs
// the connection that the transaction will hold.
func reserveSQLite(ctx context.Context, s *Store, tx *bun.Tx, r ports.Reservation) (g ports.Granted, ok bool, err error) {
	if tx != nil {
		return reserveIn(ctx, s, tx, r)
	}
	if err := s.prepareUpdate(ctx); err != nil {
		return g, false, err
	}
	own, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return g, false, translate("reserve", err)
	}
	if g, ok, err = reserveIn(ctx, s, &own, r); err != nil || !ok {
		_ = own.Rollback()
		return g, false, err
	}
	if err := own.Commit(); err != nil {
		return g, false, translate("reserve", err)
	}
	return g, true, nil
}

// granted finds the caller's account and the drive, if the caller may write
// there and no limit is in the way.
var granted = ofEachWriter(func(w writer) string {
	return `SELECT ac.id, d.id
	` + w.from + `
	JOIN org_usage q ON q.org_id = o.id
	LEFT JOIN drive_members m ON m.drive_id = d.id AND m.account_id = ac.id
	JOIN nodes pn ON pn.id = coalesce($6, d.id) AND pn.drive_id = d.id AND pn.kind = 'folder' AND pn.trashed_at IS NULL AND ` + liveParent + `
	JOIN licenses l ON l.name = ` + licenseInForce + `
	WHERE ` + w.stands + ` AND u.disabled_at IS NULL AND ` + standing + ` IN (` + writable + `)
	AND ($9 OR ((l.max_upload_size_mb IS NULL OR $7 <= l.max_upload_size_mb * 1000000) AND
		(l.max_total_storage_mb IS NULL OR q.used_bytes + $7 <= l.max_total_storage_mb * 1000000) AND
		(l.max_assets IS NULL OR q.assets_count + $8 <= l.max_assets)))
	AND (d.quota_bytes IS NULL OR d.used_bytes + $7 <= d.quota_bytes)`
})

const (
	takeOfOrg   = `UPDATE org_usage SET used_bytes = used_bytes + $1, assets_count = assets_count + $2 WHERE org_id = $3`
	takeOfDrive = `UPDATE drives SET used_bytes = used_bytes + $1 WHERE id = $2`
	addNode     = `INSERT INTO nodes (id, org_id, drive_id, parent_id, kind, name, name_folded, created_by, version, created_at, updated_at,
			status, content_type, size_bytes, current_version, newest_version, metadata)
		VALUES ($1, $2, $3, $4, 'asset', $5, $6, $7, 1, $8, $8, 'pending', $9, $10, 0, 1, $11)`
	nextVersion = `UPDATE nodes SET newest_version = $1 WHERE id = $2 AND drive_id = $3 AND newest_version = $1 - 1 AND trashed_at IS NULL`
	addUpload   = `INSERT INTO uploads (id, org_id, drive_id, asset_id, number, blob_key, staging_key, content_type, size_bytes, sha256,
			strategy, part_size, store_id, created_by, created_at, check_at, expires_at, source_key)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`
)

func reserveIn(ctx context.Context, s *Store, tx *bun.Tx, r ports.Reservation) (ports.Granted, bool, error) {
	var g ports.Granted
	u := r.Upload
	args := []any{
		r.Actor.UserID, r.Actor.SessionID, u.OrgID, u.DriveID,
		stamp{r.Now},
		parentOf(r), u.SizeBytes, newAssets(r), r.Unlimited,
	}
	err := s.bound(ctx, tx, granted.of(r.Actor, args), func(stmt *sql.Stmt) error {
		return stmt.QueryRowContext(ctx, args...).Scan(&g.AccountID, &g.DriveID)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return g, false, nil
	}
	if err != nil {
		return g, false, translate("reserve", err)
	}
	writes := []struct {
		text string
		args []any
	}{
		{takeOfOrg, []any{u.SizeBytes, newAssets(r), u.OrgID}},
		{takeOfDrive, []any{u.SizeBytes, g.DriveID}},
		{nextVersion, []any{u.Number, u.AssetID, g.DriveID}},
		{addUpload, []any{
			u.ID, u.OrgID, g.DriveID, u.AssetID, u.Number, u.BlobKey, u.StagingKey, u.ContentType, u.SizeBytes, nilIfEmpty(u.SHA256),
			u.Strategy, u.PartSize, u.StoreID, g.AccountID,
			stamp{r.Now},
			stamp{u.CheckAt},
			stamp{u.ExpiresAt},
			u.SourceKey,
		}},
	}
	if a := r.NewAsset; a != nil {
		parent := a.ParentID
		if parent.IsZero() {
			parent = core.RootOf(g.DriveID)
		}
		writes[2].text = addNode
		writes[2].args = []any{
			a.ID, a.OrgID, g.DriveID, parent, a.Name, core.Fold(a.Name), g.AccountID, stamp{r.Now}, a.ContentType, a.SizeBytes, metadata(a.Metadata),
		}
	}
	for _, w := range writes {
		err := s.bound(ctx, tx, w.text, func(stmt *sql.Stmt) error {
			res, err := stmt.ExecContext(ctx, w.args...)
			return saved("reserve", res, err)
		})
		if err != nil {
			return g, false, err
		}
	}
	return g, true, nil
}

// bound runs a statement that is prepared already as part of a transaction.
func (s *Store) bound(ctx context.Context, tx *bun.Tx, text string, run func(*sql.Stmt) error) error {
	stmt, err := s.statements.get(ctx, s.write.DB, text)
	if err != nil {
		return translate("prepare", err)
	}
	own := tx.Tx.StmtContext(ctx, stmt)
	defer func() { _ = own.Close() }()
	return run(own)
}
