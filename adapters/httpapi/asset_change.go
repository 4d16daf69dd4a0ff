package httpapi

import (
	"context"

	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/core"
)

// metadataInput is metadata as clients send it: either part may be left out.
type metadataInput struct {
	Tags         []string       `json:"tags,omitempty" maxItems:"100" doc:"Words to find the file by" example:"[\"holiday\",\"2026\"]"`
	CustomFields map[string]any `json:"custom_fields,omitempty" maxProperties:"100" doc:"Your own fields; each is a string, a number, true, false or null"`
}

func (m metadataInput) metadata() core.Metadata {
	return core.Metadata{Tags: m.Tags, CustomFields: m.CustomFields}
}

type createAssetInput struct {
	OrgInput
	OnceInput
	Body struct {
		Name           string           `json:"name" minLength:"1" maxLength:"255" doc:"What to call the file" example:"holiday.jpg"`
		ContentType    string           `json:"content_type,omitempty" maxLength:"127" doc:"Its media type; application/octet-stream if left out" example:"image/jpeg"`
		SizeBytes      int64            `json:"size_bytes" minimum:"0" maximum:"5000000000000" doc:"Its exact size" example:"5000000"`
		ChecksumSHA256 string           `json:"checksum_sha256,omitempty" pattern:"^[0-9a-fA-F]{64}$" doc:"Its SHA-256, in hexadecimal, to be checked on arrival" example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
		DriveID        core.DriveID     `json:"drive_id,omitzero" format:"uuid" doc:"The drive; if left out, the organisation's default drive, or that of the API key" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e14"`
		ParentID       core.NodeID      `json:"parent_id,omitzero" format:"uuid" doc:"The folder; the drive's root if left out" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e16"`
		Metadata       metadataInput    `json:"metadata,omitzero" doc:"What you want to say about the file"`
		OnConflict     asset.OnConflict `json:"on_conflict,omitempty" enum:"fail,rename,version" default:"fail" doc:"What to do if the name is taken: refuse, call it \"a (1).txt\", or make the bytes another version of that file" example:"fail"`
	}
}

type createdBody struct {
	Asset  assetBody  `json:"asset" doc:"The file, waiting for its bytes"`
	Upload uploadBody `json:"upload" doc:"How to send the bytes"`
}

func showCreated(c *asset.Created) createdBody {
	return createdBody{showAsset(c.Asset), showPlan(c.Upload)}
}

type createdOutput struct {
	Location string `header:"Location" doc:"Where the asset is" example:"/api/orgs/0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12/assets/0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
	ETag     string `header:"ETag" doc:"The version of the asset" example:"\"1\""`
	Body     createdBody
}

func (h assetRoutes) create(ctx context.Context, in *createAssetInput) (*createdOutput, error) {
	wish, err := once(ctx, in.OnceInput, showCreated)
	if err != nil {
		return nil, err
	}
	out, err := h.assets.Create(ctx, actorOf(ctx), asset.CreateInput{
		OrgID: in.OrgID, DriveID: in.Body.DriveID, ParentID: in.Body.ParentID, Name: in.Body.Name, ContentType: in.Body.ContentType,
		SizeBytes: in.Body.SizeBytes, SHA256: in.Body.ChecksumSHA256, Metadata: in.Body.Metadata.metadata(),
		OnConflict: in.Body.OnConflict, Once: wish,
	})
	if err != nil {
		return nil, err
	}
	return &createdOutput{
		"/api/orgs/" + in.OrgID.String() + "/assets/" + out.Asset.ID.String(), etag(out.Asset.Node.Version), showCreated(out),
	}, nil
}

type listAssetsInput struct {
	OrgInput
	Status core.AssetStatus `query:"status" enum:"pending,ready" doc:"Only those in this state"`
	Type   string           `query:"type" maxLength:"127" doc:"Only this media type, or all of one kind: image" example:"image"`
	Tag    string           `query:"tag" maxLength:"100" doc:"Only those with this tag" example:"holiday"`
	Text   string           `query:"q" maxLength:"255" doc:"Only those with this in their name; case does not matter" example:"beach"`
	PageInput
}

type assetsOutput struct{ Body page[assetBody] }

func (h assetRoutes) list(ctx context.Context, in *listAssetsInput) (*assetsOutput, error) {
	before, err := h.cursors.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.assets.List(ctx, actorOf(ctx), asset.ListInput{
		OrgID: in.OrgID, Status: in.Status, Type: in.Type, Tag: in.Tag, Text: in.Text, Before: before, Limit: in.more(),
	})
	if err != nil {
		return nil, err
	}
	out, err := pageOf(ctx, in.PageInput, h.cursors, rows, showAsset, func(a *core.Asset) core.AssetID { return a.ID })
	return &assetsOutput{out}, err
}

// MatchInput is what a change of a versioned resource takes.
type MatchInput struct {
	IfMatch string `header:"If-Match" maxLength:"1024" doc:"The ETag the client has seen: if the resource has changed since, it is left alone" example:"\"3\""`
}

type updateAssetInput struct {
	AssetInput
	MatchInput
	Body struct {
		Name     optional[string]        `json:"name,omitzero" minLength:"1" maxLength:"255" doc:"What to call the file; it cannot be null" example:"beach.jpg"`
		Metadata optional[metadataInput] `json:"metadata,omitzero" doc:"Replaces the metadata; null: none"`
	}
}

func (h assetRoutes) update(ctx context.Context, in *updateAssetInput) (*assetOutput, error) {
	var change asset.Change
	if name := in.Body.Name; name.set {
		if name.null {
			return nil, core.Invalid("body.name", "must not be null: every file has a name")
		}
		change.Name = &name.value
	}
	if metadata := in.Body.Metadata; metadata.set {
		change.Metadata = new(metadata.value.metadata())
	}
	var err error
	if change.IfMatch, err = h.expected(ctx, in.AssetInput, in.IfMatch); err != nil {
		return nil, err
	}
	a, err := h.assets.Update(ctx, actorOf(ctx), in.OrgID, in.AssetID, change)
	if err != nil {
		return nil, err
	}
	return assetAnswer(a), nil
}

type deleteAssetInput struct {
	AssetInput
	MatchInput
	Permanent bool `query:"permanent" doc:"Delete for good, with all versions"`
}

func (h assetRoutes) remove(ctx context.Context, in *deleteAssetInput) (*struct{}, error) {
	version, err := h.expected(ctx, in.AssetInput, in.IfMatch)
	if err != nil {
		return nil, err
	}
	sc, err := h.drives.EnterAtFile(ctx, actorOf(ctx), in.OrgID, in.AssetID)
	if err != nil {
		return nil, err
	}
	return nil, h.drives.Delete(ctx, sc, in.AssetID, in.Permanent, version)
}

// expected returns the version that If-Match asks for.
func (h assetRoutes) expected(ctx context.Context, in AssetInput, ifMatch string) (int64, error) {
	return expected(ifMatch, func() (int64, error) {
		a, err := h.assets.Get(ctx, actorOf(ctx), in.OrgID, in.AssetID)
		if err != nil {
			return 0, err
		}
		return a.Node.Version, nil
	})
}
