package bunstore_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/test/fixture"
)

// brokenGroups makes groups that break every invariant of theirs: two in each
// other, one of another org's creator, a live one in a deleted one, a folder in
// a section that is none, a row for somebody else's account, none counted.
const brokenGroups = `
	INSERT INTO org_usage (org_id, used_bytes, assets_count) VALUES ('00000000-0000-7000-8000-0000000000a1', 0, 0);
	INSERT INTO groups (id, org_id, parent_id, name, name_folded, description, is_public, metadata, organisation, created_by, deleted_at, deleted_with, version, created_at, updated_at)
		SELECT g.id, CAST('00000000-0000-7000-8000-0000000000a1' AS ID), NULL, 'g', 'g', '', false, '{}', '{"sections":["a"]}', CAST('00000000-0000-7000-8000-0000000000c1' AS ID), NULL, NULL, 1, 1, 1
		FROM (SELECT CAST('00000000-0000-7000-8000-000000000b01' AS ID) AS id UNION ALL SELECT CAST('00000000-0000-7000-8000-000000000b02' AS ID)
			UNION ALL SELECT CAST('00000000-0000-7000-8000-000000000b03' AS ID) UNION ALL SELECT CAST('00000000-0000-7000-8000-000000000b04' AS ID)) AS g;
	UPDATE groups SET parent_id = CAST('00000000-0000-7000-8000-000000000b02' AS ID) WHERE id = CAST('00000000-0000-7000-8000-000000000b01' AS ID);
	UPDATE groups SET parent_id = CAST('00000000-0000-7000-8000-000000000b01' AS ID) WHERE id = CAST('00000000-0000-7000-8000-000000000b02' AS ID);
	UPDATE groups SET parent_id = CAST('00000000-0000-7000-8000-000000000b03' AS ID) WHERE id = CAST('00000000-0000-7000-8000-000000000b04' AS ID);
	UPDATE groups SET deleted_at = 1, deleted_with = id WHERE id = CAST('00000000-0000-7000-8000-000000000b03' AS ID);
	INSERT INTO group_permissions (group_id, role, account_id, rights) VALUES ('00000000-0000-7000-8000-000000000b01', '', '00000000-0000-7000-8000-0000000000c1', 1);
	INSERT INTO group_assets (group_id, asset_id, org_id, position, section, title, description, added_by, added_at)
		SELECT CAST('00000000-0000-7000-8000-000000000b01' AS ID), id, org_id, 1, 'b', '', '', CAST('00000000-0000-7000-8000-0000000000c1' AS ID), 1 FROM nodes;`

func TestInvariantsOfGroups(t *testing.T) {
	for id, open := range map[string]func(t *testing.T) *bunstore.Store{
		"text": onDisk,
		"uuid": func(t *testing.T) *bunstore.Store { t.Helper(); return fixture.Postgres(t, 4) },
	} {
		t.Run(id, func(t *testing.T) {
			s := open(t)
			exec(t, s, broken)
			exec(t, s, strings.ReplaceAll(brokenGroups, "AS ID", "AS "+id))
			want := []string{
				"the groups of an org are counted", "a group has the org of its parent and of its creator", "groups have no cycles, and are at most 32 deep",
				"a live group is in a live group, or at the top", "what is in a group has its org, and one of its sections",
				"a group's permissions are for accounts of its org",
			}
			find := func() (found []string) {
				for v, err := range s.Violations(t.Context(), time.Now(), time.Now().Add(-time.Hour)) {
					if err != nil {
						t.Fatal(err)
					}
					if slices.Contains(want, v.Invariant) && !slices.Contains(found, v.Invariant) {
						found = append(found, v.Invariant)
					}
				}
				return found
			}
			if found := find(); !slices.Equal(found, want) {
				t.Errorf("found %q", found)
			}
			if err := s.RepairUsage(t.Context()); err != nil {
				t.Fatal(err)
			}
			if found := find(); !slices.Equal(found, want[1:]) {
				t.Errorf("after the repair, found %q", found)
			}
			exec(t, s, `UPDATE group_assets SET section = 'a'; UPDATE nodes SET kind = 'asset'`)
			if found := find(); slices.Contains(found, want[4]) {
				t.Errorf("section a is known, found %q", found)
			}
		})
	}
}
