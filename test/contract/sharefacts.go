package contract

import (
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// opened returns what decides about a link, and what core says to a visitor.
func (s storeTest) opened(l *core.ShareLink, visitor core.Actor) (core.ShareFacts, core.AccountID, error) {
	s.Helper()
	f, account, err := s.Hot.ForShare(s.Context(), ports.ShareQuery{Hash: l.TokenHash, Visitor: visitor})
	if err != nil {
		return f, account, err
	}
	return f, account, core.CanOpen(f, core.Visitor{Address: "192.0.2.1", AccountID: account}, noon)
}

// opens checks what core says to somebody about a link.
func (s storeTest) opens(l *core.ShareLink, want error) core.ShareFacts {
	s.Helper()
	f, _, err := s.opened(l, core.Actor{})
	if !errors.Is(err, want) {
		s.Errorf("opening: %v, want %v", err, want)
	}
	return f
}

func factsShare(s storeTest) {
	ana := s.signUp("ana")
	org := *ana.org
	org.Settings.Sharing = core.SharePolicy{MaxDays: 30, PasswordRequired: false}
	org.Branding = core.Branding{LogoAssetID: core.AssetID(s.id()), PrimaryColor: "#112233", AccentColor: "#445566"}
	org.Version++
	s.must(s.saveOrg(&org))
	folder := s.folder(ana, ana.root(), "a")
	r := s.reserveIn(ana, folder.ID, "é.txt", 5)
	onFolder, onFile := s.share(ana, folder.ID, nil), s.share(ana, r.NewAsset.ID, nil)
	want := core.ShareFacts{
		Link: *onFolder, Creator: s.standingOf(ana), Policy: org.Settings.Sharing, Node: *s.nodeOf(ana, folder.ID), OrgName: org.Name, Branding: org.Branding,
	}
	s.equal(s.opens(onFolder, nil), want)
	want.Link, want.Node, want.File = *onFile, r.NewAsset.Node, r.NewAsset.File
	s.equal(s.opens(onFile, nil), want) // which is on its way
	asset := s.finish(r)
	want.Node, want.File = asset.Node, asset.File
	want.Version = core.Version{AssetID: asset.ID, OrgID: asset.OrgID, Number: 1, BlobKey: r.Upload.BlobKey, ContentType: "text/plain", SizeBytes: 5}
	s.equal(s.opens(onFile, nil), want)
	_, _, err := s.Hot.ForShare(s.Context(), ports.ShareQuery{Hash: [32]byte{1}})
	s.wantErr(err, core.ErrNotFound)
}

// standingOf is what a link's facts say of the person who made it.
func (s storeTest) standingOf(p person) core.DriveFacts {
	s.Helper()
	f, err := s.Hot.ForDrive(s.Context(), p.actor(), p.drive.ID)
	s.must(err)
	f.Email = p.user.Email
	return f
}

func (s storeTest) nodeOf(p person, id core.NodeID) (n *core.Node) {
	s.Helper()
	s.view(func(tx ports.Tx) error {
		e, err := tx.Nodes.Get(s.Context(), p.drive.ID, id)
		s.must(err)
		n = &e.Node
		return nil
	})
	return n
}

// factsShareTarget: the target comes and goes, and what is above it.
func factsShareTarget(s storeTest) {
	ana := s.signUp("ana")
	a := s.folder(ana, ana.root(), "a")
	b := s.folder(ana, a.ID, "b")
	file := s.finish(s.reserveIn(ana, b.ID, "x", 1))
	beside := s.share(ana, s.folder(ana, ana.root(), "beside").ID, nil)
	onA, onB, onFile := s.share(ana, a.ID, nil), s.share(ana, b.ID, nil), s.share(ana, file.ID, nil)
	all := func(want error, inTrash bool) {
		s.Helper()
		for _, l := range []*core.ShareLink{onA, onB, onFile} {
			s.equal(s.opens(l, want).InTrash, inTrash)
		}
		s.equal(s.opens(beside, nil).InTrash, false)
	}
	all(nil, false)
	s.trash(file)
	s.equal(s.opens(onFile, core.ErrShareUnavailable).InTrash, true)
	s.opens(onB, nil)
	s.restore(file)
	all(nil, false)
	s.must(s.save(ana, a, func() { a.Trash(noon) }))
	all(core.ErrShareUnavailable, true)
	s.must(s.save(ana, a, func() { a.Purge(noon) }))
	for _, l := range []*core.ShareLink{onA, onB, onFile} {
		f := s.opens(l, core.ErrShareUnavailable)
		s.equal([]any{f.Node, f.File, f.Version}, []any{core.Node{}, core.File{}, core.Version{}})
	}
	s.reap(ana, a.ID, 100)
	s.equal(s.opens(onFile, core.ErrShareUnavailable).Node, core.Node{})
	s.equal(s.opens(s.share(ana, core.NodeID(s.id()), nil), core.ErrShareUnavailable).Node, core.Node{})
	other := s.sharedDrive(ana, core.Unlimited)
	s.equal(s.opens(s.share(ana, other.root(), nil), core.ErrShareUnavailable).Node, core.Node{}) // of another drive
	s.opens(s.share(other, other.root(), nil), nil)
}

// factsShareCreator: a link is worth what who made it may do now.
func factsShareCreator(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	t := s.newTeam(ana, "team")
	ben.org, ben.drive = t.org, t.library
	ben.account = s.joined(t, ben, core.OrgMember, core.AccountActive)
	l := s.share(ben, ben.root(), nil)
	change := func(edit func(a *core.Account), want error) {
		s.Helper()
		a := *ben.account
		edit(&a)
		a.Version++
		s.must(s.saveAccount(&a))
		*ben.account = a
		f := s.opens(l, want)
		s.equal(f.Creator, s.standingOf(ben))
	}
	s.equal(s.opens(l, nil).Creator, s.standingOf(ben))
	change(func(a *core.Account) { a.Role = core.OrgViewer }, core.ErrShareUnavailable)
	change(func(a *core.Account) { a.Role = core.OrgAdmin }, nil)
	change(func(a *core.Account) { a.Status = core.AccountSuspended }, core.ErrShareUnavailable)
	change(func(a *core.Account) { a.Status = core.AccountRemoved }, core.ErrShareUnavailable)
	change(func(a *core.Account) { a.Status, a.Role = core.AccountActive, core.OrgMember }, nil)
	s.putMember(t.library.ID, ben.account.ID, core.DriveViewer)
	s.opens(l, core.ErrShareUnavailable)
	s.putMember(t.library.ID, ben.account.ID, core.DriveEditor)
	s.equal(s.opens(l, nil).Creator.Member, core.DriveEditor)
	s.disable(ben)
	s.equal(s.opens(l, core.ErrShareUnavailable).Creator.UserDisabled, true)

	mine := ana
	mine.org, mine.account = t.org, t.owner
	mine.drive = s.shared(t, "second", core.DriveNone)
	s.must(s.addDrive(mine.drive))
	inDrive := s.share(mine, mine.root(), nil)
	s.opens(inDrive, nil)
	s.must(mine.drive.Delete(t.org, noon))
	s.must(s.saveDrive(mine.drive))
	s.opens(inDrive, core.ErrNotFound)
	s.deleteOrg(t)
	s.opens(l, core.ErrNotFound)
}

// factsVisitor: whoever is signed in is known by their active account in the
// link's org, and else as nobody.
func factsVisitor(s storeTest) {
	ana, ben, eve := s.signUp("ana"), s.signUp("ben"), s.signUp("eve")
	t := s.newTeam(ana, "team")
	in := ana
	in.org, in.account, in.drive = t.org, t.owner, t.library
	l := s.share(in, in.root(), nil)
	is := func(a core.Actor, want core.AccountID) {
		s.Helper()
		_, got, err := s.opened(l, a)
		s.must(err)
		s.equal(got, want)
	}
	member := s.joined(t, ben, core.OrgViewer, core.AccountActive)
	is(core.Actor{}, core.AccountID{})
	is(ana.actor(), t.owner.ID)
	is(ben.actor(), member.ID)
	is(eve.actor(), core.AccountID{})
	mixed := ben.actor()
	mixed.SessionID = eve.session.ID
	is(mixed, core.AccountID{})
	mixed.SessionID = core.SessionID{}
	is(mixed, core.AccountID{})
	mixed.External = true
	is(mixed, member.ID)
	is(actorWith(s.keyOf(ana), noon), core.AccountID{})
	suspended := *member
	suspended.Status, suspended.Version = core.AccountSuspended, 2
	s.must(s.saveAccount(&suspended))
	is(ben.actor(), core.AccountID{})
	suspended.Status, suspended.Version = core.AccountActive, 3
	s.must(s.saveAccount(&suspended))
	s.update(func(tx ports.Tx) error { return tx.Sessions.Revoke(s.Context(), ben.session.ID, noon.Add(time.Second)) })
	is(ben.actor(), core.AccountID{})
	is(mixed, member.ID)
	s.disable(ben)
	is(mixed, core.AccountID{})
}
