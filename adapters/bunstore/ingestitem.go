package bunstore

import (
	"context"
	"database/sql"
	"strings"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func withKey(text, key string) string { return strings.ReplaceAll(text, "{key}", key) }

// ingestItems stores many rows at once, which Bun does not do as fast as the
// databases can.
type ingestItems struct {
	repository

	conn *sql.Conn
	tx   *sql.Tx
}

func (r ingestItems) Store(ctx context.Context, items []ports.NewItem) error {
	if len(items) == 0 {
		return nil
	}
	return translate("store items", r.dialect.storeItems(ctx, r, items))
}

// Duplicates finds the external ids by one walk along their index.
func (r ingestItems) Duplicates(ctx context.Context, version core.DatasetVersionID, limit int) ([]core.DatasetItem, int64, error) {
	var twice []struct {
		ExternalID string `bun:"external_id"`
		Count      int64  `bun:"n"`
	}
	err := r.NewRaw(`SELECT external_id, count(*) AS n FROM dataset_items WHERE version_id = ? GROUP BY external_id HAVING count(*) > 1 LIMIT ?`,
		version, limit).Scan(ctx, &twice)
	if err != nil || len(twice) == 0 {
		return nil, 0, translate("duplicates", err)
	}
	ids := make([]string, len(twice))
	for i := range twice {
		ids[i] = twice[i].ExternalID
	}
	var rows []struct {
		Line       int64  `bun:"line"`
		ExternalID string `bun:"external_id"`
	}
	err = r.NewRaw(`SELECT i.line, i.external_id FROM dataset_items i WHERE i.version_id = ?0 AND i.external_id IN (?1)
		AND EXISTS (SELECT 1 FROM dataset_items o WHERE o.version_id = ?0 AND o.external_id = i.external_id AND o.id < i.id) ORDER BY i.line LIMIT ?2`,
		version, bun.List(ids), limit).Scan(ctx, &rows)
	if err != nil {
		return nil, 0, translate("duplicates", err)
	}
	var all int64
	err = r.NewRaw(`SELECT CAST(coalesce(sum(n - 1), 0) AS bigint) FROM (SELECT count(*) AS n FROM dataset_items WHERE version_id = ?
		GROUP BY external_id HAVING count(*) > 1) AS t`, version).Scan(ctx, &all)
	out := make([]core.DatasetItem, len(rows))
	for i := range rows {
		out[i] = core.DatasetItem{VersionID: version, Line: rows[i].Line, ExternalID: rows[i].ExternalID} //nolint:exhaustruct_v5 // what tells which they are
	}
	return out, all, translate("duplicates", err)
}

// appendTags writes tags as JSON.
func appendTags(b []byte, tags []string) []byte {
	all := make([]any, len(tags))
	for i, tag := range tags {
		all[i] = tag
	}
	return core.AppendCanonical(b, all)
}
