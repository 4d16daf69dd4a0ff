package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/group"
	"github.com/seed-755a8038/coffer/core"
)

type groupAssetRoutes struct {
	groups  *group.Service
	thumbs  thumbnails
	cursors codec[group.Position]
}

const (
	groupAssetsPath = groupPath + "/assets"
	groupAssetPath  = groupAssetsPath + "/{asset_id}"
)

func (h groupAssetRoutes) mount(api huma.API) {
	register(api, operation{
		id: "listGroupAssets", method: http.MethodGet, path: groupAssetsPath, tag: tagGroups, codes: []string{"group_deleted"},
		summary: "What is in a group",
		about: "Lists files section by section in the group's order: who may view the group sees name, type and size of each. To download one still takes a role in its drive, or having bought it. " +
			"Files in the trash, or without bytes, are listed, as hidden, to those only who manage the group's files.",
	}, h.list)
	register(api, operation{
		id: "addGroupAsset", method: http.MethodPost, path: groupAssetsPath, tag: tagGroups, status: http.StatusCreated,
		codes:   []string{"forbidden", "already_in_group", "limit_exceeded", "trashed", "upload_incomplete", "group_deleted"},
		summary: "Add a file to a group",
		about:   "Adds a file of any drive of the organisation in which you may write. The file stays where it is, and may be in any number of groups.",
	}, h.add)
	register(api, operation{
		id: "updateGroupAsset", method: http.MethodPatch, path: groupAssetPath, tag: tagGroups, codes: []string{"forbidden", "group_deleted"},
		summary: "Change what a file has in a group", about: "Members that are left out stay as they are; null clears. The file itself does not change.",
	}, h.update)
	register(api, operation{
		id: "removeGroupAsset", method: http.MethodDelete, path: groupAssetPath, tag: tagGroups, status: http.StatusNoContent, codes: []string{"forbidden", "group_deleted"},
		summary: "Take a file out of a group", about: "The file itself stays.",
	}, h.remove)
	register(api, operation{
		id: "changeGroupAssets", method: http.MethodPost, path: groupAssetsPath + "/bulk", tag: tagGroups, status: http.StatusNoContent,
		codes:   []string{"forbidden", "already_in_group", "limit_exceeded", "trashed", "upload_incomplete", "group_deleted"},
		summary: "Change what is in a group, all at once",
		about:   "Takes the files of remove out, adds those of add at the end, then puts those of order first, in their order: all, or nothing at all. At most 1,000 of each.",
	}, h.bulk)
}

type groupAssetBody struct {
	AssetID     core.AssetID   `json:"asset_id" format:"uuid" doc:"The file" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
	DriveID     core.DriveID   `json:"drive_id" format:"uuid" doc:"The drive it is in" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e14"`
	Name        string         `json:"name" doc:"The file's name" example:"beach.jpg"`
	ContentType string         `json:"content_type" doc:"Its media type" example:"image/jpeg"`
	SizeBytes   int64          `json:"size_bytes" doc:"Its size" example:"5000000"`
	Section     *string        `json:"section" doc:"The section of the group it is in; null: none" example:"Print"`
	Title       *string        `json:"title" doc:"What it is called in the group; null: as the file" example:"The beach"`
	Description string         `json:"description" doc:"What is said of it in the group; plain text" example:"For the front page."`
	Hidden      bool           `json:"hidden" doc:"Whether it is in the trash or has no bytes, so that only those see it who manage the group's files"`
	Preview     *PreviewBody   `json:"preview" doc:"What is derived of the file; null: nothing is"`
	AddedBy     core.AccountID `json:"added_by" format:"uuid" doc:"The account that added it" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	AddedAt     time.Time      `json:"added_at" doc:"When it was added"`
}

func showGroupAsset(x group.Asset) groupAssetBody {
	return groupAssetBody{
		AssetID: x.AssetID, DriveID: x.Node.DriveID, Name: x.Node.Name, ContentType: x.File.ContentType, SizeBytes: x.File.SizeBytes,
		Section: orNull(x.Section), Title: orNull(x.Title), Description: x.Description, Hidden: x.Hidden, Preview: showPreview(x.File.Preview), AddedBy: x.AddedBy, AddedAt: x.AddedAt,
	}
}

type listGroupAssetsInput struct {
	GroupInput
	PageInput
}

type groupAssetsOutput struct{ Body page[groupAssetBody] }

func (h groupAssetRoutes) list(ctx context.Context, in *listGroupAssetsInput) (*groupAssetsOutput, error) {
	after, err := h.cursors.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.groups.Assets(ctx, actorOf(ctx), in.GroupID, after, in.more())
	if err != nil {
		return nil, err
	}
	var failed error
	out, err := pageOf(ctx, in.PageInput, h.cursors, rows, func(x group.Asset) groupAssetBody {
		body := showGroupAsset(x)
		failed = errors.Join(failed, h.thumbs.dress(ctx, x.File.Preview, body.Preview))
		return body
	}, func(x group.Asset) group.Position { return x.At })
	return &groupAssetsOutput{out}, errors.Join(failed, err)
}

type addGroupAssetInput struct {
	GroupInput
	OnceInput
	Body struct {
		AssetID     core.AssetID `json:"asset_id" format:"uuid" doc:"The file" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
		Section     string       `json:"section,omitempty" maxLength:"200" doc:"One of the group's sections" example:"Print"`
		Title       string       `json:"title,omitempty" maxLength:"200" doc:"What to call it in the group" example:"The beach"`
		Description string       `json:"description,omitempty" maxLength:"10000" doc:"What to say of it in the group; plain text" example:"For the front page."`
		Position    *int         `json:"position,omitempty" minimum:"0" maximum:"1000000" doc:"Its place among all files of the group, from 0, for the order custom; at the end if left out" example:"0"`
	}
}

type groupAssetOutput struct{ Body groupAssetBody }

func (h groupAssetRoutes) add(ctx context.Context, in *addGroupAssetInput) (*groupAssetOutput, error) {
	wish, err := once(ctx, in.OnceInput, showGroupAsset)
	if err != nil {
		return nil, err
	}
	b := &in.Body
	x, err := h.groups.AddAsset(ctx, actorOf(ctx), group.AssetInput{
		GroupID: in.GroupID, AssetID: b.AssetID, Once: wish,
		GroupAssetChange: core.GroupAssetChange{Section: &b.Section, Title: &b.Title, Description: &b.Description, Position: b.Position},
	})
	if err != nil {
		return nil, err
	}
	return &groupAssetOutput{showGroupAsset(x)}, nil
}

// GroupAssetInput names a file of a group.
type GroupAssetInput struct {
	GroupInput
	AssetID core.AssetID `path:"asset_id" format:"uuid" doc:"The file" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
}

type updateGroupAssetInput struct {
	GroupAssetInput
	Body struct {
		Section     optional[string] `json:"section,omitzero" maxLength:"200" doc:"One of the group's sections; null: none" example:"Print"`
		Title       optional[string] `json:"title,omitzero" maxLength:"200" doc:"What to call it in the group; null: as the file" example:"The beach"`
		Description optional[string] `json:"description,omitzero" maxLength:"10000" doc:"What to say of it in the group; null: nothing" example:"For the front page."`
		Position    *int             `json:"position,omitempty" minimum:"0" maximum:"1000000" doc:"Its place among all files of the group, from 0; beyond the end: the end" example:"0"`
	}
}

func (h groupAssetRoutes) update(ctx context.Context, in *updateGroupAssetInput) (*groupAssetOutput, error) {
	b := &in.Body
	c := core.GroupAssetChange{Position: b.Position}
	for from, to := range map[*optional[string]]**string{&b.Section: &c.Section, &b.Title: &c.Title, &b.Description: &c.Description} {
		if from.set {
			*to = &from.value
		}
	}
	x, err := h.groups.UpdateAsset(ctx, actorOf(ctx), in.GroupID, in.AssetID, c)
	if err != nil {
		return nil, err
	}
	return &groupAssetOutput{showGroupAsset(x)}, nil
}

func (h groupAssetRoutes) remove(ctx context.Context, in *GroupAssetInput) (*struct{}, error) {
	return nil, h.groups.RemoveAsset(ctx, actorOf(ctx), in.GroupID, in.AssetID)
}

type changeGroupAssetsInput struct {
	GroupInput
	Body struct {
		Add    []core.AssetID `json:"add,omitempty" maxItems:"1000" doc:"Files to add at the end" example:"[\"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15\"]"`
		Remove []core.AssetID `json:"remove,omitempty" maxItems:"1000" doc:"Files to take out" example:"[\"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e16\"]"`
		Order  []core.AssetID `json:"order,omitempty" maxItems:"1000" doc:"Files to put first, in this order" example:"[\"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15\"]"`
	}
}

func (h groupAssetRoutes) bulk(ctx context.Context, in *changeGroupAssetsInput) (*struct{}, error) {
	return nil, h.groups.ChangeAssets(ctx, actorOf(ctx), in.GroupID, group.Bulk{Add: in.Body.Add, Remove: in.Body.Remove, Order: in.Body.Order})
}
