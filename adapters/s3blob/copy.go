package s3blob

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/seed-755a8038/coffer/core"
)

const (
	maxCopy     = 5 << 30 // bytes, in one CopyObject
	copyPart    = 1 << 30 // bytes, 5 TiB in 5,120 parts
	copySenders = 4
)

// Copy implements ports.Blobs. The server copies.
func (s *Store) Copy(ctx context.Context, src, dst string) error {
	if err := check(dst); err != nil {
		return err
	}
	head, err := s.head(ctx, src)
	if err != nil {
		return err
	}
	size := aws.ToInt64(head.ContentLength)
	if size > s.maxCopy {
		return s.copyParts(ctx, src, dst, head)
	}
	call, cancel := context.WithTimeout(ctx, workTimeout)
	defer cancel()
	in := &s3.CopyObjectInput{Bucket: &s.bucket, Key: &dst, CopySource: s.copySource(src)}
	if src == dst { // S3 wants a reason to copy onto itself
		in.MetadataDirective, in.ContentType = types.MetadataDirectiveReplace, head.ContentType
	}
	_, err = s.client.CopyObject(call, in)
	return failed(ctx, "copy blob", err)
}

// copyParts copies more than CopyObject can, in ranges.
func (s *Store) copyParts(ctx context.Context, src, dst string, head *s3.HeadObjectOutput) error {
	up, err := s.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &s.bucket, Key: &dst, ContentType: head.ContentType,
	})
	if err != nil {
		return failed(ctx, "copy blob", err)
	}
	size := aws.ToInt64(head.ContentLength)
	part := min(copyPart, s.maxCopy)
	parts := make([]types.CompletedPart, (size+part-1)/part)
	g, call := errgroup.WithContext(ctx)
	g.SetLimit(copySenders)
	for i := range parts {
		g.Go(func() error {
			from := int64(i) * part
			out, err := s.client.UploadPartCopy(call, &s3.UploadPartCopyInput{
				Bucket: &s.bucket, Key: &dst, UploadId: up.UploadId, PartNumber: partNumber(i + 1),
				CopySource: s.copySource(src), CopySourceIfMatch: head.ETag,
				CopySourceRange: aws.String(fmt.Sprintf("bytes=%d-%d", from, min(from+part, size)-1)),
			})
			if err == nil {
				parts[i] = types.CompletedPart{PartNumber: partNumber(i + 1), ETag: out.CopyPartResult.ETag}
			}
			return err
		})
	}
	err = g.Wait()
	if err == nil {
		_, err = s.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
			Bucket: &s.bucket, Key: &dst, UploadId: up.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
		})
	}
	if err == nil {
		return nil
	}
	clean := context.WithoutCancel(ctx) // parts cost until they are removed
	return errors.Join(copyFailed(ctx, err), s.AbortMultipart(clean, dst, aws.ToString(up.UploadId)))
}

// copyFailed is failed where a condition is about the source.
func copyFailed(ctx context.Context, err error) error {
	if err = failed(ctx, "copy blob", err); errors.Is(err, core.ErrBlobExists) {
		return core.ErrConflict // the source was replaced meanwhile
	}
	return err
}

func (s *Store) copySource(key string) *string {
	// In a header the path is escaped once more than in the request line.
	return aws.String(url.PathEscape(s.bucket) + "/" + string(appendEscaped(nil, key, true)))
}

func partNumber(n int) *int32 { return aws.Int32(int32(n)) } //nolint:gosec // at most 10,000
