package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/core"
)

func (h assetRoutes) mountBulk(api huma.API) {
	register(api, operation{
		id: "createAssets", method: http.MethodPost, path: drivePath + "/assets:batch", tag: tagAssets, keys: true, codes: []string{"forbidden", "conflict"},
		summary: "Create many assets",
		about:   "Reserves room for up to 1,000 files, each by itself, and says how to send the bytes of each, as creating one does. Folders in their paths are made as they are needed. Of one that cannot be, the answer has the problem, and the others go on. With on_conflict version, a file whose size and checksum_sha256 are those of the file at its path is that file: upload is null, and there is nothing to send. The same request again goes on with the uploads that it has begun.",
	}, h.createMany)
	register(api, operation{
		id: "completeUploads", method: http.MethodPost, path: drivePath + "/assets:complete", tag: tagAssets, keys: true, codes: []string{"forbidden"},
		summary: "Complete many uploads",
		about:   "Completes up to 1,000 uploads, each by itself, as completing one does: the answer says of each whether its file is ready, or why not.",
	}, h.completeMany)
}

type batchAssetInput struct {
	Path           string `json:"path" minLength:"1" maxLength:"4096" doc:"Where to put the file, from the folder of the request on" example:"2026/holiday.jpg"`
	ContentType    string `json:"content_type,omitempty" maxLength:"127" doc:"Its media type; application/octet-stream if left out" example:"image/jpeg"`
	SizeBytes      int64  `json:"size_bytes" minimum:"0" maximum:"5000000000000" doc:"Its exact size" example:"5000000"`
	ChecksumSHA256 string `json:"checksum_sha256,omitempty" pattern:"^[0-9a-fA-F]{64}$" doc:"Its SHA-256, in hexadecimal, to be checked on arrival" example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
}

type createAssetsInput struct {
	DriveInput
	Body struct {
		ParentID   core.NodeID       `json:"parent_id,omitzero" format:"uuid" doc:"The folder where the paths begin; the drive's root if left out" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e16"`
		OnConflict asset.OnConflict  `json:"on_conflict,omitempty" enum:"fail,rename,version" default:"fail" doc:"What to do if the name of a file is taken: refuse it, call it \"a (1).txt\", or make the bytes another version of that file" example:"version"`
		Assets     []batchAssetInput `json:"assets" minItems:"1" maxItems:"1000" doc:"The files"`
	}
}

type createAssetsBody struct {
	Path   string      `json:"path" doc:"Where the file is to be; with on_conflict rename, its name may be another" example:"2026/holiday.jpg"`
	Asset  *assetBody  `json:"asset" doc:"The file; null: it could not be created"`
	Upload *uploadBody `json:"upload" doc:"How to send the bytes; null: there is nothing to send"`
	Error  *bulkError  `json:"error,omitzero" doc:"Why the file could not be created; left out if it was"`
}

type createAssetsOutput struct {
	Body struct {
		Items []createAssetsBody `json:"items" doc:"The files, in the order of the request"`
	}
}

func (h assetRoutes) createMany(ctx context.Context, in *createAssetsInput) (*createAssetsOutput, error) {
	files := make([]asset.BatchFile, len(in.Body.Assets))
	for i, x := range in.Body.Assets {
		files[i] = asset.BatchFile{Path: x.Path, ContentType: x.ContentType, SizeBytes: x.SizeBytes, SHA256: x.ChecksumSHA256, Place: i}
	}
	made, err := h.assets.CreateMany(ctx, actorOf(ctx), asset.BatchInput{
		DriveID: in.DriveID, ParentID: in.Body.ParentID, OnConflict: in.Body.OnConflict, Each: true, Files: files,
	})
	if err != nil {
		return nil, err
	}
	var out createAssetsOutput
	out.Body.Items = make([]createAssetsBody, len(made))
	for i, m := range made {
		item := &out.Body.Items[i]
		item.Path = m.Path
		if m.Err != nil {
			item.Error = refusalOf(ctx, m.Err)
			continue
		}
		item.Asset = new(showAsset(m.Asset))
		if m.Upload != nil {
			item.Upload = new(showPlan(m.Upload))
		}
	}
	return &out, nil
}

type endedInput struct {
	AssetID  core.AssetID  `json:"asset_id" format:"uuid" doc:"The file" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
	UploadID core.UploadID `json:"upload_id" format:"uuid" doc:"Its upload" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e17"`
	Parts    []PartInput   `json:"parts,omitempty" maxItems:"10000" doc:"The parts as the client knows them; may be left out"`
}

type completeUploadsInput struct {
	DriveInput
	Body struct {
		Assets []endedInput `json:"assets" minItems:"1" maxItems:"1000" doc:"The uploads that have ended"`
	}
}

type endedBody struct {
	AssetID core.AssetID `json:"asset_id" format:"uuid" doc:"The file" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
	Ready   bool         `json:"ready" doc:"Whether its bytes are complete and right"`
	Error   *bulkError   `json:"error" doc:"Why it is not; null: it is"`
}

type endedOutput struct {
	Body struct {
		Items []endedBody `json:"items" doc:"The files, in the order of the request"`
	}
}

func (h assetRoutes) completeMany(ctx context.Context, in *completeUploadsInput) (*endedOutput, error) {
	return completeMany(ctx, h.assets, in.DriveID, in.Body.Assets)
}

// completeMany completes uploads into a drive, each by itself.
func completeMany(ctx context.Context, assets *asset.Service, drive core.DriveID, all []endedInput) (*endedOutput, error) {
	ended := each(all, func(x endedInput) asset.BatchComplete {
		return asset.BatchComplete{AssetID: x.AssetID, CompleteInput: completed(x.UploadID, x.Parts)}
	})
	done, err := assets.CompleteMany(ctx, actorOf(ctx), drive, ended)
	if err != nil {
		return nil, err
	}
	var out endedOutput
	for i, c := range done {
		item := endedBody{AssetID: ended[i].AssetID, Ready: c.Err == nil}
		if c.Err != nil {
			if e := named(ctx, c.Err); e.Kind == core.KindInternal || e.Kind == core.KindUnavailable {
				return nil, c.Err // the request failed, not the file
			}
			item.Error = refusalOf(ctx, c.Err)
		}
		out.Body.Items = append(out.Body.Items, item)
	}
	return &out, nil
}

// refusalOf shows what came of one of many. It is no failure of the request.
func refusalOf(ctx context.Context, err error) *bulkError {
	e := named(ctx, err)
	return bulkErrorOf(problemOf(requestOf(ctx), e, statusOf(e)))
}
