package oidc

import (
	"context"
	"sync"
	"time"

	"github.com/seed-755a8038/coffer/ports"
)

const (
	// retryAfter bounds how often somebody who makes tokens up can make the
	// server ask for keys, and how often it asks an issuer that is down.
	retryAfter = 10 * time.Second

	// staleAfter is how long what an issuer once said counts while it is down.
	staleAfter = 24 * time.Hour
)

// fetched is something an issuer publishes: fetched when it is first needed,
// kept, and fetched again when it is old. However many ask, one request is on
// its way. It is safe for concurrent use.
type fetched[T any] struct {
	fetch  func(ctx context.Context) (T, error)
	maxAge time.Duration
	clock  ports.Clock

	mu      sync.Mutex
	value   T
	at      time.Time // of value; zero: none yet
	tried   time.Time // when the last request began
	err     error     // of the last request
	running chan struct{}
}

// get returns the value. With newer it asks the issuer for another, unless it
// did so a moment ago. The error is that of the last request: without newer it
// is nil if there is a value to go on with.
func (f *fetched[T]) get(ctx context.Context, newer bool) (T, error) {
	running, ready := f.begin(ctx, newer)
	if !ready && running != nil {
		select {
		case <-running:
		case <-ctx.Done():
			var none T
			return none, ctx.Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil && (newer || !f.usable()) {
		return f.value, f.err
	}
	return f.value, nil
}

// begin starts a request if one is due. It returns what to wait for, and
// whether the value is good enough not to.
func (f *fetched[T]) begin(ctx context.Context, newer bool) (running chan struct{}, ready bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.clock.Now()
	if !newer && f.usable() && (f.running != nil || now.Sub(f.at) < f.maxAge) {
		return nil, true
	}
	if f.running == nil && (f.tried.IsZero() || now.Sub(f.tried).Abs() >= retryAfter) {
		f.running, f.tried = make(chan struct{}), now
		// Whoever else waits for the answer must not lose it because the first
		// who asked has gone; the client's timeout ends it.
		go f.run(context.WithoutCancel(ctx), f.running)
	}
	return f.running, false
}

func (f *fetched[T]) run(ctx context.Context, done chan struct{}) {
	value, err := f.fetch(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err = err; err == nil {
		f.value, f.at = value, f.clock.Now()
	}
	f.running = nil
	close(done)
}

// usable reports whether there is a value that is not too old. The caller holds f.mu.
func (f *fetched[T]) usable() bool {
	return !f.at.IsZero() && f.clock.Now().Sub(f.at) < staleAfter
}
