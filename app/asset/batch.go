package asset

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// BatchFile describes one of many files before their bytes arrive. Its path begins
// at the folder of the batch.
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
	DriveID    core.DriveID
	ParentID   core.NodeID // the folder where the paths begin; zero: the drive's root
	OnConflict OnConflict  // empty: ConflictVersion
	Each       bool        // each by itself: what keeps one file does not keep the others
	Files      []BatchFile
	Also       func(ctx context.Context, tx ports.Tx, files []BatchCreated) error
}

// BatchCreated is a file of a batch.
type BatchCreated struct {
	Path   string
	Asset  *core.Asset
	Number int   // of the version that the bytes are, or become
	Upload *Plan // nil: the bytes are there
	Err    error // why there is nothing of it, of those that come each by itself
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
	old    bool  // the upload was begun by an earlier request
	err    error // it stays out
}

var (
	// errBegin says that uploads have to be begun at the store before they are
	// reserved.
	errBegin = errors.New("uploads have to be begun")

	// errWithout says that some files have to stay out, for which folders would
	// have been made.
	errWithout = errors.New("some files have to stay out")
)

// CreateMany reserves room for all of the files, or for none, and signs their
// uploads; or, if they come each by itself, for those for which nothing is in the
// way. Folders that are missing are made. Of what is at a path already, OnConflict
// decides; if a version would have the same bytes by size and checksum, there is no
// upload. The same again goes on with the same uploads.
func (s *Service) CreateMany(ctx context.Context, a core.Actor, in BatchInput) ([]BatchCreated, error) {
	f, err := s.hot.ForDrive(ctx, a, in.DriveID)
	if err != nil {
		return nil, err
	}
	if err := core.CanInDrive(f, core.DriveEditor); err != nil {
		return nil, err
	}
	in.OnConflict = cmp.Or(in.OnConflict, ConflictVersion)
	now := s.clock.Now()
	files, err := s.drafts(f, in, now)
	if err != nil {
		return nil, err
	}
	for range placements {
		err = s.store.Update(ctx, func(tx ports.Tx) error { return s.placeAll(ctx, tx, authorOf(f, a), in, files, now) })
		if errors.Is(err, errWithout) {
			continue
		}
		if !errors.Is(err, errBegin) {
			break
		}
		if err = s.beginAll(ctx, files); err != nil {
			break
		}
	}
	for _, b := range files {
		if err != nil || b.err != nil {
			s.forget(ctx, b.own)
		}
	}
	if err != nil {
		return nil, err
	}
	out := make([]BatchCreated, len(files))
	for i, b := range files {
		out[i] = b.created()
		if b.upload == nil || b.err != nil {
			continue
		}
		if out[i].Upload, err = s.plan(ctx, b.upload, now, 1, firstParts); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (b *batched) created() BatchCreated {
	return BatchCreated{Path: b.path, Asset: b.asset, Number: b.number, Err: b.err}
}

// drafts makes assets and uploads of what the client sent.
func (s *Service) drafts(f core.DriveFacts, in BatchInput, now time.Time) ([]*batched, error) {
	files, seen := make([]*batched, len(in.Files)), make(map[string]bool, len(in.Files))
	for i, file := range in.Files {
		b, err := s.draftOf(f, file, now)
		if err == nil && seen[b.path] {
			err = core.Invalid(fmt.Sprintf("body.assets[%d].path", file.Place), "is the path of another file of the request")
		}
		if err != nil {
			if !in.Each {
				return nil, err
			}
			b = &batched{path: file.Path, own: new(core.Upload), err: err}
		}
		files[i], seen[b.path] = b, true
	}
	return files, nil
}

func (s *Service) draftOf(f core.DriveFacts, file BatchFile, now time.Time) (*batched, error) {
	at := fmt.Sprintf("body.assets[%d]", file.Place)
	clean, err := core.CleanAssetPath(at+".path", file.Path, s.text.NFC)
	if err != nil {
		return nil, err
	}
	asset, upload, err := s.draft(CreateInput{
		OrgID: f.OrgID, DriveID: f.DriveID, Name: path.Base(clean), ContentType: file.ContentType, SizeBytes: file.SizeBytes, SHA256: file.SHA256,
	}, now)
	if err != nil {
		return nil, placed(err, at)
	}
	dir := path.Dir(clean)
	if dir == "." {
		dir = ""
	}
	return &batched{path: clean, dir: dir, draft: asset, own: upload, upload: upload}, nil
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
	org := by.facts.OrgID
	if err := tx.Drives.Lock(ctx, org, true, in.DriveID); err != nil {
		return err
	}
	t := &grove{s: s, tx: tx, by: by, in: in, org: org, now: now, trails: make(map[string]core.Trail), wanted: make(map[string]bool, len(files))}
	for _, b := range files {
		t.wanted[b.path] = true
	}
	fresh, grown, err := s.settleAll(ctx, t, files)
	if err != nil {
		return err
	}
	if t.out && len(t.made) > 0 {
		return errWithout
	}
	all := append(append([]ports.Planted(nil), fresh...), grown...)
	for _, p := range all {
		if p.Upload.Strategy == core.UploadMultipart && p.Upload.StoreID == "" {
			return errBegin
		}
	}
	if err := tx.Subtrees.Plant(ctx, nil, fresh); err != nil {
		return err
	}
	if err := tx.Subtrees.Grow(ctx, grown); err != nil {
		return err
	}
	if err := t.tell(ctx); err != nil || in.Also == nil {
		return err
	}
	out := make([]BatchCreated, len(files))
	for i, b := range files {
		out[i] = b.created()
	}
	return in.Also(ctx, tx, out)
}

// settleAll finds out what each file becomes: a new one, another version, or
// nothing that is not there.
func (s *Service) settleAll(ctx context.Context, t *grove, files []*batched) (fresh, grown []ports.Planted, err error) {
	there, err := t.look(ctx, files)
	if err != nil {
		return nil, nil, err
	}
	room, err := app.RoomIn(ctx, t.tx, t.org, t.in.DriveID, s.opts.Unlimited, t.now)
	if err != nil {
		return nil, nil, err
	}
	for _, b := range files {
		if b.err != nil {
			continue
		}
		become, err := s.settleOne(ctx, t, b, there[b.dir])
		p := ports.Planted{Asset: b.asset, Upload: b.upload}
		if err == nil && t.in.Each {
			err = roomFor(room, become, p)
		}
		switch {
		case err != nil && !t.keeps(b, err):
			return nil, nil, err
		case err != nil:
		case become == asNew:
			fresh = append(fresh, p)
		case become == asVersion:
			grown = append(grown, p)
		}
	}
	if !t.in.Each {
		err = room.Take(int64(len(fresh)), append(slices.Clone(fresh), grown...)...)
	}
	return fresh, grown, err
}

// becoming is what a file of a batch becomes.
type becoming int

const (
	asItIs becoming = iota // nothing that is not there
	asNew
	asVersion
)

func roomFor(room *app.Room, become becoming, p ports.Planted) error {
	switch become {
	case asNew:
		return room.Take(1, p)
	case asVersion:
		return room.Take(0, p)
	case asItIs:
	}
	return nil
}

// settleOne finds out what a file becomes beside what is in its folder.
func (s *Service) settleOne(ctx context.Context, t *grove, b *batched, there map[string]ports.Entry) (becoming, error) {
	b.upload, b.old, b.draft.Name = b.own, false, path.Base(b.path) // whatever an attempt before has found
	e, found := there[b.draft.Name]
	if !found {
		s.anew(t, b)
		return asNew, nil
	}
	if t.in.OnConflict == ConflictVersion && has(e, b.own) {
		b.asset, b.upload, b.number = &core.Asset{Node: e.Node, File: e.File}, nil, e.File.Current
		return asItIs, nil
	}
	if going, err := t.goesOn(ctx, b, e); err != nil || going {
		return asItIs, err
	}
	switch t.in.OnConflict {
	case ConflictFail:
		return asItIs, core.ErrNameTaken.With("path", b.path)
	case ConflictRename:
		var err error
		if b.draft.Name, err = t.freeName(ctx, b, there); err != nil {
			return asItIs, err
		}
		there[b.draft.Name] = ports.Entry{Node: b.draft.Node}
		s.anew(t, b)
		return asNew, nil
	case ConflictVersion:
	}
	return s.renewed(t, b, e)
}

// anew makes a file of a batch a new one.
func (s *Service) anew(t *grove, b *batched) {
	b.asset, b.number = b.draft, 1
	b.asset.DriveID, b.asset.ParentID, b.asset.CreatedBy = t.in.DriveID, t.trails[b.dir][0].ID, t.by.facts.AccountID
	b.upload.DriveID, b.upload.CreatedBy = t.in.DriveID, t.by.facts.AccountID
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

// has reports whether a file has the bytes of an upload, as far as that says.
func has(e ports.Entry, u *core.Upload) bool {
	return e.Node.Kind == core.KindAsset && u.SHA256 != nil && e.File.Status == core.AssetReady &&
		e.File.SizeBytes == u.SizeBytes && bytes.Equal(e.File.SHA256, u.SHA256)
}

// renewed makes a file of a batch another version of the one that is there.
func (s *Service) renewed(t *grove, b *batched, e ports.Entry) (becoming, error) {
	if e.Node.Kind != core.KindAsset {
		return asItIs, core.ErrNameTaken.Say("there is a folder at the path "+b.path).With("path", b.path)
	}
	b.asset = &core.Asset{Node: e.Node, File: e.File}
	b.upload.DriveID, b.upload.CreatedBy = t.in.DriveID, t.by.facts.AccountID
	b.asset.Newest++
	b.number = b.asset.Newest
	s.aim(b, e.Node.ID, b.number)
	return asVersion, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// beginAll lets the store begin the uploads that have parts.
func (s *Service) beginAll(ctx context.Context, files []*batched) error {
	return inLanes(files, func(_ int, f **batched) error {
		if (*f).toBegin() {
			return s.begin(ctx, (*f).upload)
		}
		return nil
	})
}

// toBegin reports whether the store has to begin the upload.
func (b *batched) toBegin() bool {
	return b.err == nil && b.upload != nil && !b.old && b.upload.Strategy == core.UploadMultipart && b.upload.StoreID == ""
}
