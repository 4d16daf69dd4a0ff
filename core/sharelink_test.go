package core

import (
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

var noonOfShares = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// openShare is a link that everybody may open.
func openShare() ShareFacts {
	at := noonOfShares
	f := ShareFacts{Creator: DriveFacts{DriveStanding: DriveStanding{
		Status: AccountActive, OrgRole: OrgMember, Ownership: SharedDrive, Default: DriveEditor,
	}}}
	f.Link = ShareLink{ID: ShareLinkID{1}, Kind: ShareDownload, NodeID: NodeID{2}, CreatedAt: at, ShareRules: ShareRules{
		AllowDownload: true, AllowViewMetadata: true, MaxViews: Unlimited, MaxDownloads: Unlimited,
		Request: FileRequest{MaxFiles: Unlimited, MaxBytes: Unlimited},
	}}
	f.Node = Node{ID: NodeID{2}, Kind: KindFolder}
	return f
}

// TestWhoMayOpenALink goes through all that can be in the way, in the order in
// which it is told: each case has what the ones after it have, too.
func TestWhoMayOpenALink(t *testing.T) {
	someone := AccountID{7}
	steps := []struct {
		name string
		set  func(f *ShareFacts, v *Visitor)
		want error
	}{
		{"nothing", func(*ShareFacts, *Visitor) {}, nil},
		{"the target is gone", func(f *ShareFacts, _ *Visitor) { f.Node = Node{} }, ErrShareUnavailable},
		{"another password", func(f *ShareFacts, v *Visitor) {
			f.Link.PasswordHash, f.Link.PasswordVersion, v.Password = "x", 2, 1
		}, ErrSharePassword},
		{"other people", func(f *ShareFacts, v *Visitor) {
			f.Link.Accounts, v.AccountID = []AccountID{someone}, AccountID{8}
		}, ErrShareNotForYou},
		{"nobody signed in", func(_ *ShareFacts, v *Visitor) { v.AccountID = AccountID{} }, ErrShareSignIn},
		{"another network", func(f *ShareFacts, v *Visitor) {
			f.Link.IPAllow, v.Address = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, "198.51.100.1"
		}, ErrShareAddress},
		{"who made it may not any more", func(f *ShareFacts, _ *Visitor) { f.Creator.Default = DriveViewer }, ErrShareUnavailable},
		{"expired", func(f *ShareFacts, _ *Visitor) { f.Link.ExpiresAt = noonOfShares }, ErrShareExpired},
		{"revoked", func(f *ShareFacts, _ *Visitor) { f.Link.RevokedAt = noonOfShares }, ErrShareRevoked},
	}
	f, v := openShare(), Visitor{Address: "192.0.2.7"}
	for _, step := range steps {
		step.set(&f, &v)
		if err := CanOpen(f, v, noonOfShares); !errors.Is(err, step.want) {
			t.Errorf("%s: %v, want %v", step.name, err, step.want)
		}
	}
}

func TestWhatElseOpensOrClosesALink(t *testing.T) {
	for name, c := range map[string]struct {
		set  func(f *ShareFacts, v *Visitor)
		want error
	}{
		"the password": {func(f *ShareFacts, v *Visitor) {
			f.Link.PasswordHash, f.Link.PasswordVersion, v.Password = "x", 2, 2
		}, nil},
		"one of the people": {func(f *ShareFacts, v *Visitor) {
			v.AccountID = AccountID{7}
			f.Link.Accounts = []AccountID{{6}, {7}}
		}, nil},
		"an address mapped to IPv6": {func(f *ShareFacts, v *Visitor) {
			f.Link.IPAllow, v.Address = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, "::ffff:192.0.2.7"
		}, nil},
		"no address": {func(f *ShareFacts, v *Visitor) {
			f.Link.IPAllow, v.Address = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}, "a pipe"
		}, ErrShareAddress},
		"the last moment": {func(f *ShareFacts, _ *Visitor) { f.Link.ExpiresAt = noonOfShares.Add(time.Microsecond) }, nil},
		"longer than the org allows": {func(f *ShareFacts, _ *Visitor) {
			f.Policy.MaxDays, f.Link.CreatedAt, f.Link.ExpiresAt = 7, noonOfShares.AddDate(0, 0, -7), noonOfShares.AddDate(1, 0, 0)
		}, ErrShareExpired},
		"endless, where the org allows days": {func(f *ShareFacts, _ *Visitor) {
			f.Policy.MaxDays, f.Link.CreatedAt = 7, noonOfShares.AddDate(0, 0, -8)
		}, ErrShareExpired},
		"no password, where the org wants one": {func(f *ShareFacts, _ *Visitor) { f.Policy.PasswordRequired = true }, ErrShareUnavailable},
		"the trash":                            {func(f *ShareFacts, _ *Visitor) { f.InTrash = true }, ErrShareUnavailable},
		"a creator who is suspended":           {func(f *ShareFacts, _ *Visitor) { f.Creator.Status = AccountSuspended }, ErrShareUnavailable},
		"a creator who is disabled":            {func(f *ShareFacts, _ *Visitor) { f.Creator.UserDisabled = true }, ErrShareUnavailable},
	} {
		f, v := openShare(), Visitor{}
		c.set(&f, &v)
		if err := CanOpen(f, v, noonOfShares); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestWhatALinkNeedsOfTheLicence(t *testing.T) {
	custom, all := FeatureCustomSharing, []Feature{FeaturePassword, FeatureCustomSharing, FeatureIPRestriction, FeatureWatermark}
	for name, c := range map[string]struct {
		set  func(l *ShareLink)
		want []Feature
	}{
		"nothing": {func(*ShareLink) {}, nil},
		"an end":  {func(l *ShareLink) { l.ExpiresAt = noonOfShares }, nil},
		"a request": {func(l *ShareLink) {
			l.Kind, l.AllowDownload, l.AllowViewMetadata, l.Request.MaxFiles = ShareUpload, false, false, 3
		}, nil},
		"a password":   {func(l *ShareLink) { l.PasswordHash = "x" }, []Feature{FeaturePassword}},
		"a name":       {func(l *ShareLink) { l.Name = "x" }, []Feature{custom}},
		"views":        {func(l *ShareLink) { l.MaxViews = 3 }, []Feature{custom}},
		"downloads":    {func(l *ShareLink) { l.MaxDownloads = 3 }, []Feature{custom}},
		"download off": {func(l *ShareLink) { l.AllowDownload = false }, []Feature{custom}},
		"metadata off": {func(l *ShareLink) { l.AllowViewMetadata = false }, []Feature{custom}},
		"named people": {func(l *ShareLink) { l.Accounts = []AccountID{{7}} }, []Feature{custom}},
		"networks":     {func(l *ShareLink) { l.IPAllow = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} }, []Feature{FeatureIPRestriction}},
		"everything": {func(l *ShareLink) {
			l.PasswordHash, l.MaxViews, l.IPAllow, l.Watermark = "x", 1, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, true
		}, all},
	} {
		l := openShare().Link
		c.set(&l)
		if got := l.Features(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestAnEditHasToBeAllowedForWhatItAddsOnly(t *testing.T) {
	free := Tiers()[0]
	rich := openShare().Link
	rich.Name, rich.MaxViews, rich.PasswordHash, rich.ExpiresAt = "For the client", 10, "x", noonOfShares.AddDate(0, 0, -1)
	strict := SharePolicy{MaxDays: 7, PasswordRequired: true}
	unavailable := &Error{Code: "feature_unavailable"}
	for name, c := range map[string]struct {
		policy SharePolicy
		edit   func(l *ShareLink)
		want   error
	}{
		"nothing":                  {strict, func(*ShareLink) {}, nil},
		"fewer settings":           {SharePolicy{}, func(l *ShareLink) { l.Name, l.MaxViews, l.PasswordHash = "", Unlimited, "" }, nil},
		"another name":             {strict, func(l *ShareLink) { l.Name = "For all" }, unavailable},
		"another limit":            {strict, func(l *ShareLink) { l.MaxDownloads = 3 }, unavailable},
		"another password":         {strict, func(l *ShareLink) { l.PasswordHash = "y" }, unavailable},
		"no password":              {strict, func(l *ShareLink) { l.PasswordHash = "" }, ErrSharePolicy},
		"a later end":              {strict, func(l *ShareLink) { l.ExpiresAt = noonOfShares.AddDate(0, 0, 8) }, ErrSharePolicy},
		"no end":                   {strict, func(l *ShareLink) { l.ExpiresAt = time.Time{} }, ErrSharePolicy},
		"an end within the limit":  {strict, func(l *ShareLink) { l.ExpiresAt = noonOfShares.AddDate(0, 0, 7) }, nil},
		"an end that is past":      {strict, func(l *ShareLink) { l.ExpiresAt = noonOfShares }, Invalid("", "")},
		"downloads, which is free": {strict, func(l *ShareLink) { l.Notify.FirstView = true }, nil},
	} {
		l := rich
		c.edit(&l)
		if err := CheckShare(&l, &rich, ShareTerms{License: free, Policy: c.policy}, noonOfShares); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if err := CheckShare(&rich, nil, ShareTerms{License: UnlimitedLicense()}, noonOfShares); !errors.Is(err, Invalid("", "")) {
		t.Errorf("a new link that has expired: %v", err)
	}
}

func TestSharePolicyAndLinkPasswords(t *testing.T) {
	for days, ok := range map[int]bool{-1: false, 0: true, 1: true, 36_500: true, 36_501: false} {
		if err := CheckSharePolicy(SharePolicy{MaxDays: days}); (err == nil) != ok {
			t.Errorf("%d days: %v", days, err)
		}
	}
	for password, ok := range map[string]bool{"": false, "abc": false, "abcd": true, strings.Repeat("x", 1025): false, "a\x00bcd": false, "ab\xffcd": false} {
		if err := CheckSharePassword("p", password); (err == nil) != ok {
			t.Errorf("%q: %v", password, err)
		}
	}
}
