package contract

import (
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// shareGroup stores a link, with some changes, of a group that a person makes.
func (s storeTest) shareGroup(p person, g *core.Group, change func(l *core.ShareLink)) *core.ShareLink {
	s.Helper()
	return s.share(p, core.NodeID{}, func(l *core.ShareLink) {
		l.DriveID, l.GroupID = core.DriveID{}, g.ID
		if change != nil {
			change(l)
		}
	})
}

func groupShareEqual(s storeTest) {
	ana := s.signUp("ana")
	g := s.group(ana, "g", core.GroupID{})
	l := s.shareGroup(ana, g, func(l *core.ShareLink) { l.Name, l.ShareRules = "for you", s.everyRule() })
	s.equal(s.getShare(l), l)
	a := s.access(l, core.AccessView)
	a.GroupID = s.group(ana, "nested", g.ID).ID
	_, _, err := s.Hot.Visit(s.Context(), a)
	s.must(err)
	s.equal(s.log(l), []*core.ShareAccess{a})
	l.Name, l.Version = "for all", 2
	s.must(s.saveShare(l))
	l.Views, l.LastAccessedAt = 1, noon
	s.equal(s.getShare(l), l)

	// A link leads to one thing, and nobody puts files into a group.
	for what, change := range map[string]func(l *core.ShareLink){
		"to nothing":           func(l *core.ShareLink) { l.DriveID, l.NodeID = core.DriveID{}, core.NodeID{} },
		"to two things":        func(l *core.ShareLink) { l.GroupID = g.ID },
		"to a node of nowhere": func(l *core.ShareLink) { l.DriveID = core.DriveID{} },
		"asking for files": func(l *core.ShareLink) {
			l.DriveID, l.NodeID, l.GroupID, l.Kind = core.DriveID{}, core.NodeID{}, g.ID, core.ShareUpload
		},
	} {
		bad := s.newShare(ana, ana.root())
		change(bad)
		if err := s.addShare(bad); err == nil {
			s.Errorf("a link %s was stored", what)
		}
	}
}

func groupShareLists(s storeTest) {
	ana := s.signUp("ana")
	g, other := s.group(ana, "g", core.GroupID{}), s.group(ana, "other", core.GroupID{})
	folder := s.share(ana, ana.root(), nil)
	first, second := s.shareGroup(ana, g, nil), s.shareGroup(ana, g, func(l *core.ShareLink) {
		l.ExpiresAt, l.Notify.ExpiringSoon = noon.Add(time.Hour), true
	})
	beside := s.shareGroup(ana, other, nil)
	q := ports.ShareLinkQuery{OrgID: ana.org.ID}
	s.listed(q, beside, second, first, folder)
	q.GroupID = g.ID
	s.listed(q, second, first)
	q.GroupID, q.AccountID = core.GroupID{}, ana.account.ID
	s.listed(q, folder)
	q.Groups = []core.GroupID{g.ID}
	s.listed(q, second, first, folder)
	expiring := func(want ...*core.ShareLink) {
		s.Helper()
		s.view(func(tx ports.Tx) error {
			got, err := tx.ShareLinks.Expiring(s.Context(), noon, noon.Add(2*time.Hour), 10)
			s.equal(got, append([]*core.ShareLink{}, want...))
			return err
		})
	}
	expiring(second)
	s.deleteGroup(g, noon)
	expiring()
}

// groupSharePurged: a group's links go with it, their logs first, few rows at a
// time; those of another stay.
func groupSharePurged(s storeTest) {
	ana := s.signUp("ana")
	g, other := s.group(ana, "g", core.GroupID{}), s.group(ana, "other", core.GroupID{})
	l, beside := s.shareGroup(ana, g, nil), s.shareGroup(ana, other, nil)
	for range 5 {
		s.granted(l, core.AccessView, true)
		s.granted(beside, core.AccessView, true)
	}
	s.deleteGroup(g, noon)
	s.equal(len(s.log(l)), 5)
	var purged int
	for n, steps := 1, 0; n > 0; steps++ {
		if steps > 9 {
			s.Fatal("it never ends")
		}
		s.update(func(tx ports.Tx) error {
			removed, own, err := tx.Groups.Purge(s.Context(), noon, 2)
			n, purged = removed, purged+len(own)
			return err
		})
	}
	s.equal(purged, 1)
	s.equal(len(s.log(l)), 0)
	s.equal(len(s.log(beside)), 5)
	s.view(func(tx ports.Tx) error {
		_, err := tx.ShareLinks.Find(s.Context(), l.ID)
		if !errors.Is(err, core.ErrNotFound) {
			s.Errorf("the link: %v", err)
		}
		return nil
	})
}
