package bunstore_test

import (
	"io/fs"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/migrations"
	"github.com/seed-755a8038/coffer/test/env"
	"github.com/seed-755a8038/coffer/test/fixture"
)

// until returns the migrations before one.
func until(t *testing.T, all fs.FS, end string) fs.FS {
	t.Helper()
	names, err := fs.Glob(all, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	out := fstest.MapFS{}
	for _, name := range names {
		if name < end {
			text, err := fs.ReadFile(all, name)
			if err != nil {
				t.Fatal(err)
			}
			out[name] = &fstest.MapFile{Data: text}
		}
	}
	return out
}

// migrated opens a store with the migrations before one, and applies them.
func migrated(t *testing.T, open func(end string) (*bunstore.Store, error), end string) *bunstore.Store {
	t.Helper()
	s, err := open(end)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestLinksOutliveTheirTable: what links and their logs had before links could
// lead to groups, they have afterwards, and they still go together.
func TestLinksOutliveTheirTable(t *testing.T) {
	for name, open := range map[string]func(*testing.T) func(end string) (*bunstore.Store, error){
		"sqlite": func(t *testing.T) func(string) (*bunstore.Store, error) {
			path := filepath.Join(t.TempDir(), "db")
			return func(end string) (*bunstore.Store, error) {
				return bunstore.OpenSQLite(t.Context(), path, until(t, migrations.SQLite(), end))
			}
		},
		"postgres": func(t *testing.T) func(string) (*bunstore.Store, error) {
			url := env.Postgres(t)
			return func(end string) (*bunstore.Store, error) {
				return bunstore.OpenPostgres(url, 4, until(t, migrations.Postgres(), end))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			at := open(t)
			before := migrated(t, at, "00008")
			exec(t, before, broken)
			exec(t, before, foreignShare, []byte("hash"))
			exec(t, before, uncounted)
			const all = `SELECT count(*) || ' ' || max(CASE WHEN l.token_hash = $1 THEN 1 ELSE 0 END) || ' ' || max(l.views) || ' ' || count(a.id) || ' ' || max(a.kind)
				FROM share_links l LEFT JOIN share_accesses a ON a.link_id = l.id`
			ask := func(s *bunstore.Store) (got string) {
				t.Helper()
				if err := s.DB().QueryRowContext(t.Context(), all, []byte("hash")).Scan(&got); err != nil {
					t.Fatal(err)
				}
				return got
			}
			const want = "1 1 2 1 download"
			if got := ask(before); got != want {
				t.Fatalf("before: %s", got)
			}
			if err := before.Close(); err != nil {
				t.Fatal(err)
			}
			after := migrated(t, at, "9")
			if got := ask(after); got != want {
				t.Errorf("after: %s, want %s", got, want)
			}
			exec(t, after, `DELETE FROM share_links`)
			var left int
			if err := after.DB().QueryRowContext(t.Context(), `SELECT count(*) FROM share_accesses`).Scan(&left); err != nil || left != 0 {
				t.Errorf("%d rows are left of the log, %v", left, err)
			}
		})
	}
}

// TestACopiedSchemaIsComplete: what tests start from is what migrations lead to.
func TestACopiedSchemaIsComplete(t *testing.T) {
	for name, open := range map[string]func(*testing.T) *bunstore.Store{
		"memory": func(t *testing.T) *bunstore.Store { t.Helper(); return fixture.Memory(t) },
		"sqlite": onDisk, "postgres": func(t *testing.T) *bunstore.Store { t.Helper(); return fixture.Postgres(t, 4) },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			if applied, err := s.Migrate(t.Context()); err != nil || len(applied) > 0 {
				t.Errorf("applied %q, %v", applied, err)
			}
			all, err := s.Migrations(t.Context())
			if err != nil || len(all) == 0 {
				t.Fatalf("%d migrations, %v", len(all), err)
			}
			for _, m := range all {
				if !m.Applied {
					t.Errorf("%s is not applied", m.Name)
				}
			}
		})
	}
}
