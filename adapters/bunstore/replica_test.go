package bunstore_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/migrations"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/env"
)

// replicated is a store that reads from a replica, and who watches that.
type replicated struct {
	*bunstore.Store
	*env.Replicated

	t  *testing.T
	mu sync.Mutex
	n  byte
}

func newReplicated(t *testing.T, maxLag time.Duration) *replicated {
	t.Helper()
	pair := env.Replica(t)
	s, err := bunstore.OpenPostgres(pair.PrimaryURL, 4, migrations.Postgres())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.WithReplica(pair.ReplicaURL, 4, maxLag); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		s.WatchReplica(ctx, func(used bool, err error) { t.Logf("the replica is used: %v %v", used, err) })
	})
	t.Cleanup(func() {
		stop()
		wg.Wait()
		_ = s.Close()
	})
	return &replicated{Store: s, Replicated: pair, t: t}
}

// addOrg adds the n-th org, with a drive.
func addOrg(t *testing.T, s *bunstore.Store, n byte) error {
	t.Helper()
	now := time.UnixMicro(1).UTC()
	o := core.NewOrg(core.OrgID{n}, "Acme", fmt.Sprint("acme-", n), now)
	d := core.NewLibrary(core.DriveID{n}, o.ID, now)
	return s.Update(t.Context(), func(tx ports.Tx) error {
		return errors.Join(tx.Orgs.Add(t.Context(), o, core.DriveID{n, 1}), tx.Drives.Add(t.Context(), d))
	})
}

// used waits until the replica is read, or is no longer.
func (r *replicated) used(want bool) {
	r.t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, ok := r.ReplicaLag(); ok == want {
			return
		}
		if time.Now().After(end) {
			lag, ok := r.ReplicaLag()
			r.t.Fatalf("the replica is %v behind and used: %v", lag, ok)
		}
	}
}

// add adds an org.
func (r *replicated) add() core.OrgID {
	r.t.Helper()
	r.mu.Lock()
	r.n++
	n := r.n
	r.mu.Unlock()
	if err := addOrg(r.t, r.Store, n); err != nil {
		r.t.Fatal(err)
	}
	return core.OrgID{n}
}

// listed counts the entries of an org's audit log, as Survey shows them.
func (r *replicated) listed(ctx context.Context, org core.OrgID) (n int) {
	r.t.Helper()
	err := r.Survey(ctx, func(tx ports.Tx) error {
		entries, err := tx.Audit.List(ctx, ports.AuditQuery{OrgID: org, Limit: 10})
		n = len(entries)
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

func (r *replicated) write(org core.OrgID, n byte) {
	r.t.Helper()
	err := r.Update(r.t.Context(), func(tx ports.Tx) error {
		return tx.Audit.Add(r.t.Context(), &core.AuditEntry{ID: core.AuditID{n}, OrgID: org, Action: "org.updated", ActorKind: core.ActorSystem, TargetKind: "org", At: time.UnixMicro(int64(n)).UTC()})
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

func TestSurveyReadsTheReplicaWhileItIsCloseAndViewNever(t *testing.T) {
	t.Parallel()
	const maxLag = 3 * time.Second
	r := newReplicated(t, maxLag)
	org := r.add()
	r.used(true)
	r.Pause()
	r.write(org, 1)
	if n := r.listed(t.Context(), org); n != 0 {
		if _, used := r.ReplicaLag(); used {
			t.Errorf("%d entries: not read from the replica", n)
		}
	}
	err := r.View(t.Context(), func(tx ports.Tx) error {
		entries, err := tx.Audit.List(t.Context(), ports.AuditQuery{OrgID: org, Limit: 10})
		if len(entries) != 1 {
			t.Errorf("View shows %d entries", len(entries))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	// What the replica does not have is not believed to be missing.
	if err := r.Survey(t.Context(), func(tx ports.Tx) error { _, err := tx.Orgs.Get(t.Context(), org); return err }); err != nil {
		t.Error(err)
	}
	r.used(false) // too far behind
	if n := r.listed(t.Context(), org); n != 1 {
		t.Errorf("%d entries, though the replica is too far behind", n)
	}
	r.Resume()
	r.used(true)
	if n := r.listed(t.Context(), org); n != 1 {
		t.Errorf("%d entries after it has caught up", n)
	}
}

func TestAReplicaThatGoesHarmsNoReader(t *testing.T) {
	t.Parallel()
	r := newReplicated(t, time.Second)
	org := r.add()
	r.write(org, 1)
	r.used(true)
	var wg sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				r.listed(t.Context(), org) //nolint:contextcheck // ctx says when to stop, not when to break off
			}
		})
	}
	time.Sleep(100 * time.Millisecond)
	r.StopReplica()
	r.used(false)
	time.Sleep(100 * time.Millisecond)
	stop()
	wg.Wait()
	if n := r.listed(t.Context(), org); n != 1 {
		t.Errorf("%d entries", n)
	}
	if _, err := r.ProbeReplica(t.Context()); !errors.Is(err, core.ErrUnavailable) {
		t.Errorf("the probe says %v", err)
	}
}

func TestAStoreGoesOnAfterAFailover(t *testing.T) {
	t.Parallel()
	pair := env.Replica(t)
	s, err := bunstore.OpenPostgres(pair.BothURL(), 4, migrations.Postgres())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := addOrg(t, s, 1); err != nil {
		t.Fatal(err)
	}
	pair.StopPrimary()
	if err := addOrg(t, s, 2); !errors.Is(err, core.ErrUnavailable) {
		t.Errorf("without a primary: %v", err)
	}
	pair.Promote()
	if err := addOrg(t, s, 3); err != nil {
		t.Errorf("after the failover: %v", err)
	}
}
