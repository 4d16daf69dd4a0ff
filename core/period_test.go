package core

import (
	"testing"
	"time"
	_ "time/tzdata" // on any machine
)

func TestPeriodsOfTheCalendar(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(text string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", text, berlin)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		period   Period
		from, to string
		want     []string
	}{
		{PerDay, "2026-03-28 10:00", "2026-03-30 00:00", []string{"2026-03-28 00:00", "2026-03-29 00:00", "2026-03-30 00:00"}}, // a day of 23 hours
		{PerDay, "2026-10-25 00:00", "2026-10-25 00:01", []string{"2026-10-25 00:00", "2026-10-26 00:00"}},                     // a day of 25 hours
		{PerWeek, "2026-11-22 12:00", "2026-11-23 00:01", []string{"2026-11-16 00:00", "2026-11-23 00:00", "2026-11-30 00:00"}},
		{PerMonth, "2026-01-31 00:00", "2026-03-01 00:00", []string{"2026-01-01 00:00", "2026-02-01 00:00", "2026-03-01 00:00"}},
		{PerYear, "2025-12-31 23:59", "2026-01-01 00:01", []string{"2025-01-01 00:00", "2026-01-01 00:00", "2027-01-01 00:00"}},
	} {
		got, err := c.period.Bounds(at(c.from).UTC(), at(c.to).UTC(), berlin)
		if err != nil || len(got) != len(c.want) {
			t.Errorf("%s from %s to %s: %v, %v", c.period, c.from, c.to, got, err)
			continue
		}
		for i := range got {
			if !got[i].Equal(at(c.want[i])) {
				t.Errorf("%s from %s to %s: %v, want %s", c.period, c.from, c.to, got[i], c.want[i])
			}
		}
	}
	if _, err := PerDay.Bounds(at("2026-01-01 00:00"), at("2026-01-01 00:00"), berlin); err == nil {
		t.Error("no time at all is divided")
	}
	if b, err := PerDay.Bounds(noonOfSales, noonOfSales.AddDate(0, 0, MaxPeriods-1), time.UTC); err != nil || len(b) != MaxPeriods+1 {
		t.Errorf("%d, %v", len(b), err)
	}
	if _, err := PerDay.Bounds(noonOfSales, noonOfSales.AddDate(1, 2, 0), time.UTC); err == nil {
		t.Error("more than 400 days are listed")
	}
}
