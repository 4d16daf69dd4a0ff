package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"golang.org/x/text/unicode/norm"

	"github.com/seed-755a8038/coffer/client"
)

type syncFlags struct {
	transferFlags

	down   bool
	delete bool
	yes    bool
}

func (a *app) syncCommand() *cobra.Command {
	var f syncFlags
	cmd := a.inDrive(a.command("sync DIRECTORY PATH", "Make a folder of a drive like a directory, or the other way round",
		"Makes the folder at PATH have what DIRECTORY has; with --down, DIRECTORY what the folder has. Files are compared by size and\n"+
			"SHA-256; sums of files of this machine are remembered until their size or time changes. What only the target has stays,\n"+
			"unless --delete is given: then it goes to the trash of the drive; with --down it is deleted from this machine, after a question.\n\n"+aboutPaths,
		cobra.ExactArgs(2), //nolint:mnd // a directory and a path
		func(ctx context.Context, args []string) error { return a.sync(ctx, f, args[0], args[1]) }))
	f.add(cmd)
	cmd.Flags().BoolVar(&f.down, "down", false, "from the drive to the directory")
	cmd.Flags().BoolVar(&f.delete, "delete", false, "delete what only the target has")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "with --down --delete: do not ask")
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return nil, cobra.ShellCompDirectiveFilterDirs
		}
		return a.completePaths(cmd, args, begun)
	}
	return cmd
}

func (a *app) sync(ctx context.Context, f syncFlags, dir, text string) error {
	p, err := a.place(ctx, text)
	if err != nil {
		return err
	}
	if f.down && f.delete && !f.dryRun {
		if err := a.confirm(f.yes, "Delete from "+dir+" what "+plain(p.path)+" does not have?"); err != nil {
			return err
		}
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	of := sha256.Sum256([]byte(abs))
	known := openSums(hex.EncodeToString(of[:]))
	if f.down {
		err = a.syncDown(ctx, f, dir, p, known)
	} else {
		err = a.syncUp(ctx, f, abs, p, known)
	}
	known.save(err == nil)
	return err
}

func (a *app) syncUp(ctx context.Context, f syncFlags, abs string, p place, known *sums) error {
	info, err := os.Stat(abs)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return mistake(abs+" is not a directory", "upload a file with coffer upload")
	}
	t, within, err := a.begin(ctx, "uploaded", "uploading", f.transferFlags)
	if err != nil {
		return err
	}
	u := newUploader(t, client.CreateAssetInputOnConflictVersion)
	u.mirror, u.sums = f.delete, known
	return t.finish(u.whole(within, func() error {
		into, err := u.open(within, p, nil)
		if err != nil {
			return err
		}
		return u.tree(within, abs, into)
	}))
}

func (a *app) syncDown(ctx context.Context, f syncFlags, dir string, p place, known *sums) error {
	id, err := a.folderID(ctx, p)
	if err != nil {
		return err
	}
	t, within, err := a.begin(ctx, "downloaded", "downloading", f.transferFlags)
	if err != nil {
		return err
	}
	d := &downloader{transfer: t, overwrite: true, mirror: f.delete, sums: known}
	if err := d.openRoot(dir); err != nil {
		return err
	}
	defer d.close()
	return t.finish(d.tree(within, p, id, "."))
}

// confirm asks, where somebody can answer.
func (a *app) confirm(yes bool, question string) error {
	if yes {
		return nil
	}
	in, ok := a.cmd.InOrStdin().(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return mistake("there is no terminal to ask: "+question, "give --yes, or see first with --dry-run")
	}
	_, _ = fmt.Fprint(a.cmd.ErrOrStderr(), question+" [y/N] ") // who does not see it does not answer
	var answer string
	_, _ = fmt.Fscanln(in, &answer) // no answer is a no
	if !slices.Contains([]string{"y", "yes"}, strings.ToLower(answer)) {
		return &Error{Code: ExitError, What: "nothing was done", Next: "see what would be with --dry-run"}
	}
	return nil
}

// clear takes away what is in the way of a file or folder, if the drive is to be
// as this machine is.
func (u *uploader) clear(ctx context.Context, into *folder, name string, info fs.FileInfo) error {
	n, ok := into.there[name]
	if !ok || !u.mirror || info.IsDir() == (n.Kind == client.NodeKindFolder) || !info.IsDir() && !info.Mode().IsRegular() {
		return nil
	}
	delete(into.there, name)
	return u.discard(ctx, into.join(name), n)
}

// discard moves something to the trash.
func (u *uploader) discard(ctx context.Context, p place, n client.Node) error {
	if !u.dryRun {
		if err := u.client.DeleteNode(ctx, n.ID, &client.DeleteNodeParams{}); err != nil && !isCode(err, "not_found") {
			return err
		}
	}
	return u.note(event{Action: removed, Path: p.path})
}

// prune discards what the directory does not have. What is still arriving stays:
// it is somebody else's.
func (u *uploader) prune(ctx context.Context, entries []fs.DirEntry, into *folder) error {
	here := make(map[string]bool, len(entries))
	for _, e := range entries {
		here[norm.NFC.String(e.Name())] = true
	}
	for name, n := range into.there {
		if here[name] || n.Kind == client.NodeKindAsset && deref(n.Status) != client.NodeStatusReady {
			continue
		}
		if err := u.discard(ctx, into.join(name), n); err != nil {
			if err := u.fail(into.join(name).path, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// prune deletes from this machine what the folder does not have.
func (d *downloader) prune(dir string, names map[string]bool) error {
	if d.root == nil {
		return nil
	}
	list, err := fs.ReadDir(d.root.FS(), filepath.ToSlash(dir))
	if d.dryRun && err != nil {
		return nil //nolint:nilerr // a dry run has not made it
	}
	if err != nil {
		return d.fail(dir, err)
	}
	for _, e := range list {
		if name := e.Name(); names[name] || names[norm.NFC.String(name)] || names[strings.TrimSuffix(name, partSuffix)] {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if !d.dryRun {
			if err := d.root.RemoveAll(path); err != nil {
				if err := d.fail(path, err); err != nil {
					return err
				}
				continue
			}
		}
		if err := d.note(event{Action: removed, Path: filepath.Join(d.dir, path)}); err != nil {
			return err
		}
	}
	return nil
}
