package core

import (
	"errors"
	"testing"
	"time"
)

// openGroupShare is a link of a group that anybody may open.
func openGroupShare() ShareFacts {
	f := openShare()
	f.Link.NodeID, f.Link.GroupID, f.Node = NodeID{}, GroupID{5}, Node{}
	f.Creator = DriveFacts{}
	f.Group.Creator = GroupFacts{
		OrgFacts: OrgFacts{OrgID: OrgID{1}, AccountID: AccountID{7}, Status: AccountActive, Role: OrgMember}, GroupID: GroupID{5},
		Levels: []GroupLevel{{ID: GroupID{5}, Account: new(GroupView | GroupShare)}},
	}
	return f
}

func TestWhoOpensALinkOfAGroup(t *testing.T) {
	for name, c := range map[string]struct {
		edit  func(f *ShareFacts)
		shown int64
		want  error
	}{
		"anybody": {func(*ShareFacts) {}, 0, nil},
		"of a creator who may not share the group any more": {func(f *ShareFacts) { f.Group.Creator.Levels[0].Account = new(GroupView) }, 0, ErrShareUnavailable},
		"of a creator who has left":                         {func(f *ShareFacts) { f.Group.Creator.Status = AccountRemoved }, 0, ErrShareUnavailable},
		"of a creator who is disabled":                      {func(f *ShareFacts) { f.Group.Creator.UserDisabled = true }, 0, ErrShareUnavailable},
		"of a deleted group":                                {func(f *ShareFacts) { f.Group.Creator.Deleted = true }, 0, ErrShareUnavailable},
		"of a group that is gone":                           {func(f *ShareFacts) { f.Group = SharedGroup{} }, 0, ErrShareUnavailable},
		"with the group's password":                         {func(f *ShareFacts) { f.Group.PasswordHash, f.Group.PasswordVersion = "g", 2 }, 0, ErrSharePassword},
		"which was shown":                                   {func(f *ShareFacts) { f.Group.PasswordHash, f.Group.PasswordVersion = "g", 2 }, 2, nil},
		"which was changed since":                           {func(f *ShareFacts) { f.Group.PasswordHash, f.Group.PasswordVersion = "g", 3 }, 2, ErrSharePassword},
		"with its own beside the group's": {func(f *ShareFacts) {
			f.Link.PasswordHash, f.Link.PasswordVersion, f.Group.PasswordHash, f.Group.PasswordVersion = "l", 1, "g", 2
		}, 2, ErrSharePassword},
		"its own was shown": {func(f *ShareFacts) {
			f.Link.PasswordHash, f.Link.PasswordVersion, f.Group.PasswordHash, f.Group.PasswordVersion = "l", 1, "g", 2
		}, 1, nil},
		"the org wants one, and the group has it": {func(f *ShareFacts) {
			f.Policy.PasswordRequired, f.Group.PasswordHash, f.Group.PasswordVersion = true, "g", 2
		}, 2, nil},
		"the org wants one": {func(f *ShareFacts) { f.Policy.PasswordRequired = true }, 0, ErrShareUnavailable},
		"expired":           {func(f *ShareFacts) { f.Link.ExpiresAt = noonOfShares }, 0, ErrShareExpired},
	} {
		f := openGroupShare()
		c.edit(&f)
		if err := CanOpen(f, Visitor{Password: c.shown}, noonOfShares); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestHowLongALinkOfAGroupLives(t *testing.T) {
	tiers := Tiers()
	const day = 24 * time.Hour
	limit := &Error{Code: "limit_exceeded"}
	for name, c := range map[string]struct {
		license License
		policy  SharePolicy
		asked   time.Duration // 0: no end
		want    time.Duration
		err     error
	}{
		"free, nothing asked":          {tiers[0], SharePolicy{}, 0, 7 * day, nil},
		"starter, nothing asked":       {tiers[1], SharePolicy{}, 0, 7 * day, nil},
		"pro, nothing asked":           {tiers[2], SharePolicy{}, 0, 30 * day, nil},
		"enterprise, nothing asked":    {tiers[3], SharePolicy{}, 0, 0, nil},
		"the org's rules are stricter": {tiers[2], SharePolicy{MaxDays: 3}, 0, 3 * day, nil},
		"free, as long as may be":      {tiers[0], SharePolicy{}, 7 * day, 7 * day, nil},
		"free, too long":               {tiers[0], SharePolicy{}, 7*day + 1, 7*day + 1, limit},
		"pro, for a month":             {tiers[2], SharePolicy{}, 30 * day, 30 * day, nil},
		"pro, for a year":              {tiers[2], SharePolicy{}, 365 * day, 365 * day, limit},
		"enterprise, for ten years":    {tiers[3], SharePolicy{}, 3650 * day, 3650 * day, nil},
		"an operator's, beyond reason": {License{Limits: Limits{MaxGroupShareHours: maxLimit}}, SharePolicy{}, 365 * day, 365 * day, nil},
	} {
		f := openGroupShare()
		l := f.Link
		if l.ExpiresAt = (time.Time{}); c.asked != 0 {
			l.ExpiresAt = l.CreatedAt.Add(c.asked)
		}
		terms := ShareTerms{License: c.license, Policy: c.policy}
		l.DefaultExpiry(terms)
		want := time.Time{}
		if c.want != 0 {
			want = l.CreatedAt.Add(c.want)
		}
		if err := CheckShare(&l, nil, terms, l.CreatedAt); !errors.Is(err, c.err) || !l.ExpiresAt.Equal(want) {
			t.Errorf("%s: until %s, %v; want %s, %v", name, l.ExpiresAt, err, want, c.err)
		}
	}
	// What it had before a downgrade, it keeps; other links know no such limit.
	f := openGroupShare()
	l := f.Link
	l.ExpiresAt = l.CreatedAt.Add(30 * day)
	if err := CheckShare(&l, new(l), ShareTerms{License: tiers[0]}, noonOfShares); err != nil {
		t.Errorf("nothing changed: %v", err)
	}
	l.GroupID = GroupID{}
	if err := CheckShare(&l, nil, ShareTerms{License: tiers[0]}, l.CreatedAt); err != nil {
		t.Errorf("no link of a group: %v", err)
	}
}

func TestWhoSharesAGroup(t *testing.T) {
	f := openGroupShare().Group.Creator
	with := func(edit func(f *GroupFacts)) GroupFacts {
		c := f
		c.Levels = []GroupLevel{{ID: f.GroupID, Account: new(*f.Levels[0].Account)}}
		edit(&c)
		return c
	}
	for name, c := range map[string]struct {
		f    GroupFacts
		want error
	}{
		"with the right":     {f, nil},
		"who may but edit":   {with(func(f *GroupFacts) { *f.Levels[0].Account = GroupView | GroupEdit }), ErrForbidden},
		"who sees nothing":   {with(func(f *GroupFacts) { *f.Levels[0].Account = 0 }), ErrNotFound},
		"a deleted one":      {with(func(f *GroupFacts) { f.Deleted = true }), ErrNotFound},
		"who may restore it": {with(func(f *GroupFacts) { f.Deleted, *f.Levels[0].Account = true, AllGroupRights }), nil},
	} {
		if err := CanShareGroup(c.f); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestAGroupsPassword(t *testing.T) {
	g := &Group{}
	set := func(hash string) { g.Change(GroupChange{SharePassword: &hash}, noonOfShares) }
	set("a")
	g.Change(GroupChange{}, noonOfShares)
	if g.SharePasswordHash != "a" || g.SharePasswordVersion != 1 {
		t.Errorf("left alone: %q, %d", g.SharePasswordHash, g.SharePasswordVersion)
	}
	set("b")
	set("")
	set("")
	if g.SharePasswordHash != "" || g.SharePasswordVersion != 3 {
		t.Errorf("cleared: %q, %d", g.SharePasswordHash, g.SharePasswordVersion)
	}
	edits := openGroupShare().Group.Creator
	edits.Levels[0].Account = new(GroupView | GroupEdit)
	if err := CanChangeGroup(edits, g, GroupChange{SharePassword: new("c")}); !errors.Is(err, ErrForbidden) {
		t.Errorf("a password set by who may not share: %v", err)
	}
}
