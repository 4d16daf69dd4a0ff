// Package ratelimit counts requests against rates in the memory of one process.
package ratelimit

import (
	"context"
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

const (
	shards = 64 // so that requests of different clients seldom wait for one lock

	// DefaultKeys is how many keys a limiter remembers: some 20 MB when full.
	DefaultKeys = 100_000

	// sample is how many keys are compared to find one to forget.
	sample = 16
)

// Limiter implements ports.Limiter for one process; a restart forgets it. It
// remembers a bounded number of keys: of too many it forgets those closest to
// being whole again, so that a flood of new keys does not set free one that
// has been refused. It is safe for concurrent use.
type Limiter struct {
	seed   maphash.Seed
	shards [shards]shard
}

type shard struct {
	mu    sync.Mutex
	limit int
	full  map[bucket]time.Time // when each bucket will be full again
}

// bucket names one key under one rate.
type bucket struct{ rate, key string }

// New returns a limiter that remembers about keys keys (at least one per shard).
func New(keys int) *Limiter {
	l := &Limiter{seed: maphash.MakeSeed()}
	for i := range l.shards {
		l.shards[i].limit = max(1, keys/shards)
		l.shards[i].full = make(map[bucket]time.Time)
	}
	return l
}

// Take implements ports.Limiter. It returns an error for a rate that allows nothing.
func (l *Limiter) Take(_ context.Context, r core.Rate, key string, now time.Time) (core.Allowance, error) {
	if r.Burst < 1 || r.Interval() <= 0 {
		return core.Allowance{}, fmt.Errorf("rate %q: burst %d in %v cannot be counted", r.Name, r.Burst, r.Period)
	}
	b := bucket{r.Name, key}
	s := l.shard(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	full, known := s.full[b]
	full, a := r.Take(full, now)
	if !known && len(s.full) >= s.limit {
		s.makeRoom(now)
	}
	s.full[b] = full
	return a, nil
}

// Forget implements ports.Limiter.
func (l *Limiter) Forget(_ context.Context, r core.Rate, key string) error {
	b := bucket{r.Name, key}
	s := l.shard(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.full, b)
	return nil
}

// Len returns how many keys are remembered.
func (l *Limiter) Len() int {
	n := 0
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		n += len(s.full)
		s.mu.Unlock()
	}
	return n
}

func (l *Limiter) shard(b bucket) *shard {
	return &l.shards[maphash.Comparable(l.seed, b)%shards]
}

// makeRoom forgets at least one key: of a few chosen at random (the order of a
// map), every one that is whole again, else the one that will be first. A whole
// bucket is the same as none, so forgetting it changes nothing.
func (s *shard) makeRoom(now time.Time) {
	var (
		first   bucket
		firstAt time.Time
		seen    int
	)
	before := len(s.full)
	for b, full := range s.full {
		if !full.After(now) {
			delete(s.full, b)
		} else if firstAt.IsZero() || full.Before(firstAt) {
			first, firstAt = b, full
		}
		if seen++; seen == sample {
			break
		}
	}
	if len(s.full) == before {
		delete(s.full, first)
	}
}
