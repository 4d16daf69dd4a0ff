package riverqueue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"github.com/seed-755a8038/coffer/ports"
)

// sqliteUnique is SQLITE_CONSTRAINT_UNIQUE.
const sqliteUnique = 2067

// errWriterPool refuses a pool in which River would wait for itself.
var errWriterPool = errors.New("the writer must have at most one connection")

// NewSQLite returns the queue in the database of writer, which must be limited to
// one connection (SetMaxOpenConns) and begin transactions as immediate. The
// connection is shared with the application: the queue takes it for one statement
// or one short transaction at a time and asks for nothing else while it has it.
// It looks for jobs every 150 milliseconds.
func NewSQLite(writer *sql.DB, r *Registry, o Options) (*Queue, error) {
	return open(r, o, func(c *river.Config) (backend, error) {
		if writer.Stats().MaxOpenConnections != 1 {
			return nil, errWriterPool
		}
		// The alternative, a poll of a notification table, is a statement each 50
		// milliseconds and does not replace the poll for jobs.
		c.PollOnly = true
		c.FetchPollInterval = 150 * time.Millisecond
		// B-trees of SQLite do not bloat, and REINDEX would hold the only writer.
		c.ReindexerSchedule = river.NeverSchedule()
		driver := riversqlite.New(writer)
		rc, err := river.NewClient(driver, c)
		if err != nil {
			return nil, err
		}
		return &sqlite{Client: rc, driver: driver, db: writer, log: c.Logger}, nil
	})
}

type sqlite struct {
	*river.Client[*sql.Tx]
	driver *riversqlite.Driver
	db     *sql.DB
	log    *slog.Logger
}

func (s *sqlite) ping(ctx context.Context) error { return s.db.PingContext(ctx) }

// close does nothing: the pool is the caller's.
func (s *sqlite) close() {}

func (s *sqlite) insert(ctx context.Context, _ *sql.Conn, tx *sql.Tx, params []river.InsertManyParams) error {
	_, err := s.InsertManyTx(ctx, tx, params)
	return err
}

func (s *sqlite) count(ctx context.Context) (out ports.QueueStats, err error) {
	err = s.db.QueryRowContext(ctx, fmt.Sprintf(countSQL, "datetime('now', 'subsec')")).
		Scan(&out.Ready, &out.Running, &out.Retry, &out.Dead)
	return out, err
}

func (s *sqlite) reclaim(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, fmt.Sprintf(reclaimSQL, "datetime('now', 'subsec')"))
	return err
}

func (s *sqlite) retry(ctx context.Context, id int64) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	job, err := s.JobGetTx(ctx, tx, id)
	if err != nil {
		return err
	}
	// River would retry a job of any state.
	if job.State != rivertype.JobStateDiscarded && job.State != rivertype.JobStateCancelled {
		return rivertype.ErrNotFound
	}
	if _, err := s.JobRetryTx(ctx, tx, id); err != nil {
		return err
	}
	return tx.Commit()
}

func (s *sqlite) migrate(ctx context.Context) error {
	m, err := rivermigrate.New(s.driver, &rivermigrate.Config{Logger: s.log})
	if err != nil {
		return err
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}
