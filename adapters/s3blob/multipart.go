package s3blob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/ports/faultpoint"
)

const (
	minPart  = 5 << 20 // bytes, but for the last
	maxParts = 10_000
)

// CreateMultipart implements ports.Multiparts. The server learns the size only
// from the parts: whoever completes compares it with what was promised.
func (s *Store) CreateMultipart(ctx context.Context, key, contentType string, size, partSize int64) (string, error) {
	if err := check(key); err != nil {
		return "", err
	}
	if size < 0 || partSize <= 0 || partSize > maxPut || (size-1)/partSize >= maxParts || partSize < minPart && size > partSize {
		return "", core.Invalid("part_size", fmt.Sprintf("a blob has at most %d parts of 5 MiB to 5 GiB", maxParts))
	}
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := s.client.CreateMultipartUpload(call, &s3.CreateMultipartUploadInput{
		Bucket: &s.bucket, Key: &key, ContentType: optional(contentType),
	})
	if err != nil {
		return "", failed(ctx, "create upload", err)
	}
	return aws.ToString(out.UploadId), nil
}

// Parts implements ports.Multiparts.
func (s *Store) Parts(ctx context.Context, key, uploadID string) iter.Seq2[ports.Part, error] {
	return func(yield func(ports.Part, error) bool) {
		if err := check(key); err != nil {
			yield(ports.Part{}, err)
			return
		}
		if !validUpload(uploadID) {
			yield(ports.Part{}, core.ErrUploadNotFound)
			return
		}
		pages := s3.NewListPartsPaginator(s.client, &s3.ListPartsInput{Bucket: &s.bucket, Key: &key, UploadId: &uploadID})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(ports.Part{}, uploadFailed(ctx, "list parts", err))
				return
			}
			for _, p := range page.Parts {
				part := ports.Part{Number: int(aws.ToInt32(p.PartNumber)), Size: aws.ToInt64(p.Size), ETag: unquoted(p.ETag)}
				if !yield(part, nil) {
					return
				}
			}
		}
	}
}

// CompleteMultipart implements ports.Multiparts. That the last parts are
// missing only the caller can see, by the size.
func (s *Store) CompleteMultipart(ctx context.Context, key, uploadID string, parts []ports.Part) error {
	if err := check(key); err != nil {
		return err
	}
	// S3 says nothing of an upload that is completed a second time, and closes
	// up gaps.
	if err := s.find(ctx, key, uploadID); err != nil {
		return err
	}
	done := make([]types.CompletedPart, len(parts))
	for i, p := range parts {
		if p.Number != i+1 {
			return core.ErrUploadIncomplete
		}
		done[i] = types.CompletedPart{PartNumber: partNumber(p.Number), ETag: aws.String(`"` + p.ETag + `"`)}
	}
	if len(done) == 0 {
		return core.ErrUploadIncomplete
	}
	in := &s3.CompleteMultipartUploadInput{
		Bucket: &s.bucket, Key: &key, UploadId: &uploadID, MultipartUpload: &types.CompletedMultipartUpload{Parts: done},
	}
	if s.createOnly(ctx) {
		in.IfNoneMatch = aws.String("*")
	}
	call, cancel := context.WithTimeout(ctx, workTimeout)
	defer cancel()
	_, err := s.client.CompleteMultipartUpload(call, in)
	faultpoint.Hit(faultpoint.BlobJoined)
	err = uploadFailed(ctx, "complete upload", err)
	if errors.Is(err, core.ErrBlobExists) { // perhaps by this very upload
		return cmp.Or(s.find(ctx, key, uploadID), err)
	}
	return err
}

// find returns core.ErrUploadNotFound unless there is the upload.
func (s *Store) find(ctx context.Context, key, uploadID string) error {
	if !validUpload(uploadID) {
		return core.ErrUploadNotFound
	}
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := s.client.ListParts(call, &s3.ListPartsInput{Bucket: &s.bucket, Key: &key, UploadId: &uploadID, MaxParts: aws.Int32(1)})
	return uploadFailed(ctx, "find upload", err)
}

// validUpload refuses what a server that keeps files might take for a path.
func validUpload(id string) bool {
	return id != "" && id != "." && id != ".." && !strings.ContainsAny(id, "/\\\x00")
}

// AbortMultipart implements ports.Multiparts.
func (s *Store) AbortMultipart(ctx context.Context, key, uploadID string) error {
	if err := check(key); err != nil || !validUpload(uploadID) {
		return err
	}
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := s.client.AbortMultipartUpload(call, &s3.AbortMultipartUploadInput{Bucket: &s.bucket, Key: &key, UploadId: &uploadID})
	if err = uploadFailed(ctx, "abort upload", err); errors.Is(err, core.ErrUploadNotFound) {
		return nil
	}
	return err
}

// Multiparts implements ports.Multiparts. S3 lists by key, then by age.
func (s *Store) Multiparts(ctx context.Context) iter.Seq2[ports.Multipart, error] {
	return func(yield func(ports.Multipart, error) bool) {
		in := &s3.ListMultipartUploadsInput{Bucket: &s.bucket, EncodingType: types.EncodingTypeUrl}
		for {
			page, err := s.client.ListMultipartUploads(ctx, in)
			if err != nil {
				yield(ports.Multipart{}, failed(ctx, "list uploads", err))
				return
			}
			for _, u := range page.Uploads {
				key, err := decoded(u.Key, page.EncodingType)
				m := ports.Multipart{Key: key, UploadID: aws.ToString(u.UploadId), StartedAt: micro(u.Initiated)}
				if !yield(m, err) || err != nil {
					return
				}
			}
			if !aws.ToBool(page.IsTruncated) {
				return
			}
			marker, err := decoded(page.NextKeyMarker, page.EncodingType)
			if err != nil {
				yield(ports.Multipart{}, err)
				return
			}
			in.KeyMarker, in.UploadIdMarker = &marker, page.NextUploadIdMarker
		}
	}
}

// uploadFailed is failed for calls about an upload: what is missing is that.
func uploadFailed(ctx context.Context, op string, err error) error {
	if err = failed(ctx, op, err); errors.Is(err, core.ErrBlobNotFound) {
		return core.ErrUploadNotFound
	}
	return err
}

func unquoted(etag *string) string { return strings.Trim(aws.ToString(etag), `"`) }
