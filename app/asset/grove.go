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

// grove is the folders of a batch.
type grove struct {
	s      *Service
	tx     ports.Tx
	by     author
	in     BatchInput
	org    core.OrgID
	now    time.Time
	trails map[string]core.Trail // by path
	wanted map[string]bool       // by path, by the files of the batch
	made   []*core.Node
	out    bool // files were kept out
}

// folder returns the way to a folder, which it makes if there is none.
func (t *grove) folder(ctx context.Context, dir string) (core.Trail, error) {
	if trail, ok := t.trails[dir]; ok {
		return trail, nil
	}
	if dir == "" {
		top := t.in.ParentID
		if top.IsZero() {
			top = core.RootOf(t.in.DriveID)
		}
		trail, err := t.tx.Nodes.Trail(ctx, t.in.DriveID, top)
		if err == nil && len(trail) == 0 {
			err = core.ErrNotFound
		}
		t.trails[dir] = trail
		return trail, err
	}
	above := path.Dir(dir)
	if above == "." {
		above = ""
	}
	parent, err := t.folder(ctx, above)
	if err != nil {
		return nil, err
	}
	name := path.Base(dir)
	e, err := t.tx.Nodes.ByName(ctx, t.in.DriveID, parent[0].ID, name)
	switch {
	case err == nil && e.Node.Kind != core.KindFolder:
		return nil, core.ErrNameTaken.Say("there is a file at the path "+dir).With("path", dir)
	case err == nil:
		t.trails[dir] = append(core.Trail{e.Node}, parent...)
		return t.trails[dir], nil
	case !errors.Is(err, core.ErrNotFound):
		return nil, err
	}
	if err := parent.CheckParent(core.KindFolder, 0); err != nil {
		return nil, err
	}
	n := core.NewFolder(core.NodeID(t.s.ids.NewID()), &parent[0], name, t.by.facts.AccountID, t.now)
	if err := t.tx.Nodes.Add(ctx, n, parent); err != nil {
		return nil, err
	}
	t.made = append(t.made, n)
	t.trails[dir] = append(core.Trail{*n}, parent...)
	return t.trails[dir], nil
}

// look returns what is at the names of the files, by folder and name. A folder
// that cannot be keeps its files out.
func (t *grove) look(ctx context.Context, files []*batched) (map[string]map[string]ports.Entry, error) {
	top, err := t.folder(ctx, "")
	if errors.Is(err, core.ErrNotFound) && !t.in.ParentID.IsZero() {
		err = core.ErrParentNotDir
	}
	if err == nil {
		err = top.CheckParent(core.KindAsset, 0)
	}
	if err != nil { // where that cannot be, no file can
		return nil, err
	}
	in := make(map[string][]*batched)
	var dirs []string
	for _, b := range files {
		if b.err != nil {
			continue
		}
		if in[b.dir] == nil {
			dirs = append(dirs, b.dir)
		}
		in[b.dir] = append(in[b.dir], b)
	}
	there := make(map[string]map[string]ports.Entry, len(dirs))
	for _, dir := range dirs {
		names := make([]string, len(in[dir]))
		for i, b := range in[dir] {
			names[i] = path.Base(b.path)
		}
		trail, err := t.folder(ctx, dir)
		if err == nil {
			err = trail.CheckParent(core.KindAsset, 0)
		}
		if err == nil {
			there[dir], err = t.tx.Nodes.ByNames(ctx, t.in.DriveID, trail[0].ID, names)
		}
		if err != nil && !t.keeps(in[dir][0], err) {
			return nil, err
		}
		for _, b := range in[dir] {
			b.err = cmp.Or(b.err, err)
		}
	}
	return there, nil
}

// keeps keeps a file out, of those that come each by itself, if that is its own
// fault, and reports whether it is.
func (t *grove) keeps(b *batched, err error) bool {
	e, ok := errors.AsType[*core.Error](err)
	if !t.in.Each || !ok || errors.Is(err, core.ErrStale) ||
		slices.Contains([]core.Kind{core.KindInternal, core.KindUnavailable, core.KindUnauthenticated}, e.Kind) {
		return false
	}
	b.err, t.out = err, true
	return true
}

// goesOn reports whether an earlier request for the same has begun the upload of
// a file, which is gone on with.
func (t *grove) goesOn(ctx context.Context, b *batched, e ports.Entry) (bool, error) {
	if e.Node.Kind != core.KindAsset || t.in.OnConflict != ConflictVersion && (e.File.Status == core.AssetReady || e.Node.CreatedBy != t.by.facts.AccountID) {
		return false, nil
	}
	begun, err := t.tx.Uploads.Of(ctx, t.org, e.Node.ID)
	if err != nil {
		return false, err
	}
	for _, u := range begun {
		if u.Number == e.File.Newest && u.SizeBytes == b.own.SizeBytes && u.ContentType == b.own.ContentType &&
			bytes.Equal(u.SHA256, b.own.SHA256) && u.Strategy != core.UploadCopy && t.now.Before(u.ExpiresAt) {
			b.asset = &core.Asset{Node: e.Node, File: e.File}
			b.upload, b.number, b.old = u, u.Number, true
			return true, t.tx.Uploads.Postpone(ctx, u.ID, time.Time{}, earlier(t.now.Add(t.s.opts.Uploads.URL), u.ExpiresAt))
		}
	}
	return false, nil
}

// freeName returns a name such as "a (1).txt" that neither the folder of a file nor
// the batch has.
func (t *grove) freeName(ctx context.Context, b *batched, there map[string]ports.Entry) (string, error) {
	stem, ext := core.SplitName(core.KindAsset, b.draft.Name)
	taken, err := t.tx.Nodes.NamesLike(ctx, t.in.DriveID, t.trails[b.dir][0].ID, stem+" (", maxNames)
	if err != nil {
		return "", err
	}
	used := make(map[string]bool, len(taken))
	for _, name := range taken {
		used[name] = true
	}
	for i := 1; ; i++ {
		name := fmt.Sprintf("%s (%d)%s", stem, i, ext)
		if _, ok := there[name]; !ok && !used[name] && !t.wanted[path.Join(b.dir, name)] {
			return name, nil
		}
	}
}

// tell tells the audit log, those who follow the drive and those outside of new
// folders. Of a file they hear once its bytes are there.
func (t *grove) tell(ctx context.Context) error {
	if len(t.made) == 0 {
		return nil
	}
	changes, events, entries := make([]core.NodeChange, len(t.made)), make([]*core.Event, len(t.made)), make([]*core.AuditEntry, len(t.made))
	for i, n := range t.made {
		changes[i] = core.Changed(core.ChangeCreated, n, t.now)
		events[i] = core.NewEvent(t.s.ids.NewID(), t.org, "node.created", app.NodeData(n), t.now)
		entries[i] = app.Audited(t.s.ids.NewID(), t.by.facts, t.by.actor, "folder.created", app.Target{Kind: "folder", ID: n.ID.String()},
			map[string]core.Change{"name": {To: n.Name}, "parent_id": {To: n.ParentID}}, t.now)
	}
	if err := t.tx.Audit.Add(ctx, entries...); err != nil {
		return err
	}
	if err := t.tx.Changes.Add(ctx, changes...); err != nil {
		return err
	}
	return app.Emit(ctx, t.tx, events...)
}
