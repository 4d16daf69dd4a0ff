package bunstore

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type entitlementRow struct {
	bun.BaseModel `bun:"table:entitlements,alias:e"`

	ID             core.EntitlementID  `bun:"id,pk"`
	OrgID          core.OrgID          `bun:"org_id"`
	UserID         core.UserID         `bun:"user_id"`
	NodeID         core.NodeID         `bun:"node_id"`
	ProductID      core.ProductID      `bun:"product_id"`
	TransactionID  core.TransactionID  `bun:"transaction_id"`
	SubscriptionID core.SubscriptionID `bun:"subscription_id"`
	ExpiresAt      stamp               `bun:"expires_at"`
	AccessUntil    stamp               `bun:"access_until"`
	SuspendedAt    stamp               `bun:"suspended_at"`
	RevokedAt      stamp               `bun:"revoked_at"`
	CreatedAt      stamp               `bun:"created_at"`
}

func newEntitlementRow(e *core.Entitlement) entitlementRow {
	return entitlementRow{
		ID: e.ID, OrgID: e.OrgID, UserID: e.UserID, NodeID: e.NodeID, ProductID: e.ProductID, TransactionID: e.TransactionID,
		SubscriptionID: e.SubscriptionID, ExpiresAt: stamp{e.ExpiresAt}, AccessUntil: stamp{e.AccessUntil},
		SuspendedAt: stamp{e.SuspendedAt}, RevokedAt: stamp{e.RevokedAt}, CreatedAt: stamp{e.CreatedAt},
	}
}

type entitlements struct{ repository }

func (r entitlements) Add(ctx context.Context, es ...*core.Entitlement) (int, error) {
	ids := make([]core.NodeID, 0, 1)
	for _, e := range es {
		if !slices.Contains(ids, e.NodeID) {
			ids = append(ids, e.NodeID)
		}
	}
	if len(es) == 0 {
		return 0, nil
	}
	var there []core.NodeID
	err := r.NewRaw(`SELECT n.id FROM nodes n WHERE n.id IN (?) AND n.purged_at IS NULL AND `+notBelowPurged, bun.List(ids)).Scan(ctx, &there)
	if err != nil {
		return 0, translate("find what is sold", err)
	}
	rows := make([]entitlementRow, 0, len(es))
	for _, e := range es {
		if slices.Contains(there, e.NodeID) {
			rows = append(rows, newEntitlementRow(e))
		}
	}
	if len(rows) == 0 {
		return 0, nil
	}
	res, err := r.NewInsert().Model(&rows).On("CONFLICT DO NOTHING").Returning("NULL").Exec(ctx)
	return affected("add entitlements", res, err)
}

func (r entitlements) Renew(ctx context.Context, s *core.Subscription, accessUntil time.Time) error {
	_, err := r.NewRaw(`UPDATE entitlements SET suspended_at = CASE WHEN transaction_id = ?0 THEN suspended_at ELSE NULL END,
			transaction_id = ?0, expires_at = ?1, access_until = ?2 WHERE subscription_id = ?3 AND revoked_at IS NULL`,
		s.TransactionID, stamp{s.PeriodEnd}, stamp{accessUntil}, s.ID).Exec(ctx)
	return translate("renew entitlements", err)
}

func (r entitlements) Revoke(ctx context.Context, t core.TransactionID, now time.Time) (int, error) {
	res, err := r.NewRaw(`UPDATE entitlements SET revoked_at = ? WHERE transaction_id = ? AND revoked_at IS NULL`, stamp{now}, t).Exec(ctx)
	return affected("revoke entitlements", res, err)
}

func (r entitlements) Suspend(ctx context.Context, t core.TransactionID, since time.Time) error {
	_, err := r.NewRaw(`UPDATE entitlements SET suspended_at = ? WHERE transaction_id = ?`, stamp{since}, t).Exec(ctx)
	return translate("suspend entitlements", err)
}

// heldRow is an entitlement with what it is to.
type heldRow struct {
	nodeRow
	ProductName string           `bun:"p_name"`
	ProductType core.ProductType `bun:"p_type"`
	OrgName     string           `bun:"o_name"`

	EntitlementID  core.EntitlementID  `bun:"e_id"`
	UserID         core.UserID         `bun:"e_user_id"`
	ProductID      core.ProductID      `bun:"e_product_id"`
	TransactionID  core.TransactionID  `bun:"e_transaction_id"`
	SubscriptionID core.SubscriptionID `bun:"e_subscription_id"`
	ExpiresAt      stamp               `bun:"e_expires_at"`
	AccessUntil    stamp               `bun:"e_access_until"`
	SuspendedAt    stamp               `bun:"e_suspended_at"`
	RevokedAt      stamp               `bun:"e_revoked_at"`
	GrantedAt      stamp               `bun:"e_created_at"`
}

func (r *heldRow) held() ports.Held {
	return ports.Held{
		Entitlement: core.Entitlement{
			ID: r.EntitlementID, OrgID: r.OrgID, UserID: r.UserID, NodeID: r.ID, ProductID: r.ProductID, TransactionID: r.TransactionID,
			SubscriptionID: r.SubscriptionID, ExpiresAt: r.ExpiresAt.Time, AccessUntil: r.AccessUntil.Time,
			SuspendedAt: r.SuspendedAt.Time, RevokedAt: r.RevokedAt.Time, CreatedAt: r.GrantedAt.Time,
		},
		Entry: r.entry(), ProductName: r.ProductName, ProductType: r.ProductType, OrgName: r.OrgName,
	}
}

// held selects a user's entitlements to what is there, in live orgs.
func (r entitlements) held(user core.UserID) *bun.SelectQuery {
	return withHash(r.NewSelect()).
		ColumnExpr("p.name AS p_name, p.type AS p_type, o.name AS o_name").
		ColumnExpr(`e.id AS e_id, e.user_id AS e_user_id, e.product_id AS e_product_id, e.transaction_id AS e_transaction_id,
			e.subscription_id AS e_subscription_id, e.expires_at AS e_expires_at, e.access_until AS e_access_until,
			e.suspended_at AS e_suspended_at, e.revoked_at AS e_revoked_at, e.created_at AS e_created_at`).
		Join("JOIN entitlements AS e ON e.node_id = n.id").
		Join("JOIN products AS p ON p.id = e.product_id").
		Join("JOIN orgs AS o ON o.id = e.org_id AND o.deleted_at IS NULL").
		Where("e.user_id = ? AND n.purged_at IS NULL", user)
}

func (r entitlements) Get(ctx context.Context, user core.UserID, id core.EntitlementID) (*ports.Held, error) {
	var row heldRow
	if err := r.held(user).Model(&row).ModelTableExpr("nodes AS n").Where("e.id = ?", id).Scan(ctx); err != nil {
		return nil, translate("get entitlement", err)
	}
	return new(row.held()), nil
}

func (r entitlements) List(ctx context.Context, q ports.EntitlementQuery) ([]ports.Held, error) {
	var rows []heldRow
	sel := r.held(q.UserID).Model(&rows).ModelTableExpr("nodes AS n").Where("e.revoked_at IS NULL AND e.suspended_at IS NULL").
		Where("(e.access_until IS NULL OR e.access_until > ?)", stamp{q.Now}).OrderExpr("e.id DESC").Limit(int64(q.Limit))
	if !q.Before.IsZero() {
		sel.Where("e.id < ?", q.Before)
	}
	if err := sel.Scan(ctx); err != nil {
		return nil, translate("list entitlements", err)
	}
	out := make([]ports.Held, len(rows))
	for i := range rows {
		out[i] = rows[i].held()
	}
	return out, nil
}

// Contents reads the kinds one after the other, as listings do.
func (r entitlements) Contents(ctx context.Context, q ports.ContentsQuery) (out []ports.Entry, err error) {
	for _, kind := range []core.NodeKind{core.KindFolder, core.KindAsset} {
		if q.After.Kind == core.KindAsset && kind == core.KindFolder || len(out) >= q.Limit {
			continue
		}
		sel := r.NewSelect().Where("n.parent_id = ? AND n.kind = ? AND n.purged_at IS NULL AND "+inDrive, q.ParentID, kind, q.DriveID).
			Where("(n.trashed_at IS NULL OR n.trashed_at > ?)", stamp{q.Bought}).
			OrderExpr("n.name, n.id").Limit(int64(q.Limit - len(out)))
		if kind == core.KindAsset {
			sel.Where("n.status = 'ready'")
		}
		if q.After.Kind == kind {
			sel.Where("(n.name, n.id) > (?, ?)", q.After.Name, q.After.ID)
		}
		more, err := listings(r).entries(ctx, sel)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// aboveNode are a node and the folders above it, each with when the first of
// those below it, on this way, was trashed: who bought the folder after that has
// not bought the node.
const aboveNode = `above (id, parent_id, trashed_at, below, step) AS (
		SELECT n.id, n.parent_id, n.trashed_at, CAST(NULL AS bigint), 0 FROM nodes n WHERE n.id = ?0
		UNION ALL
		SELECT p.id, p.parent_id, p.trashed_at,
			CASE WHEN above.below IS NULL OR above.trashed_at < above.below THEN coalesce(above.trashed_at, above.below) ELSE above.below END, above.step + 1
		FROM above JOIN nodes p ON p.id = above.parent_id WHERE above.step < 200
	)`

// belowNode are those of the nodes in sold that lie below a folder. From each of
// them it is a short way up.
const belowNode = `up (node_id, id, parent_id, step) AS (
		SELECT n.id, n.id, n.parent_id, 0 FROM sold JOIN nodes n ON n.id = sold.node_id AND n.drive_id = ?1
		UNION ALL
		SELECT up.node_id, p.id, p.parent_id, up.step + 1 FROM up JOIN nodes p ON p.id = up.parent_id WHERE up.step < 200 AND up.id <> ?0
	)`

// soldOnce are the nodes of an org that anybody ever bought: from each, the
// index leads to the next.
const soldOnce = `sold (node_id) AS (
		SELECT * FROM (SELECT node_id FROM entitlements WHERE org_id = ?2 ORDER BY node_id LIMIT 1) AS first
		UNION ALL
		SELECT (SELECT e.node_id FROM entitlements e WHERE e.org_id = ?2 AND e.node_id > sold.node_id ORDER BY e.node_id LIMIT 1)
		FROM sold WHERE sold.node_id IS NOT NULL
	)`

const liveEntitlement = ` e.org_id = ?2 AND e.revoked_at IS NULL AND (e.access_until IS NULL OR e.access_until > ?3)`

// LiveBelow locks the products that concern the node first: from then on nobody
// sells it. Of a file, only what is above it is looked at.
func (r entitlements) LiveBelow(ctx context.Context, n *core.Node, now time.Time) (live int64, err error) {
	linked, count := `SELECT l.product_id FROM product_links l JOIN above ON above.id = l.node_id`,
		`SELECT count(*) FROM entitlements e JOIN above ON above.id = e.node_id WHERE`+liveEntitlement+` AND (above.below IS NULL OR above.below > e.created_at)`
	with := `WITH RECURSIVE ` + aboveNode
	args := []any{n.ID, n.DriveID, n.OrgID, stamp{now}}
	lock := ""
	if r.dialect.forUpdate != "" {
		lock = " FOR NO KEY UPDATE"
	}
	if n.Kind == core.KindFolder {
		below := `, sold (node_id) AS (SELECT node_id FROM product_links WHERE org_id = ?2), ` + belowNode
		linked += ` UNION SELECT l.product_id FROM product_links l JOIN up ON up.node_id = l.node_id WHERE up.id = ?0`
		err = r.lockProducts(ctx, with+below+` `+linked, lock, args)
		count = `SELECT (` + count + ` AND above.id <> ?0) + (SELECT count(*) FROM entitlements e JOIN up ON up.node_id = e.node_id AND up.id = ?0 WHERE` + liveEntitlement + `)`
		with += `, ` + soldOnce + `, ` + belowNode
	} else {
		err = r.lockProducts(ctx, with+` `+linked, lock, args)
	}
	if err != nil {
		return 0, err
	}
	err = r.NewRaw(with+` `+count, args...).Scan(ctx, &live)
	return live, translate("live entitlements", err)
}

// lockProducts locks the products that a query finds, in the order of their ids.
func (r entitlements) lockProducts(ctx context.Context, query, lock string, args []any) error {
	var locked []core.ProductID
	err := r.NewRaw(`SELECT id FROM products WHERE org_id = ?2 AND id IN (`+query+`) ORDER BY id`+lock, args...).Scan(ctx, &locked)
	return translate("lock products", err)
}
