package contract

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func trashedNamesFree(s storeTest) {
	p := s.signUp("ana")
	a := s.folder(p, p.root(), "a")
	s.must(s.save(p, a, func() { a.Trash(noon) }))
	s.folder(p, p.root(), "a")
	s.wantErr(s.save(p, a, func() { a.Restore(p.root(), "a", noon) }), core.ErrNameTaken)
	s.must(s.save(p, a, func() { a.Restore(p.root(), "a (1)", noon) }))
	s.view(func(tx ports.Tx) error {
		e, err := tx.Nodes.ByName(s.Context(), p.drive.ID, p.root(), "a (1)")
		s.must(err)
		s.equal(e.Node, *a)
		return nil
	})
}

func factsNode(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	a := s.folder(ana, ana.root(), "a")
	f, err := s.Hot.ForNode(s.Context(), ana.actor(), a.ID)
	s.must(err)
	s.equal(f.Node, *a)
	want, err := s.Hot.ForDrive(s.Context(), ana.actor(), ana.drive.ID)
	s.must(err)
	s.equal(f.Email, ana.user.Email)
	want.Email = f.Email
	s.equal(f.DriveFacts, want)
	f, err = s.Hot.ForNode(s.Context(), ana.actor(), ana.root())
	s.must(err)
	s.equal(f.Node.IsRoot(), true)
	f, err = s.Hot.ForNode(s.Context(), ben.actor(), a.ID)
	s.must(err)
	s.wantErr(core.CanInDrive(f.DriveFacts, core.DriveViewer), core.ErrNotFound)
	_, err = s.Hot.ForNode(s.Context(), ana.actor(), core.NodeID(s.id()))
	s.wantErr(err, core.ErrNotFound)
	s.disable(ben)
	f, err = s.Hot.ForNode(s.Context(), ben.actor(), core.NodeID(s.id()))
	s.must(err)
	s.wantErr(f.Check(), core.ErrUserDisabled)
}

// trashBelow puts a folder into the trash and asks everybody about a file two
// levels below it.
func trashBelow(s storeTest) {
	p := s.signUp("ana")
	a := s.folder(p, p.root(), "a")
	b := s.folder(p, a.ID, "b")
	file := s.finish(s.reserveIn(p, b.ID, "x", 1))
	other := s.finish(s.reserve(p, "other", 1))
	reserve := func() bool {
		r := s.reservation(p, "more", 1)
		r.NewAsset.ParentID = b.ID
		_, ok, err := s.Hot.Reserve(s.Context(), r)
		s.must(err)
		return ok
	}
	s.must(s.save(p, a, func() { a.Trash(noon) }))
	for _, ask := range s.asks() {
		f, err := ask(s.Context(), p.actor(), file.ID)
		s.must(err)
		s.equal(f.InTrash, true)
		s.wantErr(core.CanDownload(f, noon), core.ErrAssetTrashed)
		f, err = ask(s.Context(), p.actor(), other.ID)
		s.must(err)
		s.equal(f.InTrash, false)
	}
	s.equal(s.assets(p), []core.NodeID{other.ID})
	s.equal(reserve(), false)
	s.equal(s.uploadFacts(p, b.ID).ParentLive, false)
	_, err := s.Hot.ForNode(s.Context(), p.actor(), b.ID)
	s.must(err)

	s.must(s.save(p, a, func() { a.Purge(noon) }))
	for _, id := range []core.NodeID{file.ID, b.ID, a.ID} {
		_, err := s.Hot.ForNode(s.Context(), p.actor(), id)
		s.wantErr(err, core.ErrNotFound)
	}
	for _, ask := range s.asks() {
		_, err := ask(s.Context(), p.actor(), file.ID)
		s.wantErr(err, core.ErrNotFound)
		_, err = ask(s.Context(), p.actor(), other.ID)
		s.must(err)
	}
	s.equal(s.assets(p), []core.NodeID{other.ID})
	s.equal(reserve(), false)

	s.must(s.save(p, a, func() { a.PurgedAt = time.Time{}; a.Restore(p.root(), "a", noon) }))
	s.equal(s.assets(p), []core.NodeID{other.ID, file.ID})
	s.equal(reserve(), true)
}

func (s storeTest) asks() []func(context.Context, core.Actor, core.AssetID) (core.AssetFacts, error) {
	return []func(context.Context, core.Actor, core.AssetID) (core.AssetFacts, error){s.Hot.ForAsset, s.Hot.ForDownload}
}

// assets returns the ids of all assets that a person can list, newest first.
func (s storeTest) assets(p person) (ids []core.NodeID) {
	s.Helper()
	s.view(func(tx ports.Tx) error {
		list, err := tx.Assets.List(s.Context(), ports.AssetQuery{OrgID: p.org.ID, AccountID: p.account.ID, Limit: 100})
		for _, a := range list {
			ids = append(ids, a.ID)
		}
		return err
	})
	return ids
}

// trashListed trashes things one after the other and turns the pages of the trash.
func trashListed(s storeTest) {
	p, other := s.signUp("ana"), s.signUp("ben")
	theirs := s.folder(other, other.root(), "theirs")
	s.must(s.save(other, theirs, func() { theirs.Trash(noon) }))
	a := s.folder(p, p.root(), "a")
	b := s.folder(p, a.ID, "b")
	file := s.finish(s.reserveIn(p, b.ID, "x", 1)).Node
	c := s.folder(p, p.root(), "c")
	gone := s.folder(p, p.root(), "gone")
	inGone := s.folder(p, gone.ID, "in gone")
	for i, n := range []*core.Node{&file, a, c, inGone, gone} { // c and inGone at the same time
		s.must(s.save(p, n, func() { n.Trash(noon.Add(time.Duration(min(i, 2)) * time.Minute)) }))
	}
	s.must(s.save(p, gone, func() { gone.Purge(noon) }))
	var got []core.NodeID
	s.view(func(tx ports.Tx) error {
		q := ports.TrashQuery{DriveID: p.drive.ID, Limit: 1}
		for {
			page, err := tx.Listings.ListTrash(s.Context(), q)
			s.must(err)
			if len(page) == 0 {
				return nil
			}
			got = append(got, page[0].Node.ID)
			q.Before = ports.TrashPosition{TrashedAt: page[0].Node.TrashedAt, ID: page[0].Node.ID}
		}
	})
	s.equal(got, []core.NodeID{c.ID, a.ID, file.ID})
	s.view(func(tx ports.Tx) error {
		old, err := tx.Listings.OldTrash(s.Context(), noon.Add(2*time.Minute), 10)
		s.equal(old, []core.Node{*theirs, file, *a})
		s.must(err)
		purging, err := tx.Subtrees.Purging(s.Context(), 10)
		s.equal(purging, []core.Node{*gone})
		return err
	})
}
