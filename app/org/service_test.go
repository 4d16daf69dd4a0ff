package org_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/adapters/sealing"
	"github.com/seed-755a8038/coffer/adapters/system"
	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/app/org"
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

// post is a queue and the mailer behind it.
type post struct {
	mu   sync.Mutex
	jobs []ports.Job
	sent []ports.Mail
}

func (p *post) Enqueue(_ context.Context, jobs ...ports.Job) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.jobs = append(p.jobs, jobs...)
	return nil
}

func (p *post) Send(_ context.Context, m ports.Mail) error {
	p.sent = append(p.sent, m)
	return nil
}

// retention is how long the fixture keeps deleted orgs.
const retention = 24 * time.Hour

type fixture struct {
	*testing.T
	*org.Service
	store   *bunstore.Store
	secrets *sealing.Secrets
	clock   *clock
	ids     *system.IDs
	post    *post
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{T: t, clock: &clock{now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}, post: &post{}}
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
	f.Service = org.NewService(org.Deps{
		Store: f.store, Access: f.store, Secrets: f.secrets, Clock: f.clock, IDs: f.ids, Text: system.Text{}, Zones: system.Zones{},
	}, org.Options{LinkURL: "https://coffer.example", Retention: retention})
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

// signUp stores a new user with a personal org.
func (f *fixture) signUp(name string, verified bool) core.Actor {
	f.Helper()
	ctx, now := f.Context(), f.clock.Now()
	o := core.NewPersonalOrg(core.OrgID(f.ids.NewID()), name, "personal-"+name, now)
	u := core.NewUser(core.UserID(f.ids.NewID()), name+"@example.com", name, "", o.ID, now)
	if verified {
		u.EmailVerifiedAt = now
	}
	account := core.NewOwner(core.AccountID(f.ids.NewID()), o.ID, u.ID, now)
	drive := core.NewPersonalDrive(core.DriveID(f.ids.NewID()), o.ID, account.ID, now)
	session := core.NewSession(core.SessionID(f.ids.NewID()), u.ID, []byte(name), core.Client{}, now, 1000*time.Hour)
	f.must(f.store.Update(ctx, func(tx ports.Tx) error {
		return errors.Join(tx.Orgs.Add(ctx, o, drive.ID), tx.Users.Add(ctx, u), tx.Accounts.Add(ctx, account),
			tx.Drives.Add(ctx, drive), tx.Sessions.Add(ctx, session))
	}))
	return core.Actor{
		Kind: core.ActorAccount, UserID: u.ID, SessionID: session.ID, ActiveOrg: o.ID, From: core.Client{Address: "192.0.2.7"},
	}
}

func (f *fixture) create(a core.Actor, name string) *org.Created {
	f.Helper()
	c, err := f.Create(f.Context(), a, org.CreateInput{Name: name})
	f.must(err)
	return c
}

func (f *fixture) invite(a core.Actor, id core.OrgID, email string, role core.OrgRole) (ports.Member, error) {
	return f.Invite(f.Context(), a, id, org.InviteInput{Email: email, Role: role})
}

// mail sends what waits and returns it.
func (f *fixture) mail() []ports.Mail {
	f.Helper()
	jobs := f.post.jobs
	f.post.jobs, f.post.sent = nil, nil
	for _, job := range jobs {
		mail, ok := job.(app.SendMail)
		if !ok {
			f.Fatalf("unexpected job %T", job)
		}
		f.must(app.Post{Secrets: f.secrets, Mailer: f.post}.Send(f.Context(), mail))
	}
	return f.post.sent
}

// token returns the token of the one mail that waits, which must be to that address.
func (f *fixture) token(to string) string {
	f.Helper()
	mails := f.mail()
	if len(mails) != 1 || mails[0].To != to {
		f.Fatalf("mails = %+v, want one to %s", mails, to)
	}
	_, rest, ok := strings.Cut(mails[0].Text, "https://coffer.example/accept-invitation?token=")
	token, err := url.QueryUnescape(strings.Fields(rest + " ")[0])
	if !ok || err != nil {
		f.Fatalf("no link in %q", mails[0].Text)
	}
	return token
}

// join makes the person a member by mail, and returns their account.
func (f *fixture) join(owner core.Actor, id core.OrgID, name string, role core.OrgRole) (core.Actor, core.AccountID) {
	f.Helper()
	a := f.signUp(name, false)
	f.mail()
	_, err := f.invite(owner, id, name+"@example.com", role)
	f.must(err)
	m, err := f.Accept(f.Context(), a, f.token(name+"@example.com"), core.AccountID{})
	f.must(err)
	return a, m.Account.ID
}

func (f *fixture) sees(a core.Actor, id core.OrgID) error {
	_, err := f.Get(f.Context(), a, id)
	return err
}

// logged returns the actions in an org's audit log, oldest first.
func (f *fixture) logged(a core.Actor, id core.OrgID) (actions []string) {
	f.Helper()
	entries, err := f.AuditLog(f.Context(), a, ports.AuditQuery{OrgID: id, Limit: 100})
	f.must(err)
	for _, e := range slices.Backward(entries) {
		actions = append(actions, e.Action)
	}
	return actions
}

func TestCreateMakesEverything(t *testing.T) {
	f := newFixture(t)
	ana := f.signUp("ana", true)
	c, err := f.Create(t.Context(), ana, org.CreateInput{Name: " Acme ", Slug: "ACME"})
	f.must(err)
	if c.Org.Name != "Acme" || c.Org.Slug != "acme" || c.Org.IsPersonal || c.Library.Name != "Library" || c.Library.DefaultRole != core.DriveEditor {
		t.Errorf("%+v", c)
	}
	f.must(f.store.View(t.Context(), func(tx ports.Tx) error {
		d, err := tx.Drives.PersonalOf(t.Context(), c.Org.ID, c.Account.ID)
		if err == nil && d.ID != c.Personal.ID {
			t.Errorf("personal drive = %+v", d)
		}
		return err
	}))
	facts, err := f.store.ForUpload(t.Context(), ana, ports.UploadQuery{OrgID: c.Org.ID, Now: f.clock.Now()})
	f.must(err)
	if facts.DriveID != c.Library.ID || facts.License.Name != "free" {
		t.Errorf("facts = %+v", facts)
	}
	for _, slug := range []string{"acme", "Acme", "admin", "personal-ana"} {
		_, err := f.Create(t.Context(), ana, org.CreateInput{Name: "x", Slug: slug})
		f.want(err, core.ErrSlugTaken)
	}
	if got := f.logged(ana, c.Org.ID); !reflect.DeepEqual(got, []string{"org.created"}) {
		t.Errorf("audit = %v", got)
	}
}

// An org that is gone takes nobody in, and does not say what it was.
// However often an invitation was withdrawn, its address is in the org once.
