package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/group"
	"github.com/seed-755a8038/coffer/core"
)

type groupRoutes struct {
	groups  *group.Service
	cursors codec[core.GroupID]
}

const (
	groupsPath = "/api/groups"
	groupPath  = groupsPath + "/{group_id}"
)

func (h groupRoutes) mount(api huma.API) {
	register(api, operation{
		id: "createGroup", method: http.MethodPost, path: groupsPath, tag: tagGroups, status: http.StatusCreated,
		codes:   []string{"not_found", "forbidden", "limit_exceeded", "feature_unavailable", "group_deleted"},
		summary: "Make a group",
		about:   "Makes a group, for owners, admins and members, at the top or, by licence, in another group that you may edit. You have all rights on what you make, unless a row of its permissions, or of those above it, says otherwise.",
	}, h.create)
	register(api, operation{
		id: "listGroups", method: http.MethodGet, path: groupsPath, tag: tagGroups, codes: []string{"not_found", "forbidden"},
		summary: "An organisation's groups",
		about:   "Lists groups that you may view, newest first. With deleted=true, those that were deleted by themselves and that you may restore, in place of the others.",
	}, h.list)
	register(api, operation{
		id: "getGroupTree", method: http.MethodGet, path: groupsPath + "/tree", tag: tagGroups, codes: []string{"not_found", "validation_failed"},
		summary: "All groups, as a tree",
		about:   "Returns all groups that you may view, by name, with how many files are in each and in it and all below it, each file once. A group whose parent you may not view stands in its place.",
	}, h.tree)
	register(api, operation{
		id: "getGroup", method: http.MethodGet, path: groupPath, tag: tagGroups, also: notModified,
		summary: "One group", about: "Returns a group that you may view; a deleted one to those who may restore it.",
	}, h.get)
	register(api, operation{
		id: "replaceGroup", method: http.MethodPut, path: groupPath, tag: tagGroups,
		codes:   []string{"forbidden", "feature_unavailable", "group_into_itself", "group_deleted"},
		summary: "Change a group",
		about:   "Replaces all that can be set: what is left out is at its default. It needs the right to edit; to make it public or private, or to set its share_password, that to share, too; to move it, all rights on it and that to edit on its new parent. Files of a section that is no more have none then.",
	}, h.replace)
	register(api, operation{
		id: "deleteGroup", method: http.MethodDelete, path: groupPath, tag: tagGroups, status: http.StatusNoContent, codes: []string{"forbidden", "group_deleted"},
		summary: "Delete a group", about: "Deletes a group with all groups in it. Its files stay where they are. It can be restored until the trash's retention is over, and counts against max_groups until then.",
	}, h.remove)
	register(api, operation{
		id: "restoreGroup", method: http.MethodPost, path: groupPath + "/restore", tag: tagGroups, codes: []string{"forbidden", "group_not_deleted"},
		summary: "Restore a group", about: "Brings a group back with the groups that were deleted with it; to the top, if the one it was in is not there any more.",
	}, h.restore)
}

// GroupOrderBody is how a group's files are arranged.
type GroupOrderBody struct {
	Sections    []string         `json:"sections" maxItems:"50" doc:"The names of its parts, in order. Files in none come first" example:"[\"Print\",\"Web\"]"`
	DefaultSort core.GroupSort   `json:"default_sort" enum:"name,date,type,custom" doc:"How files are sorted in each section: by title or name, by when they were added (the last first), by media type, or as they were put" example:"name"`
	Layout      core.GroupLayout `json:"layout" enum:"grid,list,gallery" doc:"How apps show it" example:"grid"`
}

type groupBody struct {
	ID           core.GroupID   `json:"id" format:"uuid" doc:"Identifies the group" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e31"`
	OrgID        core.OrgID     `json:"org_id" format:"uuid" doc:"The organisation" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12"`
	ParentID     *core.GroupID  `json:"parent_id" format:"uuid" doc:"The group it is in; null: none" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e32"`
	Name         string         `json:"name" doc:"What it is called" example:"Spring campaign"`
	Description  string         `json:"description" doc:"What it is about; plain text" example:"All that goes to print."`
	CoverAssetID *core.AssetID  `json:"cover_asset_id" format:"uuid" doc:"Its picture; null: none" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
	CoverURL     *string        `json:"cover_url" format:"uri" doc:"A short-lived URL of its picture; null: none" example:"https://files.example.com/blobs/a?signature=5f1c"`
	HasPassword  bool           `json:"has_share_password" doc:"Whether there is a password for those of its links that have none of their own"`
	IsPublic     bool           `json:"is_public" doc:"Whether everybody with an active account in the organisation may view it"`
	Metadata     metadataBody   `json:"metadata" doc:"What people say about the group"`
	Organisation GroupOrderBody `json:"organisation" doc:"How its files are arranged"`
	CreatedBy    core.AccountID `json:"created_by" format:"uuid" doc:"The account that made it" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	DeletedAt    *time.Time     `json:"deleted_at" doc:"When it was deleted; null: it is not"`
	Version      int64          `json:"version" doc:"Counts its changes, and those of what is in it; the ETag" example:"1"`
	CreatedAt    time.Time      `json:"created_at" doc:"When it was made"`
	UpdatedAt    time.Time      `json:"updated_at" doc:"When it was last changed"`
}

func showGroup(g group.Group) groupBody {
	return groupBody{
		ID: g.ID, OrgID: g.OrgID, ParentID: orNull(g.ParentID), Name: g.Name, Description: g.Description, CoverAssetID: orNull(g.CoverAssetID),
		CoverURL: orNull(g.CoverURL), HasPassword: g.SharePasswordHash != "", IsPublic: g.IsPublic, Metadata: metadataBody{g.Metadata.Tags, g.Metadata.CustomFields},
		Organisation: GroupOrderBody{each(g.Order.Sections, same), g.Order.Sort, g.Order.Layout}, CreatedBy: g.CreatedBy,
		DeletedAt: timeOrNull(g.DeletedAt), Version: g.Version, CreatedAt: g.CreatedAt, UpdatedAt: g.UpdatedAt,
	}
}

// GroupsInput names the org whose groups a request is about.
type GroupsInput struct {
	OrgID core.OrgID `query:"org_id" format:"uuid" doc:"The organisation; left out: the one you have switched to" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12"`
}

type listGroupsInput struct {
	GroupsInput
	ParentID core.GroupID `query:"parent_id" format:"uuid" doc:"Only groups in this one" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e32"`
	Text     string       `query:"q" maxLength:"255" doc:"Only groups with this in their name, in any case" example:"spring"`
	Tag      string       `query:"tag" maxLength:"100" doc:"Only groups with this tag" example:"print"`
	Deleted  bool         `query:"deleted" doc:"Deleted groups in place of the others"`
	PageInput
}

type groupsOutput struct{ Body page[groupBody] }

func (h groupRoutes) list(ctx context.Context, in *listGroupsInput) (*groupsOutput, error) {
	before, err := h.cursors.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.groups.List(ctx, actorOf(ctx), group.Query{
		OrgID: in.OrgID, ParentID: in.ParentID, Text: in.Text, Tag: in.Tag, Deleted: in.Deleted, Before: before, Limit: in.more(),
	})
	if err != nil {
		return nil, err
	}
	out, err := pageOf(ctx, in.PageInput, h.cursors, rows, showGroup, func(g group.Group) core.GroupID { return g.ID })
	return &groupsOutput{out}, err
}

type groupNodeBody struct {
	ID              core.GroupID    `json:"id" format:"uuid" doc:"Identifies the group" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e31"`
	Name            string          `json:"name" doc:"What it is called" example:"Spring campaign"`
	AssetCount      int             `json:"asset_count" doc:"How many files are in it" example:"3"`
	TotalAssetCount int             `json:"total_asset_count" doc:"How many are in it or in a group below it, each counted once" example:"7"`
	Children        []groupNodeBody `json:"children" doc:"The groups in it"`
}

func showGroupNode(n *core.GroupNode) groupNodeBody {
	return groupNodeBody{n.ID, n.Name, n.Assets, n.Total, each(n.Children, showGroupNode)}
}

type groupTreeOutput struct {
	Body struct {
		Items []groupNodeBody `json:"items" doc:"The groups at the top"`
	}
}

func (h groupRoutes) tree(ctx context.Context, in *GroupsInput) (*groupTreeOutput, error) {
	top, err := h.groups.Tree(ctx, actorOf(ctx), in.OrgID)
	if err != nil {
		return nil, err
	}
	var out groupTreeOutput
	out.Body.Items = each(top, showGroupNode)
	return &out, nil
}

// GroupInput names a group.
type GroupInput struct {
	GroupID core.GroupID `path:"group_id" format:"uuid" doc:"The group" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e31"`
}

type getGroupInput struct {
	GroupInput
	ConditionalInput
}

type groupOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"The version of the resource" example:"\"3\""`
	Body   groupBody
}

func (h groupRoutes) get(ctx context.Context, in *getGroupInput) (*groupOutput, error) {
	g, err := h.groups.Get(ctx, actorOf(ctx), in.GroupID)
	if err != nil {
		return nil, err
	}
	tag := etag(g.Version)
	return &groupOutput{fresh(in.IfNoneMatch, tag), tag, showGroup(g)}, nil
}
