package contract

import (
	"cmp"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// came is a visit as the model has it.
type came struct {
	link    int
	groups  []core.GroupID // above what was looked at
	asset   core.AssetID
	kind    core.AccessKind
	visitor core.VisitorHash
	country string
	device  core.Device
	at      time.Time
	granted bool
}

// seenBy reports whether the visit is one of a subject.
func (c *came) seenBy(subject core.Subject, links []*core.ShareLink) bool {
	if subject.GroupID.IsZero() {
		return links[c.link].ID == subject.LinkID
	}
	return slices.Contains(c.groups, subject.GroupID)
}

// recount counts visits of a subject anew, told apart by key.
func recount(all []*came, links []*core.ShareLink, subject core.Subject, from, to time.Time, key func(*came) string) map[string]core.Traffic {
	type who struct {
		visitor core.VisitorHash
		key     string
	}
	first := make(map[who]time.Time)
	out := make(map[string]core.Traffic)
	for _, c := range all {
		k := key(c)
		if !c.granted || !c.seenBy(subject, links) || k == "" {
			continue
		}
		w := who{c.visitor, k}
		if f, known := first[w]; !known || c.at.Before(f) {
			first[w] = c.at
		}
		if c.at.Before(from) || !c.at.Before(to) {
			continue
		}
		sum := out[k]
		if c.kind == core.AccessDownload {
			sum.Downloads++
		} else {
			sum.Views++
		}
		out[k] = sum
	}
	for w, at := range first {
		if !at.Before(from) && at.Before(to) {
			sum := out[w.key]
			sum.Visitors++
			out[w.key] = sum
		}
	}
	return out
}

// drawVisits draws what happens around the end of summer time in Europe.
func drawVisits(r *rapid.T, links, groups int, trails [][]core.GroupID, files []core.AssetID) []*came {
	base := time.Date(2026, 10, 24, 20, 0, 0, 0, time.UTC)
	all := make([]*came, rapid.IntRange(1, 24).Draw(r, "visits"))
	for i := range all {
		person, at := rapid.ByteRange(1, 4).Draw(r, "person"), base.Add(time.Duration(rapid.IntRange(0, 36*60).Draw(r, "minutes"))*time.Minute)
		c := &came{
			link: rapid.IntRange(0, links-1).Draw(r, "link"), kind: core.AccessView, at: at,
			visitor: core.VisitorHash{person, byte(at.Day())}, country: []string{"DE", "NP"}[person%2], device: []core.Device{core.DeviceMobile, core.DeviceDesktop}[person/2%2],
		}
		if rapid.Bool().Draw(r, "download") {
			c.kind, c.asset = core.AccessDownload, files[rapid.IntRange(0, len(files)-1).Draw(r, "file")]
		}
		c.groups = trails[rapid.IntRange(0, groups).Draw(r, "group")]
		all[i] = c
	}
	return all
}

// trafficModel: whatever happens when, with two who add visits to the sums at
// once, the numbers are those of a recount, in every time zone.
func trafficModel(s storeTest) {
	ana := s.signUp("ana")
	files := s.files(ana, "a", "b")
	runs := 0
	rapid.Check(s.T, func(r *rapid.T) {
		if runs++; runs > 25 { // each takes a while
			return
		}
		top := s.group(ana, "top", core.GroupID{})
		below := s.group(ana, "below", top.ID)
		links := []*core.ShareLink{s.share(ana, ana.root(), nil), s.share(ana, ana.root(), func(l *core.ShareLink) { l.MaxDownloads = 2 })}
		all := drawVisits(r, len(links), 2, [][]core.GroupID{nil, {top.ID}, {below.ID, top.ID}}, files)
		name := rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe", "Pacific/Kiritimati"}).Draw(r, "zone")
		period := rapid.SampledFrom([]core.Period{core.PerDay, core.PerWeek, core.PerMonth, core.PerYear}).Draw(r, "period")
		batch := rapid.IntRange(1, 9).Draw(r, "batch")
		s.happen(links, all, batch)
		zone, err := time.LoadLocation(name)
		s.must(err)
		span, err := core.NewSpan(period, all[0].at, time.Time{}, noon, zone)
		s.must(err)
		for _, subject := range []core.Subject{{LinkID: links[0].ID}, {LinkID: links[1].ID}, {GroupID: top.ID}, {GroupID: below.ID}} {
			s.recounted(r, all, links, subject, span)
		}
		s.update(func(tx ports.Tx) error {
			_, err := tx.Traffic.Forget(s.Context(), noon, 1_000)
			return err
		})
		s.sound()
	})
}

// happen lets visits come at once, while two add them to the sums.
func (s storeTest) happen(links []*core.ShareLink, all []*came, batch int) {
	s.Helper()
	rows := make([]*core.ShareAccess, len(all))
	for i, c := range all {
		a := s.access(links[c.link], c.kind)
		a.Visitor, a.Country, a.Device, a.At, a.NodeID = c.visitor, c.country, c.device, c.at, c.asset
		if len(c.groups) > 0 {
			a.GroupID = c.groups[0]
		}
		rows[i] = a
	}
	s.raceOf(len(all)+2, nil, func(i int) (err error) {
		if i >= len(all) {
			return s.Update(s.Context(), func(tx ports.Tx) error {
				_, err := tx.Traffic.RollUp(s.Context(), batch)
				return err
			})
		}
		all[i].granted, _, err = s.Hot.Visit(s.Context(), rows[i])
		return err
	})
	s.rollUp(batch)
}

// recounted checks all numbers of a subject in a span.
func (s storeTest) recounted(r *rapid.T, all []*came, links []*core.ShareLink, subject core.Subject, span core.Span) {
	bounds := append(span.Points(), span.To)
	total := func(*came) string { return "." }
	for i, got := range s.points(subject, bounds...) {
		if want := recount(all, links, subject, bounds[i], bounds[i+1], total)["."]; got != want {
			r.Errorf("%v from %s: %+v, want %+v", subject, bounds[i], got, want)
		}
	}
	for by, key := range map[core.TrafficBy]func(*came) string{
		core.TrafficByCountry: func(c *came) string { return c.country },
		core.TrafficByDevice:  func(c *came) string { return string(c.device) },
		core.TrafficByLink:    func(c *came) string { return links[c.link].ID.String() },
		core.TrafficByAsset: func(c *came) string {
			if c.asset.IsZero() {
				return ""
			}
			return c.asset.String()
		},
	} {
		if by == core.TrafficByLink && subject.GroupID.IsZero() {
			continue
		}
		got, want := s.tops(subject, by, span.From, span.To), recount(all, links, subject, span.From, span.To, key)
		if len(got) != len(want) {
			r.Errorf("%s of %v: %v, want %v", by, subject, got, want)
		}
		for _, row := range got {
			w := want[row.Key]
			if by == core.TrafficByAsset {
				w.Visitors = 0
			}
			if row.Traffic != w {
				r.Errorf("%s %s of %v: %+v, want %+v", by, row.Key, subject, row.Traffic, w)
			}
		}
		if !slices.IsSortedFunc(got, func(a, b ports.TrafficRow) int {
			return cmp.Or(cmp.Compare(b.Views+b.Downloads, a.Views+a.Downloads), cmp.Compare(a.Key, b.Key))
		}) {
			r.Errorf("%s of %v is not in order: %v", by, subject, got)
		}
	}
}
