package contract

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// change records that something has happened to a node of the given name.
func (s storeTest) change(p person, n *core.Node, at time.Time) {
	s.Helper()
	s.must(s.inTree(p, func(tx ports.Tx) error { return tx.Changes.Add(s.Context(), core.Changed(core.ChangeMoved, n, at)) }))
}

func (s storeTest) changes(p person, seq int64, limit int) (list []core.NodeChange, latest int64, err error) {
	err = s.View(s.Context(), func(tx ports.Tx) (err error) {
		list, latest, err = tx.Changes.List(s.Context(), p.drive.ID, seq, limit)
		return err
	})
	return list, latest, err
}

func changesEqual(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	list, latest, err := s.changes(ana, 0, 10)
	s.must(err)
	s.equal([]any{len(list), latest}, []any{0, int64(0)})
	a := s.folder(ana, ana.root(), "é a")
	want := []core.NodeChange{
		core.Changed(core.ChangeCreated, a, noon), core.Changed(core.ChangeTrashed, a, noon.Add(time.Second)),
		core.Changed(core.ChangeRestored, a, noon.Add(2*time.Second)),
	}
	s.must(s.inTree(ana, func(tx ports.Tx) error {
		s.must(tx.Changes.Add(s.Context()))
		s.must(tx.Changes.Add(s.Context(), want[:2]...))
		return tx.Changes.Add(s.Context(), want[2])
	}))
	s.change(ben, s.folder(ben, ben.root(), "b"), noon)
	for i := range want {
		want[i].Seq = int64(i + 1)
	}
	list, latest, err = s.changes(ana, 0, 10)
	s.must(err)
	s.equal(list, want)
	s.equal(latest, int64(3))
	list, latest, err = s.changes(ana, 1, 1)
	s.must(err)
	s.equal(list, want[1:2])
	s.equal(latest, int64(3))
	list, _, err = s.changes(ana, 3, 10)
	s.must(err)
	s.equal(len(list), 0)
	_, _, err = s.changes(ana, 4, 10) // of another database, or of a lost time
	s.wantErr(err, core.ErrCursorExpired)
	ana.drive = &core.Drive{ID: core.DriveID(s.id())}
	_, _, err = s.changes(ana, 0, 10)
	s.wantErr(err, core.ErrNotFound)
}

// changesFollowed lets writers and a reader run at once: the reader sees every
// change once, in the order of its number.
func changesFollowed(s storeTest) {
	const writers, each = 8, 50
	p := s.signUp("ana")
	a := s.folder(p, p.root(), "a")
	var wg sync.WaitGroup
	var running atomic.Int64
	for w := range writers {
		running.Add(1)
		wg.Go(func() {
			defer running.Add(-1)
			for i := range each {
				n := *a
				n.Name = fmt.Sprintf("%d/%d", w, i)
				s.change(p, &n, noon)
			}
		})
	}
	seen := map[string]bool{}
	var cursor int64
	for last := false; ; {
		list, latest, err := s.changes(p, cursor, 7)
		s.must(err)
		for _, c := range list {
			if cursor++; c.Seq != cursor || seen[c.Name] {
				s.Fatalf("change %q has number %d, want %d", c.Name, c.Seq, cursor)
			}
			seen[c.Name] = true
		}
		if latest < cursor {
			s.Fatalf("latest is %d, but there is %d", latest, cursor)
		}
		if len(list) == 0 && last {
			break
		}
		last = running.Load() == 0
	}
	wg.Wait()
	s.equal(len(seen), writers*each)
}

func changesPruned(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	a, b := s.folder(ana, ana.root(), "a"), s.folder(ben, ben.root(), "b")
	for i := range 10 {
		s.change(ana, a, noon.Add(time.Duration(i)*time.Second))
	}
	s.change(ben, b, noon)
	prune := func(t time.Time, limit int) (n int) {
		s.update(func(tx ports.Tx) (err error) {
			n, err = tx.Changes.Prune(s.Context(), t, limit)
			return err
		})
		return n
	}
	s.equal(prune(noon, 100), 0)
	s.equal(prune(noon.Add(5*time.Second), 4), 4)
	s.equal(prune(noon.Add(5*time.Second), 4), 2)
	s.equal(prune(noon.Add(5*time.Second), 4), 0)
	list, _, err := s.changes(ana, 5, 100)
	s.must(err)
	s.equal(len(list), 5)
	for _, seq := range []int64{0, 4} {
		_, _, err = s.changes(ana, seq, 100)
		s.wantErr(err, core.ErrCursorExpired)
	}
	_, _, err = s.changes(ben, 0, 100)
	s.wantErr(err, core.ErrCursorExpired)
	list, latest, err := s.changes(ben, 1, 100)
	s.must(err)
	s.equal([]any{len(list), latest}, []any{0, int64(1)})
	s.change(ben, b, noon)
	list, _, err = s.changes(ben, 1, 100)
	s.must(err)
	s.equal([]any{len(list), list[0].Seq}, []any{1, int64(2)})
}
