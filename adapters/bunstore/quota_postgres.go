package bunstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// reserveFacts finds the caller's account and the drive, if the caller may
// write there; reserveRoom takes the room if the limits in force allow it. A
// row that somebody else is changing is waited for, and its condition is
// looked at again with what they left.
//
// The drive's quota is the second condition. If it refuses after the org's
// limits granted, drive_id becomes NULL and breaks a constraint, which undoes
// the whole statement; a version number that is not the next does so by asset_id.
func reserveFacts(w writer) string {
	return `WITH f AS MATERIALIZED (
	SELECT ac.id AS account_id, d.id AS drive_id, l.max_upload_size_mb, l.max_total_storage_mb, l.max_assets
	` + w.from + `
	LEFT JOIN drive_members m ON m.drive_id = d.id AND m.account_id = ac.id
	JOIN nodes pn ON pn.id = coalesce($6, d.id) AND pn.drive_id = d.id AND pn.kind = 'folder' AND pn.trashed_at IS NULL AND ` + liveParent + `
	JOIN licenses l ON l.name = ` + licenseInForce + `
	WHERE ` + w.stands + ` AND u.disabled_at IS NULL AND ` + standing + ` IN (` + writable + `)
)`
}

const reserveRoom = `, g AS (
	UPDATE org_usage q SET used_bytes = q.used_bytes + $7, assets_count = q.assets_count + $8
	FROM f WHERE q.org_id = $3 AND ($9 OR (
		(f.max_upload_size_mb IS NULL OR $7 <= f.max_upload_size_mb * 1000000) AND
		(f.max_total_storage_mb IS NULL OR q.used_bytes + $7 <= f.max_total_storage_mb * 1000000) AND
		(f.max_assets IS NULL OR q.assets_count + $8 <= f.max_assets)))
	RETURNING q.org_id
), h AS (
	UPDATE drives d SET used_bytes = d.used_bytes + $7 FROM f, g
	WHERE d.id = f.drive_id AND (d.quota_bytes IS NULL OR d.used_bytes + $7 <= d.quota_bytes)
	RETURNING d.id
)`

const reserveUpload = `, p AS (
	INSERT INTO uploads (id, org_id, drive_id, asset_id, number, blob_key, staging_key, content_type, size_bytes, sha256,
		strategy, part_size, store_id, created_by, created_at, check_at, expires_at, source_key)
	SELECT $10, $3, (SELECT id FROM h), (SELECT id FROM n), $12, $13, $14, $15, $7, $16, $17, $18, $19, f.account_id, $5, $20, $21, $22
	FROM f, g RETURNING id
) SELECT f.drive_id, f.account_id FROM f, p`

var (
	reserveNewAsset = ofEachWriter(func(w writer) string {
		return reserveFacts(w) + reserveRoom + `, n AS (
		INSERT INTO nodes (id, org_id, drive_id, parent_id, kind, name, name_folded, created_by, version, created_at, updated_at,
			status, content_type, size_bytes, current_version, newest_version, metadata)
		SELECT $11, $3, f.drive_id, coalesce($6, f.drive_id), 'asset', $23, $24, f.account_id, 1, $5, $5,
			'pending', $15, $7, 0, 1, $25
		FROM f, g RETURNING id
	)` + reserveUpload
	})
	reserveNewVersion = ofEachWriter(func(w writer) string {
		return reserveFacts(w) + reserveRoom + `, n AS (
		UPDATE nodes SET newest_version = $12 FROM f, g
		WHERE nodes.id = $11 AND nodes.drive_id = f.drive_id AND nodes.newest_version = $12 - 1 AND nodes.trashed_at IS NULL
		RETURNING nodes.id
	)` + reserveUpload
	})
)

func reservePostgres(ctx context.Context, s *Store, tx *bun.Tx, r ports.Reservation) (ports.Granted, bool, error) {
	u := r.Upload
	reserve := reserveNewVersion
	args := []any{
		r.Actor.UserID, r.Actor.SessionID, u.OrgID, u.DriveID,
		stamp{r.Now},
		parentOf(r), u.SizeBytes, newAssets(r), r.Unlimited,
		u.ID, u.AssetID, u.Number, u.BlobKey, u.StagingKey, u.ContentType, nilIfEmpty(u.SHA256), u.Strategy, u.PartSize, u.StoreID,
		stamp{u.CheckAt},
		stamp{u.ExpiresAt},
		u.SourceKey,
	}
	if a := r.NewAsset; a != nil {
		reserve = reserveNewAsset
		args = append(args, a.Name, core.Fold(a.Name), metadata(a.Metadata))
	}
	stmt, err := s.statements.get(ctx, s.write.DB, reserve.of(r.Actor, args))
	if err != nil {
		return ports.Granted{}, false, translate("reserve", err)
	}
	if tx != nil {
		stmt = tx.Tx.StmtContext(ctx, stmt)
		defer func() { _ = stmt.Close() }()
	}
	var g ports.Granted
	err = stmt.QueryRowContext(ctx, args...).Scan(&g.DriveID, &g.AccountID)
	if errors.Is(err, sql.ErrNoRows) {
		return g, false, nil
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "23502" && pg.TableName == "uploads" { // not_null_violation
		if pg.ColumnName == "drive_id" {
			return g, false, nil
		}
		return g, false, core.ErrStale
	}
	err = translate("reserve", err)
	if errors.Is(err, errReference) { // the folder is gone, only just
		return g, false, nil
	}
	return g, err == nil, err
}
