package env

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// S3Server says how to reach a bucket.
type S3Server struct {
	Endpoint        string // http://host:port; buckets are in the path
	Region          string
	AccessKeyID     string
	SecretAccessKey string
	Bucket          string // empty, and this caller's own; "" from StartS3
}

// S3 returns a new, empty bucket that goes with the test.
//
// The server is the one that TEST_S3_ENDPOINT, TEST_S3_ACCESS_KEY_ID,
// TEST_S3_SECRET_ACCESS_KEY and TEST_S3_REGION (default us-east-1) name, else
// versitygw, built from the version in tools/go.mod. Without either the test fails.
func S3(t testing.TB) S3Server {
	t.Helper()
	s, err := theS3()
	if err != nil {
		t.Fatalf("env: %v", err)
	}
	s.Bucket = "test-" + strings.ToLower(rand.Text())
	client := s.client()
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &s.Bucket}); err != nil {
		t.Fatalf("env: create bucket: %v", err)
	}
	t.Cleanup(func() {
		// the test's own context has ended by now
		if err := removeBucket(context.WithoutCancel(t.Context()), client, &s.Bucket); err != nil {
			t.Errorf("env: remove bucket: %v", err)
		}
	})
	return s
}

// StartS3 returns a running server, as S3 finds it, without a bucket, and what stops
// it, which does nothing to a server that was not started here.
func StartS3(ctx context.Context) (s S3Server, stop func(), err error) {
	if endpoint := os.Getenv("TEST_S3_ENDPOINT"); endpoint != "" {
		return S3Server{
			Endpoint:        endpoint,
			Region:          defaultRegion(os.Getenv("TEST_S3_REGION")),
			AccessKeyID:     os.Getenv("TEST_S3_ACCESS_KEY_ID"),
			SecretAccessKey: os.Getenv("TEST_S3_SECRET_ACCESS_KEY"),
		}, func() {}, nil
	}
	return startVersity(ctx)
}

// Environ returns the variables, "NAME=value", by which StartS3 and S3 find this server.
func (s S3Server) Environ() []string {
	return []string{
		"TEST_S3_ENDPOINT=" + s.Endpoint,
		"TEST_S3_REGION=" + s.Region,
		"TEST_S3_ACCESS_KEY_ID=" + s.AccessKeyID,
		"TEST_S3_SECRET_ACCESS_KEY=" + s.SecretAccessKey,
	}
}

// theS3 is this process's server. Nobody stops it: it ends with the process.
var theS3 = sync.OnceValues(func() (S3Server, error) {
	s, _, err := StartS3(context.Background()) // not a test's: the server serves the tests after it too
	return s, err
})

func defaultRegion(region string) string {
	if region == "" {
		return "us-east-1"
	}
	return region
}

func (s S3Server) client() *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: &s.Endpoint,
		Region:       s.Region,
		Credentials:  credentials.NewStaticCredentialsProvider(s.AccessKeyID, s.SecretAccessKey, ""),
		UsePathStyle: true,
		// some servers know neither the checksums nor the trailers of newer clients
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	})
}

// removeBucket deletes a bucket with its objects and unfinished uploads.
func removeBucket(ctx context.Context, client *s3.Client, bucket *string) error {
	uploads, err := client.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: bucket})
	if err != nil {
		return err
	}
	for _, u := range uploads.Uploads {
		in := &s3.AbortMultipartUploadInput{Bucket: bucket, Key: u.Key, UploadId: u.UploadId}
		if _, err := client.AbortMultipartUpload(ctx, in); err != nil {
			return err
		}
	}
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		if len(page.Contents) == 0 {
			break
		}
		gone := &types.Delete{Quiet: aws.Bool(true)}
		for _, o := range page.Contents {
			gone.Objects = append(gone.Objects, types.ObjectIdentifier{Key: o.Key})
		}
		if _, err := client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: bucket, Delete: gone}); err != nil {
			return err
		}
	}
	_, err = client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket})
	return err
}
