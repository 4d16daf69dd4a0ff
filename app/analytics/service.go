// Package analytics holds the use cases of analytics: what visitors do with
// links and groups.
package analytics

import (
	"context"
	"slices"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Options are the choices of the operator.
type Options struct {
	Unlimited bool          // no licence limits
	Retention time.Duration // how long sums are kept
}

// Deps are the ports the service works on.
type Deps struct {
	Store  ports.Store
	Access ports.Access
	Groups ports.GroupAccess
	Clock  ports.Clock
	Zones  ports.Zones
}

// Service runs the use cases of analytics. It is safe for concurrent use.
type Service struct {
	Deps

	opts Options
}

// NewService returns a Service on the given ports.
func NewService(d Deps, opts Options) *Service { return &Service{Deps: d, opts: opts} }

// Input says of which time analytics are asked for: see core.NewSpan.
type Input struct {
	Period   core.Period
	From, To time.Time
}

// OfLink returns the analytics of a link, also of one that has ended, to those
// who may change it. It returns errors with the code feature_unavailable.
func (s *Service) OfLink(ctx context.Context, a core.Actor, id core.ShareLinkID, in Input) (core.Analytics, error) {
	c, err := s.Access.ForUser(ctx, a)
	if err != nil {
		return core.Analytics{}, err
	}
	if err := c.Check(); err != nil {
		return core.Analytics{}, err
	}
	var l *core.ShareLink
	err = s.Store.View(ctx, func(tx ports.Tx) (err error) {
		l, err = tx.ShareLinks.Find(ctx, id)
		return err
	})
	if err != nil {
		return core.Analytics{}, err
	}
	if err := s.mayChange(ctx, a, l); err != nil {
		return core.Analytics{}, err
	}
	return s.Of(ctx, l.OrgID, core.Subject{LinkID: id}, in)
}

// mayChange refuses a link to those who may not change it.
func (s *Service) mayChange(ctx context.Context, a core.Actor, l *core.ShareLink) error {
	if l.OfGroup() {
		f, err := s.Groups.ForGroup(ctx, a, l.GroupID)
		if err != nil {
			return err
		}
		return core.CanShareGroup(f)
	}
	f, err := s.Access.ForDrive(ctx, a, l.DriveID)
	if err != nil {
		return err
	}
	return core.CanShare(f)
}

// OfGroup returns the analytics of a group with those in it to those who may
// edit or share it. It returns errors with the code feature_unavailable.
func (s *Service) OfGroup(ctx context.Context, a core.Actor, id core.GroupID, in Input) (core.Analytics, error) {
	f, err := s.Groups.ForGroup(ctx, a, id)
	if err != nil {
		return core.Analytics{}, err
	}
	if err := core.CanSeeTraffic(f); err != nil {
		return core.Analytics{}, err
	}
	return s.Of(ctx, f.OrgID, core.Subject{GroupID: id}, in)
}

// OfOrg returns the analytics of all links in the shared drives of an org to those
// who manage its reports. It returns errors with the code feature_unavailable.
func (s *Service) OfOrg(ctx context.Context, a core.Actor, org core.OrgID, in Input) (core.Analytics, error) {
	f, err := s.Access.ForOrg(ctx, a, org)
	if err != nil {
		return core.Analytics{}, err
	}
	if err := core.CanInOrg(f, core.ManageWebhooks); err != nil {
		return core.Analytics{}, err
	}
	return s.Of(ctx, org, core.Subject{OrgID: org}, in)
}

// How many rows an answer has.
const (
	mostAssets    = 100
	mostCountries = 300
	mostDevices   = 10
	mostLinks     = 200
)

// Of returns the analytics of a link or group of an org, whoever asks.
func (s *Service) Of(ctx context.Context, org core.OrgID, subject core.Subject, in Input) (out core.Analytics, err error) {
	err = s.Store.View(ctx, func(tx ports.Tx) (err error) {
		out, err = s.begin(ctx, tx, org, in)
		return err
	})
	if err != nil {
		return out, err
	}
	if err := s.catchUp(ctx); err != nil {
		return out, err
	}
	err = s.Store.Survey(ctx, func(tx ports.Tx) (err error) {
		if out.CountedUntil, err = tx.Traffic.Waiting(ctx); err != nil {
			return err
		}
		if err := series(ctx, tx, subject, &out); err != nil {
			return err
		}
		return tops(ctx, tx, org, subject, &out)
	})
	return out, err
}

// begin finds out what is asked for, and whether the licence includes it.
func (s *Service) begin(ctx context.Context, tx ports.Tx, org core.OrgID, in Input) (out core.Analytics, err error) {
	o, err := tx.Orgs.Get(ctx, org)
	if err != nil {
		return out, err
	}
	zone, err := s.Zones.Location(o.Settings.TimeZone)
	if err != nil {
		zone = time.UTC // a zone that this machine has forgotten
	}
	license := core.UnlimitedLicense()
	if !s.opts.Unlimited {
		inForce, err := tx.Licenses.InForce(ctx, org, s.Clock.Now())
		if err != nil {
			return out, err
		}
		license = inForce.License
	}
	out.Zone, out.Level = zone.String(), license.AnalyticsLevel()
	if out.Span, err = core.NewSpan(in.Period, in.From, in.To, s.Clock.Now(), zone); err != nil {
		return out, err
	}
	return out, license.CheckSpan(out.Span)
}

func series(ctx context.Context, tx ports.Tx, subject core.Subject, out *core.Analytics) error {
	starts := out.Points()
	points, err := tx.Traffic.Points(ctx, subject, append(slices.Clip(starts), out.To))
	if err != nil {
		return err
	}
	out.Series, out.Totals = make([]core.TrafficPoint, len(points)), core.Traffic{}
	for i, p := range points {
		out.Series[i] = core.TrafficPoint{Start: starts[i], Traffic: p}
		out.Totals.Views, out.Totals.Visitors, out.Totals.Downloads = out.Totals.Views+p.Views, out.Totals.Visitors+p.Visitors, out.Totals.Downloads+p.Downloads
	}
	return nil
}

// tops finds out what the level includes beyond the series.
func tops(ctx context.Context, tx ports.Tx, org core.OrgID, subject core.Subject, out *core.Analytics) error {
	if out.Level == core.AnalyticsBasic {
		return nil
	}
	t := top{ctx, tx, ports.TrafficQuery{Subject: subject, From: out.From, To: out.To}}
	if err := t.devices(out); err != nil {
		return err
	}
	if err := t.countries(out); err != nil {
		return err
	}
	if err := t.assets(out); err != nil {
		return err
	}
	if out.Level == core.AnalyticsFull {
		if err := t.links(out); err != nil {
			return err
		}
	}
	return t.name(org, out)
}

// top asks for traffic told apart.
type top struct {
	ctx   context.Context //nolint:containedctx // of one call
	tx    ports.Tx
	query ports.TrafficQuery
}

func (t top) by(by core.TrafficBy, limit int) ([]ports.TrafficRow, error) {
	q := t.query
	q.By, q.Limit = by, limit
	return t.tx.Traffic.Tops(t.ctx, q)
}

func (t top) devices(out *core.Analytics) error {
	rows, err := t.by(core.TrafficByDevice, mostDevices)
	out.Devices = make([]core.DeviceTraffic, len(rows))
	for i, r := range rows {
		out.Devices[i] = core.DeviceTraffic{Device: core.Device(r.Key), Traffic: r.Traffic}
	}
	return err
}

func (t top) countries(out *core.Analytics) error {
	rows, err := t.by(core.TrafficByCountry, mostCountries)
	out.Countries = make([]core.CountryTraffic, len(rows))
	for i, r := range rows {
		out.Countries[i] = core.CountryTraffic{Country: r.Key, Traffic: r.Traffic}
	}
	return err
}

func (t top) assets(out *core.Analytics) error {
	rows, err := t.by(core.TrafficByAsset, mostAssets)
	out.Assets = make([]core.AssetTraffic, 0, len(rows))
	for _, r := range rows {
		id, err := core.ParseID[core.Node](r.Key)
		if err != nil {
			return err
		}
		out.Assets = append(out.Assets, core.AssetTraffic{AssetID: id, Traffic: r.Traffic})
	}
	return err
}

// links are those that a group was visited through, or the link itself.
func (t top) links(out *core.Analytics) error {
	by := core.TrafficByLink
	if !t.query.LinkID.IsZero() {
		by = core.TrafficTotal
	}
	rows, err := t.by(by, mostLinks)
	out.Links = make([]core.LinkTraffic, 0, len(rows))
	for _, r := range rows {
		id := t.query.LinkID
		if by == core.TrafficByLink {
			if id, err = core.ParseID[core.ShareLink](r.Key); err != nil {
				return err
			}
		}
		out.Links = append(out.Links, core.LinkTraffic{LinkID: id, Traffic: r.Traffic, LastAccessedAt: r.LastAt})
	}
	return err
}

// name gives assets and links their names.
func (t top) name(org core.OrgID, out *core.Analytics) error {
	assets, links := make([]core.AssetID, len(out.Assets)), make([]core.ShareLinkID, len(out.Links))
	for i := range out.Assets {
		assets[i] = out.Assets[i].AssetID
	}
	for i := range out.Links {
		links[i] = out.Links[i].LinkID
	}
	names, err := t.tx.Traffic.Names(t.ctx, org, t.query.GroupID, assets, links)
	for i := range out.Assets {
		out.Assets[i].Name = names[out.Assets[i].AssetID]
	}
	for i := range out.Links {
		out.Links[i].Name = names[out.Links[i].LinkID]
	}
	return err
}
