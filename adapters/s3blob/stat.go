package s3blob

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/seed-755a8038/coffer/ports"
)

// Stat implements ports.Blobs. Each file that arrives is asked about, so what is
// there is found the short way.
func (s *Store) Stat(ctx context.Context, key string) (ports.BlobInfo, error) {
	if err := check(key); err != nil {
		return ports.BlobInfo{}, err
	}
	status := 0
	if !s.refused.Load() {
		var info ports.BlobInfo
		if info, status = s.glance(ctx, key); status == http.StatusOK {
			return info, nil
		}
	}
	head, err := s.head(ctx, key)
	if err != nil {
		return ports.BlobInfo{}, err
	}
	if status == http.StatusForbidden || status == http.StatusBadRequest {
		s.refused.Store(true) // signatures in URLs, it seems, and not this caller
	}
	return ports.BlobInfo{
		Key: key, Size: aws.ToInt64(head.ContentLength), ContentType: aws.ToString(head.ContentType),
		SHA256: wholeSHA256(head.ChecksumSHA256), ModifiedAt: micro(head.LastModified),
	}, nil
}

// glanceTimeout is short: a store that hangs is not to be waited for twice.
const glanceTimeout = 5 * time.Second

// glance asks about a blob by a URL that the signer signs, which takes a third of
// what the SDK's call does. All but a plain answer, 200, is left to that: it tries
// again, knows better where a bucket is and what the time is there, and what went
// wrong. Without an answer in a few seconds the status is 0.
func (s *Store) glance(ctx context.Context, key string) (info ports.BlobInfo, status int) {
	call, cancel := context.WithTimeout(ctx, glanceTimeout)
	defer cancel()
	url, err := s.inner.sign(call, request{
		method: http.MethodHead, key: key, headers: []byte("host:" + s.inner.host + "\nx-amz-checksum-mode:ENABLED\n"),
		signed: []byte("host;x-amz-checksum-mode"), expires: s.inner.now().Add(s.inner.offset + callTimeout),
	})
	if err != nil {
		return info, 0
	}
	req, err := http.NewRequestWithContext(call, http.MethodHead, url, http.NoBody)
	if err != nil {
		return info, 0
	}
	req.Header.Set("X-Amz-Checksum-Mode", "ENABLED")
	res, err := s.http.Do(req)
	if err != nil {
		return info, 0
	}
	_ = res.Body.Close() // of HEAD: empty
	modified, err := http.ParseTime(res.Header.Get("Last-Modified"))
	if res.StatusCode == http.StatusOK && (res.ContentLength < 0 || err != nil) {
		return info, 0
	}
	sum := res.Header.Get(sumName)
	return ports.BlobInfo{
		Key: key, Size: res.ContentLength, ContentType: res.Header.Get(typeName), SHA256: wholeSHA256(&sum), ModifiedAt: micro(&modified),
	}, res.StatusCode
}

func (s *Store) head(ctx context.Context, key string) (*s3.HeadObjectOutput, error) {
	if err := check(key); err != nil {
		return nil, err
	}
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	head, err := s.client.HeadObject(call, &s3.HeadObjectInput{Bucket: &s.bucket, Key: &key, ChecksumMode: "ENABLED"})
	if err != nil {
		return nil, failed(ctx, "stat blob", err)
	}
	return head, nil
}
