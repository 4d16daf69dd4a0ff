package bunstore

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	maxKeyUses    = 1_000 // noted at once
	keyUsesPeriod = 500 * time.Millisecond
)

// keyUses are uses of API keys that are not stored yet.
type keyUses struct {
	mu    sync.Mutex
	noted map[[32]byte]time.Time
}

// note remembers that a key was used, if there is room.
func (u *keyUses) note(hash [32]byte, at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	last, known := u.noted[hash]
	if !known && len(u.noted) >= maxKeyUses || at.Before(last) {
		return
	}
	if u.noted == nil {
		u.noted = make(map[[32]byte]time.Time)
	}
	u.noted[hash] = at
}

func (u *keyUses) take() map[[32]byte]time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	noted := u.noted
	u.noted = nil
	return noted
}

// KeyUses is a ports.KeyUses.
type KeyUses struct{ store *Store }

// KeyUses returns what stores the uses of API keys that the store notes.
func (s *Store) KeyUses() *KeyUses { return &KeyUses{s} }

// Run implements ports.KeyUses.
func (u *KeyUses) Run(ctx context.Context, failed func(error)) {
	tick := time.NewTicker(keyUsesPeriod)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-tick.C:
			u.flush(ctx, failed)
		case <-ctx.Done():
		}
	}
	u.flush(ctx, failed)
}

// flush stores what is noted by one statement, also when ctx has ended, and
// notes again what it cannot store.
func (u *KeyUses) flush(ctx context.Context, failed func(error)) {
	noted := u.store.uses.take()
	if len(noted) == 0 {
		return
	}
	const patience = 5 * time.Second
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	var when strings.Builder
	var whens, keys []any
	for hash, at := range noted {
		when.WriteString(" WHEN ? THEN ?")
		whens = append(whens, hash[:], stamp{at})
		keys = append(keys, hash[:])
	}
	times := "CASE hash" + when.String() + " END"
	_, err := u.store.write.NewRaw("UPDATE api_keys SET last_used_at = "+times+" WHERE hash IN (?"+strings.Repeat(", ?", len(keys)-1)+
		") AND (last_used_at IS NULL OR last_used_at < "+times+")", slices.Concat(whens, keys, whens)...).Exec(ctx)
	if err == nil {
		return
	}
	failed(translate("store uses of API keys", err))
	for hash, at := range noted {
		u.store.uses.note(hash, at)
	}
}
