package asset

import (
	"context"
	"errors"
	"path"
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
	org    core.OrgID
	drive  core.DriveID
	now    time.Time
	trails map[string]core.Trail // by path
	made   []*core.Node
}

// folder returns the way to a folder, which it makes if there is none.
func (t *grove) folder(ctx context.Context, dir string) (core.Trail, error) {
	if trail, ok := t.trails[dir]; ok {
		return trail, nil
	}
	if dir == "" {
		trail, err := t.tx.Nodes.Trail(ctx, t.drive, core.RootOf(t.drive))
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
	e, err := t.tx.Nodes.ByName(ctx, t.drive, parent[0].ID, name)
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

// tell tells those who follow the drive, and those outside, of new folders. Of a
// file they hear once its bytes are there.
func (t *grove) tell(ctx context.Context) error {
	if len(t.made) == 0 {
		return nil
	}
	changes, events := make([]core.NodeChange, len(t.made)), make([]*core.Event, len(t.made))
	for i, n := range t.made {
		changes[i] = core.Changed(core.ChangeCreated, n, t.now)
		events[i] = core.NewEvent(t.s.ids.NewID(), t.org, "node.created", app.NodeData(n), t.now)
	}
	if err := t.tx.Changes.Add(ctx, changes...); err != nil {
		return err
	}
	return app.Emit(ctx, t.tx, events...)
}
