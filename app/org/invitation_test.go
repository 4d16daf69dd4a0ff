package org_test

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func TestInvitationByMail(t *testing.T) {
	f := newWorld(t)
	ana, ben, cy := f.signUp("ana", true), f.signUp("ben", false), f.signUp("cy", true)
	c := f.create(ana, "Acme")
	m, err := f.invite(ana, c.Org.ID, " BEN@Example.com ", core.OrgMember)
	f.Must(err)
	if m.Email != "ben@example.com" || m.Account.Status != core.AccountInvited || m.Name != "" {
		t.Errorf("invited: %+v", m)
	}
	token := f.token("ben@example.com")
	for _, twin := range []string{"ben@example.com", "Ben@EXAMPLE.com"} {
		_, err = f.invite(ana, c.Org.ID, twin, core.OrgViewer)
		f.Fails(err, core.ErrAlreadyMember)
	}
	if mails := f.mails(); len(mails) != 0 {
		t.Errorf("mails = %+v", mails)
	}
	f.Fails(f.sees(ben, c.Org.ID), core.ErrNotFound)
	open, err := f.MyInvitations(t.Context(), ben) // not verified: it could be anybody
	f.Must(err)
	if len(open) != 0 {
		t.Errorf("open to an unverified address: %+v", open)
	}
	_, err = f.Accept(t.Context(), ben, "", m.Account.ID)
	f.Fails(err, core.ErrNotFound)
	_, err = f.Accept(t.Context(), cy, token, core.AccountID{}) // forwarded
	f.Fails(err, core.ErrNotInvited)
	_, err = f.Accept(t.Context(), cy, "", m.Account.ID)
	f.Fails(err, core.ErrNotFound)
	_, err = f.Accept(t.Context(), ben, token+"x", core.AccountID{})
	f.Fails(err, core.ErrTicketInvalid)
	got, err := f.Accept(t.Context(), ben, token, core.AccountID{})
	f.Must(err)
	if got.Account.ID != m.Account.ID || got.Account.UserID != ben.UserID || got.Account.Role != core.OrgMember || got.Org.ID != c.Org.ID {
		t.Errorf("accepted: %+v", got)
	}
	f.Must(f.sees(ben, c.Org.ID))
	f.Must(f.Store.View(t.Context(), func(tx ports.Tx) error {
		_, err := tx.Drives.PersonalOf(t.Context(), c.Org.ID, m.Account.ID)
		return err
	}))
	_, err = f.Accept(t.Context(), ben, token, core.AccountID{})
	f.Fails(err, core.ErrTicketInvalid)
	_, err = f.invite(ana, c.Org.ID, "ben@example.com", core.OrgViewer)
	f.Fails(err, core.ErrAlreadyMember)
	if got := f.logged(ana, c.Org.ID); !reflect.DeepEqual(got, []string{"org.created", "account.invited", "account.joined"}) {
		t.Errorf("audit = %v", got)
	}
}

func TestInvitationByVerifiedAddress(t *testing.T) {
	f := newWorld(t)
	ana, ben := f.signUp("ana", true), f.signUp("ben", true)
	c := f.create(ana, "Acme")
	m, err := f.invite(ana, c.Org.ID, "ben@example.com", core.OrgViewer)
	f.Must(err)
	open, err := f.MyInvitations(t.Context(), ben)
	f.Must(err)
	if len(open) != 1 || open[0].Account.ID != m.Account.ID || open[0].Org.Name != "Acme" {
		t.Errorf("open = %+v", open)
	}
	_, err = f.Accept(t.Context(), ben, "", m.Account.ID)
	f.Must(err)
	_, err = f.Accept(t.Context(), ben, "", m.Account.ID)
	f.Fails(err, core.ErrNotFound)
	f.Must(f.sees(ben, c.Org.ID))
}

func TestInvitationEnds(t *testing.T) {
	f := newWorld(t)
	ana, ben := f.signUp("ana", true), f.signUp("ben", true)
	c := f.create(ana, "Acme")
	late, err := f.invite(ana, c.Org.ID, "ben@example.com", core.OrgMember)
	f.Must(err)
	token := f.token("ben@example.com")
	f.Clock.Shift(core.InvitationTTL)
	_, err = f.Accept(t.Context(), ben, token, core.AccountID{})
	f.Fails(err, core.ErrTicketInvalid)
	f.Must(f.RemoveMember(t.Context(), ana, c.Org.ID, late.Account.ID, 0)) // withdrawn
	_, err = f.Accept(t.Context(), ben, "", late.Account.ID)
	f.Fails(err, core.ErrNotFound)

	again, err := f.invite(ana, c.Org.ID, "ben@example.com", core.OrgMember)
	f.Must(err)
	token = f.token("ben@example.com")
	f.Must(f.RemoveMember(t.Context(), ana, c.Org.ID, again.Account.ID, 0))
	if _, err = f.Accept(t.Context(), ben, token, core.AccountID{}); core.KindOf(err) == core.KindInternal {
		t.Errorf("a withdrawn invitation: %v", err)
	}
	f.Fails(f.sees(ben, c.Org.ID), core.ErrNotFound)
}

func TestInvitationToDeletedOrg(t *testing.T) {
	f := newWorld(t)
	ana, ben := f.signUp("ana", true), f.signUp("ben", true)
	c := f.create(ana, "Acme")
	m, err := f.invite(ana, c.Org.ID, "ben@example.com", core.OrgMember)
	f.Must(err)
	token := f.token("ben@example.com")
	f.Must(f.Delete(t.Context(), ana, c.Org.ID, 0))
	_, err = f.Accept(t.Context(), ben, "", m.Account.ID)
	f.Fails(err, core.ErrNotFound)
	if got, err := f.Accept(t.Context(), ben, token, core.AccountID{}); err == nil {
		t.Errorf("joined the deleted org %q", got.Org.Name)
	}
}

func TestInviteAfterWithdrawals(t *testing.T) {
	f := newWorld(t)
	ana := f.signUp("ana", true)
	c := f.create(ana, "Acme")
	for range 3 {
		m, err := f.invite(ana, c.Org.ID, "ben@example.com", core.OrgMember)
		f.Must(err)
		f.Must(f.RemoveMember(t.Context(), ana, c.Org.ID, m.Account.ID, 0))
	}
	ben, account := f.join(ana, c.Org.ID, "ben", core.OrgMember)
	_, err := f.invite(ana, c.Org.ID, "ben@example.com", core.OrgMember)
	f.Fails(err, core.ErrAlreadyMember)
	f.Must(f.RemoveMember(t.Context(), ana, c.Org.ID, account, 0))
	f.mails()
	_, err = f.invite(ana, c.Org.ID, "ben@example.com", core.OrgViewer)
	f.Must(err)
	_, err = f.Accept(t.Context(), ben, f.token("ben@example.com"), core.AccountID{})
	f.Must(err)
	f.Must(f.sees(ben, c.Org.ID))
}

func TestReinviteAfterRemoval(t *testing.T) {
	f := newWorld(t)
	ana := f.signUp("ana", true)
	c := f.create(ana, "Acme")
	ben, account := f.join(ana, c.Org.ID, "ben", core.OrgAdmin)
	f.Must(f.RemoveMember(t.Context(), ana, c.Org.ID, account, 0))
	f.Fails(f.RemoveMember(t.Context(), ana, c.Org.ID, account, 0), core.ErrNotFound)
	f.Fails(f.sees(ben, c.Org.ID), core.ErrNotFound)
	m, err := f.invite(ana, c.Org.ID, "ben@example.com", core.OrgViewer)
	f.Must(err)
	if m.Account.ID != account {
		t.Errorf("another account: %+v", m)
	}
	f.Fails(f.sees(ben, c.Org.ID), core.ErrNotFound)
	got, err := f.Accept(t.Context(), ben, f.token("ben@example.com"), core.AccountID{})
	f.Must(err)
	if got.Account.ID != account || got.Account.Role != core.OrgViewer {
		t.Errorf("%+v", got.Account)
	}
	f.Must(f.sees(ben, c.Org.ID))
	want := []string{"org.created", "account.invited", "account.joined", "account.removed", "account.invited", "account.joined"}
	if got := f.logged(ana, c.Org.ID); !reflect.DeepEqual(got, want) {
		t.Errorf("audit = %v", got)
	}
}

func TestMemberLimit(t *testing.T) {
	f := newWorld(t)
	ana := f.signUp("ana", true)
	c := f.create(ana, "Acme")
	var wg sync.WaitGroup
	errs := make([]error, 12)
	for i := range errs {
		wg.Go(func() { _, errs[i] = f.invite(ana, c.Org.ID, fmt.Sprintf("p%d@example.com", i), core.OrgMember) })
	}
	wg.Wait()
	ok := 0
	for _, err := range errs {
		if err == nil {
			ok++
			continue
		}
		e, named := errors.AsType[*core.Error](err)
		if !named || e.Code != "limit_exceeded" || e.Details["limit"] != "max_members_count" || e.Details["max"] != int64(5) {
			t.Errorf("%v", err)
		}
	}
	if ok != 4 {
		t.Errorf("%d of 12 were invited beside the owner, want 4", ok)
	}
	if mails := f.mails(); len(mails) != 4 {
		t.Errorf("%d mails", len(mails))
	}
	open, err := f.Invitations(t.Context(), ana, c.Org.ID, core.AccountID{}, 10)
	f.Must(err)
	f.Must(f.RemoveMember(t.Context(), ana, c.Org.ID, open[0].Account.ID, 0)) // makes room
	_, err = f.invite(ana, c.Org.ID, "another@example.com", core.OrgMember)
	f.Must(err)
	l, err := f.License(t.Context(), ana, c.Org.ID)
	f.Must(err)
	if l.Name != "free" || l.Usage.Members != 5 {
		t.Errorf("%+v", l)
	}
}
