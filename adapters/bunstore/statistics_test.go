package bunstore_test

import (
	"testing"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/fixture"
)

// TestADriveIsNotReadToFindOneOfIt has a drive of which PostgreSQL knows nothing
// yet, as in the first minute of each installation: neither what is put there, nor
// what is looked for, may cost more with each node that is in it.
func TestADriveIsNotReadToFindOneOfIt(t *testing.T) {
	s := fixture.Postgres(t, 1) // one session, whose plans are those of its first queries
	before := entriesRead(t, s)
	nodes := manyNodes(t, s)
	if read := entriesRead(t, s) - before; read > int64(10*len(nodes)) {
		t.Errorf("to insert %d nodes, %d entries of indexes were read", len(nodes), read)
	}

	drive, _ := core.ParseID[core.Drive](nodeID(driveNode))
	folder, _ := core.ParseID[core.Node](nodeID(3))
	org, _ := core.ParseID[core.Org](nodeID(9))
	var file string
	var id core.AssetID
	for n, e := range nodes {
		if e.parent == 3 && e.size > 0 {
			file = e.name
			id, _ = core.ParseID[core.Node](nodeID(n))
		}
	}
	for what, look := range map[string]func(tx ports.Tx) error{
		"a name": func(tx ports.Tx) error {
			_, err := tx.Nodes.ByName(t.Context(), drive, folder, file)
			return err
		},
		"some names": func(tx ports.Tx) error {
			_, err := tx.Nodes.ByNames(t.Context(), drive, folder, []string{file, "none"})
			return err
		},
		"a path": func(tx ports.Tx) error {
			_, err := tx.Nodes.ByPath(t.Context(), drive, core.RootOf(drive), []string{"three", file})
			return err
		},
		"an id": func(tx ports.Tx) error {
			_, err := tx.Assets.Many(t.Context(), org, []core.AssetID{id})
			return err
		},
		"a page": func(tx ports.Tx) error {
			_, err := tx.Listings.List(t.Context(), ports.NodeQuery{DriveID: drive, ParentID: folder, Limit: 10})
			return err
		},
	} {
		before := entriesRead(t, s)
		if err := s.View(t.Context(), look); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if read := entriesRead(t, s) - before; read == 0 || read > 100 {
			t.Errorf("to find %s, %d entries of indexes were read", what, read)
		}
	}
}

// entriesRead returns how many entries of the indexes of nodes were read so far.
func entriesRead(t *testing.T, s *bunstore.Store) (n int64) {
	t.Helper()
	exec(t, s, `SELECT pg_stat_force_next_flush()`)
	row := s.DB().QueryRowContext(t.Context(), `SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname = 'nodes'`)
	if err := row.Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
