package contract

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Work is the job that the queue contract enqueues. It has a handler and at most
// three attempts, the second at most a tenth of a second after the first.
type Work struct {
	Name string `json:"name"`
	N    int    `json:"n"`
}

// Kind implements ports.Job.
func (Work) Kind() string { return "contract.work" }

// Tick is the periodic job of the queue contract: at start and then each second.
type Tick struct{}

// Kind implements ports.Job.
func (Tick) Kind() string { return "contract.tick" }

// Stray is a job without a handler.
type Stray struct{}

// Kind implements ports.Job.
func (Stray) Kind() string { return "contract.stray" }

// QueueHandlers are the handlers a queue is opened with. Without Tick there is no
// periodic job.
type QueueHandlers struct {
	Work func(ctx context.Context, job Work) error
	Tick func(ctx context.Context, job Tick) error
}

// QueueEnv is an opened queue that has not been started.
type QueueEnv struct {
	Queue ports.Queue

	// Update runs fn in a transaction that commits if fn returns nil.
	Update func(ctx context.Context, fn func(jobs ports.Jobs) error) error

	// Close frees the queue after it was stopped. The database stays.
	Close func()
}

// OpenQueue opens a queue on one database. A second one on the same database acts
// as another process.
type OpenQueue func(t *testing.T, handlers QueueHandlers) QueueEnv

// Queue tests that a queue keeps the contracts of ports.Queue and ports.Jobs.
// Each call of fresh returns the way to open queues on a new, empty database.
func Queue(t *testing.T, fresh func(t *testing.T) OpenQueue) {
	for name, test := range map[string]func(*queueTest){
		"a job of a committed unit runs with its payload":     committedJobRuns,
		"a job of a unit that is rolled back never runs":      rolledBackJobNeverRuns,
		"a job without a handler is refused":                  strayJobIsRefused,
		"enqueueing nothing is fine":                          nothingIsEnqueued,
		"a job that fails once runs again":                    failedJobRunsAgain,
		"a job that always fails is dead after its attempts":  failingJobDies,
		"a panic fails the attempt and nothing else":          panicFailsAttempt,
		"a dead job that is retried runs again":               retryRevives,
		"retrying what is not dead is not found":              retryNeedsDeadJob,
		"dead jobs are paged from the latest":                 deadJobsArePaged,
		"a periodic job runs at start and again":              periodicJobRuns,
		"a periodic job of two processes runs once a tick":    periodicJobRunsOnce,
		"stop waits for a running job":                        stopWaits,
		"stop cancels a job that does not end in time":        stopCancels,
		"stop is fine before start and twice":                 stopTwice,
		"jobs of many goroutines run exactly once each":       jobsRunOnce,
		"jobs run exactly once on two processes":              jobsRunOnceOnTwo,
		"a job survives closing and reopening":                jobSurvives,
		"stats tell ready, running, retried and dead jobs":    statsCount,
		"a unit that enqueues does not wait for the handlers": unitDoesNotWait,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(&queueTest{T: t, open: fresh(t)})
		})
	}
}

// patience bounds every wait of the suite; a machine has to be very slow to need it.
const patience = 30 * time.Second

type queueTest struct {
	*testing.T
	open OpenQueue
}

// start opens a queue and starts it; the end of the test stops and closes it.
func (t *queueTest) start(h QueueHandlers) QueueEnv {
	t.Helper()
	env := t.open(t.T, h)
	if err := env.Queue.Start(t.Context()); err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Cleanup(func() { t.stop(env) })
	return env
}

func (t *queueTest) stop(env QueueEnv) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	if err := env.Queue.Stop(ctx); err != nil {
		t.Errorf("Stop: %v", err)
	}
	env.Close()
}

func (t *queueTest) enqueue(env QueueEnv, jobs ...ports.Job) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := env.Update(ctx, func(j ports.Jobs) error { return j.Enqueue(ctx, jobs...) }); err != nil {
		t.Errorf("enqueue: %v", err)
	}
}

// until waits for done to report true.
func (t *queueTest) until(what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func (t *queueTest) dead(env QueueEnv, before int64, limit int) []ports.DeadJob {
	t.Helper()
	list, err := env.Queue.Dead(t.Context(), before, limit)
	if err != nil {
		t.Fatalf("Dead: %v", err)
	}
	return list
}

func (t *queueTest) untilDead(env QueueEnv, n int) []ports.DeadJob {
	t.Helper()
	t.until(fmt.Sprintf("%d dead jobs", n), func() bool { return len(t.dead(env, 0, 100)) == n })
	return t.dead(env, 0, 100)
}

func (t *queueTest) untilStats(env QueueEnv, want ports.QueueStats) {
	t.Helper()
	t.until(fmt.Sprintf("stats %+v", want), func() bool {
		got, err := env.Queue.Stats(t.Context())
		if err != nil {
			t.Fatalf("Stats: %v", err)
		}
		return got == want
	})
}

// runs records the jobs that were run.
type runs struct {
	mu   sync.Mutex
	list []Work
}

func (r *runs) add(_ context.Context, job Work) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, job)
	return nil
}

func (r *runs) sorted() []Work {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.SortedFunc(slices.Values(r.list), func(a, b Work) int { return a.N - b.N })
}

func committedJobRuns(t *queueTest) {
	var got runs
	env := t.start(QueueHandlers{Work: got.add})
	want := []Work{{Name: "é \"<&>\u2028 \\ 中", N: 1}, {Name: "", N: 2}, {N: 3}}
	t.enqueue(env, want[0], want[1])
	t.enqueue(env, want[2])
	t.until("three runs", func() bool { return len(got.sorted()) == 3 })
	if diff := cmp.Diff(want, got.sorted()); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
}

func rolledBackJobNeverRuns(t *queueTest) {
	var got runs
	env := t.start(QueueHandlers{Work: got.add})
	boom := errors.New("boom")
	err := env.Update(t.Context(), func(j ports.Jobs) error {
		if err := j.Enqueue(t.Context(), Work{N: 1}, Work{N: 2}); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("Update = %v, want %v", err, boom)
	}
	t.enqueue(env, Work{N: 3})
	t.until("the last job", func() bool { return len(got.sorted()) > 0 })
	t.untilStats(env, ports.QueueStats{})
	if diff := cmp.Diff([]Work{{N: 3}}, got.sorted()); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
}

func strayJobIsRefused(t *queueTest) {
	var got runs
	env := t.start(QueueHandlers{Work: got.add})
	err := env.Update(t.Context(), func(j ports.Jobs) error { return j.Enqueue(t.Context(), Work{}, Stray{}) })
	if err == nil {
		t.Error("a job without a handler was taken")
	}
	t.untilStats(env, ports.QueueStats{})
}

func nothingIsEnqueued(t *queueTest) {
	env := t.start(QueueHandlers{Work: new(runs).add})
	t.enqueue(env)
	t.untilStats(env, ports.QueueStats{})
}

func failedJobRunsAgain(t *queueTest) {
	var n atomic.Int64
	env := t.start(QueueHandlers{Work: func(context.Context, Work) error {
		if n.Add(1) == 1 {
			return errors.New("once")
		}
		return nil
	}})
	t.enqueue(env, Work{})
	t.until("a second run", func() bool { return n.Load() == 2 })
	t.untilStats(env, ports.QueueStats{})
}

func failingJobDies(t *queueTest) {
	var n atomic.Int64
	env := t.start(QueueHandlers{Work: func(context.Context, Work) error {
		return fmt.Errorf("no luck the %d. time", n.Add(1))
	}})
	began := time.Now().Add(-time.Second)
	t.enqueue(env, Work{Name: "doomed", N: 7})
	got := t.untilDead(env, 1)[0]
	if n.Load() != 3 {
		t.Errorf("%d attempts, want 3", n.Load())
	}
	if got.ID <= 0 || got.DiedAt.Before(began) || got.DiedAt.After(time.Now().Add(time.Second)) || got.DiedAt.Location() != time.UTC {
		t.Errorf("id %d, died at %v", got.ID, got.DiedAt)
	}
	var payload Work
	if err := json.Unmarshal(got.Payload, &payload); err != nil {
		t.Errorf("payload %s: %v", got.Payload, err)
	}
	if diff := cmp.Diff(Work{Name: "doomed", N: 7}, payload); diff != "" {
		t.Errorf("payload (-want +got):\n%s", diff)
	}
	want := ports.DeadJob{ID: got.ID, Kind: "contract.work", Payload: got.Payload, Attempts: 3, Error: "no luck the 3. time", DiedAt: got.DiedAt}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("dead job (-want +got):\n%s", diff)
	}
}

func panicFailsAttempt(t *queueTest) {
	var fine atomic.Bool
	env := t.start(QueueHandlers{Work: func(_ context.Context, job Work) error {
		if job.N == 1 {
			panic("out of cheese")
		}
		fine.Store(true)
		return nil
	}})
	t.enqueue(env, Work{N: 1})
	got := t.untilDead(env, 1)[0]
	if got.Attempts != 3 || got.Error != "panic: out of cheese" {
		t.Errorf("%d attempts, error %q", got.Attempts, got.Error)
	}
	t.enqueue(env, Work{N: 2})
	t.until("another job", fine.Load)
}

func retryRevives(t *queueTest) {
	var mended, ran atomic.Bool
	env := t.start(QueueHandlers{Work: func(context.Context, Work) error {
		if !mended.Load() {
			return errors.New("broken")
		}
		ran.Store(true)
		return nil
	}})
	t.enqueue(env, Work{})
	id := t.untilDead(env, 1)[0].ID
	mended.Store(true)
	if err := env.Queue.Retry(t.Context(), id); err != nil {
		t.Fatalf("Retry: %v", err)
	}
	t.until("a run after Retry", ran.Load)
	t.untilStats(env, ports.QueueStats{})
}

func retryNeedsDeadJob(t *queueTest) {
	env := t.start(QueueHandlers{Work: func(_ context.Context, job Work) error {
		if job.N == 1 {
			return errors.New("broken")
		}
		return nil
	}})
	t.enqueue(env, Work{N: 1})
	id := t.untilDead(env, 1)[0].ID
	t.enqueue(env, Work{N: 2}) // ends well, with an id beside the other's
	t.untilStats(env, ports.QueueStats{Dead: 1})
	for _, other := range []int64{0, -1, id - 1, id + 1, id + 1000} {
		if err := env.Queue.Retry(t.Context(), other); !errors.Is(err, core.ErrNotFound) {
			t.Errorf("Retry(%d) = %v, want %v", other, err, core.ErrNotFound)
		}
	}
}

func deadJobsArePaged(t *queueTest) {
	env := t.start(QueueHandlers{Work: func(context.Context, Work) error { return errors.New("broken") }})
	for i := range 5 {
		t.enqueue(env, Work{N: i})
	}
	all := t.untilDead(env, 5)
	var paged []ports.DeadJob
	for before := int64(0); ; before = paged[len(paged)-1].ID {
		page := t.dead(env, before, 2)
		if len(page) == 0 {
			break
		}
		paged = append(paged, page...)
	}
	if diff := cmp.Diff(all, paged); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	if !slices.IsSortedFunc(all, func(a, b ports.DeadJob) int { return int(b.ID - a.ID) }) {
		t.Errorf("not from the latest: %v", all)
	}
}
