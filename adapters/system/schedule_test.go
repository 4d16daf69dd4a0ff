package system_test

import (
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/system"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

var _ ports.Schedules = system.Schedules{}

func TestCronExpressionsNameTheNextTime(t *testing.T) {
	after := time.Date(2026, 3, 4, 8, 0, 0, 0, time.UTC) // a Wednesday
	for expr, want := range map[string]string{
		"0 8 * * *":        "2026-03-05T08:00:00Z",
		"1 8 * * *":        "2026-03-04T08:01:00Z",
		"0 8 * * MON":      "2026-03-09T08:00:00Z",
		"0 8 * * 0":        "2026-03-08T08:00:00Z",
		"0 8 1 * *":        "2026-04-01T08:00:00Z",
		"0 8 31 * *":       "2026-03-31T08:00:00Z",
		"0 8 29 2 *":       "2028-02-29T08:00:00Z",
		"30 6-18/6 * * ?":  "2026-03-04T12:30:00Z",
		"0 8 1 jan,JUL *":  "2026-07-01T08:00:00Z",
		"0 8 1 * MON":      "2026-03-09T08:00:00Z", // either, as cron has it
		"0 0 30 2 *":       "0001-01-01T00:00:00Z", // never
		"0 8 * * mon-fri ": "2026-03-05T08:00:00Z",
	} {
		got, err := (system.Schedules{}).Next(expr, after)
		if err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%q: %v, %v; want %s", expr, got, err, want)
		}
	}
}

func TestTimesOfClocksThatAreChangedComeOnce(t *testing.T) {
	for _, c := range []struct{ zone, expr, after, want1, want2 string }{
		// Clocks go from 2:00 to 3:00 at 1:00 UTC.
		{"Europe/Berlin", "30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"},
		{"Europe/Berlin", "0 * * * *", "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"},
		// They go from 3:00 to 2:00 at 1:00 UTC.
		{"Europe/Berlin", "30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
		{"Europe/Berlin", "30 * * * *", "2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T02:30:00Z"},
		// Clocks go from 2:00 to 2:30, and back.
		{"Australia/Lord_Howe", "15 2 * * *", "2026-10-03T00:00:00Z", "2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"},
		{"Australia/Lord_Howe", "45 1 * * *", "2026-04-04T00:00:00Z", "2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"},
		// There was no 30 December 2011.
		{"Pacific/Apia", "0 8 * * *", "2011-12-29T18:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T18:00:00Z"},
		// Midnight does not exist.
		{"America/Sao_Paulo", "0 0 * * *", "2018-11-03T12:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"},
		{"UTC", "0 8 * * *", "2026-03-04T08:00:00Z", "2026-03-05T08:00:00Z", "2026-03-06T08:00:00Z"},
		{"Asia/Kathmandu", "0 8 * * *", "2026-03-04T02:14:59Z", "2026-03-04T02:15:00Z", "2026-03-05T02:15:00Z"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, c.after)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{c.want1, c.want2} {
			if at, err = core.NextPlanned(c.expr, zone, at, system.Schedules{}.Next); err != nil || at.Format(time.RFC3339) != want {
				t.Errorf("%s %q: %v, %v; want %s", c.zone, c.expr, at, err, want)
			}
		}
	}
}

func TestNoDayOfADailyScheduleIsMissedOrComesTwice(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tehran", "Africa/Casablanca", "Antarctica/Troll"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, expr := range []string{"0 0 * * *", "30 1 * * *", "30 2 * * *", "15 3 * * *", "59 23 * * *"} {
			at := time.Date(2019, 12, 31, 23, 59, 59, 0, zone)
			day := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
			for ; day.Year() < 2026; day = day.AddDate(0, 0, 1) {
				if at, err = core.NextPlanned(expr, zone, at, system.Schedules{}.Next); err != nil {
					t.Fatal(err)
				}
				if y, m, d := at.In(zone).Date(); day != time.Date(y, m, d, 0, 0, 0, 0, time.UTC) {
					t.Fatalf("%s %q: %v where %v was to come", name, expr, at.In(zone), day)
				}
			}
		}
	}
}

func TestTheLastMissedTimeIsTheOneThatCounts(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	due := time.Date(2026, 3, 2, 7, 0, 0, 0, time.UTC)
	for expr, cases := range map[string][][3]string{ // now, latest, following
		"0 8 * * *": {
			{"2026-03-02T07:00:00Z", "2026-03-02T07:00:00Z", "2026-03-03T07:00:00Z"},
			{"2026-03-05T06:59:59Z", "2026-03-04T07:00:00Z", "2026-03-05T07:00:00Z"},
			{"2036-03-05T07:00:00Z", "2036-03-05T07:00:00Z", "2036-03-06T07:00:00Z"},
		},
		"0 8 2 3 *": {
			{"2026-12-31T00:00:00Z", "2026-03-02T07:00:00Z", "2027-03-02T07:00:00Z"},
			{"2029-12-31T00:00:00Z", "2029-03-02T07:00:00Z", "2030-03-02T07:00:00Z"},
		},
		"0 * * * *": {{"2126-03-02T07:30:00Z", "2126-03-02T07:00:00Z", "2126-03-02T08:00:00Z"}},
	} {
		for _, c := range cases {
			now, err := time.Parse(time.RFC3339, c[0])
			if err != nil {
				t.Fatal(err)
			}
			latest, following, err := core.LatestPlanned(expr, zone, due, now, system.Schedules{}.Next)
			if got := [2]string{latest.Format(time.RFC3339), following.Format(time.RFC3339)}; err != nil || got != [2]string{c[1], c[2]} {
				t.Errorf("%q at %s: %v, %v; want %v", expr, c[0], got, err, c[1:])
			}
		}
	}
}

func TestSchedulesAreCronExpressionsOfFiveFieldsAtMostHourly(t *testing.T) {
	clean := func(raw string) (string, error) {
		return core.CleanSchedule("body.schedule", raw, system.Schedules{}.Next)
	}
	if got, err := clean("  5 \t8  *  * MON-FRI "); err != nil || got != "5 8 * * MON-FRI" {
		t.Errorf("%q, %v", got, err)
	}
	for _, raw := range []string{
		"", "* * * * *", "*/5 * * * *", "0,30 8 * * *", "60 8 * * *", "-1 8 * * *", "0 24 * * *", "0 8 0 * *", "0 8 32 * *", "0 8 * 13 *", "0 8 * * 8",
		"0 8 * *", "0 0 8 * * *", "@daily", "0 8 30 2 *", "TZ=UTC 0 8 * * *", "TZ=UTC 8 * * *", "CRON_TZ= 0 8 * *", "0 8 * * MON MON", "0 8 */0 * *",
		"0 8-6 * * *", "0 8 * * é", "0 \x00 * * *", "0 / * * *", "0 8 * * *      " + string(make([]byte, 100)),
	} {
		if got, err := clean(raw); core.KindOf(err) != core.KindInvalid {
			t.Errorf("%q is %q, %v", raw, got, err)
		}
	}
}

func FuzzSchedules(f *testing.F) {
	f.Add("0 8 * * MON")
	f.Fuzz(func(t *testing.T, raw string) {
		if expr, err := core.CleanSchedule("x", raw, system.Schedules{}.Next); err == nil {
			if at, err := core.NextPlanned(expr, time.UTC, time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), system.Schedules{}.Next); err != nil || at.IsZero() {
				t.Errorf("%q never comes: %v", expr, err)
			}
		}
	})
}
