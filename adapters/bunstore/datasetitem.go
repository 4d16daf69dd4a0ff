package bunstore

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
)

type datasetItemRow struct {
	bun.BaseModel `bun:"table:dataset_items,alias:i"`

	ID         core.DatasetItemID    `bun:"id,pk"`
	OrgID      core.OrgID            `bun:"org_id"`
	VersionID  core.DatasetVersionID `bun:"version_id"`
	Line       int64                 `bun:"line"`
	ExternalID string                `bun:"external_id"`
	Type       string                `bun:"type"`
	Title      string                `bun:"title"`
	Tags       document[[]string]    `bun:"tags"`
	Data       rawJSON               `bun:"data"`
	Files      itemFiles             `bun:"files"`
}

func (r *datasetItemRow) item() core.DatasetItem {
	item := core.DatasetItem{
		ID: r.ID, OrgID: r.OrgID, VersionID: r.VersionID, Line: r.Line, ExternalID: r.ExternalID, Type: r.Type, Title: r.Title,
		Tags: r.Tags.v, Data: json.RawMessage(r.Data), Assets: make([]core.ItemAsset, len(r.Files)),
	}
	for i, f := range r.Files {
		item.Assets[i] = f.ItemAsset
	}
	return item
}

// itemColumns are those of item i, with its files.
func itemColumns(files string) string {
	return `i.id, i.org_id, i.version_id, i.line, i.external_id, i.type, i.title, i.tags, i.data, ` + files + ` AS files`
}

// itemFilesFrom are the files of item i as fa.
const itemFilesFrom = ` FROM dataset_item_assets fa
		LEFT JOIN nodes fn ON fn.id = fa.asset_id LEFT JOIN asset_versions fv ON fv.asset_id = fa.asset_id AND fv.number = fa.number
		WHERE fa.item_id = i.id`

// itemFiles are the files of an item as one JSON value.
type itemFiles []core.ItemFile

// Scan implements sql.Scanner.
func (f *itemFiles) Scan(v any) error {
	if v == nil {
		*f = nil
		return nil
	}
	var list []struct {
		Role        string       `json:"r"`
		AssetID     core.AssetID `json:"a"`
		Number      int          `json:"n"`
		Path        string       `json:"p"`
		Name        string       `json:"f"`
		ContentType string       `json:"t"`
		SizeBytes   int64        `json:"s"`
		SHA256      string       `json:"h"`
	}
	if err := scanJSON(v, &list); err != nil {
		return err
	}
	*f = make(itemFiles, len(list))
	for i, e := range list {
		sum, err := hex.DecodeString(e.SHA256)
		if err != nil {
			return err
		}
		(*f)[i] = core.ItemFile{
			ItemAsset: core.ItemAsset{Role: e.Role, AssetID: e.AssetID, Number: e.Number, Path: e.Path},
			Name:      fileName(e.Path, e.Name), ContentType: e.ContentType, SizeBytes: e.SizeBytes, SHA256: nilIfEmpty(sum),
		}
	}
	return nil
}

// fileName is what a file is saved as: as it came, or else as it is called.
func fileName(from, name string) string {
	if from == "" {
		return name
	}
	return path.Base(from)
}

// rawJSON is JSON in one form, whatever the database has made of it: no white
// space, and the names of objects sorted.
type rawJSON json.RawMessage

// Value implements driver.Valuer.
func (r rawJSON) Value() (driver.Value, error) { return string(r), nil }

// Scan implements sql.Scanner.
func (r *rawJSON) Scan(v any) error {
	var value any
	var text []byte
	switch v := v.(type) {
	case string:
		text = []byte(v)
	case []byte:
		text = v
	default:
		return fmt.Errorf("cannot scan %T as JSON", v)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return err
	}
	*r = core.AppendCanonical(nil, value)
	return nil
}

// ofItem joins the dataset of item $3, if its version is published.
const ofItem = ` JOIN dataset_items i ON i.id = $3
		JOIN dataset_versions dv ON dv.id = i.version_id AND dv.number IS NOT NULL
		JOIN datasets ds ON ds.id = dv.dataset_id AND ds.deleted_at IS NULL`

// itemStatements are those about one item, in a database's language.
type itemStatements struct{ item, file, shown statement }

func newItemStatements(uuid, files string) *itemStatements {
	return &itemStatements{
		item: inEachForm(func(f form) string { return datasetFacts(f, ofItem, `, dv.number, `+itemColumns(files)) }),
		file: inEachForm(func(f form) string {
			return datasetFacts(f, ofItem+`
		LEFT JOIN dataset_item_assets fa ON fa.item_id = i.id AND fa.role = $4`+itsBytes, `, dv.number, i.id, coalesce(fa.role, '')`+fileColumns)
		}),
		shown: inEachForm(func(f form) string {
			return datasetFacts(f, ` JOIN dataset_files fa ON fa.asset_id = $3
		JOIN datasets ds ON ds.id = fa.dataset_id AND ds.deleted_at IS NULL AND ds.current_version > 0`+itsBytes,
				`, fa.since, CAST(NULL AS `+uuid+`), ''`+fileColumns) + ` ORDER BY fa.number DESC, ds.id LIMIT 200`
		}),
	}
}

// Of file fa: what joins its bytes, and columns.
const (
	itsBytes = `
		LEFT JOIN nodes fn ON fn.id = fa.asset_id LEFT JOIN asset_versions fv ON fv.asset_id = fa.asset_id AND fv.number = fa.number`
	fileColumns = `, fa.asset_id, coalesce(fa.number, 0), coalesce(fa.path, ''), coalesce(fn.name, ''),
		coalesce(fv.content_type, ''), coalesce(fv.size_bytes, 0), coalesce(fv.blob_key, '')`
)

// fileInto takes the fileColumns.
func fileInto(f *core.ItemFileFacts) []any {
	return []any{&f.File.Role, &f.File.AssetID, &f.File.Number, &f.File.Path, &f.File.Name, &f.File.ContentType, &f.File.SizeBytes, &f.Key}
}

// ForItem implements ports.ItemReads.
func (s *Store) ForItem(ctx context.Context, a core.Actor, id core.DatasetItemID) (core.ItemFacts, error) {
	var f core.ItemFacts
	var row datasetItemRow
	err := s.askDataset(ctx, a, s.dialect.items.item, &f.DatasetFacts, []any{id}, &f.Number, &row.ID, &row.OrgID, &row.VersionID, &row.Line,
		&row.ExternalID, &row.Type, &row.Title, &row.Tags, &row.Data, &row.Files)
	f.Item, f.Files = row.item(), row.Files
	return f, err
}

// ForItemFile implements ports.ItemReads.
func (s *Store) ForItemFile(ctx context.Context, a core.Actor, id core.DatasetItemID, role string) (core.ItemFileFacts, error) {
	var f core.ItemFileFacts
	err := s.askDataset(ctx, a, s.dialect.items.file, &f.DatasetFacts, []any{id, role}, append([]any{&f.Number, &f.ItemID}, fileInto(&f)...)...)
	f.File.Name = fileName(f.File.Path, f.File.Name)
	return f, err
}

// ForShownAsset implements ports.ItemReads. Which of the datasets show the asset to
// the actor is core's to say.
func (s *Store) ForShownAsset(ctx context.Context, a core.Actor, id core.AssetID) (core.ItemFileFacts, error) {
	if a.ByKey() {
		return core.ItemFileFacts{}, core.ErrKeyNotAllowed
	}
	args := []any{a.UserID, a.SessionID, id}
	stmt, err := s.statements.get(ctx, s.read.DB, s.dialect.items.shown.of(a, args)) //nolint:sqlclosecheck // kept by statements
	if err != nil {
		return core.ItemFileFacts{}, translate("shown asset", err)
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return core.ItemFileFacts{}, translate("shown asset", err)
	}
	f, found, err := scanShown(rows)
	switch {
	case err != nil:
		return f, translate("shown asset", err)
	case found:
		return f, nil
	}
	none, err := s.nothing(ctx, a) // the caller is not there, or nothing shows it
	if err == nil {
		err = none.Check()
	}
	return core.ItemFileFacts{}, err
}

func scanShown(rows *sql.Rows) (f core.ItemFileFacts, found bool, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		f = core.ItemFileFacts{} //nolint:exhaustruct_v5 // scanned below
		d := datasetScan{facts: &f.DatasetFacts}
		if err := rows.Scan(d.into(append([]any{&f.Number, &f.ItemID}, fileInto(&f)...)...)...); err != nil {
			return f, false, err
		}
		d.done()
		if core.CanFetch(f) == nil {
			f.File.Name = fileName(f.File.Path, f.File.Name)
			return f, true, nil
		}
	}
	return f, false, rows.Err()
}

type datasetItems struct{ repository }

func (r datasetItems) ByExternalID(ctx context.Context, version core.DatasetVersionID, after string, limit int) ([]*core.DatasetItem, error) {
	var rows []datasetItemRow
	err := r.NewRaw(`SELECT `+itemColumns(r.dialect.itemFiles)+` FROM dataset_items AS i WHERE i.version_id = ? AND i.external_id > ?
		ORDER BY i.external_id LIMIT ?`, version, after, limit).Scan(ctx, &rows)
	out := make([]*core.DatasetItem, len(rows))
	for i := range rows {
		out[i] = new(rows[i].item())
	}
	return out, translate("items by external id", err)
}
