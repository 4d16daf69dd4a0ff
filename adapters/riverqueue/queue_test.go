package riverqueue_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/riverqueue"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type job struct{ N int }

func (job) Kind() string { return "test.job" }

// bad is a job that panics when it is encoded.
type bad struct{}

func (bad) Kind() string                 { return "test.bad" }
func (bad) MarshalJSON() ([]byte, error) { panic("cannot be encoded") }

// openFunc opens a queue on one database.
type openFunc func(t *testing.T, r *riverqueue.Registry, o riverqueue.Options) *riverqueue.Queue

// onBoth runs test on a new database of each sort.
func onBoth(t *testing.T, test func(t *testing.T, db *sql.DB, open openFunc)) {
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		db, dsn := postgres(t)
		test(t, db, func(t *testing.T, r *riverqueue.Registry, o riverqueue.Options) *riverqueue.Queue {
			q, err := riverqueue.NewPostgres(t.Context(), dsn, r, o)
			must(t, err)
			t.Cleanup(q.Close)
			return q
		})
	})
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		db := sqlite(t)
		test(t, db, func(t *testing.T, r *riverqueue.Registry, o riverqueue.Options) *riverqueue.Queue {
			q, err := riverqueue.NewSQLite(db, r, o)
			must(t, err)
			return q
		})
	})
}

// started migrates and starts q until the end of the test.
func started(t *testing.T, q *riverqueue.Queue) *riverqueue.Queue {
	t.Helper()
	must(t, q.Migrate(t.Context()))
	must(t, q.Start(t.Context()))
	t.Cleanup(func() { must(t, q.Stop(context.WithoutCancel(t.Context()))) })
	return q
}

func enqueue(t *testing.T, db *sql.DB, q *riverqueue.Queue, jobs ...ports.Job) {
	t.Helper()
	must(t, update(t.Context(), db, q, func(j ports.Jobs) error { return j.Enqueue(t.Context(), jobs...) }))
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func stats(t *testing.T, q *riverqueue.Queue) ports.QueueStats {
	t.Helper()
	s, err := q.Stats(t.Context())
	must(t, err)
	return s
}

func TestCancelMakesJobDeadAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, db *sql.DB, open openFunc) {
		r := riverqueue.NewRegistry()
		riverqueue.Handle(r, func(context.Context, job) error { return riverqueue.Cancel(errors.New("no use")) }, riverqueue.HandleOptions{})
		q := started(t, open(t, r, riverqueue.Options{}))
		enqueue(t, db, q, job{})
		until(t, "a dead job", func() bool { return stats(t, q).Dead == 1 })
		dead, err := q.Dead(t.Context(), 0, 10)
		must(t, err)
		if d := dead[0]; d.Attempts != 1 || !strings.Contains(d.Error, "no use") {
			t.Errorf("%d attempts, error %q", d.Attempts, d.Error)
		}
		must(t, q.Retry(t.Context(), dead[0].ID))
	})
}

func TestUniqueJobIsEnqueuedOnceAndNotRevivedBesideItsTwin(t *testing.T) {
	onBoth(t, func(t *testing.T, db *sql.DB, open openFunc) {
		var broken atomic.Bool
		broken.Store(true)
		release := make(chan struct{})
		r := riverqueue.NewRegistry()
		riverqueue.Handle(r, func(context.Context, job) error {
			if broken.Load() {
				return errors.New("broken")
			}
			<-release
			return nil
		}, riverqueue.HandleOptions{MaxAttempts: 1, Unique: true})
		q := started(t, open(t, r, riverqueue.Options{}))
		enqueue(t, db, q, job{N: 1})
		until(t, "a dead job", func() bool { return stats(t, q).Dead == 1 })
		dead, err := q.Dead(t.Context(), 0, 10)
		must(t, err)

		broken.Store(false)
		enqueue(t, db, q, job{N: 1}, job{N: 2})
		until(t, "two running jobs", func() bool { return stats(t, q).Running == 2 })
		enqueue(t, db, q, job{N: 1}, job{N: 2})
		if got, want := stats(t, q), (ports.QueueStats{Running: 2, Dead: 1}); got != want {
			t.Errorf("stats %+v, want %+v", got, want)
		}
		if err := q.Retry(t.Context(), dead[0].ID); !errors.Is(err, core.ErrConflict) {
			t.Errorf("Retry beside a twin = %v, want %v", err, core.ErrConflict)
		}
		close(release)
		until(t, "the end of both", func() bool { return stats(t, q).Running == 0 })
		must(t, q.Retry(t.Context(), dead[0].ID))
	})
}

func TestAttemptEndsAtItsTimeout(t *testing.T) {
	onBoth(t, func(t *testing.T, db *sql.DB, open openFunc) {
		r := riverqueue.NewRegistry()
		riverqueue.Handle(r, func(ctx context.Context, _ job) error { <-ctx.Done(); return ctx.Err() },
			riverqueue.HandleOptions{MaxAttempts: 1, Timeout: 50 * time.Millisecond})
		q := started(t, open(t, r, riverqueue.Options{}))
		enqueue(t, db, q, job{})
		until(t, "a dead job", func() bool { return stats(t, q).Dead == 1 })
	})
}

// The job of a process that was killed is left as running.
func TestJobOfDeadProcessRunsAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, db *sql.DB, open openFunc) {
		var ran atomic.Bool
		r := riverqueue.NewRegistry()
		riverqueue.Handle(r, func(context.Context, job) error { ran.Store(true); return nil }, riverqueue.HandleOptions{})
		q := open(t, r, riverqueue.Options{RetryAfter: time.Millisecond})
		must(t, q.Migrate(t.Context()))
		enqueue(t, db, q, job{})
		_, err := db.ExecContext(t.Context(), `update river_job set state = 'running', attempt = 1, attempted_at = '2026-01-02 03:04:05.000'`)
		must(t, err)
		started(t, q)
		until(t, "a run", ran.Load)
	})
}

// Who knows that no other process works need not wait until the job would have ended.
func TestJobOfDeadProcessRunsAgainAtOnceIfNoOtherWorks(t *testing.T) {
	onBoth(t, func(t *testing.T, db *sql.DB, open openFunc) {
		var ran atomic.Int64
		r := riverqueue.NewRegistry()
		riverqueue.Handle(r, func(_ context.Context, j job) error { ran.Add(int64(j.N)); return nil }, riverqueue.HandleOptions{MaxAttempts: 2, Timeout: time.Hour})
		q := open(t, r, riverqueue.Options{Alone: true})
		must(t, q.Migrate(t.Context()))
		enqueue(t, db, q, job{N: 1}, job{N: 10})
		now := time.Now().UTC().Format("2006-01-02 15:04:05.000")
		for i, attempt := range []int{1, 2} { // the second has killed its process twice
			_, err := db.ExecContext(t.Context(), `update river_job set state = 'running', attempt = $1, attempted_at = $2
				where id = (select max(id) - $3 from river_job)`, attempt, now, 1-i)
			must(t, err)
		}
		started(t, q)
		until(t, "a run, and a dead job", func() bool { return ran.Load() == 1 && stats(t, q) == ports.QueueStats{Dead: 1} })
	})
}

func TestFailureIsLoggedAndObservedOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, db *sql.DB, open openFunc) {
		var log bytes.Buffer // read after the only writer has stopped
		type seen struct {
			kind string
			err  bool
		}
		observed := make(chan seen, 10)
		r := riverqueue.NewRegistry()
		riverqueue.Handle(r, func(context.Context, job) error { panic("out of cheese") }, riverqueue.HandleOptions{MaxAttempts: 2})
		q := open(t, r, riverqueue.Options{
			Log:        slog.New(slog.NewTextHandler(&log, nil)),
			RetryAfter: time.Millisecond,
			Observe: func(kind string, err error, took time.Duration) {
				observed <- seen{kind, err != nil && took >= 0}
			},
		})
		must(t, q.Migrate(t.Context()))
		must(t, q.Start(t.Context()))
		enqueue(t, db, q, job{})
		until(t, "a dead job", func() bool { return stats(t, q).Dead == 1 })
		must(t, q.Stop(t.Context()))
		for range 2 {
			if got, want := <-observed, (seen{"test.job", true}); got != want {
				t.Errorf("observed %+v, want %+v", got, want)
			}
		}
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if len(lines) != 2 || len(observed) != 0 {
			t.Fatalf("%d more observed; log:\n%s", len(observed), log.String())
		}
		for i, want := range [][]string{
			{"level=WARN", "kind=test.job", "id=1", "attempt=1", "out of cheese", "stack="},
			{"level=ERROR", "kind=test.job", "id=1", "attempt=2", "failed for good"},
		} {
			for _, w := range want {
				if !strings.Contains(lines[i], w) {
					t.Errorf("no %q in %s", w, lines[i])
				}
			}
		}
	})
}

func TestEnqueueAfterTransactionEndedStoresNothing(t *testing.T) {
	// end ends tx, whose context cancel cancels.
	for name, end := range map[string]func(t *testing.T, tx *sql.Tx, cancel func()){
		"commit":   func(t *testing.T, tx *sql.Tx, _ func()) { must(t, tx.Commit()) },
		"rollback": func(t *testing.T, tx *sql.Tx, _ func()) { must(t, tx.Rollback()) },
		"end of the context": func(t *testing.T, tx *sql.Tx, cancel func()) {
			cancel() // database/sql rolls back in its own time
			until(t, "the roll-back", func() bool {
				_, err := tx.ExecContext(t.Context(), "select 1")
				return errors.Is(err, sql.ErrTxDone)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, db *sql.DB, open openFunc) {
				r := riverqueue.NewRegistry()
				riverqueue.Handle(r, func(context.Context, job) error { return nil }, riverqueue.HandleOptions{})
				q := open(t, r, riverqueue.Options{})
				must(t, q.Migrate(t.Context()))
				conn, err := db.Conn(t.Context())
				must(t, err)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				tx, err := conn.BeginTx(ctx, nil)
				must(t, err)
				jobs := q.InTx(conn, tx)
				end(t, tx, cancel)
				until(t, "a refusal", func() bool { return jobs.Enqueue(t.Context(), job{N: 2}) != nil })
				if name != "end of the context" {
					if err := jobs.Enqueue(t.Context(), job{N: 2}); !errors.Is(err, sql.ErrTxDone) {
						t.Errorf("Enqueue = %v, want %v", err, sql.ErrTxDone)
					}
				}
				_ = conn.Close()
				if got := stats(t, q); got != (ports.QueueStats{}) {
					t.Errorf("stats %+v after the transaction", got)
				}
			})
		})
	}
}

func TestPanicInEnqueueIsAnErrorOrAPanicButNoDeadlock(t *testing.T) {
	onBoth(t, func(t *testing.T, db *sql.DB, open openFunc) {
		r := riverqueue.NewRegistry()
		riverqueue.Handle(r, func(context.Context, bad) error { return nil }, riverqueue.HandleOptions{})
		q := open(t, r, riverqueue.Options{})
		must(t, q.Migrate(t.Context()))
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer func() { _ = recover() }()
			_ = update(t.Context(), db, q, func(j ports.Jobs) error { return j.Enqueue(t.Context(), bad{}) })
		}()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Fatal("deadlock")
		}
		if got := stats(t, q); got != (ports.QueueStats{}) {
			t.Errorf("stats %+v", got)
		}
	})
}

func TestEnqueueOnLostConnectionIsAnError(t *testing.T) {
	db, dsn := postgres(t)
	r := riverqueue.NewRegistry()
	riverqueue.Handle(r, func(context.Context, job) error { return nil }, riverqueue.HandleOptions{})
	q, err := riverqueue.NewPostgres(t.Context(), dsn, r, riverqueue.Options{})
	must(t, err)
	defer q.Close()
	must(t, q.Migrate(t.Context()))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, err := db.Conn(ctx)
	must(t, err)
	tx, err := conn.BeginTx(ctx, nil)
	must(t, err)
	var pid int
	must(t, tx.QueryRowContext(ctx, "select pg_backend_pid()").Scan(&pid))
	_, err = db.ExecContext(ctx, "select pg_terminate_backend($1)", pid)
	must(t, err)
	for range 2 {
		if err := q.InTx(conn, tx).Enqueue(ctx, job{}); err == nil || ctx.Err() != nil {
			t.Errorf("Enqueue = %v, context %v", err, ctx.Err())
		}
	}
	_ = tx.Rollback()
	_ = conn.Close()
}

func TestFourProcessesMigrateAtOnce(t *testing.T) {
	_, dsn := postgres(t)
	var wg sync.WaitGroup
	for range 4 {
		q, err := riverqueue.NewPostgres(t.Context(), dsn, riverqueue.NewRegistry(), riverqueue.Options{})
		must(t, err)
		t.Cleanup(q.Close)
		wg.Go(func() {
			for range 2 {
				if err := q.Migrate(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestStartNeedsMigrations(t *testing.T) {
	onBoth(t, func(t *testing.T, _ *sql.DB, open openFunc) {
		r := riverqueue.NewRegistry()
		riverqueue.Handle(r, func(context.Context, job) error { return nil }, riverqueue.HandleOptions{})
		if err := open(t, r, riverqueue.Options{}).Start(t.Context()); err == nil {
			t.Error("Start on an empty database succeeded")
		}
	})
}

func TestSQLiteNeedsOneConnection(t *testing.T) {
	db := sqlite(t)
	db.SetMaxOpenConns(2)
	if _, err := riverqueue.NewSQLite(db, riverqueue.NewRegistry(), riverqueue.Options{}); err == nil {
		t.Error("a pool of two connections was taken")
	}
}
