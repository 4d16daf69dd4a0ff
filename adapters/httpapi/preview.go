package httpapi

import (
	"context"
	"encoding/base64"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/core"
)

// PreviewBody is what is derived of a file.
type PreviewBody struct {
	Status       core.DerivedStatus `json:"status" enum:"pending,ready,failed,unsupported" doc:"Whether it has been made; unsupported: the server lacks a program for it" example:"ready"`
	Failure      *core.Underivable  `json:"failure" enum:"type,damaged,too_large,encrypted,timed_out,crashed,tool_missing" doc:"Why not; null: nothing went wrong" example:"damaged"`
	ThumbnailURL *string            `json:"thumbnail_url" format:"uri" doc:"A short-lived URL of a picture, 512 pixels wide or high; null: there is none, or not here" example:"https://files.example.com/blobs/a?signature=5f1c"`
	Width        *int               `json:"width" doc:"Of a picture or a video as it is seen, in pixels; of a PDF, of its first page as it was drawn; null: not known" example:"4000"`
	Height       *int               `json:"height" doc:"Likewise" example:"3000"`
	DurationMS   *int64             `json:"duration_ms" doc:"Of a video, in milliseconds; null: not known" example:"90500"`
	Placeholder  *string            `json:"placeholder" doc:"A thumbhash, in base64, to show until the picture is there; null: none" example:"3OcRJYB4d3h/iIeHeEh3eIhw+j3A"`
}

// showPreview shows what is derived of a file, without a URL.
func showPreview(p *core.Preview) *PreviewBody {
	if p == nil {
		return nil
	}
	return &PreviewBody{
		Status: p.Status, Failure: orNull(p.Failure), Width: orNull(p.Width), Height: orNull(p.Height), DurationMS: orNull(p.Duration.Milliseconds()),
		Placeholder: orNull(base64.StdEncoding.EncodeToString(p.Placeholder)),
	}
}

// thumbnails shows previews with a URL.
type thumbnails struct{ app.Thumbnails }

// dress gives a preview that is shown its URL.
func (t thumbnails) dress(ctx context.Context, p *core.Preview, body *PreviewBody) error {
	if body == nil {
		return nil
	}
	url, err := t.URL(ctx, p)
	body.ThumbnailURL = orNull(url)
	return err
}

type derivedRoutes struct{ assets *asset.Service }

func (h derivedRoutes) mount(api huma.API) {
	register(api, operation{
		id: "deriveAgain", method: http.MethodPost, path: "/api/assets/{asset_id}/derived/retry", tag: tagAssets, keys: true,
		codes:   []string{"forbidden", "trashed", "upload_incomplete", "not_derivable", "already_derived", "derived_off"},
		summary: "Derive again what failed",
		about:   "Makes the server try once more to make pictures of a file's current version and to read its text, after the preview says that it failed or is unsupported. That happens in the background: the preview says what has become of it.",
	}, h.retry)
}

type derivedOutput struct {
	Body struct {
		AssetID core.AssetID `json:"asset_id" format:"uuid" doc:"The asset" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
		Preview *PreviewBody `json:"preview" doc:"What is derived of it"`
	}
}

func (h derivedRoutes) retry(ctx context.Context, in *AssetIDInput) (*derivedOutput, error) {
	a, err := h.assets.Rederive(ctx, actorOf(ctx), in.AssetID)
	if err != nil {
		return nil, err
	}
	out := &derivedOutput{}
	out.Body.AssetID, out.Body.Preview = a.ID, showPreview(a.Preview)
	return out, nil
}
