package coffer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/seed-755a8038/coffer/adapters/system"
	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/app/bundle"
)

type (
	// BundleSummary is what a bundle has.
	BundleSummary = bundle.Summary
	// ImportOptions are the choices of who takes a bundle in.
	ImportOptions = bundle.ImportOptions
)

// newClaim lets an import refuse the blob store of another installation.
func newClaim(s *asset.Service) bundle.Claim { return s.Claim }

// bundles runs what moves organisations.
func bundles(ctx context.Context, cfg Config, do func(s *bundle.Service) error) error {
	return onSite(ctx, cfg, func(s *Server) error { return do(s.bundle) })
}

// ExportBundle writes the bundle of the org with that id or slug into a new file,
// or into one with a name of its own in a directory, and returns its path. The
// file is there when it is complete.
func ExportBundle(ctx context.Context, cfg Config, org, to string) (path string, out *BundleSummary, err error) {
	if info, err := os.Stat(to); err == nil && info.IsDir() {
		to = filepath.Join(to, org+"-"+(system.Clock{}).Now().Format("20060102T150405Z")+".tar")
	}
	if _, err := os.Lstat(to); !errors.Is(err, os.ErrNotExist) {
		return "", nil, errors.Join(err, fmt.Errorf("%s is there already", to))
	}
	f, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".partial-*") // only its owner can read it
	if err != nil {
		return "", nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	err = bundles(ctx, cfg, func(s *bundle.Service) (err error) {
		out, err = s.Export(ctx, org, f)
		return err
	})
	if err != nil {
		return "", nil, err
	}
	if err := errors.Join(f.Sync(), os.Link(f.Name(), to)); err != nil { // a link replaces nothing
		return "", nil, err
	}
	return to, out, errors.Join(os.Remove(f.Name()), f.Close(), syncDir(filepath.Dir(to)))
}

// VerifyBundle reads a bundle and checks it without a server.
func VerifyBundle(path string) (out *BundleSummary, err error) {
	err = openBundle(path, func(r io.ReaderAt, size int64) (err error) {
		out, err = bundle.Verify(r, size)
		return err
	})
	return out, err
}

// ImportBundle adds the org of a bundle.
func ImportBundle(ctx context.Context, cfg Config, path string, o ImportOptions) (out *BundleSummary, err error) {
	err = openBundle(path, func(r io.ReaderAt, size int64) error {
		return bundles(ctx, cfg, func(s *bundle.Service) (err error) {
			out, err = s.Import(ctx, r, size, o)
			return err
		})
	})
	return out, err
}

func openBundle(path string, do func(r io.ReaderAt, size int64) error) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file: a bundle is read more than once", path)
	}
	return do(f, info.Size())
}
