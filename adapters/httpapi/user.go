package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/identity"
	"github.com/seed-755a8038/coffer/core"
)

type userRoutes struct{ identity *identity.Service }

func (h userRoutes) mount(api huma.API) {
	register(api, operation{
		id: "getMe", method: http.MethodGet, path: "/api/me", tag: tagMe, also: notModified,
		summary: "The user who is signed in", about: "Returns the user behind the credential.",
	}, h.me)
	register(api, operation{
		id: "updateMe", method: http.MethodPatch, path: "/api/me", tag: tagMe,
		summary: "Change the user who is signed in", about: "Members that are left out stay as they are.",
	}, h.update)
	register(api, operation{
		id: "deleteMe", method: http.MethodDelete, path: "/api/me", tag: tagMe, status: http.StatusNoContent,
		codes:   []string{"wrong_password", "totp_required", "invalid_totp_code", "last_owner"},
		summary: "Delete the user who is signed in",
		about:   "Forgets the user at once and for good: sessions, password, second factor, address. The personal organisation is deleted; other organisations keep what the user did in them, and their owners and admins take the user's personal drives there into custody. Refused while an organisation would be left without an owner; the member orgs says which.",
	}, h.remove)
}

// notModified documents the answer to If-None-Match.
var notModified = map[int]string{http.StatusNotModified: "The client has the current version."}

type userBody struct {
	ID            core.UserID `json:"id" format:"uuid" doc:"Identifies the user" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e11"`
	Email         string      `json:"email" doc:"Where to reach the user" example:"ana@example.com"`
	Name          string      `json:"name" doc:"What to call the user" example:"Ana"`
	EmailVerified bool        `json:"email_verified" doc:"Whether the address is known to be the user's"`
	PersonalOrgID core.OrgID  `json:"personal_org_id" format:"uuid" doc:"The user's own organisation" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12"`
	PlatformAdmin bool        `json:"platform_admin" doc:"Whether the user runs the server"`
	CreatedAt     time.Time   `json:"created_at" doc:"When the user signed up"`
	UpdatedAt     time.Time   `json:"updated_at" doc:"When the user was last changed"`
}

func showUser(u *core.User) userBody {
	return userBody{
		ID: u.ID, Email: u.Email, Name: u.Name, EmailVerified: !u.EmailVerifiedAt.IsZero(), PersonalOrgID: u.PersonalOrgID,
		PlatformAdmin: u.PlatformAdmin, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}
}

// ConditionalInput is what the GET of a versioned resource takes.
type ConditionalInput struct {
	IfNoneMatch string `header:"If-None-Match" maxLength:"1024" doc:"ETags the client has: answered by 304 if one is current" example:"\"3\""`
}

type userOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"The version of the resource" example:"\"3\""`
	Body   userBody
}

func (h userRoutes) me(ctx context.Context, in *ConditionalInput) (*userOutput, error) {
	u, err := h.identity.Me(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	out := userAnswer(u)
	out.Status = fresh(in.IfNoneMatch, out.ETag)
	return out, nil
}

func userAnswer(u *core.User) *userOutput {
	return &userOutput{http.StatusOK, etag(u.Version), showUser(u)}
}

type updateMeInput struct {
	MatchInput
	Body struct {
		Name optional[string] `json:"name,omitzero" minLength:"1" maxLength:"200" doc:"What to call the user; it cannot be null" example:"Ana"`
	}
}

func (h userRoutes) update(ctx context.Context, in *updateMeInput) (*userOutput, error) {
	name := in.Body.Name
	if name.null {
		return nil, core.Invalid("body.name", "must not be null: every user has a name")
	}
	version, err := expected(in.IfMatch, func() (int64, error) {
		u, err := h.identity.Me(ctx, actorOf(ctx))
		if err != nil {
			return 0, err
		}
		return u.Version, nil
	})
	if err != nil {
		return nil, err
	}
	if !name.set {
		return h.unchanged(ctx, version)
	}
	u, err := h.identity.Rename(ctx, actorOf(ctx), name.value, version)
	if err != nil {
		return nil, err
	}
	return userAnswer(u), nil
}

// unchanged answers a change that changes nothing of the version expected.
func (h userRoutes) unchanged(ctx context.Context, version int64) (*userOutput, error) {
	u, err := h.identity.Me(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	if version != 0 && version != u.Version {
		return nil, core.ErrStale
	}
	return userAnswer(u), nil
}

type deleteMeInput struct {
	Body struct {
		Password string `json:"password,omitempty" maxLength:"1024" writeOnly:"true" doc:"The present password; only a user who has none leaves it out" example:"correct horse battery staple"`
		TOTPCode string `json:"totp_code,omitempty" maxLength:"64" writeOnly:"true" doc:"A code of the second factor, or a recovery code; only a user who has none leaves it out" example:"492039"`
	}
}

func (h userRoutes) remove(ctx context.Context, in *deleteMeInput) (*struct{}, error) {
	return nil, h.identity.Delete(ctx, actorOf(ctx), in.Body.Password, in.Body.TOTPCode)
}
