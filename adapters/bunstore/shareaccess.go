package bunstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type shareAccessRow struct {
	bun.BaseModel `bun:"table:share_accesses,alias:a"`

	ID        core.AccessID    `bun:"id,pk"`
	LinkID    core.ShareLinkID `bun:"link_id"`
	OrgID     core.OrgID       `bun:"org_id"`
	Kind      core.AccessKind  `bun:"kind"`
	Refused   string           `bun:"refused"`
	NodeID    core.NodeID      `bun:"node_id"`
	GroupID   core.GroupID     `bun:"group_id"`
	AccountID core.AccountID   `bun:"account_id"`
	Address   string           `bun:"address"`
	UserAgent string           `bun:"user_agent"`
	Referer   string           `bun:"referer"`
	At        stamp            `bun:"at"`
}

func (r *shareAccessRow) access() *core.ShareAccess {
	return &core.ShareAccess{ //nolint:exhaustruct_v5 // the rest is for analytics, and not in the log
		ID: r.ID, LinkID: r.LinkID, OrgID: r.OrgID, Kind: r.Kind, Refused: r.Refused, NodeID: r.NodeID, GroupID: r.GroupID, AccountID: r.AccountID,
		Address: r.Address, UserAgent: r.UserAgent, Referer: r.Referer, At: r.At.Time,
	}
}

func (r shareLinks) Accesses(ctx context.Context, q ports.AccessQuery) ([]*core.ShareAccess, error) {
	var rows []shareAccessRow
	sel := r.NewSelect().Model(&rows).Where("a.org_id = ? AND a.link_id = ?", q.OrgID, q.LinkID).OrderExpr("a.id DESC").Limit(int64(q.Limit))
	if !q.Before.IsZero() {
		sel.Where("a.id < ?", q.Before)
	}
	if q.Kind != "" {
		sel.Where("a.kind = ?", q.Kind)
	}
	if q.Refused != nil {
		sel.Where("(a.refused <> '') = ?", *q.Refused)
	}
	if !q.From.IsZero() {
		sel.Where("a.at >= ?", stamp{q.From})
	}
	if !q.To.IsZero() {
		sel.Where("a.at < ?", stamp{q.To})
	}
	if err := sel.Scan(ctx); err != nil {
		return nil, translate("list accesses", err)
	}
	out := make([]*core.ShareAccess, len(rows))
	for i := range rows {
		out[i] = rows[i].access()
	}
	return out, nil
}

func (r shareLinks) PruneAccesses(ctx context.Context, t time.Time, limit int) (int, error) {
	res, err := r.NewRaw(`DELETE FROM share_accesses WHERE id IN (SELECT id FROM share_accesses WHERE at < ? ORDER BY at LIMIT ?)`, stamp{t}, limit).Exec(ctx)
	return affected("prune accesses", res, err)
}
