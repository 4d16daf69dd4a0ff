package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/seed-755a8038/coffer/client"
)

type downloadFlags struct {
	transferFlags

	to        string
	overwrite bool
}

func (a *app) downloadCommand() *cobra.Command {
	var f downloadFlags
	cmd := a.inDrive(a.command("download PATH…", "Download files and folders",
		"Downloads files, and folders with all in them. What is here already, with the same SHA-256, is not fetched again;\n"+
			"another file of that name is kept, unless --overwrite is given. A download that was broken off goes on when the command is\n"+
			"given again: until a file is whole and verified, its name ends in .part.\n\n"+aboutPaths,
		cobra.MinimumNArgs(1), func(ctx context.Context, args []string) error { return a.download(ctx, f, args) }))
	f.add(cmd)
	cmd.Flags().StringVar(&f.to, "to", ".", "the `DIRECTORY` to put them into, which is made if it is missing")
	cmd.Flags().BoolVar(&f.overwrite, "overwrite", false, "replace other files of the same name")
	_ = cmd.MarkFlagDirname("to")
	cmd.ValidArgsFunction = a.completePaths
	return cmd
}

func (a *app) download(ctx context.Context, f downloadFlags, paths []string) error {
	t, within, err := a.begin(ctx, "downloaded", "downloading", f.transferFlags)
	if err != nil {
		return err
	}
	d := &downloader{transfer: t, overwrite: f.overwrite}
	if err := d.openRoot(f.to); err != nil {
		return err
	}
	defer d.close()
	return t.finish(d.paths(within, paths))
}

// downloader fetches trees of files from a drive, into one directory: whatever the
// server calls them, and whatever links there are, nothing is written outside.
type downloader struct {
	*transfer

	root      *os.Root // nil: a dry run, and it does not exist
	dir       string   // its name, for messages
	abs       string   // and for what is remembered
	overwrite bool
	mirror    bool // remove what the source has not
	sums      *sums
}

const newDir = 0o777 // less what the user's umask takes

func (d *downloader) openRoot(dir string) error {
	d.dir = dir
	var err error
	if d.abs, err = filepath.Abs(dir); err != nil {
		return err
	}
	if !d.dryRun {
		if err := os.MkdirAll(dir, newDir); err != nil {
			return err
		}
	}
	root, err := os.OpenRoot(dir)
	if d.dryRun && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	d.root = root
	return err
}

func (d *downloader) close() {
	if d.root != nil {
		_ = d.root.Close() // a directory: nothing is written by it
	}
}

func (d *downloader) paths(ctx context.Context, paths []string) error {
	for _, text := range paths {
		p, err := d.place(ctx, text)
		if err != nil {
			return err
		}
		if p.root() {
			if err := d.tree(ctx, p, p.drive, "."); err != nil {
				return err
			}
			continue
		}
		n, err := d.node(ctx, p)
		if err != nil {
			return err
		}
		if err := d.entry(ctx, p, n, "."); err != nil {
			return err
		}
	}
	return nil
}

// goodName reports whether a name can be one of a file in a directory here.
func goodName(name string) bool {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") || !filepath.IsLocal(name) {
		return false
	}
	return runtime.GOOS != "windows" || !strings.ContainsAny(name, `\<>:"|?*`) && strings.TrimRight(name, " .") == name
}

// entry fetches a file, or a folder with all in it, into a directory below the root.
func (d *downloader) entry(ctx context.Context, p place, n client.Node, dir string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !goodName(n.Name) {
		return d.fail(p.path, &Error{Code: ExitError, What: "no file here can have that name", Next: "rename it: coffer mv"})
	}
	to := filepath.Join(dir, n.Name)
	if n.Kind == client.NodeKindFolder {
		if err := d.mkdir(to); err != nil {
			return d.fail(p.path, err)
		}
		return d.tree(ctx, p, n.ID, to)
	}
	if deref(n.Status) != client.NodeStatusReady {
		return d.note(event{Action: skipped, Path: p.path, Reason: "left out: its bytes are still arriving"})
	}
	d.group.Go(func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := d.file(ctx, p.path, d.remote(n), to); err != nil {
			return d.fail(p.path, err)
		}
		return nil
	})
	return nil
}

// mkdir makes a directory, if it is not there.
func (d *downloader) mkdir(dir string) error {
	if d.root == nil {
		return nil
	}
	info, err := d.root.Stat(dir)
	switch {
	case err == nil && info.IsDir():
		return nil
	case err == nil && !d.mirror:
		return inTheWay(dir)
	case err == nil && !d.dryRun:
		err = d.root.Remove(dir)
	case errors.Is(err, fs.ErrNotExist):
		err = nil
	}
	if err != nil || d.dryRun {
		return err
	}
	return d.root.Mkdir(dir, newDir)
}

func inTheWay(path string) error {
	return &Error{Code: ExitConflict, What: plain(path) + " is there already, and is something else", Next: "move it away, or choose another directory: --to"}
}

// tree fetches what is in a folder.
func (d *downloader) tree(ctx context.Context, p place, id uuid.UUID, dir string) error {
	names := map[string]bool{}
	for n, err := range d.childrenOf(ctx, p.drive, id) {
		if err != nil {
			return d.fail(p.path, err)
		}
		names[n.Name] = true
		if err := d.entry(ctx, p.join(n.Name), n, dir); err != nil {
			return err
		}
	}
	if !d.mirror {
		return nil
	}
	return d.prune(dir, names)
}

// remote is a file that the server has.
type remote struct {
	bytes int64
	sum   string // its SHA-256
	get   func(ctx context.Context, to client.Destination, have int64, how client.Transfer) error
}

// remote is a file of a drive.
func (d *downloader) remote(n client.Node) remote {
	asset := &client.Asset{ID: n.ID, SizeBytes: deref(n.SizeBytes), ChecksumSha256: n.ChecksumSha256}
	return remote{asset.SizeBytes, deref(n.ChecksumSha256), func(ctx context.Context, to client.Destination, have int64, how client.Transfer) error {
		return d.client.DownloadFile(ctx, asset, to, have, how)
	}}
}

// same reports whether a file is here with the bytes of the server's, and whether
// anything is.
func (d *downloader) same(ctx context.Context, r remote, path string) (same, there bool, err error) {
	if d.root == nil {
		return false, false, nil
	}
	info, err := d.root.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	if !info.Mode().IsRegular() {
		return false, true, inTheWay(path)
	}
	if info.Size() != r.bytes {
		return false, true, nil
	}
	f, err := d.root.Open(path)
	if err != nil {
		return false, true, err
	}
	defer func() { _ = f.Close() }() // it was only read
	sum, err := d.sums.of(ctx, filepath.Join(d.abs, path), f, info)
	return sum == r.sum, true, err
}

// file fetches a file, unless it is here already.
func (d *downloader) file(ctx context.Context, from string, r remote, to string) error {
	d.progress.expect(r.bytes)
	same, there, err := d.same(ctx, r, to)
	shown := path.Join(filepath.ToSlash(d.dir), filepath.ToSlash(to))
	switch {
	case err != nil:
		return err
	case same:
		d.progress.add(r.bytes)
		return d.note(event{Action: kept, Path: from, To: shown})
	case there && !d.overwrite:
		return &Error{Code: ExitConflict, What: plain(shown) + " is another file", Next: "move it away, or replace it: --overwrite"}
	}
	if !d.dryRun {
		if err := d.fetch(ctx, r, to); err != nil {
			return err
		}
	}
	return d.note(event{Action: acted, Path: from, To: shown, Bytes: r.bytes})
}

const (
	partSuffix = ".part"
	newFile    = 0o666 // less what the user's umask takes
)

// fetch writes a file under another name, until it is whole and verified.
func (d *downloader) fetch(ctx context.Context, r remote, to string) error {
	part := to + partSuffix
	if info, err := d.root.Lstat(part); err == nil && !info.Mode().IsRegular() {
		return inTheWay(part)
	}
	f, err := d.root.OpenFile(part, os.O_RDWR|os.O_CREATE, newFile)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // again, if all went well
	info, err := f.Stat()
	if err != nil {
		return err
	}
	err = r.get(ctx, f, info.Size(), client.Transfer{Parallel: d.parts, Progress: d.progress.of()})
	if err != nil {
		return err
	}
	if err := errors.Join(f.Truncate(r.bytes), f.Sync(), f.Close()); err != nil {
		return err
	}
	return d.root.Rename(part, to)
}
