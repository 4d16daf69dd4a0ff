package share_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/app/share"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// groups makes a group of ana's and a link of it.
func (w *world) groups(edit func(g *core.Group, in *share.RulesInput)) (*core.Group, share.Shared) {
	w.Helper()
	g := core.NewGroup(core.GroupID(w.IDs.NewID()), w.ana.Org.ID, w.ana.Account.ID, core.GroupChange{
		Name: "Spring", Order: core.GroupOrder{Sort: core.GroupByName, Layout: core.GroupGrid},
	}, w.Clock.Now())
	in := share.RulesInput{
		MaxViews: core.Unlimited, MaxDownloads: core.Unlimited, AllowDownload: true, AllowViewMetadata: true,
		Request: core.FileRequest{MaxFiles: core.Unlimited, MaxBytes: core.Unlimited},
	}
	edit(g, &in)
	w.Write(func(tx ports.Tx) error { return tx.Groups.Add(w.Context(), g, core.Unlimited) })
	made, err := w.Create(w.Context(), w.ana.Actor, share.CreateInput{GroupID: g.ID, Kind: core.ShareDownload, RulesInput: in})
	w.Must(err)
	return g, made
}

func TestAVisitOfAGroupIsCountedOnce(t *testing.T) {
	w := newWorld(t, core.AddressFull)
	g, made := w.groups(func(_ *core.Group, in *share.RulesInput) {
		in.MaxViews, in.Notify = 2, core.ShareNotify{FirstView: true, LimitReached: true}
	})
	v := visit(made)
	quiet := v
	quiet.Quiet = true
	look := share.GroupInput{Kind: core.AccessView, Files: 10, Groups: 10}
	if c, err := w.EnterGroup(t.Context(), quiet, look); err != nil || c.Itself.Name != "" {
		t.Errorf("a quiet visit is shown %q, %v", c.Itself.Name, err)
	}
	for _, want := range []string{"Your link was opened", "Your link is used up"} {
		c, err := w.EnterGroup(t.Context(), v, look)
		w.Must(err)
		if got := strings.Join(w.mails(), ", "); got != want || c.Itself.Name != "Spring" {
			t.Errorf("%q, want %q: %q", got, want, c.Itself.Name)
		}
	}
	_, err := w.EnterGroup(t.Context(), v, look)
	w.Fails(err, core.ErrShareExhausted)
	_, err = w.EnterGroup(t.Context(), v, share.GroupInput{Files: 10}) // a further page
	w.Must(err)
	_, _, err = w.Enter(t.Context(), v, core.NodeID{}, core.AccessView) // which is no folder
	w.Fails(err, core.ErrNotFound)
	_, _, err = w.Archive(t.Context(), v, core.NodeID{})
	w.Fails(err, core.ErrNotFound)
	_, err = w.EnterGroup(t.Context(), visit(w.shares(func(*share.RulesInput) {})), look)
	w.Fails(err, core.ErrNotFound)
	log, err := w.Accesses(t.Context(), w.ana.Actor, share.AccessInput{LinkID: made.Link.ID, Limit: 10})
	w.Must(err)
	for _, a := range log {
		if a.GroupID != g.ID {
			t.Errorf("%+v", a)
		}
	}
}

func TestWhatAGroupsPasswordOpens(t *testing.T) {
	w := newWorld(t, core.AddressFull)
	g, made := w.groups(func(g *core.Group, _ *share.RulesInput) { g.SharePasswordHash, g.SharePasswordVersion = "h harbour", 1 })
	v := visit(made)
	open := func() error {
		_, err := w.EnterGroup(t.Context(), v, share.GroupInput{Kind: core.AccessView})
		return err
	}
	w.Fails(open(), core.ErrSharePassword)
	_, _, err := w.Unlock(t.Context(), v, "lighthouse")
	w.Fails(err, core.ErrShareWrong)
	v.Access, _, err = w.Unlock(t.Context(), v, "harbour")
	w.Must(err)
	w.Must(open())
	// The link gets a password of its own, of the same version: what the group's
	// has opened is shut.
	own := "lighthouse"
	_, err = w.Update(t.Context(), w.ana.Actor, made.Link.ID, 0, func(_ core.ShareKind, in *share.RulesInput) { in.Password = &own })
	w.Must(err)
	w.Fails(open(), core.ErrSharePassword)
	none := ""
	_, err = w.Update(t.Context(), w.ana.Actor, made.Link.ID, 0, func(_ core.ShareKind, in *share.RulesInput) { in.Password = &none })
	w.Must(err)
	w.Must(open())
	w.Write(func(tx ports.Tx) error {
		g.Change(core.GroupChange{Name: g.Name, Order: g.Order, SharePassword: new("h another")}, w.Clock.Now())
		return tx.Groups.Save(t.Context(), g)
	})
	w.Fails(open(), core.ErrSharePassword)
}

func TestALinkOfAGroupIsListedAndChanged(t *testing.T) {
	w := newWorld(t, core.AddressFull)
	g, made := w.groups(func(*core.Group, *share.RulesInput) {})
	folder := w.shares(func(*share.RulesInput) {})
	ids := func(list []share.Shared, err error) (out []core.ShareLinkID) {
		w.Must(err)
		for _, s := range list {
			out = append(out, s.Link.ID)
		}
		return out
	}
	in := share.ListInput{Limit: 10}
	if got := ids(w.OfGroup(t.Context(), w.ana.Actor, g.ID, in)); len(got) != 1 || got[0] != made.Link.ID {
		t.Errorf("of the group: %v", got)
	}
	if got := ids(w.OfOrg(t.Context(), w.ana.Actor, w.ana.Org.ID, in)); len(got) != 2 || got[0] != folder.Link.ID {
		t.Errorf("of the org: %v", got)
	}
	ben := w.SignUp("ben")
	_, err := w.OfGroup(t.Context(), ben.Actor, g.ID, in)
	w.Fails(err, core.ErrNotFound)
	_, err = w.Get(t.Context(), ben.Actor, made.Link.ID)
	w.Fails(err, core.ErrNotFound)
	changed, err := w.Update(t.Context(), w.ana.Actor, made.Link.ID, 0, func(_ core.ShareKind, in *share.RulesInput) { in.ExpiresAt = w.Clock.Now().Add(time.Hour) })
	w.Must(err)
	if changed.Link.Version != 2 {
		t.Errorf("version %d", changed.Link.Version)
	}
	w.Must(w.Revoke(t.Context(), w.ana.Actor, made.Link.ID, 0))
	_, err = w.EnterGroup(t.Context(), visit(made), share.GroupInput{})
	w.Fails(err, core.ErrShareRevoked)
}
