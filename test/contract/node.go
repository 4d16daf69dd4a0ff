package contract

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// inTree does something with a person's tree, as its only writer.
func (s storeTest) inTree(p person, fn func(tx ports.Tx) error) error {
	return s.Update(s.Context(), func(tx ports.Tx) error {
		if err := tx.Drives.Lock(s.Context(), p.org.ID, true, p.drive.ID); err != nil {
			return err
		}
		return fn(tx)
	})
}

// folder makes a folder as a use case does.
func (s storeTest) folder(p person, parent core.NodeID, name string) *core.Node {
	s.Helper()
	var n *core.Node
	s.must(s.inTree(p, func(tx ports.Tx) error {
		trail, err := tx.Nodes.Trail(s.Context(), p.drive.ID, parent)
		s.must(err)
		s.must(trail.CheckParent(core.KindFolder, 0))
		n = core.NewFolder(core.NodeID(s.id()), &trail[0], name, p.account.ID, noon)
		return tx.Nodes.Add(s.Context(), n, trail)
	}))
	return n
}

// save stores a node after a change.
func (s storeTest) save(p person, n *core.Node, change func()) error {
	return s.inTree(p, func(tx ports.Tx) error {
		e, err := tx.Nodes.Get(s.Context(), p.drive.ID, n.ID)
		if err != nil {
			return err
		}
		*n = e.Node
		change()
		return tx.Nodes.Save(s.Context(), n)
	})
}

func (p person) root() core.NodeID { return core.RootOf(p.drive.ID) }

func folderEqual(s storeTest) {
	p := s.signUp("ana")
	a := s.folder(p, p.root(), "é 中")
	b := s.folder(p, a.ID, "b")
	file := s.finish(s.reserveIn(p, b.ID, "x", 7))
	s.view(func(tx ports.Tx) error {
		got, err := tx.Nodes.Get(s.Context(), p.drive.ID, b.ID)
		s.must(err)
		s.equal(*got, ports.Entry{Node: *b})
		got, err = tx.Nodes.ByName(s.Context(), p.drive.ID, b.ID, "x")
		s.must(err)
		s.equal(*got, ports.Entry{Node: file.Node, File: file.File})
		got, err = tx.Nodes.ByPath(s.Context(), p.drive.ID, p.root(), []string{"é 中", "b", "x"})
		s.must(err)
		s.equal(got.Node, file.Node)
		trail, err := tx.Nodes.Trail(s.Context(), p.drive.ID, file.ID)
		s.must(err)
		a.Height = 1
		root := core.NewRoot(p.drive)
		root.Height = 2
		s.equal(trail, core.Trail{file.Node, *b, *a, *root})
		none, err := tx.Nodes.Trail(s.Context(), p.drive.ID, core.NodeID(s.id()))
		s.equal(len(none), 0)
		return err
	})
	s.must(s.save(p, b, func() { b.Restore(p.root(), "c", noon.Add(time.Second)) }))
	s.must(s.save(p, b, func() { b.Purge(noon.Add(time.Minute)) }))
	s.view(func(tx ports.Tx) error {
		got, err := tx.Nodes.Get(s.Context(), p.drive.ID, b.ID)
		s.must(err)
		s.equal(got.Node, *b)
		return nil
	})
}

func nodeIsolation(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	a := s.folder(ana, ana.root(), "a")
	s.reserveIn(ana, a.ID, "x", 1)
	s.update(func(tx ports.Tx) error {
		ctx, other := s.Context(), ben.drive.ID
		trail, err := tx.Nodes.Trail(ctx, other, a.ID)
		s.must(err)
		s.equal(len(trail), 0)
		_, err = tx.Nodes.Get(ctx, other, a.ID)
		s.wantErr(err, core.ErrNotFound)
		_, err = tx.Nodes.ByName(ctx, other, a.ID, "x")
		s.wantErr(err, core.ErrNotFound)
		for _, path := range [][]string{nil, {"x"}} {
			_, err = tx.Nodes.ByPath(ctx, other, a.ID, path)
			s.wantErr(err, core.ErrNotFound)
		}
		foreign := *a
		foreign.DriveID = other
		foreign.Rename("mine", noon)
		s.wantErr(tx.Nodes.Save(ctx, &foreign), core.ErrStale)
		_, err = tx.Subtrees.Height(ctx, other, a.ID)
		s.wantErr(err, core.ErrNotFound)
		_, err = tx.Subtrees.Entries(ctx, other, a.ID, 10)
		s.wantErr(err, core.ErrNotFound)
		mixed, err := tx.Subtrees.Mixed(ctx, other, a.ID, ben.account.ID, 10)
		s.equal(mixed, false)
		s.must(err)
		_, done, err := tx.Subtrees.Reap(ctx, other, a.ID, 10)
		s.equal(done, true)
		s.must(err)
		s.wantErr(tx.Drives.Lock(ctx, ben.org.ID, false, ana.drive.ID), core.ErrNotFound)
		for _, sort := range []ports.NodeSort{ports.SortName, ports.SortKind, ports.SortSize, ports.SortUpdated} {
			list, err := tx.Listings.List(ctx, ports.NodeQuery{DriveID: other, ParentID: a.ID, Sort: sort, Limit: 10})
			s.equal(len(list), 0)
			s.must(err)
		}
		found, err := tx.Listings.Search(ctx, ports.NodeSearch{DriveID: other, Root: a.ID, Limit: 10})
		s.equal(len(found), 0)
		return err
	})
}

func nodePaths(s storeTest) {
	p := s.signUp("ana")
	a := s.folder(p, p.root(), "a")
	b := s.folder(p, a.ID, "it's ? b")
	find := func(root core.NodeID, path ...string) (id core.NodeID) {
		s.view(func(tx ports.Tx) error {
			e, err := tx.Nodes.ByPath(s.Context(), p.drive.ID, root, path)
			if err != nil {
				s.wantErr(err, core.ErrNotFound)
				return nil
			}
			id = e.Node.ID
			return nil
		})
		return id
	}
	s.equal(find(p.root()), p.root())
	s.equal(find(p.root(), "a"), a.ID)
	s.equal(find(p.root(), "a", "it's ? b"), b.ID)
	s.equal(find(a.ID, "it's ? b"), b.ID)
	s.equal(find(p.root(), "A"), core.NodeID{})
	s.equal(find(p.root(), "a", "it's ? b", "c"), core.NodeID{})
	s.equal(find(p.root(), make([]string, 100)...), core.NodeID{})
	s.must(s.save(p, a, func() { a.Trash(noon) }))
	s.equal(find(p.root(), "a", "it's ? b"), core.NodeID{})
	s.equal(find(a.ID), core.NodeID{})
}

func folderRace(s storeTest) {
	p := s.signUp("ana")
	ids := make([]core.NodeID, racers)
	for i := range ids {
		ids[i] = core.NodeID(s.id())
	}
	ok := s.race(core.ErrNameTaken, func(i int) error {
		return s.inTree(p, func(tx ports.Tx) error {
			trail, err := tx.Nodes.Trail(s.Context(), p.drive.ID, p.root())
			s.must(err)
			return tx.Nodes.Add(s.Context(), core.NewFolder(ids[i], &trail[0], "a", p.account.ID, noon), trail)
		})
	})
	s.equal(ok, 1)
}

func renameRace(s storeTest) {
	p := s.signUp("ana")
	folders := make([]*core.Node, racers)
	for i := range folders {
		folders[i] = s.folder(p, p.root(), fmt.Sprint(i))
	}
	ok := s.race(core.ErrNameTaken, func(i int) error {
		return s.save(p, folders[i], func() { folders[i].Rename("a", noon) })
	})
	s.equal(ok, 1)
}

func nodeStale(s storeTest) {
	p := s.signUp("ana")
	a := s.folder(p, p.root(), "a")
	ok := s.race(core.ErrStale, func(i int) error {
		n := *a
		n.Rename(fmt.Sprint(i), noon)
		return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Nodes.Save(s.Context(), &n) })
	})
	s.equal(ok, 1)
}

// driveLocked lets racers change one node, each on what it has read under the lock.
func driveLocked(s storeTest) {
	p := s.signUp("ana")
	a := s.folder(p, p.root(), "a")
	ok := s.race(nil, func(i int) error {
		n := *a
		return s.save(p, &n, func() { n.Rename(fmt.Sprint(i), noon) })
	})
	s.equal(ok, racers)
	missing := core.DriveID(s.id())
	s.update(func(tx ports.Tx) error {
		s.wantErr(tx.Drives.Lock(s.Context(), p.org.ID, true, p.drive.ID, missing), core.ErrNotFound)
		s.wantErr(tx.Drives.Lock(s.Context(), core.OrgID(s.id()), true), core.ErrNotFound)
		return tx.Drives.Lock(s.Context(), p.org.ID, false, p.drive.ID, p.drive.ID)
	})
}

// noCycles moves A into B while B is moved into A, again and again.
func noCycles(s storeTest) {
	const rounds = 1_000
	p := s.signUp("ana")
	a, b := s.folder(p, p.root(), "a"), s.folder(p, p.root(), "b")
	inner := s.folder(p, b.ID, "inner")
	move := func(id, into core.NodeID) error {
		return s.inTree(p, func(tx ports.Tx) error {
			to, err := tx.Nodes.Trail(s.Context(), p.drive.ID, into)
			s.must(err)
			from, err := tx.Nodes.Trail(s.Context(), p.drive.ID, id) // fails if there is a cycle
			s.must(err)
			n := from[0]
			if err := to.CheckMove(&n); err != nil {
				return err
			}
			n.Move(into, noon)
			s.must(tx.Nodes.Raise(s.Context(), to, n.Height))
			return tx.Nodes.Save(s.Context(), &n)
		})
	}
	var wg sync.WaitGroup
	for _, m := range []struct{ id, into core.NodeID }{{a.ID, inner.ID}, {b.ID, a.ID}} {
		wg.Go(func() {
			for range rounds {
				err := move(m.id, m.into)
				if errors.Is(err, core.ErrCycle) {
					err = move(m.id, p.root())
				}
				if err != nil {
					s.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func heightsRaised(s storeTest) {
	p := s.signUp("ana")
	a := s.folder(p, p.root(), "a")
	b := s.folder(p, a.ID, "b")
	c := s.folder(p, b.ID, "c")
	heights := func(id core.NodeID) (got []int) {
		s.view(func(tx ports.Tx) error {
			trail, err := tx.Nodes.Trail(s.Context(), p.drive.ID, id)
			for i := range trail {
				got = append(got, trail[i].Height)
			}
			return err
		})
		return got
	}
	s.equal(heights(c.ID), []int{0, 1, 2, 3})
	s.folder(p, a.ID, "d")
	s.equal(heights(c.ID), []int{0, 1, 2, 3})
	s.must(s.inTree(p, func(tx ports.Tx) error {
		trail, err := tx.Nodes.Trail(s.Context(), p.drive.ID, b.ID)
		s.must(err)
		return tx.Nodes.Raise(s.Context(), trail, 4)
	}))
	s.equal(heights(c.ID), []int{0, 5, 6, 7})
	s.view(func(tx ports.Tx) error {
		h, err := tx.Subtrees.Height(s.Context(), p.drive.ID, a.ID)
		s.equal(h, 2)
		return err
	})
}
