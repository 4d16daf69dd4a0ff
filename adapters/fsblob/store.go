// Package fsblob keeps blobs in a directory of the local filesystem, for the
// server that serves them itself.
//
// The directory has three parts. objects/<n>/<key> holds the blobs whose keys
// have n elements: separated by depth, so that the keys "a" and "a/b" may both
// exist, and every entry of a directory is either a blob or a directory,
// never a mixture. .multipart holds uploads in progress, .tmp what is being
// written or removed.
package fsblob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const (
	objectsDir   = "objects"
	multipartDir = ".multipart"
	tmpDir       = ".tmp"

	maxKey = 1024 // bytes
)

// Store keeps blobs under one directory, which no key and no symbolic link
// can lead out of. It is everything of a ports.Blobs but the signed requests.
type Store struct {
	root  *os.Root
	dirs  dirs
	links bool // the filesystem has hard links

	mu      sync.Mutex
	uploads map[string]*upload // those with a request under way, by id
}

// Open returns the store in dir, creating the directory if it is missing. One
// process may write to a directory at a time.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open blob directory: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open blob directory: %w", err)
	}
	for _, d := range []string{objectsDir, multipartDir, tmpDir} {
		if err := root.MkdirAll(d, 0o700); err != nil {
			return nil, errors.Join(fmt.Errorf("open blob directory: %w", err), root.Close())
		}
	}
	s := &Store{root: root, dirs: dirs{root: root, fresh: make(map[string]int)}, uploads: make(map[string]*upload)}
	if err := s.dirs.sync("."); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	if s.links, err = s.probeLinks(); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return s, nil
}

// Close releases the directory. No method may be called afterwards.
func (s *Store) Close() error { return s.root.Close() }

// CreateOnly implements ports.Blobs: only a hard link takes a name if and only
// if it is free.
func (s *Store) CreateOnly() bool { return s.links }

// Ping implements ports.Blobs.
func (s *Store) Ping(context.Context) error {
	if _, err := s.root.Stat(objectsDir); err != nil {
		return fmt.Errorf("blob directory: %w: %w", core.ErrUnavailable, err)
	}
	return nil
}

// Stat implements ports.Blobs.
func (s *Store) Stat(_ context.Context, key string) (ports.BlobInfo, error) {
	file, err := object(key)
	if err != nil {
		return ports.BlobInfo{}, err
	}
	fi, err := s.root.Lstat(file)
	if err != nil {
		return ports.BlobInfo{}, failed("stat blob", err)
	}
	return info(key, fi), nil
}

// Open implements ports.Blobs.
func (s *Store) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if offset < 0 {
		return nil, core.Invalid("offset", "must not be negative")
	}
	f, _, _, err := s.OpenSeeker(ctx, key)
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return nil, errors.Join(fmt.Errorf("open blob: %w", err), f.Close())
	}
	if length < 0 {
		return f, nil
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(f, length), f}, nil
}

// OpenSeeker opens the whole blob for an HTTP server, with its strong entity
// tag, unquoted. The reader is an *os.File, which the kernel can send by itself.
func (s *Store) OpenSeeker(_ context.Context, key string) (io.ReadSeekCloser, ports.BlobInfo, string, error) {
	file, err := object(key)
	if err != nil {
		return nil, ports.BlobInfo{}, "", err
	}
	f, err := s.root.Open(file)
	if err != nil {
		return nil, ports.BlobInfo{}, "", failed("open blob", err)
	}
	fi, err := f.Stat()
	if err != nil {
		return nil, ports.BlobInfo{}, "", errors.Join(failed("open blob", err), f.Close())
	}
	return f, info(key, fi), etag(fi), nil
}

// object returns the name of the file for key.
func object(key string) (string, error) {
	if !fs.ValidPath(key) || key == "." || len(key) > maxKey || strings.ContainsRune(key, 0) {
		return "", core.Invalid("key", "not a valid blob key")
	}
	return path.Join(objectsDir, strconv.Itoa(strings.Count(key, "/")+1), key), nil
}

func info(key string, fi fs.FileInfo) ports.BlobInfo {
	return ports.BlobInfo{Key: key, Size: fi.Size(), ModifiedAt: fi.ModTime().UTC().Truncate(time.Microsecond)}
}

// etag names the content of a file. A blob is replaced by another file, so the
// inode tells apart two of one size written within a tick of the clock.
func etag(fi fs.FileInfo) string {
	b := strconv.AppendUint(nil, inode(fi), 36)
	b = strconv.AppendInt(append(b, '-'), fi.ModTime().UnixNano(), 36)
	return string(strconv.AppendInt(append(b, '-'), fi.Size(), 36))
}
