package httpapi

import (
	"context"
	"fmt"

	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/app/dataset"
	"github.com/seed-755a8038/coffer/core"
)

type ingestAssetInput struct {
	Path           string       `json:"path,omitempty" maxLength:"4096" doc:"Where the file is in the dataset; with asset_id it may be left out: the file's name" example:"signs/stop.jpg"`
	SizeBytes      *int64       `json:"size_bytes,omitempty" minimum:"0" maximum:"5000000000000" doc:"Its exact size" example:"5000000"`
	ContentType    string       `json:"content_type,omitempty" maxLength:"127" doc:"Its media type; application/octet-stream if left out" example:"image/jpeg"`
	ChecksumSHA256 string       `json:"checksum_sha256,omitempty" pattern:"^[0-9a-fA-F]{64}$" doc:"Its SHA-256, in hexadecimal, to be checked on arrival" example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
	AssetID        core.AssetID `json:"asset_id,omitzero" format:"uuid" doc:"A file that is there already, in place of what would be sent" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
}

type ingestAssetsInput struct {
	Body struct {
		SessionID core.IngestSessionID `json:"session_id" format:"uuid" doc:"The session" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e41"`
		Assets    []ingestAssetInput   `json:"assets" minItems:"1" maxItems:"1000" doc:"The files"`
	}
}

type ingestAssetBody struct {
	Path   string      `json:"path" doc:"Where the file is in the dataset" example:"signs/stop.jpg"`
	Asset  assetBody   `json:"asset" doc:"The file"`
	Upload *uploadBody `json:"upload" doc:"How to send its bytes; null: they are there"`
}

type ingestAssetsOutput struct {
	Body struct {
		Items []ingestAssetBody `json:"items" doc:"The files, in the order of the request"`
	}
}

func (h ingestRoutes) register(ctx context.Context, in *ingestAssetsInput) (*ingestAssetsOutput, error) {
	files, refs, err := divide(in.Body.Assets)
	if err != nil {
		return nil, err
	}
	intake, err := h.datasets.Intake(ctx, actorOf(ctx), in.Body.SessionID, refs)
	if err != nil {
		return nil, err
	}
	made, err := h.assets.CreateMany(ctx, actorOf(ctx), asset.BatchInput{
		DriveID: intake.DriveID, Files: files,
		Also: asset.Joined(func(f asset.BatchCreated) core.SessionFile {
			return core.SessionFile{Path: f.Path, AssetID: f.Asset.ID, Number: f.Number}
		}, intake.Keep),
	})
	if err != nil {
		return nil, err
	}
	taken, assets, err := intake.Taken(ctx)
	if err != nil {
		return nil, err
	}
	var out ingestAssetsOutput
	out.Body.Items = make([]ingestAssetBody, len(in.Body.Assets))
	for i := range in.Body.Assets {
		item := &out.Body.Items[i]
		if !in.Body.Assets[i].AssetID.IsZero() {
			item.Path = taken[0].Path
			if a := assets[taken[0].AssetID]; a != nil {
				item.Asset = showAsset(a)
			}
			taken = taken[1:]
			continue
		}
		item.Path, item.Asset = made[0].Path, showAsset(made[0].Asset)
		if made[0].Upload != nil {
			item.Upload = new(showPlan(made[0].Upload))
		}
		made = made[1:]
	}
	return &out, nil
}

// divide tells files that will be sent from those that are there already.
func divide(all []ingestAssetInput) (files []asset.BatchFile, refs []dataset.FileRef, err error) {
	for i, x := range all {
		at := fmt.Sprintf("body.assets[%d]", i)
		switch {
		case x.AssetID.IsZero() && x.SizeBytes == nil:
			return nil, nil, core.Invalid(at+".size_bytes", "is missing; or name a file that is there by asset_id")
		case x.AssetID.IsZero():
			files = append(files, asset.BatchFile{Path: x.Path, ContentType: x.ContentType, SizeBytes: *x.SizeBytes, SHA256: x.ChecksumSHA256, Place: i})
		case x.SizeBytes != nil || x.ContentType != "" || x.ChecksumSHA256 != "":
			return nil, nil, core.Invalid(at, "with asset_id, the file has its size, type and checksum already")
		default:
			refs = append(refs, dataset.FileRef{Path: x.Path, AssetID: x.AssetID, Place: i})
		}
	}
	return files, refs, nil
}

type ingestCompleteInput struct {
	Body struct {
		SessionID core.IngestSessionID `json:"session_id" format:"uuid" doc:"The session" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e41"`
		Assets    []endedInput         `json:"assets" minItems:"1" maxItems:"1000" doc:"The uploads that have ended"`
	}
}

func (h ingestRoutes) complete(ctx context.Context, in *ingestCompleteInput) (*endedOutput, error) {
	intake, err := h.datasets.Intake(ctx, actorOf(ctx), in.Body.SessionID, nil)
	if err != nil {
		return nil, err
	}
	return completeMany(ctx, h.assets, intake.DriveID, in.Body.Assets)
}
