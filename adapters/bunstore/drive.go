package bunstore

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
)

type driveRow struct {
	bun.BaseModel `bun:"table:drives,alias:d"`

	ID             core.DriveID   `bun:"id,pk"`
	OrgID          core.OrgID     `bun:"org_id"`
	OwnerAccountID core.AccountID `bun:"owner_account_id"`
	Name           string         `bun:"name"`
	DefaultRole    core.DriveRole `bun:"default_role"`
	QuotaBytes     limit          `bun:"quota_bytes"`
	UsedBytes      int64          `bun:"used_bytes"`
	Version        int64          `bun:"version"`
	CreatedAt      stamp          `bun:"created_at"`
	UpdatedAt      stamp          `bun:"updated_at"`
}

func (r *driveRow) drive() *core.Drive {
	return &core.Drive{
		ID: r.ID, OrgID: r.OrgID, OwnerAccountID: r.OwnerAccountID, Name: r.Name, DefaultRole: r.DefaultRole,
		QuotaBytes: int64(r.QuotaBytes), UsedBytes: r.UsedBytes,
		Version: r.Version, CreatedAt: r.CreatedAt.Time, UpdatedAt: r.UpdatedAt.Time,
	}
}

type drives struct{ repository }

func (r drives) Add(ctx context.Context, d *core.Drive) error {
	_, err := r.NewInsert().Model(newDriveRow(d)).Exec(ctx)
	if err != nil {
		return translate("add drive", err)
	}
	root := core.NewRoot(d)
	_, err = r.NewInsert().Model(newNodeRow(root, new(core.File))).Exec(ctx)
	return translate("add root", err)
}

func newDriveRow(d *core.Drive) *driveRow {
	return &driveRow{
		ID: d.ID, OrgID: d.OrgID, OwnerAccountID: d.OwnerAccountID, Name: d.Name, DefaultRole: d.DefaultRole,
		QuotaBytes: limit(d.QuotaBytes), UsedBytes: d.UsedBytes,
		Version: d.Version, CreatedAt: stamp{d.CreatedAt}, UpdatedAt: stamp{d.UpdatedAt},
	}
}

func (r drives) Save(ctx context.Context, d *core.Drive) error {
	res, err := r.NewUpdate().Model(newDriveRow(d)).ExcludeColumn("used_bytes", "created_at").
		Where("d.org_id = ? AND d.id = ? AND d.version = ?", d.OrgID, d.ID, d.Version-1).Exec(ctx)
	return saved("save drive", res, err)
}

func (r drives) Get(ctx context.Context, org core.OrgID, id core.DriveID) (*core.Drive, error) {
	return r.one(ctx, "d.org_id = ? AND d.id = ?", org, id)
}

func (r drives) PersonalOf(ctx context.Context, org core.OrgID, owner core.AccountID) (*core.Drive, error) {
	return r.one(ctx, "d.org_id = ? AND d.owner_account_id = ?", org, owner)
}

func (r drives) one(ctx context.Context, where string, args ...any) (*core.Drive, error) {
	var row driveRow
	if err := r.NewSelect().Model(&row).Where(where, args...).Scan(ctx); err != nil {
		return nil, translate("get drive", err)
	}
	return row.drive(), nil
}
