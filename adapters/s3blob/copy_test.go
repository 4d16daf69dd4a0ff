package s3blob

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/test/env"
)

func TestABlobTooLargeForOneCopyIsCopiedInParts(t *testing.T) {
	e := env.S3(t)
	s, err := Open(t.Context(), Config{
		Endpoint: e.Endpoint, Region: e.Region, Bucket: e.Bucket,
		AccessKeyID: e.AccessKeyID, SecretAccessKey: e.SecretAccessKey, UsePathStyle: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.maxCopy = 5 << 20
	data := make([]byte, 11<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(data)
	if _, err := s.Put(t.Context(), "org/src +ü", "video/mp4", bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	if err := s.Copy(t.Context(), "org/src +ü", "org/dst"); err != nil {
		t.Fatal(err)
	}
	info, err := s.Stat(t.Context(), "org/dst")
	if err != nil || info.ContentType != "video/mp4" {
		t.Errorf("%+v, %v", info, err)
	}
	r, err := s.Open(t.Context(), "org/dst", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil || sha256.Sum256(got) != sha256.Sum256(data) {
		t.Errorf("%d bytes, want %d: %v", len(got), len(data), err)
	}
	if err := s.Copy(t.Context(), "org/missing", "org/dst"); !errors.Is(err, core.ErrBlobNotFound) {
		t.Errorf("missing: %v", err)
	}
	for m, err := range s.Multiparts(t.Context()) {
		t.Errorf("left: %+v, %v", m, err)
	}
}
