package bunstore

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-755a8038/coffer/migrations"
)

// notOfOrgs are tables whose rows are of the server or of a user.
var notOfOrgs = []string{
	"users", "identities", "sessions", "session_tokens", "licenses", "idempotency_keys", "rate_buckets", "installation",
	"payment_events", "traffic_rolls", "visitor_salts", "replica_beats", "goose_db_version", "sqlite_sequence",
}

// TestABundleKnowsEveryTable: whoever adds a table has to say whether it has rows
// of an org, which of them a bundle takes, and in which order they can be added.
func TestABundleKnowsEveryTable(t *testing.T) {
	s, err := OpenMemory(t.Context(), migrations.SQLite())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	texts := func(query string) (found []string) {
		t.Helper()
		for scan, err := range s.each(t.Context(), query) {
			var text string
			if err == nil {
				err = scan(&text)
			}
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, text)
		}
		return found
	}
	at := make(map[string]int)
	for i := range orgTables {
		at[orgTables[i].name] = i
	}
	// The words of items and texts are in tables of their own, which are rebuilt.
	for _, name := range texts(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'dataset_words%' AND name NOT LIKE 'asset_words%'`) {
		if _, ok := at[name]; !ok && !slices.Contains(notOfOrgs, name) {
			t.Errorf("neither orgTables nor notOfOrgs has %s", name)
		}
	}
	for _, fk := range texts(`SELECT m.name || ' ' || f."from" || ' ' || f."table" FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'`) {
		part := strings.Fields(fk)
		from, column, to := part[0], part[1], part[2]
		i, ok := at[from]
		j, of := at[to]
		if !ok || !of || to == "orgs" || orgTables[i].local != "" {
			continue
		}
		if !slices.Contains(orgTables[i].refs, reference{column, to}) {
			t.Errorf("%s does not say that %s refers to %s", from, column, to)
		}
		if j > i {
			t.Errorf("%s comes before %s, to which it refers", from, to)
		}
	}
	for _, column := range texts(`SELECT m.name || ' ' || f."from" FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table' AND f."table" = 'users'`) {
		from, column, _ := strings.Cut(column, " ")
		if i, ok := at[from]; ok && orgTables[i].local == "" && orgTables[i].users != column {
			t.Errorf("%s does not say that %s is a user", from, column)
		}
	}
	// What no foreign key removes with an org, fsck has to look for.
	loose := texts(`SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c ON c.name = 'org_id' WHERE m.type = 'table' AND m.name <> 'org_slugs'
		AND NOT EXISTS (SELECT 1 FROM pragma_foreign_key_list(m.name) f WHERE f.on_delete = 'CASCADE' AND f."table" = 'orgs')`)
	for i := range orgTables {
		if table := &orgTables[i]; table.loose != slices.Contains(loose, table.name) {
			t.Errorf("%s: loose is %v", table.name, table.loose)
		}
	}
}
