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
	s.addEvents(es...)
	s.addEvents(s.newEvent(ben.org.ID))
	head(ana.org.ID, 0, true)
	s.equal(s.number(ana.org.ID, 2), 2)
	head(ana.org.ID, 2, true)
	s.equal(s.number(ana.org.ID, 9), 3)
	head(ana.org.ID, 5, false)
	s.addEvents(late)
	s.equal(s.number(ana.org.ID, 9), 1)
	s.addEvents(early)
	s.equal(s.number(ana.org.ID, 9), 1)
	es = append(es, late, early)
	want := es
	after := func(q ports.StreamQuery, end int64, want ...*core.Event) {
		s.Helper()
		q.OrgID = ana.org.ID
		s.view(func(tx ports.Tx) error {
			got, looked, err := tx.Streams.After(s.Context(), q)
			s.equal(append([]*core.Event{}, got...), append([]*core.Event{}, want...))
			s.equal(looked, end)
			return err
		})
	}
	after(ports.StreamQuery{Last: 7, Limit: 9}, 7, want...)
	after(ports.StreamQuery{Last: 6, Limit: 9}, 6, want[:6]...)
	after(ports.StreamQuery{After: 2, Last: 7, Limit: 3}, 5, want[2:5]...)
	after(ports.StreamQuery{After: 7, Last: 7, Limit: 9}, 7)
	s.view(func(tx ports.Tx) error {
		seq, err := tx.Streams.Place(s.Context(), ana.org.ID, early.ID)
		s.must(err)
		s.equal(seq, int64(7))
		id, err := tx.Streams.At(s.Context(), ana.org.ID, 7)
		s.must(err)
		s.equal(id, early.ID)
		_, err = tx.Streams.At(s.Context(), ben.org.ID, 7)
		s.wantErr(err, core.ErrNotFound)
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
	s.addEvents(next)
	s.equal(s.number(ana.org.ID, 9), 1)
	after(ports.StreamQuery{After: 7, Last: 8, Limit: 9}, 8, next)
	s.view(func(tx ports.Tx) error {
		_, _, err := tx.Streams.After(s.Context(), ports.StreamQuery{OrgID: ana.org.ID, After: 6, Last: 8, Limit: 9})
		s.wantErr(err, core.ErrNotFound)
		return nil
	})
}

// eventsFiltered: what a filter does not name is passed, and not returned.
func eventsFiltered(s storeTest) {
	ana := s.signUp("ana")
	var es []*core.Event
	for _, kind := range []string{"asset.uploaded", "node.moved", "asset.updated", "drive.updated", "node.moved", "node.created"} {
		e := s.newEvent(ana.org.ID)
		e.Type = kind
		es = append(es, e)
	}
	s.addEvents(es...)
	s.equal(s.number(ana.org.ID, 9), 6)
	page := func(after int64, limit int, end int64, types []string, want ...*core.Event) {
		s.Helper()
		s.view(func(tx ports.Tx) error {
			got, looked, err := tx.Streams.After(s.Context(), ports.StreamQuery{OrgID: ana.org.ID, After: after, Last: 6, Types: types, Limit: limit})
			s.equal(append([]*core.Event{}, got...), append([]*core.Event{}, want...))
			s.equal(looked, end)
			return err
		})
	}
	page(0, 9, 6, []string{"asset.*"}, es[0], es[2])
	page(0, 2, 3, []string{"asset.*"}, es[0], es[2])
	page(0, 9, 6, []string{"asset.updated", "node.moved"}, es[1], es[2], es[4])
	page(3, 9, 6, []string{"asset.*", "drive.updated"}, es[3])
	page(0, 9, 6, []string{"share.*"})
}

// eventsLocked: those who number events and those who tell webhooks of them take
// the same rows, in the same order.
func eventsLocked(s storeTest) {
	ana := s.signUp("ana")
	s.webhook(ana)
	const rounds, each = 10, 100
	for range rounds {
		es := make([]*core.Event, each)
		for i := range es {
			es[each-1-i] = s.newEvent(ana.org.ID) // the later, the smaller its id
		}
		s.addEvents(es...)
		s.equal(s.race(nil, func(i int) error {
			return s.Update(s.Context(), func(tx ports.Tx) error {
				if i%2 == 0 {
					_, err := tx.Streams.Number(s.Context(), ana.org.ID, each)
					return err
				}
				waiting, err := tx.Events.Waiting(s.Context(), ana.org.ID, each)
				if err != nil {
					return err
				}
				return tx.Events.Told(s.Context(), ana.org.ID, eventIDs(waiting)...)
			})
		}), racers)
	}
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
					return tx.Events.Add(s.Context(), e)
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
					err = s.View(s.Context(), func(tx ports.Tx) error {
						head, _, err := tx.Streams.Head(s.Context(), ana.org.ID)
						if err != nil {
							return err
						}
						es, seq, err = tx.Streams.After(s.Context(), ports.StreamQuery{OrgID: ana.org.ID, After: seq, Last: head, Limit: 1000})
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
