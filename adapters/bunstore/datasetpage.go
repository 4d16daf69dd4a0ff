package bunstore

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const (
	// itemWindow is how many items are looked at one by one, first.
	itemWindow = 4_000
	// itemWindows is how many are, before a page ends with what was found.
	itemWindows = 20_000
	// rareItems is how many items may have some words for them to be sorted.
	rareItems = 200_000
)

// Items walks the items by the narrowest of the filters that has an order of
// theirs, and looks at each for the rest: what is found often fills its page from
// a few thousand. Words that are found less often are few enough to be found by
// their index, and sorted, unless they come in heaps: then the page ends somewhere,
// and the next one goes on from there.
func (s *Store) Items(ctx context.Context, q ports.ItemQuery) (ports.ItemPage, error) {
	w := newItemWalk(s, q)
	page, err := w.page(ctx)
	if err == nil && len(q.Words) > 0 {
		var told []ports.ListedItem
		if told, err = w.told(ctx, page.Next); err == nil {
			page = w.cut(merged(page.Items, told), page.Next)
		}
	}
	return page, translate("items", err)
}

// told returns items, until one, whose files have a text with the words: they are
// found by the index of texts, which has no order.
func (w *itemWalk) told(ctx context.Context, until core.DatasetItemID) ([]ports.ListedItem, error) {
	from, match := w.dialect.hasWords(w.Words)
	text := `SELECT DISTINCT fa.item_id AS id FROM dataset_item_assets AS fa JOIN dataset_items AS i ON i.id = fa.item_id
		WHERE fa.version_id = ` + theVersion + ` AND (fa.asset_id, fa.number) IN (SELECT t.asset_id, t.number FROM ` + from + `
			AND t.org_id = (SELECT v.org_id FROM dataset_versions AS v WHERE v.dataset_id = ? AND v.number = ?))`
	args := []any{w.Dataset, w.Number, match, w.Dataset, w.Number}
	also := func(condition string, arg any) { text, args = text+` AND `+condition, append(args, arg) }
	if w.Type != "" {
		also(`i.type = ?`, w.Type)
	}
	if w.Tag != "" {
		also(hasItemTag, w.Tag)
	}
	if !w.After.IsZero() {
		also(`fa.item_id > ?`, w.After)
	}
	if !until.IsZero() {
		also(`fa.item_id <= ?`, until)
	}
	return w.load(ctx, w.db.NewRaw(text+` ORDER BY id LIMIT ?`, append(args, w.Limit+1)...))
}

// merged returns items in order, each once.
func merged(a, b []ports.ListedItem) []ports.ListedItem {
	if len(b) == 0 {
		return a
	}
	byID := func(x, y ports.ListedItem) int { return bytes.Compare(x.ID[:], y.ID[:]) }
	out := slices.Concat(a, b)
	slices.SortStableFunc(out, byID)
	return slices.CompactFunc(out, func(x, y ports.ListedItem) bool { return x.ID == y.ID })
}

// itemWalk is how a page of items is found.
type itemWalk struct {
	ports.ItemQuery
	db      *bun.DB
	dialect *dialect

	// window selects the ids, as id, of the next items in order.
	window func(after core.DatasetItemID, limit int) *bun.RawQuery
	rest   string // what else an item i has to be; empty: nothing
	left   []any  // of rest
	// rare finds the ids of items with the words by an index, in no order; empty:
	// there is none, or what is walked has them already.
	rare     string
	rareArgs []any
}

// theVersion is that of a page.
const theVersion = `(SELECT v.id FROM dataset_versions AS v WHERE v.dataset_id = ? AND v.number = ?)`

// newItemWalk chooses what is walked.
func newItemWalk(s *Store, q ports.ItemQuery) *itemWalk {
	w := &itemWalk{ItemQuery: q, db: s.read, dialect: &s.dialect}
	switch {
	case q.Tag != "":
		w.along(itemOrder{table: "dataset_item_tags", by: "tag", key: "item_id"}, q.Tag)
		if q.Type != "" {
			w.also(`i.type = ?`, q.Type)
		}
	case q.Type != "":
		w.along(itemOrder{table: "dataset_items", index: "dataset_items_version_id_type_idx", by: "type", key: "id"}, q.Type)
	default:
		w.along(itemOrder{table: "dataset_items", index: "dataset_items_version_id_idx", key: "id"})
	}
	if len(q.Words) > 0 {
		s.dialect.withWords(w)
	}
	return w
}

// also adds what an item has to be.
func (w *itemWalk) also(condition string, args ...any) {
	if w.rest != "" {
		w.rest += ` AND `
	}
	w.rest += condition
	w.left = append(w.left, args...)
}

// itemOrder is an index in which the items of a version, or some of them, are in
// order.
type itemOrder struct {
	table, index string // no index: the table's key
	by           string // the column between the version and the key; empty: none
	key          string
}

// along makes the walk one along an index. That it is this one, and that each page
// begins by a look into it, is not left to the database where it may be wrong.
func (w *itemWalk) along(o itemOrder, by ...any) {
	version := []any{w.Dataset, w.Number}
	w.window = func(after core.DatasetItemID, limit int) *bun.RawQuery {
		args := append(slices.Clone(version), by...)
		if !after.IsZero() {
			args = append(args, after)
		}
		if w.dialect.itemsBetween && len(by) == 0 {
			args = append(args, version...)
		}
		return w.db.NewRaw(w.dialect.itemsAlong(o, !after.IsZero())+` LIMIT ?`, append(args, limit)...)
	}
}

// alongPostgres selects all items as a range of rows of their index: by what they
// are equal to, it might walk those of all versions. A range can end only at
// another value of the first column, so others are not selected so.
func alongPostgres(o itemOrder, after bool) string {
	if o.by != "" {
		return alongEqual(o, after)
	}
	from := `version_id >= ` + theVersion
	if after {
		from = `(version_id, ` + o.key + `) > (` + theVersion + `, ?)`
	}
	return `SELECT ` + o.key + ` AS id FROM ` + o.table + ` WHERE ` + from + ` AND version_id <= ` + theVersion + ` ORDER BY version_id, ` + o.key
}

// alongSQLite names the index.
func alongSQLite(o itemOrder, after bool) string {
	if o.index != "" {
		o.table += ` INDEXED BY ` + o.index
	}
	return alongEqual(o, after)
}

func alongEqual(o itemOrder, after bool) string {
	text := `SELECT ` + o.key + ` AS id FROM ` + o.table + ` WHERE version_id = ` + theVersion
	if o.by != "" {
		text += ` AND ` + o.by + ` = ?`
	}
	if after {
		text += ` AND ` + o.key + ` > ?`
	}
	return text + ` ORDER BY ` + o.key
}

func (w *itemWalk) page(ctx context.Context) (ports.ItemPage, error) {
	if w.rest == "" {
		return w.full(w.load(ctx, w.window(w.After, w.Limit+1)))
	}
	var found []ports.ListedItem
	after, seen := w.After, 0
	for size := itemWindow; ; size *= 4 {
		more, last, err := w.look(ctx, after, size, w.Limit+1-len(found))
		if found = append(found, more...); err != nil || len(found) > w.Limit || last.IsZero() {
			return w.full(found, err)
		}
		if seen == 0 && w.rare != "" {
			rest, all, err := w.rarely(ctx, last, w.Limit+1-len(found))
			if err != nil || all {
				return w.full(append(found, rest...), err)
			}
		}
		after = last
		if seen += size; seen >= itemWindows {
			return ports.ItemPage{Items: found, Next: after}, nil
		}
	}
}

// look finds in a window what is as it has to be. last ends the window, if there
// may be more behind it.
func (w *itemWalk) look(ctx context.Context, after core.DatasetItemID, size, limit int) (found []ports.ListedItem, last core.DatasetItemID, err error) {
	var rows []struct {
		ID   core.DatasetItemID `bun:"id"`
		Last int                `bun:"last"`
	}
	args := append([]any{w.window(after, size)}, w.left...)
	err = w.db.NewRaw(`WITH w AS MATERIALIZED (?)
		SELECT id, 0 AS last FROM (SELECT i.id FROM w `+w.dialect.eachItem+` WHERE `+w.rest+` ORDER BY i.id LIMIT ?) AS f
		UNION ALL SELECT id, 1 AS last FROM (SELECT id FROM w ORDER BY id LIMIT 1 OFFSET ?) AS l`, append(args, limit, size-1)...).Scan(ctx, &rows)
	if err != nil {
		return nil, last, err
	}
	var ids []core.DatasetItemID
	for _, r := range rows {
		if r.Last == 1 {
			last = r.ID
		} else {
			ids = append(ids, r.ID)
		}
	}
	if len(ids) == 0 {
		return nil, last, nil
	}
	found, err = w.load(ctx, w.db.NewRaw(`SELECT x.id FROM dataset_items AS x WHERE x.id IN (?)`, bun.List(ids)))
	return found, last, err
}

// rarely finds the items after one by index, if they are few.
func (w *itemWalk) rarely(ctx context.Context, after core.DatasetItemID, limit int) (found []ports.ListedItem, few bool, err error) {
	hits := w.db.NewRaw(w.rare+` LIMIT ?`, append(slices.Clip(w.rareArgs), rareItems+1)...)
	var n int
	if err := w.db.NewRaw(`SELECT count(*) FROM (?) AS r`, hits).Scan(ctx, &n); err != nil || n > rareItems {
		return nil, false, err
	}
	args := append([]any{hits, after}, w.left...)
	found, err = w.load(ctx, w.db.NewRaw(`SELECT i.id FROM (?) AS w `+w.dialect.eachItem+` WHERE i.id > ? AND `+w.rest+`
		ORDER BY i.id LIMIT ?`, append(args, limit)...))
	return found, true, err
}

// load returns the items of which a query selects the ids.
func (w *itemWalk) load(ctx context.Context, ids *bun.RawQuery) ([]ports.ListedItem, error) {
	var rows []datasetItemRow
	err := w.db.NewRaw(`SELECT `+itemColumns(w.dialect.itemFiles)+` FROM (?) AS p JOIN dataset_items AS i ON i.id = p.id ORDER BY i.id`, ids).Scan(ctx, &rows)
	out := make([]ports.ListedItem, len(rows))
	for i := range rows {
		out[i] = ports.ListedItem{DatasetItem: rows[i].item(), Files: rows[i].Files}
	}
	return out, err
}

// full is a page of items that were looked for with one more than there is room for.
func (w *itemWalk) full(found []ports.ListedItem, err error) (ports.ItemPage, error) {
	return w.cut(found, core.DatasetItemID{}), err
}

// cut is a page of what was found; behind it, there may be more after next.
func (w *itemWalk) cut(found []ports.ListedItem, next core.DatasetItemID) ports.ItemPage {
	if len(found) <= w.Limit {
		return ports.ItemPage{Items: found, Next: next}
	}
	found = found[:w.Limit]
	return ports.ItemPage{Items: found, Next: found[w.Limit-1].ID}
}

// hasItemTag is a condition on item i: it has the tag.
const hasItemTag = `EXISTS (SELECT 1 FROM dataset_item_tags AS t WHERE t.version_id = i.version_id AND t.tag = ? AND t.item_id = i.id)`

// wordsPostgres looks for words in each item that is walked; their index has
// no order.
func wordsPostgres(w *itemWalk) {
	quoted := make([]string, len(w.Words))
	for i, word := range w.Words {
		quoted[i] = `'` + strings.NewReplacer(`'`, `''`, `\`, `\\`).Replace(word) + `'`
	}
	query := strings.Join(quoted, " & ") + ":*"
	w.also(`i.words @@ CAST(? AS tsquery)`, query)
	w.rare = `SELECT id FROM dataset_items WHERE version_id = ` + theVersion + ` AND words @@ CAST(? AS tsquery)`
	w.rareArgs = []any{w.Dataset, w.Number, query}
}

// wordsSQLite walks the index of words, which has the order of the items.
func wordsSQLite(w *itemWalk) {
	quoted := make([]string, len(w.Words))
	for i, word := range w.Words {
		quoted[i] = `"` + strings.ReplaceAll(word, `"`, `""`) + `"`
	}
	w.rest, w.left = "", nil
	if w.Type != "" {
		w.also(`i.type = ?`, w.Type)
	}
	if w.Tag != "" {
		w.also(hasItemTag, w.Tag)
	}
	query := strings.Join(quoted, " AND ") + "*"
	w.window = func(after core.DatasetItemID, limit int) *bun.RawQuery {
		text, args := `SELECT x.id FROM (SELECT rowid AS seq FROM dataset_words
			WHERE dataset_words MATCH coalesce((SELECT '"' || replace(v.id, '-', '') || '" AND ' || ? FROM dataset_versions AS v
				WHERE v.dataset_id = ? AND v.number = ?), '""')`, []any{query, w.Dataset, w.Number}
		if !after.IsZero() {
			text, args = text+` AND rowid > (SELECT seq FROM dataset_items WHERE id = ?)`, append(args, after)
		}
		return w.db.NewRaw(text+` ORDER BY rowid LIMIT ?) AS f JOIN dataset_items AS x ON x.seq = f.seq`, append(args, limit)...)
	}
}
