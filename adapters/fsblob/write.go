package fsblob

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/ports/faultpoint"
)

// maxRaces is how often a name may vanish under a writer's hands before that
// is taken for a fault: each time somebody else deleted the last blob of a directory.
const maxRaces = 100

// Put implements ports.Blobs. The content type is not kept.
func (s *Store) Put(_ context.Context, key, _ string, r io.Reader) (ports.BlobInfo, error) {
	file, err := object(key)
	if err != nil {
		return ports.BlobInfo{}, err
	}
	t, err := s.temp()
	if err != nil {
		return ports.BlobInfo{}, err
	}
	defer t.discard()
	_, sum, err := copyHashed(t.File, r)
	if err != nil {
		return ports.BlobInfo{}, failed("put blob", err)
	}
	fi, err := t.publish(file, false)
	if err != nil {
		return ports.BlobInfo{}, err
	}
	b := info(key, fi)
	b.SHA256 = sum[:]
	return b, nil
}

// Upload stores the body of a signed PUT, which must have exactly the size
// and, if declared, the checksum of p, and returns the blob's entity tag,
// unquoted. It returns core.ErrSizeMismatch, core.ErrChecksumMismatch or, if
// p.CreateOnly, core.ErrBlobExists; then nothing is stored.
func (s *Store) Upload(_ context.Context, p ports.PutSpec, r io.Reader) (string, error) {
	file, err := object(p.Key)
	if err != nil {
		return "", err
	}
	t, err := s.temp()
	if err != nil {
		return "", err
	}
	defer t.discard()
	n, sum, err := copyHashed(t.File, io.LimitReader(r, p.Size+1))
	switch {
	case err != nil:
		return "", failed("upload blob", err)
	case n != p.Size:
		return "", core.ErrSizeMismatch
	case p.SHA256 != nil && subtle.ConstantTimeCompare(p.SHA256, sum[:]) == 0:
		return "", core.ErrChecksumMismatch
	}
	fi, err := t.publish(file, p.CreateOnly)
	if err != nil {
		return "", err
	}
	return etag(fi), nil
}

// Copy implements ports.Blobs. The kernel copies, sharing blocks where the
// filesystem can.
func (s *Store) Copy(ctx context.Context, src, dst string) error {
	file, err := object(dst)
	if err != nil {
		return err
	}
	from, _, _, err := s.OpenSeeker(ctx, src)
	if err != nil {
		return err
	}
	defer from.Close() //nolint:errcheck // only read from
	t, err := s.temp()
	if err != nil {
		return err
	}
	defer t.discard()
	if _, err := io.Copy(t.File, from); err != nil { // file to file: copy_file_range
		return failed("copy blob", err)
	}
	_, err = t.publish(file, false)
	return err
}

// temp is a file on its way to become a blob.
type temp struct {
	*os.File

	s    *Store
	name string
}

// temp makes an empty temporary file. Its name is short, however long the key's.
func (s *Store) temp() (*temp, error) {
	name := path.Join(tmpDir, rand.Text())
	f, err := s.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, failed("write blob", err)
	}
	return &temp{File: f, s: s, name: name}, nil
}

// discard closes and removes what is left of the temporary file.
func (t *temp) discard() {
	_ = t.Close()
	_ = t.s.root.Remove(t.name)
}

// publish makes the content durable and gives it its name, file.
func (t *temp) publish(file string, createOnly bool) (fs.FileInfo, error) {
	faultpoint.Hit(faultpoint.BlobWritten)
	if err := t.Sync(); err != nil {
		return nil, failed("sync blob", err)
	}
	fi, err := t.Stat()
	if err != nil {
		return nil, failed("write blob", err)
	}
	// A write is reported lost at the latest here, on filesystems of the network.
	if err := t.Close(); err != nil {
		return nil, failed("write blob", err)
	}
	if err := t.s.place(t.name, file, createOnly); err != nil {
		return nil, err
	}
	faultpoint.Hit(faultpoint.BlobDurable)
	return fi, nil
}

// place gives the file tmp its final name, file, durably. If createOnly, it
// returns core.ErrBlobExists rather than replace, and tmp may remain.
func (s *Store) place(tmp, file string, createOnly bool) error {
	dir := path.Dir(file)
	for range maxRaces {
		fresh, err := s.dirs.ensure(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return failed("make blob directory", err)
		}
		if err == nil {
			if createOnly {
				err = s.root.Link(tmp, file)
			} else {
				err = s.root.Rename(tmp, file)
			}
		}
		if err == nil {
			faultpoint.Hit(faultpoint.BlobNamed)
			return s.dirs.settle(dir, fresh)
		}
		s.dirs.release(fresh, false)
		if createOnly && errors.Is(err, fs.ErrExist) {
			return core.ErrBlobExists
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return failed("name blob", err)
		}
		// The directory was empty for a moment and somebody removed it.
	}
	return fmt.Errorf("name blob: its directory or its content vanishes again and again")
}
