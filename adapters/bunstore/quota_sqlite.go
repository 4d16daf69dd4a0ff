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
func reserveSQLite(ctx context.Context, s *Store, tx *bun.Tx, r ports.Reservation) (g ports.Granted, ok bool, err error) {
	if tx != nil {
		return reserveIn(ctx, tx, r)
	}
	own, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return g, false, translate("reserve", err)
	}
	if g, ok, err = reserveIn(ctx, &own, r); err != nil || !ok {
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
var granted = `SELECT ac.id, d.id
	FROM users u
	JOIN sessions s ON s.id = $2 AND s.user_id = u.id AND s.revoked_at IS NULL
	JOIN orgs o ON o.id = $3
	JOIN org_usage q ON q.org_id = o.id
	JOIN accounts ac ON ac.org_id = o.id AND ac.user_id = u.id
	JOIN drives d ON d.id = coalesce($4, o.default_drive_id) AND d.org_id = o.id
	LEFT JOIN drive_members m ON m.drive_id = d.id AND m.account_id = ac.id
	JOIN nodes pn ON pn.id = coalesce($6, d.id) AND pn.drive_id = d.id AND pn.kind = 'folder' AND pn.trashed_at IS NULL
	JOIN licenses l ON l.name = ` + licenseInForce + `
	WHERE u.id = $1 AND u.disabled_at IS NULL AND ` + standing + ` IN (` + writable + `)
	AND ($9 OR ((l.max_upload_size_mb IS NULL OR $7 <= l.max_upload_size_mb * 1000000) AND
		(l.max_total_storage_mb IS NULL OR q.used_bytes + $7 <= l.max_total_storage_mb * 1000000) AND
		(l.max_assets IS NULL OR q.assets_count + $8 <= l.max_assets)))
	AND (d.quota_bytes IS NULL OR d.used_bytes + $7 <= d.quota_bytes)`

func reserveIn(ctx context.Context, tx *bun.Tx, r ports.Reservation) (ports.Granted, bool, error) {
	var g ports.Granted
	u := r.Upload
	err := tx.Tx.QueryRowContext(ctx, granted, r.Actor.UserID, r.Actor.SessionID, u.OrgID, u.DriveID, stamp{r.Now}, parentOf(r),
		u.SizeBytes, newAssets(r), r.Unlimited).Scan(&g.AccountID, &g.DriveID)
	if errors.Is(err, sql.ErrNoRows) {
		return g, false, nil
	}
	if err != nil {
		return g, false, translate("reserve", err)
	}
	for _, q := range []*bun.RawQuery{
		tx.NewRaw(`UPDATE org_usage SET used_bytes = used_bytes + ?, assets_count = assets_count + ? WHERE org_id = ?`,
			u.SizeBytes, newAssets(r), u.OrgID),
		tx.NewRaw(`UPDATE drives SET used_bytes = used_bytes + ? WHERE id = ?`, u.SizeBytes, g.DriveID),
	} {
		if _, err := q.Exec(ctx); err != nil {
			return g, false, translate("reserve", err)
		}
	}
	if err := reserveNode(ctx, tx, r, g); err != nil {
		return g, false, err
	}
	row := newUploadRow(u)
	row.DriveID, row.CreatedBy, row.CreatedAt = g.DriveID, g.AccountID, stamp{r.Now}
	_, err = tx.NewInsert().Model(row).Exec(ctx)
	return g, err == nil, translate("reserve", err)
}

func reserveNode(ctx context.Context, tx *bun.Tx, r ports.Reservation, g ports.Granted) error {
	if r.NewAsset == nil {
		res, err := tx.NewRaw(`UPDATE nodes SET newest_version = ? WHERE id = ? AND drive_id = ? AND newest_version = ? AND trashed_at IS NULL`,
			r.Upload.Number, r.Upload.AssetID, g.DriveID, r.Upload.Number-1).Exec(ctx)
		return saved("reserve", res, err)
	}
	a := *r.NewAsset
	a.DriveID, a.CreatedBy = g.DriveID, g.AccountID
	if a.ParentID.IsZero() {
		a.ParentID = core.RootOf(g.DriveID)
	}
	_, err := tx.NewInsert().Model(newNodeRow(&a.Node, &a.File)).Exec(ctx)
	return translate("reserve", err)
}
