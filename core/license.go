package core

import (
	"slices"
	"time"
)

// Unlimited is the value of a limit that does not limit.
const Unlimited int64 = -1

// MB is a megabyte, in bytes, as licences count them.
const MB int64 = 1_000_000

// Feature is something a licence has or has not.
type Feature string

// The features that licences differ by.
const (
	FeatureGroupNesting     Feature = "group_nesting"
	FeaturePassword         Feature = "password_protection"
	FeatureCustomSharing    Feature = "custom_sharing"
	FeatureAdvancedStats    Feature = "advanced_analytics"
	FeatureFullStats        Feature = "full_analytics"
	FeatureAnalyticsExport  Feature = "analytics_export"
	FeatureBranding         Feature = "custom_branding"
	FeatureWhiteLabel       Feature = "white_label"
	FeatureIPRestriction    Feature = "ip_restriction"
	FeatureWatermark        Feature = "watermark"
	FeatureWebhooks         Feature = "webhooks"
	FeatureScheduledReports Feature = "scheduled_reports"
)

// Limits are the numbers of a licence. Unlimited (-1) lifts one.
type Limits struct {
	MaxUploadSizeMB    int64
	MaxTotalStorageMB  int64
	MaxAssets          int64
	MaxProducts        int64
	MaxMembers         int64
	MaxGroups          int64
	MaxAssetsPerGroup  int64
	MaxGroupShareHours int64 // longest expiry of a group's link
}

// License is a plan: limits, features and a monthly fee.
type License struct {
	Name            string // key: free, starter, pro, enterprise or an operator's own
	Limits          Limits
	Features        []Feature
	MonthlyFeeCents int64 // USD; Unlimited (-1): by contract
	Version         int64
}

// DefaultLicense is the name of the licence of an org without an assignment.
const DefaultLicense = "free"

// OrgLicense is the licence in force for an org, and until when.
type OrgLicense struct {
	License
	ExpiresAt time.Time // zero: no end
}

var allFeatures = []Feature{
	FeatureGroupNesting, FeaturePassword, FeatureCustomSharing, FeatureAdvancedStats, FeatureFullStats, FeatureAnalyticsExport,
	FeatureBranding, FeatureWhiteLabel, FeatureIPRestriction, FeatureWatermark, FeatureWebhooks, FeatureScheduledReports,
}

const (
	week  = 7 * 24  // hours
	month = 30 * 24 // hours
)

// Tiers returns the licences every server knows, smallest first.
func Tiers() []License {
	return []License{
		{Name: "free", Limits: Limits{100, 1_000, 100, 50, 5, 10, 100, week}, Version: 1},
		{Name: "starter", Limits: Limits{500, 10_000, 500, 100, 10, 10, 100, week}, MonthlyFeeCents: 1_900, Version: 1},
		{
			Name: "pro", Limits: Limits{2_000, 100_000, 2_000, 500, 50, 100, 1_000, month}, MonthlyFeeCents: 4_900, Version: 1,
			Features: []Feature{FeatureGroupNesting, FeaturePassword, FeatureCustomSharing, FeatureAdvancedStats, FeatureAnalyticsExport},
		},
		{
			Name: "enterprise", MonthlyFeeCents: Unlimited, Features: allFeatures, Version: 1,
			Limits: Limits{10_000, 1_000_000, Unlimited, Unlimited, Unlimited, Unlimited, Unlimited, Unlimited},
		},
	}
}

// UnlimitedLicense is in force for every org of a server whose operator runs
// it for themselves.
func UnlimitedLicense() License {
	return License{
		Name: "unlimited", Features: allFeatures,
		Limits: Limits{Unlimited, Unlimited, Unlimited, Unlimited, Unlimited, Unlimited, Unlimited, Unlimited},
	}
}

// What can go wrong with the definition of a licence.
var (
	ErrLicenseNameTaken = &Error{Kind: KindConflict, Code: "license_exists", Message: "there is already a licence with this name"}
	ErrLicenseBuiltIn   = &Error{
		Kind: KindConflict, Code: "license_built_in", Message: "the four tiers are the same everywhere; define a licence of your own",
	}
)

// NewLicense returns a licence of an operator's own: one without limits or
// features, by contract, as edit changes it. name is clean; a tier is refused.
func NewLicense(name string, edit func(*License)) (*License, error) {
	l := UnlimitedLicense()
	l.Name, l.Features, l.MonthlyFeeCents = name, nil, Unlimited
	return &l, l.Change(edit)
}

// Change lets edit change anything but the name and checks what it has made of
// it. What the licence allows changes at once for all who have it.
func (l *License) Change(edit func(*License)) error {
	if err := l.checkOwn(); err != nil {
		return err
	}
	name, version := l.Name, l.Version
	edit(l)
	l.Name, l.Version = name, version+1
	return CheckLicense(*l)
}

func (l *License) checkOwn() error {
	if l.BuiltIn() {
		return ErrLicenseBuiltIn
	}
	return nil
}

// BuiltIn reports whether the licence is one of the tiers.
func (l *License) BuiltIn() bool {
	return slices.ContainsFunc(Tiers(), func(t License) bool { return t.Name == l.Name })
}

// CleanLicenseName returns a name in the form under which it is unique.
func CleanLicenseName(location, raw string) (string, error) {
	name := Fold(raw)
	if len(name) < minSlugBytes || len(name) > MaxSlugBytes || !slugForm.MatchString(name) {
		return "", Invalid(location, "must have 3 to 63 lower-case letters, digits and single hyphens between them")
	}
	return name, nil
}

// CheckLicense refuses numbers that are neither a limit nor Unlimited, and
// features that do not exist.
func CheckLicense(l License) error {
	for name, n := range map[string]int64{
		"limits.max_upload_size_mb": l.Limits.MaxUploadSizeMB, "limits.max_total_storage_mb": l.Limits.MaxTotalStorageMB,
		"limits.max_assets_count": l.Limits.MaxAssets, "limits.max_products_count": l.Limits.MaxProducts, "limits.max_members_count": l.Limits.MaxMembers,
		"limits.max_groups": l.Limits.MaxGroups, "limits.max_assets_per_group": l.Limits.MaxAssetsPerGroup,
		"limits.max_group_share_hours": l.Limits.MaxGroupShareHours, "monthly_fee_cents": l.MonthlyFeeCents,
	} {
		if n < Unlimited || n > maxLimit {
			return Invalid("body."+name, "must be from 0 to 1,000,000,000,000, or null for no limit")
		}
	}
	for _, f := range l.Features {
		if !slices.Contains(allFeatures, f) {
			return Invalid("body.features", "has an unknown feature: "+string(f))
		}
	}
	if sorted := slices.Sorted(slices.Values(l.Features)); len(slices.Compact(sorted)) != len(l.Features) {
		return Invalid("body.features", "names a feature twice")
	}
	return nil
}

const maxLimit = 1_000_000_000_000 // in megabytes, an exabyte: far from any overflow in bytes

// CheckFeature returns the refusal of a feature the licence has not, with the
// smallest tier that has it.
func (l *License) CheckFeature(f Feature) error {
	if l.Has(f) {
		return nil
	}
	e := &Error{
		Kind: KindForbidden, Code: "feature_unavailable", Message: "the licence in force does not include " + string(f),
		Details: map[string]any{"feature": string(f), "license": l.Name},
	}
	for _, tier := range Tiers() {
		if tier.Has(f) {
			return e.With("available_in", tier.Name)
		}
	}
	return e
}

// Has reports whether the licence has the feature.
func (l *License) Has(f Feature) bool {
	return slices.Contains(l.Features, f)
}

// MaxUploadBytes is the largest file, in bytes, or Unlimited.
func (l Limits) MaxUploadBytes() int64 { return inBytes(l.MaxUploadSizeMB) }

// MaxStorageBytes is what all files may take together, in bytes, or Unlimited.
func (l Limits) MaxStorageBytes() int64 { return inBytes(l.MaxTotalStorageMB) }

func inBytes(mb int64) int64 {
	if mb == Unlimited {
		return Unlimited
	}
	return mb * MB
}

// CheckLimit returns the refusal of using requested more of a limit of which
// used is taken, or nil if it fits. name is the limit's name in the API.
func CheckLimit(name string, limit, used, requested int64) error {
	if limit == Unlimited || requested <= limit-used { // no overflow: limit >= 0
		return nil
	}
	return limitExceeded(name, limit, used, requested)
}

func limitExceeded(name string, limit, used, requested int64) *Error {
	return &Error{
		Kind: KindForbidden, Code: "limit_exceeded", Message: "this would go over the limit " + name,
		Details: map[string]any{"limit": name, "max": limit, "used": used, "requested": requested},
	}
}
