package drive_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/core"
)

// mirror is a copy of a drive, kept by following its changes as a client
// would: what a folder brings with it is listed, and what was listed may be
// newer than the change that comes next.
type mirror struct {
	f     *team
	sc    core.Scope
	seq   int64
	nodes map[core.NodeID]core.Node
}

func newMirror(f *team, sc core.Scope) *mirror {
	return &mirror{f: f, sc: sc, nodes: map[core.NodeID]core.Node{}}
}

// follow applies what has happened, until there is no more.
func (m *mirror) follow() error {
	for {
		list, end, latest, err := m.f.Changes(m.f.Context(), m.sc, drive.Since{Seq: m.seq}, 20)
		if err != nil {
			return err
		}
		for _, c := range list {
			if m.seq++; c.Seq != m.seq {
				return fmt.Errorf("change %d comes after %d", c.Seq, m.seq-1)
			}
			if err := m.apply(c); err != nil {
				return err
			}
		}
		if end == latest {
			return nil
		}
	}
}

// apply carries out a change. What a listing has shown already is done again, in
// order: so the last word about a node is that of the last change.
func (m *mirror) apply(c core.NodeChange) error {
	_, here := m.nodes[c.NodeID]
	switch c.Kind {
	case core.ChangeTrashed, core.ChangePurged, core.ChangeMovedOut:
		m.remove(c.NodeID)
		return nil
	case core.ChangeCreated, core.ChangeMovedIn, core.ChangeRestored:
		here = false // it may bring more with it than was seen
	case core.ChangeUpdated, core.ChangeMoved:
	}
	if _, ok := m.nodes[c.ParentID]; !ok && c.ParentID != core.RootOf(m.sc.DriveID) {
		m.remove(c.NodeID) // in a folder that is not there: it comes with that
		return nil
	}
	m.nodes[c.NodeID] = core.Node{ID: c.NodeID, ParentID: c.ParentID, Kind: c.NodeKind, Name: c.Name, Version: c.NodeVersion}
	if here || c.NodeKind != core.KindFolder {
		return nil
	}
	return m.list(c.NodeID)
}

// list takes over what is in a folder now.
func (m *mirror) list(id core.NodeID) error {
	entries, err := m.f.List(m.f.Context(), m.sc, drive.ListInput{ParentID: id, Limit: 1000})
	if errors.Is(err, core.ErrNotFound) || errors.Is(err, core.ErrNodeTrashed) {
		return nil // a later change says so
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Node.Kind == core.KindAsset && e.File.Status != core.AssetReady {
			continue
		}
		m.nodes[e.Node.ID] = core.Node{ID: e.Node.ID, ParentID: e.Node.ParentID, Kind: e.Node.Kind, Name: e.Node.Name, Version: e.Node.Version}
		if e.Node.Kind == core.KindFolder {
			if err := m.list(e.Node.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// remove forgets a node with all that is below it.
func (m *mirror) remove(id core.NodeID) {
	delete(m.nodes, id)
	for _, n := range slices.Collect(maps.Values(m.nodes)) {
		if n.ParentID == id {
			m.remove(n.ID)
		}
	}
}

// differs compares the mirror with the drive.
func (m *mirror) differs() error {
	now := newMirror(m.f, m.sc)
	if err := now.list(core.RootOf(m.sc.DriveID)); err != nil {
		return err
	}
	for id, want := range now.nodes {
		if got, ok := m.nodes[id]; !ok || got.ParentID != want.ParentID || got.Name != want.Name || got.Version != want.Version {
			return fmt.Errorf("after change %d the mirror has %+v (%t), the drive %+v", m.seq, got, ok, want)
		}
	}
	for id, n := range m.nodes {
		if _, ok := now.nodes[id]; !ok {
			return fmt.Errorf("after change %d the mirror has %+v, the drive has not", m.seq, n)
		}
	}
	return nil
}
