// Package report holds the use cases of reports: analytics as files, for those
// who ask for them and, by mail, for those who get them again and again.
package report

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Analytics counts what visitors do, for those who may know. The use cases of
// analytics do.
type Analytics interface {
	// OfGroup returns the analytics of a group; see core.NewSpan for the time.
	OfGroup(ctx context.Context, a core.Actor, id core.GroupID, s SpanInput) (core.Analytics, error)

	// OfLink returns the analytics of a link, likewise.
	OfLink(ctx context.Context, a core.Actor, id core.ShareLinkID, s SpanInput) (core.Analytics, error)

	// OfOrg returns the analytics of all links in an org's shared drives, likewise.
	OfOrg(ctx context.Context, a core.Actor, org core.OrgID, s SpanInput) (core.Analytics, error)
}

// SpanInput says of which time analytics are asked for.
type SpanInput struct {
	Period   core.Period
	From, To time.Time
}

// Options are the choices of the operator.
type Options struct {
	Unlimited bool          // no licence limits
	Mails     bool          // there is somebody to take mail
	PublicURL string        // of the API, without a slash at its end
	Retention time.Duration // how long runs are kept
}

// Deps are the ports the service works on.
type Deps struct {
	Store     ports.Store
	Access    ports.Access
	Groups    ports.GroupAccess
	Analytics Analytics
	Files     ports.ReportFiles
	Mailer    ports.Mailer
	Secrets   ports.Secrets
	Clock     ports.Clock
	IDs       ports.IDs
	Text      ports.Text
	Zones     ports.Zones
	Schedules ports.Schedules
}

// Service runs the use cases of reports. It is safe for concurrent use.
type Service struct {
	Deps

	opts Options
}

// NewService returns a Service on the given ports.
func NewService(d Deps, opts Options) *Service { return &Service{Deps: d, opts: opts} }

// may returns the actor's standing in an org whose reports they manage.
func (s *Service) may(ctx context.Context, a core.Actor, org core.OrgID) (core.OrgFacts, error) {
	f, err := s.Access.ForOrg(ctx, a, org)
	if err != nil {
		return f, err
	}
	return f, core.CanInOrg(f, core.ManageWebhooks)
}

// licensed refuses what the licence in force does not include. What is there can
// always be seen, and removed.
func (s *Service) licensed(ctx context.Context, tx ports.Tx, org core.OrgID, feature core.Feature) error {
	if s.opts.Unlimited {
		return nil
	}
	l, err := tx.Licenses.InForce(ctx, org, s.Clock.Now())
	if err != nil {
		return err
	}
	return l.CheckFeature(feature)
}

// zone returns a time zone by its name, or UTC for one that this machine has
// forgotten.
func (s *Service) zone(name string) *time.Location {
	zone, err := s.Zones.Location(name)
	if err != nil {
		return time.UTC
	}
	return zone
}

func (s *Service) record(
	ctx context.Context, tx ports.Tx, f core.OrgFacts, a core.Actor, action string, r *core.Report, changes map[string]core.Change,
) error {
	target := app.Target{Kind: "report", ID: r.ID.String()}
	return tx.Audit.Add(ctx, app.Audited(s.IDs.NewID(), f, a, action, target, changes, s.Clock.Now()))
}

// Shown is a report with its recipients, as far as they are still of the org.
type Shown struct {
	*core.Report

	Members map[core.AccountID]ports.Member
}

// show finds the recipients of reports of one org.
func show(ctx context.Context, tx ports.Tx, org core.OrgID, reports ...*core.Report) ([]Shown, error) {
	ids := []core.AccountID{}
	for _, r := range reports {
		ids = append(ids, r.Recipients...)
	}
	members, err := membersOf(ctx, tx, org, ids)
	out := make([]Shown, len(reports))
	for i, r := range reports {
		out[i] = Shown{r, members}
	}
	return out, err
}

// membersOf returns those of some accounts that are active.
func membersOf(ctx context.Context, tx ports.Tx, org core.OrgID, ids []core.AccountID) (map[core.AccountID]ports.Member, error) {
	list, err := tx.Accounts.List(ctx, ports.AccountQuery{
		OrgID: org, IDs: ids, Statuses: []core.AccountStatus{core.AccountActive}, Limit: max(len(ids), 1),
	})
	members := make(map[core.AccountID]ports.Member, len(list))
	for i := range list {
		if !list[i].UserDisabled {
			members[list[i].Account.ID] = list[i]
		}
	}
	return members, err
}

// List returns reports of an org, newest first.
func (s *Service) List(ctx context.Context, a core.Actor, q ports.ReportQuery) (out []Shown, err error) {
	if _, err := s.may(ctx, a, q.OrgID); err != nil {
		return nil, err
	}
	err = s.Store.View(ctx, func(tx ports.Tx) error {
		reports, err := tx.Reports.List(ctx, q)
		if err != nil {
			return err
		}
		out, err = show(ctx, tx, q.OrgID, reports...)
		return err
	})
	return out, err
}

// Get returns a report of an org.
func (s *Service) Get(ctx context.Context, a core.Actor, org core.OrgID, id core.ReportID) (out Shown, err error) {
	if _, err := s.may(ctx, a, org); err != nil {
		return out, err
	}
	err = s.Store.View(ctx, func(tx ports.Tx) error {
		r, err := tx.Reports.Get(ctx, org, id)
		if err != nil {
			return err
		}
		out, err = one(show(ctx, tx, org, r))
		return err
	})
	return out, err
}

func one(list []Shown, err error) (Shown, error) { return list[0], err }

// Runs returns the runs of a report, newest first.
func (s *Service) Runs(ctx context.Context, a core.Actor, q ports.ReportRunQuery) (runs []*core.ReportRun, err error) {
	if _, err := s.may(ctx, a, q.OrgID); err != nil {
		return nil, err
	}
	err = s.Store.View(ctx, func(tx ports.Tx) error {
		if _, err := tx.Reports.Get(ctx, q.OrgID, q.ReportID); err != nil {
			return err
		}
		runs, err = tx.ReportRuns.List(ctx, q)
		return err
	})
	return runs, err
}
