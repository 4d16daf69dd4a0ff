package contract

import (
	"context"
	"sync"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// used lets the key ask for something at a time.
func (s storeTest) used(k *core.APIKey, at time.Time) {
	s.Helper()
	_, err := s.Hot.ForDrive(s.Context(), actorWith(k, at), core.DriveID{})
	s.must(err)
}

func (s storeTest) lastUse(k *core.APIKey) (at time.Time) {
	s.Helper()
	s.view(func(tx ports.Tx) error {
		got, err := tx.APIKeys.Get(s.Context(), k.DriveID, k.ID)
		s.must(err)
		at = got.LastUsedAt
		return nil
	})
	return at
}

// runUses stores uses until the returned function is called, which waits.
func (s storeTest) runUses() (stop func()) {
	ctx, cancel := context.WithCancel(s.Context())
	var wg sync.WaitGroup
	wg.Go(func() { s.Uses.Run(ctx, func(err error) { s.Error(err) }) })
	return func() { cancel(); wg.Wait() }
}

func keyUses(s storeTest) {
	ana := s.signUp("ana")
	k, other, over := s.keyOf(ana), s.keyOf(ana), s.keyOf(ana)
	stop := s.runUses()
	use, lastUse := s.used, s.lastUse
	arrives := func(k *core.APIKey, want time.Time) {
		s.Helper()
		for end := time.Now().Add(5 * time.Second); !lastUse(k).Equal(want); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				s.Fatalf("last used at %v, want %v", lastUse(k), want)
			}
		}
	}
	use(k, noon.Add(2*time.Second))
	use(k, noon.Add(time.Second))
	use(other, noon)
	arrives(k, noon.Add(2*time.Second))
	arrives(other, noon)
	use(k, noon) // another server's clock is late
	use(other, noon.Add(time.Minute))
	arrives(other, noon.Add(time.Minute))
	s.equal(lastUse(k), noon.Add(2*time.Second))

	s.update(func(tx ports.Tx) error {
		_, err := tx.APIKeys.Revoke(s.Context(), ana.drive.ID, over.ID, ana.account.ID, noon)
		return err
	})
	use(over, noon)
	r := s.reservation(ana, "a.txt", 1)
	r.Actor = actorWith(k, noon.Add(time.Hour))
	_, ok, err := s.Hot.Reserve(s.Context(), r)
	s.must(err)
	s.equal(ok, true)
	stop() // what is left is stored at the end
	s.equal(lastUse(k), noon.Add(time.Hour))
	s.equal(lastUse(over), time.Time{})
}

func keyUsesMany(s storeTest) {
	ana := s.signUp("ana")
	keys := make([]*core.APIKey, 500)
	for i := range keys {
		keys[i] = s.newKey(ana.drive, ana.account.ID, allPermissions)
	}
	s.addKeys(keys...)
	for i, k := range keys {
		s.used(k, noon.Add(time.Duration(i)*time.Second))
	}
	s.runUses()()
	for i, k := range keys {
		if got, want := s.lastUse(k), noon.Add(time.Duration(i)*time.Second); !got.Equal(want) {
			s.Fatalf("key %d was last used at %v, want %v", i, got, want)
		}
	}
}
