package core_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// cleaned is a case of a function that cleans text: want is what is kept, or
// the error that refuses it.
type cleaned struct {
	raw, want string
	err       error
}

func testClean(t *testing.T, clean func(location, raw string) (string, error), cases []cleaned) {
	t.Helper()
	for _, test := range cases {
		got, err := clean("body.x", test.raw)
		if got != test.want || !errors.Is(err, test.err) {
			t.Errorf("%q: %q, %v; want %q, %v", test.raw, got, err, test.want, test.err)
		}
		if err != nil {
			continue
		}
		if again, err := clean("body.x", got); again != got || err != nil {
			t.Errorf("%q does not stay: %q, %v", got, again, err)
		}
	}
}

var invalid = &core.Error{Code: "validation_failed"}

func TestCleanSlug(t *testing.T) {
	testClean(t, core.CleanSlug, []cleaned{
		{raw: "acme", want: "acme"},
		{raw: "ACME", want: "acme"},
		{raw: "Acme-Inc-2", want: "acme-inc-2"},
		{raw: "a-b", want: "a-b"},
		{raw: "123", want: "123"},
		{raw: strings.Repeat("a", 63), want: strings.Repeat("a", 63)},
		{raw: "\u212aey", want: "key"}, // the sign of kelvin is a k in another case
		{raw: strings.Repeat("a", 64), err: invalid},
		{raw: "", err: invalid},
		{raw: "ab", err: invalid},
		{raw: "-ab", err: invalid},
		{raw: "ab-", err: invalid},
		{raw: "a--b", err: invalid},
		{raw: "a b", err: invalid},
		{raw: " abc", err: invalid},
		{raw: "abc\n", err: invalid},
		{raw: "a_b", err: invalid},
		{raw: "a.b", err: invalid},
		{raw: "café", err: invalid},
		{raw: "\xff\xfe\xfd", err: invalid},
		{raw: "admin", err: core.ErrSlugTaken},
		{raw: "API", err: core.ErrSlugTaken},
		{raw: "www", err: core.ErrSlugTaken},
	})
}

func TestCleanColor(t *testing.T) {
	testClean(t, core.CleanColor, []cleaned{
		{raw: "", want: ""},
		{raw: "#1a2b3c", want: "#1a2b3c"},
		{raw: "#1A2B3C", want: "#1a2b3c"},
		{raw: "#fff", err: invalid},
		{raw: "1a2b3c", err: invalid},
		{raw: "#1a2b3g", err: invalid},
		{raw: "#1a2b3c\n", err: invalid},
		{raw: "#1a2b3c;background:url(//x)", err: invalid},
		{raw: "red", err: invalid},
	})
}

func TestCleanTimeZone(t *testing.T) {
	known := func(name string) bool {
		return slices.Contains([]string{"UTC", "Europe/Berlin", "Local", strings.Repeat("a", 1000)}, name)
	}
	clean := func(location, raw string) (string, error) { return core.CleanTimeZone(location, raw, known) }
	testClean(t, clean, []cleaned{
		{raw: "", want: ""},
		{raw: "UTC", want: "UTC"},
		{raw: "Europe/Berlin", want: "Europe/Berlin"},
		{raw: "Local", err: invalid},
		{raw: "Mars/Olympus", err: invalid},
		{raw: strings.Repeat("a", 1000), err: invalid},
	})
}

func TestPersonalSlug(t *testing.T) {
	id, err := core.ParseID[core.Org]("01930000-0000-7000-8000-0123456789ab")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Ana Müller": "ana-m-ller-0123456789ab", "中": "personal-0123456789ab", "admin": "admin-0123456789ab",
		strings.Repeat("x", 200): strings.Repeat("x", 50) + "-0123456789ab",
	} {
		got := core.PersonalSlug(name, id)
		if got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
		if again, err := core.CleanSlug("x", got); again != got || err != nil {
			t.Errorf("%q is no slug: %v", got, err)
		}
	}
}

func TestOrgChange(t *testing.T) {
	o := core.NewOrg(ident[core.Org]("o"), "Acme", "acme", noon)
	o.Settings.TimeZone, o.Branding.PrimaryColor = "UTC", "#000000"
	want := *o
	o.Change(core.OrgChange{}, later)
	want.Version, want.UpdatedAt = 2, later
	if *o != want {
		t.Errorf("no change: %+v", o)
	}
	name, slug, zone, branding := "A", "aaa", "", core.Branding{AccentColor: "#ffffff"}
	o.Change(core.OrgChange{Name: &name, Slug: &slug, TimeZone: &zone, Branding: &branding}, later)
	want.Name, want.Slug, want.Settings.TimeZone, want.Branding, want.Version = "A", "aaa", "", branding, 3
	if *o != want {
		t.Errorf("every change: %+v", o)
	}
}

func TestOrgDelete(t *testing.T) {
	personal := core.NewPersonalOrg(ident[core.Org]("p"), "ana", "ana", noon)
	if err := personal.Delete(later); !errors.Is(err, core.ErrPersonalOrg) || personal.Deleted() || personal.Version != 1 {
		t.Errorf("personal: %v, %+v", err, personal)
	}
	o := core.NewOrg(ident[core.Org]("o"), "Acme", "acme", noon)
	if err := o.Delete(later); err != nil || !o.Deleted() || !o.DeletedAt.Equal(later) || !o.UpdatedAt.Equal(later) || o.Version != 2 {
		t.Errorf("%v, %+v", err, o)
	}
	if err := o.Delete(later.Add(1)); !errors.Is(err, core.ErrOrgDeleted) || !o.DeletedAt.Equal(later) || o.Version != 2 {
		t.Errorf("again: %v, %+v", err, o)
	}
}

func TestOrgDeleteWith(t *testing.T) {
	ana := &core.User{PersonalOrgID: ident[core.Org]("p")}
	for name, c := range map[string]struct {
		org  *core.Org
		want error
	}{
		"the user's own":   {core.NewPersonalOrg(ident[core.Org]("p"), "ana", "ana", noon), nil},
		"another's":        {core.NewPersonalOrg(ident[core.Org]("q"), "ben", "ben", noon), core.ErrPersonalOrg},
		"of several":       {core.NewOrg(ident[core.Org]("p"), "Acme", "acme", noon), core.ErrPersonalOrg},
		"deleted long ago": {&core.Org{ID: ident[core.Org]("p"), IsPersonal: true, DeletedAt: noon}, core.ErrOrgDeleted},
	} {
		before := *c.org
		if err := c.org.DeleteWith(ana, later); !errors.Is(err, c.want) || c.want == nil && !c.org.DeletedAt.Equal(later) || c.want != nil && *c.org != before {
			t.Errorf("%s: %v, %+v", name, err, c.org)
		}
	}
}

func TestOrgRestoreAndPurge(t *testing.T) {
	const kept = 24 * time.Hour
	owned := core.Roster{Owners: 1, Members: 3}
	deleted := func(edit func(*core.Org)) *core.Org {
		o := core.NewOrg(ident[core.Org]("o"), "Acme", "acme", noon)
		o.DeletedAt = noon
		edit(o)
		return o
	}
	as := func(*core.Org) {}
	live := func(o *core.Org) { o.DeletedAt = time.Time{} }
	for name, c := range map[string]struct {
		org     *core.Org
		roster  core.Roster
		after   time.Duration
		restore error
		due     bool
	}{
		"at once":                 {deleted(as), owned, 0, nil, false},
		"at the last moment":      {deleted(as), owned, kept - 1, nil, false},
		"too late":                {deleted(as), owned, kept, core.ErrOrgDeleted, true},
		"without an owner":        {deleted(as), core.Roster{Members: 2}, 0, core.ErrOrgOrphan, false},
		"a live one":              {deleted(live), owned, 2 * kept, core.ErrOrgLive, false},
		"a personal one":          {deleted(func(o *core.Org) { o.IsPersonal = true }), owned, 0, core.ErrPersonalOrg, false},
		"a personal one too late": {deleted(func(o *core.Org) { o.IsPersonal = true }), owned, kept, core.ErrPersonalOrg, true},
		// The operator keeps orgs longer since the purge began: too late all the same.
		"while it is purged": {deleted(func(o *core.Org) { o.PurgingAt = noon }), owned, 0, core.ErrOrgDeleted, true},
	} {
		now, o := noon.Add(c.after), *c.org
		err := o.Restore(c.roster, kept, now)
		if !errors.Is(err, c.restore) || err == nil && (o.Deleted() || o.Version != c.org.Version+1 || !o.UpdatedAt.Equal(now)) || err != nil && o != *c.org {
			t.Errorf("%s: restore: %v, %+v", name, err, o)
		}
		o = *c.org
		begins := c.due && o.PurgingAt.IsZero()
		if due := o.Purge(kept, now); due != c.due || begins != (o.Version != c.org.Version) || due == o.PurgingAt.IsZero() {
			t.Errorf("%s: purge: %v, %+v", name, due, o)
		}
	}
	if at := deleted(as).PurgeAt(kept); !at.Equal(noon.Add(kept)) || !deleted(live).PurgeAt(kept).IsZero() {
		t.Errorf("purged at %v", at)
	}
}

func TestDriveHandOver(t *testing.T) {
	d := core.NewPersonalDrive(ident[core.Drive]("d"), ident[core.Org]("o"), ident[core.Account]("a"), noon)
	d.HandOver("ana@example.com", later)
	if d.IsPersonal() || d.DefaultRole != core.DriveNone || d.Name != "Personal drive of ana@example.com" || d.Version != 2 || !d.UpdatedAt.Equal(later) {
		t.Errorf("%+v", d)
	}
	d.HandOver(strings.Repeat("é", core.MaxEmailBytes/2), later)
	if len(d.Name) > core.MaxTitleBytes || strings.ToValidUTF8(d.Name, "?") != d.Name {
		t.Errorf("a long name becomes %q", d.Name)
	}
}
