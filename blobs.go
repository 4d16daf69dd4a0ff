package coffer

import (
	"context"
	"io"
	"time"

	"github.com/seed-755a8038/coffer/adapters/system"
	"github.com/seed-755a8038/coffer/adapters/telemetry"
	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/app/check"
	"github.com/seed-755a8038/coffer/ports"
)

// newBlobs returns the blob store as the use cases see it: timed.
func newBlobs(s blobStore, m *telemetry.Metrics) ports.Blobs { return timedBlobs{s.Blobs, m} }

// newOrphans lets a check find blobs as the sweeper does.
func newOrphans(s *asset.Service) check.Orphans { return s.Orphans }

// timedBlobs times the calls that leave the process. Signing does not.
type timedBlobs struct {
	ports.Blobs
	metrics *telemetry.Metrics
}

func (t timedBlobs) timed(operation string, begin time.Time, err *error) {
	t.metrics.Blob(operation, now().Sub(begin), *err)
}

// now is the real time, for how long something took and how old a file is;
// what the application decides by time it asks its ports.Clock.
func now() time.Time { return system.Clock{}.Now() }

func (t timedBlobs) Stat(ctx context.Context, key string) (info ports.BlobInfo, err error) {
	defer t.timed("stat", now(), &err)
	return t.Blobs.Stat(ctx, key)
}

func (t timedBlobs) Open(ctx context.Context, key string, offset, length int64) (r io.ReadCloser, err error) {
	defer t.timed("open", now(), &err)
	return t.Blobs.Open(ctx, key, offset, length)
}

func (t timedBlobs) Put(ctx context.Context, key, contentType string, r io.Reader) (info ports.BlobInfo, err error) {
	defer t.timed("put", now(), &err)
	return t.Blobs.Put(ctx, key, contentType, r)
}

func (t timedBlobs) Copy(ctx context.Context, src, dst string) (err error) {
	defer t.timed("copy", now(), &err)
	return t.Blobs.Copy(ctx, src, dst)
}

func (t timedBlobs) Delete(ctx context.Context, keys ...string) (err error) {
	defer t.timed("delete", now(), &err)
	return t.Blobs.Delete(ctx, keys...)
}

func (t timedBlobs) CreateMultipart(ctx context.Context, key, contentType string, size, partSize int64) (id string, err error) {
	defer t.timed("create_multipart", now(), &err)
	return t.Blobs.CreateMultipart(ctx, key, contentType, size, partSize)
}

func (t timedBlobs) CompleteMultipart(ctx context.Context, key, uploadID string, parts []ports.Part) (err error) {
	defer t.timed("complete_multipart", now(), &err)
	return t.Blobs.CompleteMultipart(ctx, key, uploadID, parts)
}

func (t timedBlobs) AbortMultipart(ctx context.Context, key, uploadID string) (err error) {
	defer t.timed("abort_multipart", now(), &err)
	return t.Blobs.AbortMultipart(ctx, key, uploadID)
}
