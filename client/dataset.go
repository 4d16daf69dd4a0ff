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

// DownloadItemFile is DownloadFile of a file of an item of a dataset: of the bytes
// that were published, whatever has become of the file since.
func (c *Client) DownloadItemFile(ctx context.Context, item uuid.UUID, file *ItemFile, to Destination, have int64, t Transfer) error {
	return c.download(ctx, source{file.SizeBytes, deref(file.Sha256), func(ctx context.Context) (string, error) {
		signed, err := c.SignItemURL(ctx, item, file.Role, SignItemInput{})
		if err != nil {
			return "", err
		}
		return signed.URL, nil
	}}, to, have, t)
}
