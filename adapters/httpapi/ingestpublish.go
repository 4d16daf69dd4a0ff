package httpapi

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/dataset"
	"github.com/seed-755a8038/coffer/core"
)

func (h ingestRoutes) mountPublish(api huma.API) {
	register(api, operation{
		id: "publishDataset", method: http.MethodPost, path: "/api/ingest/datasets/{dataset_id}/publish", tag: tagDatasets,
		codes: []string{
			"validation_failed", "forbidden", "malformed_json", "unsupported_media_type", "request_timeout",
			"manifest_invalid", "version_conflict", "publish_in_progress", "session_closed", "dataset_archived", "trashed", "upload_incomplete", "conflict",
		},
		summary: "Publish a version",
		about:   "Checks a manifest of items and makes all of them the dataset's current version, or none: until then everybody sees the one before. Send one document ({\"items\": […]}), or an item on each line as application/x-ndjson, which may go on for as long as it makes progress; either may come with Content-Encoding: gzip. Or upload the manifest as a file and send {\"manifest_asset_id\": …}. An item is {external_id, type, title?, tags?, data?, assets?: [{role, path or asset_id}]}. What is wrong is told by line and JSON pointer, the first 100 of it. The same items as the current version has publish nothing (published: false). If another version was published since the session was opened the answer is version_conflict; base_version says which one you mean to replace.",
		stream: map[string]*huma.MediaType{
			jsonType:   {Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Description: "An object with items, or with manifest_asset_id"}},
			ndjsonType: {Schema: &huma.Schema{Type: huma.TypeString, Description: "An item on each line"}},
		},
	}, h.publish)
}

type publishInput struct {
	DatasetID   core.DatasetID       `path:"dataset_id" format:"uuid" doc:"The dataset" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e42"`
	SessionID   core.IngestSessionID `query:"session_id" required:"true" format:"uuid" doc:"The session that has brought the files" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e41"`
	BaseVersion int64                `query:"base_version" minimum:"-1" default:"-1" doc:"The version that must be current; left out, or -1: the one that was when the session was opened" example:"3"`
}

type publishedOutput struct {
	Body struct {
		Version   datasetVersionBody `json:"version" doc:"The version that is current now"`
		Published bool               `json:"published" doc:"Whether this is a version of this session's; false: the current one had the same items"`
	}
}

func (h ingestRoutes) publish(ctx context.Context, in *publishInput) (*publishedOutput, error) {
	req := requestOf(ctx)
	lines, err := manifestForm(req.http.Header)
	if err != nil {
		return nil, err
	}
	body := io.Reader(&manifestReader{patientReader{ReadCloser: req.http.Body, patience: h.timeout, deadlines: http.NewResponseController(req.wire)}})
	if strings.EqualFold(req.http.Header.Get("Content-Encoding"), "gzip") {
		if body, err = gzip.NewReader(body); err != nil {
			return nil, unreadable(err)
		}
	}
	input := dataset.PublishInput{DatasetID: in.DatasetID, SessionID: in.SessionID, Manifest: packed{body}, Lines: lines}
	if in.BaseVersion >= 0 {
		input.BaseVersion = &in.BaseVersion
	}
	p, err := h.datasets.Publish(connOf(ctx), actorOf(ctx), input)
	if err != nil {
		return nil, err
	}
	var out publishedOutput
	out.Body.Version, out.Body.Published = showDatasetVersion(&p.Version), p.New
	return &out, nil
}

// manifestForm reports whether a manifest has an item on each line.
func manifestForm(h http.Header) (lines bool, err error) {
	if encoding := h.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "gzip") && !strings.EqualFold(encoding, "identity") {
		return false, errMediaType.Say("send the manifest as it is, or with Content-Encoding: gzip")
	}
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	charset := params["charset"]
	switch {
	case err != nil, charset != "" && !strings.EqualFold(charset, "utf-8"), kind != jsonType && kind != ndjsonType:
		return false, errMediaType.Say("send the manifest as Content-Type: application/json or application/x-ndjson")
	}
	return kind == ndjsonType, nil
}

// manifestReader is a body that may take as long as bytes come; its errors are
// the domain's.
type manifestReader struct{ patientReader }

// Read implements io.Reader.
func (p *manifestReader) Read(b []byte) (int, error) {
	n, err := p.patientReader.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		err = brokenBody(err)
	}
	return n, err
}

// packed makes errors of a compressed body the client's.
type packed struct{ r io.Reader }

// Read implements io.Reader.
func (r packed) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	return n, unreadable(err)
}

func unreadable(err error) error {
	if _, ok := errors.AsType[*core.Error](err); ok {
		return err
	}
	return errMalformed.Say("the compressed request body could not be read whole")
}
