package bunstore

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
)

type versionRow struct {
	bun.BaseModel `bun:"table:asset_versions,alias:v"`

	AssetID     core.AssetID   `bun:"asset_id,pk"`
	Number      int            `bun:"number,pk"`
	OrgID       core.OrgID     `bun:"org_id"`
	BlobKey     string         `bun:"blob_key"`
	ContentType string         `bun:"content_type"`
	SizeBytes   int64          `bun:"size_bytes"`
	SHA256      []byte         `bun:"sha256"`
	UploadID    core.UploadID  `bun:"upload_id"`
	CreatedBy   core.AccountID `bun:"created_by"`
	CreatedAt   stamp          `bun:"created_at"`
}

func (r *versionRow) version() core.Version {
	return core.Version{
		AssetID: r.AssetID, Number: r.Number, OrgID: r.OrgID, BlobKey: r.BlobKey, ContentType: r.ContentType,
		SizeBytes: r.SizeBytes, SHA256: nilIfEmpty(r.SHA256), UploadID: r.UploadID, CreatedBy: r.CreatedBy, CreatedAt: r.CreatedAt.Time,
	}
}

type versions struct{ repository }

func (r versions) Add(ctx context.Context, vs ...*core.Version) error {
	for some := range slices.Chunk(vs, plantBatch) {
		rows := make([]versionRow, len(some))
		for i, v := range some {
			rows[i] = versionRow{
				AssetID: v.AssetID, Number: v.Number, OrgID: v.OrgID, BlobKey: v.BlobKey, ContentType: v.ContentType,
				SizeBytes: v.SizeBytes, SHA256: v.SHA256, UploadID: v.UploadID, CreatedBy: v.CreatedBy, CreatedAt: stamp{v.CreatedAt},
			}
		}
		if _, err := r.NewInsert().Model(&rows).Exec(ctx); err != nil {
			return translate("add versions", err)
		}
	}
	return nil
}

func (r versions) Get(ctx context.Context, org core.OrgID, asset core.AssetID, number int) (*core.Version, error) {
	return r.one(ctx, "v.org_id = ? AND v.asset_id = ? AND v.number = ?", org, asset, number)
}

func (r versions) Current(ctx context.Context, org core.OrgID, assets []core.AssetID) (map[core.AssetID]core.Version, error) {
	out := make(map[core.AssetID]core.Version, len(assets))
	if len(assets) == 0 {
		return out, nil
	}
	var rows []versionRow
	err := r.NewSelect().Model(&rows).Join("JOIN nodes AS n ON n.id = v.asset_id AND n.current_version = v.number").
		Where("v.org_id = ? AND v.asset_id IN (?)", org, bun.List(assets)).Scan(ctx)
	if err != nil {
		return nil, translate("get current versions", err)
	}
	for i := range rows {
		out[rows[i].AssetID] = rows[i].version()
	}
	return out, nil
}

func (r versions) ByUpload(ctx context.Context, org core.OrgID, asset core.AssetID, upload core.UploadID) (*core.Version, error) {
	return r.one(ctx, "v.org_id = ? AND v.asset_id = ? AND v.upload_id = ?", org, asset, upload)
}

func (r versions) one(ctx context.Context, where string, args ...any) (*core.Version, error) {
	var row versionRow
	if err := r.NewSelect().Model(&row).Where(where, args...).Scan(ctx); err != nil {
		return nil, translate("get version", err)
	}
	v := row.version()
	return &v, nil
}

func (r versions) SetSHA256(ctx context.Context, org core.OrgID, asset core.AssetID, number int, sha256 []byte) error {
	res, err := r.NewRaw(`UPDATE asset_versions SET sha256 = ? WHERE org_id = ? AND asset_id = ? AND number = ? AND sha256 IS NULL`,
		sha256, org, asset, number).Exec(ctx)
	_, err = affected("set hash", res, err)
	return err
}

func (r versions) List(ctx context.Context, org core.OrgID, asset core.AssetID, before, limit int) ([]core.Version, error) {
	var rows []versionRow
	sel := r.NewSelect().Model(&rows).Where("v.org_id = ? AND v.asset_id = ?", org, asset).OrderExpr("v.number DESC").Limit(int64(limit))
	if before > 0 {
		sel = sel.Where("v.number < ?", before)
	}
	if err := sel.Scan(ctx); err != nil {
		return nil, translate("list versions", err)
	}
	out := make([]core.Version, len(rows))
	for i := range rows {
		out[i] = rows[i].version()
	}
	return out, nil
}

func (r versions) Unknown(ctx context.Context, keys []string) ([]string, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	var known []string
	in := bun.List(keys)
	err := r.NewRaw(`SELECT blob_key FROM asset_versions WHERE blob_key IN (?)
		UNION ALL SELECT blob_key FROM uploads WHERE blob_key IN (?)
		UNION ALL SELECT staging_key FROM uploads WHERE staging_key <> '' AND staging_key IN (?)
		UNION ALL SELECT source_key FROM uploads WHERE source_key <> '' AND source_key IN (?)
		UNION ALL SELECT blob_key FROM marked_copies WHERE blob_key IN (?)
		UNION ALL SELECT thumbnail_key FROM derived WHERE thumbnail_key <> '' AND thumbnail_key IN (?)
		UNION ALL SELECT poster_key FROM derived WHERE poster_key <> '' AND poster_key IN (?)`, in, in, in, in, in, in, in).Scan(ctx, &known)
	if err != nil {
		return nil, translate("find blob keys", err)
	}
	return without(keys, known), nil
}

// without returns the keys that are not in known, in their order.
func without(keys, known []string) []string {
	have := make(map[string]bool, len(known))
	for _, k := range known {
		have[k] = true
	}
	var out []string
	for _, k := range keys {
		if !have[k] {
			out = append(out, k)
		}
	}
	return out
}
