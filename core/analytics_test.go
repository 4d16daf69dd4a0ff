package core_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

func zoneOf(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestSpans(t *testing.T) {
	const form = "2006-01-02T15:04"
	at := func(text string) time.Time {
		if text == "" {
			return time.Time{}
		}
		when, err := time.Parse(form, text)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	for _, c := range []struct {
		zone             string
		period           core.Period
		from, to         string
		wantFrom, wantTo string // UTC
		step             core.Period
		points           int
	}{
		{"UTC", "", "", "", "2026-11-16T00:00", "2026-11-23T00:00", core.PerDay, 7},
		{"UTC", core.PerDay, "", "", "2026-11-22T00:00", "2026-11-23T00:00", core.PerHour, 24},
		{"Europe/Berlin", core.PerDay, "2026-10-25T12:00", "", "2026-10-24T22:00", "2026-10-25T23:00", core.PerHour, 25},
		{"Europe/Berlin", core.PerDay, "2026-03-29T12:00", "", "2026-03-28T23:00", "2026-03-29T22:00", core.PerHour, 23},
		{"Australia/Lord_Howe", core.PerDay, "2026-04-05T06:00", "", "2026-04-04T13:00", "2026-04-05T13:30", core.PerHour, 25},
		{"Asia/Kathmandu", core.PerMonth, "2026-11-30T18:15", "", "2026-11-30T18:15", "2026-12-31T18:15", core.PerDay, 31},
		{"America/New_York", core.PerYear, "", "", "2026-01-01T05:00", "2027-01-01T05:00", core.PerMonth, 12},
		{"Europe/Berlin", "", "2026-01-10T12:00", "2026-01-11T12:00", "2026-01-09T23:00", "2026-01-11T23:00", core.PerHour, 48},
		{"UTC", core.PerCustom, "2026-01-10T12:00", "2026-01-11T00:00", "2026-01-10T00:00", "2026-01-11T00:00", core.PerHour, 24},
		{"UTC", core.PerCustom, "2026-01-10T00:00", "2026-02-01T00:00", "2026-01-10T00:00", "2026-02-01T00:00", core.PerDay, 22},
		{"UTC", core.PerCustom, "2025-01-10T00:00", "2026-02-03T00:00", "2025-01-10T00:00", "2026-02-03T00:00", core.PerMonth, 14},
		{"UTC", core.PerCustom, "2021-01-01T00:00", "2026-01-01T00:00", "2021-01-01T00:00", "2026-01-01T00:00", core.PerMonth, 60},
	} {
		s, err := core.NewSpan(c.period, at(c.from), at(c.to), at("2026-11-22T12:00"), zoneOf(t, c.zone))
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		points := s.Points()
		if s.From.UTC().Format(form) != c.wantFrom || s.To.UTC().Format(form) != c.wantTo || s.Step != c.step || len(points) != c.points {
			t.Errorf("%+v: %s to %s, %d points of a %s", c, s.From.UTC(), s.To.UTC(), len(points), s.Step)
		}
		if !points[0].Equal(s.From) || !points[len(points)-1].Before(s.To) || !slices.IsSortedFunc(points, time.Time.Compare) {
			t.Errorf("%+v: %v", c, points)
		}
	}
}

func TestSpansThatAreNone(t *testing.T) {
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for what, in := range map[string]struct {
		period   core.Period
		from, to time.Time
	}{
		"query.period": {"fortnight", day, time.Time{}}, "query.from": {core.PerCustom, time.Time{}, day}, "query.to": {core.PerCustom, day, day.AddDate(6, 0, 0)},
	} {
		_, err := core.NewSpan(in.period, in.from, in.to, day, time.UTC)
		if e, ok := errors.AsType[*core.Error](err); !ok || e.Code != "validation_failed" {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestACoverIsTheTime: the ranges follow one another without gaps, begin and end
// where their grains do, and are few.
func TestACoverIsTheTime(t *testing.T) {
	for _, zone := range []string{"UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Pacific/Chatham"} {
		for _, period := range []core.Period{core.PerDay, core.PerWeek, core.PerMonth, core.PerYear} {
			for d := range 400 {
				s, err := core.NewSpan(period, time.Date(2026, 1, 1+d, 9, 0, 0, 0, time.UTC), time.Time{}, time.Time{}, zoneOf(t, zone))
				if err != nil {
					t.Fatal(err)
				}
				ranges := core.Cover(s.From, s.To)
				at := s.From
				for _, r := range ranges {
					if !r.From.Equal(at) || !r.From.Before(r.To) || !r.Grain.Start(r.From).Equal(r.From) || !r.Grain.Start(r.To).Equal(r.To) {
						t.Fatalf("%s of %s in %s: %v", period, s.From, zone, ranges)
					}
					at = r.To
				}
				if !at.Equal(s.To) || len(ranges) > 5 {
					t.Fatalf("%s of %s in %s ends at %s: %v", period, s.From, zone, at, ranges)
				}
			}
		}
	}
	if got := core.Cover(time.Unix(100, 0), time.Unix(100, 0)); len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

func TestVisitorsAreTold(t *testing.T) {
	salt, org := core.VisitorSalt{1}, core.OrgID{2}
	base := core.VisitorOf(salt, org, "192.0.2.1", "agent")
	if base == (core.VisitorHash{}) || base != core.VisitorOf(salt, org, "192.0.2.1", "agent") {
		t.Errorf("%x", base)
	}
	for what, other := range map[string]core.VisitorHash{
		"day": core.VisitorOf(core.VisitorSalt{2}, org, "192.0.2.1", "agent"), "org": core.VisitorOf(salt, core.OrgID{3}, "192.0.2.1", "agent"),
		"address": core.VisitorOf(salt, org, "192.0.2.2", "agent"), "agent": core.VisitorOf(salt, org, "192.0.2.1", "other"),
		"border": core.VisitorOf(salt, org, "192.0.2.1a", "gent"),
	} {
		if other == base {
			t.Errorf("another %s makes no difference", what)
		}
	}
}

// TestATallyDoesNotMindTheOrder: who has come earlier than was known counts then.
func TestATallyDoesNotMindTheOrder(t *testing.T) {
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	link, group, who := core.ShareLinkID{1}, core.GroupID{2}, core.VisitorHash{3}
	visit := func(shift time.Duration) core.Visit {
		return core.Visit{LinkID: link, Groups: []core.GroupID{group}, Kind: core.AccessView, Visitor: who, Country: "DE", Device: core.DeviceMobile, At: at.Add(shift)}
	}
	first := core.NewTally([]core.Visit{visit(time.Hour)}, nil)
	second := core.NewTally([]core.Visit{visit(2 * time.Hour), visit(0), visit(time.Minute)}, first.Changed)
	visitors := make(map[core.TrafficKey]int64)
	for _, tally := range []*core.Tally{first, second} {
		for k, sum := range tally.Sums {
			if k.Grain == core.GrainQuarter {
				visitors[k] += sum.Visitors
			}
		}
	}
	keys := 0
	for k, n := range visitors {
		want := int64(0)
		if k.Bucket.Equal(at) {
			want = 1
			keys++
		}
		if n != want {
			t.Errorf("%+v: %d visitors, want %d", k, n, want)
		}
	}
	if keys != 3+4 || len(core.VisitorKeys([]core.Visit{visit(0), visit(time.Hour)})) != 3 {
		t.Errorf("%d keys", keys)
	}
}

func TestLevelsOfAnalytics(t *testing.T) {
	for _, tier := range core.Tiers() {
		want := map[string]core.AnalyticsLevel{"free": core.AnalyticsBasic, "starter": core.AnalyticsBasic, "pro": core.AnalyticsAdvanced, "enterprise": core.AnalyticsFull}[tier.Name]
		if got := tier.AnalyticsLevel(); got != want {
			t.Errorf("%s: %s", tier.Name, got)
		}
		for period, least := range map[core.Period]core.AnalyticsLevel{
			core.PerDay: core.AnalyticsBasic, core.PerWeek: core.AnalyticsBasic, core.PerMonth: core.AnalyticsAdvanced, core.PerYear: core.AnalyticsAdvanced, core.PerCustom: core.AnalyticsFull,
		} {
			levels := []core.AnalyticsLevel{core.AnalyticsBasic, core.AnalyticsAdvanced, core.AnalyticsFull}
			allowed := slices.Index(levels, want) >= slices.Index(levels, least)
			if err := tier.CheckSpan(core.Span{Period: period}); (err == nil) != allowed {
				t.Errorf("%s, %s: %v", tier.Name, period, err)
			}
		}
	}
}
