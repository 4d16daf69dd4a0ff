package drive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// maxTransfer is how many nodes go to another drive, or are copied, in one
// unit of work.
const maxTransfer = 10_000

// OnConflict says what to do if a folder has something of that name.
type OnConflict string

// The answers to a name that is taken.
const (
	ConflictFail   OnConflict = "fail"
	ConflictRename OnConflict = "rename" // "a.txt" becomes "a (1).txt"
)

// Target is where something shall go, and under which name.
type Target struct {
	Scope      core.Scope  // of the drive it goes to
	ParentID   core.NodeID // zero: the scope's top
	Name       *string     // nil: its own
	OnConflict OnConflict  // empty: ConflictFail
}

// Rename gives a node another name; nil leaves it its own. It returns
// core.ErrNameTaken, and core.ErrStale if the node is not at the version the
// client has seen (0: any).
func (s *Service) Rename(
	ctx context.Context, sc core.Scope, id core.NodeID, name *string, wish OnConflict, ifMatch int64,
) (*ports.Entry, error) {
	return s.move(ctx, sc, id, func(n *core.Node) Target {
		return Target{Scope: sc, ParentID: n.ParentID, Name: name, OnConflict: wish}
	}, sc, ifMatch)
}

// Move puts a node, with all that is in it, into another folder, also of
// another drive of the org. It returns what Rename returns, core.ErrCycle,
// core.ErrTooDeep and, for another drive, core.ErrTooManyNodes and the code
// limit_exceeded.
func (s *Service) Move(ctx context.Context, sc core.Scope, id core.NodeID, to Target, ifMatch int64) (*ports.Entry, error) {
	return s.move(ctx, sc, id, func(*core.Node) Target { return to }, to.Scope, ifMatch)
}

func (s *Service) move(
	ctx context.Context, sc core.Scope, id core.NodeID, target func(*core.Node) Target, dest core.Scope, ifMatch int64,
) (e *ports.Entry, err error) {
	if err := errors.Join(sc.CanWrite(), dest.CanWrite()); err != nil {
		return nil, core.ErrForbidden
	}
	if dest.OrgID != sc.OrgID {
		return nil, errOtherOrg
	}
	other := dest.DriveID != sc.DriveID
	err = s.store.Update(ctx, func(tx ports.Tx) error {
		if err := tx.Drives.Lock(ctx, sc.OrgID, other, sc.DriveID, dest.DriveID); err != nil {
			return err
		}
		n, t, err := s.change(ctx, tx, sc, id, ifMatch)
		if err != nil {
			return err
		}
		if !t.Live() {
			return core.ErrNodeTrashed
		}
		before, now := *n, s.clock.Now()
		if err := s.aim(ctx, tx, n, target(n), now); err != nil {
			return err
		}
		switch {
		case other:
			err = s.transfer(ctx, tx, sc, dest, &before, n, now)
		case n.Version == before.Version:
			err = nil // it is there already
		default:
			n.Version = before.Version + 1
			if err = tx.Nodes.Save(ctx, n); err == nil {
				err = s.did(ctx, tx, sc, core.ChangeMoved, n, moved(&before, n), now)
			}
		}
		if err != nil {
			return err
		}
		e, err = tx.Nodes.Get(ctx, dest.DriveID, id)
		return err
	})
	return e, err
}

// aim gives the node the place and the name that a target says, if it fits there.
func (s *Service) aim(ctx context.Context, tx ports.Tx, n *core.Node, to Target, now time.Time) error {
	parent, err := s.folder(ctx, tx, to.Scope, to.ParentID, nil)
	if err != nil {
		return atParent(err)
	}
	if err := s.fits(ctx, tx, n, parent); err != nil {
		return err
	}
	name := n.Name
	if to.Name != nil {
		if name, err = core.CleanNodeName("body.name", *to.Name, s.text.NFC); err != nil {
			return err
		}
	}
	if name, err = s.free(ctx, tx, n, parent, name, to.OnConflict); err != nil {
		return err
	}
	if name != n.Name {
		n.Rename(name, now)
	}
	if parent[0].ID == n.ParentID {
		return nil
	}
	n.Move(parent[0].ID, now)
	if n.Kind != core.KindFolder {
		return nil
	}
	return tx.Nodes.Raise(ctx, parent, n.Height)
}

// fits refuses a place in the tree. What is kept of a folder's height is never
// too low but can be too high: before it refuses anything it is counted.
func (s *Service) fits(ctx context.Context, tx ports.Tx, n *core.Node, parent core.Trail) error {
	if parent.Within(n.ID) {
		return core.ErrCycle
	}
	err := parent.CheckParent(n.Kind, n.Height)
	if errors.Is(err, core.ErrTooDeep) && n.Kind == core.KindFolder {
		if n.Height, err = tx.Subtrees.Height(ctx, n.DriveID, n.ID); err != nil {
			return err
		}
		err = parent.CheckParent(n.Kind, n.Height)
	}
	return err
}

// free returns the name for a node in a folder: the one asked for or, if that
// is taken and so wished, the first with a number that is not. The drive is
// locked, so it stays free.
func (s *Service) free(
	ctx context.Context, tx ports.Tx, n *core.Node, parent core.Trail, name string, wish OnConflict,
) (string, error) {
	e, err := tx.Nodes.ByName(ctx, parent[0].DriveID, parent[0].ID, name)
	switch {
	case errors.Is(err, core.ErrNotFound), err == nil && e.Node.ID == n.ID:
		return name, nil
	case err != nil:
		return "", err
	case wish != ConflictRename:
		return "", core.ErrNameTaken.With("node_id", e.Node.ID)
	}
	const maxNames = 10_000 // bounds what is read of a folder full of "a (1).txt"
	stem, ext := core.SplitName(n.Kind, name)
	taken, err := tx.Nodes.NamesLike(ctx, parent[0].DriveID, parent[0].ID, stem+" (", maxNames)
	if err != nil {
		return "", err
	}
	used := make(map[string]bool, len(taken))
	for _, t := range taken {
		used[t] = true
	}
	for i := 1; ; i++ {
		if name := fmt.Sprintf("%s (%d)%s", stem, i, ext); !used[name] {
			return name, nil
		}
	}
}

// transfer takes a node to another drive, which is to remove it from its own.
func (s *Service) transfer(ctx context.Context, tx ports.Tx, from, to core.Scope, before, n *core.Node, now time.Time) error {
	if err := s.canDelete(ctx, tx, from, before); err != nil {
		return err
	}
	n.Version = before.Version + 1
	n.UpdatedAt = now
	if err := tx.Subtrees.Transfer(ctx, from.OrgID, n, to.DriveID, maxTransfer); err != nil {
		return err
	}
	n.DriveID = to.DriveID
	told, err := tell(ctx, tx, n, core.Changed(core.ChangeMovedOut, before, now))
	if err != nil {
		return err
	}
	details := moved(before, n)
	details["drive_id"] = core.Change{From: before.DriveID, To: to.DriveID}
	if told { // those who may read the drive that it leaves may not read the other
		if err := s.announce(ctx, tx, from, core.ChangeMovedOut, before, details, now); err != nil {
			return err
		}
	}
	return s.did(ctx, tx, to, core.ChangeMovedIn, n, details, now)
}

func moved(before, after *core.Node) map[string]core.Change {
	changes := make(map[string]core.Change)
	if before.Name != after.Name {
		changes["name"] = core.Change{From: before.Name, To: after.Name}
	}
	if before.ParentID != after.ParentID {
		changes["parent_id"] = core.Change{From: before.ParentID, To: after.ParentID}
	}
	return changes
}
