package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"golang.org/x/text/unicode/norm"

	"github.com/seed-755a8038/coffer/client"
)

type uploadFlags struct {
	transferFlags

	to         string
	onConflict string
}

func (a *app) uploadCommand() *cobra.Command {
	var f uploadFlags
	cmd := a.inDrive(a.command("upload PATH…", "Upload files and folders",
		"Uploads files, and folders with all in them. What is there already, with the same SHA-256, is not sent again.\n"+
			"An upload that was broken off, however hard, goes on when the command is given again. The server verifies each file.\n\n"+aboutPaths,
		cobra.MinimumNArgs(1), func(ctx context.Context, args []string) error { return a.upload(ctx, f, args) }))
	f.add(cmd)
	cmd.Flags().StringVar(&f.to, "to", "/", "the `FOLDER` to put them into, which is made if it is missing")
	cmd.Flags().StringVar(&f.onConflict, "on-conflict", "version", "where there is another file of that name: `version` (the old bytes stay as a version), rename, fail")
	_ = cmd.RegisterFlagCompletionFunc("to", a.completePaths)
	cmd.ValidArgsFunction = nil // files of this machine
	return cmd
}

func (a *app) upload(ctx context.Context, f uploadFlags, paths []string) error {
	conflict := client.CreateAssetInputOnConflict(f.onConflict)
	switch conflict {
	case client.CreateAssetInputOnConflictVersion, client.CreateAssetInputOnConflictRename, client.CreateAssetInputOnConflictFail:
	default:
		return mistake("--on-conflict is version, rename or fail", "see coffer upload --help")
	}
	for _, p := range paths { // before anything is sent
		if _, err := os.Stat(p); err != nil {
			return err
		}
	}
	target, err := a.place(ctx, f.to)
	if err != nil {
		return err
	}
	t, within, err := a.begin(ctx, "uploaded", "uploading", f.transferFlags)
	if err != nil {
		return err
	}
	u := newUploader(t, conflict)
	return t.finish(u.whole(within, func() error { return u.paths(within, paths, target) }))
}

// uploader sends trees of files to a drive.
type uploader struct {
	*transfer

	conflict client.CreateAssetInputOnConflict
	mirror   bool // remove what the source has not
	sums     *sums
	lanes    chan struct{} // in which files travel
	small    smallFiles
}

func newUploader(t *transfer, conflict client.CreateAssetInputOnConflict) *uploader {
	return &uploader{transfer: t, conflict: conflict, lanes: make(chan struct{}, t.files)}
}

// folder is a folder of the drive, and what was in it when it was opened.
type folder struct {
	place

	id    uuid.UUID // zero: a dry run would make it
	there map[string]client.Node
}

// paths uploads what the arguments name.
func (u *uploader) paths(ctx context.Context, paths []string, target place) error {
	into, err := u.open(ctx, target, nil)
	if err != nil {
		return err
	}
	for _, p := range paths {
		abs, err := filepath.Abs(p)
		if err != nil {
			return err
		}
		info, err := os.Stat(abs) // a link that was named is followed
		if err != nil {
			return err
		}
		if info.IsDir() && filepath.Base(abs) == string(filepath.Separator) {
			return mistake("the root of this machine is too much", "name a folder below it")
		}
		if err := u.entry(ctx, abs, filepath.Base(abs), info, into); err != nil {
			return err
		}
	}
	return nil
}

// open makes a folder, and looks what is in it. Of a folder that parent has not,
// a dry run knows that nothing is.
func (u *uploader) open(ctx context.Context, p place, parent *folder) (*folder, error) {
	f := &folder{place: p, there: map[string]client.Node{}}
	var err error
	switch {
	case parent != nil && parent.has(p.base()):
		f.id = parent.there[p.base()].ID
	case u.dryRun && parent != nil:
		return f, nil
	case u.dryRun:
		if f.id, err = u.folderID(ctx, p); missing(err) {
			return f, nil
		}
	case parent != nil:
		n, err := u.client.CreateFolder(ctx, p.drive, &client.CreateFolderParams{}, client.CreateFolderInput{Name: p.base(), ParentID: &parent.id, Parents: new(true)})
		if err != nil {
			return nil, err
		}
		f.id = n.ID
	default:
		f.id, err = u.makeFolder(ctx, p)
	}
	if err != nil {
		return nil, err
	}
	for n, err := range u.childrenOf(ctx, p.drive, f.id) {
		if isCode(err, "forbidden", "key_not_allowed") && !u.mirror {
			break // one may write and not read: nothing is known to be there
		}
		if err != nil {
			return nil, err
		}
		f.there[n.Name] = n
	}
	return f, nil
}

func (f *folder) has(name string) bool {
	n, ok := f.there[name]
	return ok && n.Kind == client.NodeKindFolder
}

// entry uploads a file, or a folder with all in it.
func (u *uploader) entry(ctx context.Context, local, name string, info fs.FileInfo, into *folder) error {
	name = norm.NFC.String(name) // as the server has names
	if err := u.clear(ctx, into, name, info); err != nil {
		return u.fail(local, err)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case info.IsDir():
		f, err := u.open(ctx, into.join(name), into)
		if err != nil {
			return u.fail(local, err)
		}
		return u.tree(ctx, local, f)
	case !info.Mode().IsRegular():
		return u.note(event{Action: skipped, Path: local, Reason: "left out: it is neither a file nor a folder"})
	}
	var there *client.Node
	if before, ok := into.there[name]; ok {
		there = &before
	}
	if to := into.join(name); info.Size() <= smallSize && len(to.path) <= smallPath {
		return u.gather(ctx, smallFile{&brought{manifestFile: manifestFile{Path: to.path[1:], local: local}, to: to.path, size: info.Size()}, there}, to.drive)
	}
	u.group.Go(func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := u.file(ctx, local, name, into, there); err != nil {
			return u.fail(local, err)
		}
		return nil
	})
	return nil
}

// tree uploads what is in a folder of this machine.
func (u *uploader) tree(ctx context.Context, local string, into *folder) error {
	entries, err := os.ReadDir(local)
	if err != nil {
		return u.fail(local, err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // it has just gone
		}
		if err != nil {
			return u.fail(filepath.Join(local, e.Name()), err)
		}
		if err := u.entry(ctx, filepath.Join(local, e.Name()), e.Name(), info, into); err != nil {
			return err
		}
	}
	if !u.mirror {
		return nil
	}
	return u.prune(ctx, entries, into)
}

// file uploads a file, unless the folder has it already.
func (u *uploader) file(ctx context.Context, local, name string, into *folder, there *client.Node) error {
	f, err := os.Open(local)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	u.progress.expect(info.Size())
	sum, err := u.sums.of(ctx, local, f, info)
	if err != nil {
		return err
	}
	to := path.Join(into.path, name)
	if same(there, info.Size(), sum) {
		u.progress.add(info.Size())
		return u.note(event{Action: kept, Path: local, To: to})
	}
	if !u.dryRun {
		if err := u.send(ctx, f, info, sum, into, name); err != nil {
			return err
		}
	}
	return u.note(event{Action: acted, Path: local, To: to, Bytes: info.Size()})
}

// same reports whether a folder has the file already.
func same(there *client.Node, size int64, sum string) bool {
	return there != nil && there.Kind == client.NodeKindAsset && deref(there.Status) == client.NodeStatusReady &&
		deref(there.SizeBytes) == size && deref(there.ChecksumSha256) == sum
}

// send sends a file, from where an earlier command left off if there was one.
func (u *uploader) send(ctx context.Context, f *os.File, info fs.FileInfo, sum string, into *folder, name string) error {
	begun := u.begun(into.place.join(name), info, sum)
	how := client.Transfer{Parallel: u.parts, Progress: u.progress.of()}
	if asset, ok := begun.find(); ok {
		_, err := u.client.ResumeUpload(ctx, asset, f, how)
		if err == nil {
			return begun.forget()
		}
		// the upload was given up, or another file was sent for it: begin anew
		if !isCode(err, "not_found", "upload_not_found", "upload_mismatch", "checksum_mismatch", "size_mismatch", "trashed", "upload_incomplete") {
			return err
		}
		how.Progress(0, 0)
	}
	contentType := contentTypeOf(name)
	in := client.CreateAssetInput{
		Name: name, SizeBytes: info.Size(), ChecksumSha256: &sum, DriveID: &into.drive, ParentID: &into.id, OnConflict: &u.conflict,
	}
	if contentType != "" {
		in.ContentType = &contentType
	}
	_, err := u.client.UploadFile(ctx, into.org, in, f, how, func(asset *client.Asset) { begun.keep(asset.ID) })
	if err != nil {
		return err
	}
	return begun.forget()
}
