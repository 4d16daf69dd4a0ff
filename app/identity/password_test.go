package identity_test

import (
	"fmt"
	"testing"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func TestChangePassword(t *testing.T) {
	f := newFixture(t)
	_, a := f.signUp("ana@example.com")
	other, tokens, err := f.logIn("ana@example.com", password)
	f.must(err)
	f.want(f.ChangePassword(t.Context(), a, "wrong horse", "new password"), core.ErrWrongPassword)
	f.want(f.ChangePassword(t.Context(), a, password, "short"), &core.Error{Code: "validation_failed"})
	f.must(f.alive(other))
	f.mail()
	f.must(f.Forgot(t.Context(), "ana@example.com", from))
	reset := f.token("ana@example.com", "reset-password")
	f.must(f.ChangePassword(t.Context(), a, password, "new password"))
	f.must(f.alive(a))
	f.want(f.alive(other), core.ErrUnauthenticated)
	_, err = f.Refresh(t.Context(), tokens.RefreshToken, from)
	f.want(err, core.ErrRefreshInvalid)
	_, _, err = f.logIn("ana@example.com", password)
	f.want(err, core.ErrInvalidCredentials)
	_, _, err = f.logIn("ana@example.com", "new password")
	f.must(err)
	f.want(f.Reset(t.Context(), reset, "another one", from), core.ErrTicketInvalid) // was mailed before
}

func TestWrongPresentPasswordIsLimited(t *testing.T) {
	f := newFixture(t)
	_, a := f.signUp("ana@example.com")
	for range 10 {
		f.want(f.ChangePassword(t.Context(), a, "wrong horse", "new password"), core.ErrWrongPassword)
	}
	f.want(f.ChangePassword(t.Context(), a, password, "new password"), &core.Error{Code: "rate_limited"})
}

func TestLogInDuringChangeOfPassword(t *testing.T) {
	f := newFixture(t)
	_, a := f.signUp("ana@example.com")
	f.passwords.during = func() { f.must(f.ChangePassword(t.Context(), a, password, "new password")) }
	thief, _, err := f.logIn("ana@example.com", password)
	if err == nil && f.alive(thief) == nil {
		t.Error("a session of the old password is alive")
	}
}

func TestChangePasswordDuringReset(t *testing.T) {
	f := newFixture(t)
	_, thief := f.signUp("ana@example.com")
	f.mail()
	f.must(f.Forgot(t.Context(), "ana@example.com", from))
	token := f.token("ana@example.com", "reset-password")
	f.passwords.during = func() { f.must(f.Reset(t.Context(), token, "new password", from)) }
	if err := f.ChangePassword(t.Context(), thief, password, "the thief's"); err == nil {
		t.Error("the old password changed the new one")
	}
	_, _, err := f.logIn("ana@example.com", "new password")
	f.must(err)
}

func TestForgot(t *testing.T) {
	f := newFixture(t)
	_, a := f.signUp("ana@example.com")
	f.mail()
	f.want(f.Forgot(t.Context(), "no address", from), &core.Error{Code: "validation_failed"})
	f.must(f.Forgot(t.Context(), "nobody@example.com", from))
	if len(f.post.jobs) != 1 {
		t.Errorf("%d jobs for an unknown address, want one as for a known one", len(f.post.jobs))
	}
	if mails := f.mail(); len(mails) != 0 {
		t.Errorf("mails = %+v", mails)
	}
	f.must(f.Forgot(t.Context(), "ANA@example.com", from))
	if len(f.post.jobs) != 1 {
		t.Errorf("%d jobs for a known address", len(f.post.jobs))
	}
	token := f.token("ana@example.com", "reset-password")
	f.want(f.VerifyEmail(t.Context(), token, from), core.ErrTicketInvalid)
	f.want(f.Reset(t.Context(), token, "short", from), &core.Error{Code: "validation_failed"}) // costs nothing
	f.must(f.Reset(t.Context(), token, "new password", from))
	f.want(f.Reset(t.Context(), token, "another one", from), core.ErrTicketInvalid)
	f.want(f.alive(a), core.ErrUnauthenticated)
	a, _, err := f.logIn("ana@example.com", "new password")
	f.must(err)
	if !f.user(a).Verified() {
		t.Error("who read the mail has shown to own the address")
	}
	f.must(f.Forgot(t.Context(), "ana@example.com", from))
	token = f.token("ana@example.com", "reset-password")
	f.clock.shift(core.ResetPasswordTTL)
	f.want(f.Reset(t.Context(), token, "another one", from), core.ErrTicketInvalid)
}

func TestForgotIsLimitedInSilence(t *testing.T) {
	f := newFixture(t)
	f.signUp("ana@example.com")
	f.mail()
	for _, email := range []string{"ana@example.com", "nobody@example.com"} {
		for range 8 {
			f.must(f.Forgot(t.Context(), email, from))
		}
		if len(f.post.jobs) != 5 {
			t.Errorf("%s: %d jobs", email, len(f.post.jobs))
		}
		f.mail()
	}
	for i := range 14 {
		f.must(f.Forgot(t.Context(), fmt.Sprintf("p%d@example.com", i), from))
	}
	f.want(f.Forgot(t.Context(), "one.more@example.com", from), &core.Error{Code: "rate_limited"})
}

func TestForgotOfADisabledUser(t *testing.T) {
	f := newFixture(t)
	n, _ := f.signUp("ana@example.com")
	f.mail()
	f.must(f.Forgot(t.Context(), "ana@example.com", from))
	token := f.token("ana@example.com", "reset-password")
	n.User.Disable(true, f.clock.Now())
	f.must(f.store.Update(t.Context(), func(tx ports.Tx) error { return tx.Users.Save(t.Context(), n.User) }))
	f.want(f.Reset(t.Context(), token, "new password", from), core.ErrTicketInvalid)
	f.must(f.Forgot(t.Context(), "ana@example.com", from))
	if mails := f.mail(); len(mails) != 0 {
		t.Errorf("mails = %+v", mails)
	}
}

func TestUnknownAddressCostsTheSame(t *testing.T) {
	f := newFixture(t)
	f.signUp("ana@example.com")
	for _, email := range []string{"ana@example.com", "nobody@example.com"} {
		before := f.passwords.verified
		_, _, err := f.logIn(email, "wrong horse")
		f.want(err, core.ErrInvalidCredentials)
		if n := f.passwords.verified - before; n != 1 {
			t.Errorf("%s: %d passwords were verified", email, n)
		}
	}
}
