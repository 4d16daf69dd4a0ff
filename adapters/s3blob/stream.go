package s3blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const (
	// streamPart is the size of a part, in bytes: 10,000 of them are 160 GiB, and
	// a stream holds one for each of its senders, and one more.
	streamPart    = 16 << 20
	streamSenders = 3
)

// Put implements ports.Blobs. What fits one part is sent at once with its
// checksum; more goes out in parts as it comes, each under a signature that
// covers the hash of its bytes, so the server verifies both.
func (s *Store) Put(ctx context.Context, key, contentType string, r io.Reader) (ports.BlobInfo, error) {
	if err := check(key); err != nil {
		return ports.BlobInfo{}, err
	}
	h := sha256.New()
	src := &source{r: io.TeeReader(r, h)}
	var first bytes.Buffer
	_, err := io.CopyN(&first, src, streamPart)
	switch {
	case src.err != nil:
		return ports.BlobInfo{}, src.err
	case errors.Is(err, io.EOF):
		err = s.putWhole(ctx, key, contentType, first.Bytes(), h.Sum(nil))
	default:
		err = s.putParts(ctx, key, contentType, io.MultiReader(&first, src))
	}
	if src.err != nil { // the reason, whatever became of it on the way
		return ports.BlobInfo{}, src.err
	}
	if err != nil {
		return ports.BlobInfo{}, failed(ctx, "put blob", err)
	}
	info, err := s.Stat(ctx, key)
	if err != nil {
		return ports.BlobInfo{}, err
	}
	if info.Size != src.n {
		return ports.BlobInfo{}, fmt.Errorf("put blob: sent %d bytes: %w", src.n, core.ErrSizeMismatch)
	}
	info.SHA256 = h.Sum(nil)
	return info, nil
}

func (s *Store) putWhole(ctx context.Context, key, contentType string, data, sum []byte) error {
	_, err := s.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.bucket, Key: &key, ContentType: optional(contentType), Body: bytes.NewReader(data),
		ContentLength:  aws.Int64(int64(len(data))),
		ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(sum)),
	})
	return err
}

func (s *Store) putParts(ctx context.Context, key, contentType string, r io.Reader) error {
	//nolint:staticcheck // chosen for the project; its successor transfermanager is not at 1.0 yet
	_, err := manager.NewUploader(s.client, func(u *manager.Uploader) {
		u.PartSize = streamPart
		u.Concurrency = streamSenders
		u.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired // not taken from the client
	}).Upload(ctx, &s3.PutObjectInput{Bucket: &s.bucket, Key: &key, ContentType: optional(contentType), Body: r})
	return err
}

// source counts what it yields and keeps why it failed.
type source struct {
	r   io.Reader
	n   int64
	err error // unless the regular end
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
