package bunstore

import (
	"context"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// standingAs are the columns of a standingRow, of account ac, drive d and
// member row m.
const standingAs = `ac.status AS standing_status, ac.role AS standing_org_role, coalesce(m.role, '') AS standing_member,
	d.default_role AS standing_default, d.owner_account_id AS standing_owner`

// standingRow is what a core.DriveStanding is made of.
type standingRow struct {
	Status  core.AccountStatus `bun:"standing_status"`
	OrgRole core.OrgRole       `bun:"standing_org_role"`
	Member  core.DriveRole     `bun:"standing_member"`
	Default core.DriveRole     `bun:"standing_default"`
	Owner   core.AccountID     `bun:"standing_owner"`
}

func (r *standingRow) standing(of core.AccountID) core.DriveStanding {
	return core.DriveStanding{
		Status: r.Status, OrgRole: r.OrgRole, Ownership: ownership(r.Owner, of), Member: r.Member, Default: r.Default,
	}
}

type driveMembers struct{ repository }

func (r driveMembers) Put(ctx context.Context, m core.DriveMember) error {
	_, err := r.NewRaw(`INSERT INTO drive_members (drive_id, account_id, role, created_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (drive_id, account_id) DO UPDATE SET role = excluded.role`, m.DriveID, m.AccountID, m.Role, stamp{m.CreatedAt}).Exec(ctx)
	return translate("put drive member", err)
}

func (r driveMembers) Remove(ctx context.Context, drive core.DriveID, account core.AccountID) error {
	res, err := r.NewRaw(`DELETE FROM drive_members WHERE drive_id = ? AND account_id = ?`, drive, account).Exec(ctx)
	if err != nil {
		return translate("remove drive member", err)
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return translate("remove drive member", err)
	}
	return core.ErrNotFound
}

func (r driveMembers) RemoveAll(ctx context.Context, account core.AccountID) error {
	_, err := r.NewRaw(`DELETE FROM drive_members WHERE account_id = ?`, account).Exec(ctx)
	return translate("remove drive roles", err)
}

type driveAccountRow struct {
	accountRow
	standingRow
	Email string `bun:"email"`
	Name  string `bun:"name"`
	Since stamp  `bun:"since"`
}

func (r *driveAccountRow) entry() ports.DriveAccount {
	return ports.DriveAccount{
		Member:   ports.Member{Account: *r.account(), Email: r.Email, Name: r.Name},
		Standing: r.standing(r.ID), Since: r.Since.Time,
	}
}

const accountsOfDrive = `SELECT ac.*, ` + standingAs + `, coalesce(u.email, ac.invited_email) AS email, coalesce(u.name, '') AS name,
	m.created_at AS since
	FROM drives d
	JOIN accounts ac ON ac.org_id = d.org_id
	LEFT JOIN users u ON u.id = ac.user_id
	LEFT JOIN drive_members m ON m.drive_id = d.id AND m.account_id = ac.id
	WHERE d.org_id = ? AND d.id = ? AND d.deleted_at IS NULL AND `

func (r driveMembers) Get(ctx context.Context, org core.OrgID, drive core.DriveID, account core.AccountID) (*ports.DriveAccount, error) {
	var row driveAccountRow
	if err := r.NewRaw(accountsOfDrive+`ac.id = ?`, org, drive, account).Scan(ctx, &row); err != nil {
		return nil, translate("get drive member", err)
	}
	e := row.entry()
	return &e, nil
}

func (r driveMembers) List(ctx context.Context, q ports.DriveAccountQuery) ([]ports.DriveAccount, error) {
	which := standing + ` IN (` + readable + `)`
	if q.Members {
		which = `m.role IS NOT NULL`
	}
	var rows []driveAccountRow
	err := r.NewRaw(accountsOfDrive+which+` AND ac.id > ? ORDER BY ac.id LIMIT ?`, q.OrgID, q.DriveID, floor(q.After), q.Limit).Scan(ctx, &rows)
	if err != nil {
		return nil, translate("list drive members", err)
	}
	out := make([]ports.DriveAccount, len(rows))
	for i := range rows {
		out[i] = rows[i].entry()
	}
	return out, nil
}
