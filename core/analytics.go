package core

import (
	"slices"
	"time"
)

// PerCustom is the Period of analytics from one day to another.
const PerCustom Period = "custom"

// PerHour is a unit of time that analytics of a day are counted by.
const PerHour Period = "hour"

// Device is what somebody visits with, as its User-Agent tells.
type Device string

// The devices.
const (
	DeviceDesktop Device = "desktop"
	DeviceMobile  Device = "mobile"
	DeviceTablet  Device = "tablet"
	DeviceBot     Device = "bot" // a program that is not known for making previews, see Approach.Quiet
	DeviceUnknown Device = "unknown"
)

// CountryUnknown is the country of an address of which none is known; others
// are ISO 3166-1 codes of two letters.
const CountryUnknown = "unknown"

// Span is the time that analytics are of: from From to before To, both where a
// day begins in the org's time zone.
type Span struct {
	Period   Period // PerDay, PerWeek, PerMonth, PerYear or PerCustom
	From, To time.Time
	Step     Period // by what its series counts: PerHour, PerDay or PerMonth
}

// Analytics is what visitors have done with a link, or with a group and those
// in it, in a span of time. What the licence does not include is nil, see
// AnalyticsLevel.
type Analytics struct {
	Span
	Zone  string // the IANA name of the time zone
	Level AnalyticsLevel

	Totals       Traffic
	Series       []TrafficPoint // one for each Step, in order, those without visits too
	Assets       []AssetTraffic // popular assets, those with most downloads and views first
	Countries    []CountryTraffic
	Devices      []DeviceTraffic
	Links        []LinkTraffic // performance of links, those with most views first
	CountedUntil time.Time     // zero: all visits are counted
}

// Traffic counts visits. A visitor counts once a day (UTC), at the time of their
// first visit of it.
type Traffic struct {
	Views, Visitors, Downloads int64
}

// TrafficPoint is the traffic from Start to the next point, or the span's end.
type TrafficPoint struct {
	Start time.Time
	Traffic
}

// AssetTraffic is the traffic of a file. Visitors of files are not counted.
type AssetTraffic struct {
	AssetID AssetID
	Name    string // its title in the group, or else its name; empty: it is gone
	Traffic
}

// CountryTraffic is the traffic from a country.
type CountryTraffic struct {
	Country string // ISO 3166-1, or CountryUnknown
	Traffic
}

// DeviceTraffic is the traffic of a kind of device.
type DeviceTraffic struct {
	Device Device
	Traffic
}

// LinkTraffic is the traffic through a link.
type LinkTraffic struct {
	LinkID ShareLinkID
	Name   string // may be empty
	Traffic
	LastAccessedAt time.Time // in the span
}

// AnalyticsLevel is how much of analytics a licence includes.
type AnalyticsLevel string

// The levels. Each includes those before it.
const (
	AnalyticsBasic    AnalyticsLevel = "basic"    // totals and series of a day or week
	AnalyticsAdvanced AnalyticsLevel = "advanced" // any period of the calendar, popular files, countries, devices
	AnalyticsFull     AnalyticsLevel = "full"     // custom spans, the performance of links
)

// AnalyticsLevel returns how much of analytics the licence includes.
func (l *License) AnalyticsLevel() AnalyticsLevel {
	switch {
	case l.Has(FeatureFullStats):
		return AnalyticsFull
	case l.Has(FeatureAdvancedStats):
		return AnalyticsAdvanced
	}
	return AnalyticsBasic
}

// CheckSpan returns the refusal of a span that the licence's level does not
// include.
func (l *License) CheckSpan(s Span) error {
	switch {
	case l.Has(FeatureFullStats) || s.Period == PerDay || s.Period == PerWeek:
		return nil
	case s.Period == PerCustom:
		return l.CheckFeature(FeatureFullStats)
	}
	return l.CheckFeature(FeatureAdvancedStats)
}

// The longest custom spans, in days: of any, of one counted by hour, by day.
const (
	maxSpanDays = 5 * 366
	daysByHour  = 2
	daysByDay   = 100
	hoursOfADay = 24
	firstSpan   = 1970 // years
	endOfSpans  = 9998
)

// NewSpan returns a span of time: the period that from is in (zero: now), or
// with PerCustom all days from that of from to before to, a begun day counting
// whole. Without a period it is PerCustom if there is to, else PerWeek.
func NewSpan(period Period, from, to, now time.Time, zone *time.Location) (Span, error) {
	if period == "" {
		if period = PerWeek; !to.IsZero() {
			period = PerCustom
		}
	}
	switch period {
	case PerDay, PerWeek, PerMonth, PerYear:
		return calendarSpan(period, from, to, now, zone)
	case PerCustom:
		return customSpan(from, to, zone)
	case PerHour: // of points only
	}
	return Span{}, Invalid("query.period", "must be day, week, month, year or custom")
}

func calendarSpan(period Period, from, to, now time.Time, zone *time.Location) (Span, error) {
	if !to.IsZero() {
		return Span{}, Invalid("query.to", "is for the period custom; others are of the one that from is in")
	}
	if from.IsZero() {
		from = now
	}
	if err := checkSpanYear("query.from", from); err != nil {
		return Span{}, err
	}
	var step Period
	switch period {
	case PerDay:
		step = PerHour
	case PerYear:
		step = PerMonth
	default:
		step = PerDay
	}
	start := period.Start(from, zone)
	return Span{Period: period, From: start, To: period.next(start), Step: step}, nil
}

func customSpan(from, to time.Time, zone *time.Location) (Span, error) {
	if err := checkSpanYear("query.from", from); err != nil {
		return Span{}, err
	}
	if err := checkSpanYear("query.to", to); err != nil {
		return Span{}, err
	}
	if !from.Before(to) {
		return Span{}, Invalid("query.from", "must be before to")
	}
	s := Span{Period: PerCustom, From: PerDay.Start(from, zone), To: PerDay.Start(to, zone), Step: PerMonth}
	if s.To.Before(to) {
		s.To = PerDay.next(s.To)
	}
	switch days := int(s.To.Sub(s.From).Round(hoursOfADay*time.Hour) / (hoursOfADay * time.Hour)); {
	case days > maxSpanDays:
		return Span{}, Invalid("query.to", "must be at most five years after from")
	case days <= daysByHour:
		s.Step = PerHour
	case days <= daysByDay:
		s.Step = PerDay
	}
	return s, nil
}

func checkSpanYear(location string, t time.Time) error {
	if t.Year() < firstSpan || t.Year() > endOfSpans {
		return Invalid(location, "must be in the years from 1970 to 9998")
	}
	return nil
}

// Points returns where each point of the span's series begins.
func (s Span) Points() []time.Time {
	var points []time.Time
	for t := s.From; t.Before(s.To); {
		points = append(points, t)
		if s.Step == PerHour {
			t = t.Add(time.Hour) // also where clocks are changed
		} else {
			t = s.Step.next(s.Step.Start(t, t.Location()))
		}
	}
	return slices.Clip(points)
}
