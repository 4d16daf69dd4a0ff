package core

import (
	"strconv"
	"strings"
	"time"
)

// NextWall returns the first time after one that a cron expression names, both as
// clocks on a wall show them, which is written as UTC here. It returns the zero
// time if none comes within years, and an error if the expression is none. Core is
// handed one, as it is handed the time.
type NextWall func(expr string, after time.Time) (time.Time, error)

const maxScheduleBytes = 100

// CleanSchedule returns a cron expression with single spaces: minute, hour, day of
// the month, month, day of the week. The minute is one number, so that nothing
// happens more often than once an hour.
func CleanSchedule(location, raw string, next NextWall) (string, error) {
	const want = "must be a cron expression of five fields (minute hour day month weekday), such as 0 8 * * MON"
	fields := strings.Fields(raw)
	if len(raw) > maxScheduleBytes || len(fields) != 5 || strings.Contains(raw, "=") { // TZ=…
		return "", Invalid(location, want)
	}
	const minutes = 60
	if minute, err := strconv.ParseUint(fields[0], 10, 8); err != nil || minute >= minutes {
		return "", Invalid(location, "must have one number from 0 to 59 as its minute: at most one report an hour is sent")
	}
	expr := strings.Join(fields, " ")
	first, err := next(expr, time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC))
	switch {
	case err != nil:
		return "", Invalid(location, want)
	case first.IsZero():
		return "", Invalid(location, "names a time that never comes")
	}
	return expr, nil
}

// NextPlanned returns the first moment after one at which a schedule is due in a
// time zone. What clocks skip in spring is due the moment they do; what they show
// twice in autumn is due the first time. So each time of a schedule comes once.
func NextPlanned(expr string, zone *time.Location, after time.Time, next NextWall) (time.Time, error) {
	year, month, day := after.In(zone).Date()
	hour, minute, second := after.In(zone).Clock()
	wall := time.Date(year, month, day, hour, minute, second, 0, time.UTC)
	for {
		var err error
		if wall, err = next(expr, wall); err != nil || wall.IsZero() {
			return time.Time{}, err
		}
		if at := atWall(wall, zone); at.After(after) {
			return at, nil
		}
	}
}

// atWall returns the first moment at which clocks in the zone show that time or
// a later one.
func atWall(wall time.Time, zone *time.Location) time.Time {
	const most = 26 * time.Hour // that a zone is from UTC, and more
	at := wall.Add(-most).In(zone)
	for {
		start, end := at.ZoneBounds()
		_, offset := at.Zone()
		t := wall.Add(-time.Duration(offset) * time.Second)
		switch {
		case !end.IsZero() && !t.Before(end):
			at = end
		case t.Before(start): // clocks have skipped it
			return start.UTC()
		default:
			return t.UTC()
		}
	}
}

// LatestPlanned returns the last moment, not after now, at which a schedule was
// due that has been since due, and the first one after now. What lies between
// due and the last was missed and is not made up for.
func LatestPlanned(expr string, zone *time.Location, due, now time.Time, next NextWall) (latest, following time.Time, err error) {
	// Who was down for years need not count the hours of the first.
	const far = 40 * 24 * time.Hour
	latest = due
	if now.Sub(due) > far {
		if t, err := NextPlanned(expr, zone, now.Add(-far), next); err == nil && !t.IsZero() && !t.After(now) {
			latest = t
		}
	}
	for {
		following, err = NextPlanned(expr, zone, latest, next)
		if err != nil || following.IsZero() || following.After(now) {
			return latest, following, err
		}
		latest = following
	}
}
