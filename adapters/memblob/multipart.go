package memblob

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const maxParts = 10_000 // as S3

type upload struct {
	key, contentType string
	size, partSize   int64
	startedAt        time.Time
	parts            map[int]part
}

type part struct {
	data []byte
	etag string
}

// count returns the number of parts.
func (u *upload) count() int64 {
	n := u.size / u.partSize
	if u.size%u.partSize > 0 {
		n++
	}
	return max(1, n) // an empty blob has one empty part
}

// CreateMultipart implements ports.Multiparts.
func (s *Store) CreateMultipart(_ context.Context, key, contentType string, size, partSize int64) (string, error) {
	if err := check(key); err != nil {
		return "", err
	}
	u := &upload{
		key: key, contentType: contentType, size: size, partSize: partSize,
		startedAt: s.clock.Now(), parts: make(map[int]part),
	}
	if size < 0 || partSize <= 0 || u.count() > maxParts {
		return "", core.Invalid("part_size", fmt.Sprintf("a blob has at most %d parts of at least one byte", maxParts))
	}
	id := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uploads[id] = u
	return id, nil
}

// upload returns the upload; s.mu must be held.
func (s *Store) upload(key, id string) (*upload, error) {
	if u := s.uploads[id]; u != nil && u.key == key {
		return u, nil
	}
	return nil, core.ErrUploadNotFound
}

// UploadPart stores the body of a signed PUT of one part, which must have
// exactly the size p says and the upload expects, else core.ErrSizeMismatch.
// A part that is sent again replaces the first.
func (s *Store) UploadPart(_ context.Context, p ports.PartSpec, r io.Reader) (ports.Part, error) {
	if err := s.expects(p); err != nil {
		return ports.Part{}, err
	}
	data, err := readExactly(r, p.Size)
	if err != nil {
		return ports.Part{}, err
	}
	sum := sha256.Sum256(data)
	arrived := part{data: data, etag: hex.EncodeToString(sum[:])}
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.upload(p.Key, p.UploadID) // it may have ended meanwhile
	if err != nil {
		return ports.Part{}, err
	}
	u.parts[p.Number] = arrived
	return ports.Part{Number: p.Number, Size: p.Size, ETag: arrived.etag}, nil
}

func (s *Store) expects(p ports.PartSpec) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	u, err := s.upload(p.Key, p.UploadID)
	if err != nil {
		return err
	}
	if p.Number < 1 || int64(p.Number) > u.count() {
		return core.ErrSizeMismatch.Say(fmt.Sprintf("the upload has %d parts", u.count()))
	}
	if want := min(u.partSize, u.size-int64(p.Number-1)*u.partSize); p.Size != want {
		return core.ErrSizeMismatch.Say(fmt.Sprintf("part %d has %d bytes", p.Number, want))
	}
	return nil
}

// Parts implements ports.Multiparts.
func (s *Store) Parts(_ context.Context, key, uploadID string) iter.Seq2[ports.Part, error] {
	return func(yield func(ports.Part, error) bool) {
		s.mu.RLock()
		u, err := s.upload(key, uploadID)
		var found []ports.Part
		if err == nil {
			for _, n := range slices.Sorted(maps.Keys(u.parts)) {
				found = append(found, ports.Part{Number: n, Size: int64(len(u.parts[n].data)), ETag: u.parts[n].etag})
			}
		}
		s.mu.RUnlock()
		if err != nil {
			yield(ports.Part{}, err)
			return
		}
		for _, p := range found {
			if !yield(p, nil) {
				return
			}
		}
	}
}

// CompleteMultipart implements ports.Multiparts.
func (s *Store) CompleteMultipart(_ context.Context, key, uploadID string, parts []ports.Part) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.upload(key, uploadID)
	if err != nil {
		return err
	}
	if int64(len(parts)) != u.count() {
		return core.ErrUploadIncomplete
	}
	var data []byte
	for i, want := range parts {
		got, ok := u.parts[i+1]
		if !ok || want.Number != i+1 || want.ETag != got.etag {
			return core.ErrUploadIncomplete
		}
		data = append(data, got.data...)
	}
	if s.blobs[key] != nil {
		return core.ErrBlobExists
	}
	s.blobs[key] = s.newBlob(data, u.contentType)
	delete(s.uploads, uploadID)
	return nil
}

// AbortMultipart implements ports.Multiparts.
func (s *Store) AbortMultipart(_ context.Context, key, uploadID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.upload(key, uploadID); err == nil {
		delete(s.uploads, uploadID)
	}
	return nil
}

// Multiparts implements ports.Multiparts.
func (s *Store) Multiparts(context.Context) iter.Seq2[ports.Multipart, error] {
	return func(yield func(ports.Multipart, error) bool) {
		s.mu.RLock()
		var found []ports.Multipart
		for id, u := range s.uploads {
			found = append(found, ports.Multipart{Key: u.key, UploadID: id, StartedAt: u.startedAt})
		}
		s.mu.RUnlock()
		slices.SortFunc(found, func(a, b ports.Multipart) int {
			return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.UploadID, b.UploadID))
		})
		for _, m := range found {
			if !yield(m, nil) {
				return
			}
		}
	}
}
