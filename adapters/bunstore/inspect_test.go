package bunstore_test

import (
	"slices"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/test/fixture"
)

// broken makes rows of a drive that break every invariant of trees: a folder
// with a wrong height, a node too deep, a name taken twice, a purge that
// hangs, a gap in the changes, a key and a share link of another org.
const broken = `
	INSERT INTO orgs (id, name, name_folded, slug, is_personal, default_drive_id, version, created_at, updated_at) VALUES
		('00000000-0000-7000-8000-0000000000a1', 'a', 'a', 'a', true, '00000000-0000-7000-8000-0000000000d1', 1, 1, 1),
		('00000000-0000-7000-8000-0000000000a2', 'b', 'b', 'b', true, '00000000-0000-7000-8000-0000000000d1', 1, 1, 1);
	INSERT INTO accounts (id, org_id, role, status, invited_email, version, created_at, updated_at) VALUES
		('00000000-0000-7000-8000-0000000000c1', '00000000-0000-7000-8000-0000000000a2', 'owner', 'active', '', 1, 1, 1);
	INSERT INTO drives (id, org_id, name, name_folded, default_role, used_bytes, change_seq, version, created_at, updated_at) VALUES
		('00000000-0000-7000-8000-0000000000d1', '00000000-0000-7000-8000-0000000000a1', 'a', 'a', '', 0, 2, 1, 1, 1);
	INSERT INTO node_changes (drive_id, seq, kind, node_id, node_kind, parent_id, name, node_version, at) VALUES
		('00000000-0000-7000-8000-0000000000d1', 2, 'moved', '00000000-0000-7000-8000-0000000000d1', 'folder', '00000000-0000-7000-8000-0000000000d1', '', 1, 1);
	DROP INDEX nodes_parent_id_name_key;
	INSERT INTO nodes (id, org_id, drive_id, kind, name, name_folded, height, version, created_at, updated_at, status, content_type, size_bytes, current_version, newest_version, metadata)
		VALUES ('00000000-0000-7000-8000-0000000000d1', '00000000-0000-7000-8000-0000000000a1', '00000000-0000-7000-8000-0000000000d1', 'folder', '', '', 99, 1, 1, 1, '', '', 0, 0, 0, '{}');`

// foreignKey is made by an account of another org.
const foreignKey = `INSERT INTO api_keys (id, org_id, drive_id, name, prefix, hash, permissions, created_by, created_at)
	SELECT id, org_id, id, 'k', 'pk_', $1, 'read', '00000000-0000-7000-8000-0000000000c1', 1 FROM drives`

// foreignShare is made by an account of another org, and used too often, but
// not by what it counts.
const (
	foreignShare = `INSERT INTO share_links (id, org_id, drive_id, node_id, kind, name, created_by, token_hash, token_sealed, accounts, password_hash, password_version,
			allow_download, allow_view_metadata, max_views, ip_allow, watermark, content_types, notify, views, version, created_at, updated_at)
		SELECT id, org_id, id, id, 'download', '', '00000000-0000-7000-8000-0000000000c1', $1, $1, '[]', '', 0, true, true, 1, '[]', false, '[]', '{}', 2, 1, 1, 1 FROM drives`
	uncounted = `INSERT INTO share_accesses (id, link_id, org_id, kind, refused, address, user_agent, referer, at)
		SELECT id, id, org_id, 'download', '', '', '', '', 1 FROM share_links`
)

// chain adds a folder below another.
const chain = `INSERT INTO nodes (id, org_id, drive_id, parent_id, kind, name, name_folded, height, purged_at, version, created_at, updated_at,
		status, content_type, size_bytes, current_version, newest_version, metadata)
	SELECT $1, org_id, drive_id, id, 'folder', 'a', 'a', 0, CASE WHEN drive_id = id THEN 1 ELSE NULL END, 1, 1, 1, '', '', 0, 0, 0, '{}' FROM nodes WHERE id = $2`

func TestInvariantsOfTrees(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) *bunstore.Store{
		"sqlite":   onDisk,
		"postgres": func(t *testing.T) *bunstore.Store { t.Helper(); return fixture.Postgres(t, 4) },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			breakTrees(t, s)
			found := map[string]bool{}
			for v, err := range s.Violations(t.Context(), time.Now(), time.Now().Add(-time.Hour)) {
				if err != nil {
					t.Fatal(err)
				}
				found[v.Invariant] = true
			}
			for _, want := range []string{
				"a tree is at most 64 levels deep", "names are unique in a folder", "a folder's height is at least the levels of folders below it",
				"what is purged is gone within an hour", "the changes of a drive have no gaps", "an API key has the org of its drive and of its creator",
				"a share link has the org of its drive or group and of its creator", "a share link counts at least what its log has granted",
				"a share link is used at most as often as it may be",
			} {
				if !slices.Contains(s.Invariants(), want) || !found[want] {
					t.Errorf("%q was not found broken", want)
				}
			}
			if found["a tree has no cycles"] || found["a node lies in a folder of its drive"] {
				t.Errorf("found %v", found)
			}
		})
	}
}

func breakTrees(t *testing.T, s *bunstore.Store) {
	t.Helper()
	exec(t, s, broken)
	exec(t, s, foreignKey, []byte("hash"))
	exec(t, s, foreignShare, []byte("hash"))
	exec(t, s, uncounted)
	const root = "00000000-0000-7000-8000-0000000000d1"
	parent, id := root, []byte("00000000-0000-7000-8000-000000000e00")
	for i := range 66 {
		id[len(id)-2], id[len(id)-1] = "0123456789"[i/10], "0123456789"[i%10]
		exec(t, s, chain, string(id), parent)
		parent = string(id)
	}
	exec(t, s, chain, "00000000-0000-7000-8000-0000000000f1", root)
}
