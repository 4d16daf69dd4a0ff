// Package memblob keeps blobs in memory, with the behaviour of the directory
// of fsblob: for tests, and for a server that shall leave nothing behind.
package memblob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const maxKey = 1024 // bytes

// blob is immutable: who has one may read it without a lock.
type blob struct {
	data        []byte
	contentType string
	sum         [sha256.Size]byte
	modifiedAt  time.Time
}

func (b *blob) info(key string) ports.BlobInfo {
	return ports.BlobInfo{
		Key: key, Size: int64(len(b.data)), ContentType: b.contentType,
		SHA256: bytes.Clone(b.sum[:]), ModifiedAt: b.modifiedAt,
	}
}

func (b *blob) etag() string { return hex.EncodeToString(b.sum[:]) }

// Store keeps blobs in memory. It is everything of a ports.Blobs but the
// signed requests.
type Store struct {
	clock ports.Clock

	mu      sync.RWMutex
	blobs   map[string]*blob
	uploads map[string]*upload
}

// New returns an empty store.
func New(clock ports.Clock) *Store {
	return &Store{clock: clock, blobs: make(map[string]*blob), uploads: make(map[string]*upload)}
}

// CreateOnly implements ports.Blobs: it is.
func (s *Store) CreateOnly() bool { return true }

// Ping implements ports.Blobs.
func (s *Store) Ping(context.Context) error { return nil }

// Stat implements ports.Blobs.
func (s *Store) Stat(_ context.Context, key string) (ports.BlobInfo, error) {
	b, err := s.get(key)
	if err != nil {
		return ports.BlobInfo{}, err
	}
	return b.info(key), nil
}

// Open implements ports.Blobs.
func (s *Store) Open(_ context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if offset < 0 {
		return nil, core.Invalid("offset", "must not be negative")
	}
	b, err := s.get(key)
	if err != nil {
		return nil, err
	}
	data := b.data[min(offset, int64(len(b.data))):]
	if length >= 0 {
		data = data[:min(length, int64(len(data)))]
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// OpenSeeker opens the whole blob for an HTTP server, with its strong entity
// tag, unquoted.
func (s *Store) OpenSeeker(_ context.Context, key string) (io.ReadSeekCloser, ports.BlobInfo, string, error) {
	b, err := s.get(key)
	if err != nil {
		return nil, ports.BlobInfo{}, "", err
	}
	return struct {
		io.ReadSeeker
		io.Closer
	}{bytes.NewReader(b.data), io.NopCloser(nil)}, b.info(key), b.etag(), nil
}

// Put implements ports.Blobs. Bounded memory is the one promise it cannot keep.
func (s *Store) Put(_ context.Context, key, contentType string, r io.Reader) (ports.BlobInfo, error) {
	if err := check(key); err != nil {
		return ports.BlobInfo{}, err
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return ports.BlobInfo{}, err
	}
	b := s.newBlob(data, contentType)
	return b.info(key), s.store(key, b, false)
}

// Upload stores the body of a signed PUT, which must have exactly the size
// and, if declared, the checksum of p, and returns the blob's entity tag,
// unquoted. It returns core.ErrSizeMismatch, core.ErrChecksumMismatch or, if
// p.CreateOnly, core.ErrBlobExists; then nothing is stored.
func (s *Store) Upload(_ context.Context, p ports.PutSpec, r io.Reader) (string, error) {
	if err := check(p.Key); err != nil {
		return "", err
	}
	data, err := readExactly(r, p.Size)
	if err != nil {
		return "", err
	}
	b := s.newBlob(data, p.ContentType)
	if p.SHA256 != nil && !bytes.Equal(p.SHA256, b.sum[:]) {
		return "", core.ErrChecksumMismatch
	}
	return b.etag(), s.store(p.Key, b, p.CreateOnly)
}

// Copy implements ports.Blobs.
func (s *Store) Copy(_ context.Context, src, dst string) error {
	if err := check(dst); err != nil {
		return err
	}
	b, err := s.get(src)
	if err != nil {
		return err
	}
	c := *b
	c.modifiedAt = s.clock.Now()
	return s.store(dst, &c, false)
}

// Delete implements ports.Blobs.
func (s *Store) Delete(_ context.Context, keys ...string) error {
	for _, key := range keys {
		if err := check(key); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range keys {
		delete(s.blobs, key)
	}
	return nil
}

// List implements ports.Blobs.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[ports.BlobInfo, error] {
	return func(yield func(ports.BlobInfo, error) bool) {
		s.mu.RLock()
		keys := slices.Sorted(maps.Keys(s.blobs))
		s.mu.RUnlock()
		for _, key := range keys {
			if err := ctx.Err(); err != nil {
				yield(ports.BlobInfo{}, err)
				return
			}
			b, err := s.get(key)
			if err != nil || !strings.HasPrefix(key, prefix) {
				continue
			}
			if !yield(b.info(key), nil) {
				return
			}
		}
	}
}

func (s *Store) newBlob(data []byte, contentType string) *blob {
	return &blob{data: data, contentType: contentType, sum: sha256.Sum256(data), modifiedAt: s.clock.Now()}
}

func (s *Store) get(key string) (*blob, error) {
	if err := check(key); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	b := s.blobs[key]
	if b == nil {
		return nil, core.ErrBlobNotFound
	}
	return b, nil
}

func (s *Store) store(key string, b *blob, createOnly bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if createOnly && s.blobs[key] != nil {
		return core.ErrBlobExists
	}
	s.blobs[key] = b
	return nil
}

// readExactly reads size bytes, taking memory only for those that come.
func readExactly(r io.Reader, size int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, size))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) != size {
		return nil, core.ErrSizeMismatch
	}
	return data, nil
}

func check(key string) error {
	if !fs.ValidPath(key) || key == "." || len(key) > maxKey || strings.ContainsRune(key, 0) {
		return core.Invalid("key", "not a valid blob key")
	}
	return nil
}
