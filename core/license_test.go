package core_test

import (
	"errors"
	"testing"

	"github.com/seed-755a8038/coffer/core"
)

func TestALicenceOfOnesOwn(t *testing.T) {
	l, err := core.NewLicense("studio", func(l *core.License) { l.Limits.MaxGroups = 3 })
	if err != nil || l.Name != "studio" || l.Version != 1 || l.Features != nil || l.Limits.MaxGroups != 3 || l.Limits.MaxMembers != core.Unlimited || l.BuiltIn() {
		t.Errorf("%+v, %v", l, err)
	}
	if err := l.Change(func(l *core.License) { l.Name, l.Version, l.MonthlyFeeCents = "other", 99, 5 }); err != nil || l.Name != "studio" || l.Version != 2 || l.MonthlyFeeCents != 5 {
		t.Errorf("%+v, %v", l, err)
	}
	for what, edit := range map[string]func(*core.License){
		"below nothing": func(l *core.License) { l.Limits.MaxGroups = -2 },
		"too much":      func(l *core.License) { l.Limits.MaxTotalStorageMB = 1_000_000_000_001 },
		"unknown":       func(l *core.License) { l.Features = []core.Feature{"flying"} },
		"twice":         func(l *core.License) { l.Features = []core.Feature{core.FeatureWebhooks, core.FeatureWebhooks} },
	} {
		if err := l.Change(edit); !errors.Is(err, invalid) {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := core.NewLicense("studio", edit); !errors.Is(err, invalid) {
			t.Errorf("%s, new: %v", what, err)
		}
	}
	for _, tier := range core.Tiers() {
		if err := tier.Change(func(*core.License) { t.Error("a tier is edited") }); !errors.Is(err, core.ErrLicenseBuiltIn) || !tier.BuiltIn() {
			t.Errorf("%s: %v", tier.Name, err)
		}
		if _, err := core.NewLicense(tier.Name, func(*core.License) {}); !errors.Is(err, core.ErrLicenseBuiltIn) {
			t.Errorf("%s, new: %v", tier.Name, err)
		}
	}
}

func TestCleanLicenseName(t *testing.T) {
	testClean(t, core.CleanLicenseName, []cleaned{
		{raw: "Studio", want: "studio"}, {raw: "a-1", want: "a-1"}, {raw: "admin", want: "admin"}, // no address, so nothing is reserved
		{raw: "ab", err: invalid}, {raw: "a b c", err: invalid}, {raw: "-abc", err: invalid}, {raw: "", err: invalid},
	})
}
