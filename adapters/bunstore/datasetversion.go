package bunstore

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
)

type datasetVersionRow struct {
	bun.BaseModel `bun:"table:dataset_versions,alias:dv"`

	ID           core.DatasetVersionID `bun:"id,pk"`
	OrgID        core.OrgID            `bun:"org_id"`
	DatasetID    core.DatasetID        `bun:"dataset_id"`
	Number       int64                 `bun:"number,nullzero"`
	SessionID    core.IngestSessionID  `bun:"session_id"`
	ManifestHash []byte                `bun:"manifest_hash"`
	Items        int64                 `bun:"items"`
	CreatedBy    core.AccountID        `bun:"created_by"`
	CreatedAt    stamp                 `bun:"created_at"`
	PublishedAt  stamp                 `bun:"published_at"`
	DiscardedAt  stamp                 `bun:"discarded_at"`
}

func newDatasetVersionRow(v *core.DatasetVersion) *datasetVersionRow {
	return &datasetVersionRow{
		ID: v.ID, OrgID: v.OrgID, DatasetID: v.DatasetID, Number: v.Number, SessionID: v.SessionID, ManifestHash: v.ManifestHash,
		Items: v.Items, CreatedBy: v.CreatedBy, CreatedAt: stamp{v.CreatedAt}, PublishedAt: stamp{v.PublishedAt},
	}
}

func (r *datasetVersionRow) version() *core.DatasetVersion {
	return &core.DatasetVersion{
		ID: r.ID, OrgID: r.OrgID, DatasetID: r.DatasetID, Number: r.Number, SessionID: r.SessionID, ManifestHash: r.ManifestHash,
		Items: r.Items, CreatedBy: r.CreatedBy, CreatedAt: r.CreatedAt.Time, PublishedAt: r.PublishedAt.Time,
	}
}

type datasetVersions struct{ repository }

func (r datasetVersions) Add(ctx context.Context, v *core.DatasetVersion) error {
	_, err := r.NewInsert().Model(newDatasetVersionRow(v)).Exec(ctx)
	return translate("add dataset version", err)
}

func (r datasetVersions) Get(ctx context.Context, dataset core.DatasetID, number int64) (*core.DatasetVersion, error) {
	var row datasetVersionRow
	err := r.NewSelect().Model(&row).Where("dataset_id = ? AND number = ?", dataset, number).Scan(ctx)
	return row.version(), translate("dataset version", err)
}

func (r datasetVersions) ByID(ctx context.Context, org core.OrgID, id core.DatasetVersionID) (*core.DatasetVersion, error) {
	var row datasetVersionRow
	err := r.NewSelect().Model(&row).Where("id = ? AND org_id = ?", id, org).Scan(ctx)
	return row.version(), translate("dataset version", err)
}

func (r datasetVersions) List(ctx context.Context, dataset core.DatasetID, before int64, limit int) ([]*core.DatasetVersion, error) {
	var rows []datasetVersionRow
	sel := r.NewSelect().Model(&rows).Where("dataset_id = ? AND number IS NOT NULL", dataset).OrderExpr("number DESC").Limit(int64(limit))
	if before > 0 {
		sel.Where("number < ?", before)
	}
	err := sel.Scan(ctx)
	out := make([]*core.DatasetVersion, len(rows))
	for i := range rows {
		out[i] = rows[i].version()
	}
	return out, translate("list dataset versions", err)
}

func (r datasetVersions) Publish(ctx context.Context, v *core.DatasetVersion) error {
	res, err := r.NewUpdate().Model(newDatasetVersionRow(v)).Column("number", "manifest_hash", "items", "published_at").
		Where("id = ? AND number IS NULL AND discarded_at IS NULL", v.ID).Exec(ctx)
	if err := saved("publish dataset version", res, err); err != nil {
		return err
	}
	_, err = r.NewRaw(`INSERT INTO dataset_files (dataset_id, asset_id, number, org_id, path, since)
		SELECT ?0, asset_id, number, ?1, min(path), ?2 FROM dataset_item_assets WHERE version_id = ?3 GROUP BY asset_id, number
		ON CONFLICT (dataset_id, asset_id, number) DO NOTHING`, v.DatasetID, v.OrgID, v.Number, v.ID).Exec(ctx)
	if err = translate("publish dataset version", err); errors.Is(err, errReference) {
		return core.ErrConflict.Say("a file of the manifest was removed for good at this moment; publish again to hear which one")
	}
	return err
}

func (r datasetVersions) Discard(ctx context.Context, id core.DatasetVersionID, now time.Time) error {
	_, err := r.NewRaw(`UPDATE dataset_versions SET discarded_at = ? WHERE id = ? AND number IS NULL AND discarded_at IS NULL`, stamp{now}, id).Exec(ctx)
	return translate("discard dataset version", err)
}
