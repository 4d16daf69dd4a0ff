package riverqueue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"github.com/seed-755a8038/coffer/ports"
)

const (
	// maxConns is enough for one listener, a fetch, a batch of results and a
	// housekeeping query at once. Handlers use the application's own pool.
	maxConns = 4

	// migrateLock is the advisory lock of Migrate: "coff" "jobs" in ASCII.
	migrateLock = 0x636f66666a6f6273

	connectTimeout = 10 * time.Second
)

// NewPostgres returns the queue in the database at dsn, a URL or key=value string
// as pgx reads it. The queue opens up to four connections for its own work, one
// of which listens, so a pooler between must not be in transaction mode. A job
// begins some milliseconds after its transaction commits, half a second at worst
// if a worker is free. InTx takes connections of pgx's database/sql driver.
func NewPostgres(ctx context.Context, dsn string, r *Registry, o Options) (*Queue, error) {
	return open(r, o, func(c *river.Config) (backend, error) {
		poolConfig, err := pgxpool.ParseConfig(dsn)
		if err != nil {
			return nil, err
		}
		poolConfig.MaxConns = maxConns
		if poolConfig.ConnConfig.ConnectTimeout == 0 {
			poolConfig.ConnConfig.ConnectTimeout = connectTimeout
		}
		pool, err := pgxpool.NewWithConfig(ctx, poolConfig)
		if err != nil {
			return nil, err
		}
		// Notifications come at most once per FetchCooldown; what falls between
		// two of them waits for the poll.
		c.FetchPollInterval = 500 * time.Millisecond
		driver := riverpgxv5.New(pool)
		rc, err := river.NewClient(driver, c)
		if err != nil {
			pool.Close()
			return nil, err
		}
		return &postgres{Client: rc, driver: driver, pool: pool, log: c.Logger}, nil
	})
}

type postgres struct {
	*river.Client[pgx.Tx]
	driver *riverpgxv5.Driver
	pool   *pgxpool.Pool
	log    *slog.Logger
}

func (p *postgres) ping(ctx context.Context) error { return p.pool.Ping(ctx) }

// close does not wait for ever: a handler that ignores its cancelled context keeps
// River, and with it a connection, from ending.
func (p *postgres) close() {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		p.pool.Close()
	}()
	select {
	case <-closed:
	case <-time.After(cancelGrace):
		p.log.Warn("closing the queue: a connection is still in use")
	}
}

func (p *postgres) insert(ctx context.Context, conn *sql.Conn, _ *sql.Tx, params []river.InsertManyParams) error {
	return withPgxTx(conn, func(tx pgx.Tx) error {
		_, err := p.InsertManyTx(ctx, tx, params)
		return err
	})
}

func (p *postgres) count(ctx context.Context) (s ports.QueueStats, err error) {
	err = p.pool.QueryRow(ctx, fmt.Sprintf(countSQL, "now()")).Scan(&s.Ready, &s.Running, &s.Retry, &s.Dead)
	return s, err
}

func (p *postgres) reclaim(ctx context.Context) error {
	_, err := p.pool.Exec(ctx, fmt.Sprintf(reclaimSQL, "now()"))
	return err
}

func (p *postgres) retry(ctx context.Context, id int64) error {
	return pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		// River would retry a job of any state; the lock makes the check hold.
		tag, err := tx.Exec(ctx, `select from river_job where id = $1 and state in ('discarded', 'cancelled') for update`, id)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return rivertype.ErrNotFound
		}
		_, err = p.JobRetryTx(ctx, tx, id)
		return err
	})
}

func (p *postgres) migrate(ctx context.Context) error {
	m, err := rivermigrate.New(p.driver, &rivermigrate.Config{Logger: p.log})
	if err != nil {
		return err
	}
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if err := lock(ctx, conn.Conn()); err != nil {
		return err
	}
	defer unlock(ctx, conn.Conn())
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// lock takes the session's advisory lock. It asks again and again rather than
// wait in one statement, whose snapshot would hold up an index that the owner of
// the lock builds concurrently.
func lock(ctx context.Context, conn *pgx.Conn) error {
	for {
		var got bool
		if err := conn.QueryRow(ctx, "select pg_try_advisory_lock($1)", int64(migrateLock)).Scan(&got); err != nil || got {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the migration lock: %w", ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// unlock ends the session if it cannot give the lock back, and the lock with it.
func unlock(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), queryTimeout)
	defer cancel()
	if _, err := conn.Exec(ctx, "select pg_advisory_unlock($1)", int64(migrateLock)); err != nil {
		_ = conn.Close(ctx)
	}
}

// violatesUnique reports whether err is a violated unique index. SQLite's driver
// is known only by the method of its error.
func violatesUnique(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == "23505"
	}
	if e, ok := errors.AsType[interface {
		error
		Code() int
	}](err); ok {
		return e.Code() == sqliteUnique
	}
	return false
}
