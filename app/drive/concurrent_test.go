package drive_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/fixture"
)

// onBoth runs a test on both databases.
func onBoth(t *testing.T, test func(f *team)) {
	t.Run("SQLite", func(t *testing.T) { limitless(newTeam(t), test) })
	t.Run("PostgreSQL", func(t *testing.T) {
		limitless(teamIn(fixture.On(t, fixture.Postgres(t, 8), true)), test)
	})
}

func limitless(f *team, test func(f *team)) {
	f.Write(func(tx ports.Tx) error {
		return tx.Licenses.Assign(f.Context(), ports.LicenseAssignment{ID: f.IDs.NewID(), OrgID: f.org, License: "enterprise", Now: f.Clock.Now()})
	})
	test(f)
}

// violations is what fsck says of the rows.
func (f *team) violations() (err error) {
	for v, failed := range f.Store.Violations(f.Context(), f.Clock.Now(), f.Clock.Now().Add(-time.Hour)) {
		if failed == nil {
			failed = fmt.Errorf("%s: %s: %s", v.Invariant, v.Subject, v.Detail)
		}
		err = errors.Join(err, failed)
	}
	return err
}

// sharedDrive makes one more drive of the team's.
func (f *team) sharedDrive() core.Scope {
	f.Helper()
	d := core.NewLibrary(core.DriveID(f.IDs.NewID()), f.org, f.Clock.Now())
	d.Name = d.ID.String()
	f.Write(func(tx ports.Tx) error { return tx.Drives.Add(f.Context(), d) })
	return f.in(f.ana, d.ID)
}

// crew are clients that work on the same two drives at once and know of each
// other's nodes.
type crew struct {
	f      *team
	scopes []core.Scope

	mu    sync.Mutex
	nodes []core.NodeID
}

func (c *crew) pick(random *rand.Rand) core.NodeID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nodes[random.IntN(len(c.nodes))]
}

func (c *crew) add(id core.NodeID, err error) error {
	if err == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.nodes = append(c.nodes, id)
	}
	return err
}

func (c *crew) entry(e *ports.Entry, err error) error {
	if err != nil {
		return err
	}
	return c.add(e.Node.ID, nil)
}

// act does something; that the others were faster is an answer like any other.
func (c *crew) act(random *rand.Rand) error {
	f, ctx := c.f, c.f.Context()
	id, parent, name := c.pick(random), c.pick(random), string(rune('a'+random.IntN(4)))
	from, err := f.EnterAt(ctx, f.ana.Actor, id)
	if err != nil {
		return err
	}
	to, err := f.EnterAt(ctx, f.ana.Actor, parent)
	if err != nil {
		return err
	}
	target := drive.Target{Scope: to, ParentID: parent, OnConflict: drive.ConflictRename}
	switch random.IntN(10) {
	case 0, 1:
		n, _, err := f.CreateFolder(ctx, to, drive.FolderInput{Name: name, ParentID: parent})
		if err != nil {
			return err
		}
		return c.add(n.ID, nil)
	case 2, 3:
		size := random.IntN(10)
		made, err := f.pending(f.ana, to.DriveID, parent, name, size)
		if err != nil {
			return err
		}
		return c.add(made.Asset.ID, f.arrive(f.ana, made, strings.Repeat("x", size)))
	case 4:
		return must(f.Rename(ctx, from, id, &name, drive.ConflictFail, 0))
	case 5, 6:
		return must(f.Move(ctx, from, id, target, 0))
	case 7:
		return c.entry(f.Copy(ctx, from, id, target, nil))
	case 8:
		return must(f.Restore(ctx, from, id, drive.RestoreInput{}))
	}
	return f.Delete(ctx, from, id, random.IntN(3) == 0, 0)
}

// serve does things until the time is over. One of the clients works off the
// jobs, as well, or what of them is there to be seen by it.
func (c *crew) serve(random *rand.Rand, end time.Time) error {
	for time.Now().Before(end) {
		err := c.act(random)
		if e, ok := errors.AsType[*core.Error](err); err != nil && (!ok || e.Kind == core.KindInternal) {
			return err
		}
		for _, job := range c.f.Queue.Take() {
			if err := c.f.run(job); err != nil {
				return fmt.Errorf("%T: %w", job, err)
			}
		}
	}
	return nil
}

func TestAtOnceATreeStaysATree(t *testing.T) {
	onBoth(t, func(f *team) {
		const clients, span = 4, 4 * time.Second
		c := &crew{f: f, scopes: []core.Scope{f.sharedDrive(), f.sharedDrive()}}
		var followers []*mirror
		for _, sc := range c.scopes {
			c.nodes = append(c.nodes, sc.Root)
			followers = append(followers, newMirror(f, sc))
		}
		end := time.Now().Add(span)
		failures := make([]error, clients+len(followers))
		var wg sync.WaitGroup
		for i := range clients {
			wg.Go(func() { failures[i] = c.serve(rand.New(rand.NewPCG(26, uint64(i))), end) })
		}
		for i, m := range followers { // while it happens
			wg.Go(func() {
				for time.Now().Before(end) && failures[clients+i] == nil {
					failures[clients+i] = m.follow()
				}
			})
		}
		wg.Wait()
		f.Must(errors.Join(failures...))
		// A client may have taken a job before its unit of work was committed.
		f.Must(errors.Join(f.Housekeep(f.Context(), drive.Housekeep{}), f.files.Reconcile(f.Context(), asset.Reconcile{})))
		f.Clock.Shift(time.Hour)
		f.Must(f.files.Reconcile(f.Context(), asset.Reconcile{}))
		for i, m := range followers {
			replay := newMirror(f, c.scopes[i])
			f.Must(errors.Join(m.follow(), m.differs(), replay.follow(), replay.differs()))
			f.Logf("%d changes led to %d nodes", m.seq, len(m.nodes))
		}
		f.Must(f.violations())
	})
}
