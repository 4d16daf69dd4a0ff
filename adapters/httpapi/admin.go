package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/admin"
	"github.com/seed-755a8038/coffer/core"
)

type adminRoutes struct {
	admin *admin.Service
	orgs  codec[core.OrgID]
	users codec[core.UserID]
	jobs  codec[int64]
}

const tagAdmin = "Admin"

func (h adminRoutes) mount(api huma.API) {
	register(api, operation{
		id: "listAllOrgs", method: http.MethodGet, path: "/api/admin/orgs", tag: tagAdmin, codes: []string{"forbidden"},
		summary: "All organisations", about: "Lists all organisations, deleted ones too, with what they use, in the order in which they were made.",
	}, h.listOrgs)
	register(api, operation{
		id: "assignLicense", method: http.MethodPut, path: "/api/admin/orgs/{org_id}/license", tag: tagAdmin, status: http.StatusNoContent,
		codes:   []string{"forbidden"},
		summary: "Assign a licence", about: "Gives an organisation a licence from now on. What is over a limit stays; what is new is refused.",
	}, h.assign)
	register(api, operation{
		id: "listUsers", method: http.MethodGet, path: "/api/admin/users", tag: tagAdmin, codes: []string{"forbidden"},
		summary: "All users", about: "Lists all users in the order in which they signed up.",
	}, h.listUsers)
	register(api, operation{
		id: "updateUser", method: http.MethodPatch, path: "/api/admin/users/{user_id}", tag: tagAdmin, codes: []string{"forbidden", "cannot_change_self"},
		summary: "Change a user", about: "Disables a user, from the next request on, lets them in again, or makes them a platform admin or not.",
	}, h.changeUser)
	register(api, operation{
		id: "listDeadJobs", method: http.MethodGet, path: "/api/admin/jobs", tag: tagAdmin, codes: []string{"forbidden"},
		summary: "Dead jobs", about: "Lists background jobs that failed for good, latest first.",
	}, h.listJobs)
	register(api, operation{
		id: "retryJob", method: http.MethodPost, path: "/api/admin/jobs/{job_id}/retry", tag: tagAdmin, status: http.StatusNoContent,
		codes:   []string{"forbidden", "conflict"},
		summary: "Run a dead job again", about: "Makes a dead job run once more.",
	}, h.retry)
	h.mountLicenses(api)
	h.mountStats(api)
}

type adminOrgBody struct {
	ID         core.OrgID `json:"id" format:"uuid" doc:"Identifies the organisation" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12"`
	Name       string     `json:"name" doc:"What people call it" example:"Acme"`
	Slug       string     `json:"slug" doc:"Its name in addresses" example:"acme"`
	IsPersonal bool       `json:"is_personal" doc:"Whether it belongs to one user alone"`
	License    string     `json:"license" doc:"The licence in force" example:"pro"`
	Usage      UsageBody  `json:"usage" doc:"What it uses"`
	DeletedAt  *time.Time `json:"deleted_at" doc:"When it was deleted; null: it was not"`
	CreatedAt  time.Time  `json:"created_at" doc:"When it was made"`
}

type searchInput struct {
	Text string `query:"q" maxLength:"255" doc:"Only those with this in their names; case does not matter" example:"acme"`
	PageInput
}

type adminOrgsOutput struct{ Body page[adminOrgBody] }

type assignLicenseInput struct {
	OrgInput
	Body struct {
		License   string     `json:"license" minLength:"1" maxLength:"63" doc:"Its name" example:"pro"`
		ExpiresAt *time.Time `json:"expires_at,omitempty" doc:"When it ends; leave it out for never"`
	}
}

func (h adminRoutes) assign(ctx context.Context, in *assignLicenseInput) (*struct{}, error) {
	var expires time.Time
	if in.Body.ExpiresAt != nil {
		expires = in.Body.ExpiresAt.UTC()
	}
	return nil, h.admin.Assign(ctx, actorOf(ctx), in.OrgID, in.Body.License, expires)
}

type adminUserBody struct {
	ID            core.UserID `json:"id" format:"uuid" doc:"Identifies the user" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e11"`
	Email         string      `json:"email" doc:"Where to reach the user" example:"ana@example.com"`
	Name          string      `json:"name" doc:"What to call the user" example:"Ana"`
	EmailVerified bool        `json:"email_verified" doc:"Whether the address is known to be the user's"`
	PlatformAdmin bool        `json:"platform_admin" doc:"Whether the user runs the server"`
	DisabledAt    *time.Time  `json:"disabled_at" doc:"Since when the user is shut out; null: is not"`
	CreatedAt     time.Time   `json:"created_at" doc:"When the user signed up"`
}

func showAdminUser(u *core.User) adminUserBody {
	return adminUserBody{
		ID: u.ID, Email: u.Email, Name: u.Name, EmailVerified: u.Verified(), PlatformAdmin: u.PlatformAdmin,
		DisabledAt: timeOrNull(u.DisabledAt), CreatedAt: u.CreatedAt,
	}
}

type adminUserOutput struct{ Body adminUserBody }

type changeUserInput struct {
	UserID core.UserID `path:"user_id" format:"uuid" doc:"The user" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e11"`
	Body   struct {
		Disabled      *bool `json:"disabled,omitempty" doc:"Whether the user is shut out"`
		PlatformAdmin *bool `json:"platform_admin,omitempty" doc:"Whether the user runs the server"`
	}
}

func (h adminRoutes) changeUser(ctx context.Context, in *changeUserInput) (*adminUserOutput, error) {
	u, err := h.admin.ChangeUser(ctx, actorOf(ctx), in.UserID, admin.UserChange(in.Body))
	if err != nil {
		return nil, err
	}
	return &adminUserOutput{showAdminUser(u)}, nil
}
