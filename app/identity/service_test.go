package identity_test

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/jwtauth"
	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/app/identity"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/fixture"
)

// passwords hashes at no cost, and lets a test act while it is at work.
type passwords struct {
	mu               sync.Mutex
	hashed, verified int
	during           func() // once, after the work
}

func (p *passwords) done() {
	p.mu.Lock()
	during := p.during
	p.during = nil
	p.mu.Unlock()
	if during != nil {
		during()
	}
}

func (p *passwords) count(n *int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*n++
}

func (p *passwords) Hash(_ context.Context, password string) (string, error) {
	p.count(&p.hashed)
	p.done()
	return "hash of " + password, nil
}

func (p *passwords) Verify(_ context.Context, hash, password string) (bool, error) {
	p.count(&p.verified)
	ok := hash != "" && hash == "hash of "+password
	p.done()
	return ok, nil
}

const password = "correct horse"

var from = core.Client{Address: "192.0.2.7", Network: "192.0.2.7", UserAgent: "test"}

// codes knows one code, which is good once.
type codes struct{ ports.OneTimePasswords }

func (codes) Check(_ []byte, code string, _ time.Time, after int64) (int64, bool) {
	return 1, code == "123456" && after < 1
}

type world struct {
	*fixture.World
	*identity.Service
	passwords *passwords
	issuers   *issuers
}

func newWorld(t *testing.T) *world {
	t.Helper()
	f := &world{World: fixture.New(t, true), passwords: &passwords{}}
	f.issuers = &issuers{clock: f.Clock}
	tokens, err := jwtauth.New(bytes.Repeat([]byte("k"), 32), "https://coffer.example")
	f.Must(err)
	f.Service = identity.NewService(identity.Deps{
		Store: f.Store, Access: f.Store, Passwords: f.passwords, Tokens: tokens, Secrets: f.Secrets, Limiter: f.Store.Limiter(),
		Clock: f.Clock, IDs: f.IDs, Text: f.Text, OTP: codes{}, Providers: f.issuers, External: f.issuers,
	}, identity.Options{
		PublicURL: "https://coffer.example", AccessTTL: 15 * time.Minute, RefreshTTL: 30 * 24 * time.Hour, LinkURL: "https://coffer.example",
	})
	return f
}

// SignUp is the service's; that of the world stores people by itself.
func (f *world) SignUp(ctx context.Context, in identity.SignUpInput) (*identity.SignedUp, error) {
	return f.Service.SignUp(ctx, in)
}

func (f *world) actor(t identity.Tokens) core.Actor {
	f.Helper()
	a, err := f.Authenticate(f.Context(), t.AccessToken, from)
	f.Must(err)
	return a
}

func (f *world) signUp(email string) (*identity.SignedUp, core.Actor) {
	f.Helper()
	n, err := f.SignUp(f.Context(), identity.SignUpInput{Email: email, Password: password, From: from})
	f.Must(err)
	return n, f.actor(n.Tokens)
}

func (f *world) logIn(email, password string) (core.Actor, identity.Tokens, error) {
	f.Helper()
	t, err := f.LogIn(f.Context(), identity.LogInInput{Email: email, Password: password, From: from})
	if err != nil {
		return core.Actor{}, t, err
	}
	return f.actor(t), t, nil
}

func (f *world) alive(a core.Actor) error {
	_, err := f.Me(f.Context(), a)
	return err
}

// mails returns what waits to be sent.
func (f *world) mails() (mails []ports.Mail) {
	f.Helper()
	for jobs := f.Queue.Take(); len(jobs) > 0; jobs = f.Queue.Take() { // one may cause another
		for _, job := range jobs {
			switch j := job.(type) {
			case identity.MailReset:
				f.Must(f.MailReset(f.Context(), j))
			case app.SendMail:
				mails = append(mails, f.Mail(j))
			default:
				f.Fatalf("unexpected job %T", job)
			}
		}
	}
	return mails
}

// token returns the token of the one mail that waits, to that address about that page.
func (f *world) token(to, page string) string {
	f.Helper()
	mails := f.mails()
	if len(mails) != 1 || mails[0].To != to {
		f.Fatalf("mails = %+v, want one to %s", mails, to)
	}
	_, rest, ok := strings.Cut(mails[0].Text, "https://coffer.example/"+page+"?token=")
	token, err := url.QueryUnescape(strings.Fields(rest + " .")[0])
	if !ok || err != nil {
		f.Fatalf("no link in %q", mails[0].Text)
	}
	return token
}

func (f *world) user(a core.Actor) *core.User {
	f.Helper()
	u, err := f.Me(f.Context(), a)
	f.Must(err)
	return u
}

func TestSignUpFoldsAndMails(t *testing.T) {
	f := newWorld(t)
	n, a := f.signUp(" Ana@Example.COM ")
	if n.User.Email != "ana@example.com" || n.User.Name != "ana" || n.User.Verified() || !n.Org.IsPersonal || n.Drive.OwnerAccountID != n.Account.ID {
		t.Errorf("%+v", n)
	}
	for _, twin := range []string{"ana@example.com", "ANA@example.com"} {
		_, err := f.SignUp(t.Context(), identity.SignUpInput{Email: twin, Password: password, From: from})
		f.Fails(err, core.ErrEmailTaken)
	}
	token := f.token("ana@example.com", "verify-email")
	f.Fails(f.VerifyEmail(t.Context(), token+"x", from), core.ErrTicketInvalid)
	f.Must(f.VerifyEmail(t.Context(), token, from))
	f.Fails(f.VerifyEmail(t.Context(), token, from), core.ErrTicketInvalid)
	if u := f.user(a); !u.Verified() || u.Version != 2 {
		t.Errorf("%+v", u)
	}
	f.Must(f.ResendVerification(t.Context(), a)) // nothing to do
	if mails := f.mails(); len(mails) != 0 {
		t.Errorf("mails = %+v", mails)
	}
}

func TestVerificationExpires(t *testing.T) {
	f := newWorld(t)
	_, a := f.signUp("ana@example.com")
	token := f.token("ana@example.com", "verify-email")
	f.Clock.Shift(core.VerifyEmailTTL)
	f.Fails(f.VerifyEmail(t.Context(), token, from), core.ErrTicketInvalid)
	f.Must(f.ResendVerification(t.Context(), a))
	first := f.token("ana@example.com", "verify-email")
	f.Must(f.ResendVerification(t.Context(), a))
	latest := f.token("ana@example.com", "verify-email")
	f.Fails(f.VerifyEmail(t.Context(), first, from), core.ErrTicketInvalid) // the latest counts
	f.Fails(f.Reset(t.Context(), latest, password, from), core.ErrTicketInvalid)
	f.Must(f.VerifyEmail(t.Context(), latest, from))
}

func TestResendIsLimited(t *testing.T) {
	f := newWorld(t)
	_, a := f.signUp("ana@example.com")
	f.mails()
	for range 5 {
		f.Must(f.ResendVerification(t.Context(), a))
	}
	f.Fails(f.ResendVerification(t.Context(), a), &core.Error{Code: "rate_limited"})
	if mails := f.mails(); len(mails) != 5 {
		t.Errorf("%d mails", len(mails))
	}
	f.Clock.Shift(12 * time.Minute) // a fifth of the hour gives one back
	f.Must(f.ResendVerification(t.Context(), a))
	f.Fails(f.ResendVerification(t.Context(), a), &core.Error{Code: "rate_limited"})
}

// A login that began with the old password must not outlive its change.
// A change that was begun with the old password must not undo a reset.
// TestUnknownAddressCostsTheSame: the work of a login does not tell whether
// the address has a user.
func TestSessions(t *testing.T) {
	f := newWorld(t)
	_, a := f.signUp("ana@example.com")
	_, stranger := f.signUp("ben@example.com")
	b, _, err := f.logIn("ana@example.com", password)
	f.Must(err)
	c, _, err := f.logIn("ana@example.com", password)
	f.Must(err)
	live, err := f.Sessions(t.Context(), a)
	f.Must(err)
	if len(live) != 3 || live[0].ID != a.SessionID || live[0].UserAgent != "test" {
		t.Errorf("%+v", live)
	}
	f.Fails(f.EndSessions(t.Context(), a, stranger.SessionID), core.ErrNotFound)
	f.Must(f.alive(stranger))
	f.Must(f.EndSessions(t.Context(), a, b.SessionID))
	f.Fails(f.alive(b), core.ErrUnauthenticated)
	f.Fails(f.EndSessions(t.Context(), a, b.SessionID), core.ErrNotFound)
	f.Must(f.EndSessions(t.Context(), a, core.SessionID{}))
	f.Must(f.alive(a))
	f.Fails(f.alive(c), core.ErrUnauthenticated)
	_, err = f.Sessions(t.Context(), c)
	f.Fails(err, core.ErrUnauthenticated)
}

func TestSwitchOrg(t *testing.T) {
	f := newWorld(t)
	n, a := f.signUp("ana@example.com")
	other, _ := f.signUp("ben@example.com")
	team := core.NewOrg(core.OrgID(f.IDs.NewID()), "Acme", "acme", f.Clock.Now())
	account := core.NewOwner(core.AccountID(f.IDs.NewID()), team.ID, n.User.ID, f.Clock.Now())
	f.Must(f.Store.Update(t.Context(), func(tx ports.Tx) error {
		return errors.Join(tx.Orgs.Add(t.Context(), team, core.DriveID(f.IDs.NewID())), tx.Accounts.Add(t.Context(), account))
	}))
	tokens, err := f.SwitchOrg(t.Context(), a, team.ID)
	f.Must(err)
	if got := f.actor(tokens); got.ActiveOrg != team.ID || got.SessionID != a.SessionID || got.UserID != a.UserID || tokens.RefreshToken != "" {
		t.Errorf("%+v, %+v", got, tokens)
	}
	for _, foreign := range []core.OrgID{other.Org.ID, core.OrgID(f.IDs.NewID())} {
		_, err = f.SwitchOrg(t.Context(), a, foreign)
		f.Fails(err, core.ErrNotFound)
	}
	accounts, err := f.Accounts(t.Context(), a)
	f.Must(err)
	if len(accounts) != 2 || accounts[0].Org.ID != n.Org.ID || accounts[1].Org.ID != team.ID {
		t.Errorf("%+v", accounts)
	}
	f.Must(account.Suspend(f.Clock.Now()))
	f.Must(f.Store.Update(t.Context(), func(tx ports.Tx) error { return tx.Accounts.Save(t.Context(), account) }))
	_, err = f.SwitchOrg(t.Context(), a, team.ID)
	f.Fails(err, core.ErrNotFound)
}

func TestRename(t *testing.T) {
	f := newWorld(t)
	_, a := f.signUp("ana@example.com")
	u, err := f.Rename(t.Context(), a, " Ana\u0301 ", 1)
	f.Must(err)
	if u.Name != "An\u00e1" || u.Version != 2 {
		t.Errorf("%+v", u)
	}
	_, err = f.Rename(t.Context(), a, "Ben", 1)
	f.Fails(err, core.ErrStale)
	_, err = f.Rename(t.Context(), a, " ", 0)
	f.Fails(err, &core.Error{Code: "validation_failed"})
}

// TestPruneForgetsWhatEnded: tickets go when they end, sessions some days later.
func TestPruneForgetsWhatEnded(t *testing.T) {
	f := newWorld(t)
	_, a := f.signUp("ana@example.com")
	token := f.token("ana@example.com", "verify-email")
	f.Must(f.Prune(t.Context(), identity.Prune{}))
	f.Must(f.alive(a))
	f.Clock.Shift(core.VerifyEmailTTL)
	f.Must(f.Prune(t.Context(), identity.Prune{}))
	f.Clock.Shift(-core.VerifyEmailTTL) // even if the clock were wrong
	f.Fails(f.VerifyEmail(t.Context(), token, from), core.ErrTicketInvalid)
	f.Must(f.alive(a))
	f.Clock.Shift(30*24*time.Hour + 8*24*time.Hour)
	f.Must(f.Prune(t.Context(), identity.Prune{}))
	f.Fails(f.alive(a), core.ErrUnauthenticated)
}
