package s3blob

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/ports/faultpoint"
)

// Open implements ports.Blobs.
func (s *Store) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if offset < 0 {
		return nil, core.Invalid("offset", "must not be negative")
	}
	if length == 0 { // a range has at least one byte
		_, err := s.head(ctx, key)
		return http.NoBody, err
	}
	if err := check(key); err != nil {
		return nil, err
	}
	in := &s3.GetObjectInput{Bucket: &s.bucket, Key: &key}
	switch {
	case length > 0 && offset+length > 0: // else it is more than there can be
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", offset, offset+length-1))
	case offset > 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", offset))
	}
	out, err := s.client.GetObject(ctx, in)
	if status(err) == http.StatusRequestedRangeNotSatisfiable { // nothing begins there
		return http.NoBody, nil
	}
	if err != nil {
		return nil, failed(ctx, "open blob", err)
	}
	return out.Body, nil
}

// List implements ports.Blobs.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[ports.BlobInfo, error] {
	return func(yield func(ports.BlobInfo, error) bool) {
		pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{
			Bucket: &s.bucket, Prefix: &prefix,
			EncodingType: types.EncodingTypeUrl, // XML cannot carry every character
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(ports.BlobInfo{}, failed(ctx, "list blobs", err))
				return
			}
			for _, o := range page.Contents {
				key, err := decoded(o.Key, page.EncodingType)
				b := ports.BlobInfo{Key: key, Size: aws.ToInt64(o.Size), ModifiedAt: micro(o.LastModified)}
				if !yield(b, err) || err != nil {
					return
				}
			}
		}
	}
}

// decoded returns a key of a list; not every server heeds the wish for an encoding.
func decoded(key *string, encoding types.EncodingType) (string, error) {
	if encoding != types.EncodingTypeUrl {
		return aws.ToString(key), nil
	}
	k, err := url.QueryUnescape(aws.ToString(key))
	if err != nil {
		return "", fmt.Errorf("list blobs: %w", err)
	}
	return k, nil
}

// wholeSHA256 returns the checksum of a whole object, or nil. That of one
// uploaded in parts ends with their number and is of no use.
func wholeSHA256(sum *string) []byte {
	b, err := base64.StdEncoding.DecodeString(aws.ToString(sum))
	if err != nil || len(b) != 32 {
		return nil
	}
	return b
}

// Delete implements ports.Blobs.
func (s *Store) Delete(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		if err := check(key); err != nil {
			return err
		}
	}
	var errs []error
	for len(keys) > 0 {
		n := min(len(keys), maxDelete)
		errs = append(errs, s.deleteBatch(ctx, keys[:n]))
		keys = keys[n:]
	}
	faultpoint.Hit(faultpoint.BlobDeleted)
	return errors.Join(errs...)
}

const maxDelete = 1000 // objects, in one call

func (s *Store) deleteBatch(ctx context.Context, keys []string) error {
	call, cancel := context.WithTimeout(ctx, workTimeout)
	defer cancel()
	if len(keys) == 1 {
		_, err := s.client.DeleteObject(call, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: &keys[0]})
		if err = failed(ctx, "delete blob", err); errors.Is(err, core.ErrBlobNotFound) {
			return nil
		}
		return err
	}
	ids := make([]types.ObjectIdentifier, len(keys))
	for i := range keys {
		ids[i].Key = &keys[i]
	}
	out, err := s.client.DeleteObjects(call, &s3.DeleteObjectsInput{
		Bucket: &s.bucket, Delete: &types.Delete{Objects: ids, Quiet: aws.Bool(true)},
	})
	if err != nil {
		return failed(ctx, "delete blobs", err)
	}
	var errs []error
	for _, e := range out.Errors {
		if c := aws.ToString(e.Code); c != "NoSuchKey" && c != "NotFound" {
			errs = append(errs, fmt.Errorf("delete blob %q: %s: %s", aws.ToString(e.Key), c, aws.ToString(e.Message)))
		}
	}
	return errors.Join(errs...)
}
