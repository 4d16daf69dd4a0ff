package bunstore

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type purges struct{ repository }

func (r purges) Due(ctx context.Context, t time.Time, after core.OrgID, limit int) (ids []core.OrgID, err error) {
	err = r.NewRaw(`SELECT id FROM orgs WHERE deleted_at IS NOT NULL AND (deleted_at <= ? OR purging_at IS NOT NULL) AND id > ?
		ORDER BY id LIMIT ?`, stamp{t}, floor(after), limit).Scan(ctx, &ids)
	return ids, translate("orgs to purge", err)
}

func (r purges) Lock(ctx context.Context, org core.OrgID) (*core.Org, error) {
	if err := r.lock(ctx, "orgs", "id", org); err != nil {
		return nil, err
	}
	return orgs(r).Get(ctx, org)
}

// ofOrg are the tables that have rows of an org, in the order in which they
// can be emptied once its drives are gone, with their keys. Tables of which a
// foreign key takes care are not among them.
var ofOrg = []struct{ table, key string }{
	{"entitlements", "id"},
	{"transactions", "id"},
	{"subscriptions", "id"},
	{"products", "id"},
	{"share_visits", "id"},
	{"groups", "id"},
	{"events", "id"},
	{"webhook_deliveries", "id"},
	{"webhooks", "id"},
	{"report_runs", "id"},
	{"reports", "id"},
	{"tickets", "hash"},
	{"accounts", "id"},
	{"org_licenses", "id"},
	{"audit_log", "id"},
}

// Step takes the datasets first, then the trees, the drives, and what else the
// org has.
func (r purges) Step(ctx context.Context, org core.OrgID, limit int) (left ports.Remains, done bool, err error) {
	if err := r.lock(ctx, "org_usage", "org_id", org); err != nil {
		return left, false, err
	}
	// Files of datasets cannot go before the datasets.
	if done, err := datasetPurges(r).stripOrg(ctx, org, limit); err != nil || !done {
		return left, false, err
	}
	var drive core.DriveID
	err = r.NewRaw(`SELECT id FROM drives WHERE org_id = ? ORDER BY id LIMIT 1`, org).Scan(ctx, &drive)
	if err = translate("purge org", err); err == nil {
		left, err = r.pruneDrive(ctx, drive, limit)
		return left, false, err
	}
	if !errors.Is(err, core.ErrNotFound) {
		return left, false, err
	}
	if done, err := shareLinks(r).strip(ctx, limit, "l.org_id = ?", org); err != nil || !done { // those of its groups
		return left, false, err
	}
	if done, err := traffic(r).strip(ctx, groupTraffic, limit, "g.org_id = ?", org); err != nil || !done {
		return left, false, err
	}
	for _, t := range ofOrg {
		res, err := r.NewRaw(`DELETE FROM ? WHERE ? IN (SELECT ? FROM ? WHERE org_id = ? LIMIT ?)`,
			bun.Ident(t.table), bun.Ident(t.key), bun.Ident(t.key), bun.Ident(t.table), org, limit).Exec(ctx)
		if n, err := affected("purge "+t.table, res, err); err != nil || n == limit {
			return left, false, err
		}
	}
	_, err = r.NewRaw(`DELETE FROM orgs WHERE id = ?`, org).Exec(ctx)
	return left, err == nil, translate("purge org", err)
}

// pruneDrive removes what a drive has beside its tree, or nodes if that is gone.
func (r purges) pruneDrive(ctx context.Context, drive core.DriveID, limit int) (left ports.Remains, err error) {
	if err := r.lock(ctx, "drives", "id", drive); err != nil {
		return left, err
	}
	if done, err := drives(r).strip(ctx, drive, limit); err != nil || !done {
		return left, err
	}
	left, done, err := subtrees(r).Reap(ctx, drive, core.RootOf(drive), limit)
	if err != nil || !done {
		return left, err
	}
	_, err = r.NewRaw(`DELETE FROM drives WHERE id = ?`, drive).Exec(ctx) // its members and keys go with it
	return left, translate("purge drive", err)
}
