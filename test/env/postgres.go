package env

import (
	"context"
	"sync"
	"testing"
)

// Postgres returns the DSN (postgres://…) of a new, empty database that is dropped
// when the test ends, also while connections to it are open.
//
// The server is, in this order: the one TEST_POSTGRES_DSN names (the URL of a
// maintenance database, of a user who may create databases), a Docker container,
// one started from PostgreSQL's programs on this machine. Without any the test fails.
func Postgres(t testing.TB) string {
	t.Helper()
	return newDatabase(t, sharedCluster(t), "")
}

// PostgresFrom is Postgres with a database that migrate has been applied to. It runs
// once per process and name, on a template that the test's database is a copy of;
// name is letters and digits. The migrate function gets the template's DSN and closes
// every connection it opens: PostgreSQL copies no database that is in use.
func PostgresFrom(t testing.TB, name string, migrate func(dsn string) error) string {
	t.Helper()
	c := sharedCluster(t)
	template, err := c.template(context.WithoutCancel(t.Context()), name, migrate)
	if err != nil {
		t.Fatalf("env: template database %q: %v", name, err)
	}
	return newDatabase(t, c, template)
}

func newDatabase(t testing.TB, c *cluster, template string) string {
	t.Helper()
	dsn, name, err := c.create(t.Context(), template)
	if err != nil {
		t.Fatalf("env: new database: %v", err)
	}
	t.Cleanup(func() {
		// the test's own context has ended by now
		if err := c.drop(context.WithoutCancel(t.Context()), name); err != nil {
			t.Errorf("env: drop database: %v", err)
		}
	})
	return dsn
}

// StartPostgres returns the maintenance DSN of a running server, as Postgres finds it,
// and what stops it, which does nothing to a server that was not started here.
func StartPostgres(ctx context.Context) (dsn string, stop func(), err error) {
	s, err := findPostgres(ctx)
	if err != nil {
		return "", nil, err
	}
	return s.dsn, s.stop, nil
}

// theCluster is this process's server. Nobody stops it: it ends with the process.
var theCluster = sync.OnceValues(func() (*cluster, error) {
	ctx := context.Background() // not a test's: the server serves the tests after it too
	s, err := findPostgres(ctx)
	if err != nil {
		return nil, err
	}
	return openCluster(ctx, s.dsn)
})

func sharedCluster(t testing.TB) *cluster {
	t.Helper()
	c, err := theCluster()
	if err != nil {
		t.Fatalf("env: %v", err)
	}
	return c
}
