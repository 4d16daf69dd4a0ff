package env_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/seed-755a8038/coffer/test/env"
)

func client(s env.S3Server) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: &s.Endpoint, Region: s.Region, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(s.AccessKeyID, s.SecretAccessKey, ""),
	})
}

func TestS3BucketsAreEmptyAndSeparate(t *testing.T) {
	a, b := env.S3(t), env.S3(t)
	c := client(a)
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &a.Bucket, Key: aws.String("dir/key"), Body: strings.NewReader("bytes")})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &a.Bucket, Key: aws.String("dir/key")})
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	if body, err := io.ReadAll(got.Body); err != nil || string(body) != "bytes" {
		t.Errorf("read %q, %v", body, err)
	}
	list, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &b.Bucket})
	if err != nil || len(list.Contents) != 0 {
		t.Errorf("the second bucket has %d objects, %v", len(list.Contents), err)
	}
}

func TestS3ServerVerifiesSignatures(t *testing.T) {
	s := env.S3(t)
	s.SecretAccessKey = "another"
	_, err := client(s).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &s.Bucket})
	if refusal, ok := errors.AsType[smithy.APIError](err); !ok || refusal.ErrorCode() != "SignatureDoesNotMatch" {
		t.Errorf("a wrong secret gets %v", err)
	}
}

func TestS3BucketGoesWithItsTest(t *testing.T) {
	var s env.S3Server
	t.Run("user", func(t *testing.T) {
		s = env.S3(t)
		c := client(s)
		if _, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &s.Bucket, Key: aws.String("a/b"), Body: strings.NewReader("x")}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: &s.Bucket, Key: aws.String("c")}); err != nil {
			t.Fatal(err)
		}
	})
	_, err := client(s).HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: &s.Bucket})
	if refusal, ok := errors.AsType[smithy.APIError](err); !ok || refusal.ErrorCode() != "NotFound" {
		t.Errorf("the bucket outlived its test: %v", err)
	}
}
