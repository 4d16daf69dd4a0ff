package httpapi

import (
	"context"
	"net/http"

	"github.com/seed-755a8038/coffer/app/group"
	"github.com/seed-755a8038/coffer/core"
)

// GroupChangeInput is all that can be set of a group.
type GroupChangeInput struct {
	Name         string                 `json:"name" minLength:"1" maxLength:"200" doc:"What to call it" example:"Spring campaign"`
	Description  string                 `json:"description,omitempty" maxLength:"10000" doc:"What it is about; plain text" example:"All that goes to print."`
	ParentID     optional[core.GroupID] `json:"parent_id,omitzero" format:"uuid" doc:"The group it shall be in; null: none" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e32"`
	CoverAssetID optional[core.AssetID] `json:"cover_asset_id,omitzero" format:"uuid" doc:"A picture of the organisation's that you may share, and that all will see who view the group; null: none" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
	IsPublic     bool                   `json:"is_public,omitempty" doc:"Whether everybody with an active account in the organisation may view it"`
	Metadata     metadataInput          `json:"metadata,omitzero" doc:"What people say about the group"`
	Organisation groupOrderInput        `json:"organisation,omitzero" doc:"How its files are arranged"`
	Password     optional[string]       `json:"share_password,omitzero" minLength:"4" maxLength:"1024" writeOnly:"true" doc:"What visitors have to know who come by one of its links that has no password of its own; another one ends what was opened with the one before. Left out: as it is; null: nothing" example:"harbour"`
}

type groupOrderInput struct {
	Sections    []string         `json:"sections,omitempty" maxItems:"50" doc:"The names of its parts, in order" example:"[\"Print\",\"Web\"]"`
	DefaultSort core.GroupSort   `json:"default_sort,omitempty" enum:"name,date,type,custom" default:"name" doc:"How files are sorted in each section" example:"name"`
	Layout      core.GroupLayout `json:"layout,omitempty" enum:"grid,list,gallery" default:"grid" doc:"How apps show it" example:"grid"`
}

func (b *GroupChangeInput) change() core.GroupChange {
	o := b.Organisation
	var password *string
	if b.Password.set {
		password = &b.Password.value
	}
	return core.GroupChange{
		SharePassword: password,
		Name:          b.Name, Description: b.Description, ParentID: b.ParentID.value, CoverAssetID: b.CoverAssetID.value, IsPublic: b.IsPublic,
		Metadata: b.Metadata.metadata(), Order: core.GroupOrder{Sections: o.Sections, Sort: o.DefaultSort, Layout: o.Layout},
	}
}

type createGroupInput struct {
	GroupsInput
	OnceInput
	Body GroupChangeInput
}

type createdGroupOutput struct {
	Location string `header:"Location" doc:"Where the group is" example:"/api/groups/0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e31"`
	ETag     string `header:"ETag" doc:"The version of the resource" example:"\"1\""`
	Body     groupBody
}

func (h groupRoutes) create(ctx context.Context, in *createGroupInput) (*createdGroupOutput, error) {
	wish, err := once(ctx, in.OnceInput, showGroup)
	if err != nil {
		return nil, err
	}
	if wish != nil { // which organisation it is for is a part of the request
		wish.Request = append(wish.Request, in.OrgID.String()...)
	}
	g, err := h.groups.Create(ctx, actorOf(ctx), group.Input{OrgID: in.OrgID, GroupChange: in.Body.change(), Once: wish})
	if err != nil {
		return nil, err
	}
	return &createdGroupOutput{groupsPath + "/" + g.ID.String(), etag(g.Version), showGroup(g)}, nil
}

type replaceGroupInput struct {
	GroupInput
	MatchInput
	Body GroupChangeInput
}

func (h groupRoutes) replace(ctx context.Context, in *replaceGroupInput) (*groupOutput, error) {
	version, err := h.expected(ctx, in.GroupID, in.IfMatch)
	if err != nil {
		return nil, err
	}
	g, err := h.groups.Update(ctx, actorOf(ctx), in.GroupID, in.Body.change(), version)
	if err != nil {
		return nil, err
	}
	return &groupOutput{http.StatusOK, etag(g.Version), showGroup(g)}, nil
}

func (h groupRoutes) expected(ctx context.Context, id core.GroupID, ifMatch string) (int64, error) {
	return expected(ifMatch, func() (int64, error) {
		g, err := h.groups.Get(ctx, actorOf(ctx), id)
		return g.Version, err
	})
}

type deleteGroupInput struct {
	GroupInput
	MatchInput
}

func (h groupRoutes) remove(ctx context.Context, in *deleteGroupInput) (*struct{}, error) {
	version, err := h.expected(ctx, in.GroupID, in.IfMatch)
	if err != nil {
		return nil, err
	}
	return nil, h.groups.Delete(ctx, actorOf(ctx), in.GroupID, version)
}

func (h groupRoutes) restore(ctx context.Context, in *GroupInput) (*groupOutput, error) {
	g, err := h.groups.Restore(ctx, actorOf(ctx), in.GroupID)
	if err != nil {
		return nil, err
	}
	return &groupOutput{http.StatusOK, etag(g.Version), showGroup(g)}, nil
}
