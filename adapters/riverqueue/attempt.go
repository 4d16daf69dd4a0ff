package riverqueue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// config is what River's client has in common on all databases.
func (q *Queue) config() *river.Config {
	queues := map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: q.options.MaxWorkers}}
	for lane, workers := range q.options.Lanes {
		queues[lane] = river.QueueConfig{MaxWorkers: workers}
	}
	return &river.Config{
		Queues:                      queues,
		Workers:                     q.registry.workers,
		Middleware:                  []rivertype.Middleware{river.WorkerMiddlewareFunc(q.attempt)},
		RetryPolicy:                 backoff{first: q.options.RetryAfter, ticks: q.registry.ticks},
		MaxAttempts:                 DefaultMaxAttempts,
		JobTimeout:                  DefaultTimeout,
		RescueStuckJobsAfter:        RescueAfter,
		CompletedJobRetentionPeriod: DoneRetention,
		DiscardedJobRetentionPeriod: DeadRetention,
		CancelledJobRetentionPeriod: DeadRetention,
		FetchCooldown:               10 * time.Millisecond,
		Logger:                      slog.New(warnings{q.options.Log.Handler()}),
	}
}

// attempt wraps each run of a handler: it turns a panic into an error and tells
// the log and the metrics how the run went.
func (q *Queue) attempt(ctx context.Context, job *rivertype.JobRow, run func(context.Context) error) (err error) {
	start := time.Now() //nolint:forbidigo // measures, does not date
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{value: v, stack: debug.Stack()}
		}
		if q.options.Observe != nil {
			q.options.Observe(job.Kind, err, time.Since(start)) //nolint:forbidigo // measures, does not date
		}
		if err != nil {
			q.logFailure(ctx, job, err)
		}
	}()
	return run(ctx)
}

func (q *Queue) logFailure(ctx context.Context, job *rivertype.JobRow, err error) {
	attrs := []slog.Attr{
		slog.String("kind", job.Kind),
		slog.Int64("id", job.ID),
		slog.Int("attempt", job.Attempt),
		slog.Int("max_attempts", job.MaxAttempts),
		slog.Any("error", err),
	}
	level, message := slog.LevelWarn, "background job failed, will run again"
	_, cancelled := errors.AsType[*rivertype.JobCancelError](err)
	switch {
	case q.stopping.Load() && errors.Is(err, context.Canceled):
		level, message = slog.LevelInfo, "background job interrupted by the stop, will run again"
	case cancelled || job.Attempt >= job.MaxAttempts:
		level, message = slog.LevelError, "background job failed for good"
	}
	if p, ok := errors.AsType[*panicError](err); ok {
		attrs = append(attrs, slog.String("stack", string(p.stack)))
	}
	q.options.Log.LogAttrs(ctx, level, message, attrs...)
}

// panicError is a panic of a handler. The stack is for the log only.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// maxBackoff caps the time between two attempts.
const maxBackoff = 6 * time.Hour

// backoff is River's retry policy: first, three times that, nine times …, each
// up to a quarter more or less so that jobs that failed together part ways. With
// the defaults the last of twelve attempts is about fourteen hours after the first.
type backoff struct {
	first time.Duration
	ticks map[string]tick
}

// NextRetry implements river.ClientRetryPolicy. It reads the machine's clock and
// no other, since River compares the result with the database's.
func (b backoff) NextRetry(job *rivertype.JobRow) time.Time {
	return time.Now().Add(b.delay(job.Kind, job.Attempt)) //nolint:forbidigo // see above
}

func (b backoff) delay(kind string, attempt int) time.Duration {
	d := min(b.first, maxBackoff)
	for range attempt - 1 {
		d = min(d*3, maxBackoff)
	}
	// While a periodic job waits for its next attempt its ticks are left out, so
	// it should not wait longer than for a tick.
	if t, ok := b.ticks[kind]; ok {
		d = min(d, t.every)
	}
	return d - d/4 + rand.N(d/2+1) //nolint:gosec // jitter is no secret
}

// warnings lets through what River says from warning level on. Below that it
// repeats each failure that attempt logs already.
type warnings struct{ slog.Handler }

func (h warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

func (h warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{h.Handler.WithAttrs(attrs)}
}

func (h warnings) WithGroup(name string) slog.Handler { return warnings{h.Handler.WithGroup(name)} }
