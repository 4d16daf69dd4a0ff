package bench

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/adapters/directpay"
	"github.com/seed-755a8038/coffer/adapters/sealing"
	"github.com/seed-755a8038/coffer/adapters/system"
	"github.com/seed-755a8038/coffer/app/store"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/migrations"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/env"
)

const manyHolders = 100_000

// backlog keeps the jobs that are to be done.
type backlog struct{ jobs []ports.Job }

// Enqueue implements ports.Jobs.
func (b *backlog) Enqueue(_ context.Context, jobs ...ports.Job) error {
	b.jobs = append(b.jobs, jobs...)
	return nil
}

// market is a seller with a folder for sale, and a store with so many holders.
type market struct {
	tb      testing.TB
	store   *bunstore.Store
	crowd   *crowd
	jobs    *backlog
	selling *store.Service
	seller  *person
	product core.ProductID
	nodes   []core.NodeID // a chain of folders
}

func newMarket(tb testing.TB, db *bunstore.Store) *market {
	tb.Helper()
	m := &market{tb: tb, store: db, crowd: newCrowd(tb, db), jobs: &backlog{}}
	db.WithJobs(func(*sql.Conn, *sql.Tx) ports.Jobs { return m.jobs })
	m.seller = m.crowd.add(tb, 1)[0]
	m.product = m.crowd.product(tb, m.seller).ID
	secrets, err := sealing.New([]byte(secret))
	if err != nil {
		tb.Fatal(err)
	}
	m.selling = store.NewService(store.Deps{
		Store: db, Access: db, Secrets: secrets, Currencies: system.Currencies{}, Zones: system.Zones{}, Clock: system.Clock{}, IDs: m.crowd.ids, Text: system.Text{},
	}, store.Providers{Default: core.ProviderManual, All: map[string]ports.Payments{core.ProviderManual: directpay.Manual{}}}, store.Options{Unlimited: true})
	m.write(func(ctx context.Context, tx ports.Tx) error {
		parent, err := tx.Nodes.Trail(ctx, m.seller.drive, core.RootOf(m.seller.drive))
		if err != nil {
			return err
		}
		for range 5 {
			n := core.NewFolder(core.NodeID(m.crowd.ids.NewID()), &parent[0], "folder", m.seller.account, m.crowd.now)
			if err := tx.Nodes.Add(ctx, n, parent); err != nil {
				return err
			}
			m.nodes = append(m.nodes, n.ID)
			parent = append(core.Trail{*n}, parent...)
		}
		return tx.ProductLinks.Add(ctx, &core.ProductLink{
			ProductID: m.product, OrgID: m.seller.org, NodeID: m.nodes[0], AddedBy: m.seller.account, AddedAt: m.crowd.now,
		})
	})
	return m
}

func (m *market) write(fn func(ctx context.Context, tx ports.Tx) error) {
	m.tb.Helper()
	ctx := m.tb.Context()
	if err := m.store.Update(ctx, func(tx ports.Tx) error { return fn(ctx, tx) }); err != nil {
		m.tb.Fatal(err)
	}
}

// sell makes holders: people without anything else, each with a purchase.
func (m *market) sell(holders int) {
	m.tb.Helper()
	for done := 0; done < holders; done += 1_000 {
		m.write(func(ctx context.Context, tx ports.Tx) error {
			for range 1_000 {
				u := core.NewUser(core.UserID(m.crowd.ids.NewID()), "", "Somebody", "$argon2id$none", m.seller.org, m.crowd.now)
				u.Email = u.ID.String() + "@example.com"
				t := core.NewTransaction(core.TransactionID(m.crowd.ids.NewID()), &core.Product{ID: m.product, OrgID: m.seller.org, Type: core.Digital}, u.ID, "free", m.crowd.now)
				if _, err := t.Complete(core.Payment{}, m.crowd.now); err != nil {
					return err
				}
				if err := errors.Join(tx.Users.Add(ctx, u), tx.Transactions.Add(ctx, t)); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// spread gives a node to all holders as the jobs do, and returns how long that
// took, and the longest of its units of work.
func (m *market) spread(node core.NodeID) (took, longest time.Duration) {
	m.tb.Helper()
	m.write(func(ctx context.Context, tx ports.Tx) error {
		return tx.ProductLinks.Add(ctx, &core.ProductLink{
			ProductID: m.product, OrgID: m.seller.org, NodeID: node, Position: 9, AddedBy: m.seller.account, AddedAt: m.crowd.now,
		})
	})
	m.jobs.jobs = []ports.Job{store.Spread{OrgID: m.seller.org, ProductID: m.product, NodeID: node}}
	begin := time.Now()
	for len(m.jobs.jobs) > 0 {
		job, ok := m.jobs.jobs[0].(store.Spread)
		m.jobs.jobs = m.jobs.jobs[1:]
		if !ok {
			continue
		}
		start := time.Now()
		if err := m.selling.Spread(m.tb.Context(), job); err != nil {
			m.tb.Fatal(err)
		}
		longest = max(longest, time.Since(start))
	}
	return time.Since(begin), longest
}

// limit is what it would take in one statement.
func (m *market) limit(b *testing.B, node core.NodeID) time.Duration {
	b.Helper()
	begin := time.Now()
	_, err := m.store.DB().ExecContext(b.Context(), `INSERT INTO entitlements (id, org_id, user_id, node_id, product_id, transaction_id, created_at)
		SELECT gen_random_uuid(), t.org_id, t.buyer_id, $1, t.product_id, t.id, 1 FROM transactions t WHERE t.product_id = $2 AND t.status = 'completed'`, node.String(), m.product.String())
	if err != nil {
		b.Fatal(err)
	}
	return time.Since(begin)
}

// BenchmarkHolders links something to a product that 100,000 people have, beside
// one statement that inserts the same rows.
func BenchmarkHolders(b *testing.B) {
	db := openedFor(b)
	m := newMarket(b, db)
	m.sell(manyHolders)
	var ours, longest, limits []time.Duration
	for i := range 2 {
		limits = append(limits, m.limit(b, m.nodes[1+2*i]))
		took, unit := m.spread(m.nodes[2+2*i])
		ours, longest = append(ours, took), append(longest, unit)
	}
	best := slices.Min(ours)
	b.ReportMetric(float64(manyHolders)/best.Seconds(), "holders/s")
	b.ReportMetric(slices.Min(limits).Seconds()/best.Seconds(), "of-one-statement")
	b.ReportMetric(float64(slices.Max(longest).Milliseconds()), "ms-longest-unit")
	b.ReportMetric(0, "ns/op")
}

func openedFor(b *testing.B) *bunstore.Store {
	b.Helper()
	db, err := bunstore.OpenPostgres(env.Postgres(b), storeConns, migrations.Postgres())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	if _, err := db.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	return db
}

// BenchmarkBought asks what decides about a download: for the owner of the
// drive, for who has bought the file, and for who has bought a folder five levels
// above it, among 40,000 other entitlements.
func BenchmarkBought(b *testing.B) {
	for name, open := range map[string]func() *bunstore.Store{
		"PostgreSQL": func() *bunstore.Store { return openedFor(b) },
		"SQLite": func() *bunstore.Store {
			db, err := bunstore.OpenSQLite(b.Context(), filepath.Join(b.TempDir(), "db"), migrations.SQLite())
			if err == nil {
				_, err = db.Migrate(b.Context())
			}
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = db.Close() })
			return db
		},
	} {
		b.Run(name, func(b *testing.B) {
			m := newMarket(b, open())
			m.sell(10_000)
			for _, n := range m.nodes[1:] {
				m.spread(n)
			}
			api := newAPI(b, m.store, m.store)
			asset := upload(b, api, m.seller)
			m.write(func(ctx context.Context, tx ports.Tx) error {
				t, err := tx.Nodes.Trail(ctx, m.seller.drive, asset)
				if err != nil {
					return err
				}
				t[0].Move(m.nodes[len(m.nodes)-1], m.crowd.now)
				return tx.Nodes.Save(ctx, &t[0])
			})
			p := &core.Product{ID: m.product, OrgID: m.seller.org, Type: core.Digital, Price: core.Money{Currency: "EUR"}}
			for _, who := range []struct {
				name string
				*person
			}{{"drive role", m.seller}, {"file bought", m.crowd.buyer(b, p, asset)}, {"folder bought", m.crowd.buyer(b, p, m.nodes[0])}} {
				a := core.Actor{Kind: core.ActorAccount, UserID: who.user, SessionID: who.session}
				b.Run(who.name, func(b *testing.B) {
					for b.Loop() {
						f, err := m.store.ForDownload(b.Context(), a, asset)
						if err == nil {
							err = core.CanDownload(f, m.crowd.now)
						}
						if err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		})
	}
}
