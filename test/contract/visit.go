package contract

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// access makes an access of a link that has been judged.
func (s storeTest) access(l *core.ShareLink, kind core.AccessKind) *core.ShareAccess {
	return &core.ShareAccess{
		ID: core.AccessID(s.id()), LinkID: l.ID, OrgID: l.OrgID, Kind: kind, Address: "192.0.2.1", UserAgent: "test", Referer: "https://example.com/", At: noon,
	}
}

// granted checks what becomes of one access.
func (s storeTest) granted(l *core.ShareLink, kind core.AccessKind, want bool) (before int64) {
	s.Helper()
	got, before, err := s.Hot.Visit(s.Context(), s.access(l, kind))
	s.must(err)
	s.equal(got, want)
	return before
}

// log returns all of a link's access log.
func (s storeTest) log(l *core.ShareLink) (all []*core.ShareAccess) {
	s.Helper()
	s.view(func(tx ports.Tx) (err error) {
		all, err = tx.ShareLinks.Accesses(s.Context(), ports.AccessQuery{OrgID: l.OrgID, LinkID: l.ID, Limit: 10_000})
		return err
	})
	return all
}

// visitor is one of many who come at once.
type visitor struct {
	*core.ShareAccess
	granted bool
	before  int64
	err     error
}

// crowd lets one visitor come for each link and kind, each many times, all at
// once, and returns what they were answered, with contexts that arrive gives.
func (s storeTest) crowd(each int, arrive func(i int) context.Context, accesses ...*core.ShareAccess) []*visitor {
	s.Helper()
	var all []*visitor
	for range each {
		for _, a := range accesses {
			own := *a
			own.ID = core.AccessID(s.id())
			all = append(all, &visitor{ShareAccess: &own})
		}
	}
	s.raceOf(len(all), nil, func(i int) error {
		v := all[i]
		v.granted, v.before, v.err = s.Hot.Visit(arrive(i), v.ShareAccess)
		return nil
	})
	return all
}

func (s storeTest) patient(int) context.Context { return s.Context() }

// exactly checks what visitors of one link and kind were told: that in the
// order of their counts, so many have been granted, and all others refused.
func (s storeTest) exactly(all []*visitor, l *core.ShareLink, kind core.AccessKind, first, most int64) {
	s.Helper()
	var granted, refused []int64
	rows := make(map[core.AccessID]*core.ShareAccess)
	for _, a := range s.log(l) {
		rows[a.ID] = a
	}
	for _, v := range all {
		if v.LinkID != l.ID || v.Kind != kind {
			continue
		}
		s.must(v.err)
		want := *v.ShareAccess
		if v.granted {
			granted = append(granted, v.before)
		} else {
			refused, want.Refused = append(refused, v.before), core.ErrShareExhausted.Code
		}
		s.equal(rows[v.ID], &want)
	}
	slices.Sort(granted)
	for i, before := range granted {
		s.equal(before, first+int64(i))
	}
	s.equal(int64(len(granted)), most-first)
	for _, before := range refused {
		s.equal(before, most)
	}
}

// visitRace: of 200 who download at once, exactly as many do as may.
func visitRace(s storeTest) {
	const visitors, most = 200, 7
	ana := s.signUp("ana")
	l := s.share(ana, ana.root(), func(l *core.ShareLink) { l.MaxDownloads = most })
	all := s.crowd(visitors, s.patient, s.access(l, core.AccessDownload))
	s.exactly(all, l, core.AccessDownload, 0, most)
	s.equal(s.getShare(l).Downloads, int64(most))
	refused := true
	s.view(func(tx ports.Tx) error {
		list, err := tx.ShareLinks.Accesses(s.Context(), ports.AccessQuery{OrgID: l.OrgID, LinkID: l.ID, Refused: &refused, Limit: visitors})
		s.equal(len(list), visitors-most)
		return err
	})
	s.sound()
}

// visitKinds: each kind of access of each link has its own count, also when
// they come at once.
func visitKinds(s storeTest) {
	const each = 20
	ana := s.signUp("ana")
	one := s.share(ana, ana.root(), func(l *core.ShareLink) { l.MaxViews, l.MaxDownloads, l.Downloads = 5, 9, 2 })
	other := s.share(ana, ana.root(), func(l *core.ShareLink) { l.MaxDownloads, l.Request.MaxFiles = 0, 11 })
	wrong := s.access(one, core.AccessPassword)
	wrong.Refused = core.ErrShareWrong.Code
	shut := s.access(other, core.AccessView) // for another reason
	shut.Refused = core.ErrShareAddress.Code
	all := s.crowd(
		each, s.patient, s.access(one, core.AccessView), s.access(one, core.AccessDownload), s.access(one, core.AccessUpload), s.access(one, core.AccessPassword),
		wrong, s.access(other, core.AccessDownload), s.access(other, core.AccessUpload), shut,
	)
	s.exactly(all, one, core.AccessView, 0, 5)
	s.exactly(all, one, core.AccessDownload, 2, 9)
	s.exactly(all, one, core.AccessUpload, 0, each)
	s.exactly(all, other, core.AccessDownload, 0, 0)
	s.exactly(all, other, core.AccessUpload, 0, 11)
	for _, v := range all {
		if v.Kind == core.AccessPassword || v.Refused != "" {
			s.equal([]any{v.granted, v.before, v.err}, []any{v.Refused == "", int64(0), error(nil)})
		}
	}
	for l, want := range map[*core.ShareLink][]int64{one: {5, 9, each, 5 * each}, other: {0, 0, 11, 3 * each}} {
		got := s.getShare(l)
		s.equal([]int64{got.Views, got.Downloads, got.Uploads, int64(len(s.log(l)))}, want)
		s.equal([]any{got.LastAccessedAt, got.Version}, []any{noon, int64(1)})
	}
	s.sound()
}

// visitsLeft: visitors of whom some do not wait for their answer disturb nobody.
func visitsLeft(s storeTest) {
	const visitors, most = 150, 60
	ana := s.signUp("ana")
	l := s.share(ana, ana.root(), func(l *core.ShareLink) { l.MaxDownloads = most })
	over, cancel := context.WithCancel(s.Context())
	cancel()
	all := s.crowd(visitors, func(i int) context.Context {
		switch i % 3 {
		case 0:
			return over
		case 1:
			ctx, cancel := context.WithTimeout(s.Context(), time.Duration(i)*50*time.Microsecond)
			s.Cleanup(cancel)
			return ctx
		}
		return s.Context()
	}, s.access(l, core.AccessDownload))
	granted := int64(0)
	for i, v := range all {
		switch i % 3 {
		case 0:
			s.wantErr(v.err, context.Canceled)
		case 2:
			s.must(v.err)
		}
		if v.granted {
			granted++
		}
	}
	got, logged := s.getShare(l).Downloads, int64(0)
	for _, a := range s.log(l) {
		if a.Refused == "" {
			logged++
		}
	}
	if got > most || got < granted || got != logged || got < visitors/3 {
		s.Errorf("%d were granted, %d counted, %d logged", granted, got, logged)
	}
	s.sound()
}

// visitsLowered: a limit that is lowered meanwhile holds from then on, and one
// below what has been counted refuses all.
func visitsLowered(s storeTest) {
	ana := s.signUp("ana")
	l := s.share(ana, ana.root(), func(l *core.ShareLink) { l.MaxViews = 100 })
	for range 3 {
		s.granted(l, core.AccessView, true)
	}
	limit := func(most int64) {
		s.Helper()
		next := s.getShare(l)
		next.MaxViews, next.Version = most, next.Version+1
		s.must(s.saveShare(next))
	}
	limit(2)
	s.equal(s.granted(l, core.AccessView, false), int64(3))
	limit(4)
	s.equal(s.granted(l, core.AccessView, true), int64(3))
	s.equal(s.granted(l, core.AccessView, false), int64(4))
	limit(core.Unlimited)
	s.equal(s.granted(l, core.AccessView, true), int64(4))
	limit(40)
	done := make(chan []*visitor)
	go func() { done <- s.crowd(100, s.patient, s.access(l, core.AccessView)) }()
	next := s.getShare(l)
	next.MaxViews, next.Version = 20, next.Version+1
	s.must(s.saveShare(next))
	granted := int64(5)
	for _, v := range <-done {
		s.must(v.err)
		if v.granted {
			granted++
		}
	}
	got := s.getShare(l).Views
	if got != granted || got < 20 || got > 40 {
		s.Errorf("%d were granted, %d counted", granted, got)
	}
	s.sound()
}

// visitsApart: an access that cannot be stored fails alone.
func visitsApart(s storeTest) {
	ana := s.signUp("ana")
	l := s.share(ana, ana.root(), func(l *core.ShareLink) { l.MaxViews = 30 })
	unknown := s.newShare(ana, ana.root())
	_, _, err := s.Hot.Visit(s.Context(), s.access(unknown, core.AccessView))
	s.wantErr(err, core.ErrNotFound)
	taken := s.access(l, core.AccessView)
	_, _, err = s.Hot.Visit(s.Context(), taken)
	s.must(err)
	var visits []*core.ShareAccess
	for i := range 40 {
		visits = append(visits, s.access(l, core.AccessView))
		switch i % 4 {
		case 1:
			visits[i].ID = taken.ID
		case 2:
			visits[i].LinkID = unknown.ID
		}
	}
	s.raceOf(len(visits), nil, func(i int) error {
		_, _, err := s.Hot.Visit(s.Context(), visits[i])
		switch i % 4 {
		case 1:
			if err == nil || errors.Is(err, core.ErrUnavailable) {
				s.Errorf("an access logged twice: %v", err)
			}
			return nil
		case 2:
			s.wantErr(err, core.ErrNotFound)
			return nil
		}
		return err
	})
	s.equal(s.getShare(l).Views, int64(21))
	s.equal(len(s.log(l)), 21)
	s.sound()
}
