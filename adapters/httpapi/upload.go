package httpapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/core"
)

type uploadRoutes struct{ assets *asset.Service }

func (h uploadRoutes) mount(api huma.API) {
	register(api, operation{
		id: "completeUpload", method: http.MethodPost, path: "/api/assets/{asset_id}/complete", tag: tagAssets, keys: true,
		codes:   []string{"forbidden", "upload_incomplete", "upload_busy", "upload_mismatch", "upload_not_found", "size_mismatch", "checksum_mismatch"},
		summary: "Complete an upload",
		about:   "Checks the bytes that have arrived against what was declared and makes them the asset's current version. Completing twice returns the asset again. Bytes that are wrong end the upload.",
	}, h.complete)
	register(api, operation{
		id: "signUploadParts", method: http.MethodPost, path: "/api/assets/{asset_id}/upload/parts", tag: tagAssets, keys: true,
		codes:   []string{"forbidden", "upload_not_found", "validation_failed"},
		summary: "More upload URLs", about: "Signs further parts of an upload, or parts whose URLs have expired; of a small file the one PUT again.",
	}, h.sign)
	register(api, operation{
		id: "getUpload", method: http.MethodGet, path: "/api/assets/{asset_id}/upload", tag: tagAssets, keys: true, codes: []string{"forbidden", "upload_not_found"},
		summary: "What has arrived", about: "Tells which bytes of an upload have arrived, for a client that resumes it.",
	}, h.get)
	register(api, operation{
		id: "abortUpload", method: http.MethodDelete, path: "/api/assets/{asset_id}/upload", tag: tagAssets, keys: true, status: http.StatusNoContent,
		codes:   []string{"forbidden", "upload_not_found"},
		summary: "Abort an upload", about: "Gives an upload up, with the room it reserved. An asset that never had bytes goes with it.",
	}, h.abort)
}

type uploadPartBody struct {
	Number    int               `json:"number" doc:"The part's place in the file, from 1" example:"1"`
	URL       string            `json:"url" format:"uri" doc:"Where to PUT the bytes" example:"https://files.example.com/blobs/a?signature=5f1c"`
	Headers   map[string]string `json:"headers" doc:"What to send with them"`
	SizeBytes int64             `json:"size_bytes" doc:"How many bytes the part has, exactly" example:"16777216"`
}

type uploadBody struct {
	UploadID         core.UploadID       `json:"upload_id" format:"uuid" doc:"Identifies the upload" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e17"`
	Strategy         core.UploadStrategy `json:"strategy" enum:"single,multipart" doc:"One PUT, or parts" example:"single"`
	ExpiresAt        time.Time           `json:"expires_at" doc:"Until when the URLs are valid; others can be had after that"`
	SessionExpiresAt time.Time           `json:"session_expires_at" doc:"Until when the upload must be completed"`
	Method           string              `json:"method,omitempty" enum:"PUT" doc:"Of a single upload: the method" example:"PUT"`
	URL              string              `json:"url,omitempty" format:"uri" doc:"Of a single upload: where to send the bytes" example:"https://files.example.com/blobs/a?signature=5f1c"`
	Headers          map[string]string   `json:"headers,omitzero" doc:"Of a single upload: what to send with them"`
	PartSize         int64               `json:"part_size,omitzero" doc:"Of a multipart upload: how many bytes each part has but the last" example:"16777216"`
	PartCount        int                 `json:"part_count,omitzero" doc:"Of a multipart upload: how many parts there are" example:"18"`
	Parts            []uploadPartBody    `json:"parts,omitzero" doc:"Of a multipart upload: how to send the first parts, or those asked for"`
}

// oneEach shows headers as curl takes them: one value of each.
func oneEach(h http.Header) map[string]string {
	out := make(map[string]string, len(h))
	for name, values := range h {
		out[name] = strings.Join(values, ", ")
	}
	return out
}

func showPlan(p *asset.Plan) uploadBody {
	body := uploadBody{
		UploadID: p.Upload.ID, Strategy: p.Upload.Strategy, ExpiresAt: p.ExpiresAt, SessionExpiresAt: p.Upload.ExpiresAt,
		PartSize: p.Upload.PartSize, PartCount: p.Upload.PartCount(),
	}
	if p.Single != nil {
		body.Method, body.URL, body.Headers = p.Single.Method, p.Single.URL, oneEach(p.Single.Header)
	}
	for _, part := range p.Parts {
		body.Parts = append(body.Parts, uploadPartBody{part.Number, part.Request.URL, oneEach(part.Request.Header), part.Size})
	}
	return body
}

type completeInput struct {
	AssetIDInput
	Body struct {
		UploadID core.UploadID `json:"upload_id" format:"uuid" doc:"The upload that has ended" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e17"`
		Parts    []PartInput   `json:"parts,omitempty" maxItems:"10000" doc:"The parts as the client knows them; may be left out"`
	}
}

func (h uploadRoutes) complete(ctx context.Context, in *completeInput) (*assetOutput, error) {
	a, err := h.assets.Complete(ctx, actorOf(ctx), in.AssetID, completed(in.Body.UploadID, in.Body.Parts))
	if err != nil {
		return nil, err
	}
	return assetAnswer(a), nil
}

type signPartsInput struct {
	AssetIDInput
	Body *struct {
		From  int `json:"from,omitempty" minimum:"1" maximum:"10000" doc:"The first part; 1 if left out" example:"101"`
		Count int `json:"count,omitempty" minimum:"1" maximum:"1000" doc:"How many parts; 100 if left out" example:"100"`
	}
}

type planOutput struct{ Body uploadBody }

func (h uploadRoutes) sign(ctx context.Context, in *signPartsInput) (*planOutput, error) {
	var from, count int
	if in.Body != nil {
		from, count = in.Body.From, in.Body.Count
	}
	plan, err := h.assets.Resume(ctx, actorOf(ctx), in.AssetID, from, count)
	if err != nil {
		return nil, err
	}
	return &planOutput{showPlan(plan)}, nil
}

type arrivedPartBody struct {
	Number    int    `json:"number" doc:"The part's number" example:"1"`
	SizeBytes int64  `json:"size_bytes" doc:"How many bytes it has" example:"16777216"`
	ETag      string `json:"etag" doc:"What its PUT answered, without quotes" example:"9f86d081884c7d65"`
}

type progressBody struct {
	UploadID      core.UploadID       `json:"upload_id" format:"uuid" doc:"Identifies the upload" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e17"`
	Strategy      core.UploadStrategy `json:"strategy" enum:"single,multipart" doc:"One PUT, or parts" example:"multipart"`
	SizeBytes     int64               `json:"size_bytes" doc:"The declared size" example:"300000000"`
	ReceivedBytes int64               `json:"received_bytes" doc:"How many bytes have arrived" example:"16777216"`
	PartSize      *int64              `json:"part_size" doc:"How many bytes each part has but the last; null: no parts" example:"16777216"`
	PartCount     *int                `json:"part_count" doc:"How many parts there are; null: no parts" example:"18"`
	Parts         []arrivedPartBody   `json:"parts" doc:"Those that have arrived, by number"`
	ExpiresAt     time.Time           `json:"expires_at" doc:"Until when the upload must be completed"`
}

type progressOutput struct{ Body progressBody }

func (h uploadRoutes) get(ctx context.Context, in *AssetIDInput) (*progressOutput, error) {
	p, err := h.assets.Arrived(ctx, actorOf(ctx), in.AssetID)
	if err != nil {
		return nil, err
	}
	u := p.Upload
	body := progressBody{
		UploadID: u.ID, Strategy: u.Strategy, SizeBytes: u.SizeBytes, ReceivedBytes: p.Bytes, ExpiresAt: u.ExpiresAt,
		Parts: make([]arrivedPartBody, len(p.Parts)),
	}
	for i, part := range p.Parts {
		body.Parts[i] = arrivedPartBody{part.Number, part.Size, part.ETag}
	}
	if u.Strategy == core.UploadMultipart {
		body.PartSize, body.PartCount = &u.PartSize, new(u.PartCount())
	}
	return &progressOutput{body}, nil
}

func (h uploadRoutes) abort(ctx context.Context, in *AssetIDInput) (*struct{}, error) {
	return nil, h.assets.Abort(ctx, actorOf(ctx), in.AssetID)
}
