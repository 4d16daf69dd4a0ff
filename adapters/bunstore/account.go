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
	var found int
	lock := r.NewSelect().ColumnExpr("1").TableExpr("orgs").Where("id = ?", org)
	if r.dialect.forUpdate != "" {
		lock = lock.For(r.dialect.forUpdate)
	}
	if err := lock.Scan(ctx, &found); err != nil {
		return core.Roster{}, translate("lock org", err)
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
		Email string `bun:"email"`
		Name  string `bun:"name"`
	}
	sel := r.NewSelect().Model((*accountRow)(nil)).ColumnExpr("ac.*").
		ColumnExpr("coalesce(u.email, ac.invited_email) AS email").ColumnExpr("coalesce(u.name, '') AS name").
		Join("LEFT JOIN users AS u ON u.id = ac.user_id").
		Where("ac.org_id = ? AND ac.id > ?", q.OrgID, floor(q.After)).OrderExpr("ac.id").Limit(int64(q.Limit))
	if len(q.Statuses) > 0 {
		sel = sel.Where("ac.status IN (?)", bun.List(q.Statuses))
	}
	if q.Email != "" {
		sel = sel.Where("coalesce(u.email, ac.invited_email) = ?", q.Email)
	}
	if err := sel.Scan(ctx, &rows); err != nil {
		return nil, translate("list accounts", err)
	}
	out := make([]ports.Member, len(rows))
	for i := range rows {
		out[i] = ports.Member{Account: *rows[i].account(), Email: rows[i].Email, Name: rows[i].Name}
	}
	return out, nil
}

func (r accounts) OfUser(ctx context.Context, user core.UserID, email string) ([]ports.Membership, error) {
	var rows []accountRow
	sel := r.NewSelect().Model(&rows).Join("JOIN orgs AS o ON o.id = ac.org_id AND o.deleted_at IS NULL").
		Where("ac.status <> 'removed'").OrderExpr("ac.org_id")
	if email == "" {
		sel = sel.Where("ac.user_id = ?", user)
	} else {
		sel = sel.Where("(ac.user_id = ? OR (ac.status = 'invited' AND ac.invited_email = ?))", user, email)
	}
	if err := sel.Scan(ctx); err != nil || len(rows) == 0 {
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
	out := make([]ports.Membership, len(rows))
	for i := range rows {
		out[i] = ports.Membership{Account: *rows[i].account(), Org: *byID[rows[i].OrgID].org()}
	}
	return out, nil
}

func (r accounts) Get(ctx context.Context, org core.OrgID, id core.AccountID) (*core.Account, error) {
	return r.one(ctx, "ac.org_id = ? AND ac.id = ?", org, id)
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
