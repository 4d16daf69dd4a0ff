package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-755a8038/coffer/client"
)

type getFlags struct {
	transferFlags

	version   int64
	itemsOnly bool
	overwrite bool
}

func (a *app) datasetGet() *cobra.Command {
	var f getFlags
	cmd := a.inOrg(a.command("get DATASET [FOLDER]", "Download a version of a dataset",
		"Downloads the files of a version, and then its items, as manifest.ndjson: what coffer dataset publish takes. By slug or id; into\n"+
			"a folder of the slug's name if none is said. What is here already, with the same SHA-256, is not fetched again; another file\n"+
			"of that name is kept, unless --overwrite is given. The same command goes on where one before it was broken off.",
		cobra.RangeArgs(1, 2), //nolint:mnd // a dataset and a folder
		func(ctx context.Context, args []string) error { return a.getDataset(ctx, f, args) }))
	f.add(cmd)
	flags := cmd.Flags()
	flags.Int64Var(&f.version, "version", 0, "the `NUMBER` of the version (default: the current one)")
	flags.BoolVar(&f.itemsOnly, "items-only", false, "get only the items, and no files")
	flags.BoolVar(&f.overwrite, "overwrite", false, "replace other files of the same name")
	return cmd
}

func (a *app) getDataset(ctx context.Context, f getFlags, args []string) error {
	set, err := a.dataset(ctx, args[0])
	if err != nil {
		return err
	}
	if f.version == 0 { // it stays that one, whatever is published meanwhile
		if f.version = deref(set.CurrentVersion); f.version == 0 {
			return &Error{Code: ExitNotFound, What: "nothing is published in " + set.Slug, Next: nexts["dataset_unpublished"].next}
		}
	}
	t, within, err := a.begin(ctx, "downloaded", "downloading", f.transferFlags)
	if err != nil {
		return err
	}
	to := set.Slug
	if len(args) > 1 {
		to = args[1]
	}
	d := &datasetGetter{downloader: &downloader{transfer: t, overwrite: f.overwrite}, set: set, version: f.version}
	if err := d.openRoot(to); err != nil {
		return err
	}
	defer d.close()
	same := false
	if !f.dryRun {
		if same, err = d.fetchItems(within); err != nil {
			return t.finish(err)
		}
	}
	if !f.itemsOnly {
		err = d.filesOf(within)
	}
	if err == nil {
		err = t.group.Wait()
	}
	// the manifest comes last: where it is, everything is
	if err == nil && t.first == nil && !f.dryRun && !same {
		err = d.root.Rename(manifestLines+partSuffix, manifestLines)
	}
	if ended := t.finish(err); ended != nil {
		return ended
	}
	return a.say("Version %d of %s is in %s.", f.version, set.Slug, plain(to))
}

// datasetGetter fetches a version of a dataset.
type datasetGetter struct {
	*downloader

	set     *client.Dataset
	version int64
	lately  recently // of files that are forgotten, it is seen that they are here
}

// fetchItems writes the manifest under another name. It reports whether it is here
// already, and then it has removed that one.
func (d *datasetGetter) fetchItems(ctx context.Context) (same bool, err error) {
	resp, err := d.client.ExportDataset(ctx, d.set.ID, &client.ExportDatasetParams{Version: &d.version})
	if err != nil {
		return false, err
	}
	defer func() { _ = resp.Body.Close() }()
	const part = manifestLines + partSuffix
	f, err := d.root.OpenFile(part, os.O_RDWR|os.O_CREATE|os.O_TRUNC, newFile)
	if err != nil {
		return false, err
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, sum), resp.Body)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = &client.UnreachableError{Server: d.server, Err: err}
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return false, firstOf(err)
	}
	there, err := d.root.Open(manifestLines)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { _ = there.Close() }() // it was only read
	old := sha256.New()
	if _, err := io.Copy(old, there); err != nil {
		return false, err
	}
	switch {
	case bytes.Equal(old.Sum(nil), sum.Sum(nil)):
		return true, d.root.Remove(part)
	case !d.overwrite:
		what := plain(path.Join(filepath.ToSlash(d.dir), manifestLines)) + " is another one"
		return false, errors.Join(&Error{Code: ExitConflict, What: what, Next: "choose another folder, or replace it: --overwrite"}, d.root.Remove(part))
	}
	return false, nil
}

// filesOf fetches the files of all items, page by page.
func (d *datasetGetter) filesOf(ctx context.Context) error {
	items := client.Pages(ctx, func(ctx context.Context, cursor *string) ([]client.DatasetItem, *string, error) {
		page, err := d.client.ListDatasetItems(ctx, d.set.ID, &client.ListDatasetItemsParams{Version: &d.version, Cursor: cursor, Limit: new(int64(pageSize))})
		if err != nil {
			return nil, nil, err
		}
		return page.Items, page.NextCursor, nil
	})
	for item, err := range items {
		if err != nil {
			return err
		}
		for i := range item.Assets {
			if err := d.itemFile(ctx, item, &item.Assets[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *datasetGetter) itemFile(ctx context.Context, item client.DatasetItem, file *client.ItemFile) error {
	name := deref(file.Path)
	if name == "" {
		name = "assets/" + file.AssetID.String()
	}
	if d.lately.had(name) {
		return nil
	}
	if !goodPath(name) {
		return d.fail(name, &Error{Code: ExitError, What: "no file here can have that name", Next: "get only the items: --items-only"})
	}
	d.group.Go(func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := d.itemBytes(ctx, item, file, name); err != nil {
			return d.fail(name, err)
		}
		return nil
	})
	return nil
}

func (d *datasetGetter) itemBytes(ctx context.Context, item client.DatasetItem, file *client.ItemFile, name string) error {
	to := filepath.FromSlash(name)
	if d.root != nil && !d.dryRun {
		if err := d.root.MkdirAll(filepath.Dir(to), newDir); err != nil {
			return err
		}
	}
	from := remote{file.SizeBytes, deref(file.Sha256), func(ctx context.Context, to client.Destination, have int64, how client.Transfer) error {
		return d.client.DownloadItemFile(ctx, item.ID, file, to, have, how)
	}}
	return d.file(ctx, name, from, to)
}

// goodPath reports whether a path of a dataset can be one below a folder here, and
// is not that of its manifest.
func goodPath(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if !goodName(part) {
			return false
		}
	}
	return name != manifestLines && name != manifestJSON && name != manifestLines+partSuffix
}
