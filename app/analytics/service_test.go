package analytics_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-755a8038/coffer/adapters/system"
	"github.com/seed-755a8038/coffer/app/analytics"
	"github.com/seed-755a8038/coffer/app/share"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/fixture"
)

type plain struct{}

func (plain) Hash(_ context.Context, password string) (string, error) { return password, nil }
func (plain) Verify(_ context.Context, hash, password string) (bool, error) {
	return hash == password, nil
}

// world is ana with a link to her drive.
type world struct {
	*fixture.World
	*analytics.Service

	shares *share.Service
	ana    fixture.Person
	link   share.Shared
}

func newWorld(t *testing.T, unlimited bool) *world {
	t.Helper()
	w := &world{World: fixture.New(t, true)}
	w.Service = analytics.NewService(analytics.Deps{Store: w.Store, Access: w.Store, Groups: w.Store, Clock: w.Clock, Zones: system.Zones{}},
		analytics.Options{Unlimited: unlimited, Retention: 400 * 24 * time.Hour})
	w.shares = share.NewService(share.Deps{
		Store: w.Store, Hot: w.Store, Blobs: w.Blobs, Secrets: w.Secrets, Passwords: plain{}, Limiter: w.Store.Limiter(), Clock: w.Clock, IDs: w.IDs, Text: w.Text,
		Countries: fixture.Visitors{}, Devices: fixture.Visitors{},
	}, share.Options{Unlimited: true, DownloadTTL: time.Hour, LogAddresses: core.AddressNone})
	w.ana = w.SignUp("ana")
	var err error
	w.link, err = w.shares.Create(t.Context(), w.ana.Actor, share.CreateInput{
		NodeID: core.RootOf(w.ana.Drive.ID), Kind: core.ShareDownload,
		RulesInput: share.RulesInput{
			Name: "link", MaxViews: core.Unlimited, MaxDownloads: core.Unlimited, AllowDownload: true, AllowViewMetadata: true,
			Request: core.FileRequest{MaxFiles: core.Unlimited, MaxBytes: core.Unlimited},
		},
	})
	w.Must(err)
	return w
}

// looks lets somebody look at the link n times.
func (w *world) looks(n int, address, agent string) {
	w.Helper()
	for range n {
		_, _, err := w.shares.Enter(w.Context(), share.Visit{
			Token: w.link.Token, From: core.Client{Address: address, Network: address, UserAgent: agent},
		}, core.NodeID{}, core.AccessView)
		w.Must(err)
	}
}

func (w *world) of(in analytics.Input) core.Analytics {
	w.Helper()
	a, err := w.OfLink(w.Context(), w.ana.Actor, w.link.Link.ID, in)
	w.Must(err)
	return a
}

func (w *world) equal(got, want any) {
	w.Helper()
	if d := cmp.Diff(want, got); d != "" {
		w.Errorf("(-want +got)\n%s", d)
	}
}

func TestVisitorsAreCountedOnceADay(t *testing.T) {
	w := newWorld(t, true)
	w.looks(3, "192.0.2.1", "mobile")
	w.looks(1, "192.0.2.1", "desktop")
	w.looks(2, "198.51.100.1", "mobile")
	w.looks(1, "203.0.113.1", "")
	got := w.of(analytics.Input{Period: core.PerDay})
	w.equal(got.Totals, core.Traffic{Views: 7, Visitors: 4})
	w.equal(len(got.Series), 24)
	w.equal(got.Countries, []core.CountryTraffic{
		{Country: "DE", Traffic: core.Traffic{Views: 4, Visitors: 2}},
		{Country: "FR", Traffic: core.Traffic{Views: 2, Visitors: 1}},
		{Country: core.CountryUnknown, Traffic: core.Traffic{Views: 1, Visitors: 1}},
	})
	w.equal(got.Devices, []core.DeviceTraffic{
		{Device: core.DeviceMobile, Traffic: core.Traffic{Views: 5, Visitors: 2}},
		{Device: core.DeviceDesktop, Traffic: core.Traffic{Views: 1, Visitors: 1}},
		{Device: core.DeviceUnknown, Traffic: core.Traffic{Views: 1, Visitors: 1}},
	})
	w.equal(got.Assets, []core.AssetTraffic{})
	w.equal(got.Links, []core.LinkTraffic{{LinkID: w.link.Link.ID, Name: "link", Traffic: got.Totals, LastAccessedAt: w.Clock.Now()}})

	w.Clock.Shift(24 * time.Hour)
	w.looks(1, "192.0.2.1", "mobile")
	w.equal(w.of(analytics.Input{Period: core.PerYear}).Totals, core.Traffic{Views: 8, Visitors: 5})
	w.equal(w.of(analytics.Input{Period: core.PerDay}).Totals, core.Traffic{Views: 1, Visitors: 1})
}

// TestNobodyIsRemembered: the same visitor has another hash in each org and on
// each day, and nothing of them is there when the day is over.
func TestNobodyIsRemembered(t *testing.T) {
	w := newWorld(t, true)
	count := func(query string) (n int) {
		w.Must(w.Store.DB().QueryRowContext(t.Context(), query).Scan(&n))
		return n
	}
	w.looks(1, "192.0.2.1", "mobile")
	w.Clock.Shift(24 * time.Hour)
	w.looks(1, "192.0.2.1", "mobile")
	w.equal(count(`SELECT count(DISTINCT visitor) FROM share_visits`), 2)
	w.equal(count(`SELECT count(*) FROM visitor_salts`), 2)
	w.Must(w.RollUp(t.Context(), analytics.RollUp{}))
	w.equal(count(`SELECT count(*) FROM share_visits`), 0)
	w.Must(w.Prune(t.Context(), analytics.Prune{}))
	w.equal(count(`SELECT count(*) FROM visitor_salts`), 1)
	w.equal(count(`SELECT count(*) FROM link_visitors`), 1)
	w.Clock.Shift(24 * time.Hour)
	w.Must(w.Prune(t.Context(), analytics.Prune{}))
	w.equal(count(`SELECT (SELECT count(*) FROM visitor_salts) + (SELECT count(*) FROM link_visitors)`), 0)
	w.equal(w.of(analytics.Input{Period: core.PerYear}).Totals, core.Traffic{Views: 2, Visitors: 2})
	w.Clock.Shift(470 * 24 * time.Hour)
	w.Must(w.Prune(t.Context(), analytics.Prune{}))
	w.equal(count(`SELECT count(*) FROM link_traffic`), 0)
}

// TestWhoCameIsForgottenThoughVisitsWait: after a rest of days both jobs are due at
// once, in no order.
func TestWhoCameIsForgottenThoughVisitsWait(t *testing.T) {
	w := newWorld(t, true)
	w.looks(1, "192.0.2.1", "mobile")
	w.Must(w.RollUp(t.Context(), analytics.RollUp{}))
	w.looks(1, "192.0.2.2", "mobile")
	w.Clock.Shift(3 * 24 * time.Hour)
	w.Must(w.Prune(t.Context(), analytics.Prune{}))
	var n int
	w.Must(w.Store.DB().QueryRowContext(t.Context(), `SELECT (SELECT count(*) FROM visitor_salts) + (SELECT count(*) FROM link_visitors)`).Scan(&n))
	w.equal(n, 0)
	w.equal(w.of(analytics.Input{Period: core.PerYear}).Totals, core.Traffic{Views: 2, Visitors: 2})
}

func TestALicenceSaysWhatIsShown(t *testing.T) {
	w := newWorld(t, false)
	from, to := w.Clock.Now().Add(-72*time.Hour), w.Clock.Now()
	w.looks(2, "192.0.2.1", "mobile")
	for _, c := range []struct {
		license  string
		refused  []core.Period
		advanced bool
		full     bool
	}{
		{"free", []core.Period{core.PerMonth, core.PerYear, core.PerCustom}, false, false},
		{"pro", []core.Period{core.PerCustom}, true, false},
		{"enterprise", nil, true, true},
	} {
		w.Clock.Shift(time.Second)
		w.Write(func(tx ports.Tx) error {
			return tx.Licenses.Assign(t.Context(), ports.LicenseAssignment{ID: w.IDs.NewID(), OrgID: w.ana.Org.ID, License: c.license, Now: w.Clock.Now()})
		})
		for _, p := range []core.Period{core.PerDay, core.PerWeek, core.PerMonth, core.PerYear, core.PerCustom} {
			in := analytics.Input{Period: p}
			if p == core.PerCustom {
				in.From, in.To = from, to
			}
			a, err := w.OfLink(t.Context(), w.ana.Actor, w.link.Link.ID, in)
			refused := false
			for _, r := range c.refused {
				refused = refused || r == p
			}
			if e, ok := errors.AsType[*core.Error](err); refused != (ok && e.Code == "feature_unavailable") {
				t.Errorf("%s, %s: %v", c.license, p, err)
			}
			if refused {
				continue
			}
			w.equal([]any{a.Totals.Views, a.Assets != nil, a.Countries != nil, a.Devices != nil, a.Links != nil}, []any{int64(2), c.advanced, c.advanced, c.advanced, c.full})
		}
	}
}

func TestWhoMaySee(t *testing.T) {
	w := newWorld(t, true)
	ben := w.SignUp("ben")
	_, err := w.OfLink(t.Context(), ben.Actor, w.link.Link.ID, analytics.Input{})
	w.Fails(err, core.ErrNotFound)
	_, err = w.OfLink(t.Context(), core.Actor{}, w.link.Link.ID, analytics.Input{})
	w.Fails(err, core.ErrUnauthenticated)
	_, err = w.OfGroup(t.Context(), w.ana.Actor, core.GroupID{1}, analytics.Input{})
	w.Fails(err, core.ErrNotFound)
	for _, in := range []analytics.Input{
		{Period: "decade"},
		{Period: core.PerCustom},
		{Period: core.PerDay, To: w.Clock.Now()},
		{To: w.Clock.Now()},
		{From: w.Clock.Now(), To: w.Clock.Now()},
		{From: w.Clock.Now().AddDate(-6, 0, 0), To: w.Clock.Now()},
		{From: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		_, err := w.OfLink(t.Context(), w.ana.Actor, w.link.Link.ID, in)
		if e, ok := errors.AsType[*core.Error](err); !ok || e.Code != "validation_failed" {
			t.Errorf("%+v: %v", in, err)
		}
	}
}
