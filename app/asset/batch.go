package asset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"sync"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// BatchFile describes one of many files before their bytes arrive. Its path is
// that from the root of the drive.
type BatchFile struct {
	Path        string
	ContentType string
	SizeBytes   int64
	SHA256      string // hex; empty: not declared
	Place       int    // in the request, from 0
}

// Joined makes of keep, which takes other values, what BatchInput.Also is.
func Joined[T any](show func(BatchCreated) T, keep func(context.Context, ports.Tx, []T) error) func(context.Context, ports.Tx, []BatchCreated) error {
	return func(ctx context.Context, tx ports.Tx, files []BatchCreated) error {
		out := make([]T, len(files))
		for i, f := range files {
			out[i] = show(f)
		}
		return keep(ctx, tx, out)
	}
}

// BatchInput is files that come into one drive together. Also is done in the unit
// of work that reserves room for them; its error undoes that.
type BatchInput struct {
	OrgID   core.OrgID
	DriveID core.DriveID
	Files   []BatchFile
	Also    func(ctx context.Context, tx ports.Tx, files []BatchCreated) error
}

// BatchCreated is a file of a batch.
type BatchCreated struct {
	Path   string
	Asset  *core.Asset
	Number int   // of the version that the bytes are, or become
	Upload *Plan // nil: the bytes are there
}

// batched is a file of a batch on its way.
type batched struct {
	path   string
	dir    string
	draft  *core.Asset
	own    *core.Upload // that would be begun
	upload *core.Upload // nil: the bytes are there
	asset  *core.Asset
	number int
	old    bool // the upload was begun by an earlier request
}

// errBegin says that uploads have to be begun at the store before they are
// reserved.
var errBegin = errors.New("uploads have to be begun")

// CreateMany reserves room for all of the files, or for none, and signs their
// uploads. Folders that are missing are made. What is at a path already gets
// another version; or, if its bytes are the same by size and checksum, no upload.
func (s *Service) CreateMany(ctx context.Context, a core.Actor, in BatchInput) ([]BatchCreated, error) {
	f, err := s.hot.ForDrive(ctx, a, in.DriveID)
	if err != nil {
		return nil, err
	}
	if err := core.CanInDrive(f, core.DriveEditor); err != nil {
		return nil, err
	}
	now := s.clock.Now()
	files, err := s.drafts(in, now)
	if err != nil {
		return nil, err
	}
	for range placements {
		err = s.store.Update(ctx, func(tx ports.Tx) error { return s.placeAll(ctx, tx, authorOf(f, a), in, files, now) })
		if !errors.Is(err, errBegin) {
			break
		}
		if err = s.beginAll(ctx, files); err != nil {
			break
		}
	}
	if err != nil {
		for _, b := range files {
			s.forget(ctx, b.own)
		}
		return nil, err
	}
	out := make([]BatchCreated, len(files))
	for i, b := range files {
		out[i] = BatchCreated{Path: b.path, Asset: b.asset, Number: b.number}
		if b.upload == nil {
			continue
		}
		if out[i].Upload, err = s.plan(ctx, b.upload, now, 1, firstParts); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// drafts makes assets and uploads of what the client sent.
func (s *Service) drafts(in BatchInput, now time.Time) ([]*batched, error) {
	files, seen := make([]*batched, len(in.Files)), make(map[string]bool, len(in.Files))
	for i, file := range in.Files {
		at := fmt.Sprintf("body.assets[%d]", file.Place)
		clean, err := core.CleanAssetPath(at+".path", file.Path, s.text.NFC)
		if err != nil {
			return nil, err
		}
		if seen[clean] {
			return nil, core.Invalid(at+".path", "is the path of another file of the request")
		}
		seen[clean] = true
		asset, upload, err := s.draft(CreateInput{
			OrgID: in.OrgID, DriveID: in.DriveID, Name: path.Base(clean), ContentType: file.ContentType, SizeBytes: file.SizeBytes, SHA256: file.SHA256,
		}, now)
		if err != nil {
			return nil, placed(err, at)
		}
		dir := path.Dir(clean)
		if dir == "." {
			dir = ""
		}
		files[i] = &batched{path: clean, dir: dir, draft: asset, own: upload, upload: upload}
	}
	return files, nil
}

// placed says which file of a batch an error is about.
func placed(err error, at string) error {
	e, ok := errors.AsType[*core.Error](err)
	if !ok || len(e.Fields) == 0 {
		return err
	}
	return core.Invalid(at+e.Fields[0].Location[len("body"):], e.Fields[0].Message)
}

// placeAll is the unit of work of a batch.
func (s *Service) placeAll(ctx context.Context, tx ports.Tx, by author, in BatchInput, files []*batched, now time.Time) error {
	if err := tx.Drives.Lock(ctx, in.OrgID, true, in.DriveID); err != nil {
		return err
	}
	t := &grove{s: s, tx: tx, by: by, drive: in.DriveID, org: in.OrgID, now: now, trails: make(map[string]core.Trail)}
	fresh, grown, err := s.settleAll(ctx, t, files)
	if err != nil {
		return err
	}
	all := append(append([]ports.Planted(nil), fresh...), grown...)
	for _, p := range all {
		if p.Upload.Strategy == core.UploadMultipart && p.Upload.StoreID == "" {
			return errBegin
		}
	}
	room := app.Room{OrgID: in.OrgID, DriveID: in.DriveID, Unlimited: s.opts.Unlimited, NewFiles: int64(len(fresh))}
	if err := app.CheckRoom(ctx, tx, room, all, now); err != nil {
		return err
	}
	if err := tx.Subtrees.Plant(ctx, nil, fresh); err != nil {
		return err
	}
	if err := tx.Subtrees.Grow(ctx, grown); err != nil {
		return err
	}
	if err := t.tell(ctx); err != nil {
		return err
	}
	if in.Also == nil {
		return nil
	}
	out := make([]BatchCreated, len(files))
	for i, b := range files {
		out[i] = BatchCreated{Path: b.path, Asset: b.asset, Number: b.number}
	}
	return in.Also(ctx, tx, out)
}

// settleAll finds out what each file becomes: a new one, another version, or
// nothing that is not there.
func (s *Service) settleAll(ctx context.Context, t *grove, files []*batched) (fresh, grown []ports.Planted, err error) {
	names := make(map[string][]string)
	var dirs []string
	for _, b := range files {
		if names[b.dir] == nil {
			dirs = append(dirs, b.dir)
		}
		names[b.dir] = append(names[b.dir], b.draft.Name)
	}
	there := make(map[string]map[string]ports.Entry, len(dirs))
	for _, dir := range dirs {
		trail, err := t.folder(ctx, dir)
		if err != nil {
			return nil, nil, err
		}
		if err := trail.CheckParent(core.KindAsset, 0); err != nil {
			return nil, nil, err
		}
		if there[dir], err = t.tx.Nodes.ByNames(ctx, t.drive, trail[0].ID, names[dir]); err != nil {
			return nil, nil, err
		}
	}
	for _, b := range files {
		b.upload, b.old = b.own, false // whatever an attempt before has found
		e, found := there[b.dir][b.draft.Name]
		if !found {
			s.anew(t, b)
			fresh = append(fresh, ports.Planted{Asset: b.asset, Upload: b.upload})
			continue
		}
		another, err := s.renewed(ctx, t, b, e)
		if err != nil {
			return nil, nil, err
		}
		if another {
			grown = append(grown, ports.Planted{Asset: b.asset, Upload: b.upload})
		}
	}
	return fresh, grown, nil
}

// anew makes a file of a batch a new one.
func (s *Service) anew(t *grove, b *batched) {
	b.asset, b.number = b.draft, 1
	b.asset.DriveID, b.asset.ParentID, b.asset.CreatedBy = t.drive, t.trails[b.dir][0].ID, t.by.facts.AccountID
	b.upload.DriveID, b.upload.CreatedBy = t.drive, t.by.facts.AccountID
	s.aim(b, b.asset.ID, 1)
}

// aim says which version of which file an upload becomes. One that was begun
// for another has to be begun again.
func (s *Service) aim(b *batched, id core.AssetID, number int) {
	if b.upload.AssetID == id && b.upload.Number == number {
		return
	}
	b.upload.AssetID, b.upload.Number = id, number
	s.address(b.upload, b.draft.Name)
	b.upload.StoreID = "" // what was begun, the sweeper takes
}

// renewed reports whether a file of a batch is another version of the one that
// is there.
func (s *Service) renewed(ctx context.Context, t *grove, b *batched, e ports.Entry) (bool, error) {
	if e.Node.Kind != core.KindAsset {
		return false, core.ErrNameTaken.Say("there is a folder at the path "+b.path).With("path", b.path)
	}
	b.asset = &core.Asset{Node: e.Node, File: e.File}
	sum := b.upload.SHA256
	if sum != nil && e.File.Status == core.AssetReady && e.File.SizeBytes == b.upload.SizeBytes && bytes.Equal(e.File.SHA256, sum) {
		b.upload, b.number = nil, e.File.Current
		return false, nil
	}
	begun, err := t.tx.Uploads.Of(ctx, t.org, e.Node.ID)
	if err != nil {
		return false, err
	}
	for _, u := range begun { // by an earlier request for the same
		if u.Number == e.File.Newest && u.SizeBytes == b.upload.SizeBytes && u.ContentType == b.upload.ContentType &&
			bytes.Equal(u.SHA256, sum) && u.Strategy != core.UploadCopy && t.now.Before(u.ExpiresAt) {
			b.upload, b.number, b.old = u, u.Number, true
			return false, t.tx.Uploads.Postpone(ctx, u.ID, time.Time{}, earlier(t.now.Add(s.opts.Uploads.URL), u.ExpiresAt))
		}
	}
	b.upload.DriveID, b.upload.CreatedBy = t.drive, t.by.facts.AccountID
	b.asset.Newest++
	b.number = b.asset.Newest
	s.aim(b, e.Node.ID, b.number)
	return true, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// beginAll lets the store begin the uploads that have parts.
func (s *Service) beginAll(ctx context.Context, files []*batched) error {
	const lanes = 8
	var wg sync.WaitGroup
	free, failed := make(chan struct{}, lanes), make([]error, len(files))
	for i, b := range files {
		if b.upload == nil || b.old || b.upload.Strategy != core.UploadMultipart || b.upload.StoreID != "" {
			continue
		}
		free <- struct{}{}
		wg.Go(func() {
			failed[i] = s.begin(ctx, b.upload)
			<-free
		})
	}
	wg.Wait()
	return errors.Join(failed...)
}

// BatchComplete says which upload of which file has ended.
type BatchComplete struct {
	AssetID core.AssetID
	CompleteInput
}

// Completed is what has become of an upload.
type Completed struct {
	Asset *core.Asset
	Err   error // why it has not become a version
}

// CompleteMany is Complete of many files, each by itself.
func (s *Service) CompleteMany(ctx context.Context, a core.Actor, ended []BatchComplete) []Completed {
	const lanes = 8
	var wg sync.WaitGroup
	free, out := make(chan struct{}, lanes), make([]Completed, len(ended))
	for i, e := range ended {
		free <- struct{}{}
		wg.Go(func() {
			out[i].Asset, out[i].Err = s.Complete(ctx, a, e.AssetID, e.CompleteInput)
			<-free
		})
	}
	wg.Wait()
	return out
}
