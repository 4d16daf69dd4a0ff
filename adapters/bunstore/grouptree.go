package bunstore

import (
	"context"
	"database/sql"

	"github.com/seed-755a8038/coffer/core"
)

// rightsOf is a row's rights as core has them; NULL: there is no row.
func rightsOf(n sql.Null[int64]) *core.GroupRights {
	if !n.Valid {
		return nil
	}
	return new(core.GroupRights(n.V)) //nolint:gosec // a constraint keeps it below 32
}

type groupTrees struct{ repository }

// Lock takes the row that counts what the org uses: there is one, and whoever
// removes what a group refers to has it, too.
func (r groupTrees) Lock(ctx context.Context, org core.OrgID) error {
	return drives(r).Lock(ctx, org, true)
}

// The ways up from a group and down from one.
const (
	groupsUp = `WITH RECURSIVE up (id, parent_id, step) AS (SELECT g.id, g.parent_id, 0 FROM groups AS g WHERE `
	onUp     = ` UNION ALL SELECT g.id, g.parent_id, up.step + 1 FROM up JOIN groups AS g ON g.id = up.parent_id WHERE up.step < 100) `

	groupsDown = `WITH RECURSIVE down (id, step) AS (SELECT g.id, 0 FROM groups AS g WHERE g.org_id = ? AND g.id = ?
		UNION ALL SELECT g.id, down.step + 1 FROM down JOIN groups AS g ON g.parent_id = down.id WHERE down.step < 100) `
)

func (r groupTrees) Trail(ctx context.Context, org core.OrgID, id core.GroupID) (trail []core.GroupID, err error) {
	err = r.NewRaw(groupsUp+`g.org_id = ? AND g.id = ? AND g.deleted_at IS NULL`+onUp+`SELECT id FROM up ORDER BY step DESC`, org, id).Scan(ctx, &trail)
	if err == nil && len(trail) == 0 {
		err = core.ErrNotFound
	}
	return trail, translate("trail of group", err)
}

func (r groupTrees) Height(ctx context.Context, org core.OrgID, id core.GroupID) (height int, err error) {
	err = r.NewRaw(groupsDown+`SELECT coalesce(max(step), 0) FROM down`, org, id).Scan(ctx, &height)
	return height, translate("height of group", err)
}

func (r groupTrees) Delete(ctx context.Context, g *core.Group) error {
	_, err := r.NewRaw(groupsDown+`UPDATE groups SET deleted_at = ?, deleted_with = ?, updated_at = ?, version = version + 1
		WHERE id IN (SELECT id FROM down) AND deleted_at IS NULL`, g.OrgID, g.ID, stamp{g.DeletedAt}, g.ID, stamp{g.UpdatedAt}).Exec(ctx)
	return translate("delete groups", err)
}

func (r groupTrees) Restore(ctx context.Context, g *core.Group) error {
	_, err := r.NewRaw(`UPDATE groups SET deleted_at = NULL, deleted_with = NULL, updated_at = ?, version = version + 1
		WHERE org_id = ? AND deleted_with = ? AND id <> ?`, stamp{g.UpdatedAt}, g.OrgID, g.ID, g.ID).Exec(ctx)
	return translate("restore groups", err)
}

func (r groupTrees) Entries(
	ctx context.Context, org core.OrgID, account core.AccountID, role core.OrgRole, deleted bool,
) ([]core.GroupEntry, error) {
	text := `SELECT g.id, g.parent_id, g.name, coalesce(g.owner_id = ?0, false) AS creator, g.is_public, pa.rights AS account_rights, pr.rights AS role_rights
		FROM groups AS g
		LEFT JOIN group_permissions AS pa ON pa.group_id = g.id AND pa.account_id = ?0
		LEFT JOIN group_permissions AS pr ON pr.group_id = g.id AND pr.role = ?1 AND pr.account_id IS NULL
		WHERE g.org_id = ?2`
	if !deleted {
		text += ` AND g.deleted_at IS NULL`
	}
	var rows []struct {
		ID       core.GroupID    `bun:"id"`
		ParentID core.GroupID    `bun:"parent_id"`
		Name     string          `bun:"name"`
		Creator  bool            `bun:"creator"`
		IsPublic bool            `bun:"is_public"`
		Account  sql.Null[int64] `bun:"account_rights"`
		Role     sql.Null[int64] `bun:"role_rights"`
	}
	if err := r.NewRaw(text+` ORDER BY g.name_folded, g.id`, account, role, org).Scan(ctx, &rows); err != nil {
		return nil, translate("groups of org", err)
	}
	out := make([]core.GroupEntry, len(rows))
	for i, row := range rows {
		out[i] = core.GroupEntry{
			ID: row.ID, ParentID: row.ParentID, Name: row.Name, Creator: row.Creator, IsPublic: row.IsPublic,
			Account: rightsOf(row.Account), Role: rightsOf(row.Role),
		}
	}
	return out, nil
}
