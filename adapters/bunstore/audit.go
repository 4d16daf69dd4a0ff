package bunstore

import (
	"context"
	"strings"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type auditRow struct {
	bun.BaseModel `bun:"table:audit_log,alias:l"`

	ID         core.AuditID                     `bun:"id,pk"`
	OrgID      core.OrgID                       `bun:"org_id"`
	ActorKind  core.ActorKind                   `bun:"actor_kind"`
	ActorID    core.AccountID                   `bun:"actor_id"`
	ActorEmail string                           `bun:"actor_email"`
	Action     string                           `bun:"action"`
	TargetKind string                           `bun:"target_kind"`
	TargetID   string                           `bun:"target_id"`
	Address    string                           `bun:"address"`
	Changes    document[map[string]core.Change] `bun:"changes"`
	At         stamp                            `bun:"at"`
}

type audit struct{ repository }

func (r audit) Add(ctx context.Context, entries ...*core.AuditEntry) error {
	if len(entries) == 0 {
		return nil
	}
	rows := make([]auditRow, len(entries))
	for i, e := range entries {
		rows[i] = auditRow{
			ID: e.ID, OrgID: e.OrgID, ActorKind: e.ActorKind, ActorID: e.ActorID, ActorEmail: e.ActorEmail, Action: e.Action,
			TargetKind: e.TargetKind, TargetID: e.TargetID, Address: e.Address, Changes: document[map[string]core.Change]{e.Changes}, At: stamp{e.At},
		}
	}
	_, err := r.NewInsert().Model(&rows).Exec(ctx)
	return translate("add audit entry", err)
}

func (r audit) List(ctx context.Context, q ports.AuditQuery) ([]*core.AuditEntry, error) {
	var rows []auditRow
	sel := r.NewSelect().Model(&rows).Where("l.org_id = ?", q.OrgID).OrderExpr("l.id DESC").Limit(int64(q.Limit))
	if !q.Before.IsZero() {
		sel = sel.Where("l.id < ?", q.Before)
	}
	if !q.Actor.IsZero() {
		sel = sel.Where("l.actor_id = ?", q.Actor)
	}
	if strings.HasSuffix(q.Action, ".") {
		sel = sel.Where("substr(l.action, 1, length(?)) = ?", q.Action, q.Action)
	} else if q.Action != "" {
		sel = sel.Where("l.action = ?", q.Action)
	}
	if !q.From.IsZero() {
		sel = sel.Where("l.at >= ?", stamp{q.From})
	}
	if !q.To.IsZero() {
		sel = sel.Where("l.at < ?", stamp{q.To})
	}
	if err := sel.Scan(ctx); err != nil {
		return nil, translate("list audit log", err)
	}
	out := make([]*core.AuditEntry, len(rows))
	for i := range rows {
		out[i] = rows[i].entry()
	}
	return out, nil
}

func (r *auditRow) entry() *core.AuditEntry {
	return &core.AuditEntry{
		ID: r.ID, OrgID: r.OrgID, ActorKind: r.ActorKind, ActorID: r.ActorID, ActorEmail: r.ActorEmail, Action: r.Action,
		TargetKind: r.TargetKind, TargetID: r.TargetID, Address: r.Address, Changes: r.Changes.v, At: r.At.Time,
	}
}
