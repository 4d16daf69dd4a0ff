package fsblob

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// An upload in progress is the directory .multipart/<id> with these files. The
// data file is as long as the blob from the beginning, with holes: each part
// is written to its place, so that completing takes the same time for any size.
const (
	planFile   = "plan.json" // a plan
	dataFile   = "data"
	sealFile   = "sealed" // exists once the upload is being completed: no more parts
	partPrefix = "part-"  // part-00001: what arrived of part 1, an arrival

	maxParts = 10_000 // as S3
)

// plan is what an upload will be.
type plan struct {
	Key      string `json:"key"`
	Size     int64  `json:"size"`
	PartSize int64  `json:"part_size"`
}

// count returns the number of parts.
func (p plan) count() int64 {
	n := p.Size / p.PartSize
	if p.Size%p.PartSize > 0 {
		n++
	}
	return max(1, n) // an empty blob has one empty part
}

// extent returns where a part begins and how long it is.
func (p plan) extent(number int) (offset, length int64) {
	offset = int64(number-1) * p.PartSize
	return offset, min(p.PartSize, p.Size-offset)
}

// CreateMultipart implements ports.Multiparts. The content type is not kept.
func (s *Store) CreateMultipart(_ context.Context, key, _ string, size, partSize int64) (string, error) {
	if _, err := object(key); err != nil {
		return "", err
	}
	p := plan{Key: key, Size: size, PartSize: partSize}
	if size < 0 || partSize <= 0 || p.count() > maxParts {
		return "", core.Invalid("part_size", fmt.Sprintf("a blob has at most %d parts of at least one byte", maxParts))
	}
	id := rand.Text()
	tmp := path.Join(tmpDir, id)
	if err := s.prepare(tmp, p); err != nil {
		return "", errors.Join(failed("create upload", err), s.root.RemoveAll(tmp))
	}
	// Only whole uploads are ever seen under .multipart.
	if err := s.root.Rename(tmp, uploadDir(id)); err != nil {
		return "", errors.Join(failed("create upload", err), s.root.RemoveAll(tmp))
	}
	return id, s.dirs.sync(multipartDir)
}

func (s *Store) prepare(dir string, p plan) error {
	if err := s.root.Mkdir(dir, 0o700); err != nil {
		return err
	}
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if err := s.writeFile(path.Join(dir, planFile), b); err != nil {
		return err
	}
	f, err := s.root.OpenFile(path.Join(dir, dataFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Truncate(p.Size), f.Sync(), f.Close()); err != nil {
		return err
	}
	return s.dirs.sync(dir)
}

// writeFile writes a small file whose content is durable; its name is when the
// directory is synced.
func (s *Store) writeFile(name string, b []byte) error {
	f, err := s.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

// AbortMultipart implements ports.Multiparts. A part on its way is refused at its end.
func (s *Store) AbortMultipart(_ context.Context, key, uploadID string) error {
	u := s.use(uploadID)
	defer s.leave(uploadID, u)
	u.mu.Lock() // for an upload being completed to become a blob, or not
	defer u.mu.Unlock()
	if _, err := s.plan(key, uploadID); errors.Is(err, core.ErrUploadNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	return s.forget(uploadID)
}

// forget removes an upload: its directory vanishes at once, its files then.
func (s *Store) forget(id string) error {
	gone := path.Join(tmpDir, rand.Text())
	err := s.root.Rename(uploadDir(id), gone)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return failed("remove upload", err)
	}
	if err := s.dirs.sync(multipartDir); err != nil {
		return err
	}
	return failed("remove upload", s.root.RemoveAll(gone))
}

// Multiparts implements ports.Multiparts.
func (s *Store) Multiparts(ctx context.Context) iter.Seq2[ports.Multipart, error] {
	return func(yield func(ports.Multipart, error) bool) {
		found, err := s.inProgress(ctx)
		if err != nil {
			yield(ports.Multipart{}, err)
			return
		}
		for _, m := range found {
			if !yield(m, nil) {
				return
			}
		}
	}
}

func (s *Store) inProgress(ctx context.Context) ([]ports.Multipart, error) {
	entries, err := fs.ReadDir(s.root.FS(), multipartDir)
	if err != nil {
		return nil, failed("list uploads", err)
	}
	var found []ports.Multipart
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p, err := s.plan("", e.Name())
		if errors.Is(err, core.ErrUploadNotFound) { // ended meanwhile
			continue
		}
		if err != nil {
			return nil, err
		}
		fi, err := s.root.Stat(path.Join(uploadDir(e.Name()), planFile))
		if err != nil {
			continue
		}
		at := fi.ModTime().UTC().Truncate(time.Microsecond)
		found = append(found, ports.Multipart{Key: p.Key, UploadID: e.Name(), StartedAt: at})
	}
	slices.SortFunc(found, func(a, b ports.Multipart) int { return a.StartedAt.Compare(b.StartedAt) })
	return found, nil
}

// plan reads the plan of an upload; with a key, only of one for that key.
func (s *Store) plan(key, id string) (plan, error) {
	if !fs.ValidPath(id) || id == "." || strings.ContainsAny(id, "/\x00") {
		return plan{}, core.ErrUploadNotFound
	}
	b, err := s.root.ReadFile(path.Join(uploadDir(id), planFile))
	if errors.Is(err, fs.ErrNotExist) {
		return plan{}, core.ErrUploadNotFound
	}
	if err != nil {
		return plan{}, failed("read upload", err)
	}
	var p plan
	if err := json.Unmarshal(b, &p); err != nil {
		return plan{}, fmt.Errorf("read upload: %w", err)
	}
	if key != "" && p.Key != key {
		return plan{}, core.ErrUploadNotFound
	}
	return p, nil
}

func uploadDir(id string) string { return path.Join(multipartDir, id) }
