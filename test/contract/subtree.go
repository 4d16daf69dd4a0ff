package contract

import (
	"fmt"
	"slices"
	"sync"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// sharedDrive adds another drive to a person's org.
func (s storeTest) sharedDrive(p person, quota int64) person {
	s.Helper()
	d := core.NewPersonalDrive(core.DriveID(s.id()), p.org.ID, core.AccountID{}, noon)
	d.QuotaBytes = quota
	s.update(func(tx ports.Tx) error { return tx.Drives.Add(s.Context(), d) })
	p.drive = d
	return p
}

func subtreeEntries(s storeTest) {
	p := s.signUp("ana")
	a := s.folder(p, p.root(), "a")
	b := s.folder(p, a.ID, "b")
	c := s.folder(p, b.ID, "c")
	s.reserveIn(p, a.ID, "1", 1)
	file := s.finish(s.reserveIn(p, c.ID, "2", 1))
	s.folder(p, p.root(), "beside")
	trashed := s.folder(p, a.ID, "trashed")
	s.folder(p, trashed.ID, "in it")
	s.must(s.save(p, trashed, func() { trashed.Trash(noon) }))
	s.view(func(tx ports.Tx) error {
		list, err := tx.Subtrees.Entries(s.Context(), p.drive.ID, a.ID, 5)
		s.must(err)
		var names []string
		for _, e := range list {
			names = append(names, e.Node.Name)
		}
		s.equal(names, []string{"a", "1", "b", "c", "2"})
		s.equal(list[4], ports.Entry{Node: file.Node, File: file.File})
		_, err = tx.Subtrees.Entries(s.Context(), p.drive.ID, a.ID, 4)
		s.wantErr(err, core.ErrTooManyNodes)
		return nil
	})
}

func subtreeMixed(s storeTest) {
	p := s.signUp("ana")
	a := s.folder(p, p.root(), "a")
	b := s.folder(p, a.ID, "b")
	s.reserveIn(p, b.ID, "1", 1)
	mixed := func(limit int) (got bool, err error) {
		err = s.View(s.Context(), func(tx ports.Tx) (err error) {
			got, err = tx.Subtrees.Mixed(s.Context(), p.drive.ID, a.ID, p.account.ID, limit)
			return err
		})
		return got, err
	}
	got, err := mixed(2)
	s.must(err)
	s.equal(got, false)
	_, err = mixed(1)
	s.wantErr(err, core.ErrTooManyNodes)
	other := p
	other.account = &core.Account{ID: core.AccountID(s.id())}
	theirs := s.folder(other, b.ID, "theirs")
	got, err = mixed(10)
	s.must(err)
	s.equal(got, true)
	s.must(s.save(p, theirs, func() { theirs.Trash(noon) })) // there still
	got, err = mixed(10)
	s.must(err)
	s.equal(got, true)
	s.must(s.save(p, theirs, func() { theirs.Purge(noon) })) // gone
	got, err = mixed(10)
	s.must(err)
	s.equal(got, false)
}

// used is what the org and the two drives of it use.
func (s storeTest) inUse(of ...person) (got []int64) {
	s.Helper()
	s.view(func(tx ports.Tx) error {
		u, err := tx.Orgs.Usage(s.Context(), of[0].org.ID)
		s.must(err)
		got = []int64{u.UsedBytes, u.AssetsCount}
		for _, p := range of {
			d, err := tx.Drives.Get(s.Context(), p.org.ID, p.drive.ID)
			s.must(err)
			got = append(got, d.UsedBytes)
		}
		return nil
	})
	return got
}

func subtreeTransfer(s storeTest) {
	p := s.signUp("ana")
	to := s.sharedDrive(p, 100)
	a := s.folder(p, p.root(), "a")
	b := s.folder(p, a.ID, "b")
	s.finish(s.reserveIn(p, a.ID, "1", 40))
	pending := s.reserveIn(p, b.ID, "2", 50)
	big := s.reserveIn(p, b.ID, "3", 11)
	s.reserve(p, "stays", 7)
	transfer := func(name string, limit int) error {
		return s.Update(s.Context(), func(tx ports.Tx) error {
			s.must(tx.Drives.Lock(s.Context(), p.org.ID, true, p.drive.ID, to.drive.ID))
			e, err := tx.Nodes.Get(s.Context(), p.drive.ID, a.ID)
			s.must(err)
			e.Node.Restore(to.root(), name, noon)
			if err := tx.Subtrees.Transfer(s.Context(), p.org.ID, &e.Node, to.drive.ID, limit); err != nil {
				return err
			}
			s.equal(e.Node.DriveID, to.drive.ID)
			return nil
		})
	}
	s.wantErr(transfer("a", 5), &core.Error{Code: "limit_exceeded"})
	s.update(func(tx ports.Tx) error { return tx.Uploads.Abort(s.Context(), p.org.ID, big.Upload.ID) })
	s.wantErr(transfer("a", 3), core.ErrTooManyNodes)
	taken := s.folder(to, to.root(), "taken")
	s.wantErr(transfer("taken", 4), core.ErrNameTaken)
	s.equal(s.inUse(p, to), []int64{97, 3, 97, 0})
	s.must(transfer("a", 4))
	s.equal(s.inUse(p, to), []int64{97, 3, 7, 90})
	s.view(func(tx ports.Tx) error {
		list, err := tx.Subtrees.Entries(s.Context(), to.drive.ID, to.root(), 10)
		s.must(err)
		var names []string
		for _, e := range list {
			names = append(names, e.Node.Name)
		}
		s.equal(names, []string{"", "a", taken.Name, "1", "b", "2"})
		s.equal(s.uploadsOf(tx, pending.NewAsset)[0].DriveID, to.drive.ID)
		_, err = tx.Nodes.Get(s.Context(), p.drive.ID, b.ID)
		s.wantErr(err, core.ErrNotFound)
		return nil
	})
	s.finish(pending)
	s.update(func(tx ports.Tx) error {
		_, err := tx.Assets.Purge(s.Context(), p.org.ID, pending.NewAsset.ID)
		return err
	})
	s.equal(s.inUse(p, to), []int64{47, 2, 7, 40})
	s.wantErr(transferForeign(s, p, b), core.ErrNotFound)
}

// transferForeign transfers to a drive of another org.
func transferForeign(s storeTest, p person, b *core.Node) error {
	other := s.signUp("ben")
	n := s.folder(p, p.root(), "n")
	return s.Update(s.Context(), func(tx ports.Tx) error {
		n.Move(other.root(), noon)
		return tx.Subtrees.Transfer(s.Context(), p.org.ID, n, other.drive.ID, 10)
	})
}

// reap removes what is at and below a purged node, in small batches, and
// returns how many those were and the keys that are left.
func (s storeTest) reap(p person, id core.NodeID, limit int) (batches int, keys []string) {
	s.Helper()
	for done := false; !done; batches++ {
		s.must(s.inTree(p, func(tx ports.Tx) error {
			left, d, err := tx.Subtrees.Reap(s.Context(), p.drive.ID, id, limit)
			keys, done = append(keys, left.BlobKeys...), d
			return err
		}))
		if batches > 1_000 {
			s.Fatal("reaping does not end")
		}
	}
	slices.Sort(keys)
	return batches, keys
}

// begun is what an upload that has not ended leaves, in order.
func begun(r ports.Reservation) []string {
	return slices.Sorted(slices.Values(append(r.Upload.Keys(), r.Upload.SourceKey)))
}

func reapTree(s storeTest) {
	p := s.signUp("ana")
	top := s.folder(p, p.root(), "top")
	var want []string
	nodes := 1
	add := func(folder core.NodeID, name string) ports.Reservation {
		r := s.reserveIn(p, folder, name, 10)
		nodes++
		return r
	}
	for i := range 12 { // wide
		f := s.folder(p, top.ID, fmt.Sprint(i))
		nodes++
		for j := range 3 {
			r := add(f.ID, fmt.Sprint(j))
			if j == 0 { // uploading
				want = append(want, begun(r)...)
				continue
			}
			s.finish(r)
			want = append(want, r.Upload.BlobKey)
		}
	}
	for deep := top; nodes < 90; {
		deep = s.folder(p, deep.ID, "deep")
		nodes++
		want = append(want, begun(add(deep.ID, "x"))...)
		if nodes >= 90 {
			s.must(s.save(p, deep, func() { deep.Trash(noon) }))
		}
	}
	stays := s.reserve(p, "stays", 5)
	s.must(s.save(p, top, func() { top.Purge(noon) }))
	const limit = 7
	batches, keys := s.reap(p, top.ID, limit)
	slices.Sort(want)
	s.equal(keys, want)
	if least := (nodes + limit - 1) / limit; batches < least || batches > least+1 {
		s.Errorf("%d nodes were removed in %d batches of at most %d", nodes, batches, limit)
	}
	s.usage(p, core.OrgUsage{UsedBytes: 5, AssetsCount: 1})
	s.view(func(tx ports.Tx) error {
		list, err := tx.Subtrees.Entries(s.Context(), p.drive.ID, p.root(), 10)
		s.equal(len(list), 2)
		s.equal(list[1].Node.ID, stays.NewAsset.ID)
		return err
	})
	batches, keys = s.reap(p, top.ID, limit) // nothing is left
	s.equal([]any{batches, len(keys)}, []any{1, 0})
	err := s.inTree(p, func(tx ports.Tx) error {
		_, _, err := tx.Subtrees.Reap(s.Context(), p.drive.ID, stays.NewAsset.ID, limit)
		return err
	})
	if err == nil {
		s.Error("what is not purged was reaped")
	}
	file := stays.NewAsset.Node
	s.must(s.save(p, &file, func() { file.Purge(noon) }))
	_, keys = s.reap(p, file.ID, limit)
	s.equal(keys, begun(stays))
	s.usage(p, core.OrgUsage{})
}

// reapRace purges a folder that files are being uploaded into, and lets two
// workers reap it.
func reapRace(s storeTest) {
	p := s.signUp("ana")
	for range 5 {
		top := s.folder(p, p.root(), "top")
		inner := s.folder(p, top.ID, "inner")
		var wg sync.WaitGroup
		for w := range 4 {
			requests := make([]ports.Reservation, 25)
			for i := range requests {
				requests[i] = s.reservation(p, fmt.Sprintf("%d/%d", w, i), 10)
				requests[i].NewAsset.ParentID = inner.ID
			}
			wg.Go(func() {
				for _, r := range requests {
					if _, _, err := s.Hot.Reserve(s.Context(), r); err != nil {
						s.Error(err)
					}
				}
			})
		}
		purge := func() {
			if err := s.save(p, top, func() { top.Purge(noon) }); err != nil {
				s.Error(err)
			}
			var workers sync.WaitGroup
			for range 2 {
				workers.Go(func() { s.reap(p, top.ID, 3) })
			}
			workers.Wait()
		}
		wg.Go(purge)
		wg.Wait()
		s.usage(p, core.OrgUsage{})
		s.view(func(tx ports.Tx) error {
			list, err := tx.Subtrees.Entries(s.Context(), p.drive.ID, p.root(), 10)
			s.equal(len(list), 1)
			return err
		})
	}
}
