// Package riverqueue runs background jobs with River, on PostgreSQL or on SQLite.
//
// A job is a row beside the rows of the application, so it is enqueued in the
// transaction that causes it (InTx) and is lost no more easily than they are. A
// failed attempt is repeated with exponential back-off and jitter; after the last
// one the job is dead, and kept DeadRetention for somebody to look at.
package riverqueue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"

	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/ports/faultpoint"
)

// Fixed times of a queue.
const (
	DoneRetention = 24 * time.Hour      // a job that succeeded is kept this long
	DeadRetention = 90 * 24 * time.Hour // a job that failed for good is kept this long
	RescueAfter   = 2 * time.Minute     // a job that died with its process runs again after this, or its timeout

	cancelGrace  = 10 * time.Second // what a cancelled handler gets to return
	queryTimeout = 10 * time.Second // one question to the database
)

// Options tunes a queue. The zero value serves.
type Options struct {
	// Log gets a line for each failed attempt, and River's warnings. Nil means
	// no log.
	Log *slog.Logger

	// MaxWorkers is how many jobs run at once in this process. Zero means 8.
	MaxWorkers int

	// Lanes are further queues, each with how many of its jobs run at once in this
	// process, beside the others.
	Lanes map[string]int

	// Alone says that no other process has a queue on the database: what runs when
	// this one starts has died with its process, and runs again at once.
	Alone bool

	// RetryAfter is about how long after the first failure a job runs again; each
	// further failure triples it, up to six hours. Zero means one second.
	RetryAfter time.Duration

	// Observe, if set, is called after each attempt, for metrics. err is nil if
	// the attempt succeeded.
	Observe func(kind string, err error, took time.Duration)
}

// backend is what differs between the databases.
type backend interface {
	client
	ping(ctx context.Context) error
	insert(ctx context.Context, conn *sql.Conn, tx *sql.Tx, params []river.InsertManyParams) error
	count(ctx context.Context) (ports.QueueStats, error)
	reclaim(ctx context.Context) error
	retry(ctx context.Context, id int64) error // rivertype.ErrNotFound if it is not a dead job
	migrate(ctx context.Context) error
	close()
}

// client is the part of River's client that does not depend on the database.
type client interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	StopAndCancel(ctx context.Context) error
	JobList(ctx context.Context, params *river.JobListParams) (*river.JobListResult, error)
	PeriodicJobs() *river.PeriodicJobBundle
}

// Queue is a ports.Queue on River.
type Queue struct {
	backend  backend
	registry *Registry
	options  Options
	periodic bool        // the periodic jobs are with River
	stopping atomic.Bool // running jobs have been cancelled
}

var _ ports.Queue = (*Queue)(nil)

// open makes the queue whose backend connect builds from River's configuration.
func open(r *Registry, o Options, connect func(*river.Config) (backend, error)) (*Queue, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.MaxWorkers == 0 {
		o.MaxWorkers = 8
	}
	if o.RetryAfter == 0 {
		o.RetryAfter = time.Second
	}
	q := &Queue{registry: r, options: o}
	b, err := connect(q.config())
	if err != nil {
		return nil, fmt.Errorf("open queue: %w", err)
	}
	q.backend = b
	return q, nil
}

// Migrate creates or updates River's tables. On PostgreSQL any number of
// processes may call it at once: it holds an advisory lock of the database. On
// SQLite the caller must hold a lock that keeps other processes out.
func (q *Queue) Migrate(ctx context.Context) error {
	if err := q.backend.migrate(ctx); err != nil {
		return fmt.Errorf("migrate queue: %w", err)
	}
	return nil
}

// InTx returns the way to enqueue jobs in tx, an open transaction on conn. It is
// good until the transaction ends, and as little safe for concurrent use.
func (q *Queue) InTx(conn *sql.Conn, tx *sql.Tx) ports.Jobs { return jobs{q, conn, tx} }

type jobs struct {
	q    *Queue
	conn *sql.Conn
	tx   *sql.Tx
}

// Enqueue implements ports.Jobs.
func (j jobs) Enqueue(ctx context.Context, list ...ports.Job) error {
	if len(list) == 0 {
		return nil
	}
	params, err := j.q.registry.params(list)
	if err != nil {
		return fmt.Errorf("enqueue: %w", err)
	}
	if err := j.q.backend.insert(ctx, j.conn, j.tx, params); err != nil {
		return fmt.Errorf("enqueue: %w", err)
	}
	faultpoint.Hit(faultpoint.JobEnqueued)
	return nil
}

// Start implements ports.Queue. It fails if the database does not answer, has not
// been migrated, or the registry holds a mistake.
func (q *Queue) Start(ctx context.Context) error {
	if err := q.registry.check(q.options.Lanes); err != nil {
		return fmt.Errorf("start queue: %w", err)
	}
	if err := q.backend.ping(ctx); err != nil {
		return fmt.Errorf("start queue: %w", err)
	}
	if q.options.Alone {
		if err := q.backend.reclaim(ctx); err != nil {
			return fmt.Errorf("start queue: %w", err)
		}
	}
	if !q.periodic {
		if _, err := q.backend.PeriodicJobs().AddManySafely(q.registry.periodic()); err != nil {
			return fmt.Errorf("start queue: %w", err)
		}
		q.periodic = true
	}
	q.stopping.Store(false)
	// River would take the end of ctx for an order to cancel every job. Only
	// Stop gives orders.
	if err := q.backend.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start queue: %w", err)
	}
	return nil
}

// Stop implements ports.Queue. It returns an error if a handler does not return
// within ten seconds of being cancelled.
func (q *Queue) Stop(ctx context.Context) error {
	err := q.backend.Stop(ctx)
	if err == nil || ctx.Err() == nil {
		return err
	}
	q.options.Log.WarnContext(ctx, "background jobs did not end in time; cancelling them")
	q.stopping.Store(true)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelGrace)
	defer cancel()
	if err := q.backend.StopAndCancel(grace); err != nil {
		return fmt.Errorf("stop queue: a cancelled job still runs: %w", err)
	}
	return nil
}

// Close frees what the queue has opened itself. Call it after Stop; an *sql.DB
// that was handed in stays open.
func (q *Queue) Close() { q.backend.close() }

// Cancel marks err, the error of a handler, as one that a further attempt cannot
// mend: the job is dead at once.
func Cancel(err error) error {
	if err == nil {
		err = errors.New("cancelled")
	}
	return river.JobCancel(err)
}
