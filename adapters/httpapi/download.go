package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/app/dataset"
	"github.com/seed-755a8038/coffer/core"
)

type downloadRoutes struct {
	assets   *asset.Service
	datasets *dataset.Service
}

func (h downloadRoutes) mount(api huma.API) {
	register(api, operation{
		id: "downloadAsset", method: http.MethodGet, path: "/api/assets/{asset_id}/download", tag: tagAssets, keys: true,
		codes:   []string{"trashed", "upload_incomplete", "validation_failed"},
		also:    map[int]string{http.StatusFound: "With redirect=true: Location is the signed URL."},
		summary: "Download an asset", about: "Returns a signed URL of the file's current version, or leads there.",
	}, h.download)
	register(api, operation{
		id: "signAssetUrl", method: http.MethodPost, path: "/api/assets/{asset_id}/signed-url", tag: tagAssets, keys: true,
		codes:   []string{"trashed", "upload_incomplete", "no_rendition"},
		summary: "A short-lived URL", about: "Returns a signed URL of the file's current version, or of a picture of it, to show in a page or to save. A file that a published dataset shows you is handed out as it was published. Types that can run script are always saved, never shown.",
	}, h.sign)
}

type downloadBody struct {
	DownloadURL string    `json:"download_url" format:"uri" doc:"Where the bytes are; good for whoever has it, until it expires" example:"https://files.example.com/blobs/a?signature=5f1c"`
	FileName    string    `json:"file_name" doc:"What to call the file" example:"holiday.jpg"`
	ContentType string    `json:"content_type" doc:"Its media type" example:"image/jpeg"`
	SizeBytes   int64     `json:"size_bytes" doc:"Its size" example:"5000000"`
	ExpiresAt   time.Time `json:"expires_at" doc:"Until when the URL is valid"`
}

func showDownload(d asset.Download) downloadBody {
	return downloadBody{d.URL, d.FileName, d.ContentType, d.SizeBytes, d.ExpiresAt}
}

type downloadInput struct {
	AssetIDInput
	Redirect bool `query:"redirect" doc:"Answer 302 with the URL in Location"`
}

type downloadOutput struct {
	Status   int
	Location string `header:"Location" doc:"With redirect=true: the signed URL" example:"https://files.example.com/blobs/a?signature=5f1c"`
	Body     downloadBody
}

func (h downloadRoutes) download(ctx context.Context, in *downloadInput) (*downloadOutput, error) {
	d, err := h.assets.Download(ctx, actorOf(ctx), in.AssetID)
	if err != nil {
		return nil, err
	}
	out := &downloadOutput{Status: http.StatusOK, Body: showDownload(d)}
	if in.Redirect {
		out.Status, out.Location = http.StatusFound, d.URL
	}
	return out, nil
}

const (
	inline        = "inline"
	defaultURLTTL = 300 // seconds
)

type signURLInput struct {
	AssetIDInput
	Body *struct {
		Disposition string `json:"disposition,omitempty" enum:"inline,attachment" doc:"To show or to save; to save if left out" example:"inline"`
		TTLSeconds  int    `json:"ttl_seconds,omitempty" minimum:"60" maximum:"300" doc:"How long the URL lives; 300 if left out" example:"120"`

		Rendition core.Rendition `json:"rendition,omitempty" enum:"thumbnail,poster" doc:"A picture of the file, or of a video a larger one; the file itself if left out" example:"thumbnail"`
	}
}

type signedURLOutput struct{ Body downloadBody }

func (h downloadRoutes) sign(ctx context.Context, in *signURLInput) (*signedURLOutput, error) {
	want := asset.URLInput{TTL: defaultURLTTL * time.Second}
	if in.Body != nil {
		want.Inline, want.Rendition = in.Body.Disposition == inline, in.Body.Rendition
		if in.Body.TTLSeconds != 0 {
			want.TTL = time.Duration(in.Body.TTLSeconds) * time.Second
		}
	}
	d, err := h.assets.SignedURL(ctx, actorOf(ctx), in.AssetID, want)
	if err != nil && want.Rendition == "" && !actorOf(ctx).ByKey() {
		d, err = h.shown(ctx, in.AssetID, want, err)
	}
	if err != nil {
		return nil, err
	}
	return &signedURLOutput{showDownload(d)}, nil
}

// shown is the URL for those to whom a dataset shows the file, if the drive does
// not give it to them; or why that does not.
func (h downloadRoutes) shown(ctx context.Context, id core.AssetID, want asset.URLInput, refused error) (asset.Download, error) {
	if kind := core.KindOf(refused); kind != core.KindNotFound && kind != core.KindForbidden && !errors.Is(refused, core.ErrAssetTrashed) {
		return asset.Download{}, refused
	}
	f, err := h.datasets.SignShown(ctx, actorOf(ctx), id, want.Inline, want.TTL)
	if errors.Is(err, core.ErrNotFound) {
		err = refused
	}
	if err != nil {
		return asset.Download{}, err
	}
	return asset.Download{URL: f.URL, FileName: f.File.Name, ContentType: f.File.ContentType, SizeBytes: f.File.SizeBytes, ExpiresAt: f.ExpiresAt}, nil
}
