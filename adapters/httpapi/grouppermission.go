package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/group"
	"github.com/seed-755a8038/coffer/core"
)

type groupPermissionRoutes struct{ groups *group.Service }

const groupPermissionsPath = groupPath + "/permissions"

func (h groupPermissionRoutes) mount(api huma.API) {
	register(api, operation{
		id: "listGroupPermissions", method: http.MethodGet, path: groupPermissionsPath, tag: tagGroups, codes: []string{"forbidden", "group_deleted"},
		summary: "A group's permissions", about: "Lists the group's own rows, for those who have all rights on it. What it inherits, explainGroupPermissions tells.",
	}, h.list)
	register(api, operation{
		id: "replaceGroupPermissions", method: http.MethodPut, path: groupPermissionsPath, tag: tagGroups, codes: []string{"forbidden", "group_deleted", "group_lockout"},
		summary: "Set a group's permissions",
		about: "Replaces the group's rows, for those who have all rights on it. A row says everything about whom it is for: a nearer group's beats a farther one's, and in a group one for an account beats one for a role. " +
			"Owners and admins of the organisation always have all rights.",
	}, h.replace)
	register(api, operation{
		id: "explainGroupPermissions", method: http.MethodGet, path: groupPermissionsPath + "/effective", tag: tagGroups, codes: []string{"forbidden", "group_deleted", "validation_failed"},
		summary: "Who may do what with a group, and why",
		about:   "Says of an account, for each right, whether it has it and by which rule: of yourself, if you may view the group; of others, if you have all rights on it.",
	}, h.effective)
}

// GroupRightsBody is what somebody may do with a group.
type GroupRightsBody struct {
	CanView         bool `json:"can_view" doc:"See it, and what is in it; all others need this one, too"`
	CanEdit         bool `json:"can_edit" doc:"Change it, and put groups into it"`
	CanDelete       bool `json:"can_delete" doc:"Delete and restore it"`
	CanShare        bool `json:"can_share" doc:"Make it public, or private again"`
	CanManageAssets bool `json:"can_manage_assets" doc:"Add, arrange and remove files"`
}

type groupPermissionBody struct {
	Role      *core.OrgRole   `json:"role" enum:"member,viewer" doc:"Whom it is for: everybody of that role in the organisation; null: the account" example:"member"`
	AccountID *core.AccountID `json:"account_id" format:"uuid" doc:"Whom it is for; null: the role" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	GroupRightsBody
}

func showGroupPermission(p core.GroupPermission) groupPermissionBody {
	r := p.Rights
	return groupPermissionBody{orNull(p.Role), orNull(p.AccountID), GroupRightsBody{
		r.Has(core.GroupView), r.Has(core.GroupEdit), r.Has(core.GroupDelete), r.Has(core.GroupShare), r.Has(core.GroupManageAssets),
	}}
}

type groupPermissionsOutput struct {
	Body struct {
		Permissions []groupPermissionBody `json:"permissions" doc:"The group's own rows: those for roles, then those for accounts"`
	}
}

func showGroupPermissions(rows []core.GroupPermission, err error) (*groupPermissionsOutput, error) {
	if err != nil {
		return nil, err
	}
	var out groupPermissionsOutput
	out.Body.Permissions = each(rows, showGroupPermission)
	return &out, nil
}

func (h groupPermissionRoutes) list(ctx context.Context, in *GroupInput) (*groupPermissionsOutput, error) {
	return showGroupPermissions(h.groups.Permissions(ctx, actorOf(ctx), in.GroupID))
}

type groupPermissionInput struct {
	Role            core.OrgRole   `json:"role,omitempty" enum:"member,viewer" doc:"Whom it is for; or account_id" example:"member"`
	AccountID       core.AccountID `json:"account_id,omitzero" format:"uuid" doc:"Whom it is for; or role" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	CanView         bool           `json:"can_view,omitempty" doc:"See it, and what is in it"`
	CanEdit         bool           `json:"can_edit,omitempty" doc:"Change it, and put groups into it"`
	CanDelete       bool           `json:"can_delete,omitempty" doc:"Delete and restore it"`
	CanShare        bool           `json:"can_share,omitempty" doc:"Make it public, or private again"`
	CanManageAssets bool           `json:"can_manage_assets,omitempty" doc:"Add, arrange and remove files"`
}

func (b groupPermissionInput) permission() core.GroupPermission {
	p := core.GroupPermission{Role: b.Role, AccountID: b.AccountID}
	for _, r := range []struct {
		given bool
		right core.GroupRights
	}{
		{b.CanView, core.GroupView},
		{b.CanEdit, core.GroupEdit},
		{b.CanDelete, core.GroupDelete},
		{b.CanShare, core.GroupShare},
		{b.CanManageAssets, core.GroupManageAssets},
	} {
		if r.given {
			p.Rights |= r.right
		}
	}
	return p
}

type replaceGroupPermissionsInput struct {
	GroupInput
	Body struct {
		Permissions []groupPermissionInput `json:"permissions" maxItems:"500" doc:"All rows that the group shall have"`
	}
}

func (h groupPermissionRoutes) replace(ctx context.Context, in *replaceGroupPermissionsInput) (*groupPermissionsOutput, error) {
	rows := each(in.Body.Permissions, groupPermissionInput.permission)
	return showGroupPermissions(h.groups.SetPermissions(ctx, actorOf(ctx), in.GroupID, rows))
}

type explainGroupPermissionsInput struct {
	GroupInput
	AccountID core.AccountID `query:"account_id" format:"uuid" doc:"The account; left out: your own" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
}

type groupReasonBody struct {
	Right     string         `json:"right" enum:"view,edit,delete,share,manage_assets" doc:"The right" example:"edit"`
	Granted   bool           `json:"granted" doc:"Whether the account has it"`
	Rule      core.GroupRule `json:"rule" enum:"inactive,org_owner,org_admin,account_row,role_row,creator,is_public,org_default" doc:"What decides it: that the account is not active; being an owner or admin of the organisation; a row for the account or for its role, of the group named; having made the group; that the group is public; or that nothing gives it" example:"role_row"`
	GroupID   *core.GroupID  `json:"group_id" format:"uuid" doc:"Of a row: the group that has it, this one or one above it; null of what is not a row, or of a group that you may not view" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e32"`
	GroupName *string        `json:"group_name" doc:"Likewise, its name" example:"Campaigns"`
	Inherited bool           `json:"inherited" doc:"Whether the row is that of a group above this one"`
}

type effectiveOutput struct {
	Body struct {
		AccountID core.AccountID     `json:"account_id" format:"uuid" doc:"The account" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
		OrgRole   core.OrgRole       `json:"org_role" enum:"owner,admin,member,viewer" doc:"What it is in the organisation" example:"member"`
		Status    core.AccountStatus `json:"status" enum:"invited,active,suspended,removed" doc:"Only an active account has rights" example:"active"`
		Rights    []groupReasonBody  `json:"rights" doc:"Each right, in this order: view, edit, delete, share, manage_assets"`
	}
}

func (h groupPermissionRoutes) effective(ctx context.Context, in *explainGroupPermissionsInput) (*effectiveOutput, error) {
	e, err := h.groups.Effective(ctx, actorOf(ctx), in.GroupID, in.AccountID)
	if err != nil {
		return nil, err
	}
	var out effectiveOutput
	out.Body.AccountID, out.Body.OrgRole, out.Body.Status = e.AccountID, e.Role, e.Status
	out.Body.Rights = each(e.Reasons, func(r core.GroupReason) groupReasonBody {
		return groupReasonBody{
			Right: r.Right.String(), Granted: r.Granted, Rule: r.Rule, GroupID: orNull(r.GroupID), GroupName: orNull(r.GroupName),
			Inherited: r.Inherited,
		}
	})
	return &out, nil
}
