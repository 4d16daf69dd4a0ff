package bench

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/adapters/system"
	"github.com/seed-755a8038/coffer/app/analytics"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/migrations"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/env"
)

// A busy group in a year: 288 events in each quarter of an hour, 10,091,520 in
// all, of which each third is a download; 96 visitors make three of them each.
const (
	quarters                     = 365 * 96
	perQuarter, viewsPerQuarter  = 288, 192
	visitorsEach, downloadsEach  = 96, 96
	keysOfDevices, keysOfLinks   = 4, 16
	keysOfCountries, keysOfFiles = 32, 48
	quarterMicros                = 900_000_000
)

var busyYear = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// busySums fills the sums of a group as RollUp would have.
const busySums = `WITH RECURSIVE b (n, at) AS (SELECT 0, CAST(%[3]d AS bigint) UNION ALL SELECT n + 1, at + CAST(%[4]d AS bigint) FROM b WHERE n + 1 < %[5]d),
		k (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM k WHERE n + 1 < %[7]d)
	INSERT INTO group_traffic (subject_id, org_id, dim, grain, bucket, key, views, visitors, downloads, last_at)
	SELECT '%[1]s', '%[2]s', '%[6]s', %[9]d, b.at, CASE WHEN %[7]d = 1 THEN '' ELSE '00000000-0000-7000-8000-0000000000' || CAST(10 + k.n AS text) END,
		%[10]d * %[8]d / %[7]d, %[11]d * %[8]d / %[7]d, %[12]d * %[8]d / %[7]d, b.at FROM b CROSS JOIN k`

// busyGroup makes the group, in Berlin.
func busyGroup(b *testing.B, store *bunstore.Store) (core.OrgID, core.GroupID) {
	b.Helper()
	c := newCrowd(b, store)
	p := c.add(b, 1)[0]
	g := core.NewGroup(core.GroupID(c.ids.NewID()), p.org, p.account, core.GroupChange{
		Name: "busy", Order: core.GroupOrder{Sort: core.GroupByName, Layout: core.GroupGrid},
	}, c.now)
	err := store.Update(b.Context(), func(tx ports.Tx) error {
		o, err := tx.Orgs.Get(b.Context(), p.org)
		if err != nil {
			return err
		}
		zone := "Europe/Berlin"
		o.Change(core.OrgChange{TimeZone: &zone}, c.now)
		return errors.Join(tx.Orgs.Save(b.Context(), o), tx.GroupTrees.Lock(b.Context(), p.org), tx.Groups.Add(b.Context(), g, core.Unlimited))
	})
	if err != nil {
		b.Fatal(err)
	}
	fill := func(by core.TrafficBy, keys int, grain core.Grain, from time.Time, step time.Duration, n int, quartersEach int) {
		visitors := visitorsEach
		if by == core.TrafficByAsset {
			visitors = 0
		}
		text := fmt.Sprintf(busySums, g.ID, p.org, from.UnixMicro(), step.Microseconds(), n, by, keys, quartersEach, grain, viewsPerQuarter, visitors, downloadsEach)
		if _, err := store.DB().ExecContext(b.Context(), text); err != nil {
			b.Fatal(err)
		}
	}
	for by, keys := range map[core.TrafficBy]int{
		core.TrafficTotal: 1, core.TrafficByDevice: keysOfDevices, core.TrafficByLink: keysOfLinks, core.TrafficByCountry: keysOfCountries, core.TrafficByAsset: keysOfFiles,
	} {
		fill(by, keys, core.GrainQuarter, busyYear, 15*time.Minute, quarters, 1)
		fill(by, keys, core.GrainDay, busyYear, 24*time.Hour, 365, 96)
		for m := range 12 {
			from := busyYear.AddDate(0, m, 0)
			days := int(from.AddDate(0, 1, 0).Sub(from).Hours() / 24)
			fill(by, keys, core.GrainMonth, from, time.Hour, 1, 96*days)
		}
	}
	if _, err := store.DB().ExecContext(b.Context(), "ANALYZE"); err != nil { // as either database does by itself, in time
		b.Fatal(err)
	}
	return p.org, g.ID
}

// BenchmarkAnalytics asks for the year of a group with ten million events, on
// both databases and, on PostgreSQL, by counting the events anew.
func BenchmarkAnalytics(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) {
		store, err := bunstore.OpenSQLite(b.Context(), filepath.Join(b.TempDir(), "db"), migrations.SQLite())
		analyses(b, store, err)
	})
	b.Run("postgres", func(b *testing.B) {
		store, err := bunstore.OpenPostgres(env.Postgres(b), 4, migrations.Postgres())
		analyses(b, store, err)
		b.Run("recount", func(b *testing.B) { recounts(b, store) })
	})
}

func analyses(b *testing.B, store *bunstore.Store, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	if _, err := store.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	org, group := busyGroup(b, store)
	if _, err := store.DB().ExecContext(b.Context(), "ANALYZE"); err != nil {
		b.Fatal(err)
	}
	s := analytics.NewService(analytics.Deps{Store: store, Access: store, Groups: store, Clock: system.Clock{}, Zones: system.Zones{}}, analytics.Options{Unlimited: true})
	for _, period := range []core.Period{core.PerDay, core.PerMonth, core.PerYear} {
		b.Run(string(period), func(b *testing.B) {
			for b.Loop() {
				a, err := s.Of(b.Context(), org, core.Subject{GroupID: group}, analytics.Input{Period: period, From: busyYear.AddDate(0, 6, 0)})
				if err != nil {
					b.Fatal(err)
				}
				// Berlin's year begins and ends an hour before that of UTC.
				if want := int64(quarters-4) * viewsPerQuarter; period == core.PerYear && (a.Totals.Views != want || len(a.Assets) != keysOfFiles) {
					b.Fatalf("%d views, want %d, of %d files", a.Totals.Views, want, len(a.Assets))
				}
			}
		})
	}
}

// recounts counts the same from the events themselves.
func recounts(b *testing.B, store *bunstore.Store) {
	_, err := store.DB().ExecContext(b.Context(), fmt.Sprintf(`CREATE TABLE events_of_group AS
		SELECT %d + q * CAST(%d AS bigint) + e * 3000000 AS at, e >= %d AS download, q * 100 + e %% %d AS visitor, e %% %d AS country, e %% %d AS device, e %% %d AS link, e %% %d AS asset
		FROM generate_series(0, %d) AS q, generate_series(0, %d) AS e`,
		busyYear.UnixMicro(), quarterMicros, viewsPerQuarter, visitorsEach, keysOfCountries, keysOfDevices, keysOfLinks, keysOfFiles, quarters-1, perQuarter-1))
	if err != nil {
		b.Fatal(err)
	}
	zone, err := system.Zones{}.Location("Europe/Berlin")
	if err != nil {
		b.Fatal(err)
	}
	span, err := core.NewSpan(core.PerYear, busyYear.AddDate(0, 6, 0), time.Time{}, busyYear, zone)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		for _, key := range []string{"()", "country", "device", "link", "asset"} {
			var views, visitors int64
			err := store.DB().QueryRowContext(b.Context(), `SELECT CAST(sum(views) AS bigint), CAST(sum(visitors) AS bigint) FROM (
				SELECT count(*) FILTER (WHERE NOT download) AS views, count(DISTINCT visitor) AS visitors FROM events_of_group
				WHERE at >= $1 AND at < $2 GROUP BY `+key+`) AS t`, span.From.UnixMicro(), span.To.UnixMicro()).Scan(&views, &visitors)
			if want := int64(quarters-4) * viewsPerQuarter; err != nil || views != want {
				b.Fatalf("%d views, want %d: %v", views, want, err)
			}
		}
	}
}
