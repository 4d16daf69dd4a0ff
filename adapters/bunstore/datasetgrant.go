package bunstore

import (
	"context"
	"errors"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
)

type datasetGrants struct{ repository }

type datasetGrantRow struct {
	bun.BaseModel `bun:"table:dataset_grants"`

	DatasetID core.DatasetID `bun:"dataset_id"`
	Role      core.OrgRole   `bun:"role"`
	AccountID core.AccountID `bun:"account_id"`
	Rights    int64          `bun:"rights"`
}

func (r datasetGrants) List(ctx context.Context, id core.DatasetID) ([]core.DatasetGrant, error) {
	var rows []datasetGrantRow
	err := r.NewRaw(`SELECT dataset_id, role, account_id, rights FROM dataset_grants WHERE dataset_id = ? ORDER BY role DESC, account_id`, id).Scan(ctx, &rows)
	out := make([]core.DatasetGrant, len(rows))
	for i, row := range rows {
		out[i] = core.DatasetGrant{Role: row.Role, AccountID: row.AccountID, Rights: core.DatasetRights(row.Rights)} //nolint:gosec // a constraint keeps it below 8
	}
	return out, translate("list dataset grants", err)
}

func (r datasetGrants) Replace(ctx context.Context, id core.DatasetID, grants []core.DatasetGrant) error {
	if _, err := r.NewRaw(`DELETE FROM dataset_grants WHERE dataset_id = ?`, id).Exec(ctx); err != nil || len(grants) == 0 {
		return translate("replace dataset grants", err)
	}
	rows := make([]datasetGrantRow, len(grants))
	for i, g := range grants {
		rows[i] = datasetGrantRow{DatasetID: id, Role: g.Role, AccountID: g.AccountID, Rights: int64(g.Rights)}
	}
	_, err := r.NewInsert().Model(&rows).Exec(ctx)
	if err = translate("replace dataset grants", err); errors.Is(err, errReference) {
		return core.ErrNotFound
	}
	return err
}

// Forget locks the datasets first: whoever grants something has locked one, and
// sees then that the account has left.
func (r datasetGrants) Forget(ctx context.Context, org core.OrgID, account core.AccountID) error {
	var ids []core.DatasetID
	err := r.alone(r.NewSelect().TableExpr("datasets").Column("id").
		Where("org_id = ? AND (owner_id = ? OR id IN (SELECT dataset_id FROM dataset_grants WHERE account_id = ?))", org, account, account).OrderExpr("id")).Scan(ctx, &ids)
	if err != nil || len(ids) == 0 {
		return translate("forget dataset grants", err)
	}
	for _, text := range []string{
		`DELETE FROM dataset_grants WHERE account_id = ?1 AND dataset_id IN (SELECT id FROM datasets WHERE org_id = ?0)`,
		`UPDATE datasets SET owner_id = NULL WHERE org_id = ?0 AND owner_id = ?1`,
	} {
		if _, err := r.NewRaw(text, org, account).Exec(ctx); err != nil {
			return translate("forget dataset grants", err)
		}
	}
	return nil
}
