package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/org"
	"github.com/seed-755a8038/coffer/core"
)

type orgRoutes struct {
	orgs    *org.Service
	cursors codec[core.OrgID]
}

func (h orgRoutes) mount(api huma.API) {
	register(api, operation{
		id: "listOrgs", method: http.MethodGet, path: "/api/orgs", tag: tagOrgs,
		summary: "My organisations", about: "Lists the organisations in which the user has an active account, in the order in which they were made; or those that were deleted and that the user can restore.",
	}, h.list)
	register(api, operation{
		id: "createOrg", method: http.MethodPost, path: "/api/orgs", tag: tagOrgs, status: http.StatusCreated, codes: []string{"slug_taken"},
		summary: "Create an organisation",
		about:   "Makes an organisation for several people, with the user as its owner, the shared drive Library and the owner's personal drive, all or nothing.",
	}, h.create)
	register(api, operation{
		id: "getOrg", method: http.MethodGet, path: "/api/orgs/{org_id}", tag: tagOrgs, also: notModified,
		summary: "One organisation", about: "Returns an organisation, with the user's own role in it.",
	}, h.get)
	register(api, operation{
		id: "updateOrg", method: http.MethodPatch, path: "/api/orgs/{org_id}", tag: tagOrgs,
		codes:   []string{"forbidden", "slug_taken", "feature_unavailable", "personal_org"},
		summary: "Change an organisation",
		about:   "Members that are left out stay as they are, in the settings too; null clears the settings or the branding. Branding is replaced whole. A slug that is given up stays reserved for the organisation.",
	}, h.update)
	register(api, operation{
		id: "deleteOrg", method: http.MethodDelete, path: "/api/orgs/{org_id}", tag: tagOrgs, status: http.StatusNoContent,
		codes:   []string{"forbidden", "personal_org", "org_deleted"},
		summary: "Delete an organisation",
		about:   "Closes an organisation to everybody at once. For a time that the operator sets, 30 days at first, an owner can restore it; then all in it is removed for good. Owners only.",
	}, h.remove)
	register(api, operation{
		id: "restoreOrg", method: http.MethodPost, path: "/api/orgs/{org_id}/restore", tag: tagOrgs, status: http.StatusNoContent,
		codes:   []string{"forbidden", "org_not_deleted", "personal_org", "org_deleted", "org_without_owner"},
		summary: "Restore a deleted organisation",
		about:   "Opens a deleted organisation again, with everything that was in it, while it is not purged. Owners and platform admins only; GET /api/orgs?deleted=true lists what there is to restore.",
	}, h.restore)
}

// OrgBody is an org as one of its members sees it.
type OrgBody struct {
	ID         core.OrgID     `json:"id" format:"uuid" doc:"Identifies the organisation" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12"`
	Name       string         `json:"name" doc:"What people call it" example:"Ana"`
	Slug       string         `json:"slug" doc:"Its name in addresses; unique" example:"ana-3f1c6a0b8e12"`
	IsPersonal bool           `json:"is_personal" doc:"Whether it belongs to one user alone"`
	Role       core.OrgRole   `json:"role" enum:"owner,admin,member,viewer" doc:"The role of the user who asks" example:"owner"`
	AccountID  core.AccountID `json:"account_id" format:"uuid" doc:"The account of the user who asks" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	Settings   settingsBody   `json:"settings" doc:"Its own choices"`
	Branding   brandingBody   `json:"branding" doc:"How it shows itself to visitors"`
	CreatedAt  time.Time      `json:"created_at" doc:"When it was made"`
	UpdatedAt  time.Time      `json:"updated_at" doc:"When it was last changed"`
	DeletedAt  *time.Time     `json:"deleted_at" doc:"When it was deleted; null: it was not"`
	PurgeAt    *time.Time     `json:"purge_at" doc:"Until when it can be restored; null: it was not deleted"`

	DefaultDriveID core.DriveID `json:"default_drive_id" format:"uuid" doc:"The drive where files go that name no drive" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e14"`
}

type settingsBody struct {
	TimeZone *string     `json:"time_zone" doc:"The IANA name of its time zone; null: UTC" example:"Europe/Berlin"`
	Sharing  sharingBody `json:"sharing" doc:"Its rules for share links"`
}

type sharingBody struct {
	MaxDays          *int `json:"max_days" doc:"How many days a link may live, from when it is made; null: no limit" example:"30"`
	PasswordRequired bool `json:"password_required" doc:"Whether every link must have a password"`
}

type brandingBody struct {
	LogoAssetID  *core.AssetID `json:"logo_asset_id" format:"uuid" doc:"The file that is its logo; null: none" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
	PrimaryColor *string       `json:"primary_color" doc:"The colour of most things; null: none" example:"#1a2b3c"`
	AccentColor  *string       `json:"accent_color" doc:"The colour of what stands out; null: none" example:"#ff8800"`
}

func showOrg(o *core.Org, account core.AccountID, role core.OrgRole) OrgBody {
	return OrgBody{
		ID: o.ID, Name: o.Name, Slug: o.Slug, IsPersonal: o.IsPersonal, Role: role, AccountID: account,
		Settings:  settingsBody{orNull(o.Settings.TimeZone), sharingBody{orNull(o.Settings.Sharing.MaxDays), o.Settings.Sharing.PasswordRequired}},
		Branding:  brandingBody{orNull(o.Branding.LogoAssetID), orNull(o.Branding.PrimaryColor), orNull(o.Branding.AccentColor)},
		CreatedAt: o.CreatedAt, UpdatedAt: o.UpdatedAt, DeletedAt: timeOrNull(o.DeletedAt), DefaultDriveID: o.DefaultDriveID,
	}
}

type accountBody struct {
	ID        core.AccountID     `json:"id" format:"uuid" doc:"Identifies the account" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	OrgID     core.OrgID         `json:"org_id" format:"uuid" doc:"The organisation" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12"`
	UserID    *core.UserID       `json:"user_id" format:"uuid" doc:"The user; null while invited" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e11"`
	Role      core.OrgRole       `json:"role" enum:"owner,admin,member,viewer" doc:"What the user is in the organisation" example:"owner"`
	Status    core.AccountStatus `json:"status" enum:"invited,active,suspended,removed" doc:"Only an active account grants anything" example:"active"`
	CreatedAt time.Time          `json:"created_at" doc:"When it was made, by the user or by an invitation"`
}

func showAccount(a *core.Account) accountBody {
	return accountBody{ID: a.ID, OrgID: a.OrgID, UserID: orNull(a.UserID), Role: a.Role, Status: a.Status, CreatedAt: a.CreatedAt}
}

type listOrgsInput struct {
	PageInput
	Deleted bool `query:"deleted" doc:"The deleted organisations that the user owns and can restore, in place of the live ones"`
}

type orgsOutput struct{ Body page[OrgBody] }

// orgPage is what the use case takes, by its shape.
type orgPage = struct {
	After   core.OrgID
	Limit   int
	Deleted bool
}

func (h orgRoutes) list(ctx context.Context, in *listOrgsInput) (*orgsOutput, error) {
	after, err := h.cursors.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.orgs.List(ctx, actorOf(ctx), orgPage{After: after, Limit: in.more(), Deleted: in.Deleted})
	if err != nil {
		return nil, err
	}
	bodies := make([]OrgBody, len(rows))
	for i, r := range rows {
		bodies[i] = showOrg(&r.Org, r.AccountID, r.Role)
		bodies[i].PurgeAt = timeOrNull(r.Org.PurgeAt(h.orgs.Retention()))
	}
	out, err := pageOf(ctx, in.PageInput, h.cursors, bodies, same, func(o OrgBody) core.OrgID { return o.ID })
	return &orgsOutput{out}, err
}

// OrgInput names an org.
type OrgInput struct {
	OrgID core.OrgID `path:"org_id" format:"uuid" doc:"The organisation" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12"`
}

type getOrgInput struct {
	OrgInput
	ConditionalInput
}

type orgOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"The version of the resource, and the role it is shown to" example:"\"3-owner\""`
	Body   OrgBody
}

// orgTag is the entity tag of an org as one role sees it: the role is not of
// the org's version, it changes with the account.
func orgTag(version int64, role core.OrgRole) string { return fmt.Sprintf(`"%d-%s"`, version, role) }

func orgAnswer(o *core.Org, account core.AccountID, role core.OrgRole) *orgOutput {
	return &orgOutput{http.StatusOK, orgTag(o.Version, role), showOrg(o, account, role)}
}

func (h orgRoutes) get(ctx context.Context, in *getOrgInput) (*orgOutput, error) {
	o, err := h.orgs.Get(ctx, actorOf(ctx), in.OrgID)
	if err != nil {
		return nil, err
	}
	out := orgAnswer(&o.Org, o.AccountID, o.Role)
	out.Status = fresh(in.IfNoneMatch, out.ETag)
	return out, nil
}
