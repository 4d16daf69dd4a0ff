package contract

import (
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func shareFound(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	l := s.share(ana, ana.root(), nil)
	hers := s.share(ben, ben.root(), nil)
	s.view(func(tx ports.Tx) error {
		got, err := tx.ShareLinks.Find(s.Context(), l.ID)
		s.must(err)
		s.equal(got, l)
		_, err = tx.ShareLinks.Find(s.Context(), core.ShareLinkID(s.id()))
		s.wantErr(err, core.ErrNotFound)
		return nil
	})
	later := noon.Add(time.Hour)
	s.update(func(tx ports.Tx) error { return tx.ShareLinks.RevokeOf(s.Context(), ana.org.ID, ana.account.ID, later) })
	s.update(func(tx ports.Tx) error { // once more changes nothing
		return tx.ShareLinks.RevokeOf(s.Context(), ana.org.ID, ana.account.ID, later.Add(time.Hour))
	})
	l.Revoke(core.AccountID{}, later)
	s.equal(s.getShare(l), l)
	s.equal(s.getShare(hers), hers)
}

// shareReserves: what a visitor with a file request may reserve, and when.
func shareReserves(s storeTest) {
	ana := s.signUp("ana")
	inbox, other := s.folder(ana, ana.root(), "inbox"), s.folder(ana, ana.root(), "other")
	link := func(change func(l *core.ShareLink)) *core.ShareLink {
		return s.share(ana, inbox.ID, func(l *core.ShareLink) { l.Kind = core.ShareUpload; change(l) })
	}
	visitor := func(l *core.ShareLink) core.Actor {
		return core.Actor{Kind: core.ActorShareLink, Link: core.LinkRef{ID: l.ID, Hash: l.TokenHash}}
	}
	reserve := func(a core.Actor, folder core.NodeID, name string) bool {
		s.Helper()
		r := s.reservation(ana, name, 1)
		r.Actor, r.NewAsset.ParentID = a, folder
		g, ok, err := s.Hot.Reserve(s.Context(), r)
		s.must(err)
		if ok {
			s.equal(g, ports.Granted{DriveID: ana.drive.ID, AccountID: ana.account.ID})
		}
		return ok
	}
	l := link(func(*core.ShareLink) {})
	s.equal(reserve(visitor(l), inbox.ID, "a"), true)
	f, err := s.Hot.ForUpload(s.Context(), visitor(l), ports.UploadQuery{OrgID: ana.org.ID, DriveID: ana.drive.ID, ParentID: inbox.ID, Now: noon})
	s.must(err)
	s.must(core.CanUpload(f, 1, 1))
	s.equal(reserve(visitor(l), other.ID, "b"), false)
	s.equal(reserve(visitor(l), ana.root(), "c"), false)
	another := s.reserveIn(ana, inbox.ID, "mine", 1)
	version := s.reservation(ana, "mine", 1)
	version.Actor, version.NewAsset, version.Upload.AssetID, version.Upload.Number = visitor(l), nil, another.NewAsset.ID, 2
	_, ok, err := s.Hot.Reserve(s.Context(), version)
	s.must(err)
	s.equal(ok, false) // new files only

	forged := visitor(l)
	forged.Link.Hash[0]++
	s.equal(reserve(forged, inbox.ID, "d"), false)
	_, err = s.Hot.ForUpload(s.Context(), forged, ports.UploadQuery{OrgID: ana.org.ID, DriveID: ana.drive.ID, ParentID: inbox.ID, Now: noon})
	s.wantErr(err, core.ErrUnauthenticated)
	s.equal(reserve(visitor(link(func(l *core.ShareLink) { l.Kind = core.ShareDownload })), inbox.ID, "e"), false)
	s.equal(reserve(visitor(link(func(l *core.ShareLink) { l.ExpiresAt = noon })), inbox.ID, "f"), false)
	s.update(func(tx ports.Tx) error { return tx.ShareLinks.RevokeOf(s.Context(), ana.org.ID, ana.account.ID, noon) })
	s.equal(reserve(visitor(l), inbox.ID, "g"), false)
}
