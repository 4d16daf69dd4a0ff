package drive_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// twig is a node as the model has it.
type twig struct {
	id            core.NodeID
	up            *twig // nil: a root
	name          string
	folder        bool
	size          int64
	trashed, gone bool
	waits         *asset.Created // its bytes have not arrived
}

// model is what two drives of the team should be, held in memory.
type model struct {
	*rapid.T

	f      *team
	scopes map[core.NodeID]core.Scope // by their roots
	all    []*twig                    // the roots are the first two
}

func (w *twig) root() *twig {
	for w.up != nil {
		w = w.up
	}
	return w
}

// any reports whether a node or one above it is so.
func (w *twig) any(is func(*twig) bool) bool { return is(w) || w.up != nil && w.up.any(is) }

func (w *twig) live() bool { return !w.any(func(x *twig) bool { return x.trashed || x.gone }) }

func (w *twig) lost() bool { return w.any(func(x *twig) bool { return x.gone }) }

func (w *twig) within(top *twig) bool { return w.any(func(x *twig) bool { return x == top }) }

func (m *model) scope(w *twig) core.Scope { return m.scopes[w.root().id] }

// taken reports whether another live node has the name in a folder.
func (m *model) taken(in *twig, name string, but *twig) bool {
	return slices.ContainsFunc(m.all, func(x *twig) bool { return x != but && x.up == in && x.name == name && x.live() })
}

// numbered is the name that something gets where its own may be taken.
func (m *model) numbered(in *twig, name string, but *twig) string {
	for i, try := 1, name; ; i++ {
		if !m.taken(in, try, but) {
			return try
		}
		try = fmt.Sprintf("%s (%d)", name, i)
	}
}

// outcome compares an error with the code that the model expects.
func (m *model) outcome(what string, err error, code string) bool {
	m.Helper()
	e, ok := errors.AsType[*core.Error](err)
	if code == "" && err != nil || code != "" && (!ok || e.Code != code) {
		m.Fatalf("%s: %v, want %q", what, err, code)
	}
	return err == nil
}

// place is why nothing can come into a folder.
func (m *model) place(in *twig) string {
	switch {
	case !in.folder:
		return "validation_failed"
	case !in.live():
		return "trashed"
	}
	return ""
}

func first(codes ...string) string {
	for _, c := range codes {
		if c != "" {
			return c
		}
	}
	return ""
}

func when(is bool, code string) string {
	if is {
		return code
	}
	return ""
}

// pick draws a node that is there.
func (m *model) pick(what string) *twig {
	there := slices.DeleteFunc(slices.Clone(m.all), (*twig).lost)
	return there[rapid.IntRange(0, len(there)-1).Draw(m.T, what)]
}

func (m *model) name() string {
	return rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(m.T, "name")
}

// step does one thing to the drives and to the model.
func (m *model) step() {
	f, ctx, n, p := m.f, m.f.Context(), m.pick("node"), m.pick("folder")
	switch op := rapid.SampledFrom([]string{"folder", "folder", "file", "file", "arrive", "rename", "move", "move", "copy", "trash", "restore", "purge"}).Draw(m.T, "op"); op {
	case "folder":
		name := m.name()
		made, _, err := f.CreateFolder(ctx, m.scope(p), drive.FolderInput{Name: name, ParentID: p.id})
		if m.outcome(op, err, first(m.place(p), when(m.taken(p, name, nil), "name_taken"))) {
			m.all = append(m.all, &twig{id: made.ID, up: p, name: name, folder: true})
		}
	case "file":
		name, size := m.name(), rapid.IntRange(0, 9).Draw(m.T, "size")
		made, err := f.pending(f.ana, m.scope(p).DriveID, p.id, name, size)
		if m.outcome(op, err, first(when(m.place(p) != "", "validation_failed"), when(m.taken(p, name, nil), "name_taken"))) {
			m.all = append(m.all, &twig{id: made.Asset.ID, up: p, name: name, size: int64(size), waits: made})
		}
	case "arrive":
		if n.waits != nil {
			m.outcome(op, f.arrive(f.ana, n.waits, strings.Repeat("x", int(n.size))), "")
			n.waits = nil
		}
	case "rename":
		name := m.name()
		_, err := f.Rename(ctx, m.scope(n), n.id, &name, drive.ConflictFail, 0)
		if m.outcome(op, err, first(when(n.up == nil, "root_folder"), when(!n.live(), "trashed"), when(m.taken(n.up, name, n), "name_taken"))) {
			n.name = name
		}
	case "move":
		_, err := f.Move(ctx, m.scope(n), n.id, drive.Target{Scope: m.scope(p), ParentID: p.id}, 0)
		if m.outcome(op, err, first(when(n.up == nil, "root_folder"), when(!n.live(), "trashed"), m.place(p),
			when(p.within(n), "folder_into_itself"), when(m.taken(p, n.name, n), "name_taken"))) {
			n.up = p
		}
	case "copy":
		m.copy(n, p)
	case "trash", "purge":
		m.delete(n, op == "purge")
	case "restore":
		m.restore(n)
	}
	f.work()
}

func (m *model) copy(n, p *twig) {
	e, err := m.f.Copy(m.f.Context(), m.scope(n), n.id, drive.Target{Scope: m.scope(p), ParentID: p.id, OnConflict: drive.ConflictRename}, nil)
	if !m.outcome("copy", err, first(when(n.up == nil, "root_folder"), when(!n.live(), "trashed"), m.place(p),
		when(p.within(n), "folder_into_itself"), when(n.waits != nil, core.ErrAssetNotReady.Code))) {
		return
	}
	top := &twig{id: e.Node.ID, up: p, name: m.numbered(p, n.name, nil), folder: n.folder, size: n.size}
	if e.Node.Name != top.name {
		m.Fatalf("the copy is called %q, want %q", e.Node.Name, top.name)
	}
	m.all = append(m.all, top)
	m.adopt(n, top)
}

// adopt takes over the nodes that a copy has made below one.
func (m *model) adopt(from, to *twig) {
	if !from.folder {
		return
	}
	made := m.listed(to)
	for _, child := range slices.Clone(m.all) {
		if child.up != from || child.waits != nil || !child.live() {
			continue
		}
		id, ok := made[child.name]
		if delete(made, child.name); !ok {
			m.Fatalf("%q is not in the copy", child.name)
		}
		twin := &twig{id: id, up: to, name: child.name, folder: child.folder, size: child.size}
		m.all = append(m.all, twin)
		m.adopt(child, twin)
	}
	if len(made) > 0 {
		m.Fatalf("in the copy is, too: %v", made)
	}
}

func (m *model) listed(w *twig) map[string]core.NodeID {
	entries, err := m.f.List(m.f.Context(), m.scope(w), drive.ListInput{ParentID: w.id, Limit: 1000})
	if err != nil {
		m.Fatal(err)
	}
	out := make(map[string]core.NodeID)
	for i := range entries {
		out[entries[i].Node.Name] = entries[i].Node.ID
	}
	return out
}

func (m *model) delete(n *twig, permanent bool) {
	err := m.f.Delete(m.f.Context(), m.scope(n), n.id, permanent, 0)
	forGood := permanent || n.waits != nil
	if !m.outcome("delete", err, first(when(n.up == nil, "root_folder"), when(!forGood && !n.trashed && !n.live(), "trashed"))) {
		return
	}
	if forGood {
		n.gone = true
	} else {
		n.trashed = true
	}
}

func (m *model) restore(n *twig) {
	e, err := m.f.Restore(m.f.Context(), m.scope(n), n.id, drive.RestoreInput{})
	if !m.outcome("restore", err, first(when(n.up == nil, "root_folder"), when(!n.trashed, "not_trashed"))) {
		return
	}
	to := n.up
	if !to.live() {
		to = n.root()
	}
	n.name = m.numbered(to, n.name, n)
	n.up, n.trashed = to, false
	if e.Node.Name != n.name || e.Node.ParentID != to.id {
		m.Fatalf("restored as %q in %v, want %q in %v", e.Node.Name, e.Node.ParentID, n.name, to.id)
	}
}

// compare checks that the drives are what the model says.
func (m *model) compare() {
	for _, root := range m.all[:2] {
		var used int64
		var bin []core.NodeID
		for _, n := range m.all {
			switch {
			case n.root() != root || n.lost():
				continue
			case n.trashed:
				bin = append(bin, n.id)
			}
			used += n.size
			if n.folder && n.live() {
				got := m.listed(n)
				for _, child := range m.all {
					if child.up == n && child.live() && got[child.name] != child.id {
						m.Fatalf("in %q is %v, and no %q", n.name, got, child.name)
					} else if child.up == n && child.live() {
						delete(got, child.name)
					}
				}
				if len(got) > 0 {
					m.Fatalf("in %q is, too: %v", n.name, got)
				}
			}
		}
		entries, err := m.f.Trash(m.f.Context(), m.scope(root), drive.TrashPosition{}, 1000)
		if err != nil || len(entries) != len(bin) || slices.ContainsFunc(entries, func(e ports.Entry) bool { return !slices.Contains(bin, e.Node.ID) }) {
			m.Fatalf("in the trash are %d, want %d: %v", len(entries), len(bin), err)
		}
		m.f.Read(func(tx ports.Tx) error {
			d, err := tx.Drives.Get(m.f.Context(), m.f.org, m.scope(root).DriveID)
			if err == nil && d.UsedBytes != used {
				m.Fatalf("the drive uses %d bytes, want %d", d.UsedBytes, used)
			}
			return err
		})
		replay := newMirror(m.f, m.scope(root))
		if err := errors.Join(replay.follow(), replay.differs()); err != nil {
			m.Fatal(err)
		}
	}
}

func TestATreeIsWhatAModelSays(t *testing.T) {
	onBoth(t, func(f *team) {
		rapid.Check(f.T, func(t *rapid.T) {
			m := &model{T: t, f: f, scopes: map[core.NodeID]core.Scope{}}
			for range 2 {
				sc := f.sharedDrive()
				m.scopes[sc.Root] = sc
				m.all = append(m.all, &twig{id: sc.Root, folder: true})
			}
			for range rapid.IntRange(1, 25).Draw(t, "steps") {
				m.step()
			}
			m.compare()
		})
		f.Must(f.violations())
	})
}
