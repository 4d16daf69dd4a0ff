package identity_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/adapters/jwtauth"
	"github.com/seed-755a8038/coffer/adapters/sealing"
	"github.com/seed-755a8038/coffer/adapters/system"
	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/app/identity"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/migrations"
	"github.com/seed-755a8038/coffer/ports"
)

// clock is a clock that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) shift(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

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

// post is a queue and the mailer behind it.
type post struct {
	jobs []ports.Job
	sent []ports.Mail
}

func (p *post) Enqueue(_ context.Context, jobs ...ports.Job) error {
	p.jobs = append(p.jobs, jobs...)
	return nil
}

func (p *post) Send(_ context.Context, m ports.Mail) error {
	p.sent = append(p.sent, m)
	return nil
}

const password = "correct horse"

var from = core.Client{Address: "192.0.2.7", Network: "192.0.2.7", UserAgent: "test"}

// codes knows one code, which is good once.
type codes struct{ ports.OneTimePasswords }

func (codes) Check(_ []byte, code string, _ time.Time, after int64) (int64, bool) {
	return 1, code == "123456" && after < 1
}

type fixture struct {
	*testing.T
	*identity.Service
	store     *bunstore.Store
	secrets   *sealing.Secrets
	passwords *passwords
	clock     *clock
	ids       *system.IDs
	post      *post
	issuers   *issuers
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{T: t, clock: &clock{now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}, post: &post{}, passwords: &passwords{}, issuers: &issuers{}}
	f.ids = system.NewIDs(f.clock)
	var err error
	f.store, err = bunstore.OpenMemory(t.Context(), migrations.SQLite())
	f.must(err)
	t.Cleanup(func() { _ = f.store.Close() })
	_, err = f.store.Migrate(t.Context())
	f.must(err)
	f.store.WithJobs(func(*sql.Conn, *sql.Tx) ports.Jobs { return f.post })
	f.secrets, err = sealing.New(bytes.Repeat([]byte("s"), 32))
	f.must(err)
	tokens, err := jwtauth.New(bytes.Repeat([]byte("k"), 32), "https://coffer.example")
	f.must(err)
	f.Service = identity.NewService(identity.Deps{
		Store: f.store, Access: f.store, Passwords: f.passwords, Tokens: tokens, Secrets: f.secrets, Limiter: f.store.Limiter(),
		Clock: f.clock, IDs: f.ids, Text: system.Text{}, OTP: codes{}, Providers: f.issuers, External: f.issuers,
	}, identity.Options{
		PublicURL: "https://coffer.example", AccessTTL: 15 * time.Minute, RefreshTTL: 30 * 24 * time.Hour, LinkURL: "https://coffer.example",
	})
	return f
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) want(got, want error) {
	f.Helper()
	if !errors.Is(got, want) {
		f.Errorf("error = %v, want %v", got, want)
	}
}

func (f *fixture) actor(t identity.Tokens) core.Actor {
	f.Helper()
	a, err := f.Authenticate(f.Context(), t.AccessToken, from)
	f.must(err)
	return a
}

func (f *fixture) signUp(email string) (*identity.SignedUp, core.Actor) {
	f.Helper()
	n, err := f.SignUp(f.Context(), identity.SignUpInput{Email: email, Password: password, From: from})
	f.must(err)
	return n, f.actor(n.Tokens)
}

func (f *fixture) logIn(email, password string) (core.Actor, identity.Tokens, error) {
	f.Helper()
	t, err := f.LogIn(f.Context(), identity.LogInInput{Email: email, Password: password, From: from})
	if err != nil {
		return core.Actor{}, t, err
	}
	return f.actor(t), t, nil
}

func (f *fixture) alive(a core.Actor) error {
	_, err := f.Me(f.Context(), a)
	return err
}

// mail sends what waits and returns it.
func (f *fixture) mail() []ports.Mail {
	f.Helper()
	f.post.sent = nil
	for len(f.post.jobs) > 0 { // one may cause another
		job := f.post.jobs[0]
		f.post.jobs = f.post.jobs[1:]
		if forgot, ok := job.(identity.MailReset); ok {
			f.must(f.MailReset(f.Context(), forgot))
			continue
		}
		mail, ok := job.(app.SendMail)
		if !ok {
			f.Fatalf("unexpected job %T", job)
		}
		f.must(app.Post{Secrets: f.secrets, Mailer: f.post}.Send(f.Context(), mail))
	}
	return f.post.sent
}

// token returns the token of the one mail that waits, to that address about that page.
func (f *fixture) token(to, page string) string {
	f.Helper()
	mails := f.mail()
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

func (f *fixture) user(a core.Actor) *core.User {
	f.Helper()
	u, err := f.Me(f.Context(), a)
	f.must(err)
	return u
}

func TestSignUpFoldsAndMails(t *testing.T) {
	f := newFixture(t)
	n, a := f.signUp(" Ana@Example.COM ")
	if n.User.Email != "ana@example.com" || n.User.Name != "ana" || n.User.Verified() || !n.Org.IsPersonal || n.Drive.OwnerAccountID != n.Account.ID {
		t.Errorf("%+v", n)
	}
	for _, twin := range []string{"ana@example.com", "ANA@example.com"} {
		_, err := f.SignUp(t.Context(), identity.SignUpInput{Email: twin, Password: password, From: from})
		f.want(err, core.ErrEmailTaken)
	}
	token := f.token("ana@example.com", "verify-email")
	f.want(f.VerifyEmail(t.Context(), token+"x", from), core.ErrTicketInvalid)
	f.must(f.VerifyEmail(t.Context(), token, from))
	f.want(f.VerifyEmail(t.Context(), token, from), core.ErrTicketInvalid)
	if u := f.user(a); !u.Verified() || u.Version != 2 {
		t.Errorf("%+v", u)
	}
	f.must(f.ResendVerification(t.Context(), a)) // nothing to do
	if mails := f.mail(); len(mails) != 0 {
		t.Errorf("mails = %+v", mails)
	}
}

func TestVerificationExpires(t *testing.T) {
	f := newFixture(t)
	_, a := f.signUp("ana@example.com")
	token := f.token("ana@example.com", "verify-email")
	f.clock.shift(core.VerifyEmailTTL)
	f.want(f.VerifyEmail(t.Context(), token, from), core.ErrTicketInvalid)
	f.must(f.ResendVerification(t.Context(), a))
	first := f.token("ana@example.com", "verify-email")
	f.must(f.ResendVerification(t.Context(), a))
	latest := f.token("ana@example.com", "verify-email")
	f.want(f.VerifyEmail(t.Context(), first, from), core.ErrTicketInvalid) // the latest counts
	f.want(f.Reset(t.Context(), latest, password, from), core.ErrTicketInvalid)
	f.must(f.VerifyEmail(t.Context(), latest, from))
}

func TestResendIsLimited(t *testing.T) {
	f := newFixture(t)
	_, a := f.signUp("ana@example.com")
	f.mail()
	for range 5 {
		f.must(f.ResendVerification(t.Context(), a))
	}
	f.want(f.ResendVerification(t.Context(), a), &core.Error{Code: "rate_limited"})
	if mails := f.mail(); len(mails) != 5 {
		t.Errorf("%d mails", len(mails))
	}
	f.clock.shift(12 * time.Minute) // a fifth of the hour gives one back
	f.must(f.ResendVerification(t.Context(), a))
	f.want(f.ResendVerification(t.Context(), a), &core.Error{Code: "rate_limited"})
}

// A login that began with the old password must not outlive its change.
// A change that was begun with the old password must not undo a reset.
// TestUnknownAddressCostsTheSame: the work of a login does not tell whether
// the address has a user.
func TestSessions(t *testing.T) {
	f := newFixture(t)
	_, a := f.signUp("ana@example.com")
	_, stranger := f.signUp("ben@example.com")
	b, _, err := f.logIn("ana@example.com", password)
	f.must(err)
	c, _, err := f.logIn("ana@example.com", password)
	f.must(err)
	live, err := f.Sessions(t.Context(), a)
	f.must(err)
	if len(live) != 3 || live[0].ID != a.SessionID || live[0].UserAgent != "test" {
		t.Errorf("%+v", live)
	}
	f.want(f.EndSessions(t.Context(), a, stranger.SessionID), core.ErrNotFound)
	f.must(f.alive(stranger))
	f.must(f.EndSessions(t.Context(), a, b.SessionID))
	f.want(f.alive(b), core.ErrUnauthenticated)
	f.want(f.EndSessions(t.Context(), a, b.SessionID), core.ErrNotFound)
	f.must(f.EndSessions(t.Context(), a, core.SessionID{}))
	f.must(f.alive(a))
	f.want(f.alive(c), core.ErrUnauthenticated)
	_, err = f.Sessions(t.Context(), c)
	f.want(err, core.ErrUnauthenticated)
}

func TestSwitchOrg(t *testing.T) {
	f := newFixture(t)
	n, a := f.signUp("ana@example.com")
	other, _ := f.signUp("ben@example.com")
	team := core.NewOrg(core.OrgID(f.ids.NewID()), "Acme", "acme", f.clock.Now())
	account := core.NewOwner(core.AccountID(f.ids.NewID()), team.ID, n.User.ID, f.clock.Now())
	f.must(f.store.Update(t.Context(), func(tx ports.Tx) error {
		return errors.Join(tx.Orgs.Add(t.Context(), team, core.DriveID(f.ids.NewID())), tx.Accounts.Add(t.Context(), account))
	}))
	tokens, err := f.SwitchOrg(t.Context(), a, team.ID)
	f.must(err)
	if got := f.actor(tokens); got.ActiveOrg != team.ID || got.SessionID != a.SessionID || got.UserID != a.UserID || tokens.RefreshToken != "" {
		t.Errorf("%+v, %+v", got, tokens)
	}
	for _, foreign := range []core.OrgID{other.Org.ID, core.OrgID(f.ids.NewID())} {
		_, err = f.SwitchOrg(t.Context(), a, foreign)
		f.want(err, core.ErrNotFound)
	}
	accounts, err := f.Accounts(t.Context(), a)
	f.must(err)
	if len(accounts) != 2 || accounts[0].Org.ID != n.Org.ID || accounts[1].Org.ID != team.ID {
		t.Errorf("%+v", accounts)
	}
	f.must(account.Suspend(f.clock.Now()))
	f.must(f.store.Update(t.Context(), func(tx ports.Tx) error { return tx.Accounts.Save(t.Context(), account) }))
	_, err = f.SwitchOrg(t.Context(), a, team.ID)
	f.want(err, core.ErrNotFound)
}

func TestRename(t *testing.T) {
	f := newFixture(t)
	_, a := f.signUp("ana@example.com")
	u, err := f.Rename(t.Context(), a, " Ana\u0301 ", 1)
	f.must(err)
	if u.Name != "An\u00e1" || u.Version != 2 {
		t.Errorf("%+v", u)
	}
	_, err = f.Rename(t.Context(), a, "Ben", 1)
	f.want(err, core.ErrStale)
	_, err = f.Rename(t.Context(), a, " ", 0)
	f.want(err, &core.Error{Code: "validation_failed"})
}

// TestPruneForgetsWhatEnded: tickets go when they end, sessions some days later.
func TestPruneForgetsWhatEnded(t *testing.T) {
	f := newFixture(t)
	_, a := f.signUp("ana@example.com")
	token := f.token("ana@example.com", "verify-email")
	f.must(f.Prune(t.Context(), identity.Prune{}))
	f.must(f.alive(a))
	f.clock.shift(core.VerifyEmailTTL)
	f.must(f.Prune(t.Context(), identity.Prune{}))
	f.clock.shift(-core.VerifyEmailTTL) // even if the clock were wrong
	f.want(f.VerifyEmail(t.Context(), token, from), core.ErrTicketInvalid)
	f.must(f.alive(a))
	f.clock.shift(30*24*time.Hour + 8*24*time.Hour)
	f.must(f.Prune(t.Context(), identity.Prune{}))
	f.want(f.alive(a), core.ErrUnauthenticated)
}
