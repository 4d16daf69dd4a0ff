package bunstore

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

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
	Version            int64    `bun:"version"`
}

func (r *licenseRow) license() core.License {
	return core.License{
		Name: r.Name, MonthlyFeeCents: int64(r.MonthlyFeeCents), Features: nilIfEmpty(r.Features), Version: r.Version,
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

func (r licenses) Lock(ctx context.Context, name string) (*core.License, error) {
	var row licenseRow
	q := r.NewSelect().Model(&row).Where("l.name = ?", name)
	if r.dialect.forUpdate != "" {
		q = q.For(r.dialect.forUpdate)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, translate("lock license", err)
	}
	return new(row.license()), nil
}

func (r licenses) Add(ctx context.Context, l *core.License) error {
	values, err := licenseValues(l)
	if err != nil {
		return err
	}
	_, err = r.NewRaw(`INSERT INTO licenses (monthly_fee_cents, max_upload_size_mb, max_total_storage_mb, max_assets, max_products,
		max_members, max_groups, max_assets_per_group, max_group_share_hours, features, version, name)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, values...).Exec(ctx)
	return translate("add license", err)
}

func (r licenses) Save(ctx context.Context, l *core.License) error {
	values, err := licenseValues(l)
	if err != nil {
		return err
	}
	res, err := r.NewRaw(`UPDATE licenses SET monthly_fee_cents = ?, max_upload_size_mb = ?, max_total_storage_mb = ?, max_assets = ?,
		max_products = ?, max_members = ?, max_groups = ?, max_assets_per_group = ?, max_group_share_hours = ?, features = ?, version = ?
		WHERE name = ? AND version = ?`, append(values, l.Version-1)...).Exec(ctx)
	return saved("save license", res, err)
}

// licenseValues are the values of all columns, the name last.
func licenseValues(l *core.License) ([]any, error) {
	features, err := json.Marshal(append([]core.Feature{}, l.Features...))
	return []any{
		limit(l.MonthlyFeeCents), limit(l.Limits.MaxUploadSizeMB), limit(l.Limits.MaxTotalStorageMB), limit(l.Limits.MaxAssets),
		limit(l.Limits.MaxProducts), limit(l.Limits.MaxMembers), limit(l.Limits.MaxGroups), limit(l.Limits.MaxAssetsPerGroup),
		limit(l.Limits.MaxGroupShareHours), string(features), l.Version, l.Name,
	}, err
}

func (r licenses) Assign(ctx context.Context, a ports.LicenseAssignment) error {
	_, err := r.NewRaw(`INSERT INTO org_licenses (id, org_id, license, expires_at, created_at) VALUES (?, ?, ?, ?, ?)`,
		core.ID[ports.LicenseAssignment](a.ID), a.OrgID, a.License, stamp{a.ExpiresAt}, stamp{a.Now}).Exec(ctx)
	if err = translate("assign license", err); errors.Is(err, errReference) {
		return core.ErrNotFound
	}
	return err
}
