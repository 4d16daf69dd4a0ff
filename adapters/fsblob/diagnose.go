package fsblob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/seed-755a8038/coffer/ports"
)

const lowSpace = 1 << 30 // bytes free, below which the operator should know

// Diagnose implements ports.Diagnosable. There is nothing it could fix.
func (s *Store) Diagnose(context.Context, bool) []ports.Finding {
	return []ports.Finding{s.diagnoseWrite(), s.diagnoseSpace(), s.diagnoseLinks()}
}

func (s *Store) diagnoseWrite() ports.Finding {
	f := ports.Finding{Check: "blob directory"}
	name := path.Join(tmpDir, rand.Text())
	err := s.writeFile(name, []byte("coffer"))
	if err == nil {
		err = errors.Join(s.dirs.sync(tmpDir), s.root.Remove(name))
	}
	if err != nil {
		f.Detail = fmt.Sprintf("cannot write and sync a file in %s: %v. Make the directory writable for the user the server runs as", s.root.Name(), err)
		return f
	}
	f.OK, f.Detail = true, s.root.Name()+" can be written to and synced"
	return f
}

func (s *Store) diagnoseSpace() ports.Finding {
	f := ports.Finding{Check: "blob directory space", OK: true}
	free, total, err := s.space()
	switch {
	case err != nil:
		f.Warning, f.Detail = true, fmt.Sprintf("the free space is unknown: %v", err)
	case free < lowSpace || free < total/20:
		f.Warning = true
		f.Detail = fmt.Sprintf("only %d MiB of %d MiB are free. Uploads fail when the disk is full: free some, or move the directory", free>>20, total>>20)
	default:
		f.Detail = fmt.Sprintf("%d MiB of %d MiB are free", free>>20, total>>20)
	}
	return f
}

func (s *Store) diagnoseLinks() ports.Finding {
	f := ports.Finding{Check: "blob directory hard links", OK: true}
	links, err := s.probeLinks()
	switch {
	case err != nil:
		f.OK, f.Detail = false, fmt.Sprintf("cannot be examined: %v", err)
	case !links:
		f.Warning = true
		f.Detail = "the filesystem has no hard links, so uploads take a detour through a staging key. Prefer a local ext4, XFS or Btrfs"
	default:
		f.Detail = "work, so a blob can never be replaced by a second upload"
	}
	return f
}

// probeLinks reports whether the filesystem has hard links.
func (s *Store) probeLinks() (bool, error) {
	name := path.Join(tmpDir, rand.Text())
	if err := s.writeFile(name, nil); err != nil {
		return false, failed("write to blob directory", err)
	}
	second := path.Join(tmpDir, rand.Text())
	links := s.root.Link(name, second) == nil
	if links { // and refuse a name that is taken
		links = errors.Is(s.root.Link(name, second), fs.ErrExist)
		if err := s.root.Remove(second); err != nil {
			return false, failed("write to blob directory", err)
		}
	}
	return links, failed("write to blob directory", s.root.Remove(name))
}
