package identity_test

import (
	"fmt"
	"testing"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func TestChangePassword(t *testing.T) {
	f := newWorld(t)
	_, a := f.signUp("ana@example.com")
	other, tokens, err := f.logIn("ana@example.com", password)
	f.Must(err)
	f.Fails(f.ChangePassword(t.Context(), a, "wrong horse", "new password"), core.ErrWrongPassword)
	f.Fails(f.ChangePassword(t.Context(), a, password, "short"), &core.Error{Code: "validation_failed"})
	f.Must(f.alive(other))
	f.mails()
	f.Must(f.Forgot(t.Context(), "ana@example.com", from))
	reset := f.token("ana@example.com", "reset-password")
	f.Must(f.ChangePassword(t.Context(), a, password, "new password"))
	f.Must(f.alive(a))
	f.Fails(f.alive(other), core.ErrUnauthenticated)
	_, err = f.Refresh(t.Context(), tokens.RefreshToken, from)
	f.Fails(err, core.ErrRefreshInvalid)
	_, _, err = f.logIn("ana@example.com", password)
	f.Fails(err, core.ErrInvalidCredentials)
	_, _, err = f.logIn("ana@example.com", "new password")
	f.Must(err)
	f.Fails(f.Reset(t.Context(), reset, "another one", from), core.ErrTicketInvalid) // was mailed before
}

func TestWrongPresentPasswordIsLimited(t *testing.T) {
	f := newWorld(t)
	_, a := f.signUp("ana@example.com")
	for range 10 {
		f.Fails(f.ChangePassword(t.Context(), a, "wrong horse", "new password"), core.ErrWrongPassword)
	}
	f.Fails(f.ChangePassword(t.Context(), a, password, "new password"), &core.Error{Code: "rate_limited"})
}

func TestLogInDuringChangeOfPassword(t *testing.T) {
	f := newWorld(t)
	_, a := f.signUp("ana@example.com")
	f.passwords.during = func() { f.Must(f.ChangePassword(t.Context(), a, password, "new password")) }
	thief, _, err := f.logIn("ana@example.com", password)
	if err == nil && f.alive(thief) == nil {
		t.Error("a session of the old password is alive")
	}
}

func TestChangePasswordDuringReset(t *testing.T) {
	f := newWorld(t)
	_, thief := f.signUp("ana@example.com")
	f.mails()
	f.Must(f.Forgot(t.Context(), "ana@example.com", from))
	token := f.token("ana@example.com", "reset-password")
	f.passwords.during = func() { f.Must(f.Reset(t.Context(), token, "new password", from)) }
	if err := f.ChangePassword(t.Context(), thief, password, "the thief's"); err == nil {
		t.Error("the old password changed the new one")
	}
	_, _, err := f.logIn("ana@example.com", "new password")
	f.Must(err)
}

func TestForgot(t *testing.T) {
	f := newWorld(t)
	_, a := f.signUp("ana@example.com")
	f.mails()
	f.Fails(f.Forgot(t.Context(), "no address", from), &core.Error{Code: "validation_failed"})
	f.Must(f.Forgot(t.Context(), "nobody@example.com", from))
	if f.Queue.Len() != 1 {
		t.Errorf("%d jobs for an unknown address, want one as for a known one", f.Queue.Len())
	}
	if mails := f.mails(); len(mails) != 0 {
		t.Errorf("mails = %+v", mails)
	}
	f.Must(f.Forgot(t.Context(), "ANA@example.com", from))
	if f.Queue.Len() != 1 {
		t.Errorf("%d jobs for a known address", f.Queue.Len())
	}
	token := f.token("ana@example.com", "reset-password")
	f.Fails(f.VerifyEmail(t.Context(), token, from), core.ErrTicketInvalid)
	f.Fails(f.Reset(t.Context(), token, "short", from), &core.Error{Code: "validation_failed"}) // costs nothing
	f.Must(f.Reset(t.Context(), token, "new password", from))
	f.Fails(f.Reset(t.Context(), token, "another one", from), core.ErrTicketInvalid)
	f.Fails(f.alive(a), core.ErrUnauthenticated)
	a, _, err := f.logIn("ana@example.com", "new password")
	f.Must(err)
	if !f.user(a).Verified() {
		t.Error("who read the mail has shown to own the address")
	}
	f.Must(f.Forgot(t.Context(), "ana@example.com", from))
	token = f.token("ana@example.com", "reset-password")
	f.Clock.Shift(core.ResetPasswordTTL)
	f.Fails(f.Reset(t.Context(), token, "another one", from), core.ErrTicketInvalid)
}

func TestForgotIsLimitedInSilence(t *testing.T) {
	f := newWorld(t)
	f.signUp("ana@example.com")
	f.mails()
	for _, email := range []string{"ana@example.com", "nobody@example.com"} {
		for range 8 {
			f.Must(f.Forgot(t.Context(), email, from))
		}
		if f.Queue.Len() != 5 {
			t.Errorf("%s: %d jobs", email, f.Queue.Len())
		}
		f.mails()
	}
	for i := range 14 {
		f.Must(f.Forgot(t.Context(), fmt.Sprintf("p%d@example.com", i), from))
	}
	f.Fails(f.Forgot(t.Context(), "one.more@example.com", from), &core.Error{Code: "rate_limited"})
}

func TestForgotOfADisabledUser(t *testing.T) {
	f := newWorld(t)
	n, _ := f.signUp("ana@example.com")
	f.mails()
	f.Must(f.Forgot(t.Context(), "ana@example.com", from))
	token := f.token("ana@example.com", "reset-password")
	n.User.Disable(true, f.Clock.Now())
	f.Must(f.Store.Update(t.Context(), func(tx ports.Tx) error { return tx.Users.Save(t.Context(), n.User) }))
	f.Fails(f.Reset(t.Context(), token, "new password", from), core.ErrTicketInvalid)
	f.Must(f.Forgot(t.Context(), "ana@example.com", from))
	if mails := f.mails(); len(mails) != 0 {
		t.Errorf("mails = %+v", mails)
	}
}

func TestUnknownAddressCostsTheSame(t *testing.T) {
	f := newWorld(t)
	f.signUp("ana@example.com")
	for _, email := range []string{"ana@example.com", "nobody@example.com"} {
		before := f.passwords.verified
		_, _, err := f.logIn(email, "wrong horse")
		f.Fails(err, core.ErrInvalidCredentials)
		if n := f.passwords.verified - before; n != 1 {
			t.Errorf("%s: %d passwords were verified", email, n)
		}
	}
}
