package fsblob

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/ports/faultpoint"
)

// CompleteMultipart implements ports.Multiparts. The data file becomes the
// blob by a second name, so it must not be written to from then on, not even
// after a crash in between: a seal on the disk sees to that. Completing again
// after such a crash ends what was begun.
func (s *Store) CompleteMultipart(_ context.Context, key, uploadID string, parts []ports.Part) error {
	file, err := object(key)
	if err != nil {
		return err
	}
	u := s.use(uploadID)
	defer s.leave(uploadID, u)
	u.mu.Lock()
	defer u.mu.Unlock()
	pl, err := s.plan(key, uploadID)
	if err != nil {
		return err
	}
	if err := s.check(uploadID, pl, parts, len(u.writers) > 0); err != nil {
		return err
	}
	dir := uploadDir(uploadID)
	seal, data := path.Join(dir, sealFile), path.Join(dir, dataFile)
	if err := s.writeFile(seal, nil); err != nil && !errors.Is(err, fs.ErrExist) {
		return uploadFailed(err)
	}
	if err := s.dirs.sync(dir); err != nil {
		return err
	}
	err = s.place(data, file, s.links)
	if errors.Is(err, core.ErrBlobExists) && !s.same(data, file) {
		// The data has no other name, so parts may come again.
		return errors.Join(err, s.root.Remove(seal))
	}
	if err != nil && !errors.Is(err, core.ErrBlobExists) {
		return err
	}
	faultpoint.Hit(faultpoint.BlobJoined)
	return s.forget(uploadID)
}

// check reports whether the parts are exactly those that have arrived, and all.
func (s *Store) check(id string, pl plan, parts []ports.Part, writing bool) error {
	if writing || int64(len(parts)) != pl.count() {
		return core.ErrUploadIncomplete
	}
	for i, want := range parts {
		got, err := s.part(id, i+1)
		if err != nil {
			return err
		}
		_, length := pl.extent(i + 1)
		if want.Number != got.Number || want.ETag != got.ETag || got.Size != length {
			return core.ErrUploadIncomplete
		}
	}
	// Without hard links, a crash may have left an upload whose data is the blob.
	if _, err := s.root.Lstat(path.Join(uploadDir(id), dataFile)); err != nil {
		return uploadFailed(err)
	}
	return nil
}

// same reports whether two names are of one file.
func (s *Store) same(a, b string) bool {
	fa, errA := s.root.Lstat(a)
	fb, errB := s.root.Lstat(b)
	return errA == nil && errB == nil && os.SameFile(fa, fb)
}
