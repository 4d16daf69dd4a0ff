package contract

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-755a8038/coffer/ports"
)

// This file holds the cases of Queue about time, processes and load.

func periodicJobRuns(t *queueTest) {
	var n atomic.Int64
	t.start(QueueHandlers{
		Work: new(runs).add,
		Tick: func(context.Context, Tick) error { n.Add(1); return nil },
	})
	t.until("three ticks", func() bool { return n.Load() >= 3 })
}

func periodicJobRunsOnce(t *queueTest) {
	var n atomic.Int64
	h := QueueHandlers{
		Work: new(runs).add,
		Tick: func(context.Context, Tick) error { n.Add(1); return nil },
	}
	began := time.Now()
	t.start(h)
	t.start(h)
	t.until("three ticks", func() bool { return n.Load() >= 3 })
	time.Sleep(2 * time.Second)
	// One at the start and one a second; a change of the leading process may add one.
	if most := int64(time.Since(began)/time.Second) + 2; n.Load() > most {
		t.Errorf("%d ticks in %v, want at most %d", n.Load(), time.Since(began), most)
	}
}

func stopWaits(t *queueTest) {
	running, release := make(chan struct{}), make(chan struct{})
	env := t.open(t.T, QueueHandlers{Work: func(ctx context.Context, _ Work) error {
		close(running)
		<-release
		return ctx.Err()
	}})
	defer env.Close()
	if err := env.Queue.Start(t.Context()); err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.enqueue(env, Work{})
	<-running
	stopped := make(chan error, 1)
	var wg sync.WaitGroup
	wg.Go(func() { stopped <- env.Queue.Stop(t.Context()) })
	select {
	case err := <-stopped:
		t.Fatalf("Stop = %v while a job ran", err)
	case <-time.After(300 * time.Millisecond):
	}
	close(release)
	wg.Wait()
	if err := <-stopped; err != nil {
		t.Errorf("Stop: %v", err)
	}
	t.untilStats(env, ports.QueueStats{})
}

func stopCancels(t *queueTest) {
	running := make(chan struct{})
	var cancelled atomic.Bool
	env := t.open(t.T, QueueHandlers{Work: func(ctx context.Context, _ Work) error {
		close(running)
		<-ctx.Done()
		cancelled.Store(true)
		return ctx.Err()
	}})
	if err := env.Queue.Start(t.Context()); err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.enqueue(env, Work{N: 1})
	<-running
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := env.Queue.Stop(ctx); err != nil {
		t.Errorf("Stop: %v", err)
	}
	if !cancelled.Load() {
		t.Error("Stop returned before the job did")
	}
	env.Close()

	// The interrupted job is the next process's.
	var got runs
	t.start(QueueHandlers{Work: got.add})
	t.until("the interrupted job", func() bool { return len(got.sorted()) == 1 })
}

func stopTwice(t *queueTest) {
	env := t.open(t.T, QueueHandlers{Work: new(runs).add})
	if err := env.Queue.Stop(t.Context()); err != nil {
		t.Errorf("Stop before Start: %v", err)
	}
	if err := env.Queue.Start(t.Context()); err != nil {
		t.Fatalf("Start: %v", err)
	}
	if err := env.Queue.Stop(t.Context()); err != nil {
		t.Errorf("Stop: %v", err)
	}
	t.stop(env)
}

// storm enqueues 200 jobs by 8 goroutines and checks that each runs once.
func storm(t *queueTest, got *runs, envs ...QueueEnv) {
	t.Helper()
	const n, goroutines = 200, 8
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range n / goroutines {
				t.enqueue(envs[i%len(envs)], Work{N: g*n/goroutines + i})
			}
		})
	}
	wg.Wait()
	t.until("all runs", func() bool { return len(got.sorted()) >= n })
	t.untilStats(envs[0], ports.QueueStats{})
	want := make([]Work, n)
	for i := range want {
		want[i].N = i
	}
	if diff := cmp.Diff(want, got.sorted()); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
}

func jobsRunOnce(t *queueTest) {
	var got runs
	storm(t, &got, t.start(QueueHandlers{Work: got.add}))
}

func jobsRunOnceOnTwo(t *queueTest) {
	var got runs
	h := QueueHandlers{Work: got.add}
	storm(t, &got, t.start(h), t.start(h))
}

func jobSurvives(t *queueTest) {
	var got runs
	env := t.open(t.T, QueueHandlers{Work: got.add})
	t.enqueue(env, Work{N: 1})
	if err := env.Queue.Start(t.Context()); err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.until("the first job", func() bool { return len(got.sorted()) == 1 })
	if err := env.Queue.Stop(t.Context()); err != nil {
		t.Fatalf("Stop: %v", err)
	}
	t.enqueue(env, Work{N: 2})
	env.Close()

	t.start(QueueHandlers{Work: got.add})
	t.until("the second job", func() bool { return len(got.sorted()) >= 2 })
	if diff := cmp.Diff([]Work{{N: 1}, {N: 2}}, got.sorted()); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
}

func statsCount(t *queueTest) {
	release := make(chan struct{})
	env := t.open(t.T, QueueHandlers{Work: func(_ context.Context, job Work) error {
		if job.N == 1 {
			<-release
			return nil
		}
		return errors.New("broken")
	}})
	t.enqueue(env, Work{N: 1}, Work{N: 2})
	t.untilStats(env, ports.QueueStats{Ready: 2})
	if err := env.Queue.Start(t.Context()); err != nil {
		t.Fatalf("Start: %v", err)
	}
	defer t.stop(env)
	t.untilStats(env, ports.QueueStats{Running: 1, Dead: 1})
	close(release)
	t.untilStats(env, ports.QueueStats{Dead: 1})
}

func unitDoesNotWait(t *queueTest) {
	var n atomic.Int64
	release := make(chan struct{})
	env := t.start(QueueHandlers{Work: func(context.Context, Work) error { n.Add(1); <-release; return nil }})
	defer close(release)
	t.enqueue(env, Work{})
	t.until("the job", func() bool { return n.Load() == 1 })
	began := time.Now()
	for range 20 {
		t.enqueue(env, Work{})
	}
	if took := time.Since(began); took > patience/2 {
		t.Errorf("20 units took %v beside a running job", took)
	}
}
