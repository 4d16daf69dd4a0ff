package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"

	"github.com/seed-755a8038/coffer/ports"
)

// HashBlob reads a whole blob and returns its SHA-256, in bounded memory.
func HashBlob(ctx context.Context, blobs ports.Blobs, key string) (sum []byte, err error) {
	r, err := blobs.Open(ctx, key, 0, -1)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}
