package bench

import (
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/migrations"
)

// BenchmarkSQLite compares whole requests, on SQLite and the disk, with what
// the database does in one process: reading the same facts from 8 goroutines,
// and durable commits of the smallest kind.
func BenchmarkSQLite(b *testing.B) {
	dir := b.TempDir()
	store, err := bunstore.OpenSQLite(b.Context(), filepath.Join(dir, "coffer.db"), migrations.SQLite())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	if _, err := store.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	crowd := newCrowd(b, store)
	people := crowd.add(b, users/4) // each is a durable commit
	crowd.give(b, newAPI(b, store, store), people, files)
	s := startServer(b, dir)
	none := func() time.Duration { return 0 } // the database is in the server
	b.Run("download", func(b *testing.B) {
		contest{
			limit: func() result { return reads(b, store, people) },
			variants: []variant{{"download", s, func(took time.Duration) result {
				return load(b, s, none, took, http.StatusOK, downloads(people))
			}}},
		}.hold(b)
	})
	b.Run("create", func(b *testing.B) {
		contest{
			limit: func() result { return commits(b, store) },
			variants: []variant{{"create", s, func(took time.Duration) result {
				return load(b, s, none, took, http.StatusCreated, creates(people))
			}}},
		}.hold(b)
	})
}

// reads asks for what decides a download, from 8 goroutines.
func reads(b *testing.B, store *bunstore.Store, people []*person) result {
	b.Helper()
	const readers = 8
	var wg sync.WaitGroup
	counts := make([]int, readers)
	end := time.Now().Add(slice)
	for i := range readers {
		wg.Go(func() {
			for n := i; time.Now().Before(end); n += 31 {
				p := people[n%len(people)]
				actor := core.Actor{Kind: core.ActorAccount, UserID: p.user, SessionID: p.session, ActiveOrg: p.org}
				if _, err := store.ForDownload(b.Context(), actor, p.assets[n%len(p.assets)]); err != nil {
					b.Error(err)
					return
				}
				counts[i]++
			}
		})
	}
	wg.Wait()
	total := 0
	for _, n := range counts {
		total += n
	}
	return result{perSecond: float64(total) / slice.Seconds()}
}

// commits changes one row again and again.
func commits(b *testing.B, store *bunstore.Store) result {
	b.Helper()
	n := 0
	begin := time.Now()
	for time.Since(begin) < slice {
		if _, err := store.DB().ExecContext(b.Context(), `UPDATE licenses SET max_members = max_members + 1 WHERE name = 'starter'`); err != nil {
			b.Fatal(err)
		}
		n++
	}
	return result{perSecond: float64(n) / time.Since(begin).Seconds()}
}
