package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/org"
	"github.com/seed-755a8038/coffer/core"
)

type memberRoutes struct {
	orgs    *org.Service
	cursors codec[core.AccountID]
}

const memberPath = "/api/orgs/{org_id}/members/{account_id}"

func (h memberRoutes) mount(api huma.API) {
	register(api, operation{
		id: "listMembers", method: http.MethodGet, path: "/api/orgs/{org_id}/members", tag: tagOrgs,
		summary: "An organisation's members", about: "Lists the active and the suspended accounts, in the order in which they were made. Open invitations have a list of their own.",
	}, h.list)
	register(api, operation{
		id: "updateMember", method: http.MethodPatch, path: memberPath, tag: tagOrgs,
		codes:   []string{"forbidden", "personal_org", "last_owner", "account_state"},
		summary: "Change a member",
		about:   "Gives an account another role, suspends it or lets it in again, from its next request on. Only owners make owners, and change them; one active owner always stays.",
	}, h.update)
	register(api, operation{
		id: "removeMember", method: http.MethodDelete, path: memberPath, tag: tagOrgs, status: http.StatusNoContent,
		codes:   []string{"forbidden", "personal_org", "last_owner", "account_state"},
		summary: "Remove a member", about: "Ends an account, or an open invitation. The account's personal drive passes into the custody of the owners and admins.",
	}, h.remove)
	register(api, operation{
		id: "leaveOrg", method: http.MethodPost, path: "/api/orgs/{org_id}/leave", tag: tagOrgs, status: http.StatusNoContent,
		codes:   []string{"personal_org", "last_owner"},
		summary: "Leave an organisation", about: "Ends the user's own account. The last active owner cannot leave.",
	}, h.leave)
	register(api, operation{
		id: "transferOwnership", method: http.MethodPost, path: "/api/orgs/{org_id}/transfer-ownership", tag: tagOrgs, status: http.StatusNoContent,
		codes:   []string{"forbidden", "personal_org", "account_state"},
		summary: "Hand an organisation over", about: "Makes another active account an owner and the user an admin.",
	}, h.transfer)
}

type memberBody struct {
	ID        core.AccountID     `json:"id" format:"uuid" doc:"Identifies the account" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	OrgID     core.OrgID         `json:"org_id" format:"uuid" doc:"The organisation" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12"`
	UserID    *core.UserID       `json:"user_id" format:"uuid" doc:"The user; null while invited" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e11"`
	Email     string             `json:"email" doc:"The user's address, or the invited one" example:"ana@example.com"`
	Name      string             `json:"name" doc:"What to call the user; empty while invited" example:"Ana"`
	Role      core.OrgRole       `json:"role" enum:"owner,admin,member,viewer" doc:"What the user is in the organisation" example:"member"`
	Status    core.AccountStatus `json:"status" enum:"invited,active,suspended,removed" doc:"Only an active account grants anything" example:"active"`
	InvitedBy *core.AccountID    `json:"invited_by" format:"uuid" doc:"The account that invited it; null: it came with the organisation" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	Version   int64              `json:"version" doc:"Counts the changes; the ETag" example:"2"`
	CreatedAt time.Time          `json:"created_at" doc:"When it was made"`
	UpdatedAt time.Time          `json:"updated_at" doc:"When it was last changed"`
}

// member is what the use cases return, by its shape.
type member = struct {
	Account core.Account
	Email   string
	Name    string

	UserDisabled bool
}

func showMember[M ~member](in M) memberBody {
	m := member(in)
	a := m.Account
	return memberBody{
		ID: a.ID, OrgID: a.OrgID, UserID: orNull(a.UserID), Email: m.Email, Name: m.Name, Role: a.Role, Status: a.Status,
		InvitedBy: orNull(a.InvitedBy), Version: a.Version, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt,
	}
}

func memberID(m memberBody) core.AccountID { return m.ID }

type listMembersInput struct {
	OrgInput
	PageInput
}

type membersOutput struct{ Body page[memberBody] }

func (h memberRoutes) list(ctx context.Context, in *listMembersInput) (*membersOutput, error) {
	after, err := h.cursors.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.orgs.Members(ctx, actorOf(ctx), in.OrgID, after, in.more())
	if err != nil {
		return nil, err
	}
	out, err := pageOf(ctx, in.PageInput, h.cursors, each(rows, showMember), same, memberID)
	return &membersOutput{out}, err
}

// MemberInput names an account of an org.
type MemberInput struct {
	OrgInput
	AccountID core.AccountID `path:"account_id" format:"uuid" doc:"The account" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
}

type updateMemberInput struct {
	MemberInput
	MatchInput
	Body struct {
		Role   optional[core.OrgRole]       `json:"role,omitzero" enum:"owner,admin,member,viewer" doc:"What the user shall be; it cannot be null" example:"admin"`
		Status optional[core.AccountStatus] `json:"status,omitzero" enum:"active,suspended" doc:"Whether the account shall grant anything; it cannot be null" example:"suspended"`
	}
}

type memberOutput struct {
	ETag string `header:"ETag" doc:"The version of the resource" example:"\"3\""`
	Body memberBody
}

func (h memberRoutes) update(ctx context.Context, in *updateMemberInput) (*memberOutput, error) {
	switch {
	case in.Body.Role.null:
		return nil, core.Invalid("body.role", "must not be null: every account has a role")
	case in.Body.Status.null:
		return nil, core.Invalid("body.status", "must not be null: every account has a status")
	}
	version, err := h.expected(ctx, in.MemberInput, in.IfMatch)
	if err != nil {
		return nil, err
	}
	m, err := h.orgs.ChangeMember(ctx, actorOf(ctx), in.OrgID, in.AccountID, org.MemberChange{
		Role: in.Body.Role.value, Status: in.Body.Status.value, IfMatch: version,
	})
	if err != nil {
		return nil, err
	}
	return &memberOutput{etag(m.Account.Version), showMember(m)}, nil
}

type removeMemberInput struct {
	MemberInput
	MatchInput
}

func (h memberRoutes) remove(ctx context.Context, in *removeMemberInput) (*struct{}, error) {
	version, err := h.expected(ctx, in.MemberInput, in.IfMatch)
	if err != nil {
		return nil, err
	}
	return nil, h.orgs.RemoveMember(ctx, actorOf(ctx), in.OrgID, in.AccountID, version)
}

func (h memberRoutes) leave(ctx context.Context, in *OrgInput) (*struct{}, error) {
	return nil, h.orgs.Leave(ctx, actorOf(ctx), in.OrgID)
}

type transferInput struct {
	OrgInput
	Body struct {
		AccountID core.AccountID `json:"account_id" format:"uuid" doc:"The account that becomes an owner" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	}
}

func (h memberRoutes) transfer(ctx context.Context, in *transferInput) (*struct{}, error) {
	return nil, h.orgs.Transfer(ctx, actorOf(ctx), in.OrgID, in.Body.AccountID)
}

// expected returns the version that If-Match asks for.
func (h memberRoutes) expected(ctx context.Context, in MemberInput, ifMatch string) (int64, error) {
	return expected(ifMatch, func() (int64, error) { return h.version(ctx, in) })
}

// version returns the version of an account: it is the first one of its list
// that comes after the id just before its own.
func (h memberRoutes) version(ctx context.Context, in MemberInput) (int64, error) {
	after := before(in.AccountID)
	rows, err := h.orgs.Members(ctx, actorOf(ctx), in.OrgID, after, 1)
	if err == nil && (len(rows) == 0 || rows[0].Account.ID != in.AccountID) {
		rows, err = h.orgs.Invitations(ctx, actorOf(ctx), in.OrgID, after, 1)
	}
	switch {
	case err != nil:
		return 0, err
	case len(rows) == 0 || rows[0].Account.ID != in.AccountID:
		return 0, core.ErrNotFound
	}
	return rows[0].Account.Version, nil
}

// before returns the greatest id that is less than id.
func before(id core.AccountID) core.AccountID {
	for i := len(id) - 1; i >= 0; i-- {
		id[i]--
		if id[i] != 0xff { // nothing to borrow
			break
		}
	}
	return id
}
