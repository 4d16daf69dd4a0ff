package bunstore

import (
	"context"
	"slices"

	"github.com/seed-755a8038/coffer/core"
)

type datasetPurges struct{ repository }

func (r datasetPurges) Discarded(ctx context.Context, after core.DatasetVersionID, limit int) ([]core.DatasetVersion, error) {
	var rows []datasetVersionRow
	err := r.NewSelect().Model(&rows).Where("discarded_at IS NOT NULL AND id > ?", floor(after)).OrderExpr("id").Limit(int64(limit)).Scan(ctx)
	out := make([]core.DatasetVersion, len(rows))
	for i := range rows {
		out[i] = *rows[i].version()
	}
	return out, translate("discarded versions", err)
}

func (r datasetPurges) StripVersion(ctx context.Context, id core.DatasetVersionID, limit int) (bool, error) {
	if done, err := r.stripItems(ctx, id, limit); err != nil || !done {
		return false, err
	}
	_, err := r.NewRaw(`DELETE FROM dataset_versions WHERE id = ? AND discarded_at IS NOT NULL`, id).Exec(ctx)
	return err == nil, translate("remove version", err)
}

// stripItems removes items of a version with all they have.
func (r datasetPurges) stripItems(ctx context.Context, version core.DatasetVersionID, limit int) (bool, error) {
	for _, t := range []struct{ table, key string }{
		{"dataset_item_tags", "version_id, tag, item_id"}, {"dataset_item_assets", "item_id, role"},
	} {
		if done, err := r.some(ctx, t.table, t.key, "version_id = ?", version, limit); err != nil || !done {
			return false, err
		}
	}
	if r.dialect.name == "sqlite" {
		_, err := r.NewRaw(`DELETE FROM dataset_words WHERE rowid IN (SELECT seq FROM dataset_items WHERE version_id = ? ORDER BY id LIMIT ?)`, version, limit).Exec(ctx)
		if err != nil {
			return false, translate("strip dataset_words", err)
		}
	}
	res, err := r.NewRaw(`DELETE FROM dataset_items WHERE id IN (SELECT id FROM dataset_items WHERE version_id = ? ORDER BY id LIMIT ?)`, version, limit).Exec(ctx)
	n, err := affected("strip dataset_items", res, err)
	return n < limit, err
}

// some removes rows of a table that is known by a key of several columns.
func (r datasetPurges) some(ctx context.Context, table, key, where string, id any, limit int) (done bool, err error) {
	res, err := r.NewRaw(`DELETE FROM `+table+` WHERE (`+key+`) IN (SELECT `+key+` FROM `+table+` WHERE `+where+` LIMIT ?)`, id, limit).Exec(ctx)
	n, err := affected("strip "+table, res, err)
	return n < limit, err
}

func (r datasetPurges) Deleted(ctx context.Context, after core.DatasetID, limit int) ([]core.Dataset, error) {
	var rows []datasetRow
	err := r.NewSelect().Model(&rows).Where("d.deleted_at IS NOT NULL AND d.id > ?", floor(after)).OrderExpr("d.id").Limit(int64(limit)).Scan(ctx)
	out := make([]core.Dataset, len(rows))
	for i := range rows {
		out[i] = *rows[i].dataset()
	}
	return out, translate("deleted datasets", err)
}

func (r datasetPurges) Strip(ctx context.Context, id core.DatasetID, limit int) (bool, error) {
	if err := r.lock(ctx, "datasets", "id", id); err != nil {
		return false, err
	}
	return r.strip(ctx, id, limit)
}

// ofDataset are the tables that have much of a dataset, with their keys, in the
// order in which they can be emptied.
var ofDataset = []struct{ table, key, where string }{
	{"dataset_files", "dataset_id, asset_id, number", "dataset_id = ?"},
	{"ingest_files", "session_id, path", "session_id IN (SELECT id FROM ingest_sessions WHERE dataset_id = ?)"},
	{"ingest_sessions", "id", "dataset_id = ?"},
	{"annotation_versions", "annotation_id, version", "annotation_id IN (SELECT id FROM annotations WHERE dataset_id = ?)"},
	{"annotations", "id", "dataset_id = ?"},
	{"dataset_accesses", "id", "dataset_id = ?"},
}

// strip removes a locked dataset, whose row is the last of it.
func (r datasetPurges) strip(ctx context.Context, id core.DatasetID, limit int) (bool, error) {
	var versions []core.DatasetVersionID
	if err := r.NewRaw(`SELECT id FROM dataset_versions WHERE dataset_id = ? ORDER BY id LIMIT ?`, id, limit).Scan(ctx, &versions); err != nil {
		return false, translate("strip dataset", err)
	}
	for _, version := range versions {
		if done, err := r.stripItems(ctx, version, limit); err != nil || !done {
			return false, err
		}
		if _, err := r.NewRaw(`DELETE FROM dataset_versions WHERE id = ?`, version).Exec(ctx); err != nil {
			return false, translate("strip dataset", err)
		}
	}
	if len(versions) == limit {
		return false, nil
	}
	for _, t := range ofDataset {
		if done, err := r.some(ctx, t.table, t.key, t.where, id, limit); err != nil || !done {
			return false, err
		}
	}
	_, err := r.NewRaw(`DELETE FROM datasets WHERE id = ?`, id).Exec(ctx) // its grants go with it
	return err == nil, translate("strip dataset", err)
}

// stripOrg removes datasets of an org.
func (r datasetPurges) stripOrg(ctx context.Context, org core.OrgID, limit int) (bool, error) {
	var ids []core.DatasetID
	if err := r.NewRaw(`SELECT id FROM datasets WHERE org_id = ? ORDER BY id LIMIT ?`, org, limit).Scan(ctx, &ids); err != nil {
		return false, translate("strip datasets", err)
	}
	for id := range slices.Values(ids) {
		if done, err := r.Strip(ctx, id, limit); err != nil || !done {
			return false, err
		}
	}
	return len(ids) < limit, nil
}
