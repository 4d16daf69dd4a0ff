package store

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Transactions returns what has been ordered from an org, newest first, to
// those who sell for it.
func (s *Service) Transactions(ctx context.Context, a core.Actor, q ports.TransactionQuery) ([]ports.TransactionEntry, error) {
	if _, err := s.may(ctx, a, q.OrgID, core.ManageProducts); err != nil {
		return nil, err
	}
	q.BuyerID = core.UserID{}
	return s.transactions(ctx, q)
}

// Subscriptions returns the memberships that an org has sold, newest first, to
// those who sell for it.
func (s *Service) Subscriptions(ctx context.Context, a core.Actor, q ports.SubscriptionQuery) ([]*core.Subscription, error) {
	if _, err := s.may(ctx, a, q.OrgID, core.ManageProducts); err != nil {
		return nil, err
	}
	q.UserID = core.UserID{}
	return s.subscriptions(ctx, q)
}

// SalesInput says which sales are counted.
type SalesInput struct {
	OrgID     core.OrgID
	ProductID core.ProductID // zero: all
	Period    core.Period
	From, To  time.Time // zero: the last periods up to now
}

// Sales are an org's sales by period, in its time zone.
type Sales struct {
	Zone   string
	Bounds []time.Time // where the periods begin and, last, where the last ends
	Rows   []ports.Sales
}

// Sales counts what an org has sold: completed transactions, by when they were
// completed, by product and currency.
func (s *Service) Sales(ctx context.Context, a core.Actor, in SalesInput) (out Sales, err error) {
	if _, err := s.may(ctx, a, in.OrgID, core.ManageProducts); err != nil {
		return out, err
	}
	err = s.Store.View(ctx, func(tx ports.Tx) error {
		o, err := tx.Orgs.Get(ctx, in.OrgID)
		if err != nil {
			return err
		}
		zone, err := s.Zones.Location(o.Settings.TimeZone)
		if err != nil {
			zone = time.UTC // a zone that this machine has forgotten
		}
		out.Zone = zone.String()
		from, to := s.span(in, zone)
		out.Bounds, err = in.Period.Bounds(from, to, zone)
		return err
	})
	if err != nil {
		return out, err
	}
	err = s.Store.Survey(ctx, func(tx ports.Tx) (err error) {
		out.Rows, err = tx.Transactions.Sales(ctx, in.OrgID, in.ProductID, out.Bounds)
		return err
	})
	return out, err
}

// span is the time that is asked for: without a beginning, as many periods as
// one looks at together; without an end, up to now.
func (s *Service) span(in SalesInput, zone *time.Location) (from, to time.Time) {
	from, to = in.From, in.To
	if to.IsZero() {
		to = s.Clock.Now().Add(time.Microsecond)
	}
	if !from.IsZero() {
		return from, to
	}
	const days, weeks, months, years = 29, 11, 11, 4
	last := in.Period.Start(to.Add(-time.Microsecond), zone)
	switch in.Period {
	case core.PerDay, core.PerHour, core.PerCustom: // none but days are asked for
		return last.AddDate(0, 0, -days), to
	case core.PerWeek:
		return last.AddDate(0, 0, -7*weeks), to
	case core.PerMonth:
		return last.AddDate(0, -months, 0), to
	case core.PerYear:
		return last.AddDate(-years, 0, 0), to
	}
	return last, to
}
