package core

import "time"

// Period is a unit of the calendar by which things are counted.
type Period string

// The periods.
const (
	PerDay   Period = "day"
	PerWeek  Period = "week" // from Monday (ISO 8601)
	PerMonth Period = "month"
	PerYear  Period = "year"
)

// MaxPeriods is how many periods one answer has at most.
const MaxPeriods = 400

// Start returns when the period that t is in begins, in the time zone.
func (p Period) Start(t time.Time, zone *time.Location) time.Time {
	year, month, day := t.In(zone).Date()
	switch p {
	case PerDay, PerHour, PerCustom:
	case PerWeek:
		const monday = 6 // days from Monday, modulo 7, are weekday+6
		day -= (int(t.In(zone).Weekday()) + monday) % 7
	case PerMonth:
		day = 1
	case PerYear:
		month, day = time.January, 1
	}
	return time.Date(year, month, day, 0, 0, 0, 0, zone)
}

// next returns when the period after the one that begins at start begins.
func (p Period) next(start time.Time) time.Time {
	const week = 7
	year, month, day := start.Date()
	switch p {
	case PerDay, PerHour, PerCustom: // the latter two are no periods by the calendar
		day++
	case PerWeek:
		day += week
	case PerMonth:
		month++
	case PerYear:
		year++
	}
	return time.Date(year, month, day, 0, 0, 0, 0, start.Location())
}

// Bounds divides the time from the beginning of the period that from is in to
// the end of the one before to: it returns where each period begins and, last,
// where the last one ends. It refuses more than MaxPeriods.
func (p Period) Bounds(from, to time.Time, zone *time.Location) ([]time.Time, error) {
	const first, last = 1970, 9998 // what times in JSON can be
	if !from.Before(to) || from.Year() < first || to.Year() > last {
		return nil, Invalid("query.from", "must be before to, both in the years from 1970 to 9998")
	}
	bounds := []time.Time{p.Start(from, zone)}
	for last := bounds[0]; last.Before(to); {
		if len(bounds) > MaxPeriods {
			return nil, Invalid("query.period", "this would be more than 400 periods; ask for longer ones, or for less time")
		}
		last = p.next(last)
		bounds = append(bounds, last)
	}
	return bounds, nil
}
