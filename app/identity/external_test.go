package identity_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/fixture"
)

// issuers are a provider whose codes, and an issuer whose tokens, are "at " and
// the name of somebody it knows.
type issuers struct {
	clock  *fixture.Clock
	people map[string]ports.ExternalUser
	down   bool
	begun  int
}

func (i *issuers) Names() []ports.SignInProvider {
	return []ports.SignInProvider{{Name: "work", Label: "Work"}, {Name: "other", Label: "Other"}}
}

func (i *issuers) Begin(_ context.Context, provider, redirect string) (string, ports.SignInState, error) {
	switch {
	case i.down:
		return "", ports.SignInState{}, core.ErrUnavailable
	case provider == "nobody":
		return "", ports.SignInState{}, core.ErrNotFound
	}
	i.begun++
	state := ports.SignInState{Provider: provider, State: "state " + strings.Repeat("x", i.begun), Nonce: "n", Verifier: "v"}
	state.Begun = i.clock.Now()
	return redirect, state, nil
}

func (i *issuers) Finish(ctx context.Context, _, _, code string, _ ports.SignInState) (ports.ExternalUser, error) {
	return i.Verify(ctx, code, time.Time{})
}

func (i *issuers) Issued(token string) bool { return strings.HasPrefix(token, "at ") }

func (i *issuers) Verify(_ context.Context, token string, _ time.Time) (ports.ExternalUser, error) {
	if i.down {
		return ports.ExternalUser{}, core.ErrUnavailable
	}
	who, ok := i.people[strings.TrimPrefix(token, "at ")]
	if !ok {
		return ports.ExternalUser{}, core.ErrUnauthenticated
	}
	return who, nil
}

// tokenEnd is when the tokens of all issuers end.
var tokenEnd = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// knows adds somebody whose address is verified unless it ends in "?".
func (i *issuers) knows(subject, email string) {
	if i.people == nil {
		i.people = map[string]ports.ExternalUser{}
	}
	address, unverified := strings.CutSuffix(email, "?")
	i.people[subject] = ports.ExternalUser{Issuer: "https://a.example", Subject: subject, Email: address, EmailVerified: !unverified, Name: "Name of " + subject, Until: tokenEnd}
}

func (f *world) external(subject string) (core.Actor, error) {
	return f.Authenticate(f.Context(), "at "+subject, from)
}

// actions are those of the user's personal org, oldest first.
func (f *world) actions(u *core.User) (all []string) {
	f.Helper()
	f.Must(f.Store.View(f.Context(), func(tx ports.Tx) error {
		entries, err := tx.Audit.List(f.Context(), ports.AuditQuery{OrgID: u.PersonalOrgID, Limit: 50})
		for _, e := range entries {
			all = append([]string{e.Action}, all...)
			if e.ActorEmail != u.Email || e.TargetKind == "user" && e.TargetID != u.ID.String() {
				f.Errorf("%+v", e)
			}
		}
		return err
	}))
	return all
}

func TestAtFirstSightAUserIsMade(t *testing.T) {
	f := newWorld(t)
	f.issuers.knows("ana", "Ana@Example.com")
	a, err := f.external("ana")
	f.Must(err)
	u := f.user(a)
	if u.Email != "ana@example.com" || u.Name != "Name of ana" || !u.Verified() || u.PasswordHash != "" || !a.External || !a.SessionID.IsZero() ||
		a.ActiveOrg != u.PersonalOrgID || a.From != from || a.Until != tokenEnd {
		t.Errorf("%+v, %+v", u, a)
	}
	again, err := f.external("ana")
	f.Must(err)
	if again != a {
		t.Errorf("%+v, then %+v", a, again)
	}
	accounts, err := f.Accounts(t.Context(), a)
	f.Must(err)
	if len(accounts) != 1 || !accounts[0].Org.IsPersonal || accounts[0].Account.Role != core.OrgOwner {
		t.Errorf("%+v", accounts)
	}
	if got := f.actions(u); len(got) != 1 || got[0] != "user.signed_up" {
		t.Errorf("audit log %q", got)
	}
	if mails := f.mails(); len(mails) != 0 {
		t.Errorf("mails %+v", mails)
	}

	// There is no password: none is right, and the first one is set by mail.
	for _, wrong := range []string{"", password} {
		_, _, err = f.logIn("ana@example.com", wrong)
		f.Fails(err, core.ErrInvalidCredentials)
	}
	if f.passwords.verified != 2 {
		t.Errorf("%d passwords were verified", f.passwords.verified)
	}
	f.Fails(f.ChangePassword(t.Context(), a, "", "new password"), core.ErrNoPassword)
	_, err = f.SwitchOrg(t.Context(), a, u.PersonalOrgID)
	f.Fails(err, core.ErrSessionRequired)
	f.Must(f.Forgot(t.Context(), "ana@example.com", from))
	f.Must(f.Reset(t.Context(), f.token("ana@example.com", "reset-password"), "new password", from))
	_, _, err = f.logIn("ana@example.com", "new password")
	f.Must(err)
}

func TestAVerifiedUserIsLinked(t *testing.T) {
	f := newWorld(t)
	n, a := f.signUp("ana@example.com")
	f.Must(f.VerifyEmail(t.Context(), f.token("ana@example.com", "verify-email"), from))
	f.issuers.knows("ana", "ana@example.com")
	b, err := f.external("ana")
	f.Must(err)
	if b.UserID != n.User.ID {
		t.Errorf("%v, want %v", b.UserID, n.User.ID)
	}
	f.Must(f.alive(a))
	_, _, err = f.logIn("ana@example.com", password)
	f.Must(err)
	if got := f.actions(n.User); !slices.Contains(got, "user.identity_linked") {
		t.Errorf("audit log %q", got)
	}
	f.issuers.knows("ana", "another@example.com") // who it is says the subject
	if b, err = f.external("ana"); err != nil || b.UserID != n.User.ID {
		t.Errorf("%+v, %v", b, err)
	}
}

func TestAnAddressThatWasNeverVerifiedPassesToItsOwner(t *testing.T) {
	f := newWorld(t)
	n, attacker := f.signUp("victim@example.com")
	verify := f.token("victim@example.com", "verify-email")
	f.Must(f.Forgot(t.Context(), "victim@example.com", from))
	reset := f.token("victim@example.com", "reset-password")
	second, tokens, err := f.logIn("victim@example.com", password)
	f.Must(err)
	link := &core.ShareLink{
		ID: core.ShareLinkID{1}, OrgID: n.Org.ID, DriveID: n.Drive.ID, NodeID: core.RootOf(n.Drive.ID), Kind: core.ShareDownload,
		CreatedBy: n.Account.ID, TokenHash: [32]byte{1}, TokenSealed: []byte("t"), Version: 1, CreatedAt: f.Clock.Now(), UpdatedAt: f.Clock.Now(),
	}
	f.Must(f.Store.Update(t.Context(), func(tx ports.Tx) error { // an identity of the attacker's, a second factor, and a link
		u, err := tx.Users.Lock(t.Context(), n.User.ID)
		f.Must(err)
		u.SetTOTP(core.TOTP{Secret: []byte("s"), ConfirmedAt: f.Clock.Now()}, f.Clock.Now())
		f.Must(tx.Users.Save(t.Context(), u))
		f.Must(tx.ShareLinks.Add(t.Context(), link))
		return tx.Identities.Add(t.Context(), &core.Identity{Issuer: "https://a.example", Subject: "attacker", UserID: u.ID, CreatedAt: f.Clock.Now()})
	}))
	f.issuers.knows("attacker", "attacker@example.com")
	f.issuers.knows("victim", "victim@example.com")
	victim, err := f.external("victim")
	f.Must(err)
	u := f.user(victim)
	if victim.UserID != n.User.ID || !u.Verified() || u.PasswordHash != "" || u.TOTP.Secret != nil {
		t.Errorf("%+v", u)
	}
	for _, a := range []core.Actor{attacker, second} {
		f.Fails(f.alive(a), core.ErrUnauthenticated)
	}
	_, err = f.Refresh(t.Context(), tokens.RefreshToken, from)
	f.Fails(err, core.ErrRefreshInvalid)
	_, _, err = f.logIn("victim@example.com", password)
	f.Fails(err, core.ErrInvalidCredentials)
	f.Fails(f.VerifyEmail(t.Context(), verify, from), core.ErrTicketInvalid)
	f.Fails(f.Reset(t.Context(), reset, "new password", from), core.ErrTicketInvalid)
	other, err := f.external("attacker") // is somebody else now
	f.Must(err)
	if other.UserID == victim.UserID {
		t.Error("the attacker's identity is still the victim's")
	}
	f.Must(f.Store.View(t.Context(), func(tx ports.Tx) error {
		left, err := tx.ShareLinks.Get(t.Context(), n.Org.ID, link.ID)
		if err == nil && left.RevokedAt.IsZero() {
			t.Error("the attacker's link still leads to the victim's files")
		}
		return err
	}))
	if got := f.actions(u); got[len(got)-1] != "user.claimed" {
		t.Errorf("audit log %q", got)
	}
}

// A login with the attacker's password that is under way ends with the claim.
func TestALoginDuringTheClaim(t *testing.T) {
	f := newWorld(t)
	f.signUp("victim@example.com")
	f.issuers.knows("victim", "victim@example.com")
	f.passwords.during = func() {
		_, err := f.external("victim")
		f.Must(err)
	}
	_, _, err := f.logIn("victim@example.com", password)
	f.Fails(err, core.ErrInvalidCredentials)
}

func TestWhoseAddressIsNotVerifiedIsNobody(t *testing.T) {
	f := newWorld(t)
	_, a := f.signUp("ana@example.com")
	for subject, email := range map[string]string{
		"1": "ana@example.com?", "2": "nobody@example.com?", "3": "", "4": "?", "5": "not an address", "6": "\u212aim@example.com",
	} {
		f.issuers.knows(subject, email)
		if got, err := f.external(subject); !errors.Is(err, core.ErrEmailUnverified) || !got.UserID.IsZero() {
			t.Errorf("%q: %+v, %v", email, got, err)
		}
	}
	f.Must(f.alive(a))
	if u := f.user(a); u.Verified() {
		t.Errorf("%+v", u)
	}
}

func TestADisabledUserStaysOut(t *testing.T) {
	f := newWorld(t)
	n, _ := f.signUp("ana@example.com")
	f.Must(f.Store.Update(t.Context(), func(tx ports.Tx) error {
		u, err := tx.Users.Lock(t.Context(), n.User.ID)
		f.Must(err)
		u.Disable(true, f.Clock.Now())
		return tx.Users.Save(t.Context(), u)
	}))
	f.issuers.knows("ana", "ana@example.com")
	_, err := f.external("ana")
	f.Fails(err, core.ErrUserDisabled)
	f.Must(f.Store.View(t.Context(), func(tx ports.Tx) error {
		u, err := tx.Users.Get(t.Context(), n.User.ID)
		if err != nil || u.Verified() || u.PasswordHash == "" { // nothing was claimed
			t.Errorf("%+v, %v", u, err)
		}
		return nil
	}))
}

func TestTokensOfOthersThatAreNotGood(t *testing.T) {
	f := newWorld(t)
	f.issuers.knows("ana", "ana@example.com")
	for _, token := range []string{"", "x", "at nobody"} {
		_, err := f.Authenticate(t.Context(), token, from)
		f.Fails(err, core.ErrUnauthenticated)
	}
	f.issuers.down = true
	_, err := f.external("ana")
	f.Fails(err, core.ErrUnavailable)
}

func TestNewPeopleAreLimitedAsBySignUp(t *testing.T) {
	f := newWorld(t)
	var err error
	known := 0
	for i := range 400 {
		f.issuers.knows("s", strings.Repeat("a", i%50+1)+"."+strings.Repeat("b", i/50+1)+"@example.com")
		who := f.issuers.people["s"]
		who.Subject = who.Email
		f.issuers.people["s"] = who
		if _, err = f.external("s"); err != nil {
			break
		}
		known++
	}
	f.Fails(err, &core.Error{Code: "rate_limited"})
	if known != 300 {
		t.Errorf("%d users were made", known)
	}
}

func TestOfManyFirstArrivalsOneMakesTheUser(t *testing.T) {
	f := newWorld(t)
	f.issuers.knows("ana", "ana@example.com")
	f.issuers.knows("ana too", "ana@example.com")
	actors := make([]core.Actor, 8)
	var wg sync.WaitGroup
	for i := range actors {
		wg.Go(func() {
			var err error
			if actors[i], err = f.external([]string{"ana", "ana too"}[i%2]); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, a := range actors[1:] {
		if a.UserID != actors[0].UserID {
			t.Errorf("%v and %v", a.UserID, actors[0].UserID)
		}
	}
}
