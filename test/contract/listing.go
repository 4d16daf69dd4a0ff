package contract

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// everySort lists a folder by every order, both ways, while others add to it.
func everySort(s storeTest) {
	p := s.signUp("ana")
	var all []ports.Entry
	for i, name := range []string{"B", "é", "a", "中", "b", "c", "Z"} {
		switch i % 3 {
		case 0:
			all = append(all, ports.Entry{Node: *s.folder(p, p.root(), name)})
		default: // some of the same size and time
			a := s.finish(s.reserve(p, name, int64(10-i/2)))
			a.Rename(a.Name, noon.Add(time.Duration(i/2)*time.Minute))
			s.update(func(tx ports.Tx) error { return tx.Assets.Save(s.Context(), a) })
			all = append(all, ports.Entry{Node: a.Node, File: a.File})
		}
	}
	trashed := s.folder(p, p.root(), "trashed")
	s.must(s.save(p, trashed, func() { trashed.Trash(noon) }))
	byID := func(x, y ports.Entry) int { return cmp.Compare(x.Node.ID.String(), y.Node.ID.String()) }
	byName := func(x, y ports.Entry) int { return cmp.Compare(x.Node.Name, y.Node.Name) }
	for sort, compare := range map[ports.NodeSort]func(x, y ports.Entry) int{
		"":             byName,
		ports.SortName: byName,
		ports.SortSize: func(x, y ports.Entry) int {
			return cmp.Or(cmp.Compare(x.File.SizeBytes, y.File.SizeBytes), byID(x, y))
		},
		ports.SortUpdated: func(x, y ports.Entry) int {
			return cmp.Or(x.Node.UpdatedAt.Compare(y.Node.UpdatedAt), byID(x, y))
		},
		ports.SortKind: func(x, y ports.Entry) int {
			return cmp.Or(-cmp.Compare(x.Node.Kind, y.Node.Kind), byName(x, y))
		},
	} {
		want := slices.SortedFunc(slices.Values(all), compare)
		for _, q := range []ports.NodeQuery{{Sort: sort}, {Sort: sort, Descending: true}} {
			s.equal(s.pages(p, q, all), want)
			slices.Reverse(want)
		}
	}
}

// pages turns the pages of a person's drive, and returns those of the known
// entries that it finds there. Before the first pages something comes into the folder.
func (s storeTest) pages(p person, q ports.NodeQuery, known []ports.Entry) (got []ports.Entry) {
	s.Helper()
	q.DriveID, q.ParentID, q.Limit = p.drive.ID, p.root(), 2
	for turn := range 1_000 {
		if turn < 4 {
			s.folder(p, p.root(), fmt.Sprintf("a %d", s.n.Load()))
			s.reserve(p, fmt.Sprintf("b %d", s.n.Load()), 8)
		}
		var page []ports.Entry
		s.view(func(tx ports.Tx) (err error) {
			page, err = tx.Listings.List(s.Context(), q)
			return err
		})
		if q.Sort == ports.SortName { // has a quick way, too
			f, quick, err := s.Hot.ForPage(s.Context(), p.actor(), q)
			s.must(err)
			s.must(core.CanList(f))
			s.equal(quick, page)
		}
		for _, e := range page {
			if slices.ContainsFunc(known, func(k ports.Entry) bool { return k.Node.ID == e.Node.ID }) {
				got = append(got, e)
			}
			q.After = ports.NodePosition{Name: e.Node.Name, Kind: e.Node.Kind, ID: e.Node.ID, At: e.File.SizeBytes}
			if q.Sort == ports.SortUpdated {
				q.After.At = e.Node.UpdatedAt.UnixMicro()
			}
		}
		if len(page) < q.Limit {
			return got
		}
	}
	s.Fatalf("by %q: no end", q.Sort)
	return nil
}

// found returns the names of what a search finds, two at a time.
func (s storeTest) found(p person, q ports.NodeSearch) (names []string) {
	s.Helper()
	if q.DriveID = p.drive.ID; q.Root.IsZero() {
		q.Root = p.root()
	}
	q.Limit = 2
	s.view(func(tx ports.Tx) error {
		for {
			page, err := tx.Listings.Search(s.Context(), q)
			s.must(err)
			for _, e := range page {
				names, q.Before = append(names, e.Node.Name), e.Node.ID
			}
			if len(page) < q.Limit {
				return nil
			}
		}
	})
	return names
}

func searchText(s storeTest) {
	p, other := s.signUp("ana"), s.signUp("ben")
	s.reserve(other, "report of ben", 1)
	a := s.folder(p, p.root(), "Reports")
	for _, name := range []string{"report 1", "REPORT 2", "the rePort 3", `50%_off\.txt`, "50 coff.txt", "ÉTÉ 中文.txt", "it's"} {
		s.reserveIn(p, a.ID, name, 1)
	}
	for text, want := range map[string][]string{
		"report":     {"the rePort 3", "REPORT 2", "report 1", "Reports"},
		"re":         {"REPORT 2", "report 1", "Reports"}, // short: the beginning
		"r":          {"REPORT 2", "report 1", "Reports"},
		"%_o":        {`50%_off\.txt`},
		`f\.`:        {`50%_off\.txt`},
		"50%":        {`50%_off\.txt`},
		"5_":         nil,
		"%":          nil,
		`\`:          nil,
		"été":        {"ÉTÉ 中文.txt"},
		"é":          {"ÉTÉ 中文.txt"},
		"中文":         nil,
		"中文.":        {"ÉTÉ 中文.txt"},
		"t's":        {"it's"},
		"it":         {"it's"},
		"no such":    nil,
		"\U0010ffff": nil,
	} {
		s.equal(s.found(p, ports.NodeSearch{Text: text}), want)
	}
	s.equal(len(s.found(p, ports.NodeSearch{})), 8)
}

func searchFilters(s storeTest) {
	p := s.signUp("ana")
	a := s.folder(p, p.root(), "a")
	for i, kind := range []string{"image/png", "image/jpeg", "images/x", "text/plain; charset=utf-8", "text/plainer"} {
		asset := s.finish(s.reserveIn(p, a.ID, fmt.Sprint(i), int64(100*i)))
		asset.ContentType = kind
		asset.Describe(core.Metadata{Tags: []string{"all", fmt.Sprintf("it's %d", i%2)}}, noon.Add(time.Duration(i)*time.Hour))
		s.update(func(tx ports.Tx) error { return tx.Assets.Save(s.Context(), asset) })
	}
	s.reserve(p, "untagged", 150)
	for _, c := range []struct {
		q    ports.NodeSearch
		want []string
	}{
		{ports.NodeSearch{Kind: core.KindFolder}, []string{"a"}},
		{ports.NodeSearch{Type: "image"}, []string{"1", "0"}},
		{ports.NodeSearch{Type: "image/png"}, []string{"0"}},
		{ports.NodeSearch{Type: "text/plain"}, []string{"untagged", "3"}},
		{ports.NodeSearch{Type: "ima"}, nil},
		{ports.NodeSearch{Tag: "all"}, []string{"4", "3", "2", "1", "0"}},
		{ports.NodeSearch{Tag: "it's 1"}, []string{"3", "1"}},
		{ports.NodeSearch{Tag: "it"}, nil},
		{ports.NodeSearch{MinSize: 150}, []string{"untagged", "4", "3", "2"}},
		{ports.NodeSearch{MaxSize: 150}, []string{"untagged", "1", "0"}},
		{ports.NodeSearch{MinSize: 100, MaxSize: 200, Tag: "all"}, []string{"2", "1"}},
		{ports.NodeSearch{From: noon.Add(3 * time.Hour)}, []string{"4", "3"}},
		{ports.NodeSearch{From: noon.Add(time.Hour), To: noon.Add(3 * time.Hour)}, []string{"2", "1"}},
		{ports.NodeSearch{Text: "1", Type: "image", Tag: "all", MinSize: 1, From: noon}, []string{"1"}},
	} {
		s.equal(s.found(p, c.q), c.want)
	}
}

func searchBelow(s storeTest) {
	p := s.signUp("ana")
	a := s.folder(p, p.root(), "report a")
	b := s.folder(p, a.ID, "report b")
	c := s.folder(p, p.root(), "report c")
	s.reserveIn(p, b.ID, "report in b", 1)
	s.reserveIn(p, c.ID, "report in c", 1)
	q := ports.NodeSearch{Text: "report", Root: a.ID}
	s.equal(s.found(p, q), []string{"report in b", "report b"})
	s.must(s.save(p, a, func() { a.Trash(noon) }))
	s.equal(s.found(p, q), []string(nil))
	s.equal(s.found(p, ports.NodeSearch{Text: "report"}), []string{"report in c", "report c"})
	q.Root = core.NodeID(s.id())
	s.equal(s.found(p, q), []string(nil))
}

// pageFacts: a page comes with what decides who may see it.
func pageFacts(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	folder := s.folder(ana, ana.root(), "folder")
	inner := s.folder(ana, folder.ID, "inner")
	file := s.finish(s.reserveIn(ana, inner.ID, "a", 1))
	look := func(a core.Actor, drive core.DriveID, parent core.NodeID) error {
		f, page, err := s.Hot.ForPage(s.Context(), a, ports.NodeQuery{DriveID: drive, ParentID: parent, Sort: ports.SortName, Limit: 10})
		if err != nil {
			return err
		}
		if err := core.CanList(f); err != nil {
			return err
		}
		if len(page) != 1 || f.OrgID != ana.org.ID || f.AccountID != ana.account.ID || f.Email != ana.user.Email {
			s.Errorf("%+v, %d nodes", f, len(page))
		}
		return nil
	}
	s.must(look(ana.actor(), ana.drive.ID, core.NodeID{}))
	s.must(look(ana.actor(), ana.drive.ID, inner.ID))
	s.wantErr(look(ben.actor(), ana.drive.ID, core.NodeID{}), core.ErrNotFound)
	s.wantErr(look(ben.actor(), ben.drive.ID, inner.ID), core.ErrNotFound)
	s.wantErr(look(ana.actor(), ana.drive.ID, core.NodeID(s.id())), core.ErrNotFound)
	s.wantErr(look(ana.actor(), core.DriveID(s.id()), core.NodeID{}), core.ErrNotFound)
	s.wantErr(look(ana.actor(), ana.drive.ID, file.ID), core.ErrNotFolder)
	s.wantErr(look(core.Actor{Kind: core.ActorAccount, UserID: ana.user.ID, SessionID: core.SessionID(s.id())}, ana.drive.ID, inner.ID), core.ErrUnauthenticated)
	s.must(s.save(ana, folder, func() { folder.Trash(noon) }))
	s.wantErr(look(ana.actor(), ana.drive.ID, inner.ID), core.ErrNodeTrashed)
	s.wantErr(look(ana.actor(), ana.drive.ID, folder.ID), core.ErrNodeTrashed)
	s.must(s.save(ana, folder, func() { folder.Purge(noon) }))
	s.wantErr(look(ana.actor(), ana.drive.ID, inner.ID), core.ErrNotFound)
	s.disable(ana)
	s.wantErr(look(ana.actor(), ana.drive.ID, core.NodeID{}), core.ErrUserDisabled)
}
