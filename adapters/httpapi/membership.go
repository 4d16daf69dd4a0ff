package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/identity"
	"github.com/seed-755a8038/coffer/app/org"
	"github.com/seed-755a8038/coffer/core"
)

type membershipRoutes struct {
	identity *identity.Service
	orgs     *org.Service
}

func (h membershipRoutes) mount(api huma.API) {
	register(api, operation{
		id: "listMyAccounts", method: http.MethodGet, path: "/api/me/accounts", tag: tagMe,
		summary: "The user's accounts", about: "Lists the user's accounts with their organisations on one page, suspended ones too.",
	}, h.accounts)
	register(api, operation{
		id: "listMyInvitations", method: http.MethodGet, path: "/api/me/invitations", tag: tagMe,
		summary: "Invitations to the user", about: "Lists the open invitations to the user's address on one page; none while the address is not confirmed.",
	}, h.invitations)
}

// orgNameBody is what is shown of an org to those who are not, or not yet, let in.
type orgNameBody struct {
	ID         core.OrgID `json:"id" format:"uuid" doc:"Identifies the organisation" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12"`
	Name       string     `json:"name" doc:"What people call it" example:"Example Studio"`
	Slug       string     `json:"slug" doc:"Its name in addresses; unique" example:"example-studio"`
	IsPersonal bool       `json:"is_personal" doc:"Whether it belongs to one user alone"`
}

type membershipBody struct {
	Account accountBody   `json:"account" doc:"The account"`
	Org     orgNameBody   `json:"org" doc:"The organisation it is in"`
	DriveID *core.DriveID `json:"drive_id" format:"uuid" doc:"The account's personal drive; null for an invitation" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e14"`
}

// membership is what the use cases return, by its shape.
type membership = struct {
	Account core.Account
	Org     core.Org
	DriveID core.DriveID
}

func showMembership[M ~membership](in M) membershipBody {
	m := membership(in)
	return membershipBody{showAccount(&m.Account), orgNameBody{m.Org.ID, m.Org.Name, m.Org.Slug, m.Org.IsPersonal}, orNull(m.DriveID)}
}

type membershipOutput struct{ Body membershipBody }

type membershipsOutput struct{ Body page[membershipBody] }

func (h membershipRoutes) accounts(ctx context.Context, _ *struct{}) (*membershipsOutput, error) {
	all, err := h.identity.Accounts(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	return &membershipsOutput{page[membershipBody]{Items: each(all, showMembership)}}, nil
}

func (h membershipRoutes) invitations(ctx context.Context, _ *struct{}) (*membershipsOutput, error) {
	open, err := h.orgs.MyInvitations(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	return &membershipsOutput{page[membershipBody]{Items: each(open, showMembership)}}, nil
}
