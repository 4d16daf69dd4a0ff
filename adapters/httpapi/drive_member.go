package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/core"
)

type driveMemberRoutes struct {
	drives  *drive.Service
	cursors codec[core.AccountID]
}

const driveMemberPath = drivePath + "/members/{account_id}"

func (h driveMemberRoutes) mount(api huma.API) {
	register(api, operation{
		id: "listDriveMembers", method: http.MethodGet, path: drivePath + "/members", tag: tagDrives, codes: []string{"personal_drive"},
		summary: "A shared drive's members",
		about: "Lists the accounts that have a role of their own in the drive, in the order in which they were made. Who may do what without one, getNodeAccess tells. " +
			"For everybody who may read the drive.",
	}, h.list)
	register(api, operation{
		id: "setDriveMember", method: http.MethodPut, path: driveMemberPath, tag: tagDrives, codes: []string{"forbidden", "personal_drive", "account_state"},
		summary: "Give an account a role in a shared drive",
		about: "It decides in place of the account's role in the organisation, from its next request on. A viewer of the organisation is a viewer at most, " +
			"and its owners and admins are admins of every shared drive: other roles are refused.",
	}, h.set)
	register(api, operation{
		id: "removeDriveMember", method: http.MethodDelete, path: driveMemberPath, tag: tagDrives, status: http.StatusNoContent,
		codes:   []string{"forbidden", "personal_drive"},
		summary: "Take an account's role in a shared drive away", about: "The account has then what its role in the organisation and the drive's default role give it.",
	}, h.remove)
}

type driveMemberBody struct {
	AccountID core.AccountID     `json:"account_id" format:"uuid" doc:"The account" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	Email     string             `json:"email" doc:"The user's address" example:"ana@example.com"`
	Name      string             `json:"name" doc:"What to call the user" example:"Ana"`
	Role      core.DriveRole     `json:"role" enum:"viewer,editor,admin" doc:"What it may do in the drive" example:"editor"`
	OrgRole   core.OrgRole       `json:"org_role" enum:"owner,admin,member,viewer" doc:"What it is in the organisation; a viewer there is a viewer here at most" example:"member"`
	Status    core.AccountStatus `json:"status" enum:"invited,active,suspended,removed" doc:"Only an active account has access" example:"active"`
	CreatedAt time.Time          `json:"created_at" doc:"When it was made a member of the drive"`
}

// showDriveMember shows an account with its standing in a drive.
func showDriveMember(m member, s core.DriveStanding, since time.Time) driveMemberBody {
	return driveMemberBody{m.Account.ID, m.Email, m.Name, s.Member, m.Account.Role, m.Account.Status, since}
}

type listDriveMembersInput struct {
	DriveInput
	PageInput
}

type driveMembersOutput struct{ Body page[driveMemberBody] }

func (h driveMemberRoutes) list(ctx context.Context, in *listDriveMembersInput) (*driveMembersOutput, error) {
	after, err := h.cursors.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.drives.Members(ctx, actorOf(ctx), in.DriveID, after, in.more())
	if err != nil {
		return nil, err
	}
	bodies := make([]driveMemberBody, len(rows))
	for i, r := range rows {
		bodies[i] = showDriveMember(member(r.Member), r.Standing, r.Since)
	}
	out, err := pageOf(ctx, in.PageInput, h.cursors, bodies, same, func(m driveMemberBody) core.AccountID { return m.AccountID })
	return &driveMembersOutput{out}, err
}

// DriveMemberInput names an account and a drive.
type DriveMemberInput struct {
	DriveInput
	AccountID core.AccountID `path:"account_id" format:"uuid" doc:"The account" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
}

type setDriveMemberInput struct {
	DriveMemberInput
	Body struct {
		Role core.DriveRole `json:"role" enum:"viewer,editor,admin" doc:"What the account shall be allowed in the drive" example:"editor"`
	}
}

type driveMemberOutput struct{ Body driveMemberBody }

func (h driveMemberRoutes) set(ctx context.Context, in *setDriveMemberInput) (*driveMemberOutput, error) {
	m, err := h.drives.SetMember(ctx, actorOf(ctx), in.DriveID, in.AccountID, in.Body.Role)
	if err != nil {
		return nil, err
	}
	return &driveMemberOutput{showDriveMember(member(m.Member), m.Standing, m.Since)}, nil
}

func (h driveMemberRoutes) remove(ctx context.Context, in *DriveMemberInput) (*struct{}, error) {
	return nil, h.drives.RemoveMember(ctx, actorOf(ctx), in.DriveID, in.AccountID)
}
