package bunstore

import (
	"context"
	"encoding/hex"
	"strings"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// insertItems stores items by statements of many rows, each compiled once.
func insertItems(ctx context.Context, r ingestItems, items []ports.NewItem) error {
	var seq int64 // there is one writer: nobody else gives these numbers out
	if err := r.tx.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM dataset_items`).Scan(&seq); err != nil {
		return err
	}
	rows := inserter{r: r, into: "dataset_items (seq, id, org_id, version_id, line, external_id, type, title, tags, data)", columns: 10}
	words := inserter{r: r, into: "dataset_words (rowid, words)", columns: 2}
	tags := inserter{r: r, into: "dataset_item_tags (version_id, tag, item_id, org_id)", columns: 4}
	assets := inserter{r: r, into: "dataset_item_assets (item_id, role, version_id, org_id, asset_id, number, path)", columns: 7}
	for i := range items {
		x := &items[i]
		seq++
		id, org, version := x.ID.String(), x.OrgID.String(), x.VersionID.String()
		rows.add(seq, id, org, version, x.Line, x.ExternalID, x.Type, x.Title, string(appendTags(nil, x.Tags)), string(x.Data))
		words.add(seq, wordsOfItem(x.VersionID, x.Words))
		for _, tag := range x.Tags {
			tags.add(version, tag, id, org)
		}
		for _, a := range x.Assets {
			assets.add(id, a.Role, version, org, a.AssetID.String(), a.Number, a.Path)
		}
	}
	for _, in := range []*inserter{&rows, &words, &tags, &assets} {
		if err := in.run(ctx); err != nil {
			return err
		}
	}
	return nil
}

// wordsOfItem is what is indexed of an item.
func wordsOfItem(version core.DatasetVersionID, words []string) string {
	return strings.Join(append([]string{hex.EncodeToString(version[:])}, words...), " ") // the first is a word that only this version has
}

// indexItemsSQLite gives the rows their numbers, and their words to the index.
func indexItemsSQLite(ctx context.Context, r bundles, rows []ports.BundleRow) error {
	var seq int64
	if err := r.tx.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM dataset_items`).Scan(&seq); err != nil {
		return translate("index items", err)
	}
	for _, row := range rows {
		seq++
		text, _ := row["version_id"].(string)
		version, err := core.ParseID[core.DatasetVersion](text)
		if err != nil {
			return core.BadBundle("an item has no version")
		}
		words, _ := row["words"].([]string)
		if _, err := r.tx.ExecContext(ctx, `INSERT INTO dataset_words (rowid, words) VALUES ($1, $2)`, seq, wordsOfItem(version, words)); err != nil {
			return translate("index items", err)
		}
		row["seq"] = seq
		delete(row, "words")
	}
	return nil
}

// inserter inserts rows of one table.
type inserter struct {
	r       ingestItems
	into    string
	columns int
	args    []any
}

func (i *inserter) add(row ...any) { i.args = append(i.args, row...) }

// insertRows is how many rows one statement inserts.
const insertRows = 100

func (i *inserter) text(rows int) string {
	row := "(" + strings.TrimSuffix(strings.Repeat("?, ", i.columns), ", ") + ")"
	return "INSERT INTO " + i.into + " VALUES " + strings.TrimSuffix(strings.Repeat(row+", ", rows), ", ")
}

func (i *inserter) run(ctx context.Context) error {
	full := i.columns * insertRows
	if len(i.args) >= full {
		stmt, err := i.r.tx.PrepareContext(ctx, i.text(insertRows))
		if err != nil {
			return err
		}
		defer func() { _ = stmt.Close() }()
		for ; len(i.args) >= full; i.args = i.args[full:] {
			if _, err := stmt.ExecContext(ctx, i.args[:full]...); err != nil {
				return err
			}
		}
	}
	if len(i.args) == 0 {
		return nil
	}
	_, err := i.r.tx.ExecContext(ctx, i.text(len(i.args)/i.columns), i.args...)
	return err
}
