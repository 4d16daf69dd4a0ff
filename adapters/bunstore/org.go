package bunstore

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type orgRow struct {
	bun.BaseModel `bun:"table:orgs,alias:o"`

	ID             core.OrgID   `bun:"id,pk"`
	Name           string       `bun:"name"`
	Slug           string       `bun:"slug"`
	IsPersonal     bool         `bun:"is_personal"`
	DefaultDriveID core.DriveID `bun:"default_drive_id"`
	Version        int64        `bun:"version"`
	CreatedAt      stamp        `bun:"created_at"`
	UpdatedAt      stamp        `bun:"updated_at"`
}

func (r *orgRow) org() *core.Org {
	return &core.Org{
		ID: r.ID, Name: r.Name, Slug: r.Slug, IsPersonal: r.IsPersonal,
		Version: r.Version, CreatedAt: r.CreatedAt.Time, UpdatedAt: r.UpdatedAt.Time,
	}
}

type orgs struct{ repository }

func (r orgs) Add(ctx context.Context, o *core.Org, defaultDrive core.DriveID) error {
	_, err := r.NewInsert().Model(&orgRow{
		ID: o.ID, Name: o.Name, Slug: o.Slug, IsPersonal: o.IsPersonal, DefaultDriveID: defaultDrive,
		Version: o.Version, CreatedAt: stamp{o.CreatedAt}, UpdatedAt: stamp{o.UpdatedAt},
	}).Exec(ctx)
	if err != nil {
		return translate("add org", err)
	}
	_, err = r.NewRaw(`INSERT INTO org_usage (org_id, used_bytes, assets_count) VALUES (?, 0, 0)`, o.ID).Exec(ctx)
	return translate("add org", err)
}

func (r orgs) Get(ctx context.Context, id core.OrgID) (*core.Org, error) {
	var row orgRow
	if err := r.NewSelect().Model(&row).Where("o.id = ?", id).Scan(ctx); err != nil {
		return nil, translate("get org", err)
	}
	return row.org(), nil
}

func (r orgs) ListOf(ctx context.Context, user core.UserID, p ports.OrgPage) ([]ports.OrgEntry, error) {
	var rows []struct {
		orgRow
		AccountID core.AccountID `bun:"account_id"`
		Role      core.OrgRole   `bun:"role"`
	}
	err := r.NewRaw(`SELECT o.*, ac.id AS account_id, ac.role FROM accounts ac JOIN orgs o ON o.id = ac.org_id
		WHERE ac.user_id = ? AND ac.status = ? AND ac.org_id > ? ORDER BY ac.org_id LIMIT ?`,
		user, core.AccountActive, floor(p.After), p.Limit).Scan(ctx, &rows)
	if err != nil {
		return nil, translate("list orgs", err)
	}
	out := make([]ports.OrgEntry, len(rows))
	for i := range rows {
		out[i] = ports.OrgEntry{Org: *rows[i].org(), AccountID: rows[i].AccountID, Role: rows[i].Role}
	}
	return out, nil
}

func (r orgs) Usage(ctx context.Context, id core.OrgID) (core.OrgUsage, error) {
	var row struct {
		UsedBytes   int64 `bun:"used_bytes"`
		AssetsCount int64 `bun:"assets_count"`
		Members     int64 `bun:"members"`
	}
	err := r.NewRaw(`SELECT q.used_bytes, q.assets_count,
		(SELECT count(*) FROM accounts ac WHERE ac.org_id = q.org_id AND ac.status IN ('invited', 'active', 'suspended')) AS members
		FROM org_usage q WHERE q.org_id = ?`, id).Scan(ctx, &row)
	usage := core.OrgUsage{UsedBytes: row.UsedBytes, AssetsCount: row.AssetsCount, Members: row.Members, Products: 0} // none can be made yet
	return usage, translate("org usage", err)
}

type accountRow struct {
	bun.BaseModel `bun:"table:accounts,alias:ac"`

	ID        core.AccountID     `bun:"id,pk"`
	OrgID     core.OrgID         `bun:"org_id"`
	UserID    core.UserID        `bun:"user_id"`
	Role      core.OrgRole       `bun:"role"`
	Status    core.AccountStatus `bun:"status"`
	Version   int64              `bun:"version"`
	CreatedAt stamp              `bun:"created_at"`
	UpdatedAt stamp              `bun:"updated_at"`
}

func (r *accountRow) account() *core.Account {
	return &core.Account{
		ID: r.ID, OrgID: r.OrgID, UserID: r.UserID, Role: r.Role, Status: r.Status,
		Version: r.Version, CreatedAt: r.CreatedAt.Time, UpdatedAt: r.UpdatedAt.Time,
	}
}

type accounts struct{ repository }

func (r accounts) Add(ctx context.Context, a *core.Account) error {
	_, err := r.NewInsert().Model(&accountRow{
		ID: a.ID, OrgID: a.OrgID, UserID: a.UserID, Role: a.Role, Status: a.Status,
		Version: a.Version, CreatedAt: stamp{a.CreatedAt}, UpdatedAt: stamp{a.UpdatedAt},
	}).Exec(ctx)
	return translate("add account", err)
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

type licenseRow struct {
	bun.BaseModel `bun:"table:licenses,alias:l"`

	Name               string   `bun:"name,pk"`
	MonthlyFeeCents    limit    `bun:"monthly_fee_cents"`
	MaxUploadSizeMB    limit    `bun:"max_upload_size_mb"`
	MaxTotalStorageMB  limit    `bun:"max_total_storage_mb"`
	MaxAssets          limit    `bun:"max_assets"`
	MaxProducts        limit    `bun:"max_products"`
	MaxMembers         limit    `bun:"max_members"`
	MaxGroups          limit    `bun:"max_groups"`
	MaxAssetsPerGroup  limit    `bun:"max_assets_per_group"`
	MaxGroupShareHours limit    `bun:"max_group_share_hours"`
	Features           features `bun:"features"`
}

func (r *licenseRow) license() core.License {
	return core.License{
		Name: r.Name, MonthlyFeeCents: int64(r.MonthlyFeeCents), Features: nilIfEmpty(r.Features),
		Limits: core.Limits{
			MaxUploadSizeMB: int64(r.MaxUploadSizeMB), MaxTotalStorageMB: int64(r.MaxTotalStorageMB), MaxAssets: int64(r.MaxAssets),
			MaxProducts: int64(r.MaxProducts), MaxMembers: int64(r.MaxMembers), MaxGroups: int64(r.MaxGroups),
			MaxAssetsPerGroup: int64(r.MaxAssetsPerGroup), MaxGroupShareHours: int64(r.MaxGroupShareHours),
		},
	}
}

type licenses struct{ repository }

func (r licenses) InForce(ctx context.Context, org core.OrgID, now time.Time) (core.OrgLicense, error) {
	var row struct {
		licenseRow
		ExpiresAt stamp `bun:"expires_at"`
	}
	err := r.NewRaw(`SELECT l.*, ol.expires_at FROM org_licenses ol JOIN licenses l ON l.name = ol.license
		WHERE ol.org_id = ? AND (ol.expires_at IS NULL OR ol.expires_at > ?) ORDER BY ol.id DESC LIMIT 1`, org, stamp{now}).Scan(ctx, &row)
	if err = translate("license in force", err); errors.Is(err, core.ErrNotFound) {
		err = translate("default license", r.NewSelect().Model(&row.licenseRow).Where("l.name = ?", core.DefaultLicense).Scan(ctx))
	}
	return core.OrgLicense{License: row.license(), ExpiresAt: row.ExpiresAt.Time}, err
}

func (r licenses) List(ctx context.Context) ([]core.License, error) {
	var rows []licenseRow
	err := r.NewSelect().Model(&rows).OrderExpr("l.monthly_fee_cents IS NULL, l.monthly_fee_cents, l.name").Scan(ctx)
	if err != nil {
		return nil, translate("list licenses", err)
	}
	out := make([]core.License, len(rows))
	for i := range rows {
		out[i] = rows[i].license()
	}
	return out, nil
}

func (r licenses) Assign(ctx context.Context, a ports.LicenseAssignment) error {
	_, err := r.NewRaw(`INSERT INTO org_licenses (id, org_id, license, expires_at, created_at) VALUES (?, ?, ?, ?, ?)`,
		core.ID[ports.LicenseAssignment](a.ID), a.OrgID, a.License, stamp{a.ExpiresAt}, stamp{a.Now}).Exec(ctx)
	if err = translate("assign license", err); errors.Is(err, errReference) {
		return core.ErrNotFound
	}
	return err
}
