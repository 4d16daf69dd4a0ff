package event_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/app/event"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/fixture"
)

type world struct {
	*fixture.World
	events *event.Service
	ana    fixture.Person
}

func newWorld(t *testing.T) world {
	t.Helper()
	w := world{World: fixture.New(t, true)}
	w.events = event.NewService(event.Deps{Store: w.Store, Access: w.Store, Clock: w.Clock})
	t.Cleanup(w.events.Close)
	w.ana = w.SignUp("ana")
	return w
}

func (w world) emit(kind string, data map[string]any) *core.Event {
	w.Helper()
	e := core.NewEvent(w.IDs.NewID(), w.ana.Org.ID, kind, data, w.Clock.Now())
	w.Write(func(tx ports.Tx) error { return app.Emit(w.Context(), tx, e) })
	return e
}

func (w world) follow(p fixture.Person, after core.EventID, types ...string) *event.Stream {
	w.Helper()
	s, err := w.events.Follow(w.Context(), p.Actor, event.FollowInput{OrgID: w.ana.Org.ID, After: after, Types: types})
	w.Must(err)
	return s
}

// next returns the ids of what is heard next.
func (w world) next(s *event.Stream) (ids []core.EventID) {
	w.Helper()
	heard, err := s.Next(w.Context(), 10*time.Second)
	w.Must(err)
	for _, e := range heard {
		ids = append(ids, e.ID)
	}
	return ids
}

// joined makes somebody a member of ana's org.
func (w world) joined(name string, role core.OrgRole) (fixture.Person, *core.Account) {
	w.Helper()
	p := w.SignUp(name)
	account := core.NewOwner(core.AccountID(w.IDs.NewID()), w.ana.Org.ID, p.User.ID, w.Clock.Now())
	account.Role = role
	w.Write(func(tx ports.Tx) error { return tx.Accounts.Add(w.Context(), account) })
	return p, account
}

// shared makes a shared drive with a role for everybody in the org.
func (w world) shared(name string, role core.DriveRole) core.DriveID {
	w.Helper()
	d := core.NewSharedDrive(core.DriveID(w.IDs.NewID()), w.ana.Org.ID, core.DriveChange{
		Name: &name, QuotaBytes: new(core.Unlimited), DefaultRole: &role,
	}, w.Clock.Now())
	w.Write(func(tx ports.Tx) error { return tx.Drives.Add(w.Context(), d) })
	return d.ID
}

func TestEverybodyHearsOfWhatTheyMayRead(t *testing.T) {
	w := newWorld(t)
	vic, account := w.joined("vic", core.OrgViewer)
	open, closed := w.shared("open", core.DriveViewer), w.shared("closed", core.DriveNone)
	all, some, moves := w.follow(w.ana, core.EventID{}), w.follow(vic, core.EventID{}), w.follow(vic, core.EventID{}, "node.moved")
	defer all.Close()
	defer some.Close()
	defer moves.Close()
	in := func(kind string, drive core.DriveID) core.EventID {
		return w.emit(kind, map[string]any{"drive_id": drive.String()}).ID
	}
	a, b, c := in("node.moved", closed), in("share.created", open), in("asset.uploaded", open)
	d, e := in("node.moved", open), in("node.moved", core.DriveID{1})
	if got := w.next(all); !slices.Equal(got, []core.EventID{a, b, c, d, e}) {
		t.Errorf("an owner hears %v", got)
	}
	if got := w.next(some); !slices.Equal(got, []core.EventID{c, d}) {
		t.Errorf("a viewer hears %v", got)
	}
	if got := w.next(moves); !slices.Equal(got, []core.EventID{d}) {
		t.Errorf("by the filter, a viewer hears %v", got)
	}
	// What was changed since counts.
	w.Write(func(tx ports.Tx) error {
		return errors.Join(account.Suspend(w.Clock.Now()), tx.Accounts.Save(w.Context(), account))
	})
	in("asset.uploaded", open)
	_, err := some.Next(t.Context(), 10*time.Second)
	w.Fails(err, core.ErrNotFound)
	_, err = moves.Next(t.Context(), time.Millisecond) // also where nothing happens
	w.Fails(err, core.ErrNotFound)
	_, err = w.events.Follow(t.Context(), vic.Actor, event.FollowInput{OrgID: w.ana.Org.ID})
	w.Fails(err, core.ErrNotFound)
}

func TestAStreamGoesOnWhereItBrokeOff(t *testing.T) {
	w := newWorld(t)
	ben := w.SignUp("ben")
	var ids []core.EventID
	for i := range 250 {
		ids = append(ids, w.emit("org.updated", map[string]any{"n": i}).ID)
	}
	s := w.follow(w.ana, ids[9])
	var got []core.EventID
	for len(got) < 240 {
		got = append(got, w.next(s)...)
	}
	if !slices.Equal(got, ids[10:]) {
		t.Errorf("%d events", len(got))
	}
	s.Close()
	for name, in := range map[string]event.FollowInput{
		"missing":  {OrgID: w.ana.Org.ID, After: core.EventID(w.IDs.NewID())},
		"of other": {OrgID: ben.Org.ID, After: ids[0]},
	} {
		actor := map[string]core.Actor{"missing": w.ana.Actor, "of other": ben.Actor}[name]
		_, err := w.events.Follow(t.Context(), actor, in)
		w.Fails(err, core.ErrCursorExpired)
	}
	w.Write(func(tx ports.Tx) error {
		_, err := tx.Events.Prune(t.Context(), w.Clock.Now().Add(time.Hour), 999)
		return err
	})
	_, err := w.events.Follow(t.Context(), w.ana.Actor, event.FollowInput{OrgID: w.ana.Org.ID, After: ids[9]})
	w.Fails(err, core.ErrCursorExpired)
	fresh := w.follow(w.ana, core.EventID{})
	defer fresh.Close()
	last := w.emit("org.updated", nil).ID
	if got := w.next(fresh); !slices.Equal(got, []core.EventID{last}) {
		t.Errorf("%v", got)
	}
}

func TestRacingWritersAreHeardByAll(t *testing.T) {
	w := newWorld(t)
	const writers, each, followers = 6, 20, 4
	var wg sync.WaitGroup
	for f := range followers {
		s := w.follow(w.ana, core.EventID{})
		wg.Go(func() {
			defer s.Close()
			seen := make(map[core.EventID]int)
			for len(seen) < writers*each {
				heard, err := s.Next(t.Context(), 10*time.Second)
				if err != nil || len(heard) == 0 {
					t.Errorf("follower %d: %d events, %v", f, len(seen), err)
					return
				}
				for _, e := range heard {
					if seen[e.ID]++; seen[e.ID] > 1 {
						t.Errorf("follower %d hears an event twice", f)
					}
				}
			}
		})
	}
	for range writers {
		wg.Go(func() {
			for range each {
				e := core.NewEvent(w.IDs.NewID(), w.ana.Org.ID, "org.updated", nil, w.Clock.Now())
				if err := w.Store.Update(t.Context(), func(tx ports.Tx) error { return app.Emit(t.Context(), tx, e) }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// Whoever hears of nothing can still go on where they broke off.
func TestAStreamPassesWhatIsNotHeard(t *testing.T) {
	w := newWorld(t)
	vic, _ := w.joined("vic", core.OrgViewer)
	first := w.emit("org.updated", nil)
	for name, follow := range map[string]func() *event.Stream{
		"a viewer": func() *event.Stream { return w.follow(vic, core.EventID{}) },
		"a filter": func() *event.Stream { return w.follow(w.ana, core.EventID{}, "asset.*") },
	} {
		s := follow()
		place := func(want core.EventID) {
			t.Helper()
			if got, err := s.Place(t.Context()); err != nil || got != want {
				t.Errorf("%s: %v, %v, want %v", name, got, err, want)
			}
		}
		place(first.ID)
		for range 150 { // more than a page
			first = w.emit("org.updated", nil)
		}
		heard, err := s.Next(t.Context(), 3*time.Second)
		if w.Must(err); len(heard) != 0 {
			t.Errorf("%s hears %v", name, heard)
		}
		place(first.ID)
		s.Close()
	}
	w.Write(func(tx ports.Tx) error {
		_, err := tx.Events.Prune(t.Context(), w.Clock.Now().Add(time.Hour), 999)
		return err
	})
	s := w.follow(vic, core.EventID{})
	defer s.Close()
	if got, err := s.Place(t.Context()); err != nil || !got.IsZero() {
		t.Errorf("%v, %v", got, err)
	}
}

// A stream ends, and says that it lives, also while there is much to read.
func TestCatchingUpDoesNotHoldAStreamOpen(t *testing.T) {
	w := newWorld(t)
	vic, _ := w.joined("vic", core.OrgViewer)
	first := w.emit("org.updated", nil)
	w.Write(func(tx ports.Tx) error {
		es := make([]*core.Event, 450)
		for i := range es {
			es[i] = core.NewEvent(w.IDs.NewID(), w.ana.Org.ID, "org.updated", nil, w.Clock.Now())
		}
		return app.Emit(t.Context(), tx, es...)
	})
	waiting, ended, closed := w.follow(vic, first.ID), w.follow(vic, first.ID), w.follow(vic, first.ID)
	before, err := waiting.Place(t.Context())
	w.Must(err)
	heard, err := waiting.Next(t.Context(), 0) // nothing, at once
	after, _ := waiting.Place(t.Context())
	if w.Must(err); len(heard) != 0 || before != first.ID || after != before {
		t.Errorf("%v; from %v to %v", heard, before, after)
	}
	w.Clock.Shift(time.Hour)
	_, err = ended.Next(t.Context(), time.Hour)
	w.Fails(err, io.EOF)
	w.Clock.Shift(-time.Hour)
	w.events.Close()
	_, err = closed.Next(t.Context(), time.Hour)
	w.Fails(err, io.EOF)
	for _, s := range []*event.Stream{waiting, ended, closed} {
		s.Close()
	}
}

func TestAStreamEndsWithTheToken(t *testing.T) {
	w := newWorld(t)
	w.ana.Actor.Until = w.Clock.Now().Add(time.Minute)
	s := w.follow(w.ana, core.EventID{})
	defer s.Close()
	_, err := s.Next(t.Context(), 0)
	w.Must(err)
	w.Clock.Shift(time.Minute)
	_, err = s.Next(t.Context(), time.Hour)
	w.Fails(err, io.EOF)
}

func TestAnOrgFollowsSoOftenAtMost(t *testing.T) {
	w := newWorld(t)
	const most = 200
	var streams []*event.Stream
	people := make([]fixture.Person, most/8)
	for i := range people {
		people[i], _ = w.joined(fmt.Sprintf("p-%d", i), core.OrgViewer)
		for range 8 {
			streams = append(streams, w.follow(people[i], core.EventID{}))
		}
	}
	_, err := w.events.Follow(t.Context(), w.ana.Actor, event.FollowInput{OrgID: w.ana.Org.ID})
	w.Fails(err, core.ErrTooManyStreams)
	ben := w.SignUp("ben")
	other, err := w.events.Follow(t.Context(), ben.Actor, event.FollowInput{OrgID: ben.Org.ID})
	w.Must(err)
	other.Close()
	streams[0].Close()
	streams[0] = w.follow(w.ana, core.EventID{})
	for _, s := range streams {
		s.Close()
	}
}

func TestStreamsEnd(t *testing.T) {
	w := newWorld(t)
	var streams []*event.Stream
	for range 8 {
		streams = append(streams, w.follow(w.ana, core.EventID{}))
	}
	_, err := w.events.Follow(t.Context(), w.ana.Actor, event.FollowInput{OrgID: w.ana.Org.ID})
	w.Fails(err, core.ErrTooManyStreams)
	streams[7].Close()
	streams[7] = w.follow(w.ana, core.EventID{})

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = streams[0].Next(ctx, time.Hour)
	w.Fails(err, context.Canceled)
	w.Clock.Shift(time.Hour)
	_, err = streams[0].Next(t.Context(), time.Hour)
	w.Fails(err, io.EOF)
	streams[0].Close()
	streams[0] = w.follow(w.ana, core.EventID{})
	ended := make(chan error)
	go func() {
		_, err := streams[0].Next(context.WithoutCancel(t.Context()), time.Hour)
		ended <- err
	}()
	w.events.Close()
	w.Fails(<-ended, io.EOF)
	for _, s := range streams {
		s.Close()
	}
	late := w.follow(w.ana, core.EventID{})
	defer late.Close()
	_, err = late.Next(t.Context(), time.Hour)
	w.Fails(err, io.EOF)
	if fmt.Sprint(core.ErrTooManyStreams.Details["retry_after"]) != "15" {
		t.Error(core.ErrTooManyStreams.Details)
	}
}
