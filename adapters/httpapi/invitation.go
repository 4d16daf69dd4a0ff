package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/org"
	"github.com/seed-755a8038/coffer/core"
)

type invitationRoutes struct {
	orgs    *org.Service
	cursors codec[core.AccountID]
}

func (h invitationRoutes) mount(api huma.API) {
	register(api, operation{
		id: "inviteMember", method: http.MethodPost, path: "/api/orgs/{org_id}/invitations", tag: tagOrgs, status: http.StatusCreated,
		codes:   []string{"forbidden", "personal_org", "already_member", "limit_exceeded"},
		summary: "Invite somebody",
		about:   "Opens an account for an address and mails it a link that is good for 7 days. It counts as a member while it is open. Only owners invite owners. Whether the address has a user is never told.",
	}, h.invite)
	register(api, operation{
		id: "listInvitations", method: http.MethodGet, path: "/api/orgs/{org_id}/invitations", tag: tagOrgs, codes: []string{"forbidden"},
		summary: "Open invitations", about: "Lists the invitations that nobody has accepted yet, in the order in which their accounts were made.",
	}, h.list)
	register(api, operation{
		id: "withdrawInvitation", method: http.MethodDelete, path: "/api/orgs/{org_id}/invitations/{account_id}", tag: tagOrgs, status: http.StatusNoContent,
		codes:   []string{"forbidden", "personal_org", "account_state"},
		summary: "Withdraw an invitation", about: "Ends an open invitation; its link stops working. An account that has been accepted is not found here.",
	}, h.withdraw)
	register(api, operation{
		id: "acceptInvitation", method: http.MethodPost, path: "/api/invitations/accept", tag: tagOrgs,
		codes:   []string{"not_found", "invalid_token", "invitation_for_another", "account_state", "already_member"},
		summary: "Accept an invitation",
		about:   "Makes an invitation the user's account, with a personal drive. Send the token of the mailed link, or, if the user's address is confirmed, the account's id.",
	}, h.accept)
}

type inviteInput struct {
	OrgInput
	OnceInput
	Body struct {
		Email string       `json:"email" minLength:"3" maxLength:"254" doc:"Whom to invite; case does not matter" example:"ben@example.com"`
		Role  core.OrgRole `json:"role" enum:"owner,admin,member,viewer" doc:"What the user shall be" example:"member"`
	}
}

// invited returns how the answer of an invitation is shown. It takes the use
// case for the type that it returns.
func invited[M ~member](func(context.Context, core.Actor, core.OrgID, org.InviteInput) (M, error)) func(M) memberBody {
	return showMember[M]
}

func (h invitationRoutes) invite(ctx context.Context, in *inviteInput) (*memberOutput, error) {
	wish, err := once(ctx, in.OnceInput, invited(h.orgs.Invite))
	if err != nil {
		return nil, err
	}
	m, err := h.orgs.Invite(ctx, actorOf(ctx), in.OrgID, org.InviteInput{Email: in.Body.Email, Role: in.Body.Role, Once: wish})
	if err != nil {
		return nil, err
	}
	return &memberOutput{etag(m.Account.Version), showMember(m)}, nil
}

func (h invitationRoutes) list(ctx context.Context, in *listMembersInput) (*membersOutput, error) {
	after, err := h.cursors.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.orgs.Invitations(ctx, actorOf(ctx), in.OrgID, after, in.more())
	if err != nil {
		return nil, err
	}
	out, err := pageOf(ctx, in.PageInput, h.cursors, each(rows, showMember), same, memberID)
	return &membersOutput{out}, err
}

func (h invitationRoutes) withdraw(ctx context.Context, in *removeMemberInput) (*struct{}, error) {
	version, err := memberRoutes(h).expected(ctx, in.MemberInput, in.IfMatch)
	if err != nil {
		return nil, err
	}
	return nil, h.orgs.Withdraw(ctx, actorOf(ctx), in.OrgID, in.AccountID, version)
}

type acceptInput struct {
	Body struct {
		Token     string         `json:"token,omitempty" minLength:"1" maxLength:"1024" writeOnly:"true" doc:"What the mailed link ends with" example:"tGzv3JOkF0XG5Qx2TlKWIAo4bJ1mZ9sYc7dEhRfUn0M"`
		AccountID core.AccountID `json:"account_id,omitzero" format:"uuid" doc:"The account of an invitation to the user's confirmed address" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	}
}

func (h invitationRoutes) accept(ctx context.Context, in *acceptInput) (*membershipOutput, error) {
	if (in.Body.Token == "") == in.Body.AccountID.IsZero() {
		return nil, core.Invalid("body", "must have either token or account_id")
	}
	m, err := h.orgs.Accept(ctx, actorOf(ctx), in.Body.Token, in.Body.AccountID)
	if err != nil {
		return nil, err
	}
	return &membershipOutput{showMembership(m)}, nil
}
