package bunstore_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/fixture"
)

// TestSearchOfManyNodes searches a drive with more nodes than are looked at one
// by one, and a folder with more folders than are listed, and compares with
// what a plain loop finds.
func TestSearchOfManyNodes(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) *bunstore.Store{
		"sqlite":   onDisk,
		"postgres": func(t *testing.T) *bunstore.Store { t.Helper(); return fixture.Postgres(t, 4) },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			nodes := manyNodes(t, s)
			compareSearches(t, s, nodes)
			exec(t, s, `UPDATE nodes SET trashed_at = 1 WHERE id = '`+nodeID(2)+`'`)
			nodes[2].gone = true
			compareSearches(t, s, nodes)
		})
	}
}

type searched struct {
	parent    int
	name, tag string
	size      int64
	gone      bool
}

func nodeID(n int) string { return fmt.Sprintf("00000000-0000-7000-8000-%012d", n) }

const driveNode = 1 // the number of the drive and of its root

// manyNodes stores a drive: folders 2 (with 1,200 folders in it) and 3, and
// 9,000 files in all of them.
func manyNodes(t *testing.T, s *bunstore.Store) map[int]*searched {
	t.Helper()
	nodes := map[int]*searched{driveNode: {}, 2: {parent: driveNode, name: "two"}, 3: {parent: driveNode, name: "three"}}
	for n := 4; n < 1_204; n++ {
		nodes[n] = &searched{parent: 2, name: fmt.Sprint("folder ", n)}
	}
	for n := 1_204; n < 10_204; n++ {
		file := &searched{parent: 2 + n%1_202, name: fmt.Sprint("file ", n), size: int64(n)}
		switch {
		case n%500 == 0:
			file.name += " rare"
		case n < 3_000:
			file.name, file.tag = "old"+file.name, "old"
		}
		nodes[n] = file
	}
	exec(t, s, `INSERT INTO orgs (id, name, name_folded, slug, is_personal, default_drive_id, version, created_at, updated_at)
		VALUES ('`+nodeID(9)+`', 'a', 'a', 'a', true, '`+nodeID(driveNode)+`', 1, 1, 1)`)
	exec(t, s, `INSERT INTO drives (id, org_id, name, name_folded, default_role, used_bytes, version, created_at, updated_at)
		VALUES ('`+nodeID(driveNode)+`', '`+nodeID(9)+`', 'a', 'a', '', 0, 1, 1, 1)`)
	for from := range 11 {
		var rows []string
		for n := from * 1_000; n < (from+1)*1_000; n++ {
			if e := nodes[n]; e != nil {
				rows = append(rows, e.values(n))
			}
		}
		exec(t, s, `INSERT INTO nodes (id, org_id, drive_id, parent_id, kind, name, name_folded, size_bytes, metadata, status, content_type,
			current_version, newest_version, version, created_at, updated_at) VALUES `+strings.Join(rows, ", "))
	}
	return nodes
}

func (e *searched) values(n int) string {
	parent, kind, meta := "'"+nodeID(e.parent)+"'", "folder", "{}"
	if n == driveNode {
		parent = "NULL"
	}
	if e.size > 0 {
		kind = "asset"
	}
	if e.tag != "" {
		meta = `{"tags":["` + e.tag + `"]}`
	}
	return fmt.Sprintf(`('%s', '%s', '%s', %s, '%s', '%s', '%s', %d, '%s', '', 'a/b', 0, 0, 1, 1, %d)`,
		nodeID(n), nodeID(9), nodeID(driveNode), parent, kind, e.name, e.name, e.size, meta, n)
}

func exec(t *testing.T, s *bunstore.Store, text string, args ...any) {
	t.Helper()
	if _, err := s.DB().ExecContext(t.Context(), text, args...); err != nil {
		t.Fatal(err)
	}
}

func compareSearches(t *testing.T, s *bunstore.Store, nodes map[int]*searched) {
	t.Helper()
	for _, root := range []int{driveNode, 2, 3, 100} {
		for _, q := range []ports.NodeSearch{
			{Text: "rare"},
			{Text: "oldfile"},
			{Text: "o"},
			{Text: "no such"},
			{Tag: "old", Text: "rare"},
			{Tag: "old", MaxSize: 1_300},
			{MinSize: 5_000, MaxSize: 5_050},
			{Kind: core.KindFolder, Text: "99"},
			{To: time.UnixMicro(1_250)},
			{Type: "a", Text: "le 77"},
		} {
			q.DriveID, _ = core.ParseID[core.Drive](nodeID(driveNode))
			q.Root, _ = core.ParseID[core.Node](nodeID(root))
			if got, want := pagesOf(t, s, q), plainly(nodes, root, q); !slices.Equal(got, want) {
				t.Errorf("below %d, %+v: found %d, want %d\n%v\n%v", root, q, len(got), len(want), got, want)
			}
		}
	}
}

// pagesOf returns the names of all that is found, up to 60.
func pagesOf(t *testing.T, s *bunstore.Store, q ports.NodeSearch) (names []string) {
	t.Helper()
	q.Limit = 20
	for range 3 {
		err := s.View(t.Context(), func(tx ports.Tx) error {
			page, err := tx.Listings.Search(t.Context(), q)
			for _, e := range page {
				names, q.Before = append(names, e.Node.Name), e.Node.ID
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return names
}

func plainly(nodes map[int]*searched, root int, q ports.NodeSearch) (names []string) {
	for n := len(nodes); n > driveNode; n-- {
		e := nodes[n]
		within, gone := false, e.gone
		for at := e.parent; at != 0; at = nodes[at].parent {
			within = within || at == root
			gone = gone || nodes[at].gone
		}
		ok := within && !gone && (e.size >= q.MinSize) && (q.MaxSize == 0 || e.size <= q.MaxSize && e.size > 0) && (q.Tag == "" || e.tag == q.Tag) &&
			(q.Kind == "" || e.size == 0) && (q.Type == "" || e.size > 0) && (q.To.IsZero() || int64(n) < q.To.UnixMicro())
		if len(q.Text) < 3 {
			ok = ok && strings.HasPrefix(e.name, q.Text)
		}
		if ok && strings.Contains(e.name, q.Text) && len(names) < 60 {
			names = append(names, e.name)
		}
	}
	return names
}
