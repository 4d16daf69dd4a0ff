package fsblob

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"sync"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/ports/faultpoint"
)

// arrival is what a part's file says: these bytes are durable in the data file.
type arrival struct {
	Size int64  `json:"size"`
	ETag string `json:"etag"` // SHA-256, hex
}

// upload is what the process knows of an upload while requests for it run.
type upload struct {
	mu      sync.Mutex // held for decisions, never while bytes are on their way
	users   int        // guarded by Store.mu
	writers map[int]chan struct{}
}

// use returns the upload's state, which leave has to be called for.
func (s *Store) use(id string) *upload {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.uploads[id]
	if u == nil {
		u = &upload{writers: make(map[int]chan struct{})}
		s.uploads[id] = u
	}
	u.users++
	return u
}

func (s *Store) leave(id string, u *upload) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.users--; u.users == 0 {
		delete(s.uploads, id)
	}
}

// UploadPart stores the body of a signed PUT of one part, which must have
// exactly the size p says and the upload expects, else core.ErrSizeMismatch.
// A part that is sent again replaces the first; while one is being written,
// another for the same number waits.
func (s *Store) UploadPart(ctx context.Context, p ports.PartSpec, r io.Reader) (ports.Part, error) {
	pl, err := s.plan(p.Key, p.UploadID)
	if err != nil {
		return ports.Part{}, err
	}
	if p.Number < 1 || int64(p.Number) > pl.count() {
		return ports.Part{}, core.ErrSizeMismatch.Say(fmt.Sprintf("the upload has %d parts", pl.count()))
	}
	offset, length := pl.extent(p.Number)
	if p.Size != length {
		return ports.Part{}, core.ErrSizeMismatch.Say(fmt.Sprintf("part %d has %d bytes", p.Number, length))
	}
	u := s.use(p.UploadID)
	defer s.leave(p.UploadID, u)
	done, err := u.claim(ctx, p.Number, func() error { return s.reopenPart(p) })
	if err != nil {
		return ports.Part{}, err
	}
	defer done()
	return s.writePart(p, offset, length, r)
}

// claim makes the caller the only writer of a part and then runs begin. The
// claim ends when done is called.
func (u *upload) claim(ctx context.Context, number int, begin func() error) (done func(), err error) {
	u.mu.Lock()
	for u.writers[number] != nil {
		busy := u.writers[number]
		u.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		u.mu.Lock()
	}
	defer u.mu.Unlock()
	if err := begin(); err != nil {
		return nil, err
	}
	mine := make(chan struct{})
	u.writers[number] = mine
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.writers, number)
		close(mine)
	}, nil
}

// reopenPart takes back what is said of a part before its bytes change.
func (s *Store) reopenPart(p ports.PartSpec) error {
	dir := uploadDir(p.UploadID)
	if _, err := s.root.Lstat(path.Join(dir, sealFile)); err == nil {
		return core.ErrUploadNotFound
	} else if !errors.Is(err, fs.ErrNotExist) {
		return failed("upload part", err)
	}
	err := s.root.Remove(path.Join(dir, partFile(p.Number)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return failed("upload part", err)
	}
	// Else, after a power cut, the old file could vouch for half of the new bytes.
	return s.dirs.sync(dir)
}

func (s *Store) writePart(p ports.PartSpec, offset, length int64, r io.Reader) (ports.Part, error) {
	dir := uploadDir(p.UploadID)
	f, err := s.root.OpenFile(path.Join(dir, dataFile), os.O_WRONLY, 0)
	if err != nil {
		return ports.Part{}, uploadFailed(err)
	}
	defer f.Close() //nolint:errcheck // synced before
	n, sum, err := copyHashed(io.NewOffsetWriter(f, offset), io.LimitReader(r, length))
	if err != nil {
		return ports.Part{}, uploadFailed(err)
	}
	if n != length {
		return ports.Part{}, core.ErrSizeMismatch
	}
	if err := f.Sync(); err != nil {
		return ports.Part{}, failed("sync part", err)
	}
	a := arrival{Size: n, ETag: hex.EncodeToString(sum[:])}
	b, err := json.Marshal(a)
	if err != nil {
		return ports.Part{}, err
	}
	tmp := path.Join(dir, "."+partFile(p.Number))
	if err := s.root.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a crash
		return ports.Part{}, uploadFailed(err)
	}
	if err := s.writeFile(tmp, b); err != nil {
		return ports.Part{}, uploadFailed(err)
	}
	if err := s.root.Rename(tmp, path.Join(dir, partFile(p.Number))); err != nil {
		return ports.Part{}, uploadFailed(err)
	}
	faultpoint.Hit(faultpoint.PartNamed)
	return ports.Part{Number: p.Number, Size: a.Size, ETag: a.ETag}, s.dirs.sync(dir)
}

// Parts implements ports.Multiparts.
func (s *Store) Parts(ctx context.Context, key, uploadID string) iter.Seq2[ports.Part, error] {
	return func(yield func(ports.Part, error) bool) {
		pl, err := s.plan(key, uploadID)
		if err != nil {
			yield(ports.Part{}, err)
			return
		}
		for number := range int(pl.count()) {
			if err := ctx.Err(); err != nil {
				yield(ports.Part{}, err)
				return
			}
			p, err := s.part(uploadID, number+1)
			if errors.Is(err, core.ErrUploadIncomplete) {
				continue
			}
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// part reads what has arrived of a part, or returns core.ErrUploadIncomplete.
func (s *Store) part(id string, number int) (ports.Part, error) {
	b, err := s.root.ReadFile(path.Join(uploadDir(id), partFile(number)))
	if errors.Is(err, fs.ErrNotExist) {
		return ports.Part{}, core.ErrUploadIncomplete
	}
	if err != nil {
		return ports.Part{}, failed("read part", err)
	}
	var a arrival
	if err := json.Unmarshal(b, &a); err != nil {
		return ports.Part{}, fmt.Errorf("read part: %w", err)
	}
	return ports.Part{Number: number, Size: a.Size, ETag: a.ETag}, nil
}

func partFile(number int) string { return fmt.Sprintf("%s%05d", partPrefix, number) }

// uploadFailed is failed for files of an upload: if they are gone, so is it.
func uploadFailed(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return core.ErrUploadNotFound
	}
	return failed("upload part", err)
}
