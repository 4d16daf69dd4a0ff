package bunstore

import (
	"context"

	"github.com/seed-755a8038/coffer/core"
)

// What is below a folder in the trash is in the trash with it. Few drives have
// such folders at all: an index of those tells, and only then is the way up
// from a node walked. In all of these the node is n.

const (
	trashedFolders = `EXISTS (SELECT 1 FROM nodes AS t WHERE t.drive_id = n.drive_id AND t.trashed_at IS NOT NULL AND t.kind = 'folder')`
	purgedFolders  = `EXISTS (SELECT 1 FROM nodes AS t WHERE t.drive_id = n.drive_id AND t.trashed_at IS NOT NULL AND t.kind = 'folder'
		AND t.purged_at IS NOT NULL)`

	// upFrom begins the walk; what follows says where. uphill goes on.
	upFrom = `WITH RECURSIVE up (id, parent_id, trashed_at, purged_at, step) AS (
		SELECT p.id, p.parent_id, p.trashed_at, p.purged_at, 0 FROM nodes AS p WHERE p.id = `
	uphill = ` UNION ALL
		SELECT p.id, p.parent_id, p.trashed_at, p.purged_at, up.step + 1 FROM up JOIN nodes AS p ON p.id = up.parent_id WHERE up.step < 200) `

	// liveParent is notBelowTrashed for pn, the folder that something comes into.
	liveParent = `(NOT EXISTS (SELECT 1 FROM nodes AS t WHERE t.drive_id = pn.drive_id AND t.trashed_at IS NOT NULL AND t.kind = 'folder')
		OR NOT EXISTS (` + upFrom + `pn.parent_id` + uphill + `SELECT 1 FROM up WHERE up.trashed_at IS NOT NULL))`

	notBelowTrashed = `(NOT ` + trashedFolders + ` OR NOT EXISTS (` + upFrom + `n.parent_id` + uphill + `SELECT 1 FROM up WHERE up.trashed_at IS NOT NULL))`
	notBelowPurged  = `(NOT ` + purgedFolders + ` OR NOT EXISTS (` + upFrom + `n.parent_id` + uphill + `SELECT 1 FROM up WHERE up.purged_at IS NOT NULL))`
)

// inTrash reports whether a node, or a folder above it, is in the trash. It
// returns core.ErrNotFound if one of them is being purged.
func (s *Store) inTrash(ctx context.Context, id core.NodeID) (bool, error) {
	const text = upFrom + `$1` + uphill + `SELECT count(*), count(trashed_at), count(purged_at) FROM up`
	var found, trashed, purged int
	err := s.row(ctx, text, []any{s.dialect.idArg(id)}, &found, &trashed, &purged)
	if err != nil {
		return false, translate("find trash", err)
	}
	if found == 0 || purged > 0 {
		return false, core.ErrNotFound
	}
	return trashed > 0, nil
}
