package core_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

var reportDay = time.Date(2026, time.March, 4, 8, 0, 0, 0, time.UTC)

func newReport() *core.Report {
	return &core.Report{
		Name: "weekly", Period: core.PerWeek, Schedule: "0 8 * * MON", TimeZone: "UTC", Active: true,
		NextAt: reportDay.Add(time.Hour), CreatedBy: core.AccountID{1}, OnBehalfOf: core.AccountID{1}, Version: 1,
	}
}

func TestWhoChangesAReportAnswersForIt(t *testing.T) {
	r := newReport()
	name, off := "other", false
	if r.Change(core.ReportChange{Name: &name}, core.AccountID{2}, reportDay.Add(time.Minute)) {
		t.Error("another name is no other schedule")
	}
	if r.Name != name || r.OnBehalfOf != (core.AccountID{2}) || r.CreatedBy != (core.AccountID{1}) || r.Version != 2 || !r.UpdatedAt.Equal(reportDay.Add(time.Minute)) {
		t.Errorf("%+v", r)
	}
	if !r.Change(core.ReportChange{Active: &off}, core.AccountID{2}, reportDay) {
		t.Error("a report that is switched off has another schedule: none")
	}
	if r.Reschedule(reportDay.Add(time.Hour)); !r.NextAt.IsZero() {
		t.Errorf("it is sent at %v", r.NextAt)
	}
}

func TestAReportCoversTheLastWholePeriod(t *testing.T) {
	zone := time.FixedZone("", 3600)
	for _, c := range []struct {
		period       core.Period
		at, from, to string
	}{
		{core.PerDay, "2026-03-04T08:00:00Z", "2026-03-02T23:00:00Z", "2026-03-03T23:00:00Z"},
		{core.PerDay, "2026-03-03T23:00:00Z", "2026-03-02T23:00:00Z", "2026-03-03T23:00:00Z"},
		{core.PerWeek, "2026-03-04T08:00:00Z", "2026-02-22T23:00:00Z", "2026-03-01T23:00:00Z"},
		{core.PerMonth, "2026-03-04T08:00:00Z", "2026-01-31T23:00:00Z", "2026-02-28T23:00:00Z"},
		{core.PerYear, "2026-03-04T08:00:00Z", "2024-12-31T23:00:00Z", "2025-12-31T23:00:00Z"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		from, to := (&core.Report{Period: c.period}).Span(at, zone)
		if from.Format(time.RFC3339) != c.from || to.Format(time.RFC3339) != c.to {
			t.Errorf("%s at %s: from %v to %v", c.period, c.at, from, to)
		}
	}
}

func TestReportTargetsNameWhatTheyAreAbout(t *testing.T) {
	group, link := core.GroupID{1}, core.ShareLinkID{1}
	for target, ok := range map[core.ReportTarget]bool{
		{Kind: core.ReportOrg}:                                      true,
		{Kind: core.ReportGroup, GroupID: group}:                    true,
		{Kind: core.ReportShare, ShareLinkID: link}:                 true,
		{Kind: core.ReportOrg, GroupID: group}:                      false,
		{Kind: core.ReportGroup}:                                    false,
		{Kind: core.ReportGroup, ShareLinkID: link}:                 false,
		{Kind: core.ReportShare, GroupID: group, ShareLinkID: link}: false,
		{Kind: "drive"}:                                             false,
		{}:                                                          false,
	} {
		if err := core.CheckReportTarget("body.target", target); (err == nil) != ok {
			t.Errorf("%+v: %v", target, err)
		}
	}
}

func TestReportFormatsAreEachOnceAndInOrder(t *testing.T) {
	got, err := core.CleanReportFormats("x", []core.ReportFormat{core.ReportCSV, core.ReportPDF, core.ReportCSV})
	if want := []core.ReportFormat{core.ReportPDF, core.ReportCSV}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	for _, raw := range [][]core.ReportFormat{nil, {"xls"}, {core.ReportCSV, ""}} {
		if _, err := core.CleanReportFormats("x", raw); core.KindOf(err) != core.KindInvalid {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

func newRun(recipients int) *core.ReportRun {
	run := core.NewReportRun(core.ReportRunID{9}, newReport(), reportDay, core.AccountID{}, time.UTC, reportDay)
	for i := range recipients {
		run.Recipients = append(run.Recipients, core.RunRecipient{AccountID: core.AccountID{byte(i + 1)}, Status: core.RunPending})
	}
	return run
}

func TestOneAttemptAtATimeSendsAReport(t *testing.T) {
	run := newRun(1)
	if run.Begin(reportDay.Add(-time.Second)) {
		t.Error("it began before its time")
	}
	if !run.Begin(reportDay) || run.Attempts != 1 || !run.StartedAt.Equal(reportDay) || run.Version != 2 {
		t.Errorf("it did not begin: %+v", run)
	}
	if run.Begin(reportDay.Add(core.ReportRunTime)) {
		t.Error("another attempt began while the first may be under way")
	}
	later := reportDay.Add(core.ReportRunTime + time.Minute)
	if !run.Begin(later) || run.Attempts != 2 || !run.StartedAt.Equal(reportDay) {
		t.Errorf("nobody went on after the first has died: %+v", run)
	}
	run.Recipients[0].Deliver(later)
	run.Settle(later)
	if run.Status != core.RunSent || !run.FinishedAt.Equal(later) || !run.NextAt.IsZero() {
		t.Errorf("%+v", run)
	}
	if run.Begin(later.Add(time.Hour)) {
		t.Error("what is sent is sent again")
	}
}

func TestARunEndsOnceAllIsToldOfEachRecipient(t *testing.T) {
	for _, c := range []struct {
		of   []core.RunStatus
		want core.RunStatus
		code string
	}{
		{[]core.RunStatus{core.RunSent, core.RunSent}, core.RunSent, ""},
		{[]core.RunStatus{core.RunSent, core.RunPending}, core.RunPending, ""},
		{[]core.RunStatus{core.RunFailed, core.RunSent, core.RunSkipped}, core.RunSent, ""},
		{[]core.RunStatus{core.RunFailed, core.RunSkipped}, core.RunFailed, core.RunMailFailed},
	} {
		run := newRun(len(c.of))
		for i, s := range c.of {
			run.Recipients[i].Status = s
		}
		if run.Settle(reportDay); run.Status != c.want || run.Code != c.code {
			t.Errorf("%q: %s %s", c.of, run.Status, run.Code)
		}
	}
}

func TestFailuresAreTriedAgainForHalfADay(t *testing.T) {
	run, at := newRun(2), reportDay
	run.Recipients[1].Deliver(reportDay)
	attempts := 0
	for run.Begin(at) {
		attempts++
		run.Fail(core.RunMailFailed, strings.Repeat("é", 300), at)
		if run.Status != core.RunPending {
			break
		}
		if run.Code != core.RunMailFailed || !run.NextAt.After(at) || len(run.Error) != 500 {
			t.Fatalf("%+v", run)
		}
		at = run.NextAt
	}
	if attempts != 7 || at.Sub(reportDay) < 10*time.Hour || at.Sub(reportDay) > 12*time.Hour {
		t.Errorf("%d attempts in %v", attempts, at.Sub(reportDay))
	}
	if run.Status != core.RunSent || run.Recipients[0].Status != core.RunFailed || run.Recipients[1].Status != core.RunSent {
		t.Errorf("one of two has it: %+v", run)
	}
	run = newRun(1)
	run.Attempts = attempts
	run.Fail(core.RunBroken, "x", reportDay)
	if run.Status != core.RunFailed || run.Code != core.RunBroken || run.Recipients[0].Code != core.RunBroken {
		t.Errorf("%+v", run)
	}
}
