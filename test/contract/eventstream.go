package contract

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func (s storeTest) number(org core.OrgID, limit int) (n int) {
	s.Helper()
	s.update(func(tx ports.Tx) (err error) {
		n, err = tx.Streams.Number(s.Context(), org, limit)
		return err
	})
	return n
}

func eventsNumbered(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	head := func(org core.OrgID, seq int64, unnumbered bool) {
		s.Helper()
		s.view(func(tx ports.Tx) error {
			got, more, err := tx.Streams.Head(s.Context(), org)
			s.equal(got, seq)
			s.equal(more, unnumbered)
			return err
		})
	}
	head(ana.org.ID, 0, false)
	s.equal(s.number(ana.org.ID, 9), 0)
	var es []*core.Event
	for range 5 {
		es = append(es, s.newEvent(ana.org.ID))
	}
	early := s.newEvent(ana.org.ID) // has a smaller id than the next, and is committed after it
	late := s.newEvent(ana.org.ID)
	s.addEvents(false, es...)
	s.addEvents(false, s.newEvent(ben.org.ID))
	head(ana.org.ID, 0, true)
	s.equal(s.number(ana.org.ID, 2), 2)
	head(ana.org.ID, 2, true)
	s.equal(s.number(ana.org.ID, 9), 3)
	head(ana.org.ID, 5, false)
	s.addEvents(false, late)
	s.equal(s.number(ana.org.ID, 9), 1)
	s.addEvents(false, early)
	s.equal(s.number(ana.org.ID, 9), 1)
	es = append(es, late, early)
	want := es
	after := func(org core.OrgID, seq int64, limit int, last int64, want ...*core.Event) {
		s.Helper()
		s.view(func(tx ports.Tx) error {
			got, end, err := tx.Streams.After(s.Context(), org, seq, limit)
			s.equal(got, append([]*core.Event{}, want...))
			s.equal(end, last)
			return err
		})
	}
	after(ana.org.ID, 0, 9, 7, want...)
	after(ana.org.ID, 2, 3, 5, want[2:5]...)
	after(ana.org.ID, 7, 9, 7)
	after(ben.org.ID, 0, 9, 0)
	s.view(func(tx ports.Tx) error {
		seq, err := tx.Streams.Place(s.Context(), ana.org.ID, early.ID)
		s.must(err)
		s.equal(seq, int64(7))
		_, err = tx.Streams.Place(s.Context(), ben.org.ID, early.ID)
		s.wantErr(err, core.ErrNotFound)
		_, err = tx.Streams.Place(s.Context(), ana.org.ID, core.EventID(s.id()))
		s.wantErr(err, core.ErrNotFound)
		return nil
	})
	// Numbers are never given twice, also when all that had one are pruned.
	s.update(func(tx ports.Tx) error {
		_, err := tx.Events.Prune(s.Context(), noon.Add(time.Hour), 99)
		return err
	})
	next := s.newEvent(ana.org.ID)
	s.addEvents(false, next)
	s.equal(s.number(ana.org.ID, 9), 1)
	after(ana.org.ID, 7, 9, 8, next)
}

// eventsFollowed: while writers race, each with ids that they have taken long
// before they commit, a follower sees each event exactly once.
func eventsFollowed(s storeTest) {
	ana := s.signUp("ana")
	const each = 25
	all := make([][]*core.Event, racers)
	for i := range all {
		for range each {
			all[i] = append(all[i], s.newEvent(ana.org.ID))
		}
	}
	var writing sync.WaitGroup
	var running atomic.Int64
	running.Store(racers)
	for i := range racers {
		writing.Go(func() {
			defer running.Add(-1)
			for k := range each {
				e := all[i][each-1-k] // the later, the smaller its id
				if err := s.Update(s.Context(), func(tx ports.Tx) error {
					_, err := tx.Events.Add(s.Context(), e)
					return err
				}); err != nil {
					s.Error(err)
				}
			}
		})
	}
	followed := make([]map[core.EventID]int, 3)
	for f := range followed {
		followed[f] = make(map[core.EventID]int)
		writing.Go(func() {
			var seq int64
			for {
				last := running.Load() == 0
				var es []*core.Event
				err := s.Update(s.Context(), func(tx ports.Tx) error {
					_, err := tx.Streams.Number(s.Context(), ana.org.ID, 10)
					return err
				})
				if err == nil {
					err = s.View(s.Context(), func(tx ports.Tx) (err error) {
						es, seq, err = tx.Streams.After(s.Context(), ana.org.ID, seq, 1000)
						return err
					})
				}
				if err != nil {
					s.Error(err)
					return
				}
				for _, e := range es {
					followed[f][e.ID]++
				}
				if last && len(es) == 0 {
					return
				}
			}
		})
	}
	writing.Wait()
	for f, seen := range followed {
		for _, es := range all {
			for _, e := range es {
				if seen[e.ID] != 1 {
					s.Errorf("follower %d has seen an event %d times", f, seen[e.ID])
				}
			}
		}
	}
}
