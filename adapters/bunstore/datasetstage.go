package bunstore

import (
	"context"
	"strings"

	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/seed-755a8038/coffer/ports"
)

type ingestItems struct{ repository }

// stageBatch is how many items one statement stores.
const stageBatch = 500

func (r ingestItems) Store(ctx context.Context, items []ports.NewItem) error {
	for len(items) > 0 {
		n := min(len(items), stageBatch)
		if err := r.dialect.stage(ctx, r.repository, items[:n]); err != nil {
			return translate("stage items", err)
		}
		if err := r.stageParts(ctx, items[:n]); err != nil {
			return translate("stage items", err)
		}
		items = items[n:]
	}
	return nil
}

// values stores rows by one statement.
func (r repository) values(ctx context.Context, into, row string, args []any, rows int) error {
	if rows == 0 {
		return nil
	}
	_, err := r.NewRaw(`INSERT INTO `+into+` VALUES `+row+strings.Repeat(`, `+row, rows-1), args...).Exec(ctx)
	return err
}

func stagePostgres(ctx context.Context, r repository, items []ports.NewItem) error {
	var args []any
	for _, i := range items {
		args = append(args, i.ID, i.OrgID, i.VersionID, i.Line, i.ExternalID, i.Type, i.Title, document[[]string]{i.Tags}, string(i.Data), pgdialect.Array(i.Words))
	}
	return r.values(ctx, `dataset_items (id, org_id, version_id, line, external_id, type, title, tags, data, words)`,
		`(?, ?, ?, ?, ?, ?, ?, ?, ?, array_to_tsvector(CAST(? AS text[])))`, args, len(items))
}

func stageSQLite(ctx context.Context, r repository, items []ports.NewItem) error {
	var args, words []any
	for _, i := range items {
		args = append(args, i.ID, i.OrgID, i.VersionID, i.Line, i.ExternalID, i.Type, i.Title, document[[]string]{i.Tags}, string(i.Data))
		words = append(words, i.ID, strings.ReplaceAll(i.VersionID.String(), "-", "")+" "+strings.Join(i.Words, " "))
	}
	err := r.values(ctx, `dataset_items (id, org_id, version_id, line, external_id, type, title, tags, data)`, `(?, ?, ?, ?, ?, ?, ?, ?, ?)`, args, len(items))
	if err != nil {
		return err
	}
	return r.values(ctx, `dataset_words (rowid, words)`, `((SELECT seq FROM dataset_items WHERE id = ?), ?)`, words, len(items))
}

// stageParts stores the tags and the files of items.
func (r ingestItems) stageParts(ctx context.Context, items []ports.NewItem) error {
	var tags, files []any
	var tagged, assets int
	for _, i := range items {
		for _, tag := range i.Tags {
			tags = append(tags, i.VersionID, tag, i.ID, i.OrgID)
			tagged++
		}
		for _, a := range i.Assets {
			files = append(files, i.ID, a.Role, i.VersionID, i.OrgID, a.AssetID, a.Number, a.Path)
			assets++
		}
	}
	if err := r.values(ctx, `dataset_item_tags (version_id, tag, item_id, org_id)`, `(?, ?, ?, ?)`, tags, tagged); err != nil {
		return err
	}
	return r.values(ctx, `dataset_item_assets (item_id, role, version_id, org_id, asset_id, number, path)`, `(?, ?, ?, ?, ?, ?, ?)`, files, assets)
}
