package drive

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// FolderInput is a new folder in the one named (zero: the scope's top) or, from
// it, the one a path leads to.
type FolderInput struct {
	Name     string
	ParentID core.NodeID
	Path     string
	Parents  bool // make what is missing of the path, and take a folder that is there
	Once     *app.Once
}

// CreateFolder makes a folder. made is false if it was there and in.Parents
// says that it may be. It returns core.ErrNameTaken, core.ErrTooDeep.
func (s *Service) CreateFolder(ctx context.Context, sc core.Scope, in FolderInput) (n *core.Node, made bool, err error) {
	if err := sc.CanWrite(); err != nil {
		return nil, false, err
	}
	name, err := core.CleanNodeName("body.name", in.Name, s.text.NFC)
	if err != nil {
		return nil, false, err
	}
	path, err := core.SplitPath("body.path", in.Path, s.text.NFC)
	if err != nil {
		return nil, false, err
	}
	now := s.clock.Now()
	err = in.Once.Do(ctx, s.store, s.secrets, now, func(tx ports.Tx) error {
		if err := tx.Drives.Lock(ctx, sc.OrgID, false, sc.DriveID); err != nil {
			return err
		}
		at, err := s.folder(ctx, tx, sc, in.ParentID, nil)
		if err != nil {
			return atParent(err)
		}
		for i, step := range path {
			if at, _, err = s.step(ctx, tx, sc, at, step, in.Parents); err != nil {
				return inPath(i, err)
			}
		}
		if at, made, err = s.step(ctx, tx, sc, at, name, true); err != nil {
			return err
		}
		if !made && !in.Parents {
			return core.ErrNameTaken.With("node_id", at[0].ID)
		}
		n = &at[0]
		return in.Once.Keep(ctx, tx, s.secrets, n, now)
	})
	if err != nil {
		return nil, false, err
	}
	return n, made, nil
}

// errNoSuchFolder is a step of a path that leads nowhere.
var errNoSuchFolder = core.Invalid("body.path", "leads to no folder; with parents: true what is missing is made")

// step goes from a folder into the one of that name in it, which it makes if
// there is none and it may. It returns the way to it.
func (s *Service) step(
	ctx context.Context, tx ports.Tx, sc core.Scope, from core.Trail, name string, mayMake bool,
) (to core.Trail, made bool, err error) {
	e, err := tx.Nodes.ByName(ctx, sc.DriveID, from[0].ID, name)
	switch {
	case err == nil && e.Node.Kind != core.KindFolder:
		return nil, false, core.ErrNameTaken.With("node_id", e.Node.ID)
	case err == nil:
		return append(core.Trail{e.Node}, from...), false, nil
	case !errors.Is(err, core.ErrNotFound):
		return nil, false, err
	case !mayMake:
		return nil, false, errNoSuchFolder
	}
	if err := from.CheckParent(core.KindFolder, 0); err != nil {
		return nil, false, err
	}
	now := s.clock.Now()
	n := core.NewFolder(core.NodeID(s.ids.NewID()), &from[0], name, sc.By, now)
	if err := tx.Nodes.Add(ctx, n, from); err != nil {
		return nil, false, err
	}
	details := map[string]core.Change{"name": {To: n.Name}, "parent_id": {To: n.ParentID}}
	return append(core.Trail{*n}, from...), true, s.did(ctx, tx, sc, core.ChangeCreated, n, details, now)
}

// atParent says that it is the parent a client has named which is not there:
// what is asked for itself may well be.
func atParent(err error) error {
	switch {
	case errors.Is(err, core.ErrNotFound):
		return core.ErrParentNotDir
	case errors.Is(err, core.ErrNodeTrashed):
		return core.ErrNodeTrashed.Say("the folder to put it into, or one above that, is in the trash; restore that first")
	}
	return err
}

// inPath says at which step of a path something is in the way.
func inPath(step int, err error) error {
	if e, ok := errors.AsType[*core.Error](err); ok && errors.Is(err, core.ErrNameTaken) {
		return e.Say(fmt.Sprintf("step %d of the path is a file, not a folder", step+1))
	}
	return err
}
