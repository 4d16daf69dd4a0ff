package report

import (
	"context"
	"reflect"
	"strconv"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// ChangeInput is what a client says of a report: nil leaves alone.
type ChangeInput struct {
	Name       *string
	Target     *core.ReportTarget
	Period     *core.Period
	Formats    *[]core.ReportFormat
	Recipients *[]string // addresses of active members
	Schedule   *string
	TimeZone   *string // empty: the org's
	Active     *bool
}

// CreateInput is a new report. All of ChangeInput but Active and TimeZone is there.
type CreateInput struct {
	OrgID core.OrgID
	ChangeInput
	Once *app.Once
}

// Create makes a report. It returns errors with the codes feature_unavailable and
// limit_exceeded.
func (s *Service) Create(ctx context.Context, a core.Actor, in CreateInput) (out Shown, err error) {
	f, err := s.may(ctx, a, in.OrgID)
	if err != nil {
		return out, err
	}
	now := s.Clock.Now()
	if err := in.Once.Find(ctx, s.Store, s.Secrets, now); err != nil {
		return out, err
	}
	r := &core.Report{ID: core.ReportID(s.IDs.NewID()), OrgID: in.OrgID, Active: true, CreatedBy: f.AccountID, CreatedAt: now}
	if in.TimeZone == nil {
		in.TimeZone = new("")
	}
	c, err := s.clean(ctx, a, r, in.ChangeInput)
	if err != nil {
		return out, err
	}
	err = in.Once.Do(ctx, s.Store, s.Secrets, now, func(tx ports.Tx) error {
		if err := s.licensed(ctx, tx, in.OrgID, core.FeatureScheduledReports); err != nil {
			return err
		}
		if err := s.apply(ctx, tx, r, c, in.ChangeInput, f.AccountID); err != nil {
			return err
		}
		if err := tx.Reports.Add(ctx, r, core.MaxReports); err != nil {
			return err
		}
		if err := s.record(ctx, tx, f, a, "report.created", r, changes(&core.Report{}, r)); err != nil {
			return err
		}
		if out, err = one(show(ctx, tx, in.OrgID, r)); err != nil {
			return err
		}
		return in.Once.Keep(ctx, tx, s.Secrets, out, now)
	})
	return out, err
}

// Update changes a report, which is sent on behalf of whoever changes it from then
// on. ifMatch is the version that the client has seen, 0 for any. It returns
// core.ErrStale, and errors with the code feature_unavailable.
func (s *Service) Update(ctx context.Context, a core.Actor, org core.OrgID, id core.ReportID, in ChangeInput, ifMatch int64) (out Shown, err error) {
	f, err := s.may(ctx, a, org)
	if err != nil {
		return out, err
	}
	seen, err := s.Get(ctx, a, org, id)
	if err != nil {
		return out, err
	}
	if in.Target == nil { // may they see what they answer for from now on?
		in.Target = &seen.Target
	}
	c, err := s.clean(ctx, a, seen.Report, in)
	if err != nil {
		return out, err
	}
	err = s.Store.Update(ctx, func(tx ports.Tx) error {
		r, err := s.locked(ctx, tx, org, id, ifMatch)
		if err != nil {
			return err
		}
		if err := s.licensed(ctx, tx, org, core.FeatureScheduledReports); err != nil {
			return err
		}
		before := *r
		if err := s.apply(ctx, tx, r, c, in, f.AccountID); err != nil {
			return err
		}
		changed := changes(&before, r)
		if len(changed) == 0 {
			out, err = one(show(ctx, tx, org, &before))
			return err
		}
		if err := tx.Reports.Save(ctx, r); err != nil {
			return err
		}
		if err := s.record(ctx, tx, f, a, "report.updated", r, changed); err != nil {
			return err
		}
		out, err = one(show(ctx, tx, org, r))
		return err
	})
	return out, err
}

// locked returns a report that is to be changed, at the version the client has
// seen (0: any).
func (s *Service) locked(ctx context.Context, tx ports.Tx, org core.OrgID, id core.ReportID, ifMatch int64) (*core.Report, error) {
	r, err := tx.Reports.Lock(ctx, org, id)
	if err == nil && ifMatch != 0 && ifMatch != r.Version {
		err = core.ErrStale
	}
	return r, err
}

// Delete removes a report with its runs. It returns core.ErrStale.
func (s *Service) Delete(ctx context.Context, a core.Actor, org core.OrgID, id core.ReportID, ifMatch int64) error {
	f, err := s.may(ctx, a, org)
	if err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx ports.Tx) error {
		r, err := s.locked(ctx, tx, org, id, ifMatch)
		if err != nil {
			return err
		}
		if err := tx.Reports.Remove(ctx, org, id); err != nil {
			return err
		}
		return s.record(ctx, tx, f, a, "report.deleted", r, map[string]core.Change{"name": {From: r.Name}})
	})
}

// clean brings a change into the form in which it is stored, but for what only
// the store knows: see apply.
func (s *Service) clean(ctx context.Context, a core.Actor, r *core.Report, in ChangeInput) (c core.ReportChange, err error) {
	c.Period, c.Active = in.Period, in.Active
	if in.Name != nil {
		if c.Name, err = ptr(core.CleanTitle("body.name", *in.Name, s.Text.NFC)); err != nil {
			return c, err
		}
	}
	if in.Formats != nil {
		if c.Formats, err = ptr(core.CleanReportFormats("body.formats", *in.Formats)); err != nil {
			return c, err
		}
	}
	if in.Schedule != nil {
		if c.Schedule, err = ptr(core.CleanSchedule("body.schedule", *in.Schedule, s.Schedules.Next)); err != nil {
			return c, err
		}
	}
	if in.TimeZone != nil {
		if c.TimeZone, err = ptr(core.CleanTimeZone("body.time_zone", *in.TimeZone, s.Zones.Known)); err != nil {
			return c, err
		}
	}
	if in.Recipients != nil {
		if err := core.CheckReportRecipients("body.recipients", len(*in.Recipients)); err != nil {
			return c, err
		}
	}
	if in.Target != nil {
		period := r.Period
		if in.Period != nil {
			period = *in.Period
		}
		c.Target = in.Target
		err = s.checkTarget(ctx, a, r.OrgID, *in.Target, period)
	}
	return c, err
}

func ptr[T any](v T, err error) (*T, error) { return &v, err }

// checkTarget refuses what the actor may not see the analytics of.
func (s *Service) checkTarget(ctx context.Context, a core.Actor, org core.OrgID, t core.ReportTarget, period core.Period) error {
	if err := core.CheckReportTarget("body.target", t); err != nil {
		return err
	}
	d, err := s.document(ctx, a, org, t, SpanInput{Period: period})
	switch {
	case core.KindOf(err) == core.KindNotFound, err == nil && d.org != org:
		return core.Invalid("body.target", "is nothing of this organisation that you may see the analytics of")
	case err != nil:
		return err
	}
	return nil
}

// apply changes a report in a unit of work, and says when it is sent next.
func (s *Service) apply(ctx context.Context, tx ports.Tx, r *core.Report, c core.ReportChange, in ChangeInput, by core.AccountID) error {
	now := s.Clock.Now()
	if in.Recipients != nil {
		accounts, err := s.recipients(ctx, tx, r.OrgID, *in.Recipients)
		if err != nil {
			return err
		}
		c.Recipients = &accounts
	}
	if c.TimeZone != nil && *c.TimeZone == "" {
		o, err := tx.Orgs.Get(ctx, r.OrgID)
		if err != nil {
			return err
		}
		c.TimeZone = new(s.zone(o.Settings.TimeZone).String())
	}
	if !r.Change(c, by, now) {
		return nil
	}
	next, err := core.NextPlanned(r.Schedule, s.zone(r.TimeZone), now, s.Schedules.Next)
	r.Reschedule(next)
	return err
}

// recipients returns the accounts that have addresses. Only people of the org get
// reports: they know who has put them on the list, and leave it with the org.
func (s *Service) recipients(ctx context.Context, tx ports.Tx, org core.OrgID, addresses []string) ([]core.AccountID, error) {
	var ids []core.AccountID
	known := make(map[core.AccountID]bool)
	for i, raw := range addresses {
		location := "body.recipients[" + strconv.Itoa(i) + "]"
		email, err := core.CleanEmail(location, raw, s.Text.NFC)
		if err != nil {
			return nil, err
		}
		found, err := tx.Accounts.List(ctx, ports.AccountQuery{OrgID: org, Email: email, Statuses: []core.AccountStatus{core.AccountActive}, Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, core.Invalid(location, "is not the address of an active member of the organisation")
		}
		if id := found[0].Account.ID; !known[id] {
			known[id] = true
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// changes is what the audit log has of a change.
func changes(before, after *core.Report) map[string]core.Change {
	out := make(map[string]core.Change)
	note := func(name string, from, to any) {
		if !reflect.DeepEqual(from, to) {
			out[name] = core.Change{From: from, To: to}
		}
	}
	note("name", before.Name, after.Name)
	note("target", targetText(before.Target), targetText(after.Target))
	note("period", string(before.Period), string(after.Period))
	note("formats", before.Formats, after.Formats)
	note("recipients", before.Recipients, after.Recipients)
	note("schedule", before.Schedule, after.Schedule)
	note("time_zone", before.TimeZone, after.TimeZone)
	note("active", before.Active, after.Active)
	note("on_behalf_of", before.OnBehalfOf.String(), after.OnBehalfOf.String())
	return out
}

func targetText(t core.ReportTarget) string {
	switch t.Kind {
	case core.ReportGroup:
		return "group " + t.GroupID.String()
	case core.ReportShare:
		return "share " + t.ShareLinkID.String()
	case core.ReportOrg:
	}
	return string(t.Kind)
}

// RunNow sends a report beside its schedule. It returns core.ErrReportRunning, and
// errors with the code feature_unavailable.
func (s *Service) RunNow(ctx context.Context, a core.Actor, org core.OrgID, id core.ReportID, once *app.Once) (run *core.ReportRun, err error) {
	f, err := s.may(ctx, a, org)
	if err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	err = once.Do(ctx, s.Store, s.Secrets, now, func(tx ports.Tx) error {
		r, err := tx.Reports.Lock(ctx, org, id)
		if err != nil {
			return err
		}
		if err := s.licensed(ctx, tx, org, core.FeatureScheduledReports); err != nil {
			return err
		}
		planned := now
		if planned.Truncate(time.Minute).Equal(planned) {
			planned = planned.Add(time.Microsecond) // whole minutes are those of schedules
		}
		if run, err = s.newRun(ctx, tx, r, planned, f.AccountID); err != nil {
			return err
		}
		if err := s.plan(ctx, tx, run, r.NextAt); err != nil {
			return err
		}
		if err := s.record(ctx, tx, f, a, "report.requested", r, map[string]core.Change{"run": {To: run.ID.String()}}); err != nil {
			return err
		}
		return once.Keep(ctx, tx, s.Secrets, run, now)
	})
	return run, err
}
