package bunstore

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type accountRow struct {
	bun.BaseModel `bun:"table:accounts,alias:ac"`

	ID           core.AccountID     `bun:"id,pk"`
	OrgID        core.OrgID         `bun:"org_id"`
	UserID       core.UserID        `bun:"user_id"`
	Role         core.OrgRole       `bun:"role"`
	Status       core.AccountStatus `bun:"status"`
	InvitedEmail string             `bun:"invited_email"`
	InvitedBy    core.AccountID     `bun:"invited_by"`
	Version      int64              `bun:"version"`
	CreatedAt    stamp              `bun:"created_at"`
	UpdatedAt    stamp              `bun:"updated_at"`
}

func (r *accountRow) account() *core.Account {
	return &core.Account{
		ID: r.ID, OrgID: r.OrgID, UserID: r.UserID, Role: r.Role, Status: r.Status, InvitedEmail: r.InvitedEmail, InvitedBy: r.InvitedBy,
		Version: r.Version, CreatedAt: r.CreatedAt.Time, UpdatedAt: r.UpdatedAt.Time,
	}
}

func newAccountRow(a *core.Account) *accountRow {
	return &accountRow{
		ID: a.ID, OrgID: a.OrgID, UserID: a.UserID, Role: a.Role, Status: a.Status, InvitedEmail: a.InvitedEmail, InvitedBy: a.InvitedBy,
		Version: a.Version, CreatedAt: stamp{a.CreatedAt}, UpdatedAt: stamp{a.UpdatedAt},
	}
}

type accounts struct{ repository }

func (r accounts) Add(ctx context.Context, a *core.Account) error {
	_, err := r.NewInsert().Model(newAccountRow(a)).Exec(ctx)
	return translate("add account", err)
}

func (r accounts) Save(ctx context.Context, a *core.Account) error {
	res, err := r.NewUpdate().Model(newAccountRow(a)).
		Where("ac.org_id = ? AND ac.id = ? AND ac.version = ?", a.OrgID, a.ID, a.Version-1).Exec(ctx)
	return saved("save account", res, err)
}

func (r accounts) Roster(ctx context.Context, org core.OrgID) (core.Roster, error) {
	if err := r.lock(ctx, "orgs", "id", org); err != nil {
		return core.Roster{}, err
	}
	var row struct {
		Owners  int   `bun:"owners"`
		Members int64 `bun:"members"`
	}
	err := r.NewRaw(`SELECT count(*) FILTER (WHERE role = 'owner' AND status = 'active') AS owners,
		count(*) FILTER (WHERE status <> 'removed') AS members FROM accounts WHERE org_id = ?`, org).Scan(ctx, &row)
	return core.Roster{Owners: row.Owners, Members: row.Members}, translate("count accounts", err)
}

func (r accounts) List(ctx context.Context, q ports.AccountQuery) ([]ports.Member, error) {
	var rows []struct {
		accountRow
		Email        string `bun:"email"`
		Name         string `bun:"name"`
		UserDisabled bool   `bun:"user_disabled"`
	}
	if q.IDs != nil && len(q.IDs) == 0 {
		return nil, nil
	}
	sel := r.NewSelect().Model((*accountRow)(nil)).ColumnExpr("ac.*").
		ColumnExpr("coalesce(u.email, ac.invited_email) AS email").ColumnExpr("coalesce(u.name, '') AS name").
		ColumnExpr("u.disabled_at IS NOT NULL AS user_disabled").
		Join("LEFT JOIN users AS u ON u.id = ac.user_id").
		Where("ac.org_id = ? AND ac.id > ?", q.OrgID, floor(q.After)).OrderExpr("ac.id").Limit(int64(q.Limit))
	if len(q.Statuses) > 0 {
		sel = sel.Where("ac.status IN (?)", bun.List(q.Statuses))
	}
	if len(q.IDs) > 0 {
		sel = sel.Where("ac.id IN (?)", bun.List(q.IDs))
	}
	if q.Email != "" {
		sel = sel.Where("coalesce(u.email, ac.invited_email) = ?", q.Email)
	}
	if err := sel.Scan(ctx, &rows); err != nil {
		return nil, translate("list accounts", err)
	}
	out := make([]ports.Member, len(rows))
	for i := range rows {
		out[i] = ports.Member{Account: *rows[i].account(), Email: rows[i].Email, Name: rows[i].Name, UserDisabled: rows[i].UserDisabled}
	}
	return out, nil
}

func (r accounts) OfUser(ctx context.Context, user core.UserID, email string) ([]ports.Membership, error) {
	sel := r.memberships().Where("o.deleted_at IS NULL")
	if email == "" {
		sel = sel.Where("ac.user_id = ?", user)
	} else {
		sel = sel.Where("(ac.user_id = ? OR (ac.status = 'invited' AND ac.invited_email = ?))", user, email)
	}
	return r.toMemberships(ctx, sel)
}

func (r accounts) AllOf(ctx context.Context, user core.UserID) ([]ports.Membership, error) {
	return r.toMemberships(ctx, r.memberships().Where("ac.user_id = ?", user))
}

type membershipRow struct {
	accountRow
	DriveID core.DriveID `bun:"drive_id"`
}

func (r accounts) memberships() *bun.SelectQuery {
	return r.NewSelect().Model((*accountRow)(nil)).ColumnExpr("ac.*").ColumnExpr("d.id AS drive_id").
		Join("JOIN orgs AS o ON o.id = ac.org_id").
		Join("LEFT JOIN drives AS d ON d.org_id = ac.org_id AND d.owner_account_id = ac.id").
		Where("ac.status <> 'removed'").OrderExpr("ac.org_id")
}

// toMemberships adds the orgs, all at once.
func (r accounts) toMemberships(ctx context.Context, sel *bun.SelectQuery) ([]ports.Membership, error) {
	var rows []membershipRow
	if err := sel.Scan(ctx, &rows); err != nil || len(rows) == 0 {
		return nil, translate("accounts of user", err)
	}
	ids := make([]core.OrgID, len(rows))
	for i := range rows {
		ids[i] = rows[i].OrgID
	}
	var found []orgRow
	if err := r.NewSelect().Model(&found).Where("o.id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return nil, translate("orgs of user", err)
	}
	byID := make(map[core.OrgID]*orgRow, len(found))
	for i := range found {
		byID[found[i].ID] = &found[i]
	}
	out := make([]ports.Membership, 0, len(rows))
	for i := range rows {
		if o := byID[rows[i].OrgID]; o != nil { // purged between the two
			out = append(out, ports.Membership{Account: *rows[i].account(), Org: *o.org(), DriveID: rows[i].DriveID})
		}
	}
	return out, nil
}

func (r accounts) Get(ctx context.Context, org core.OrgID, id core.AccountID) (*core.Account, error) {
	return r.one(ctx, "ac.org_id = ? AND ac.id = ?", org, id)
}

func (r accounts) Statuses(ctx context.Context, org core.OrgID, ids []core.AccountID) (map[core.AccountID]core.AccountStatus, error) {
	out := make(map[core.AccountID]core.AccountStatus, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	var rows []accountRow
	if err := r.NewSelect().Model(&rows).Column("id", "status").Where("ac.org_id = ? AND ac.id IN (?)", org, bun.List(ids)).Scan(ctx); err != nil {
		return nil, translate("statuses of accounts", err)
	}
	for i := range rows {
		out[rows[i].ID] = rows[i].Status
	}
	return out, nil
}

func (r accounts) Of(ctx context.Context, org core.OrgID, user core.UserID) (*core.Account, error) {
	return r.one(ctx, "ac.org_id = ? AND ac.user_id = ?", org, user)
}

func (r accounts) one(ctx context.Context, where string, args ...any) (*core.Account, error) {
	var row accountRow
	if err := r.NewSelect().Model(&row).Where(where, args...).Scan(ctx); err != nil {
		return nil, translate("get account", err)
	}
	return row.account(), nil
}
