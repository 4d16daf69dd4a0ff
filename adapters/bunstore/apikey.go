package bunstore

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// permissions is core.Permissions as text.
type permissions core.Permissions

// Value implements driver.Valuer.
func (p permissions) Value() (driver.Value, error) { return core.Permissions(p).String(), nil }

// Scan implements sql.Scanner.
func (p *permissions) Scan(v any) error {
	text, ok := v.(string)
	if !ok {
		return fmt.Errorf("cannot scan %T into permissions", v)
	}
	parsed, err := core.ParsePermissions("permissions", strings.Split(text, ","))
	*p = permissions(parsed)
	return err
}

type apiKeyRow struct {
	bun.BaseModel `bun:"table:api_keys,alias:k"`

	ID          core.APIKeyID  `bun:"id,pk"`
	OrgID       core.OrgID     `bun:"org_id"`
	DriveID     core.DriveID   `bun:"drive_id"`
	Name        string         `bun:"name"`
	Prefix      string         `bun:"prefix"`
	Hash        []byte         `bun:"hash"`
	Permissions permissions    `bun:"permissions"`
	CreatedBy   core.AccountID `bun:"created_by"`
	CreatedAt   stamp          `bun:"created_at"`
	ExpiresAt   stamp          `bun:"expires_at"`
	RevokedAt   stamp          `bun:"revoked_at"`
	RevokedBy   core.AccountID `bun:"revoked_by"`
	LastUsedAt  stamp          `bun:"last_used_at"`
}

func newAPIKeyRow(k *core.APIKey) *apiKeyRow {
	return &apiKeyRow{
		ID: k.ID, OrgID: k.OrgID, DriveID: k.DriveID, Name: k.Name, Prefix: k.Prefix, Hash: k.Hash[:], Permissions: permissions(k.Permissions),
		CreatedBy: k.CreatedBy, CreatedAt: stamp{k.CreatedAt}, ExpiresAt: stamp{k.ExpiresAt}, RevokedAt: stamp{k.RevokedAt},
		RevokedBy: k.RevokedBy, LastUsedAt: stamp{k.LastUsedAt},
	}
}

func (r *apiKeyRow) apiKey() *core.APIKey {
	var ref core.KeyRef
	ref.Prefix = r.Prefix
	copy(ref.Hash[:], r.Hash)
	return &core.APIKey{
		KeyRef: ref, ID: r.ID, OrgID: r.OrgID, DriveID: r.DriveID, Name: r.Name, Permissions: core.Permissions(r.Permissions),
		CreatedBy: r.CreatedBy, CreatedAt: r.CreatedAt.Time, ExpiresAt: r.ExpiresAt.Time, RevokedAt: r.RevokedAt.Time,
		RevokedBy: r.RevokedBy, LastUsedAt: r.LastUsedAt.Time,
	}
}

type apiKeys struct{ repository }

func (r apiKeys) Add(ctx context.Context, k *core.APIKey) error {
	_, err := r.NewInsert().Model(newAPIKeyRow(k)).Exec(ctx)
	return translate("add API key", err)
}

func (r apiKeys) Get(ctx context.Context, drive core.DriveID, id core.APIKeyID) (*core.APIKey, error) {
	var row apiKeyRow
	if err := r.NewSelect().Model(&row).Where("k.drive_id = ? AND k.id = ?", drive, id).Scan(ctx); err != nil {
		return nil, translate("get API key", err)
	}
	return row.apiKey(), nil
}

func (r apiKeys) List(ctx context.Context, q ports.APIKeyQuery) ([]*core.APIKey, error) {
	var rows []apiKeyRow
	sel := r.NewSelect().Model(&rows).Where("k.drive_id = ?", q.DriveID).OrderExpr("k.id DESC").Limit(int64(q.Limit))
	if !q.Before.IsZero() {
		sel = sel.Where("k.id < ?", q.Before)
	}
	switch now := (stamp{q.Now}); q.Status { // as core.StatusOfKey has it
	case core.KeyActive:
		sel = sel.Where("k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > ?)", now)
	case core.KeyExpired:
		sel = sel.Where("k.revoked_at IS NULL AND k.expires_at <= ?", now)
	case core.KeyRevoked:
		sel = sel.Where("k.revoked_at IS NOT NULL")
	}
	if err := sel.Scan(ctx); err != nil {
		return nil, translate("list API keys", err)
	}
	out := make([]*core.APIKey, len(rows))
	for i := range rows {
		out[i] = rows[i].apiKey()
	}
	return out, nil
}

func (r apiKeys) Revoke(ctx context.Context, drive core.DriveID, id core.APIKeyID, by core.AccountID, now time.Time) (bool, error) {
	res, err := r.NewRaw(`UPDATE api_keys SET revoked_at = ?, revoked_by = ? WHERE drive_id = ? AND id = ? AND revoked_at IS NULL`,
		stamp{now}, by, drive, id).Exec(ctx)
	n, err := affected("revoke API key", res, err)
	return n > 0, err
}

func (r apiKeys) RevokeOf(ctx context.Context, org core.OrgID, account core.AccountID, now time.Time) error {
	_, err := r.NewRaw(`UPDATE api_keys SET revoked_at = ? WHERE org_id = ? AND created_by = ? AND revoked_at IS NULL`,
		stamp{now}, org, account).Exec(ctx)
	return translate("revoke API keys", err)
}
