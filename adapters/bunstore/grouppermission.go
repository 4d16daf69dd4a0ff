package bunstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
)

// groupLevels are the columns of a groupLevel: of group g on the way up to
// another, and of account ac of org o; and what joins the rows for it.
const (
	groupLevels = `o.id, o.is_personal, ac.id, coalesce(ac.status, ''), coalesce(ac.role, ''),
		g.id, g.name, coalesce(g.owner_id = ac.id, false), g.is_public, g.deleted_at IS NOT NULL, pa.rights, pr.rights`
	levelRows = `
		LEFT JOIN group_permissions pa ON pa.group_id = g.id AND pa.account_id = ac.id
		LEFT JOIN group_permissions pr ON pr.group_id = g.id AND pr.role = ac.role AND pr.account_id IS NULL `
)

var forGroup = inEachForm(func(f form) string {
	return groupsUp + `g.id = $3` + onUp + `SELECT ` + f.state + `, u.email, ` + groupLevels + f.key + f.from + `
		CROSS JOIN up JOIN groups g ON g.id = up.id
		JOIN orgs o ON o.id = g.org_id AND o.deleted_at IS NULL
		LEFT JOIN accounts ac ON ac.org_id = o.id AND ac.user_id = u.id` + levelRows + f.where + ` ORDER BY up.step DESC`
})

const forAccount = groupsUp + `g.org_id = ? AND g.id = ?` + onUp + `SELECT false, false, '', ` + groupLevels + `
	FROM up JOIN groups g ON g.id = up.id JOIN orgs o ON o.id = g.org_id
	JOIN accounts ac ON ac.org_id = o.id AND ac.id = ?` + levelRows + `ORDER BY up.step DESC`

// ForGroup implements ports.GroupAccess.
func (s *Store) ForGroup(ctx context.Context, a core.Actor, id core.GroupID) (core.GroupFacts, error) {
	if a.ByKey() {
		return core.GroupFacts{}, core.ErrKeyNotAllowed
	}
	args := []any{a.UserID, a.SessionID, id}
	stmt, err := s.statements.get(ctx, s.read.DB, forGroup.of(a, args)) //nolint:sqlclosecheck // kept by statements
	if err != nil {
		return core.GroupFacts{}, translate("group facts", err)
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return core.GroupFacts{}, translate("group facts", err)
	}
	f, err := scanGroupFacts(rows)
	if err != nil || !f.GroupID.IsZero() {
		return f, translate("group facts", err)
	}
	none, err := s.nothing(ctx, a) // no caller, or no such group
	f.Credential = none.Credential
	return f, err
}

// scanGroupFacts reads the levels from the top down; the last is the group.
func scanGroupFacts(rows *sql.Rows) (f core.GroupFacts, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var l core.GroupLevel
		var account, role sql.Null[int64]
		err := rows.Scan(&f.UserDisabled, &f.SessionRevoked, &f.Email, &f.OrgID, &f.IsPersonal, &f.AccountID, &f.Status, &f.Role,
			&l.ID, &l.Name, &l.Creator, &l.IsPublic, &f.Deleted, &account, &role)
		if err != nil {
			return f, err
		}
		l.Account, l.Role = rightsOf(account), rightsOf(role)
		f.GroupID, f.Creator, f.IsPublic, f.Levels = l.ID, l.Creator, l.IsPublic, append(f.Levels, l)
	}
	return f, rows.Err()
}

type groupPermissions struct{ repository }

type groupPermissionRow struct {
	bun.BaseModel `bun:"table:group_permissions"`

	GroupID   core.GroupID   `bun:"group_id"`
	Role      core.OrgRole   `bun:"role"`
	AccountID core.AccountID `bun:"account_id"`
	Rights    int64          `bun:"rights"`
}

func (r groupPermissions) List(ctx context.Context, group core.GroupID) ([]core.GroupPermission, error) {
	var rows []groupPermissionRow
	err := r.NewRaw(`SELECT group_id, role, account_id, rights FROM group_permissions WHERE group_id = ? ORDER BY role DESC, account_id`, group).Scan(ctx, &rows)
	out := make([]core.GroupPermission, len(rows))
	for i, row := range rows {
		out[i] = core.GroupPermission{Role: row.Role, AccountID: row.AccountID, Rights: core.GroupRights(row.Rights)} //nolint:gosec // a constraint keeps it below 32
	}
	return out, translate("list group permissions", err)
}

func (r groupPermissions) Replace(ctx context.Context, group core.GroupID, list []core.GroupPermission) error {
	if _, err := r.NewRaw(`DELETE FROM group_permissions WHERE group_id = ?`, group).Exec(ctx); err != nil || len(list) == 0 {
		return translate("replace group permissions", err)
	}
	rows := make([]groupPermissionRow, len(list))
	for i, p := range list {
		rows[i] = groupPermissionRow{GroupID: group, Role: p.Role, AccountID: p.AccountID, Rights: int64(p.Rights)}
	}
	_, err := r.NewInsert().Model(&rows).Exec(ctx)
	if err = translate("replace group permissions", err); errors.Is(err, errReference) {
		return core.ErrNotFound
	}
	return err
}

func (r groupPermissions) Facts(ctx context.Context, org core.OrgID, group core.GroupID, account core.AccountID) (core.GroupFacts, error) {
	rows, err := r.QueryContext(ctx, forAccount, org, group, account)
	if err != nil {
		return core.GroupFacts{}, translate("group facts", err)
	}
	f, err := scanGroupFacts(rows)
	if err == nil && f.GroupID.IsZero() {
		err = core.ErrNotFound
	}
	return f, translate("group facts", err)
}

func (r groupPermissions) Forget(ctx context.Context, org core.OrgID, account core.AccountID) error {
	if err := groupTrees(r).Lock(ctx, org); err != nil {
		return err
	}
	for _, text := range []string{
		`DELETE FROM group_permissions WHERE account_id = ?1 AND group_id IN (SELECT id FROM groups WHERE org_id = ?0)`,
		`UPDATE groups SET owner_id = NULL WHERE org_id = ?0 AND owner_id = ?1`,
	} {
		if _, err := r.NewRaw(text, org, account).Exec(ctx); err != nil {
			return translate("forget group permissions", err)
		}
	}
	return nil
}
