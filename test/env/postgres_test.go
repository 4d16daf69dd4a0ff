package env_test

import (
	"database/sql"
	"errors"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/seed-755a8038/coffer/test/env"
)

func open(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// count returns what a query for one number says.
func count(t *testing.T, db *sql.DB, query string, args ...any) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPostgresDatabasesAreEmptyAndSeparate(t *testing.T) {
	const tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
	a, b := open(t, env.Postgres(t)), open(t, env.Postgres(t))
	if _, err := a.ExecContext(t.Context(), "CREATE TABLE thing (id int)"); err != nil {
		t.Fatal(err)
	}
	if n := count(t, a, tables); n != 1 {
		t.Errorf("the first database has %d tables, want 1", n)
	}
	if n := count(t, b, tables); n != 0 {
		t.Errorf("the second database has %d tables, want 0", n)
	}
}

func TestPostgresDatabaseGoesWithItsTest(t *testing.T) {
	const databases = "SELECT count(*) FROM pg_database WHERE datname = $1"
	var name string
	t.Run("user", func(t *testing.T) {
		db := open(t, env.Postgres(t))
		// an idle connection that the test forgets must not keep the database
		if err := db.QueryRowContext(t.Context(), "SELECT current_database()").Scan(&name); err != nil {
			t.Fatal(err)
		}
	})
	if n := count(t, open(t, env.Postgres(t)), databases, name); n != 0 {
		t.Errorf("the database %s outlived its test", name)
	}
}

func TestPostgresFromMigratesOncePerName(t *testing.T) {
	runs := 0
	migrate := func(dsn string) error {
		runs++
		db, err := sql.Open("pgx", dsn)
		if err != nil {
			return err
		}
		_, err = db.ExecContext(t.Context(), "CREATE TABLE thing (id int); INSERT INTO thing VALUES (7)")
		return errors.Join(err, db.Close())
	}
	for range 3 {
		db := open(t, env.PostgresFrom(t, "once", migrate))
		if n := count(t, db, "SELECT count(*) FROM thing"); n != 1 {
			t.Errorf("the copy has %d rows, want the template's 1", n)
		}
		if _, err := db.ExecContext(t.Context(), "INSERT INTO thing VALUES (8)"); err != nil {
			t.Fatal(err)
		}
	}
	if runs != 1 {
		t.Errorf("migrated %d times, want 1", runs)
	}
}

func BenchmarkPostgresFrom(b *testing.B) {
	migrate := func(string) error { return nil }
	for b.Loop() {
		env.PostgresFrom(b, "bench", migrate)
	}
}
