package group_test

import (
	"context"
	"errors"
	"testing"

	"github.com/seed-755a8038/coffer/app/group"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// plain is a hash of passwords that hides nothing.
type plain struct{}

func (plain) Hash(_ context.Context, password string) (string, error) { return "h " + password, nil }

func (plain) Verify(_ context.Context, hash, password string) (bool, error) {
	return hash == "h "+password, nil
}

func TestAGroupsPasswordIsSetAndNeverShown(t *testing.T) {
	w := newWorld(t)
	id := w.makes(w.mia, "g", top)
	stored := func() (g *core.Group) {
		t.Helper()
		w.Must(w.Store.View(w.Context(), func(tx ports.Tx) (err error) {
			g, err = tx.Groups.Get(w.Context(), w.org, id)
			return err
		}))
		return g
	}
	set := func(s *group.Service, p person, password *string) error {
		_, err := s.Update(w.Context(), p.actor, id, core.GroupChange{Name: "g", SharePassword: password}, 0)
		return err
	}
	free := w.service(false)
	if err := set(free, w.mia, new("harbour")); !errors.Is(err, &core.Error{Code: "feature_unavailable"}) {
		t.Errorf("without the licence: %v", err)
	}
	w.Must(set(w.Service, w.mia, new("harbour")))
	if g := stored(); g.SharePasswordHash != "h harbour" || g.SharePasswordVersion != 1 {
		t.Errorf("%q, %d", g.SharePasswordHash, g.SharePasswordVersion)
	}
	w.Must(set(free, w.mia, nil)) // which leaves it alone
	w.permits(w.mia, id, core.GroupPermission{AccountID: w.max.account, Rights: core.GroupView | core.GroupEdit},
		core.GroupPermission{AccountID: w.mia.account, Rights: core.AllGroupRights})
	if err := set(w.Service, w.max, new("another")); !errors.Is(err, core.ErrForbidden) {
		t.Errorf("by who may not share: %v", err)
	}
	w.Must(set(w.Service, w.max, nil))
	if err := set(w.Service, w.mia, new("abc")); !errors.Is(err, core.Invalid("body.share_password", "")) {
		t.Errorf("too short: %v", err)
	}
	if g := stored(); g.SharePasswordHash != "h harbour" || g.SharePasswordVersion != 1 {
		t.Errorf("%q, %d", g.SharePasswordHash, g.SharePasswordVersion)
	}
	w.Must(set(free, w.mia, new(""))) // taking away needs no licence
	if g := stored(); g.SharePasswordHash != "" || g.SharePasswordVersion != 2 {
		t.Errorf("%q, %d", g.SharePasswordHash, g.SharePasswordVersion)
	}
	log, _ := w.all()
	told := 0
	for _, entry := range log {
		c, ok := entry.Changes["share_password"]
		if !ok {
			continue
		}
		told++
		if (c.From == nil) == (c.To == nil) {
			t.Errorf("the log has %+v", c)
		}
	}
	if told != 2 {
		t.Errorf("the log tells of %d changes of the password, want 2", told)
	}
}
