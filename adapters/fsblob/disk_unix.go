//go:build linux || darwin || freebsd

package fsblob

import (
	"errors"
	"io/fs"
	"syscall"
)

// inode returns the number of the file, or 0 where there is none.
func inode(fi fs.FileInfo) uint64 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return st.Ino
	}
	return 0
}

// space returns the free and the total size of the filesystem, in bytes.
func (s *Store) space() (free, total int64, err error) {
	f, err := s.root.Open(".")
	if err != nil {
		return 0, 0, err
	}
	var st syscall.Statfs_t
	err = syscall.Fstatfs(int(f.Fd()), &st)
	if err := errors.Join(err, f.Close()); err != nil {
		return 0, 0, err
	}
	block := int64(st.Bsize) //nolint:unconvert // narrower on some systems
	//nolint:gosec // a disk has less than 2^63 bytes
	return int64(st.Bavail) * block, int64(st.Blocks) * block, nil
}
