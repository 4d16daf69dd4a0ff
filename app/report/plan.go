package report

import (
	"context"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Plan is the job that plans the runs of reports that are due, and sees to it that
// somebody goes on with those that wait.
type Plan struct{}

// Kind implements ports.Job.
func (Plan) Kind() string { return "report.plan" }

// Send is the job that makes one attempt to send a report.
type Send struct {
	OrgID core.OrgID       `json:"org_id"`
	RunID core.ReportRunID `json:"run_id"`
}

// Kind implements ports.Job.
func (Send) Kind() string { return "report.send" }

// Prune is the job that forgets old runs.
type Prune struct{}

// Kind implements ports.Job.
func (Prune) Kind() string { return "report.prune" }

const (
	planBatch  = 100
	pruneBatch = 500
)

// Plan plans each time of a schedule once, however many servers do so at once. Of
// times that were missed, since no server ran, the last one counts.
func (s *Service) Plan(ctx context.Context, _ Plan) error {
	failed := []error{s.wake(ctx)}
	for ctx.Err() == nil {
		now := s.Clock.Now()
		var due []ports.ReportRef
		err := s.Store.View(ctx, func(tx ports.Tx) (err error) {
			due, err = tx.Reports.Due(ctx, now, planBatch)
			return err
		})
		failed = append(failed, err)
		for _, ref := range due {
			failed = append(failed, s.planDue(ctx, ref, now))
		}
		if errors.Join(failed...) != nil || len(due) < planBatch {
			break
		}
	}
	return errors.Join(append(failed, ctx.Err())...)
}

// wake begins runs again whose time to be tried again has come, or that somebody
// was sending who has died.
func (s *Service) wake(ctx context.Context) error {
	var waiting []ports.ReportRunRef
	err := s.Store.View(ctx, func(tx ports.Tx) (err error) {
		waiting, err = tx.ReportRuns.Waiting(ctx, s.Clock.Now(), planBatch)
		return err
	})
	if err != nil || len(waiting) == 0 {
		return err
	}
	return s.Store.Update(ctx, func(tx ports.Tx) error {
		jobs := make([]ports.Job, len(waiting))
		for i, ref := range waiting {
			jobs[i] = Send{OrgID: ref.OrgID, RunID: ref.ID}
		}
		return tx.Jobs.Enqueue(ctx, jobs...)
	})
}

func (s *Service) planDue(ctx context.Context, ref ports.ReportRef, now time.Time) error {
	return s.Store.Update(ctx, func(tx ports.Tx) error {
		r, err := tx.Reports.Lock(ctx, ref.OrgID, ref.ID)
		if errors.Is(err, core.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if r.NextAt.IsZero() || r.NextAt.After(now) {
			return nil // somebody else was faster
		}
		latest, next, err := core.LatestPlanned(r.Schedule, s.zone(r.TimeZone), r.NextAt, now, s.Schedules.Next)
		if err != nil {
			return err
		}
		run, err := s.newRun(ctx, tx, r, latest, core.AccountID{})
		if err != nil {
			return err
		}
		return s.plan(ctx, tx, run, next)
	})
}

// newRun returns a run of a report. Periods are those of the org's time zone, as
// in all analytics.
func (s *Service) newRun(ctx context.Context, tx ports.Tx, r *core.Report, planned time.Time, by core.AccountID) (*core.ReportRun, error) {
	o, err := tx.Orgs.Get(ctx, r.OrgID)
	if err != nil {
		return nil, err
	}
	return core.NewReportRun(core.ReportRunID(s.IDs.NewID()), r, planned, by, s.zone(o.Settings.TimeZone), s.Clock.Now()), nil
}

func (s *Service) plan(ctx context.Context, tx ports.Tx, run *core.ReportRun, next time.Time) error {
	if err := tx.ReportRuns.Plan(ctx, run, next); err != nil {
		return err
	}
	return tx.Jobs.Enqueue(ctx, Send{OrgID: run.OrgID, RunID: run.ID})
}

// Prune removes some runs at a time.
func (s *Service) Prune(ctx context.Context, _ Prune) error {
	until := s.Clock.Now().Add(-s.opts.Retention)
	for ctx.Err() == nil {
		var n int
		err := s.Store.Update(ctx, func(tx ports.Tx) (err error) {
			n, err = tx.ReportRuns.Prune(ctx, until, pruneBatch)
			return err
		})
		if err != nil || n < pruneBatch {
			return err
		}
	}
	return ctx.Err()
}
