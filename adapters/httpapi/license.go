package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/org"
	"github.com/seed-755a8038/coffer/core"
)

type licenseRoutes struct{ orgs *org.Service }

func (h licenseRoutes) mount(api huma.API) {
	register(api, operation{
		id: "getOrgLicense", method: http.MethodGet, path: "/api/orgs/{org_id}/license", tag: tagLicenses,
		summary: "An organisation's licence", about: "Returns the licence in force, what it allows, and what is used of it.",
	}, h.get)
	register(api, operation{
		id: "listLicenses", method: http.MethodGet, path: "/api/licenses", tag: tagLicenses, public: true,
		summary: "The licences", about: "Lists the licences this server knows, by fee, on one page.",
	}, h.list)
}

// LicenseNameBody is a licence without what it allows.
type LicenseNameBody struct {
	Name            string `json:"name" doc:"Identifies the licence" example:"free"`
	MonthlyFeeCents *int64 `json:"monthly_fee_cents" doc:"What it costs; null: by contract" example:"1900"`
	Currency        string `json:"currency" enum:"USD" doc:"The currency of the fee" example:"USD"`
}

type limitsBody struct {
	MaxUploadSizeMB    *int64 `json:"max_upload_size_mb" doc:"The largest file, in megabytes of 1,000,000 bytes; null: no limit" example:"100"`
	MaxTotalStorageMB  *int64 `json:"max_total_storage_mb" doc:"All files together, in megabytes of 1,000,000 bytes; null: no limit" example:"1000"`
	MaxAssets          *int64 `json:"max_assets_count" doc:"How many files; null: no limit" example:"100"`
	MaxProducts        *int64 `json:"max_products_count" doc:"How many products; null: no limit" example:"50"`
	MaxMembers         *int64 `json:"max_members_count" doc:"How many members, open invitations among them; null: no limit" example:"5"`
	MaxGroups          *int64 `json:"max_groups" doc:"How many groups; null: no limit" example:"10"`
	MaxAssetsPerGroup  *int64 `json:"max_assets_per_group" doc:"How many files in one group; null: no limit" example:"100"`
	MaxGroupShareHours *int64 `json:"max_group_share_hours" doc:"How long a group's link may live, in hours; null: no limit" example:"168"`
}

// UsageBody is what an org uses of its licence.
type UsageBody struct {
	UsedBytes     int64 `json:"used_bytes" doc:"All versions of all files, those in the trash and those being uploaded too" example:"5000000"`
	AssetsCount   int64 `json:"assets_count" doc:"How many files" example:"1"`
	ProductsCount int64 `json:"products_count" doc:"How many products" example:"0"`
	GroupsCount   int64 `json:"groups_count" doc:"How many groups, deleted ones too until they are purged" example:"0"`
	MembersCount  int64 `json:"members_count" doc:"How many active members and open invitations" example:"1"`
}

type licensedBody struct {
	License   LicenseNameBody `json:"license" doc:"The licence in force"`
	Limits    limitsBody      `json:"limits" doc:"What it allows at most"`
	Features  []core.Feature  `json:"features" doc:"What the licence allows beside numbers" example:"[\"webhooks\"]"`
	Usage     UsageBody       `json:"usage" doc:"What is used of it"`
	ExpiresAt *time.Time      `json:"expires_at" doc:"Until when the licence is in force; null: no end"`
}

// LicenseBody is a licence with what it allows. Its name is exported for the description:
// only so are its members those of the bodies that embed it.
type LicenseBody struct {
	LicenseNameBody
	Limits   limitsBody     `json:"limits" doc:"What it allows at most"`
	Features []core.Feature `json:"features" doc:"What the licence allows beside numbers" example:"[\"webhooks\"]"`
}

// limit shows a limit: null if it does not limit.
func limit(n int64) *int64 {
	if n == core.Unlimited {
		return nil
	}
	return &n
}

// timeOrNull shows a time: null if there is none.
func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// orNull shows what may be unset: null if it is.
func orNull[T comparable](v T) *T {
	var unset T
	if v == unset {
		return nil
	}
	return &v
}

func showLicenseName(l core.License) LicenseNameBody {
	return LicenseNameBody{l.Name, limit(l.MonthlyFeeCents), "USD"}
}

func showLimits(l core.Limits) limitsBody {
	return limitsBody{
		MaxUploadSizeMB: limit(l.MaxUploadSizeMB), MaxTotalStorageMB: limit(l.MaxTotalStorageMB), MaxAssets: limit(l.MaxAssets),
		MaxProducts: limit(l.MaxProducts), MaxMembers: limit(l.MaxMembers), MaxGroups: limit(l.MaxGroups),
		MaxAssetsPerGroup: limit(l.MaxAssetsPerGroup), MaxGroupShareHours: limit(l.MaxGroupShareHours),
	}
}

func showUsage(u core.OrgUsage) UsageBody {
	return UsageBody{UsedBytes: u.UsedBytes, AssetsCount: u.AssetsCount, ProductsCount: u.Products, GroupsCount: u.Groups, MembersCount: u.Members}
}

func showLicense(l core.License) LicenseBody {
	return LicenseBody{showLicenseName(l), showLimits(l.Limits), each(l.Features, same)}
}

type licensedOutput struct{ Body licensedBody }

func (h licenseRoutes) get(ctx context.Context, in *OrgInput) (*licensedOutput, error) {
	l, err := h.orgs.License(ctx, actorOf(ctx), in.OrgID)
	if err != nil {
		return nil, err
	}
	return &licensedOutput{licensedBody{
		License: showLicenseName(l.License), Limits: showLimits(l.Limits), Features: each(l.Features, same),
		Usage: showUsage(l.Usage), ExpiresAt: timeOrNull(l.ExpiresAt),
	}}, nil
}

type licensesOutput struct{ Body page[LicenseBody] }

func (h licenseRoutes) list(ctx context.Context, _ *struct{}) (*licensesOutput, error) {
	all, err := h.orgs.Licenses(ctx)
	if err != nil {
		return nil, err
	}
	return &licensesOutput{page[LicenseBody]{Items: each(all, showLicense)}}, nil
}
