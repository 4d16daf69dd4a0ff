package bunstore_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/fixture"
)

// onBoth runs a test on a new store of each database.
func onBoth(t *testing.T, test func(t *testing.T, s *bunstore.Store)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) { test(t, fixture.Memory(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, fixture.Postgres(t, 4)) })
}

// tree is a shared drive whose nodes a test stores by itself, so that there
// can be what no use case makes in one go.
type tree struct {
	*testing.T
	*bunstore.Store
	org   *core.Org
	drive *core.Drive
	last  byte
}

func newTree(t *testing.T, s *bunstore.Store) *tree {
	t.Helper()
	now := time.UnixMicro(1).UTC()
	o := core.NewOrg(core.OrgID{1}, "Acme", "acme", now)
	tr := &tree{T: t, Store: s, org: o, drive: core.NewLibrary(core.DriveID{2}, o.ID, now)}
	tr.update(func(tx ports.Tx) error {
		return errors.Join(tx.Orgs.Add(t.Context(), o, core.DriveID{3}), tx.Drives.Add(t.Context(), tr.drive))
	})
	return tr
}

func (t *tree) update(unit func(tx ports.Tx) error) {
	t.Helper()
	if err := t.Store.Update(t.Context(), unit); err != nil {
		t.Fatal(err)
	}
}

func (t *tree) exec(text string, args ...any) {
	t.Helper()
	if _, err := t.DB().ExecContext(t.Context(), text, args...); err != nil {
		t.Fatal(err)
	}
}

// add stores a node: state is "", "trashed" or "purged".
func (t *tree) add(parent core.NodeID, kind core.NodeKind, size int64, state string) core.NodeID {
	t.Helper()
	t.last++
	id := core.NodeID{9, t.last}
	var trashed, purged any
	if state != "" {
		trashed = 5
	}
	if state == "purged" {
		purged = 6
	}
	t.exec(`INSERT INTO nodes (id, org_id, drive_id, parent_id, kind, name, name_folded, trashed_at, purged_at, version, created_at, updated_at,
		status, content_type, size_bytes, current_version, newest_version, metadata)
		VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, 1, 1, 1, '', '', $9, 0, 0, '{}')`,
		id.String(), t.org.ID.String(), t.drive.ID.String(), parent.String(), string(kind), fmt.Sprint(t.last), trashed, purged, size)
	return id
}

func TestADrivesContents(t *testing.T) {
	onBoth(t, func(t *testing.T, s *bunstore.Store) {
		tr := newTree(t, s)
		folder, file, root := core.KindFolder, core.KindAsset, core.RootOf(tr.drive.ID)
		wants := func(want core.DriveContents) {
			t.Helper()
			var got core.DriveContents
			err := s.View(t.Context(), func(tx ports.Tx) (err error) {
				got, err = tx.Drives.Contents(t.Context(), tr.org.ID, tr.drive.ID)
				return err
			})
			if err != nil || got != want {
				t.Errorf("got %+v, %v, want %+v", got, err, want)
			}
		}
		wants(core.DriveContents{})
		kept := tr.add(root, folder, 0, "")
		tr.add(kept, file, 1, "")
		tr.add(root, file, 2, "")
		tr.add(kept, file, 4, "trashed")
		gone := tr.add(kept, folder, 0, "trashed")
		tr.add(gone, file, 8, "")
		tr.add(gone, file, 16, "trashed") // before the folder was: counts once
		below := tr.add(gone, folder, 0, "")
		tr.add(below, file, 32, "")
		inner := tr.add(below, folder, 0, "trashed")
		tr.add(inner, file, 64, "")
		purging := tr.add(root, folder, 0, "purged")
		tr.add(tr.add(purging, folder, 0, ""), file, 128, "")
		tr.add(root, file, 256, "purged")
		wants(core.DriveContents{
			Files: 2, Folders: 1, FileBytes: 3, TrashFiles: 5, TrashFolders: 3, TrashBytes: 4 + 8 + 16 + 32 + 64, PurgingBytes: 128 + 256,
		})
	})
}

func TestADeletedDriveIsRemoved(t *testing.T) {
	onBoth(t, func(t *testing.T, s *bunstore.Store) {
		tr := newTree(t, s)
		for seq := range 5 {
			tr.exec(`INSERT INTO node_changes (drive_id, seq, kind, node_id, node_kind, parent_id, name, node_version, at)
				VALUES ($1, $2, 'created', $1, 'folder', $1, '', 1, 1)`, tr.drive.ID.String(), seq+1)
		}
		strip := func() (done bool) {
			t.Helper()
			tr.update(func(tx ports.Tx) (err error) {
				done, err = tx.Drives.Strip(t.Context(), tr.org.ID, tr.drive.ID, 3)
				return err
			})
			return done
		}
		remove := func() error {
			return s.Update(t.Context(), func(tx ports.Tx) error { return tx.Drives.Remove(t.Context(), tr.org.ID, tr.drive.ID) })
		}
		changes := func() (n int) {
			t.Helper()
			if err := s.DB().QueryRowContext(t.Context(), `SELECT count(*) FROM node_changes`).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		if strip(); changes() != 5 {
			t.Errorf("a live drive has %d changes left", changes())
		}
		if err := tr.drive.Delete(tr.org, time.UnixMicro(2)); err != nil {
			t.Fatal(err)
		}
		tr.update(func(tx ports.Tx) error { return tx.Drives.Save(t.Context(), tr.drive) })
		if strip() || changes() != 2 {
			t.Errorf("%d changes are left after one step", changes())
		}
		if !strip() || changes() != 0 {
			t.Errorf("%d changes are left after two steps", changes())
		}
		if err := remove(); !errors.Is(err, core.ErrConflict) {
			t.Errorf("removed with its root: %v", err)
		}
		tr.exec(`DELETE FROM nodes WHERE drive_id = $1`, tr.drive.ID.String())
		if err := remove(); err != nil {
			t.Error(err)
		}
		if err := remove(); !errors.Is(err, core.ErrConflict) {
			t.Errorf("removed twice: %v", err)
		}
	})
}
