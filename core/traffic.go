package core

import (
	"crypto/sha256"
	"time"
)

// VisitorHash stands for a visitor of an org for one day (UTC). Once that day's
// salt is gone, nobody can tell of whom it was made. Zero: not known.
type VisitorHash [16]byte

// VisitorSalt is random, and the same for all visitors of a day.
type VisitorSalt [32]byte

// VisitorOf returns the hash of whoever visits an org from an address with a
// User-Agent, on the day of the salt.
func VisitorOf(salt VisitorSalt, org OrgID, address, userAgent string) VisitorHash {
	h := sha256.New()
	for _, part := range [][]byte{salt[:], org[:], []byte(address), {0}, []byte(userAgent)} { // no address has a zero byte
		_, _ = h.Write(part) // never fails
	}
	return VisitorHash(h.Sum(nil)[:len(VisitorHash{})])
}

// Visit is a granted view or download on its way into the sums.
type Visit struct {
	OrgID   OrgID
	LinkID  ShareLinkID
	Groups  []GroupID // the one that was looked at, and those it is in
	AssetID AssetID   // zero: no single file
	Kind    AccessKind
	Visitor VisitorHash
	Country string
	Device  Device
	At      time.Time
}

// Subject is what traffic is counted of: a link, a group with those in it, or all
// links in the shared drives of an org. One of the three is set. Visitors of an
// org count for each of its links.
type Subject struct {
	LinkID  ShareLinkID
	GroupID GroupID
	OrgID   OrgID
}

// TrafficBy says by what traffic is told apart.
type TrafficBy string

// What traffic is told apart by.
const (
	TrafficTotal     TrafficBy = "total" // nothing
	TrafficByAsset   TrafficBy = "asset"
	TrafficByCountry TrafficBy = "country"
	TrafficByDevice  TrafficBy = "device"
	TrafficByLink    TrafficBy = "link" // of groups
)

// Grain is a length of time that traffic is summed up for. Days and months are
// those of UTC; what begins elsewhere is made of parts, see Cover.
type Grain int

// The grains. All time zones of our days are whole quarters of an hour from UTC.
const (
	GrainQuarter Grain = 1 // of an hour
	GrainDay     Grain = 2
	GrainMonth   Grain = 3
)

var grains = []Grain{GrainQuarter, GrainDay, GrainMonth}

const quarter = 15 * time.Minute

// Start returns when the grain that t is in begins.
func (g Grain) Start(t time.Time) time.Time {
	switch t = t.UTC(); g {
	case GrainDay:
		return PerDay.Start(t, time.UTC)
	case GrainMonth:
		return PerMonth.Start(t, time.UTC)
	case GrainQuarter:
	}
	return t.Truncate(quarter)
}

// following returns t if a grain begins then, else when the next one does.
func (g Grain) following(t time.Time) time.Time {
	start := g.Start(t)
	switch {
	case start.Equal(t):
		return start
	case g == GrainMonth:
		return PerMonth.next(start)
	case g == GrainDay:
		return PerDay.next(start)
	}
	return start.Add(quarter)
}

// GrainRange is all of a grain that begins from From to before To.
type GrainRange struct {
	Grain    Grain
	From, To time.Time
}

// Cover returns few ranges that make up the time from from to before to, both
// taken down to a quarter of an hour.
func Cover(from, to time.Time) []GrainRange { return cover(len(grains)-1, from, to) }

// cover uses grains[:i+1].
func cover(i int, from, to time.Time) (out []GrainRange) {
	g := grains[i]
	if i == 0 {
		if from, to = g.Start(from), g.Start(to); from.Before(to) {
			out = []GrainRange{{g, from, to}}
		}
		return out
	}
	first, last := g.following(from), g.Start(to)
	if !first.Before(last) {
		return cover(i-1, from, to)
	}
	out = append(cover(i-1, from, first), GrainRange{g, first, last})
	return append(out, cover(i-1, last, to)...)
}

// TrafficKey names a sum.
type TrafficKey struct {
	Subject

	By     TrafficBy
	Grain  Grain
	Bucket time.Time // when it begins, UTC
	Key    string    // the asset, country, device or link
}

// TrafficSum is what is added to a sum.
type TrafficSum struct {
	Traffic

	OrgID  OrgID
	LastAt time.Time // of the last view or download
}

// VisitorKey names a visitor of a subject or, if Via is not zero, of a subject
// through a link.
type VisitorKey struct {
	Subject

	Via     ShareLinkID
	Visitor VisitorHash
}

// SeenVisitor is when a visitor came first on their day, as what.
type SeenVisitor struct {
	OrgID   OrgID
	First   time.Time // when the quarter of an hour begins
	Country string
	Device  Device
}

// Tally adds visits up. Visitors count when they come first, whatever the order
// is in which their visits are added.
type Tally struct {
	Sums    map[TrafficKey]*TrafficSum
	Changed map[VisitorKey]SeenVisitor // those who are new, or have come earlier than was known
}

// VisitorKeys returns what may be known of visitors before visits are added.
func VisitorKeys(visits []Visit) map[VisitorKey]bool {
	keys := make(map[VisitorKey]bool, len(visits))
	for i := range visits {
		for _, k := range visits[i].visitorKeys() {
			keys[k] = true
		}
	}
	return keys
}

func (v *Visit) visitorKeys() []VisitorKey {
	if v.Visitor == (VisitorHash{}) {
		return nil
	}
	keys := []VisitorKey{{Subject: Subject{LinkID: v.LinkID}, Visitor: v.Visitor}}
	for _, g := range v.Groups {
		keys = append(keys, VisitorKey{Subject{GroupID: g}, ShareLinkID{}, v.Visitor}, VisitorKey{Subject{GroupID: g}, v.LinkID, v.Visitor})
	}
	return keys
}

// NewTally adds up visits. seen is what is known of their VisitorKeys.
func NewTally(visits []Visit, seen map[VisitorKey]SeenVisitor) *Tally {
	t := &Tally{make(map[TrafficKey]*TrafficSum), make(map[VisitorKey]SeenVisitor)}
	for i := range visits {
		t.add(&visits[i], seen)
	}
	return t
}

func (t *Tally) add(v *Visit, seen map[VisitorKey]SeenVisitor) {
	t.count(Subject{LinkID: v.LinkID}, v)
	for _, g := range v.Groups {
		t.count(Subject{GroupID: g}, v)
	}
	now := SeenVisitor{v.OrgID, GrainQuarter.Start(v.At), v.Country, v.Device}
	for _, k := range v.visitorKeys() {
		before, known := t.Changed[k]
		if !known {
			before, known = seen[k]
		}
		if known && !now.First.Before(before.First) {
			continue
		}
		if known {
			t.visitor(k, before, -1)
		}
		t.visitor(k, now, 1)
		t.Changed[k] = now
	}
}

// everyVisit is what each visit counts for.
func everyVisit(country string, device Device) map[TrafficBy]string {
	keys := make(map[TrafficBy]string)
	keys[TrafficTotal], keys[TrafficByCountry], keys[TrafficByDevice] = "", country, string(device)
	return keys
}

// count adds a visit, without its visitor.
func (t *Tally) count(s Subject, v *Visit) {
	keys := everyVisit(v.Country, v.Device)
	if !v.AssetID.IsZero() {
		keys[TrafficByAsset] = v.AssetID.String()
	}
	if !s.GroupID.IsZero() {
		keys[TrafficByLink] = v.LinkID.String()
	}
	for by, key := range keys {
		for _, g := range grains {
			sum := t.sum(TrafficKey{s, by, g, g.Start(v.At), key}, v.OrgID)
			if v.Kind == AccessDownload {
				sum.Downloads++
			} else {
				sum.Views++
			}
			if v.At.After(sum.LastAt) {
				sum.LastAt = v.At
			}
		}
	}
}

// visitor adds n to the visitors that came first when who did.
func (t *Tally) visitor(k VisitorKey, who SeenVisitor, n int64) {
	keys := everyVisit(who.Country, who.Device)
	if !k.Via.IsZero() {
		clear(keys)
		keys[TrafficByLink] = k.Via.String()
	}
	for by, key := range keys {
		for _, g := range grains {
			t.sum(TrafficKey{k.Subject, by, g, g.Start(who.First), key}, who.OrgID).Visitors += n
		}
	}
}

func (t *Tally) sum(k TrafficKey, org OrgID) *TrafficSum {
	sum := t.Sums[k]
	if sum == nil {
		sum = &TrafficSum{OrgID: org}
		t.Sums[k] = sum
	}
	return sum
}
