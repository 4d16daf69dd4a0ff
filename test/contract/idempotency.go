package contract

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func idempotencyOnce(s storeTest) {
	kept := &core.Idempotency{
		Scope: "ana", Key: "k", Fingerprint: []byte("f"), Status: 201, Answer: []byte("sealed"),
		CreatedAt: noon, ExpiresAt: noon.Add(time.Hour),
	}
	ok := s.race(core.ErrIdempotencyConflict, func(int) error {
		return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Idempotency.Add(s.Context(), kept) })
	})
	s.equal(ok, 1)
	s.view(func(tx ports.Tx) error {
		got, err := tx.Idempotency.Get(s.Context(), "ana", "k", noon)
		s.must(err)
		s.equal(got, kept)
		_, err = tx.Idempotency.Get(s.Context(), "ben", "k", noon)
		s.wantErr(err, core.ErrNotFound)
		_, err = tx.Idempotency.Get(s.Context(), "ana", "k", noon.Add(time.Hour))
		s.wantErr(err, core.ErrNotFound)
		return nil
	})
	later := *kept
	later.CreatedAt, later.ExpiresAt = noon.Add(time.Hour), noon.Add(2*time.Hour)
	s.update(func(tx ports.Tx) error { return tx.Idempotency.Add(s.Context(), &later) }) // the first has expired
	s.update(func(tx ports.Tx) error {
		n, err := tx.Idempotency.Prune(s.Context(), noon.Add(time.Hour), 10)
		s.equal(n, 0)
		s.must(err)
		n, err = tx.Idempotency.Prune(s.Context(), noon.Add(2*time.Hour), 10)
		s.equal(n, 1)
		return err
	})
}

var threeAMinute = core.Rate{Name: "test", Burst: 3, Period: time.Minute}

func limiterBurst(s storeTest) {
	take := func(key string, at time.Time) core.Allowance {
		s.Helper()
		a, err := s.Limiter.Take(s.Context(), threeAMinute, key, at)
		s.must(err)
		return a
	}
	for i := range 3 {
		a := take("k", noon)
		s.equal([]any{a.OK, a.Limit, a.Remaining}, []any{true, 3, 2 - i})
	}
	a := take("k", noon)
	s.equal(a, core.Allowance{Limit: 3, RetryAfter: 20 * time.Second, Reset: time.Minute})
	s.equal(take("other", noon).OK, true)
	s.equal(take("k", noon.Add(20*time.Second)).OK, true)
	s.equal(take("k", noon.Add(20*time.Second)).OK, false)
	s.equal(take("k", noon.Add(2*time.Minute)).Remaining, 2)
	s.equal(take("future", noon.Add(720*time.Hour)).OK, true)
	s.equal(take("future", noon).OK, true) // the other clock was wrong
	s.must(s.Limiter.Forget(s.Context(), threeAMinute, "k"))
	s.equal(take("k", noon.Add(2*time.Minute)).Remaining, 2)
}

func limiterRace(s storeTest) {
	var granted atomic.Int64
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			a, err := s.Limiter.Take(s.Context(), threeAMinute, "k", noon)
			if err != nil {
				s.Error(err)
			}
			if a.OK {
				granted.Add(1)
			}
		})
	}
	wg.Wait()
	s.equal(granted.Load(), int64(3))
}
