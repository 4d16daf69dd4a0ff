package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/core"
)

type versionRoutes struct {
	assets  *asset.Service
	cursors codec[int]
}

func (h versionRoutes) mount(api huma.API) {
	register(api, operation{
		id: "listAssetVersions", method: http.MethodGet, path: "/api/assets/{asset_id}/versions", tag: tagAssets, keys: true,
		summary: "An asset's versions", about: "Lists the contents a file has had, newest first.",
	}, h.list)
	register(api, operation{
		id: "restoreAssetVersion", method: http.MethodPost, path: "/api/assets/{asset_id}/versions/{number}/restore", tag: tagAssets, keys: true,
		codes:   []string{"forbidden", "trashed", "conflict"},
		summary: "Restore a version", about: "Makes the content of an old version current again. No version is lost.",
	}, h.restore)
}

type versionBody struct {
	Number         int            `json:"number" doc:"The version's number, from 1" example:"1"`
	Current        bool           `json:"current" doc:"Whether it is what a download gets"`
	ContentType    string         `json:"content_type" doc:"Its media type" example:"image/jpeg"`
	SizeBytes      int64          `json:"size_bytes" doc:"Its size" example:"5000000"`
	ChecksumSHA256 *string        `json:"checksum_sha256" doc:"Its SHA-256, in hexadecimal; null: not known yet" example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
	CreatedBy      core.AccountID `json:"created_by" format:"uuid" doc:"The account that uploaded it" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	CreatedAt      time.Time      `json:"created_at" doc:"When its upload was completed"`
}

type listVersionsInput struct {
	AssetIDInput
	PageInput
}

type versionsOutput struct{ Body page[versionBody] }

func (h versionRoutes) list(ctx context.Context, in *listVersionsInput) (*versionsOutput, error) {
	before, err := h.cursors.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	file, rows, err := h.assets.Versions(ctx, actorOf(ctx), in.AssetID, before, in.more())
	if err != nil {
		return nil, err
	}
	out, err := pageOf(ctx, in.PageInput, h.cursors, rows, func(v core.Version) versionBody {
		return versionBody{
			Number: v.Number, Current: v.Number == file.Current, ContentType: v.ContentType, SizeBytes: v.SizeBytes,
			ChecksumSHA256: checksum(v.SHA256), CreatedBy: v.CreatedBy, CreatedAt: v.CreatedAt,
		}
	}, func(v core.Version) int { return v.Number })
	return &versionsOutput{out}, err
}

type restoreVersionInput struct {
	AssetIDInput
	Number int `path:"number" minimum:"1" maximum:"2147483647" doc:"The version's number" example:"1"`
}

func (h versionRoutes) restore(ctx context.Context, in *restoreVersionInput) (*assetOutput, error) {
	a, err := h.assets.RestoreVersion(ctx, actorOf(ctx), in.AssetID, in.Number)
	if err != nil {
		return nil, err
	}
	return assetAnswer(a), nil
}
