package httpapi

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/core"
)

const adminLicensePath = "/api/admin/licenses/{name}"

func (h adminRoutes) mountLicenses(api huma.API) {
	register(api, operation{
		id: "listAllLicenses", method: http.MethodGet, path: "/api/admin/licenses", tag: tagAdmin, codes: []string{"forbidden"},
		summary: "All licences", about: "Lists the four built-in licences and the operators' own, by fee, on one page.",
	}, h.listLicenses)
	register(api, operation{
		id: "createLicense", method: http.MethodPost, path: "/api/admin/licenses", tag: tagAdmin, status: http.StatusCreated,
		codes:   []string{"forbidden", "license_exists", "license_built_in"},
		summary: "Define a licence", about: "Defines a licence that can be assigned. A limit that is left out or null does not limit.",
	}, h.createLicense)
	register(api, operation{
		id: "getLicense", method: http.MethodGet, path: adminLicensePath, tag: tagAdmin, codes: []string{"forbidden"}, also: notModified,
		summary: "A licence", about: "Returns one licence, with its ETag.",
	}, h.getLicense)
	register(api, operation{
		id: "updateLicense", method: http.MethodPatch, path: adminLicensePath, tag: tagAdmin, codes: []string{"forbidden", "license_built_in"},
		summary: "Change a licence",
		about:   "Changes a licence of the operators' own, at once for all organisations that have it. What is over a limit then stays; what is new is refused. Members that are left out stay as they are.",
	}, h.updateLicense)
}

type adminLicenseBody struct {
	LicenseBody
	BuiltIn bool  `json:"built_in" doc:"Whether it is one of the four that every server has, which cannot be changed"`
	Version int64 `json:"version" doc:"Counts the changes; the ETag" example:"2"`
}

func showAdminLicense(l *core.License) adminLicenseBody {
	return adminLicenseBody{showLicense(*l), l.BuiltIn(), l.Version}
}

type adminLicensesOutput struct{ Body page[adminLicenseBody] }

func (h adminRoutes) listLicenses(ctx context.Context, _ *struct{}) (*adminLicensesOutput, error) {
	all, err := h.admin.Licenses(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	show := func(l core.License) adminLicenseBody { return showAdminLicense(&l) }
	return &adminLicensesOutput{page[adminLicenseBody]{Items: each(all, show)}}, nil
}

// LicenseInput names a licence.
type LicenseInput struct {
	Name string `path:"name" minLength:"1" maxLength:"63" doc:"The licence" example:"studio"`
}

type getLicenseInput struct {
	LicenseInput
	ConditionalInput
}

type adminLicenseOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"The version of the resource" example:"\"3\""`
	Body   adminLicenseBody
}

func (h adminRoutes) getLicense(ctx context.Context, in *getLicenseInput) (*adminLicenseOutput, error) {
	l, err := h.admin.License(ctx, actorOf(ctx), in.Name)
	if err != nil {
		return nil, err
	}
	tag := etag(l.Version)
	return &adminLicenseOutput{fresh(in.IfNoneMatch, tag), tag, showAdminLicense(l)}, nil
}

// limitsInput is limits as clients send them: what is left out stays.
type limitsInput struct {
	MaxUploadSizeMB    optional[int64] `json:"max_upload_size_mb,omitzero" minimum:"0" maximum:"1000000000000" doc:"The largest file, in megabytes of 1,000,000 bytes; null: no limit" example:"100"`
	MaxTotalStorageMB  optional[int64] `json:"max_total_storage_mb,omitzero" minimum:"0" maximum:"1000000000000" doc:"All files together, in megabytes of 1,000,000 bytes; null: no limit" example:"1000"`
	MaxAssets          optional[int64] `json:"max_assets_count,omitzero" minimum:"0" maximum:"1000000000000" doc:"How many files; null: no limit" example:"100"`
	MaxProducts        optional[int64] `json:"max_products_count,omitzero" minimum:"0" maximum:"1000000000000" doc:"How many products; null: no limit" example:"50"`
	MaxMembers         optional[int64] `json:"max_members_count,omitzero" minimum:"0" maximum:"1000000000000" doc:"How many members, open invitations among them; null: no limit" example:"5"`
	MaxGroups          optional[int64] `json:"max_groups,omitzero" minimum:"0" maximum:"1000000000000" doc:"How many groups; null: no limit" example:"10"`
	MaxAssetsPerGroup  optional[int64] `json:"max_assets_per_group,omitzero" minimum:"0" maximum:"1000000000000" doc:"How many files in one group; null: no limit" example:"100"`
	MaxGroupShareHours optional[int64] `json:"max_group_share_hours,omitzero" minimum:"0" maximum:"1000000000000" doc:"How long a group's link may live, in hours; null: no limit" example:"168"`
}

// LicenseTermsInput is what a licence allows, as clients send it.
type LicenseTermsInput struct {
	MonthlyFeeCents optional[int64]          `json:"monthly_fee_cents,omitzero" minimum:"0" maximum:"1000000000000" doc:"What it costs, in US cents; null: by contract" example:"1900"`
	Limits          optional[limitsInput]    `json:"limits,omitzero" doc:"The limits that it names; null: none limits"`
	Features        optional[[]core.Feature] `json:"features,omitzero" maxItems:"100" doc:"What the licence allows beside numbers, all of it; null: nothing" example:"[\"webhooks\"]"`
}

// edit changes a licence as the client asks.
func (in *LicenseTermsInput) edit(l *core.License) {
	set := func(into *int64, from optional[int64]) {
		switch {
		case from.null:
			*into = core.Unlimited
		case from.set:
			*into = from.value
		}
	}
	set(&l.MonthlyFeeCents, in.MonthlyFeeCents)
	if in.Limits.null {
		l.Limits = core.UnlimitedLicense().Limits
	}
	from, to := in.Limits.value, &l.Limits
	set(&to.MaxUploadSizeMB, from.MaxUploadSizeMB)
	set(&to.MaxTotalStorageMB, from.MaxTotalStorageMB)
	set(&to.MaxAssets, from.MaxAssets)
	set(&to.MaxProducts, from.MaxProducts)
	set(&to.MaxMembers, from.MaxMembers)
	set(&to.MaxGroups, from.MaxGroups)
	set(&to.MaxAssetsPerGroup, from.MaxAssetsPerGroup)
	set(&to.MaxGroupShareHours, from.MaxGroupShareHours)
	if in.Features.set {
		l.Features = in.Features.value // nil for null
	}
}

type createLicenseInput struct {
	OnceInput
	Body struct {
		Name string `json:"name" minLength:"3" maxLength:"63" doc:"Identifies the licence: lower-case letters, digits and hyphens" example:"studio"`
		LicenseTermsInput
	}
}

type createdLicenseOutput struct {
	Location string `header:"Location" doc:"Where the licence is" example:"/api/admin/licenses/studio"`
	ETag     string `header:"ETag" doc:"The version of the resource" example:"\"1\""`
	Body     adminLicenseBody
}

func (h adminRoutes) createLicense(ctx context.Context, in *createLicenseInput) (*createdLicenseOutput, error) {
	wish, err := once(ctx, in.OnceInput, showAdminLicense)
	if err != nil {
		return nil, err
	}
	l, err := h.admin.AddLicense(ctx, actorOf(ctx), in.Body.Name, wish, in.Body.edit)
	if err != nil {
		return nil, err
	}
	noteLicense(ctx, l)
	return &createdLicenseOutput{"/api/admin/licenses/" + l.Name, etag(l.Version), showAdminLicense(l)}, nil
}

type updateLicenseInput struct {
	LicenseInput
	MatchInput
	Body LicenseTermsInput
}

func (h adminRoutes) updateLicense(ctx context.Context, in *updateLicenseInput) (*adminLicenseOutput, error) {
	version, err := expected(in.IfMatch, func() (int64, error) {
		l, err := h.admin.License(ctx, actorOf(ctx), in.Name)
		if err != nil {
			return 0, err
		}
		return l.Version, nil
	})
	if err != nil {
		return nil, err
	}
	l, err := h.admin.ChangeLicense(ctx, actorOf(ctx), in.Name, version, in.Body.edit)
	if err != nil {
		return nil, err
	}
	noteLicense(ctx, l)
	return &adminLicenseOutput{http.StatusOK, etag(l.Version), showAdminLicense(l)}, nil
}

// noteLicense writes what a licence has become into the server's log: it
// belongs to no org, so no audit log has it.
func noteLicense(ctx context.Context, l *core.License) {
	requestOf(ctx).note = slog.Any("license", showAdminLicense(l))
}
