package httpapi

import (
	"context"
	"slices"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// fakePeople is org 3 with user 1: account 6 is an owner, account 7 a member,
// account 8 an open invitation.
type fakePeople struct {
	user     core.User
	org      core.Org
	accounts []core.Account
	ended    []core.SessionID
	log      []*core.AuditEntry // newest first
	pages    int                // of the log that were asked for
	logPage  func(page int) error
}

func newFakePeople() *fakePeople {
	p := &fakePeople{
		user: core.User{ID: id[core.User](1), Email: "ana@example.com", Name: "Ana", PersonalOrgID: id[core.Org](9), EmailVerifiedAt: now, Version: 3, CreatedAt: now, UpdatedAt: now},
		org:  *core.NewOrg(id[core.Org](3), "Studio", "studio", now),
	}
	p.org.Settings.TimeZone = "Europe/Berlin"
	p.org.Branding = core.Branding{PrimaryColor: "#112233", AccentColor: "#445566"}
	owner := core.NewOwner(id[core.Account](6), p.org.ID, p.user.ID, now)
	other := core.NewInvitation(id[core.Account](7), p.org.ID, "ben@example.com", core.OrgMember, owner.ID, now)
	other.Status, other.UserID, other.Version = core.AccountActive, id[core.User](2), 4
	open := core.NewInvitation(id[core.Account](8), p.org.ID, "cleo@example.com", core.OrgViewer, owner.ID, now)
	p.accounts = []core.Account{*owner, *other, *open}
	return p
}

func (p *fakePeople) account(n byte) *core.Account {
	i := slices.IndexFunc(p.accounts, func(a core.Account) bool { return a.ID[15] == n })
	return &p.accounts[i]
}

func (p *fakePeople) Add(_ context.Context, entries ...*core.AuditEntry) error {
	p.log = append(entries, p.log...)
	return nil
}

func (p *fakePeople) List(ctx context.Context, q ports.AuditQuery) ([]*core.AuditEntry, error) {
	p.pages++
	if p.logPage != nil {
		if err := p.logPage(p.pages); err != nil {
			return nil, err
		}
	}
	rest := p.log
	if !q.Before.IsZero() {
		rest = rest[slices.IndexFunc(rest, func(e *core.AuditEntry) bool { return e.ID == q.Before })+1:]
	}
	return rest[:min(q.Limit, len(rest))], ctx.Err()
}

type fakeOrgs struct {
	ports.Orgs
	people *fakePeople
}

func (o fakeOrgs) ListOf(_ context.Context, _ core.UserID, p ports.OrgPage) ([]ports.OrgEntry, error) {
	if !p.Deleted || !o.people.org.Deleted() {
		return nil, nil
	}
	return []ports.OrgEntry{{Org: o.people.org, AccountID: id[core.Account](6), Role: core.OrgOwner}}, nil
}

func (o fakeOrgs) Get(context.Context, core.OrgID) (*core.Org, error) { return new(o.people.org), nil }

func (o fakeOrgs) Add(_ context.Context, added *core.Org, _ core.DriveID) error {
	if added.Slug == "taken" {
		return core.ErrSlugTaken
	}
	return nil
}

func (o fakeOrgs) Save(_ context.Context, changed *core.Org) error {
	o.people.org = *changed
	return nil
}

type fakeUsers struct {
	ports.Users
	people *fakePeople
}

func (u fakeUsers) Get(_ context.Context, want core.UserID) (*core.User, error) {
	if want != u.people.user.ID {
		return &core.User{ID: want, Email: "ben@example.com", Name: "Ben"}, nil
	}
	return new(u.people.user), nil
}

func (u fakeUsers) Lock(ctx context.Context, want core.UserID) (*core.User, error) {
	return u.Get(ctx, want)
}

func (u fakeUsers) Save(_ context.Context, changed *core.User) error {
	u.people.user = *changed
	return nil
}

// fakeSessions knows sessions 2 and 3, of which 2 is that of goodToken.
type fakeSessions struct {
	ports.Sessions
	people *fakePeople
}

func (s fakeSessions) ListOf(_ context.Context, user core.UserID, _ time.Time) ([]*core.Session, error) {
	var live []*core.Session
	for _, n := range []byte{2, 3} {
		from := core.Client{Address: "192.0.2.7", UserAgent: "curl/8"}
		live = append(live, core.NewSession(id[core.Session](n), user, nil, from, now, time.Hour))
	}
	return live, nil
}

func (s fakeSessions) Revoke(_ context.Context, ended core.SessionID, _ time.Time) error {
	s.people.ended = append(s.people.ended, ended)
	return nil
}

func (s fakeSessions) RevokeOf(context.Context, core.UserID, core.SessionID, time.Time) error {
	s.people.ended = append(s.people.ended, id[core.Session](3))
	return nil
}

type fakeAccounts struct {
	ports.Accounts
	people *fakePeople
}

func (a fakeAccounts) Get(_ context.Context, _ core.OrgID, want core.AccountID) (*core.Account, error) {
	for _, account := range a.people.accounts {
		if account.ID == want {
			return &account, nil
		}
	}
	return nil, core.ErrNotFound
}

func (a fakeAccounts) Of(context.Context, core.OrgID, core.UserID) (*core.Account, error) {
	return &a.people.accounts[0], nil
}

func (a fakeAccounts) Save(_ context.Context, changed *core.Account) error {
	*a.people.account(changed.ID[15]) = *changed
	return nil
}

func (a fakeAccounts) Add(context.Context, *core.Account) error { return nil }

func (a fakeAccounts) Roster(context.Context, core.OrgID) (core.Roster, error) {
	r := core.Roster{Members: int64(len(a.people.accounts))}
	for _, account := range a.people.accounts {
		if account.Role == core.OrgOwner && account.Status == core.AccountActive {
			r.Owners++
		}
	}
	return r, nil
}

func (a fakeAccounts) List(_ context.Context, q ports.AccountQuery) ([]ports.Member, error) {
	var out []ports.Member
	for _, account := range a.people.accounts {
		after := slices.Compare(account.ID[:], q.After[:]) > 0
		if after && slices.Contains(q.Statuses, account.Status) && len(out) < q.Limit {
			out = append(out, ports.Member{Account: account, Email: account.InvitedEmail})
		}
	}
	return out, nil
}

func (a fakeAccounts) OfUser(_ context.Context, user core.UserID, email string) ([]ports.Membership, error) {
	var out []ports.Membership
	for _, account := range a.people.accounts {
		if account.UserID == user || email != "" && account.Status == core.AccountInvited {
			out = append(out, ports.Membership{Account: account, Org: a.people.org})
		}
	}
	return out, nil
}

func (a fakeAccounts) AllOf(ctx context.Context, user core.UserID) ([]ports.Membership, error) {
	return a.OfUser(ctx, user, "")
}

// earth has the zones that the tests name.
type earth struct{}

func (earth) Known(name string) bool { return name == "Asia/Tokyo" || name == "Europe/Berlin" }

func (earth) Location(name string) (*time.Location, error) { return time.LoadLocation(name) }

type fakeLicenses struct{ ports.Licenses }

func (fakeLicenses) InForce(context.Context, core.OrgID, time.Time) (core.OrgLicense, error) {
	return core.OrgLicense{License: core.UnlimitedLicense()}, nil
}

// fakeShares has no links.
type fakeShares struct{ ports.ShareLinks }

func (fakeShares) RevokeOf(context.Context, core.OrgID, core.AccountID, time.Time) error { return nil }
