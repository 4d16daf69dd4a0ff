package org_test

import (
	"errors"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/system"
	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/app/org"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/fixture"
)

// retention is how long the fixture keeps deleted orgs.
const retention = 24 * time.Hour

type world struct {
	*fixture.World
	*org.Service
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := fixture.New(t, true)
	return &world{w, org.NewService(org.Deps{
		Store: w.Store, Access: w.Store, Secrets: w.Secrets, Clock: w.Clock, IDs: w.IDs, Text: w.Text, Zones: system.Zones{},
	}, org.Options{LinkURL: "https://coffer.example", Retention: retention})}
}

// signUp stores a new user with a personal org.
func (f *world) signUp(name string, verified bool) core.Actor {
	f.Helper()
	ctx, now := f.Context(), f.Clock.Now()
	o := core.NewPersonalOrg(core.OrgID(f.IDs.NewID()), name, "personal-"+name, now)
	u := core.NewUser(core.UserID(f.IDs.NewID()), name+"@example.com", name, "", o.ID, now)
	if verified {
		u.EmailVerifiedAt = now
	}
	account := core.NewOwner(core.AccountID(f.IDs.NewID()), o.ID, u.ID, now)
	drive := core.NewPersonalDrive(core.DriveID(f.IDs.NewID()), o.ID, account.ID, now)
	session := core.NewSession(core.SessionID(f.IDs.NewID()), u.ID, []byte(name), core.Client{}, now, 1000*time.Hour)
	f.Must(f.Store.Update(ctx, func(tx ports.Tx) error {
		return errors.Join(tx.Orgs.Add(ctx, o, drive.ID), tx.Users.Add(ctx, u), tx.Accounts.Add(ctx, account),
			tx.Drives.Add(ctx, drive), tx.Sessions.Add(ctx, session))
	}))
	return core.Actor{
		Kind: core.ActorAccount, UserID: u.ID, SessionID: session.ID, ActiveOrg: o.ID, From: core.Client{Address: "192.0.2.7"},
	}
}

func (f *world) create(a core.Actor, name string) *org.Created {
	f.Helper()
	c, err := f.Create(f.Context(), a, org.CreateInput{Name: name})
	f.Must(err)
	return c
}

func (f *world) invite(a core.Actor, id core.OrgID, email string, role core.OrgRole) (ports.Member, error) {
	return f.Invite(f.Context(), a, id, org.InviteInput{Email: email, Role: role})
}

// mails returns what waits to be sent.
func (f *world) mails() (mails []ports.Mail) {
	f.Helper()
	for _, job := range f.Queue.Take() {
		mail, ok := job.(app.SendMail)
		if !ok {
			f.Fatalf("unexpected job %T", job)
		}
		mails = append(mails, f.Mail(mail))
	}
	return mails
}

// token returns the token of the one mail that waits, which must be to that address.
func (f *world) token(to string) string {
	f.Helper()
	mails := f.mails()
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
func (f *world) join(owner core.Actor, id core.OrgID, name string, role core.OrgRole) (core.Actor, core.AccountID) {
	f.Helper()
	a := f.signUp(name, false)
	f.mails()
	_, err := f.invite(owner, id, name+"@example.com", role)
	f.Must(err)
	m, err := f.Accept(f.Context(), a, f.token(name+"@example.com"), core.AccountID{})
	f.Must(err)
	return a, m.Account.ID
}

func (f *world) sees(a core.Actor, id core.OrgID) error {
	_, err := f.Get(f.Context(), a, id)
	return err
}

// logged returns the actions in an org's audit log, oldest first.
func (f *world) logged(a core.Actor, id core.OrgID) (actions []string) {
	f.Helper()
	entries, err := f.AuditLog(f.Context(), a, ports.AuditQuery{OrgID: id, Limit: 100})
	f.Must(err)
	for _, e := range slices.Backward(entries) {
		actions = append(actions, e.Action)
	}
	return actions
}

func TestCreateMakesEverything(t *testing.T) {
	f := newWorld(t)
	ana := f.signUp("ana", true)
	c, err := f.Create(t.Context(), ana, org.CreateInput{Name: " Acme ", Slug: "ACME"})
	f.Must(err)
	if c.Org.Name != "Acme" || c.Org.Slug != "acme" || c.Org.IsPersonal || c.Library.Name != "Library" || c.Library.DefaultRole != core.DriveEditor {
		t.Errorf("%+v", c)
	}
	f.Must(f.Store.View(t.Context(), func(tx ports.Tx) error {
		d, err := tx.Drives.PersonalOf(t.Context(), c.Org.ID, c.Account.ID)
		if err == nil && d.ID != c.Personal.ID {
			t.Errorf("personal drive = %+v", d)
		}
		return err
	}))
	facts, err := f.Store.ForUpload(t.Context(), ana, ports.UploadQuery{OrgID: c.Org.ID, Now: f.Clock.Now()})
	f.Must(err)
	if facts.DriveID != c.Library.ID || facts.License.Name != "free" {
		t.Errorf("facts = %+v", facts)
	}
	for _, slug := range []string{"acme", "Acme", "admin", "personal-ana"} {
		_, err := f.Create(t.Context(), ana, org.CreateInput{Name: "x", Slug: slug})
		f.Fails(err, core.ErrSlugTaken)
	}
	if got := f.logged(ana, c.Org.ID); !reflect.DeepEqual(got, []string{"org.created"}) {
		t.Errorf("audit = %v", got)
	}
}

// An org that is gone takes nobody in, and does not say what it was.
// However often an invitation was withdrawn, its address is in the org once.
