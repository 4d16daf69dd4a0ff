package fsblob

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/seed-755a8038/coffer/ports/faultpoint"
)

// Delete implements ports.Blobs, and removes the directories it leaves empty.
// It syncs nothing: a blob that a power cut brings back is an orphan again.
func (s *Store) Delete(_ context.Context, keys ...string) error {
	var errs []error
	for _, key := range keys {
		file, err := object(key)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		err = s.root.Remove(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, failed("delete blob", err))
			continue
		}
		s.dirs.prune(path.Dir(file), path.Join(objectsDir, depth(file)))
	}
	faultpoint.Hit(faultpoint.BlobDeleted)
	return errors.Join(errs...)
}

// depth returns the <n> of objects/<n>/<key>.
func depth(file string) string {
	n, _, _ := strings.Cut(strings.TrimPrefix(file, objectsDir+"/"), "/")
	return n
}
