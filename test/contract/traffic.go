package contract

import (
	"sync"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// rollUp adds all visits to the sums, n at a time.
func (s storeTest) rollUp(n int) (total int) {
	s.Helper()
	for {
		var done int
		s.update(func(tx ports.Tx) (err error) {
			done, err = tx.Traffic.RollUp(s.Context(), n)
			return err
		})
		if total += done; done < n {
			return total
		}
	}
}

func (s storeTest) waiting() (first time.Time) {
	s.Helper()
	s.view(func(tx ports.Tx) (err error) {
		first, err = tx.Traffic.Waiting(s.Context())
		return err
	})
	return first
}

// tops returns the traffic of a subject in a span, by key.
func (s storeTest) tops(subject core.Subject, by core.TrafficBy, from, to time.Time) (rows []ports.TrafficRow) {
	s.Helper()
	s.view(func(tx ports.Tx) (err error) {
		rows, err = tx.Traffic.Tops(s.Context(), ports.TrafficQuery{Subject: subject, By: by, From: from, To: to, Limit: 1_000})
		return err
	})
	return rows
}

func (s storeTest) points(subject core.Subject, bounds ...time.Time) (points []core.Traffic) {
	s.Helper()
	s.view(func(tx ports.Tx) (err error) {
		points, err = tx.Traffic.Points(s.Context(), subject, bounds)
		return err
	})
	return points
}

// comes makes a visit, which is granted or not.
func (s storeTest) comes(l *core.ShareLink, kind core.AccessKind, visitor byte, at time.Time, change func(a *core.ShareAccess)) bool {
	s.Helper()
	a := s.access(l, kind)
	a.Visitor, a.Country, a.Device, a.At = core.VisitorHash{visitor}, "DE", core.DeviceDesktop, at
	if change != nil {
		change(a)
	}
	granted, _, err := s.Hot.Visit(s.Context(), a)
	s.must(err)
	return granted
}

// trafficCounted: what is granted counts once, for its link and for the groups
// above what was looked at; what is refused, and what is sent, does not.
func trafficCounted(s storeTest) {
	ana := s.signUp("ana")
	l := s.share(ana, ana.root(), func(l *core.ShareLink) { l.MaxDownloads = 2 })
	top := s.group(ana, "top", core.GroupID{})
	below := s.group(ana, "below", top.ID)
	file := s.files(ana, "a")[0]
	of := func(g *core.Group, node core.NodeID) func(a *core.ShareAccess) {
		return func(a *core.ShareAccess) { a.GroupID, a.NodeID = g.ID, node }
	}
	s.equal(s.waiting(), time.Time{})
	s.comes(l, core.AccessView, 1, noon, nil)
	s.comes(l, core.AccessDownload, 1, noon.Add(time.Minute), of(below, file))
	s.comes(l, core.AccessDownload, 2, noon.Add(time.Hour), of(top, core.NodeID{}))
	s.equal(s.comes(l, core.AccessDownload, 3, noon, of(top, file)), false)
	s.comes(l, core.AccessUpload, 4, noon, nil)
	s.comes(l, core.AccessView, 5, noon, func(a *core.ShareAccess) { a.Refused = "x" })
	s.comes(l, core.AccessView, 0, noon, nil) // nobody that is known
	s.equal(s.waiting(), noon)
	s.sound()
	s.equal(s.rollUp(3), 4)
	s.equal([]any{s.waiting(), s.rollUp(3)}, []any{time.Time{}, 0})
	hour := []time.Time{noon.Truncate(time.Hour), noon.Truncate(time.Hour).Add(time.Hour), noon.Truncate(time.Hour).Add(2 * time.Hour)}
	s.equal(s.points(core.Subject{LinkID: l.ID}, hour...), []core.Traffic{{Views: 2, Visitors: 1, Downloads: 1}, {Visitors: 1, Downloads: 1}})
	s.equal(s.points(core.Subject{GroupID: below.ID}, hour...), []core.Traffic{{Visitors: 1, Downloads: 1}, {}})
	s.equal(s.points(core.Subject{GroupID: top.ID}, hour...), []core.Traffic{{Visitors: 1, Downloads: 1}, {Visitors: 1, Downloads: 1}})
	s.equal(s.points(core.Subject{GroupID: top.ID}), []core.Traffic{})
	s.equal(s.tops(core.Subject{GroupID: top.ID}, core.TrafficByAsset, hour[0], hour[2]), []ports.TrafficRow{
		{Key: file.String(), Traffic: core.Traffic{Downloads: 1}, LastAt: noon.Add(time.Minute)},
	})
	s.equal(s.tops(core.Subject{GroupID: top.ID}, core.TrafficByLink, hour[0], hour[2]), []ports.TrafficRow{
		{Key: l.ID.String(), Traffic: core.Traffic{Visitors: 2, Downloads: 2}, LastAt: noon.Add(time.Hour)},
	})
	s.equal(s.tops(core.Subject{LinkID: l.ID}, core.TrafficByLink, hour[0], hour[2]), []ports.TrafficRow{})
	s.sound()
}

// trafficOfNested: a file from a group that it is not in counts for those nested
// there that it is in.
func trafficOfNested(s storeTest) {
	ana := s.signUp("ana")
	l := s.share(ana, ana.root(), nil)
	top := s.group(ana, "top", core.GroupID{})
	shared := s.group(ana, "shared", top.ID)
	one, two, beside := s.group(ana, "one", shared.ID), s.group(ana, "two", shared.ID), s.group(ana, "beside", top.ID)
	files := s.files(ana, "a", "b")
	for _, g := range []*core.Group{one, two, beside} {
		s.must(s.addToGroup(ana, g, core.Unlimited, files[0]))
	}
	for _, g := range []*core.Group{shared, one} {
		s.must(s.addToGroup(ana, g, core.Unlimited, files[1]))
	}
	for i, file := range files {
		s.comes(l, core.AccessDownload, byte(i+1), noon, func(a *core.ShareAccess) { a.GroupID, a.NodeID = shared.ID, file })
	}
	s.rollUp(10)
	for g, want := range map[*core.Group]int64{top: 2, shared: 2, one: 1, two: 1, beside: 0} {
		got := s.points(core.Subject{GroupID: g.ID}, noon.Truncate(time.Hour), noon.Truncate(time.Hour).Add(time.Hour))
		s.equal(got, []core.Traffic{{Visitors: want, Downloads: want}})
	}
	s.sound()
}

// trafficNames: assets have their title in the group, or else their name, while
// they are there.
func trafficNames(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	files := s.files(ana, "a", "b", "c")
	g := s.group(ana, "g", core.GroupID{})
	x := s.groupAsset(ana, g, files[0])
	x.Title = "A title"
	s.must(s.inGroup(g, func(tx ports.Tx) error { return tx.GroupAssets.Add(s.Context(), core.Unlimited, x) }))
	s.must(s.addToGroup(ana, g, core.Unlimited, files[1]))
	l := s.share(ana, ana.root(), func(l *core.ShareLink) { l.Name = "link" })
	foreign := s.files(ben, "foreign")[0]
	s.view(func(tx ports.Tx) error {
		names, err := tx.Traffic.Names(s.Context(), ana.org.ID, g.ID, append(files, foreign), []core.ShareLinkID{l.ID, {9}})
		s.equal(names, map[[16]byte]string{files[0]: "A title", files[1]: "b", files[2]: "c", l.ID: "link"})
		return err
	})
}

// trafficGone: what a link or a group counts goes with it, also what has not
// been added yet.
func trafficGone(s storeTest) {
	ana := s.signUp("ana")
	kept, gone := s.share(ana, ana.root(), nil), s.share(ana, ana.root(), nil)
	never := s.newShare(ana, ana.root())
	g := s.group(ana, "g", core.GroupID{})
	for _, l := range []*core.ShareLink{kept, gone} {
		s.comes(l, core.AccessView, 1, noon, func(a *core.ShareAccess) { a.GroupID = g.ID })
	}
	s.equal(s.rollUp(10), 2)
	s.comes(gone, core.AccessView, 2, noon, func(a *core.ShareAccess) { a.GroupID = core.GroupID{7} })
	s.equal(s.rollUp(10), 1)
	s.equal(s.tops(core.Subject{LinkID: never.ID}, core.TrafficTotal, noon.Add(-time.Hour), noon.Add(time.Hour)), []ports.TrafficRow{})
	s.deleteGroup(g, noon)
	s.update(func(tx ports.Tx) error {
		for {
			if n, _, err := tx.Groups.Purge(s.Context(), noon, 2); err != nil || n == 0 {
				return err
			}
		}
	})
	s.equal(s.points(core.Subject{GroupID: g.ID}, noon.Add(-time.Hour), noon.Add(time.Hour)), []core.Traffic{{}})
	s.equal(s.points(core.Subject{LinkID: gone.ID}, noon.Add(-time.Hour), noon.Add(time.Hour)), []core.Traffic{{Views: 2, Visitors: 2}})
	s.sound()
}

// trafficPruned: sums go month by month, and who came when the day is over and
// all is counted.
func trafficPruned(s storeTest) {
	ana := s.signUp("ana")
	l := s.share(ana, ana.root(), nil)
	prune := func(t time.Time, limit int) (total int) {
		for {
			var n int
			s.update(func(tx ports.Tx) (err error) {
				n, err = tx.Traffic.Prune(s.Context(), t, limit)
				return err
			})
			if total += n; n < limit {
				return total
			}
		}
	}
	forget := func(t time.Time) (n int) {
		s.update(func(tx ports.Tx) (err error) {
			n, err = tx.Traffic.Forget(s.Context(), t, 10)
			return err
		})
		return n
	}
	month := core.GrainMonth.Start(noon)
	s.comes(l, core.AccessView, 1, month.Add(-time.Microsecond), nil)
	s.comes(l, core.AccessView, 2, month, nil)
	s.rollUp(10)
	s.comes(l, core.AccessView, 2, month.Add(time.Second), nil)
	s.equal(forget(month.Add(23*time.Hour)), 1)
	s.equal(forget(month.Add(25*time.Hour)), 0) // one still waits
	s.rollUp(10)
	s.equal(forget(month.Add(25*time.Hour)), 1)
	s.equal(s.points(core.Subject{LinkID: l.ID}, month.Add(-time.Hour), month, month.Add(time.Hour)), []core.Traffic{{Views: 1, Visitors: 1}, {Views: 2, Visitors: 1}})
	s.equal(prune(month.Add(-time.Microsecond), 4), 0)
	s.equal(prune(month.Add(15*24*time.Hour), 4), 9) // of three grains, what is told apart by three
	s.equal(s.points(core.Subject{LinkID: l.ID}, month.Add(-time.Hour), month, month.Add(time.Hour)), []core.Traffic{{}, {Views: 2, Visitors: 1}})
}

// salted: all servers have the same salt for a day, which is gone after it.
func salted(s storeTest) {
	today, next := core.GrainDay.Start(noon), core.GrainDay.Start(noon).Add(24*time.Hour)
	var mu sync.Mutex
	got := make(map[core.VisitorSalt]int)
	s.raceOf(20, nil, func(i int) error {
		salt, err := s.Hot.Salt(s.Context(), today, core.VisitorSalt{byte(i + 1)})
		mu.Lock()
		defer mu.Unlock()
		got[salt]++
		return err
	})
	s.equal(len(got), 1)
	s.equal(got[core.VisitorSalt{}], 0)
	salt, err := s.Hot.Salt(s.Context(), next, core.VisitorSalt{77})
	s.must(err)
	s.equal(salt, core.VisitorSalt{77})
	s.update(func(tx ports.Tx) error {
		_, err := tx.Traffic.Forget(s.Context(), next.Add(time.Hour), 10)
		return err
	})
	salt, err = s.Hot.Salt(s.Context(), today, core.VisitorSalt{88})
	s.must(err)
	s.equal(salt, core.VisitorSalt{88})
	salt, err = s.Hot.Salt(s.Context(), next, core.VisitorSalt{99})
	s.must(err)
	s.equal(salt, core.VisitorSalt{77})
}
