package contract

import (
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// newReport makes a report that is not stored yet.
func (s storeTest) newReport(p person) *core.Report {
	return &core.Report{
		ID: core.ReportID(s.id()), OrgID: p.org.ID, Name: "é 中", Target: core.ReportTarget{Kind: core.ReportOrg}, Period: core.PerWeek,
		Formats: []core.ReportFormat{core.ReportPDF, core.ReportCSV}, Recipients: []core.AccountID{p.account.ID}, Schedule: "0 8 * * MON",
		TimeZone: "Europe/Berlin", Active: true, NextAt: noon, CreatedBy: p.account.ID, OnBehalfOf: p.account.ID,
		Version: 1, CreatedAt: noon, UpdatedAt: noon,
	}
}

func (s storeTest) addReport(r *core.Report) {
	s.Helper()
	s.update(func(tx ports.Tx) error { return tx.Reports.Add(s.Context(), r, core.MaxReports) })
}

// report stores a report of a person's org.
func (s storeTest) report(p person) *core.Report {
	s.Helper()
	r := s.newReport(p)
	s.addReport(r)
	return r
}

func (s storeTest) gotReport(org core.OrgID, id core.ReportID) (r *core.Report) {
	s.Helper()
	s.view(func(tx ports.Tx) (err error) {
		r, err = tx.Reports.Get(s.Context(), org, id)
		return err
	})
	return r
}

// plan stores a run of a report, which is sent next an hour later.
func (s storeTest) plan(r *core.Report, at time.Time, by core.AccountID) (*core.ReportRun, error) {
	run := core.NewReportRun(core.ReportRunID(s.id()), r, at, by, time.UTC, noon)
	return run, s.Update(s.Context(), func(tx ports.Tx) error {
		if _, err := tx.Reports.Lock(s.Context(), r.OrgID, r.ID); err != nil {
			return err
		}
		return tx.ReportRuns.Plan(s.Context(), run, at.Add(time.Hour))
	})
}

func (s storeTest) planned(r *core.Report, at time.Time) *core.ReportRun {
	s.Helper()
	run, err := s.plan(r, at, core.AccountID{})
	s.must(err)
	return run
}

func (s storeTest) gotRun(run *core.ReportRun) (got *core.ReportRun) {
	s.Helper()
	s.view(func(tx ports.Tx) (err error) {
		got, err = tx.ReportRuns.Get(s.Context(), run.OrgID, run.ID)
		return err
	})
	return got
}

func reportEqual(s storeTest) {
	ana := s.signUp("ana")
	r := s.report(ana)
	s.equal(s.gotReport(ana.org.ID, r.ID), r)
	name, period, schedule, zone, off := "other", core.PerDay, "5 9 * * *", "UTC", false
	target := core.ReportTarget{Kind: core.ReportGroup, GroupID: core.GroupID(s.id())}
	formats, recipients := []core.ReportFormat{core.ReportCSV}, []core.AccountID{core.AccountID(s.id()), ana.account.ID}
	r.Change(core.ReportChange{
		Name: &name, Target: &target, Period: &period, Formats: &formats, Recipients: &recipients, Schedule: &schedule, TimeZone: &zone, Active: &off,
	}, core.AccountID(s.id()), noon.Add(time.Minute))
	r.Reschedule(noon)
	s.update(func(tx ports.Tx) error { return tx.Reports.Save(s.Context(), r) })
	s.equal(s.gotReport(ana.org.ID, r.ID), r)
	target = core.ReportTarget{Kind: core.ReportShare, ShareLinkID: core.ShareLinkID(s.id())}
	r.Change(core.ReportChange{Target: &target}, ana.account.ID, noon)
	s.update(func(tx ports.Tx) error { return tx.Reports.Save(s.Context(), r) })
	s.update(func(tx ports.Tx) error {
		locked, err := tx.Reports.Lock(s.Context(), ana.org.ID, r.ID)
		s.equal(locked, r)
		return err
	})
}

func reportRunEqual(s storeTest) {
	ana := s.signUp("ana")
	run := s.planned(s.report(ana), noon)
	s.equal(s.gotRun(run), run)
	run.Begin(noon)
	run.Recipients = []core.RunRecipient{
		{AccountID: ana.account.ID, Email: "é@example.com", Status: core.RunSent, SentAt: noon.Add(time.Microsecond)},
		{AccountID: core.AccountID(s.id()), Status: core.RunSkipped, Code: core.RecipientGone, Error: "has left"},
	}
	run.Files = []core.RunFile{{Name: "é.pdf", Format: core.ReportPDF, Bytes: 1 << 40, Attached: true}, {Name: "a.csv", Format: core.ReportCSV}}
	run.Fail(core.RunMailFailed, "é 中", noon)
	s.update(func(tx ports.Tx) error { return tx.ReportRuns.Save(s.Context(), run, 1) })
	s.equal(s.gotRun(run), run)
	seen := run.Version
	run.Settle(noon.Add(time.Second))
	s.update(func(tx ports.Tx) error { return tx.ReportRuns.Save(s.Context(), run, seen) })
	s.equal(s.gotRun(run), run)
	s.equal(run.Status, core.RunSent)
}

func reportIsolation(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	r := s.report(ana)
	run := s.planned(r, noon)
	s.update(func(tx ports.Tx) error {
		ctx := s.Context()
		_, err := tx.Reports.Get(ctx, ben.org.ID, r.ID)
		s.wantErr(err, core.ErrNotFound)
		_, err = tx.Reports.Lock(ctx, ben.org.ID, r.ID)
		s.wantErr(err, core.ErrNotFound)
		s.wantErr(tx.Reports.Remove(ctx, ben.org.ID, r.ID), core.ErrNotFound)
		s.wantErr(tx.Reports.Remove(ctx, ana.org.ID, core.ReportID(s.id())), core.ErrNotFound)
		stolen := *r
		stolen.OrgID, stolen.Version = ben.org.ID, 2
		s.wantErr(tx.Reports.Save(ctx, &stolen), core.ErrStale)
		list, err := tx.Reports.List(ctx, ports.ReportQuery{OrgID: ben.org.ID, Limit: 9})
		s.must(err)
		s.equal(len(list), 0)
		_, err = tx.ReportRuns.Get(ctx, ben.org.ID, run.ID)
		s.wantErr(err, core.ErrNotFound)
		other := *run
		other.OrgID = ben.org.ID
		s.wantErr(tx.ReportRuns.Save(ctx, &other, run.Version), core.ErrStale)
		none, err := tx.ReportRuns.List(ctx, ports.ReportRunQuery{OrgID: ben.org.ID, ReportID: r.ID, Limit: 9})
		s.equal(len(none), 0)
		return err
	})
	r.NextAt = noon.Add(time.Hour) // by the plan
	s.equal(s.gotReport(ana.org.ID, r.ID), r)
	s.equal(s.gotRun(run), run)
}

func reportStale(s storeTest) {
	ana := s.signUp("ana")
	r := s.report(ana)
	s.equal(s.race(core.ErrStale, func(int) error {
		mine := *r
		mine.Change(core.ReportChange{}, ana.account.ID, noon)
		return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Reports.Save(s.Context(), &mine) })
	}), 1)
	s.equal(s.gotReport(ana.org.ID, r.ID).Version, int64(2))
}

func reportLimit(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	s.report(ben)
	s.report(ana)
	all := make([]*core.Report, racers)
	for i := range all {
		all[i] = s.newReport(ana)
	}
	s.equal(s.race(&core.Error{Code: "limit_exceeded"}, func(i int) error {
		return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Reports.Add(s.Context(), all[i], 4) })
	}), 3)
}

func reportPlannedOnce(s storeTest) {
	ana := s.signUp("ana")
	r := s.report(ana)
	s.equal(s.race(core.ErrConflict, func(int) error {
		_, err := s.plan(r, noon, core.AccountID{})
		return err
	}), 1)
	s.equal(s.race(core.ErrReportRunning, func(i int) error {
		_, err := s.plan(r, noon.Add(time.Duration(i+1)*time.Second), ana.account.ID)
		return err
	}), 0)
	s.planned(r, noon.Add(time.Hour)) // the schedule waits for no other run
	other := s.report(ana)
	s.equal(s.race(core.ErrReportRunning, func(i int) error {
		_, err := s.plan(other, noon.Add(time.Duration(i)*time.Second), ana.account.ID)
		return err
	}), 1)
	_, err := s.plan(s.newReport(ana), noon, core.AccountID{})
	s.wantErr(err, core.ErrNotFound)
}

func reportRunBegunOnce(s storeTest) {
	ana := s.signUp("ana")
	run := s.planned(s.report(ana), noon)
	s.equal(s.race(core.ErrStale, func(int) error {
		mine := *run
		mine.Begin(noon)
		return s.Update(s.Context(), func(tx ports.Tx) error { return tx.ReportRuns.Save(s.Context(), &mine, run.Version) })
	}), 1)
	s.equal(s.gotRun(run).Attempts, 1)
}

func reportDue(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	team := s.newTeam(ben, "team")
	at := func(p person, next time.Time) *core.Report {
		r := s.newReport(p)
		r.NextAt = next
		s.addReport(r)
		return r
	}
	second, first := at(ana, noon), at(ben, noon.Add(-time.Hour))
	third := at(ana, noon.Add(time.Microsecond))
	off := s.newReport(ana)
	off.Active, off.NextAt = false, time.Time{}
	s.addReport(off)
	gone := s.newReport(ana)
	gone.OrgID = team.org.ID
	s.addReport(gone)
	s.deleteOrg(team)
	due := func(now time.Time, limit int, want ...*core.Report) {
		s.Helper()
		s.view(func(tx ports.Tx) error {
			got, err := tx.Reports.Due(s.Context(), now, limit)
			refs := make([]ports.ReportRef, len(want))
			for i, r := range want {
				refs[i] = ports.ReportRef{OrgID: r.OrgID, ID: r.ID}
			}
			s.equal(got, refs)
			return err
		})
	}
	due(noon, 9, first, second)
	due(noon, 1, first)
	due(noon.Add(time.Second), 9, first, second, third)
	due(noon.Add(-2*time.Hour), 9)
	s.planned(first, noon)
	due(noon, 9, second)
}

func reportLists(s storeTest) {
	ana := s.signUp("ana")
	var want []core.ReportID
	for range 5 {
		want = append([]core.ReportID{s.report(ana).ID}, want...)
	}
	for _, q := range []struct {
		before core.ReportID
		limit  int
		want   []core.ReportID
	}{{core.ReportID{}, 9, want}, {core.ReportID{}, 2, want[:2]}, {want[1], 9, want[2:]}, {want[4], 9, []core.ReportID{}}} {
		s.view(func(tx ports.Tx) error {
			found, err := tx.Reports.List(s.Context(), ports.ReportQuery{OrgID: ana.org.ID, Before: q.before, Limit: q.limit})
			got := make([]core.ReportID, len(found))
			for i, r := range found {
				got[i] = r.ID
			}
			s.equal(got, q.want)
			return err
		})
	}
}

func reportRunLists(s storeTest) {
	ana := s.signUp("ana")
	r, other := s.report(ana), s.report(ana)
	var want []core.ReportRunID
	for i := range 5 {
		run := s.planned(r, noon.Add(time.Duration(i)*time.Hour))
		if i%2 == 0 {
			run.Skip(core.RunInactive, "", noon)
			s.update(func(tx ports.Tx) error { return tx.ReportRuns.Save(s.Context(), run, 1) })
		}
		want = append([]core.ReportRunID{run.ID}, want...)
	}
	s.planned(other, noon)
	list := func(q ports.ReportRunQuery, want ...core.ReportRunID) {
		s.Helper()
		q.OrgID, q.ReportID = ana.org.ID, r.ID
		s.view(func(tx ports.Tx) error {
			found, err := tx.ReportRuns.List(s.Context(), q)
			got := make([]core.ReportRunID, len(found))
			for i, run := range found {
				got[i] = run.ID
			}
			s.equal(got, append([]core.ReportRunID{}, want...))
			return err
		})
	}
	list(ports.ReportRunQuery{Limit: 9}, want...)
	list(ports.ReportRunQuery{Limit: 2}, want[:2]...)
	list(ports.ReportRunQuery{Limit: 9, Before: want[1]}, want[2:]...)
	list(ports.ReportRunQuery{Limit: 9, Status: core.RunSkipped}, want[0], want[2], want[4])
	list(ports.ReportRunQuery{Limit: 9, Before: want[4]})
}

func reportRunsWait(s storeTest) {
	ana := s.signUp("ana")
	r := s.report(ana)
	first, begun, ended := s.planned(r, noon), s.planned(r, noon.Add(time.Hour)), s.planned(r, noon.Add(2*time.Hour))
	begun.Begin(noon)
	ended.Skip(core.RunInactive, "", noon)
	s.update(func(tx ports.Tx) error {
		s.must(tx.ReportRuns.Save(s.Context(), begun, 1))
		return tx.ReportRuns.Save(s.Context(), ended, 1)
	})
	waiting := func(now time.Time, want ...*core.ReportRun) {
		s.Helper()
		s.view(func(tx ports.Tx) error {
			got, err := tx.ReportRuns.Waiting(s.Context(), now, 9)
			refs := make([]ports.ReportRunRef, len(want))
			for i, run := range want {
				refs[i] = ports.ReportRunRef{OrgID: run.OrgID, ID: run.ID}
			}
			s.equal(got, refs)
			return err
		})
	}
	waiting(noon.Add(-time.Second))
	waiting(noon, first)
	waiting(noon.Add(time.Hour), first, begun)
}

func reportRemoved(s storeTest) {
	ana := s.signUp("ana")
	r, other := s.report(ana), s.report(ana)
	gone, stays := s.planned(r, noon), s.planned(other, noon)
	s.update(func(tx ports.Tx) error { return tx.Reports.Remove(s.Context(), ana.org.ID, r.ID) })
	s.update(func(tx ports.Tx) error {
		_, err := tx.Reports.Get(s.Context(), ana.org.ID, r.ID)
		s.wantErr(err, core.ErrNotFound)
		_, err = tx.ReportRuns.Get(s.Context(), ana.org.ID, gone.ID)
		s.wantErr(err, core.ErrNotFound)
		s.wantErr(tx.ReportRuns.Save(s.Context(), gone, 1), core.ErrStale)
		return nil
	})
	s.equal(s.gotRun(stays), stays)
}

func reportRunsPruned(s storeTest) {
	ana := s.signUp("ana")
	r := s.report(ana)
	pending := s.planned(r, noon)
	for i := range 5 {
		run := s.planned(r, noon.Add(time.Duration(i+1)*time.Hour))
		run.Skip(core.RunInactive, "", noon)
		s.update(func(tx ports.Tx) error { return tx.ReportRuns.Save(s.Context(), run, 1) })
	}
	prune := func(t time.Time, want int) {
		s.Helper()
		s.update(func(tx ports.Tx) error {
			n, err := tx.ReportRuns.Prune(s.Context(), t, 3)
			s.equal(n, want)
			return err
		})
	}
	prune(noon, 0)
	prune(noon.Add(time.Second), 3)
	prune(noon.Add(time.Second), 2)
	prune(noon.Add(time.Second), 0)
	s.equal(s.gotRun(pending), pending)
}
