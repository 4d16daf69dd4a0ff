package bunstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type orgRow struct {
	bun.BaseModel `bun:"table:orgs,alias:o"`

	ID             core.OrgID            `bun:"id,pk"`
	Name           string                `bun:"name"`
	NameFolded     string                `bun:"name_folded"`
	Slug           string                `bun:"slug"`
	IsPersonal     bool                  `bun:"is_personal"`
	Settings       document[orgSettings] `bun:"settings"`
	Branding       document[branding]    `bun:"branding"`
	DeletedAt      stamp                 `bun:"deleted_at"`
	PurgingAt      stamp                 `bun:"purging_at"`
	DefaultDriveID core.DriveID          `bun:"default_drive_id"`
	Version        int64                 `bun:"version"`
	CreatedAt      stamp                 `bun:"created_at"`
	UpdatedAt      stamp                 `bun:"updated_at"`
}

func (r *orgRow) org() *core.Org {
	return &core.Org{
		ID: r.ID, Name: r.Name, Slug: r.Slug, IsPersonal: r.IsPersonal, DefaultDriveID: r.DefaultDriveID,
		Settings: r.Settings.v.settings(), Branding: core.Branding(r.Branding.v), DeletedAt: r.DeletedAt.Time, PurgingAt: r.PurgingAt.Time,
		Version: r.Version, CreatedAt: r.CreatedAt.Time, UpdatedAt: r.UpdatedAt.Time,
	}
}

// orgSettings and branding are the columns of that name, as JSON.
type orgSettings struct {
	TimeZone string      `json:"time_zone,omitempty"`
	Sharing  sharePolicy `json:"sharing,omitzero"`
}

type sharePolicy struct {
	MaxDays          int  `json:"max_days,omitempty"`
	PasswordRequired bool `json:"password_required,omitempty"`
}

func (s orgSettings) settings() core.OrgSettings {
	return core.OrgSettings{TimeZone: s.TimeZone, Sharing: core.SharePolicy(s.Sharing)}
}

type branding struct {
	LogoAssetID  core.AssetID `json:"logo_asset_id,omitzero"`
	PrimaryColor string       `json:"primary_color,omitempty"`
	AccentColor  string       `json:"accent_color,omitempty"`
}

func newOrgRow(o *core.Org) *orgRow {
	return &orgRow{
		ID: o.ID, Name: o.Name, NameFolded: core.Fold(o.Name), Slug: o.Slug, IsPersonal: o.IsPersonal, DefaultDriveID: o.DefaultDriveID,
		Settings: document[orgSettings]{orgSettings{o.Settings.TimeZone, sharePolicy(o.Settings.Sharing)}}, Branding: document[branding]{branding(o.Branding)}, DeletedAt: stamp{o.DeletedAt},
		PurgingAt: stamp{o.PurgingAt},
		Version:   o.Version, CreatedAt: stamp{o.CreatedAt}, UpdatedAt: stamp{o.UpdatedAt},
	}
}

type orgs struct{ repository }

func (r orgs) Add(ctx context.Context, o *core.Org, defaultDrive core.DriveID) error {
	o.DefaultDriveID = defaultDrive
	if err := r.reserveSlug(ctx, o); err != nil { // before the org, as in Save: one order of locks
		return err
	}
	if _, err := r.NewInsert().Model(newOrgRow(o)).Exec(ctx); err != nil {
		return translate("add org", err)
	}
	_, err := r.NewRaw(`INSERT INTO org_usage (org_id, used_bytes, assets_count) VALUES (?, 0, 0)`, o.ID).Exec(ctx)
	return translate("add org", err)
}

func (r orgs) Get(ctx context.Context, id core.OrgID) (*core.Org, error) {
	var row orgRow
	if err := r.NewSelect().Model(&row).Where("o.id = ?", id).Scan(ctx); err != nil {
		return nil, translate("get org", err)
	}
	return row.org(), nil
}

func (r orgs) BySlug(ctx context.Context, slug string) (*core.Org, error) {
	var row orgRow
	err := r.NewSelect().Model(&row).Where("o.id = (SELECT org_id FROM org_slugs WHERE slug = ?) AND o.deleted_at IS NULL", slug).Scan(ctx)
	if err != nil {
		return nil, translate("find org", err)
	}
	return row.org(), nil
}

func (r orgs) Save(ctx context.Context, o *core.Org) error {
	if err := r.reserveSlug(ctx, o); err != nil {
		return err
	}
	res, err := r.NewUpdate().Model(newOrgRow(o)).ExcludeColumn("is_personal", "created_at").
		Where("o.id = ? AND o.version = ?", o.ID, o.Version-1).Exec(ctx)
	return saved("save org", res, err)
}

// reserveSlug keeps the org's slug for it for ever.
func (r orgs) reserveSlug(ctx context.Context, o *core.Org) error {
	return r.reserve(ctx, o.ID, o.Slug, o.UpdatedAt)
}

func (r orgs) reserve(ctx context.Context, org core.OrgID, slug string, now time.Time) error {
	_, err := r.NewRaw(`INSERT INTO org_slugs (slug, org_id, created_at) VALUES (?, ?, ?) ON CONFLICT (slug) DO NOTHING`,
		slug, org, stamp{now}).Exec(ctx)
	if err != nil {
		return translate("reserve slug", err)
	}
	var owner core.OrgID
	if err := r.NewRaw(`SELECT org_id FROM org_slugs WHERE slug = ?`, slug).Scan(ctx, &owner); err != nil {
		return translate("reserve slug", err)
	}
	if owner != org {
		return core.ErrSlugTaken
	}
	return nil
}

func (r orgs) ListAll(ctx context.Context, text string, now time.Time, p ports.OrgPage) ([]ports.OrgState, error) {
	var rows []struct {
		orgRow
		UsedBytes   int64  `bun:"used_bytes"`
		AssetsCount int64  `bun:"assets_count"`
		Products    int64  `bun:"products_count"`
		Groups      int64  `bun:"groups_count"`
		Members     int64  `bun:"members"`
		License     string `bun:"license"`
	}
	like := likePattern(core.Fold(text))
	err := r.NewRaw(`SELECT o.*, q.used_bytes, q.assets_count, q.products_count, q.groups_count,
		(SELECT count(*) FROM accounts ac WHERE ac.org_id = o.id AND ac.status <> 'removed') AS members,
		coalesce((SELECT ol.license FROM org_licenses ol WHERE ol.org_id = o.id
			AND (ol.expires_at IS NULL OR ol.expires_at > ?) ORDER BY ol.id DESC LIMIT 1), ?) AS license
		FROM orgs o JOIN org_usage q ON q.org_id = o.id
		WHERE o.id > ? AND (o.slug LIKE ? ESCAPE '\' OR o.name_folded LIKE ? ESCAPE '\') ORDER BY o.id LIMIT ?`,
		stamp{now}, core.DefaultLicense, floor(p.After), like, like, p.Limit).Scan(ctx, &rows)
	if err != nil {
		return nil, translate("list all orgs", err)
	}
	out := make([]ports.OrgState, len(rows))
	for i := range rows {
		out[i] = ports.OrgState{
			Org: *rows[i].org(), License: rows[i].License,
			Usage: core.OrgUsage{UsedBytes: rows[i].UsedBytes, AssetsCount: rows[i].AssetsCount, Members: rows[i].Members, Products: rows[i].Products, Groups: rows[i].Groups},
		}
	}
	return out, nil
}

func (r orgs) ListOf(ctx context.Context, user core.UserID, p ports.OrgPage) ([]ports.OrgEntry, error) {
	var rows []struct {
		orgRow
		AccountID core.AccountID `bun:"account_id"`
		Role      core.OrgRole   `bun:"role"`
	}
	which := `o.deleted_at IS NULL`
	if p.Deleted {
		which = `o.deleted_at IS NOT NULL AND o.purging_at IS NULL AND NOT o.is_personal AND ac.role = 'owner'`
	}
	err := r.NewRaw(`SELECT o.*, ac.id AS account_id, ac.role FROM accounts ac JOIN orgs o ON o.id = ac.org_id AND `+which+`
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

// countOf adds n to what an org uses, of which it may have most.
func (r repository) countOf(ctx context.Context, column string, org core.OrgID, n int, most int64) error {
	if n == 0 {
		return nil
	}
	res, err := r.NewRaw(`UPDATE org_usage SET ?0 = ?0 + ?1 WHERE org_id = ?2 AND (?1 < 0 OR ?3 IS NULL OR ?0 + ?1 <= ?3)`,
		bun.Ident(column), n, org, limit(most)).Exec(ctx)
	if granted, err := affected("count "+column, res, err); err != nil || granted > 0 {
		return err
	}
	usage, err := orgs{r}.Usage(ctx, org)
	if err != nil {
		return err
	}
	name, used := "max_groups", usage.Groups
	if column == "products_count" {
		name, used = "max_products_count", usage.Products
	}
	if err := core.CheckLimit(name, most, used, int64(n)); err != nil {
		return err
	}
	return r.countOf(ctx, column, org, n, most) // some were removed meanwhile
}

func (r orgs) Usage(ctx context.Context, id core.OrgID) (core.OrgUsage, error) {
	var row struct {
		UsedBytes   int64 `bun:"used_bytes"`
		AssetsCount int64 `bun:"assets_count"`
		Products    int64 `bun:"products_count"`
		Groups      int64 `bun:"groups_count"`
		Members     int64 `bun:"members"`
	}
	err := r.NewRaw(`SELECT q.used_bytes, q.assets_count, q.products_count, q.groups_count,
		(SELECT count(*) FROM accounts ac WHERE ac.org_id = q.org_id AND ac.status <> 'removed') AS members
		FROM org_usage q WHERE q.org_id = ?`, id).Scan(ctx, &row)
	usage := core.OrgUsage{UsedBytes: row.UsedBytes, AssetsCount: row.AssetsCount, Members: row.Members, Products: row.Products, Groups: row.Groups}
	return usage, translate("org usage", err)
}
