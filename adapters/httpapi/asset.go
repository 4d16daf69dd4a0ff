package httpapi

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/core"
)

type assetRoutes struct {
	assets  *asset.Service
	drives  *drive.Service
	thumbs  thumbnails
	cursors codec[core.AssetID]
}

const assetPath = "/api/orgs/{org_id}/assets/{asset_id}"

func (h assetRoutes) mount(api huma.API) {
	register(api, operation{
		id: "createAsset", method: http.MethodPost, path: "/api/orgs/{org_id}/assets", tag: tagAssets, keys: true, status: http.StatusCreated,
		codes:   []string{"forbidden", "limit_exceeded", "name_taken", "conflict"},
		summary: "Create an asset",
		about:   "Reserves room for a file and says how to send its bytes. Small files go by one signed PUT; from 64 MB on there are parts with a signed PUT each. The asset is pending until the upload is completed.",
	}, h.create)
	register(api, operation{
		id: "listAssets", method: http.MethodGet, path: "/api/orgs/{org_id}/assets", tag: tagAssets, keys: true,
		summary: "An organisation's assets", about: "Lists the files that the user may read, newest first, without those in the trash. With an API key, those of its drive.",
	}, h.list)
	register(api, operation{
		id: "getAssetUsage", method: http.MethodGet, path: "/api/orgs/{org_id}/assets/usage", tag: tagAssets,
		summary: "What an organisation's files take", about: "Returns what is used of the licence, and its limits.",
	}, h.usage)
	register(api, operation{
		id: "getAsset", method: http.MethodGet, path: assetPath, tag: tagAssets, keys: true, also: notModified,
		summary: "One asset", about: "Returns a file's description, also while it is pending or in the trash.",
	}, h.get)
	register(api, operation{
		id: "updateAsset", method: http.MethodPatch, path: assetPath, tag: tagAssets, keys: true, codes: []string{"forbidden", "name_taken", "trashed"},
		summary: "Rename or describe an asset", about: "Members that are left out stay as they are; null clears the metadata.",
	}, h.update)
	register(api, operation{
		id: "deleteAsset", method: http.MethodDelete, path: assetPath, tag: tagAssets, keys: true, status: http.StatusNoContent,
		codes:   []string{"forbidden", "validation_failed", "sold", "used_by_dataset"},
		summary: "Delete an asset",
		about:   "Moves a file to the trash, where it still takes room; with permanent=true it goes for good, with all its versions. A file without bytes goes for good at once.",
	}, h.remove)
	h.mountBulk(api)
}

type metadataBody struct {
	Tags         []string       `json:"tags" maxItems:"100" doc:"Words to find the file by" example:"[\"holiday\",\"2026\"]"`
	CustomFields map[string]any `json:"custom_fields" maxProperties:"100" doc:"Your own fields; each is a string, a number, true, false or null"`
}

type assetBody struct {
	ID             core.AssetID     `json:"id" format:"uuid" doc:"Identifies the asset" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
	OrgID          core.OrgID       `json:"org_id" format:"uuid" doc:"The organisation" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12"`
	DriveID        core.DriveID     `json:"drive_id" format:"uuid" doc:"The drive" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e14"`
	ParentID       *core.NodeID     `json:"parent_id" format:"uuid" doc:"The folder it is in; null: the drive's root" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e16"`
	Kind           core.NodeKind    `json:"kind" enum:"asset" doc:"Always asset" example:"asset"`
	Name           string           `json:"name" doc:"What it is called; unique in its folder" example:"holiday.jpg"`
	ContentType    string           `json:"content_type" doc:"Its media type" example:"image/jpeg"`
	SizeBytes      int64            `json:"size_bytes" doc:"The size of the current version, or the declared one while pending" example:"5000000"`
	ChecksumSHA256 *string          `json:"checksum_sha256" doc:"SHA-256 of the current version, in hexadecimal; null: not known yet" example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
	Status         core.AssetStatus `json:"status" enum:"pending,ready" doc:"Whether its bytes have arrived" example:"ready"`
	CurrentVersion *int             `json:"current_version" doc:"The number of the current version; null while pending" example:"1"`
	Metadata       metadataBody     `json:"metadata" doc:"What people say about the file"`
	Preview        *PreviewBody     `json:"preview" doc:"What is derived of the current version; null: nothing is. Only an asset by itself has its URL"`
	CreatedBy      core.AccountID   `json:"created_by" format:"uuid" doc:"The account that created it" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	TrashedAt      *time.Time       `json:"trashed_at" doc:"When it was moved to the trash; null: it is not there"`
	Version        int64            `json:"version" doc:"Counts the changes; the ETag" example:"2"`
	CreatedAt      time.Time        `json:"created_at" doc:"When it was created"`
	UpdatedAt      time.Time        `json:"updated_at" doc:"When it was last changed"`
}

// checksum shows a SHA-256: null if it is not known.
func checksum(sum []byte) *string {
	if sum == nil {
		return nil
	}
	text := hex.EncodeToString(sum)
	return &text
}

func showAsset(a *core.Asset) assetBody {
	body := assetBody{
		ID: a.ID, OrgID: a.OrgID, DriveID: a.DriveID, ParentID: parentOf(&a.Node), Kind: core.KindAsset, Name: a.Name,
		ContentType: a.ContentType, SizeBytes: a.SizeBytes, ChecksumSHA256: checksum(a.SHA256), Status: a.Status,
		Metadata: metadataBody{a.Metadata.Tags, a.Metadata.CustomFields}, Preview: showPreview(a.Preview), CreatedBy: a.CreatedBy,
		TrashedAt: timeOrNull(a.TrashedAt), Version: a.Node.Version, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt,
	}
	if a.Current > 0 {
		body.CurrentVersion = &a.Current
	}
	return body
}

// AssetIDInput names an asset. It is exported because huma looks into
// exported fields only, like the other structs that are embedded.
type AssetIDInput struct {
	AssetID core.AssetID `path:"asset_id" format:"uuid" doc:"The asset" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
}

// AssetInput names an asset of an org.
type AssetInput struct {
	OrgInput
	AssetIDInput
}

type getAssetInput struct {
	AssetInput
	ConditionalInput
}

type assetOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"The version of the resource" example:"\"3\""`
	Body   assetBody
}

func assetAnswer(a *core.Asset) *assetOutput {
	return &assetOutput{http.StatusOK, assetTag(a), showAsset(a)}
}

func (h assetRoutes) get(ctx context.Context, in *getAssetInput) (*assetOutput, error) {
	a, err := h.assets.Get(ctx, actorOf(ctx), in.OrgID, in.AssetID)
	if err != nil {
		return nil, err
	}
	out := assetAnswer(a)
	if err := h.thumbs.dress(ctx, a.Preview, out.Body.Preview); err != nil {
		return nil, err
	}
	out.Status = freshFile(in.IfNoneMatch, out.ETag, out.Body.Preview)
	return out, nil
}

type usageOutput struct{ Body assetUsageBody }

type assetUsageBody struct {
	UsageBody
	MaxStorageBytes *int64 `json:"max_total_storage_bytes" doc:"All files together; null: no limit" example:"1000000000"`
	MaxUploadBytes  *int64 `json:"max_upload_size_bytes" doc:"The largest file; null: no limit" example:"100000000"`
	MaxAssets       *int64 `json:"max_assets_count" doc:"How many files; null: no limit" example:"100"`
	MaxProducts     *int64 `json:"max_products_count" doc:"How many products; null: no limit" example:"50"`
	MaxMembers      *int64 `json:"max_members_count" doc:"How many members, open invitations among them; null: no limit" example:"5"`
}

func (h assetRoutes) usage(ctx context.Context, in *OrgInput) (*usageOutput, error) {
	u, err := h.assets.Usage(ctx, actorOf(ctx), in.OrgID)
	if err != nil {
		return nil, err
	}
	return &usageOutput{assetUsageBody{
		UsageBody: showUsage(u.OrgUsage), MaxStorageBytes: limit(u.Limits.MaxStorageBytes()), MaxUploadBytes: limit(u.Limits.MaxUploadBytes()),
		MaxAssets: limit(u.Limits.MaxAssets), MaxProducts: limit(u.Limits.MaxProducts), MaxMembers: limit(u.Limits.MaxMembers),
	}}, nil
}
