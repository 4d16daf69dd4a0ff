package core_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

func someUser() *core.User {
	u := core.NewUser(ident[core.User]("u"), "ana@example.com", "Ana", "$argon2id$x", ident[core.Org]("p"), noon)
	u.EmailVerifiedAt, u.PlatformAdmin = noon, true
	u.TOTP = core.TOTP{Secret: []byte("s"), ConfirmedAt: noon, LastStep: 9, Recovery: [][]byte{{1}}}
	return u
}

// TestUserChanges: each change sets what it says, the version and the time,
// and nothing else.
func TestUserChanges(t *testing.T) {
	totp := core.TOTP{Secret: []byte("t")}
	for name, test := range map[string]struct {
		do   func(u *core.User)
		want func(u *core.User)
	}{
		"password": {func(u *core.User) { u.ChangePassword("h", later) }, func(u *core.User) { u.PasswordHash = "h" }},
		"name":     {func(u *core.User) { u.Rename("A", later) }, func(u *core.User) { u.Name = "A" }},
		"totp":     {func(u *core.User) { u.SetTOTP(totp, later) }, func(u *core.User) { u.TOTP = totp }},
		"disable":  {func(u *core.User) { u.Disable(true, later) }, func(u *core.User) { u.DisabledAt = later }},
		"demote":   {func(u *core.User) { u.Promote(false, later) }, func(u *core.User) { u.PlatformAdmin = false }},
		"delete": {func(u *core.User) { u.Delete(later) }, func(u *core.User) {
			*u = core.User{
				ID: u.ID, Email: "deleted-" + u.ID.String(), Name: "Deleted user", PersonalOrgID: u.PersonalOrgID,
				DisabledAt: later, DeletedAt: later, CreatedAt: u.CreatedAt,
			}
		}},
	} {
		u, want := someUser(), someUser()
		test.do(u)
		test.want(want)
		want.Version, want.UpdatedAt = 2, later
		if !reflect.DeepEqual(u, want) {
			t.Errorf("%s: %+v, want %+v", name, u, want)
		}
	}
}

func TestUserVerify(t *testing.T) {
	u := core.NewUser(ident[core.User]("u"), "ana@example.com", "Ana", "", ident[core.Org]("p"), noon)
	if u.Verified() {
		t.Error("a new user is verified")
	}
	u.Verify(later)
	if !u.Verified() || !u.EmailVerifiedAt.Equal(later) || u.Version != 2 {
		t.Errorf("%+v", u)
	}
	u.Verify(later.Add(time.Hour))
	if !u.EmailVerifiedAt.Equal(later) || u.Version != 2 {
		t.Errorf("again: %+v", u)
	}
}

func TestUserDisabled(t *testing.T) {
	u := someUser()
	u.Disable(true, later)
	if !u.Disabled() {
		t.Error("not disabled")
	}
	u.Disable(false, later)
	if u.Disabled() {
		t.Error("still disabled")
	}
	u.Delete(later)
	if !u.Disabled() || u.Verified() || u.TOTP.Enabled() {
		t.Errorf("deleted: %+v", u)
	}
	// What a deleted user is called is no address that anybody can sign up with.
	if _, err := core.CleanEmail("x", u.Email, func(s string) string { return s }); err == nil {
		t.Errorf("%q is an address", u.Email)
	}
}

func TestTOTPEnabled(t *testing.T) {
	for _, test := range []struct {
		totp core.TOTP
		want bool
	}{
		{core.TOTP{}, false},
		{core.TOTP{Secret: []byte("s")}, false}, // not confirmed yet
		{core.TOTP{ConfirmedAt: noon}, false},
		{core.TOTP{Secret: []byte("s"), ConfirmedAt: noon}, true},
	} {
		if got := test.totp.Enabled(); got != test.want {
			t.Errorf("%+v: %t", test.totp, got)
		}
	}
}
