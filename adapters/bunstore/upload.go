package bunstore

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type uploadRow struct {
	bun.BaseModel `bun:"table:uploads,alias:up"`

	ID          core.UploadID       `bun:"id,pk"`
	OrgID       core.OrgID          `bun:"org_id"`
	DriveID     core.DriveID        `bun:"drive_id"`
	AssetID     core.AssetID        `bun:"asset_id"`
	Number      int                 `bun:"number"`
	BlobKey     string              `bun:"blob_key"`
	StagingKey  string              `bun:"staging_key"`
	SourceKey   string              `bun:"source_key"`
	ContentType string              `bun:"content_type"`
	SizeBytes   int64               `bun:"size_bytes"`
	SHA256      []byte              `bun:"sha256"`
	Strategy    core.UploadStrategy `bun:"strategy"`
	PartSize    int64               `bun:"part_size"`
	StoreID     string              `bun:"store_id"`
	CreatedBy   core.AccountID      `bun:"created_by"`
	CreatedAt   stamp               `bun:"created_at"`
	CheckAt     stamp               `bun:"check_at"`
	Claimed     stamp               `bun:"claimed_until"`
	ExpiresAt   stamp               `bun:"expires_at"`
}

func (r *uploadRow) upload() *core.Upload {
	return &core.Upload{
		ID: r.ID, OrgID: r.OrgID, DriveID: r.DriveID, AssetID: r.AssetID, Number: r.Number, BlobKey: r.BlobKey, StagingKey: r.StagingKey,
		SourceKey: r.SourceKey, ContentType: r.ContentType, SizeBytes: r.SizeBytes, SHA256: nilIfEmpty(r.SHA256), Strategy: r.Strategy, PartSize: r.PartSize,
		StoreID: r.StoreID, CreatedBy: r.CreatedBy, CreatedAt: r.CreatedAt.Time, CheckAt: r.CheckAt.Time, ExpiresAt: r.ExpiresAt.Time,
	}
}

func newUploadRow(u *core.Upload) *uploadRow {
	return &uploadRow{
		ID: u.ID, OrgID: u.OrgID, DriveID: u.DriveID, AssetID: u.AssetID, Number: u.Number, BlobKey: u.BlobKey, StagingKey: u.StagingKey,
		SourceKey: u.SourceKey, ContentType: u.ContentType, SizeBytes: u.SizeBytes, SHA256: u.SHA256, Strategy: u.Strategy, PartSize: u.PartSize,
		StoreID: u.StoreID, CreatedBy: u.CreatedBy, CreatedAt: stamp{u.CreatedAt}, CheckAt: stamp{u.CheckAt}, ExpiresAt: stamp{u.ExpiresAt},
	}
}

type uploads struct{ repository }

func (r uploads) Of(ctx context.Context, org core.OrgID, asset core.AssetID) ([]*core.Upload, error) {
	return r.list(ctx, r.NewSelect().Where("up.org_id = ? AND up.asset_id = ?", org, asset).OrderExpr("up.number DESC"))
}

func (r uploads) Due(ctx context.Context, t time.Time, limit int) ([]*core.Upload, error) {
	return r.list(ctx, r.NewSelect().Where("up.check_at <= ?", stamp{t}).OrderExpr("up.check_at, up.id").Limit(int64(limit)))
}

func (r uploads) list(ctx context.Context, sel *bun.SelectQuery) ([]*core.Upload, error) {
	var rows []uploadRow
	if err := sel.Model(&rows).Scan(ctx); err != nil {
		return nil, translate("list uploads", err)
	}
	return toUploads(rows), nil
}

func toUploads(rows []uploadRow) []*core.Upload {
	out := make([]*core.Upload, len(rows))
	for i := range rows {
		out[i] = rows[i].upload()
	}
	return out
}

func (r uploads) UnknownMultiparts(ctx context.Context, ms []ports.Multipart) ([]ports.Multipart, error) {
	if len(ms) == 0 {
		return nil, nil
	}
	ids := make([]string, len(ms))
	for i, m := range ms {
		ids[i] = m.UploadID
	}
	var known []string
	err := r.NewRaw(`SELECT store_id FROM uploads WHERE store_id IN (?)`, bun.List(ids)).Scan(ctx, &known)
	if err != nil {
		return nil, translate("find multipart uploads", err)
	}
	unknown := make(map[string]bool)
	for _, id := range without(ids, known) {
		unknown[id] = true
	}
	var out []ports.Multipart
	for _, m := range ms {
		if unknown[m.UploadID] {
			out = append(out, m)
		}
	}
	return out, nil
}

func (r uploads) Claim(ctx context.Context, id core.UploadID, now, until time.Time) error {
	res, err := r.NewRaw(`UPDATE uploads SET claimed_until = ?, check_at = ?
		WHERE id = ? AND (claimed_until IS NULL OR claimed_until <= ?)`, stamp{until}, stamp{until}, id, stamp{now}).Exec(ctx)
	if n, err := affected("claim upload", res, err); err != nil || n == 1 {
		return err
	}
	var claimed stamp
	err = r.NewRaw(`SELECT claimed_until FROM uploads WHERE id = ?`, id).Scan(ctx, &claimed)
	if err != nil {
		return orGone(translate("claim upload", err))
	}
	return core.ErrUploadBusy
}

func (r uploads) ClaimMany(ctx context.Context, drive core.DriveID, ids []core.UploadID, now, until time.Time) ([]*core.Upload, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	// In one order, or two who claim the same could wait for each other.
	free := r.alone(r.NewSelect().Column("up.id").TableExpr("uploads AS up").
		Where("up.id IN (?) AND up.drive_id = ? AND up.strategy = ?", bun.List(ids), drive, core.UploadSingle).
		Where("up.claimed_until IS NULL OR up.claimed_until <= ?", stamp{now}).OrderExpr("up.id"))
	var rows []uploadRow
	err := r.NewRaw(`WITH free AS (?) UPDATE uploads SET claimed_until = ?, check_at = ? WHERE id IN (SELECT id FROM free) RETURNING *`,
		free, stamp{until}, stamp{until}).Scan(ctx, &rows)
	return toUploads(rows), translate("claim uploads", err)
}

func (r uploads) Renew(ctx context.Context, ids []core.UploadID, held, until time.Time) (kept []core.UploadID, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	err = r.NewRaw(`UPDATE uploads SET claimed_until = ?, check_at = ? WHERE id IN (?) AND claimed_until = ? RETURNING id`,
		stamp{until}, stamp{until}, bun.List(ids), stamp{held}).Scan(ctx, &kept)
	return kept, translate("renew claims", err)
}

func (r uploads) Postpone(ctx context.Context, id core.UploadID, held, checkAt time.Time) error {
	_, err := r.NewRaw(`UPDATE uploads SET check_at = ?, claimed_until = NULL WHERE id = ? AND claimed_until IS NOT DISTINCT FROM ?`,
		stamp{checkAt}, id, stamp{held}).Exec(ctx)
	return translate("postpone upload", err)
}

func (r uploads) Finish(ctx context.Context, org core.OrgID, held time.Time, ids ...core.UploadID) (finished, busy []core.UploadID, err error) {
	if len(ids) == 0 {
		return nil, nil, nil
	}
	// Assets are locked before their uploads, as everywhere: the versions that
	// follow need them, and a purge that comes between would wait for us while we
	// wait for it.
	var locked []core.AssetID
	err = r.alone(r.NewSelect().Column("n.id").TableExpr("nodes AS n").
		Where("n.id IN (SELECT asset_id FROM uploads WHERE org_id = ? AND id IN (?))", org, bun.List(ids)).OrderExpr("n.id")).Scan(ctx, &locked)
	if err != nil {
		return nil, nil, translate("lock assets", err)
	}
	err = r.NewRaw(`DELETE FROM uploads WHERE org_id = ? AND id IN (?) AND claimed_until IS NOT DISTINCT FROM ? RETURNING id`,
		org, bun.List(ids), stamp{held}).Scan(ctx, &finished)
	if err != nil || len(finished) == len(ids) {
		return finished, nil, translate("finish uploads", err)
	}
	// While we waited for the assets, the others may have gone.
	err = r.NewRaw(`SELECT id FROM uploads WHERE org_id = ? AND id IN (?)`, org, bun.List(ids)).Scan(ctx, &busy)
	return finished, busy, translate("finish uploads", err)
}

func (r uploads) remove(ctx context.Context, org core.OrgID, id core.UploadID) error {
	res, err := r.NewRaw(`DELETE FROM uploads WHERE org_id = ? AND id = ?`, org, id).Exec(ctx)
	n, err := affected("remove upload", res, err)
	if err == nil && n == 0 {
		return core.ErrUploadNotFound
	}
	return err
}

func (r uploads) Abort(ctx context.Context, org core.OrgID, id core.UploadID) error {
	var row uploadRow
	if err := r.NewSelect().Model(&row).Where("up.org_id = ? AND up.id = ?", org, id).Scan(ctx); err != nil {
		return orGone(translate("get upload", err))
	}
	drive, err := lockForRelease(ctx, r.repository, org, row.AssetID)
	if err != nil {
		return orGone(err)
	}
	if err := r.remove(ctx, org, id); err != nil {
		return err
	}
	gone := removal{repository: r.repository, bytes: row.SizeBytes}
	var others int
	err = r.NewRaw(`SELECT (SELECT count(*) FROM asset_versions WHERE asset_id = ?) + (SELECT count(*) FROM uploads WHERE asset_id = ?)`,
		row.AssetID, row.AssetID).Scan(ctx, &others)
	if err != nil {
		return translate("count versions", err)
	}
	if others == 0 {
		if err := gone.assets(ctx, []core.AssetID{row.AssetID}); err != nil {
			return err
		}
	}
	return gone.giveBack(ctx, org, drive)
}

func orGone(err error) error {
	if errors.Is(err, core.ErrNotFound) {
		return core.ErrUploadNotFound
	}
	return err
}
