package drive

import (
	"context"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Entry is a node as the store has it.
type Entry = ports.Entry

// Sort is an order of a folder's nodes.
type Sort = ports.NodeSort

// Position is where a page of a folder ends.
type Position = ports.NodePosition

// TrashPosition is where a page of the trash ends.
type TrashPosition = ports.TrashPosition

// ByName is the order that has a quick way, see Page.
const ByName = ports.SortName

// ListInput is a page of a folder: the one named or, from it, the one a path
// leads to. ParentID zero means the scope's top.
type ListInput struct {
	ParentID   core.NodeID
	Path       string
	Sort       Sort
	Descending bool
	After      Position
	Limit      int
}

// List returns what is in a folder. It returns core.ErrNotFound if there is no
// such folder, and core.ErrNodeTrashed if it is in the trash.
func (s *Service) List(ctx context.Context, sc core.Scope, in ListInput) (entries []ports.Entry, err error) {
	if err := sc.CanRead(); err != nil {
		return nil, err
	}
	path, err := core.SplitPath("query.path", in.Path, s.text.NFC)
	if err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(tx ports.Tx) error {
		parent, err := s.folder(ctx, tx, sc, in.ParentID, path)
		if errors.Is(err, core.ErrParentNotDir) && len(path) > 0 {
			return core.Invalid("query.path", notListed)
		}
		if errors.Is(err, core.ErrParentNotDir) {
			return core.Invalid("query.parent_id", notListed)
		}
		if err != nil {
			return err
		}
		entries, err = tx.Listings.List(ctx, ports.NodeQuery{
			DriveID: sc.DriveID, ParentID: parent[0].ID, Sort: in.Sort, Descending: in.Descending, After: in.After, Limit: in.Limit,
		})
		return err
	})
	return entries, err
}

// Page returns what is in a folder of a drive by name, quicker than Enter and
// List do; in.Path and in.Sort are not looked at.
func (s *Service) Page(ctx context.Context, a core.Actor, drive core.DriveID, in ListInput) ([]Entry, error) {
	f, entries, err := s.access.ForPage(ctx, a, ports.NodeQuery{
		DriveID: drive, ParentID: in.ParentID, Sort: ports.SortName, Descending: in.Descending, After: in.After, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	if err := core.CanList(f); !errors.Is(err, core.ErrNotFolder) {
		return entries, err
	}
	return nil, core.Invalid("query.parent_id", notListed)
}

const notListed = "leads to a file; only folders are listed"

// Get returns a node, trashed or not.
func (s *Service) Get(ctx context.Context, sc core.Scope, id core.NodeID) (e *ports.Entry, err error) {
	if err := sc.CanRead(); err != nil {
		return nil, err
	}
	return s.node(ctx, sc, id)
}

// Changeable is Get for somebody who changes the node otherwise than here: as
// every change does, it shows the node to those who may only write, too.
func (s *Service) Changeable(ctx context.Context, sc core.Scope, id core.NodeID) (*ports.Entry, error) {
	if err := sc.CanWrite(); err != nil {
		return nil, err
	}
	return s.node(ctx, sc, id)
}

func (s *Service) node(ctx context.Context, sc core.Scope, id core.NodeID) (e *ports.Entry, err error) {
	err = s.store.View(ctx, func(tx ports.Tx) error {
		if _, _, err := s.find(ctx, tx, sc, id); err != nil {
			return err
		}
		e, err = tx.Nodes.Get(ctx, sc.DriveID, id)
		return err
	})
	return e, err
}

// PositionOf returns where a page ends whose last entry is e.
func PositionOf(sort Sort, e *Entry) Position {
	switch sort {
	case ports.SortSize:
		return Position{At: e.File.SizeBytes, ID: e.Node.ID}
	case ports.SortUpdated:
		return Position{At: e.Node.UpdatedAt.UnixMicro(), ID: e.Node.ID}
	case ports.SortKind:
		return Position{Name: e.Node.Name, Kind: e.Node.Kind}
	case ports.SortName:
	}
	return Position{Name: e.Node.Name}
}

// Path returns the way to a node from the scope's top, which comes first.
func (s *Service) Path(ctx context.Context, sc core.Scope, id core.NodeID) (way []core.Node, err error) {
	if err := sc.CanRead(); err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(tx ports.Tx) error {
		_, t, err := s.find(ctx, tx, sc, id)
		if err != nil {
			return err
		}
		for i := range t {
			way = append([]core.Node{t[i]}, way...)
			if t[i].ID == sc.Root {
				break
			}
		}
		return nil
	})
	return way, err
}

// SearchInput is a page of what is found. The zero value of a filter means any.
type SearchInput struct {
	Text             string // part of the name, in any case; its beginning if shorter than 3 characters
	InText           bool   // Text is words of a file's text instead, the last one the beginning of one
	Kind             core.NodeKind
	Type             string // a media type, or its part before the slash
	Tag              string
	MinSize, MaxSize int64 // bytes
	From, To         time.Time
	Before           core.NodeID
	Limit            int
}

// Search returns live nodes of the scope, newest first.
func (s *Service) Search(ctx context.Context, sc core.Scope, in SearchInput) (entries []ports.Entry, err error) {
	if err := sc.CanRead(); err != nil {
		return nil, err
	}
	text, words := core.Fold(s.text.NFC(in.Text)), []string(nil)
	if in.InText {
		if words, err = core.SearchWords("query.q", text); err != nil {
			return nil, err
		}
		text = ""
	}
	err = s.store.Survey(ctx, func(tx ports.Tx) (err error) {
		entries, err = tx.Listings.Search(ctx, ports.NodeSearch{
			DriveID: sc.DriveID, Root: sc.Root, Text: text, OrgID: sc.OrgID, Words: words, Kind: in.Kind, Type: core.Fold(in.Type), Tag: s.text.NFC(in.Tag),
			MinSize: in.MinSize, MaxSize: in.MaxSize, From: in.From, To: in.To, Before: in.Before, Limit: in.Limit,
		})
		return err
	})
	return entries, err
}

// Trash returns what has been moved to the trash, latest first.
func (s *Service) Trash(ctx context.Context, sc core.Scope, before TrashPosition, limit int) (entries []Entry, err error) {
	if err := sc.CanReadWhole(); err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		entries, err = tx.Listings.ListTrash(ctx, ports.TrashQuery{DriveID: sc.DriveID, Before: before, Limit: limit})
		return err
	})
	return entries, err
}

// Since is a place in a drive's changes.
type Since struct {
	Seq    int64 // the number of the last change that the caller has seen
	Oldest bool  // not Seq: as far back as changes are kept
	Now    bool  // not Seq: after all there are
}

// Changes returns what has happened in the drive from there on, the number of
// the last change that was returned or passed over, and of the latest there is.
// It returns core.ErrCursorExpired if some of it is no longer kept.
func (s *Service) Changes(ctx context.Context, sc core.Scope, from Since, limit int) (changes []core.NodeChange, end, latest int64, err error) {
	if err := sc.CanReadWhole(); err != nil {
		return nil, 0, 0, err
	}
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		if from.Oldest {
			if from.Seq, latest, err = tx.Changes.Kept(ctx, sc.DriveID); err != nil {
				return err
			}
			if from.Now {
				from.Seq = latest
			}
		}
		changes, latest, err = tx.Changes.List(ctx, sc.DriveID, from.Seq, limit)
		return err
	})
	end = from.Seq
	if len(changes) > 0 {
		end = changes[len(changes)-1].Seq
	}
	return changes, end, latest, err
}
