package bunstore

// hasSection stands for the dialect's: whether group g has section a.section.
const hasSection = `{has_section}`

// groupInvariants are those of groups.
var groupInvariants = []invariant{
	{"the groups of an org are counted", `SELECT 'org ' || q.org_id, 'counted ' || q.groups_count || ', stored ' || coalesce(g.groups_count, 0)
		FROM org_usage q JOIN orgs o ON o.id = q.org_id AND o.purging_at IS NULL LEFT JOIN ` + orgGroups + ` AS g ON g.org_id = q.org_id
		WHERE CAST($1 AS bigint) > 0 AND q.groups_count <> coalesce(g.groups_count, 0)`, true, false},
	{"a group has the org of its parent and of its creator", `SELECT 'group ' || g.id, 'has another' FROM groups g LEFT JOIN groups p ON p.id = g.parent_id
		LEFT JOIN accounts ac ON ac.id = g.created_by LEFT JOIN accounts oc ON oc.id = g.owner_id
		WHERE CAST($1 AS bigint) > 0 AND (p.org_id <> g.org_id OR ac.org_id <> g.org_id OR oc.org_id <> g.org_id)`, false, false},
	// An org that is closed keeps what its people had until it is purged, also that of who has gone for good.
	{"who has left owns no group", `SELECT 'group ' || g.id, 'is that of account ' || g.owner_id FROM groups g JOIN accounts ac ON ac.id = g.owner_id
		JOIN orgs o ON o.id = g.org_id AND o.deleted_at IS NULL WHERE CAST($1 AS bigint) > 0 AND ac.status = 'removed'`, false, false},
	{"groups have no cycles, and are at most 32 deep", `WITH RECURSIVE tree (id, depth) AS (SELECT id, 1 FROM groups WHERE parent_id IS NULL UNION ALL
			SELECT g.id, tree.depth + 1 FROM tree JOIN groups g ON g.parent_id = tree.id)
		SELECT 'group ' || g.id, 'is at depth ' || coalesce(t.depth, 0) FROM groups g LEFT JOIN tree t ON t.id = g.id
		WHERE CAST($1 AS bigint) > 0 AND coalesce(t.depth, 99) > 32`, false, false},
	{"a live group is in a live group, or at the top", `SELECT 'group ' || g.id, 'is in one that is deleted' FROM groups g JOIN groups p ON p.id = g.parent_id
		WHERE CAST($1 AS bigint) > 0 AND g.deleted_at IS NULL AND p.deleted_at IS NOT NULL`, false, false},
	{"what is in a group has its org, and one of its sections", `SELECT 'group ' || g.id, 'asset ' || a.asset_id || ' is of another org, no file, or in section ' || a.section
		FROM group_assets a JOIN groups g ON g.id = a.group_id JOIN nodes n ON n.id = a.asset_id WHERE CAST($1 AS bigint) > 0
		AND (a.org_id <> g.org_id OR n.org_id <> g.org_id OR n.kind <> 'asset' OR a.section <> '' AND NOT ` + hasSection + `)`, false, false},
	{"a group's permissions are for accounts of its org", `SELECT 'group ' || g.id, 'account ' || ac.id || ' is of another, or removed' FROM group_permissions p
		JOIN groups g ON g.id = p.group_id JOIN accounts ac ON ac.id = p.account_id JOIN orgs o ON o.id = g.org_id WHERE CAST($1 AS bigint) > 0
		AND (ac.org_id <> g.org_id OR ac.status = 'removed' AND o.deleted_at IS NULL)`, false, false},
}
