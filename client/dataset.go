package client

import (
	"context"
	"io"
	"net/http"

	"github.com/google/uuid"
)

// PublishManifest publishes a version of a dataset from a manifest with an item, as
// JSON, on each line, which may be of any length: it is sent as it is read. Unless
// lines can also be sought from its start (an io.Seeker), it is sent but once.
func (c *Client) PublishManifest(ctx context.Context, dataset uuid.UUID, params PublishDatasetParams, lines io.Reader) (*PublishedOutput, error) {
	r := newRequest(http.MethodPost, "/api/ingest/datasets/{dataset_id}/publish", dataset)
	r.query("session_id", params.SessionID)
	r.query("base_version", params.BaseVersion)
	r.stream("application/x-ndjson", lines)
	return call[PublishedOutput](ctx, c, r)
}
