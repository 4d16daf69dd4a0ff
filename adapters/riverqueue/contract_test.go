package riverqueue_test

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/seed-755a8038/coffer/adapters/riverqueue"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/contract"
	"github.com/seed-755a8038/coffer/test/env"
)

func TestContractPostgres(t *testing.T) {
	contract.Queue(t, func(t *testing.T) contract.OpenQueue {
		db, dsn := postgres(t)
		return opener(db, func(t *testing.T, r *riverqueue.Registry, o riverqueue.Options) *riverqueue.Queue {
			q, err := riverqueue.NewPostgres(t.Context(), dsn, r, o)
			must(t, err)
			return q
		})
	})
}

func TestContractSQLite(t *testing.T) {
	contract.Queue(t, func(t *testing.T) contract.OpenQueue {
		db := sqlite(t)
		return opener(db, func(t *testing.T, r *riverqueue.Registry, o riverqueue.Options) *riverqueue.Queue {
			q, err := riverqueue.NewSQLite(db, r, o)
			must(t, err)
			return q
		})
	})
}

// opener opens queues on db for the contract suite.
func opener(db *sql.DB, open func(*testing.T, *riverqueue.Registry, riverqueue.Options) *riverqueue.Queue) contract.OpenQueue {
	return func(t *testing.T, h contract.QueueHandlers) contract.QueueEnv {
		r := riverqueue.NewRegistry()
		riverqueue.Handle(r, h.Work, riverqueue.HandleOptions{MaxAttempts: 3})
		if h.Tick != nil {
			riverqueue.Handle(r, h.Tick, riverqueue.HandleOptions{})
			r.Every(time.Second, true, func() ports.Job { return contract.Tick{} })
		}
		q := open(t, r, riverqueue.Options{RetryAfter: 20 * time.Millisecond, Log: testLog(t, slog.LevelError)})
		must(t, q.Migrate(t.Context()))
		return contract.QueueEnv{
			Queue: q,
			Close: q.Close,
			Update: func(ctx context.Context, fn func(ports.Jobs) error) error {
				return update(ctx, db, q, fn)
			},
		}
	}
}

// update runs fn as the store does: in a transaction on a connection of its own.
func update(ctx context.Context, db *sql.DB, q *riverqueue.Queue, fn func(ports.Jobs) error) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if err := fn(q.InTx(conn, tx)); err != nil {
		return err
	}
	return tx.Commit()
}

// postgres returns a new database as the store opens it, and its DSN.
func postgres(t *testing.T) (*sql.DB, string) {
	t.Helper()
	dsn := env.Postgres(t)
	c, err := pgx.ParseConfig(dsn)
	must(t, err)
	c.DefaultQueryExecMode = pgx.QueryExecModeExec
	db := stdlib.OpenDB(*c)
	db.SetMaxOpenConns(8)
	t.Cleanup(func() { must(t, db.Close()) })
	return db, dsn
}

// sqlite returns the writer of a new database as the store opens it.
func sqlite(t *testing.T) *sql.DB {
	t.Helper()
	dsn := "file:" + filepath.Join(t.TempDir(), "db.sqlite") +
		"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
		"&_pragma=foreign_keys(1)&_pragma=temp_store(MEMORY)&_pragma=cache_size(-16000)&_txlock=immediate"
	db, err := sql.Open("sqlite", dsn)
	must(t, err)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { must(t, db.Close()) })
	return db
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// testLog logs to the test, from level on.
func testLog(t *testing.T, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: level}))
}
