package fsblob

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"time"
)

// Sweep removes what crashes have left among the temporary files, if last
// changed before the given time, and returns how many it removed. The time
// must be longer ago than any upload takes.
func (s *Store) Sweep(ctx context.Context, before time.Time) (int, error) {
	entries, err := fs.ReadDir(s.root.FS(), tmpDir)
	if err != nil {
		return 0, failed("sweep", err)
	}
	removed := 0
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return removed, err
		}
		fi, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) { // finished meanwhile
			continue
		}
		if err != nil {
			return removed, failed("sweep", err)
		}
		if !fi.ModTime().Before(before) {
			continue
		}
		if err := s.root.RemoveAll(path.Join(tmpDir, e.Name())); err != nil {
			return removed, failed("sweep", err)
		}
		removed++
	}
	return removed, nil
}
