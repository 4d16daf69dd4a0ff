// Package s3blob keeps blobs in a bucket of Amazon S3 or of a server that
// speaks its protocol. Clients send and fetch the bytes there by signed URLs.
package s3blob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/seed-755a8038/coffer/core"
)

// Config says where the bucket is and how to use it.
type Config struct {
	Endpoint        string // URL of the server; empty for Amazon's
	PublicEndpoint  string // as clients reach it, if otherwise; used for signing only
	Region          string // us-east-1 if empty
	Bucket          string
	AccessKeyID     string // if empty, what the environment of the process provides
	SecretAccessKey string
	SessionToken    string // of temporary credentials
	UsePathStyle    bool   // the bucket is in the path, not in the host name

	AllowedOrigins    []string // whose scripts use the URLs: for Diagnose
	ConditionalWrites string   // whether If-None-Match: * works: "on", "off" or, by trying, "auto" (as if empty)

	// ClockOffset is by how much the clock that expiry times come from is
	// ahead of the real one, which is the server's.
	ClockOffset time.Duration
}

const (
	maxKey = 1024 // bytes

	// callTimeout bounds a call that moves no bytes, with its retries.
	callTimeout = 30 * time.Second
	// workTimeout bounds a call for which the server itself moves bytes.
	workTimeout = 30 * time.Minute
)

// Store is a ports.Blobs in one bucket.
type Store struct {
	client     *s3.Client
	signer     *signer // of what clients send
	inner      *signer // of what the server itself sends
	http       aws.HTTPClient
	refused    atomic.Bool // what inner signs, where the SDK is not
	bucket     string
	origins    []string
	conditions conditions
	maxCopy    int64        // bytes in one CopyObject
	plain      *http.Client // for what has no credentials: signed URLs, strangers
}

// Open returns the store. It looks at the server only to find out whether
// conditional writes work; if the server cannot be reached, that is done later.
func Open(ctx context.Context, c Config) (*Store, error) {
	if c.Bucket == "" {
		return nil, errors.New("open bucket: no name given")
	}
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	cfg, err := load(ctx, c)
	if err != nil {
		return nil, err
	}
	s := &Store{
		client: newClient(cfg, c), http: cfg.HTTPClient, bucket: c.Bucket, origins: c.AllowedOrigins, maxCopy: maxCopy,
		plain: &http.Client{Timeout: callTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	if s.signer, err = newSigner(ctx, cfg.Credentials, c, cmp.Or(c.PublicEndpoint, c.Endpoint)); err != nil {
		return nil, err
	}
	if s.inner, err = newSigner(ctx, cfg.Credentials, c, c.Endpoint); err != nil {
		return nil, err
	}
	switch c.ConditionalWrites {
	case "on":
		s.conditions.settle(true)
	case "off":
		s.conditions.settle(false)
	case "", "auto":
		s.conditions.find(ctx, s)
	default:
		return nil, fmt.Errorf("open bucket: conditional writes are %q, want auto, on or off", c.ConditionalWrites)
	}
	return s, nil
}

// Ping implements ports.Blobs.
func (s *Store) Ping(ctx context.Context) error {
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if _, err := s.client.HeadBucket(call, &s3.HeadBucketInput{Bucket: &s.bucket}); err != nil {
		return fmt.Errorf("reach bucket: %w: %w", core.ErrUnavailable, err)
	}
	return nil
}

// check refuses keys that no store takes.
func check(key string) error {
	if !fs.ValidPath(key) || key == "." || len(key) > maxKey || strings.ContainsRune(key, 0) {
		return core.Invalid("key", "not a valid blob key")
	}
	return nil
}

// micro returns the time as ports.Clock would.
func micro(t *time.Time) time.Time { return aws.ToTime(t).UTC().Truncate(time.Microsecond) }
