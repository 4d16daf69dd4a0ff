package bunstore

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type userRow struct {
	bun.BaseModel `bun:"table:users,alias:u"`

	ID              core.UserID `bun:"id,pk"`
	Email           string      `bun:"email"`
	Name            string      `bun:"name"`
	NameFolded      string      `bun:"name_folded"`
	PasswordHash    string      `bun:"password_hash"`
	PersonalOrgID   core.OrgID  `bun:"personal_org_id"`
	EmailVerifiedAt stamp       `bun:"email_verified_at"`
	PlatformAdmin   bool        `bun:"platform_admin"`
	DisabledAt      stamp       `bun:"disabled_at"`
	TOTPSecret      []byte      `bun:"totp_secret"`
	TOTPConfirmedAt stamp       `bun:"totp_confirmed_at"`
	TOTPLastStep    int64       `bun:"totp_last_step"`
	RecoveryCodes   hashes      `bun:"recovery_codes"`
	DeletedAt       stamp       `bun:"deleted_at"`
	Version         int64       `bun:"version"`
	CreatedAt       stamp       `bun:"created_at"`
	UpdatedAt       stamp       `bun:"updated_at"`
}

func newUserRow(u *core.User) *userRow {
	return &userRow{
		ID: u.ID, Email: u.Email, Name: u.Name, NameFolded: core.Fold(u.Name), PasswordHash: u.PasswordHash, PersonalOrgID: u.PersonalOrgID,
		EmailVerifiedAt: stamp{u.EmailVerifiedAt}, PlatformAdmin: u.PlatformAdmin, DisabledAt: stamp{u.DisabledAt},
		TOTPSecret: u.TOTP.Secret, TOTPConfirmedAt: stamp{u.TOTP.ConfirmedAt}, TOTPLastStep: u.TOTP.LastStep,
		RecoveryCodes: u.TOTP.Recovery, DeletedAt: stamp{u.DeletedAt},
		Version: u.Version, CreatedAt: stamp{u.CreatedAt}, UpdatedAt: stamp{u.UpdatedAt},
	}
}

func (r *userRow) user() *core.User {
	return &core.User{
		ID: r.ID, Email: r.Email, Name: r.Name, PasswordHash: r.PasswordHash, PersonalOrgID: r.PersonalOrgID,
		EmailVerifiedAt: r.EmailVerifiedAt.Time, PlatformAdmin: r.PlatformAdmin, DisabledAt: r.DisabledAt.Time,
		TOTP: core.TOTP{
			Secret: nilIfEmpty(r.TOTPSecret), ConfirmedAt: r.TOTPConfirmedAt.Time, LastStep: r.TOTPLastStep, Recovery: nilIfEmpty(r.RecoveryCodes),
		},
		DeletedAt: r.DeletedAt.Time,
		Version:   r.Version, CreatedAt: r.CreatedAt.Time, UpdatedAt: r.UpdatedAt.Time,
	}
}

type users struct{ repository }

func (r users) Add(ctx context.Context, u *core.User) error {
	_, err := r.NewInsert().Model(newUserRow(u)).Exec(ctx)
	return translate("add user", err)
}

func (r users) Get(ctx context.Context, id core.UserID) (*core.User, error) {
	return r.one(ctx, "u.id = ?", id)
}

func (r users) Lock(ctx context.Context, id core.UserID) (*core.User, error) {
	if err := r.lock(ctx, "users", "id", id); err != nil {
		return nil, err
	}
	return r.one(ctx, "u.deleted_at IS NULL AND u.id = ?", id)
}

func (r users) ByEmail(ctx context.Context, email string) (*core.User, error) {
	return r.one(ctx, "u.email = ?", email)
}

func (r users) one(ctx context.Context, where string, arg any) (*core.User, error) {
	var row userRow
	if err := r.NewSelect().Model(&row).Where(where, arg).Scan(ctx); err != nil {
		return nil, translate("get user", err)
	}
	return row.user(), nil
}

func (r users) Save(ctx context.Context, u *core.User) error {
	res, err := r.NewUpdate().Model(newUserRow(u)).Where("u.id = ? AND u.version = ?", u.ID, u.Version-1).Exec(ctx)
	return saved("save user", res, err)
}

func (r users) List(ctx context.Context, q ports.UserQuery) ([]*core.User, error) {
	var rows []userRow
	sel := r.NewSelect().Model(&rows).Where("u.deleted_at IS NULL AND u.id > ?", floor(q.After)).OrderExpr("u.id").Limit(int64(q.Limit))
	if q.Text != "" {
		like := likePattern(core.Fold(q.Text))
		sel = sel.Where(`(u.email LIKE ? ESCAPE '\' OR u.name_folded LIKE ? ESCAPE '\')`, like, like)
	}
	if err := sel.Scan(ctx); err != nil {
		return nil, translate("list users", err)
	}
	out := make([]*core.User, len(rows))
	for i := range rows {
		out[i] = rows[i].user()
	}
	return out, nil
}
