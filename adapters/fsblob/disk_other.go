//go:build !linux && !darwin && !freebsd

package fsblob

import (
	"errors"
	"io/fs"
)

// inode returns 0: there is none.
func inode(fs.FileInfo) uint64 { return 0 }

// space returns an error: nobody has told how to ask.
func (s *Store) space() (free, total int64, err error) {
	return 0, 0, errors.ErrUnsupported
}
