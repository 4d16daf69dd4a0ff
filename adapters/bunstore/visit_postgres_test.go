package bunstore_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/fixture"
)

// sharedTree is a tree on PostgreSQL with links whose visits share a lane.
type sharedTree struct {
	*tree
	links  []*core.ShareLink
	visits atomic.Int64
}

func newSharedTree(t *testing.T, links int, most int64) (*sharedTree, func() *bunstore.Store) {
	t.Helper()
	url := fixture.PostgresURL(t)
	open := func() *bunstore.Store {
		t.Helper()
		return fixture.OpenPostgres(t, url, 4)
	}
	s := open()
	tr := &sharedTree{tree: newTree(t, s)}
	now := time.UnixMicro(1).UTC()
	owner := core.NewInvitation(core.AccountID{4}, tr.org.ID, "a@example.com", core.OrgMember, core.AccountID{}, now)
	tr.update(func(tx ports.Tx) error {
		if err := tx.Accounts.Add(t.Context(), owner); err != nil {
			return err
		}
		for i := range links {
			l := &core.ShareLink{
				ID: core.ShareLinkID{5, byte(i)}, OrgID: tr.org.ID, DriveID: tr.drive.ID, NodeID: core.RootOf(tr.drive.ID), Kind: core.ShareDownload,
				CreatedBy: owner.ID, TokenHash: [32]byte{byte(i)}, Version: 1, CreatedAt: now, UpdatedAt: now,
			}
			l.MaxViews, l.MaxDownloads = core.Unlimited, most
			tr.links = append(tr.links, l)
			if err := tx.ShareLinks.Add(t.Context(), l); err != nil {
				return err
			}
		}
		return nil
	})
	return tr, open
}

func (tr *sharedTree) visit(s *bunstore.Store, l *core.ShareLink) bool {
	n := tr.visits.Add(1)
	a := &core.ShareAccess{
		ID: core.AccessID{6, byte(n >> 8), byte(n)}, LinkID: l.ID, OrgID: l.OrgID, Kind: core.AccessDownload, At: time.UnixMicro(n),
	}
	granted, _, err := s.Visit(tr.Context(), a)
	if err != nil {
		tr.Error(err)
	}
	return granted
}

// TestServersShareALimit: two servers on one database grant together what a
// link allows.
func TestServersShareALimit(t *testing.T) {
	const most, each = 7, 50
	tr, open := newSharedTree(t, 2, most)
	servers := []*bunstore.Store{tr.Store, open()}
	granted := make([]atomic.Int64, len(tr.links))
	var wg sync.WaitGroup
	for range each {
		for _, s := range servers {
			for i, l := range tr.links {
				wg.Go(func() {
					if tr.visit(s, l) {
						granted[i].Add(1)
					}
				})
			}
		}
	}
	wg.Wait()
	for i := range granted {
		if n := granted[i].Load(); n != most {
			t.Errorf("link %d: %d of %d granted", i, n, most)
		}
	}
	var rows int
	if err := tr.DB().QueryRowContext(t.Context(), `SELECT count(*) FROM share_accesses WHERE refused = 'share_exhausted'`).Scan(&rows); err != nil {
		t.Fatal(err)
	}
	if want := 2 * (2*each - most); rows != want {
		t.Errorf("%d refusals are logged, want %d", rows, want)
	}
}

// TestALockedLinkBlocksNoOther: visits of a link that somebody is changing
// wait; those of others do not, though they share a lane.
func TestALockedLinkBlocksNoOther(t *testing.T) {
	tr, _ := newSharedTree(t, 2, 100)
	tx, err := tr.DB().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(t.Context(), `UPDATE share_links SET name = 'changed' WHERE id = $1`, tr.links[0].ID); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var locked atomic.Int64
	for range 5 {
		wg.Go(func() {
			tr.visit(tr.Store, tr.links[0])
			locked.Add(1)
		})
	}
	for range 5 {
		tr.visit(tr.Store, tr.links[1])
	}
	if n := locked.Load(); n != 0 {
		t.Errorf("%d visits of the locked link have not waited", n)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if n := locked.Load(); n != 5 {
		t.Errorf("%d visits of the link that was locked", n)
	}
}
