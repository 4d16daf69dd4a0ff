// Package app holds what the use cases of every noun share. The use cases
// themselves are in the packages below it.
package app

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Once is a client's wish that its request be carried out once, however often
// it arrives: an Idempotency-Key and what it was sent with. A nil *Once wishes
// nothing.
type Once struct {
	Scope   string // who sends it
	Key     string
	Request []byte // all that must be the same when the key comes again
	Status  int    // of the answer

	// Encode returns the answer as it is sent.
	Encode func(result any) ([]byte, error)
}

// Replay is the error of a request that was carried out before: not a failure
// but the answer it had then.
type Replay struct { //nolint:errname // it is an answer, which travels as an error
	Status int
	Answer []byte
}

func (r *Replay) Error() string { return "answered before" }

// Find returns a *Replay if the request was carried out before,
// core.ErrIdempotencyConflict if the key came with another request, or nil.
func (o *Once) Find(ctx context.Context, store ports.Store, secrets ports.Secrets, now time.Time) error {
	if o == nil {
		return nil
	}
	var kept *core.Idempotency
	err := store.View(ctx, func(tx ports.Tx) (err error) {
		kept, err = tx.Idempotency.Get(ctx, o.Scope, o.Key, now)
		return err
	})
	switch {
	case errors.Is(err, core.ErrNotFound):
		return nil
	case err != nil:
		return err
	case !bytes.Equal(kept.Fingerprint, secrets.Fingerprint(o.Request)):
		return core.ErrIdempotencyConflict
	}
	answer, err := secrets.Open(kept.Answer)
	if err != nil {
		return err
	}
	return &Replay{Status: kept.Status, Answer: answer}
}

// Keep stores the answer in the unit of work that has the effect. Its error
// must undo that unit: then another request with the key was faster, and Find
// has its answer.
func (o *Once) Keep(ctx context.Context, tx ports.Tx, secrets ports.Secrets, result any, now time.Time) error {
	if o == nil {
		return nil
	}
	answer, err := o.Encode(result)
	if err != nil {
		return err
	}
	sealed, err := secrets.Seal(answer)
	if err != nil {
		return err
	}
	return tx.Idempotency.Add(ctx, &core.Idempotency{
		Scope: o.Scope, Key: o.Key, Fingerprint: secrets.Fingerprint(o.Request), Status: o.Status, Answer: sealed,
		CreatedAt: now, ExpiresAt: now.Add(core.IdempotencyTTL),
	})
}

// Do runs the unit of work unless the request was carried out before; of
// concurrent requests with one key, one has its effect and all get its answer.
func (o *Once) Do(ctx context.Context, store ports.Store, secrets ports.Secrets, now time.Time, unit func(tx ports.Tx) error) error {
	if err := o.Find(ctx, store, secrets, now); err != nil {
		return err
	}
	err := store.Update(ctx, unit)
	if o == nil || err == nil {
		return err
	}
	// Another request with the key may have been faster. What it created can
	// be in the way of this one before the key is, so any failure is looked at.
	var replay *Replay
	if found := o.Find(ctx, store, secrets, now); errors.As(found, &replay) {
		return replay
	}
	return err
}
