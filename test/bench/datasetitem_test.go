package bench

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/migrations"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/env"
)

// A version with a million items, behind an older one with a tenth of them. Of
// the new one's items each has the words harbour, two of a few thousand and eight
// of a few hundred; every second one the word evening, every 50,000th lighthouse,
// and the last tenth, but nothing before it, sunset. Seven in ten are images, and
// one in 10,000 is a document; half have the tag sea, and one in 1,000 the tag rare.
const (
	oldItems = 100_000
	newItems = 1_000_000

	itemDataset = "0199f2b4-0000-7000-8000-00000000d001"
	itemOrg     = "0199f2b4-0000-7000-8000-00000000d002"
)

func itemVersionID(number int) string { return fmt.Sprintf("0199f2b4-0000-7000-9000-%012x", number) }

// itemSeries numbers the items of a version; x.id is the id of item x.n.
var itemSeries = map[string]string{
	"sqlite": `WITH RECURSIVE k (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < %[1]d),
		x (n, id) AS (SELECT n, printf('0199f2b4-000%[2]d-7000-8000-%%012x', n) FROM k)`,
	"postgres": `WITH x (n, id) AS (SELECT n, CAST('0199f2b4-000%[2]d-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid) FROM generate_series(1, %[1]d) AS n)`,
}

const (
	itemType  = `CASE WHEN n %% 10000 = 0 THEN 'document' WHEN n %% 10 < 7 THEN 'image' ELSE 'text' END`
	itemTags  = `CASE WHEN n %% 1000 = 0 THEN '["rare","sea"]' WHEN n %% 2 = 0 THEN '["sea"]' ELSE '[]' END`
	itemWords = `'harbour a' || (n %% 3001) || ' b' || (n %% 5003) || ' c' || (n %% 101) || ' d' || (n %% 103) || ' e' || (n %% 107) || ' f' || (n %% 109) ||
		' g' || (n %% 113) || ' h' || (n %% 127) || ' i' || (n %% 131) || ' j' || (n %% 137) || CASE WHEN n %% 2 = 0 THEN ' evening' ELSE '' END ||
		CASE WHEN n %% 50000 = 0 THEN ' lighthouse' ELSE '' END || CASE WHEN n * 10 > 9 * CAST(%[1]d AS bigint) THEN ' sunset' ELSE '' END`
	itemValues = `'` + itemOrg + `', '%[3]s', n, 'item ' || n, ` + itemType + `, 'Picture ' || n || ' of the harbour in the evening'`
	itemData   = `'{"camera":"X100","place":{"lat":54.32,"lon":10.13},"note":"Seen from the old pier, number ' || n || '"}'`
)

// fillItems are the statements that store the items of a version: %[1]d of them,
// of version number %[2]d, whose id is %[3]s.
func fillItems(database string) []string {
	with := itemSeries[database]
	items := `INSERT INTO dataset_items (id, org_id, version_id, line, external_id, type, title, tags, data, words)
		` + with + ` SELECT id, '` + itemOrg + `', CAST('%[3]s' AS uuid), n, 'item ' || n, ` + itemType + `, 'Picture ' || n || ' of the harbour in the evening', CAST(` + itemTags + ` AS jsonb), CAST(` + itemData + ` AS jsonb),
		array_to_tsvector(string_to_array(` + itemWords + `, ' ')) FROM x`
	var more []string
	uuid := func(text string) string { return `CAST(` + text + ` AS uuid)` }
	if database == "sqlite" {
		uuid = func(text string) string { return text }
		items = `INSERT INTO dataset_items (id, org_id, version_id, line, external_id, type, title, tags, data)
		` + with + ` SELECT id, ` + itemValues + `, ` + itemTags + `, ` + itemData + ` FROM x`
		more = append(more, `INSERT INTO dataset_words (rowid, words) SELECT seq, replace(version_id, '-', '') || ' ' || `+itemWords+`
			FROM (SELECT seq, version_id, line AS n FROM dataset_items WHERE version_id = '%[3]s' ORDER BY seq)`)
	}
	org, version := uuid(`'`+itemOrg+`'`), uuid(`'%[3]s'`)
	return slices.Concat([]string{items}, more, []string{
		`INSERT INTO dataset_item_tags (version_id, tag, item_id, org_id) ` + with + ` SELECT ` + version + `, 'sea', id, ` + org + ` FROM x WHERE n %% 2 = 0`,
		`INSERT INTO dataset_item_tags (version_id, tag, item_id, org_id) ` + with + ` SELECT ` + version + `, 'rare', id, ` + org + ` FROM x WHERE n %% 1000 = 0`,
		`INSERT INTO dataset_item_assets (item_id, role, version_id, org_id, asset_id, number, path) ` + with + ` SELECT id, 'main', ` + version + `, ` + org + `, id, 1, 'pictures/' || n || '.jpg' FROM x`,
		`INSERT INTO dataset_versions (id, org_id, dataset_id, number, session_id, items, created_by, created_at, published_at)
			SELECT ` + version + `, ` + org + `, ` + uuid(`'`+itemDataset+`'`) + `, %[2]d, ` + version + `, %[1]d, ` + org + `, 1, 1`,
	})
}

func itemStore(b *testing.B, database string) *bunstore.Store {
	b.Helper()
	var store *bunstore.Store
	var err error
	if database == "sqlite" {
		store, err = bunstore.OpenSQLite(b.Context(), filepath.Join(b.TempDir(), "db"), migrations.SQLite())
	} else {
		store, err = bunstore.OpenPostgres(env.Postgres(b), 4, migrations.Postgres())
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	if _, err := store.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	exec := func(text string) {
		b.Helper()
		began := time.Now()
		if _, err := store.DB().ExecContext(b.Context(), text); err != nil {
			b.Fatal(err, text)
		}
		b.Logf("%6.1f s for %.60s", time.Since(began).Seconds(), text)
	}
	exec(`INSERT INTO orgs (id, name, name_folded, slug, is_personal, default_drive_id, version, created_at, updated_at)
		VALUES ('` + itemOrg + `', 'a', 'a', 'a', true, '` + itemOrg + `', 1, 1, 1)`)
	exec(`INSERT INTO datasets (id, org_id, drive_id, slug, name, name_folded, description, status, visibility, item_schemas, current_version, created_by, version, created_at, updated_at)
		VALUES ('` + itemDataset + `', '` + itemOrg + `', '` + itemOrg + `', 'a', 'a', 'a', '', 'published', 'org', '{}', 2, '` + itemOrg + `', 1, 1, 1)`)
	for number, n := range map[int]int{1: oldItems, 2: newItems} {
		for _, text := range fillItems(database) {
			exec(fmt.Sprintf(text, n, number, itemVersionID(number)))
		}
	}
	exec("ANALYZE") // as either database does by itself, in time
	return store
}

// itemAt is the id of an item of the new version.
func itemAt(n int) (id core.DatasetItemID) {
	id, _ = core.ParseID[core.DatasetItem](fmt.Sprintf("0199f2b4-0002-7000-8000-%012x", n))
	return id
}

// itemPages are what is asked for.
var itemPages = []struct {
	name  string
	q     ports.ItemQuery
	least int // found on the first page
}{
	{"all", ports.ItemQuery{}, 50},
	{"type", ports.ItemQuery{Type: "image"}, 50},
	{"rare type", ports.ItemQuery{Type: "document"}, 50},
	{"tag", ports.ItemQuery{Tag: "sea"}, 50},
	{"rare tag", ports.ItemQuery{Tag: "rare"}, 50},
	{"tag and type", ports.ItemQuery{Tag: "sea", Type: "text"}, 50},
	{"tag and rare type", ports.ItemQuery{Tag: "sea", Type: "document"}, 0},
	{"word", ports.ItemQuery{Words: []string{"harbour"}}, 50},
	{"two words", ports.ItemQuery{Words: []string{"harbour", "evening"}}, 50},
	{"beginning of a word", ports.ItemQuery{Words: []string{"harb"}}, 50},
	{"one letter", ports.ItemQuery{Words: []string{"a"}}, 50},
	{"rare word", ports.ItemQuery{Words: []string{"lighthouse"}}, 20},
	{"middling word", ports.ItemQuery{Words: []string{"b17"}}, 50},
	{"late word", ports.ItemQuery{Words: []string{"sunset"}}, 0},
	{"no word", ports.ItemQuery{Words: []string{"zebra"}}, 0},
	{"word and tag", ports.ItemQuery{Words: []string{"evening"}, Tag: "rare"}, 50},
	{"word and type", ports.ItemQuery{Words: []string{"evening"}, Type: "document"}, 0},
}

// BenchmarkDatasetItems asks for pages of fifty among a million items: the first,
// one in the middle and the last, by each filter.
func BenchmarkDatasetItems(b *testing.B) {
	for _, database := range []string{"sqlite", "postgres"} {
		b.Run(database, func(b *testing.B) {
			store := itemStore(b, database)
			for _, c := range itemPages {
				for at, n := range map[string]int{"first": 0, "middle": newItems / 2, "last": newItems - 200_000} {
					q := c.q
					q.Dataset, _ = core.ParseID[core.Dataset](itemDataset)
					q.Number, q.Limit = 2, 50
					if n > 0 {
						q.After = itemAt(n)
					}
					b.Run(c.name+"/"+at, func(b *testing.B) {
						found := 0
						for b.Loop() {
							page, err := store.Items(b.Context(), q)
							if err != nil {
								b.Fatal(err)
							}
							if found = len(page.Items); n == 0 && found < c.least {
								b.Fatalf("%d items", found)
							}
						}
						b.ReportMetric(float64(found), "items")
					})
				}
			}
		})
	}
}
