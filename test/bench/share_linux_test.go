package bench

import (
	"context"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/migrations"
	"github.com/seed-755a8038/coffer/ports"
)

const (
	sharedLinks  = 1_000
	oftenEnough  = int64(1) << 40 // a limit that nobody reaches
	storeConns   = 8              // of a server, unless it is told otherwise
	shareVisitor = 32             // at once
)

// shared are links to people's drives, of which limited have a limit.
type shared struct {
	store           *bunstore.Store
	crowd           *crowd
	endless, limits []*core.ShareLink
}

func newShared(b *testing.B, store *bunstore.Store, people int) *shared {
	b.Helper()
	s := &shared{store: store, crowd: newCrowd(b, store)}
	owners := s.crowd.add(b, people)
	s.endless, s.limits = s.add(b, owners, core.Unlimited), s.add(b, owners, oftenEnough)
	return s
}

func (s *shared) add(b *testing.B, owners []*person, most int64) []*core.ShareLink {
	b.Helper()
	links := make([]*core.ShareLink, sharedLinks)
	err := s.store.Update(b.Context(), func(tx ports.Tx) error {
		for i := range links {
			p := owners[i%len(owners)]
			l := core.ShareLink{
				ID: core.ShareLinkID(s.crowd.ids.NewID()), OrgID: p.org, DriveID: p.drive, NodeID: core.RootOf(p.drive), Kind: core.ShareDownload, CreatedBy: p.account,
				ShareRules: core.ShareRules{
					AllowDownload: true, AllowViewMetadata: true, MaxViews: most, MaxDownloads: most,
					Request: core.FileRequest{MaxFiles: core.Unlimited, MaxBytes: core.Unlimited},
				},
				Version: 1, CreatedAt: s.crowd.now, UpdatedAt: s.crowd.now,
			}
			l.TokenHash, l.TokenSealed = sha256.Sum256(l.ID[:]), l.ID[:]
			links[i] = &l
			if err := tx.ShareLinks.Add(b.Context(), &l); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return links
}

// visit does what decides and counts a download by a link.
func (s *shared) visit(ctx context.Context, l *core.ShareLink) error {
	if err := s.decide(ctx, l); err != nil {
		return err
	}
	return s.count(ctx, l)
}

// decide is the part of a visit that reads.
func (s *shared) decide(ctx context.Context, l *core.ShareLink) error {
	f, account, err := s.store.ForShare(ctx, ports.ShareQuery{Hash: l.TokenHash})
	if err != nil {
		return err
	}
	return core.CanOpen(f, core.Visitor{Address: "192.0.2.1", AccountID: account}, time.Now())
}

// count is the part of a visit that writes.
func (s *shared) count(ctx context.Context, l *core.ShareLink) error {
	granted, _, err := s.store.Visit(ctx, &core.ShareAccess{
		ID: core.AccessID(s.crowd.ids.NewID()), LinkID: l.ID, OrgID: l.OrgID, Kind: core.AccessDownload, Address: "192.0.2.1",
		UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", Referer: "https://example.com/", At: time.Now(),
	})
	if err == nil && !granted {
		err = core.ErrShareExhausted
	}
	return err
}

// visits lets many visit links at once for a while, or do a part of that.
func (s *shared) visits(
	b *testing.B, cpu func() time.Duration, took time.Duration, links []*core.ShareLink, visit func(context.Context, *core.ShareLink) error,
) result {
	b.Helper()
	var wg sync.WaitGroup
	all := make([][]time.Duration, shareVisitor)
	database, begin := cpu(), time.Now()
	end := begin.Add(took)
	for i := range shareVisitor {
		wg.Go(func() {
			for n := 0; ; n++ {
				start := time.Now()
				if start.After(end) {
					return
				}
				if err := visit(b.Context(), links[(i*7919+n*31)%len(links)]); err != nil {
					b.Error(err)
					return
				}
				all[i] = append(all[i], time.Since(start))
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(begin)
	database = cpu() - database
	times := slices.Concat(all...)
	if len(times) == 0 {
		b.FailNow()
	}
	slices.Sort(times)
	n := len(times)
	return result{perSecond: float64(n) / elapsed.Seconds(), p50: times[n/2], p99: times[n*99/100], database: database / time.Duration(n)}
}

// contest holds visits of many links and of one against the limit.
func (s *shared) contest(b *testing.B, cpu func() time.Duration, links []*core.ShareLink, limit func() result) {
	b.Helper()
	against := func(name string, links []*core.ShareLink, visit func(context.Context, *core.ShareLink) error) variant {
		return variant{name, nil, func(took time.Duration) result { return s.visits(b, cpu, took, links, visit) }}
	}
	contest{limit: limit, variants: []variant{
		against("many links", links, s.visit), against("one link", links[:1], s.visit),
		against("many links, only decide", links, s.decide), against("many links, only count", links, s.count),
	}}.hold(b)
	s.settled(b)
}

// settled checks that the counts are those of the log.
func (s *shared) settled(b *testing.B) {
	b.Helper()
	var counted, logged int64
	err := s.store.DB().QueryRowContext(b.Context(), `SELECT (SELECT sum(downloads) FROM share_links),
		(SELECT count(*) FROM share_accesses a JOIN share_links l ON l.id = a.link_id WHERE a.referer <> 'limit')`).Scan(&counted, &logged)
	if err != nil || counted != logged {
		b.Fatalf("%d counted, %d logged: %v", counted, logged, err)
	}
}

const (
	appendAccess = `INSERT INTO share_accesses (id, link_id, org_id, kind, refused, node_id, account_id, address, user_agent, referer, at)
		VALUES ($1, $2, $3, 'download', '', NULL, NULL, '192.0.2.1', 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'limit', 1790000000000000)`
	countAccess = `WITH u AS (UPDATE share_links SET views = views + 1, last_accessed_at = 1790000000000000
			WHERE id = $2 AND org_id = $3 AND (max_views IS NULL OR views < max_views) RETURNING id, org_id)
		INSERT INTO share_accesses (id, link_id, org_id, kind, refused, node_id, account_id, address, user_agent, referer, at)
		SELECT $1, id, org_id, 'download', '', NULL, NULL, '192.0.2.1', 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'limit', 1790000000000000 FROM u`
)

// BenchmarkShares compares visits of share links, of which each is judged by
// fresh facts, counted exactly and logged durably, with what pgbench reaches on
// many links with the writing alone: appending to the log for links without a
// limit, and a conditional update as well for those with one.
func BenchmarkShares(b *testing.B) {
	p := startPostgres(b)
	store, err := bunstore.OpenPostgres(p.dsn, storeConns, migrations.Postgres())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	if _, err := store.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	s := newShared(b, store, users/5)
	p.run(b, "VACUUM ANALYZE", "CHECKPOINT")
	for _, c := range []struct {
		name, statement string
		links           []*core.ShareLink
	}{{"no limit", appendAccess, s.endless}, {"limited", countAccess, s.limits}} {
		b.Run(c.name, func(b *testing.B) {
			id, link, org := "new", "link", "org"
			limit := newPgbench(b, p, workload{
				name: fmt.Sprintf("share_%d", len(c.statement)), text: c.statement, args: []arg{&id, &link, &org},
				source: `SELECT id AS link_id, org_id FROM share_links WHERE max_views IS ` + map[string]string{"no limit": "NULL", "limited": "NOT NULL"}[c.name],
				values: map[string]string{id: "new_asset", link: "link_id", org: "org_id"},
			})
			s.contest(b, p.cpu, c.links, func() result {
				limit.refill(b)
				return limit.measure(b)
			})
		})
	}
}

// BenchmarkSharesSQLite compares visits, on SQLite and the disk, with durable
// commits of the smallest kind.
func BenchmarkSharesSQLite(b *testing.B) {
	store, err := bunstore.OpenSQLite(b.Context(), filepath.Join(b.TempDir(), "coffer.db"), migrations.SQLite())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	if _, err := store.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	s := newShared(b, store, users/20)
	none := func() time.Duration { return 0 } // the database is in this process
	for name, links := range map[string][]*core.ShareLink{"no limit": s.endless, "limited": s.limits} {
		b.Run(name, func(b *testing.B) { s.contest(b, none, links, func() result { return commits(b, store) }) })
	}
}
