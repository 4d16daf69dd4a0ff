package contract

import (
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// listed checks which links are listed.
func (s storeTest) listed(q ports.ShareLinkQuery, want ...*core.ShareLink) {
	s.Helper()
	if q.Limit == 0 {
		q.Limit = 10
	}
	s.view(func(tx ports.Tx) error {
		got, err := tx.ShareLinks.List(s.Context(), q)
		s.equal(got, append([]*core.ShareLink{}, want...))
		return err
	})
}

func shareLists(s storeTest) {
	ana := s.signUp("ana")
	folder := s.folder(ana, ana.root(), "a")
	first := s.share(ana, ana.root(), func(l *core.ShareLink) { l.RevokedAt, l.RevokedBy = noon, ana.account.ID })
	second := s.share(ana, folder.ID, func(l *core.ShareLink) { l.ExpiresAt = noon })
	third := s.share(ana, folder.ID, func(l *core.ShareLink) { l.ExpiresAt = noon.Add(time.Microsecond) })
	fourth := s.share(ana, ana.root(), func(l *core.ShareLink) { l.DriveID = s.sharedDrive(ana, core.Unlimited).drive.ID })
	in := ports.ShareLinkQuery{OrgID: ana.org.ID}
	with := func(change func(q *ports.ShareLinkQuery)) ports.ShareLinkQuery {
		q := in
		change(&q)
		return q
	}
	s.listed(in, fourth, third, second, first)
	s.listed(with(func(q *ports.ShareLinkQuery) { q.Limit = 2 }), fourth, third)
	s.listed(with(func(q *ports.ShareLinkQuery) { q.Limit, q.Before = 1, third.ID }), second)
	s.listed(with(func(q *ports.ShareLinkQuery) { q.Before = first.ID }))
	s.listed(with(func(q *ports.ShareLinkQuery) { q.NodeID = folder.ID }), third, second)
	s.listed(with(func(q *ports.ShareLinkQuery) { q.Live, q.Now = true, noon }), fourth, third)
	s.listed(with(func(q *ports.ShareLinkQuery) { q.NodeID, q.Live, q.Now = folder.ID, true, noon.Add(time.Second) }))
	s.listed(with(func(q *ports.ShareLinkQuery) { q.OrgID, q.NodeID = s.signUp("ben").org.ID, folder.ID }))
}

// shareListStandings: somebody sees the links of drives where they may write,
// as core judges it.
func shareListStandings(s storeTest) {
	org, drives := s.company()
	owner := s.signUp("ana")
	owner.account = core.NewOwner(core.AccountID(s.id()), org.ID, owner.user.ID, noon)
	s.must(s.addAccount(owner.account))
	personal := core.NewPersonalDrive(core.DriveID(s.id()), org.ID, owner.account.ID, noon)
	s.must(s.addDrive(personal))
	gone := *drives[3]
	gone.ID, gone.Name, gone.DeletedAt = core.DriveID(s.id()), "gone", noon
	s.must(s.addDrive(&gone))
	drives = append(drives, personal, &gone)
	links := make(map[core.DriveID]*core.ShareLink)
	for _, d := range drives {
		owner.drive = d
		links[d.ID] = s.share(owner, core.RootOf(d.ID), nil)
	}
	for _, role := range []core.OrgRole{core.OrgOwner, core.OrgAdmin, core.OrgMember, core.OrgViewer} {
		for _, status := range []core.AccountStatus{core.AccountActive, core.AccountSuspended, core.AccountRemoved} {
			p := s.signUp(string(role) + string(status))
			p.account = &core.Account{
				ID: core.AccountID(s.id()), OrgID: org.ID, UserID: p.user.ID, Role: role, Status: status, Version: 1, CreatedAt: noon, UpdatedAt: noon,
			}
			s.must(s.addAccount(p.account))
			var want []*core.ShareLink
			for _, d := range drives {
				f, err := s.Hot.ForDrive(s.Context(), p.actor(), d.ID)
				if d == &gone {
					s.wantErr(err, core.ErrNotFound)
					continue
				}
				s.must(err)
				if core.CanShare(f) == nil {
					want = append([]*core.ShareLink{links[d.ID]}, want...)
				}
			}
			s.listed(ports.ShareLinkQuery{OrgID: org.ID, AccountID: p.account.ID}, want...)
		}
	}
}

func shareExpiring(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	until := func(p person, at time.Time, wished bool) *core.ShareLink {
		return s.share(p, p.root(), func(l *core.ShareLink) {
			l.ExpiresAt, l.Notify = at, core.ShareNotify{ExpiringSoon: wished, FirstView: !wished}
		})
	}
	from, to := noon.Add(time.Hour), noon.Add(2*time.Hour)
	last := until(ana, to, true)
	first := until(ben, from.Add(time.Microsecond), true)
	until(ana, from, true)
	until(ana, to.Add(time.Microsecond), true)
	until(ana, to, false)
	s.share(ana, ana.root(), func(l *core.ShareLink) { l.Notify.ExpiringSoon = true }) // never expires
	over := until(ana, to, true)
	over.Revoke(ana.account.ID, noon)
	s.must(s.saveShare(over))
	closed := s.newTeam(ana, "closed")
	in := ana
	in.org, in.account, in.drive = closed.org, closed.owner, closed.library
	until(in, to, true)
	s.deleteOrg(closed)
	s.view(func(tx ports.Tx) error {
		got, err := tx.ShareLinks.Expiring(s.Context(), from, to, 10)
		s.must(err)
		s.equal(got, []*core.ShareLink{first, last})
		got, err = tx.ShareLinks.Expiring(s.Context(), from, to, 1)
		s.equal(got, []*core.ShareLink{first})
		return err
	})
}

// accessLists logs accesses of every kind, and asks for some of them.
func accessLists(s storeTest) {
	ana := s.signUp("ana")
	l, other := s.share(ana, ana.root(), nil), s.share(ana, ana.root(), nil)
	s.granted(other, core.AccessView, true)
	var all []*core.ShareAccess // the newest first
	for i, kind := range []core.AccessKind{core.AccessView, core.AccessDownload, core.AccessPassword, core.AccessUpload, core.AccessView} {
		a := s.access(l, kind)
		a.At = noon.Add(time.Duration(i) * time.Second)
		switch i {
		case 1:
			a.NodeID, a.AccountID, a.Address, a.UserAgent, a.Referer = ana.root(), ana.account.ID, "2001:db8::1", "é 中 \"'", ""
		case 2, 4:
			a.Refused = core.ErrShareWrong.Code
		}
		granted, _, err := s.Hot.Visit(s.Context(), a)
		s.must(err)
		s.equal(granted, a.Refused == "")
		all = append([]*core.ShareAccess{a}, all...)
	}
	list := func(change func(q *ports.AccessQuery), want ...*core.ShareAccess) {
		s.Helper()
		q := ports.AccessQuery{OrgID: ana.org.ID, LinkID: l.ID, Limit: 10}
		change(&q)
		s.view(func(tx ports.Tx) error {
			got, err := tx.ShareLinks.Accesses(s.Context(), q)
			s.equal(got, append([]*core.ShareAccess{}, want...))
			return err
		})
	}
	yes, no := true, false
	list(func(*ports.AccessQuery) {}, all...)
	list(func(q *ports.AccessQuery) { q.Limit = 2 }, all[:2]...)
	list(func(q *ports.AccessQuery) { q.Limit, q.Before = 2, all[1].ID }, all[2:4]...)
	list(func(q *ports.AccessQuery) { q.Kind = core.AccessView }, all[0], all[4])
	list(func(q *ports.AccessQuery) { q.Refused = &yes }, all[0], all[2])
	list(func(q *ports.AccessQuery) { q.Refused = &no }, all[1], all[3], all[4])
	list(func(q *ports.AccessQuery) { q.From, q.To = all[3].At, all[1].At }, all[2], all[3])
	list(func(q *ports.AccessQuery) { q.OrgID = s.signUp("ben").org.ID })
	got := s.getShare(l)
	s.equal([]int64{got.Views, got.Downloads, got.Uploads}, []int64{1, 1, 1})
	s.equal(got.LastAccessedAt, all[1].At) // the upload; a refusal is none

	prune := func(t time.Time, limit, want int) {
		s.Helper()
		s.update(func(tx ports.Tx) error {
			n, err := tx.ShareLinks.PruneAccesses(s.Context(), t, limit)
			s.equal(n, want)
			return err
		})
	}
	prune(all[1].At, 2, 2) // two of noon
	list(func(*ports.AccessQuery) {}, all[:4]...)
	prune(all[1].At, 9, 2)
	prune(all[1].At, 9, 0)
	list(func(*ports.AccessQuery) {}, all[:2]...)
	s.sound()
}
