package org_test

import (
	"sync"
	"testing"

	"github.com/seed-755a8038/coffer/app/org"
	"github.com/seed-755a8038/coffer/core"
)

// TestRolesThatAreNone: no way in, HTTP or not, makes an account of a role or a
// status that does not exist.
func TestRolesThatAreNone(t *testing.T) {
	f := newWorld(t)
	ana, ben := f.signUp("ana", true), f.signUp("ben", true)
	c := f.create(ana, "Acme")
	bad := &core.Error{Code: "validation_failed"}
	for _, role := range []core.OrgRole{"", "boss", "Owner"} {
		_, err := f.invite(ana, c.Org.ID, "ben@example.com", role)
		f.Fails(err, bad)
	}
	m, err := f.invite(ana, c.Org.ID, "ben@example.com", core.OrgMember)
	f.Must(err)
	_, err = f.Accept(t.Context(), ben, "", m.Account.ID)
	f.Must(err)
	for _, change := range []org.MemberChange{{Role: "boss"}, {Status: core.AccountInvited}, {Status: core.AccountRemoved}, {Status: "away"}} {
		_, err := f.ChangeMember(t.Context(), ana, c.Org.ID, m.Account.ID, change)
		f.Fails(err, bad)
	}
}

func TestRemovalOfAVersion(t *testing.T) {
	f := newWorld(t)
	ana := f.signUp("ana", true)
	c := f.create(ana, "Acme")
	m, err := f.invite(ana, c.Org.ID, "ben@example.com", core.OrgMember)
	f.Must(err)
	_, err = f.ChangeMember(t.Context(), ana, c.Org.ID, m.Account.ID, org.MemberChange{Role: core.OrgViewer})
	f.Must(err)
	f.Fails(f.RemoveMember(t.Context(), ana, c.Org.ID, m.Account.ID, m.Account.Version), core.ErrStale)
	f.Fails(f.Withdraw(t.Context(), ana, c.Org.ID, m.Account.ID, m.Account.Version), core.ErrStale)
	f.Must(f.Withdraw(t.Context(), ana, c.Org.ID, m.Account.ID, m.Account.Version+1))
	f.Fails(f.Withdraw(t.Context(), ana, c.Org.ID, m.Account.ID, 0), core.ErrNotFound)
}

// TestWithdrawnOrAccepted: whoever is faster, nobody who has come is sent away.
func TestWithdrawnOrAccepted(t *testing.T) {
	f := newWorld(t)
	ana, ben := f.signUp("ana", true), f.signUp("ben", true)
	c := f.create(ana, "Acme")
	for range 10 {
		m, err := f.invite(ana, c.Org.ID, "ben@example.com", core.OrgMember)
		f.Must(err)
		var accepted, withdrawn error
		var wg sync.WaitGroup
		wg.Go(func() { _, accepted = f.Accept(f.Context(), ben, "", m.Account.ID) })
		wg.Go(func() { withdrawn = f.Withdraw(f.Context(), ana, c.Org.ID, m.Account.ID, 0) })
		wg.Wait()
		if (accepted == nil) == (withdrawn == nil) || (f.sees(ben, c.Org.ID) == nil) != (accepted == nil) {
			t.Fatalf("accepted: %v, withdrawn: %v", accepted, withdrawn)
		}
		if accepted == nil {
			f.Fails(f.Withdraw(t.Context(), ana, c.Org.ID, m.Account.ID, 0), core.ErrNotFound) // a member now
			f.Must(f.RemoveMember(t.Context(), ana, c.Org.ID, m.Account.ID, 0))
		}
	}
}
