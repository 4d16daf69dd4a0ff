package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/store"
	"github.com/seed-755a8038/coffer/core"
)

type productLinkRoutes struct{ store *store.Service }

func (h productLinkRoutes) mount(api huma.API) {
	register(api, operation{
		id: "listProductAssets", method: http.MethodGet, path: productPath + "/assets", tag: tagStore, codes: []string{"forbidden"},
		summary: "What a product consists of", about: "Lists the files and folders that are linked to a product, in order, on one page.",
	}, h.list)
	register(api, operation{
		id: "linkAsset", method: http.MethodPost, path: productPath + "/assets", tag: tagStore, status: http.StatusCreated,
		codes:   []string{"forbidden", "already_linked", "product_full", "trashed", "upload_incomplete", "root_folder"},
		summary: "Link a file or folder to a product",
		about:   "Makes a file, or a folder with all that is in it at any time, a part of a product. Whoever has the product already gets it, too, shortly after.",
	}, h.link)
	register(api, operation{
		id: "moveLinkedAsset", method: http.MethodPatch, path: productPath + "/assets/{asset_id}", tag: tagStore, codes: []string{"forbidden"},
		summary: "Give a link another place", about: "Moves a file or folder to another place in the order of the product.",
	}, h.move)
	register(api, operation{
		id: "unlinkAsset", method: http.MethodDelete, path: productPath + "/assets/{asset_id}", tag: tagStore, status: http.StatusNoContent,
		codes:   []string{"forbidden", "product_empty"},
		summary: "Take a file or folder out of a product", about: "Who has bought it keeps it. A product that is for sale keeps at least one.",
	}, h.unlink)
}

type linkedAssetBody struct {
	AssetID     core.NodeID    `json:"asset_id" format:"uuid" doc:"The file or folder" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
	DriveID     core.DriveID   `json:"drive_id" format:"uuid" doc:"The drive it is in" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e14"`
	Kind        core.NodeKind  `json:"kind" enum:"folder,asset" doc:"A folder, or a file" example:"asset"`
	Name        string         `json:"name" doc:"Its name" example:"presets.zip"`
	ContentType *string        `json:"content_type" doc:"Of a file: its media type" example:"application/zip"`
	SizeBytes   *int64         `json:"size_bytes" doc:"Of a file: its size" example:"5000000"`
	Trashed     bool           `json:"trashed" doc:"Whether it is in the trash itself: buyers still have it"`
	Position    int            `json:"position" doc:"Its place in the order, from 0" example:"0"`
	AddedBy     core.AccountID `json:"added_by" format:"uuid" doc:"The account that linked it" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	AddedAt     time.Time      `json:"added_at" doc:"When it was linked"`
}

func showLinkedAsset(l store.LinkedNode) linkedAssetBody {
	body := linkedAssetBody{
		AssetID: l.NodeID, DriveID: l.Node.DriveID, Kind: l.Node.Kind, Name: l.Node.Name, Trashed: l.Node.Trashed(), Position: l.Position,
		AddedBy: l.AddedBy, AddedAt: l.AddedAt,
	}
	if l.Node.Kind == core.KindAsset {
		body.ContentType, body.SizeBytes = &l.File.ContentType, &l.File.SizeBytes
	}
	return body
}

type linkedAssetsOutput struct{ Body page[linkedAssetBody] }

func (h productLinkRoutes) list(ctx context.Context, in *ProductInput) (*linkedAssetsOutput, error) {
	links, err := h.store.Links(ctx, actorOf(ctx), in.OrgID, in.ProductID)
	if err != nil {
		return nil, err
	}
	return &linkedAssetsOutput{page[linkedAssetBody]{Items: each(links, showLinkedAsset)}}, nil
}

const maxPosition = 1_000

type linkAssetInput struct {
	ProductInput
	OnceInput
	Body struct {
		AssetID  core.NodeID `json:"asset_id,omitzero" format:"uuid" doc:"The file; or folder_id" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
		FolderID core.NodeID `json:"folder_id,omitzero" format:"uuid" doc:"The folder; or asset_id" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e16"`
		Position *int        `json:"position,omitempty" minimum:"0" maximum:"1000" doc:"Its place in the order, from 0; at the end if left out" example:"0"`
	}
}

type linkedAssetOutput struct{ Body linkedAssetBody }

func (h productLinkRoutes) link(ctx context.Context, in *linkAssetInput) (*linkedAssetOutput, error) {
	wish, err := once(ctx, in.OnceInput, showLinkedAsset)
	if err != nil {
		return nil, err
	}
	b := &in.Body
	if b.AssetID.IsZero() == b.FolderID.IsZero() {
		return nil, core.Invalid("body.asset_id", "send asset_id or folder_id, and not both")
	}
	order := store.LinkInput{OrgID: in.OrgID, ProductID: in.ProductID, NodeID: b.AssetID, Kind: core.KindAsset, Position: maxPosition, Once: wish}
	if b.AssetID.IsZero() {
		order.NodeID, order.Kind = b.FolderID, core.KindFolder
	}
	if b.Position != nil {
		order.Position = *b.Position
	}
	l, err := h.store.Link(ctx, actorOf(ctx), order)
	if err != nil {
		return nil, err
	}
	return &linkedAssetOutput{showLinkedAsset(l)}, nil
}

// LinkedAssetInput names what is linked to a product.
type LinkedAssetInput struct {
	ProductInput
	AssetID core.NodeID `path:"asset_id" format:"uuid" doc:"The file or folder" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
}

type moveLinkedAssetInput struct {
	LinkedAssetInput
	Body struct {
		Position int `json:"position" minimum:"0" maximum:"1000" doc:"Its place in the order, from 0; beyond the end: the end" example:"0"`
	}
}

func (h productLinkRoutes) move(ctx context.Context, in *moveLinkedAssetInput) (*linkedAssetOutput, error) {
	l, err := h.store.MoveLink(ctx, actorOf(ctx), in.OrgID, in.ProductID, in.AssetID, in.Body.Position)
	if err != nil {
		return nil, err
	}
	return &linkedAssetOutput{showLinkedAsset(l)}, nil
}

func (h productLinkRoutes) unlink(ctx context.Context, in *LinkedAssetInput) (*struct{}, error) {
	return nil, h.store.Unlink(ctx, actorOf(ctx), in.OrgID, in.ProductID, in.AssetID)
}
