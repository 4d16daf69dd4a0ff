package fsblob

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/seed-755a8038/coffer/core"
)

// failed turns an error of the filesystem into the domain's, wrapped with op.
func failed(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return core.ErrBlobNotFound
	case errors.Is(err, syscall.ENAMETOOLONG):
		return core.Invalid("key", "an element of the blob key is longer than the filesystem allows")
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.EIO):
		return fmt.Errorf("%s: %w: %w", op, core.ErrUnavailable, err)
	default:
		return fmt.Errorf("%s: %w", op, err)
	}
}
