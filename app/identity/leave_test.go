package identity_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// team stores an org of several people with the accounts of its users, the
// first of whom are owners.
func (f *world) team(name string, owners int, users ...core.UserID) *core.Org {
	f.Helper()
	now := f.Clock.Now()
	o := core.NewOrg(core.OrgID(f.IDs.NewID()), name, strings.ToLower(name), now)
	f.Must(f.Store.Update(f.Context(), func(tx ports.Tx) error {
		library := core.NewLibrary(core.DriveID(f.IDs.NewID()), o.ID, now)
		f.Must(errors.Join(tx.Orgs.Add(f.Context(), o, library.ID), tx.Drives.Add(f.Context(), library)))
		for i, u := range users {
			a := core.NewOwner(core.AccountID(f.IDs.NewID()), o.ID, u, now)
			if i >= owners {
				a.Role, a.InvitedEmail = core.OrgMember, "invited@example.com"
			}
			own := core.NewPersonalDrive(core.DriveID(f.IDs.NewID()), o.ID, a.ID, now)
			f.Must(errors.Join(tx.Accounts.Add(f.Context(), a), tx.Drives.Add(f.Context(), own)))
		}
		return nil
	}))
	return o
}

// sound fails the test if a row breaks an invariant.
func (f *world) sound() {
	f.Helper()
	now := f.Clock.Now()
	for v, err := range f.Store.Violations(f.Context(), now, now) {
		f.Must(err)
		f.Errorf("%s: %s %s", v.Invariant, v.Subject, v.Detail)
	}
}

func TestDeleteIsAskedFor(t *testing.T) {
	f := newWorld(t)
	in, ana := f.signUp("ana@example.com")
	f.Fails(f.Delete(t.Context(), ana, "", ""), core.ErrWrongPassword)
	f.Fails(f.Delete(t.Context(), ana, "wrong", ""), core.ErrWrongPassword)
	f.Must(f.Store.Update(t.Context(), func(tx ports.Tx) error {
		u, err := tx.Users.Lock(t.Context(), ana.UserID)
		f.Must(err)
		secret, err := f.Secrets.Seal([]byte("secret"))
		f.Must(err)
		u.SetTOTP(core.TOTP{Secret: secret, ConfirmedAt: f.Clock.Now()}, f.Clock.Now())
		return tx.Users.Save(t.Context(), u)
	}))
	f.Fails(f.Delete(t.Context(), ana, password, ""), core.ErrTOTPRequired)
	f.Fails(f.Delete(t.Context(), ana, password, "000000"), core.ErrTOTPWrong)
	f.Fails(f.Delete(t.Context(), ana, "wrong", "123456"), core.ErrWrongPassword)
	alone := f.team("Alone", 1, ana.UserID)
	err := f.Delete(t.Context(), ana, password, "123456")
	f.Fails(err, core.ErrLastOwner)
	refused, _ := errors.AsType[*core.Error](err)
	if got := fmt.Sprint(refused.Details["orgs"]); got != fmt.Sprintf("[{%s Alone}]", alone.ID) {
		t.Errorf("orgs = %s", got)
	}
	f.Must(f.alive(ana))
	f.Must(f.Store.Update(t.Context(), func(tx ports.Tx) error { // a deleted org needs no owner
		return errors.Join(alone.Delete(f.Clock.Now()), tx.Orgs.Save(t.Context(), alone))
	}))
	f.Must(f.Delete(t.Context(), ana, password, "123456")) // not spent by the refusal
	f.Fails(f.alive(ana), core.ErrUnauthenticated)
	f.Fails(f.Delete(t.Context(), ana, password, "123456"), core.ErrUnauthenticated)
	_, err = f.Refresh(t.Context(), in.Tokens.RefreshToken, from)
	f.Fails(err, core.ErrRefreshInvalid)
	_, _, err = f.logIn("ana@example.com", password)
	f.Fails(err, core.ErrInvalidCredentials)
	f.sound()
	again, _ := f.signUp("ana@example.com")
	if again.User.ID == ana.UserID || again.Org.ID == in.Org.ID {
		t.Error("the old user is back")
	}
}

func TestDeleteWithoutPassword(t *testing.T) {
	f := newWorld(t)
	_, ana := f.signUp("ana@example.com")
	f.Must(f.Store.Update(t.Context(), func(tx ports.Tx) error {
		u, err := tx.Users.Lock(t.Context(), ana.UserID)
		f.Must(err)
		u.ChangePassword("", f.Clock.Now())
		f.Must(tx.Identities.Add(t.Context(), &core.Identity{Issuer: "i", Subject: "s", UserID: u.ID, CreatedAt: f.Clock.Now()}))
		return tx.Users.Save(t.Context(), u)
	}))
	f.Must(f.Delete(t.Context(), ana, "", ""))
	f.Must(f.Store.View(t.Context(), func(tx ports.Tx) error {
		_, err := tx.Identities.Get(t.Context(), "i", "s")
		f.Fails(err, core.ErrNotFound)
		return nil
	}))
	f.sound()
}

func TestDeleteLeavesEverything(t *testing.T) {
	f := newWorld(t)
	_, ana := f.signUp("ana@example.com")
	in, ben := f.signUp("ben@example.com")
	first, second := f.team("First", 1, ana.UserID, ben.UserID), f.team("Second", 2, ben.UserID, ana.UserID)
	var own ports.Membership
	f.Must(f.Store.View(t.Context(), func(tx ports.Tx) error {
		all, err := tx.Accounts.AllOf(t.Context(), ben.UserID)
		own = all[1]
		return err
	}))
	f.Must(f.Forgot(t.Context(), "ben@example.com", from))
	f.Must(f.Delete(t.Context(), ben, password, ""))
	f.sound()
	f.Must(f.Store.View(t.Context(), func(tx ports.Tx) error {
		a, err := tx.Accounts.Get(t.Context(), first.ID, own.Account.ID)
		f.Must(err)
		if a.Status != core.AccountRemoved || a.InvitedEmail != "" {
			t.Errorf("%+v", a)
		}
		d, err := tx.Drives.Get(t.Context(), first.ID, own.DriveID)
		f.Must(err)
		if d.IsPersonal() || d.Name != "Personal drive of ben@example.com" {
			t.Errorf("%+v", d)
		}
		o, err := tx.Orgs.Get(t.Context(), in.Org.ID)
		f.Must(err)
		if !o.Deleted() {
			t.Error("the personal org is open")
		}
		for id, action := range map[core.OrgID]string{first.ID: "account.deleted", second.ID: "account.deleted", in.Org.ID: "org.deleted"} {
			log, err := tx.Audit.List(t.Context(), ports.AuditQuery{OrgID: id, Action: action, Limit: 10})
			f.Must(err)
			if len(log) != 1 || log[0].ActorEmail != "ben@example.com" || log[0].Address != from.Address {
				t.Errorf("%s: %+v", action, log)
			}
		}
		return nil
	}))
}

func TestOwnersDeleteThemselvesAtOnce(t *testing.T) {
	f := newWorld(t)
	for round := range 20 {
		actors, users := make([]core.Actor, 4), make([]core.UserID, 4)
		for i := range actors {
			_, actors[i] = f.signUp(fmt.Sprintf("u%d-%d@example.com", round, i))
			users[i] = actors[i].UserID
		}
		f.team(fmt.Sprintf("One%d", round), len(users), users...)
		f.team(fmt.Sprintf("Two%d", round), len(users), users[3], users[2], users[1], users[0])
		var wg sync.WaitGroup
		errs := make([]error, 2*len(actors))
		for i := range errs { // each of them twice
			wg.Go(func() { errs[i] = f.Delete(t.Context(), actors[i/2], password, "") })
		}
		wg.Wait()
		gone := 0
		for _, err := range errs {
			switch {
			case err == nil:
				gone++
			case !errors.Is(err, core.ErrLastOwner) && !errors.Is(err, core.ErrUnauthenticated):
				t.Errorf("round %d: %v", round, err)
			}
		}
		if gone != len(actors)-1 {
			t.Errorf("round %d: %d have gone: %v", round, gone, errs)
		}
		f.sound()
	}
}
