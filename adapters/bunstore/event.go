package bunstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type eventRow struct {
	bun.BaseModel `bun:"table:events,alias:ev"`

	ID    core.EventID             `bun:"id,pk"`
	OrgID core.OrgID               `bun:"org_id"`
	Type  string                   `bun:"type"`
	Data  document[map[string]any] `bun:"data"`
	At    stamp                    `bun:"at"`
}

type events struct{ repository }

func (r events) Add(ctx context.Context, es ...*core.Event) error {
	if len(es) == 0 {
		return nil
	}
	rows := make([]eventRow, len(es))
	for i, e := range es {
		rows[i] = eventRow{ID: e.ID, OrgID: e.OrgID, Type: e.Type, Data: document[map[string]any]{e.Data}, At: stamp{e.At}}
	}
	_, err := r.NewInsert().Model(&rows).Exec(ctx)
	return translate("add events", err)
}

func (r events) List(ctx context.Context, org core.OrgID, after core.EventID, limit int) ([]*core.Event, error) {
	var rows []eventRow
	err := r.NewSelect().Model(&rows).Where("ev.org_id = ? AND ev.id > ?", org, floor(after)).OrderExpr("ev.id").Limit(int64(limit)).Scan(ctx)
	out := make([]*core.Event, len(rows))
	for i := range rows {
		out[i] = &core.Event{ID: rows[i].ID, OrgID: rows[i].OrgID, Type: rows[i].Type, Data: rows[i].Data.v, At: rows[i].At.Time}
	}
	return out, translate("list events", err)
}

func (r events) Prune(ctx context.Context, t time.Time, limit int) (int, error) {
	res, err := r.NewRaw(`DELETE FROM events WHERE id IN (SELECT id FROM events WHERE at < ? ORDER BY at LIMIT ?)`, stamp{t}, limit).Exec(ctx)
	return affected("prune events", res, err)
}

type paymentEvents struct{ repository }

func (r paymentEvents) Add(ctx context.Context, provider, id string, now time.Time) error {
	_, err := r.NewRaw(`INSERT INTO payment_events (provider, id, at) VALUES (?, ?, ?)`, provider, id, stamp{now}).Exec(ctx)
	return translate("note payment event", err)
}

func (r paymentEvents) Prune(ctx context.Context, t time.Time, limit int) (int, error) {
	res, err := r.NewRaw(`DELETE FROM payment_events WHERE (provider, id) IN (SELECT provider, id FROM payment_events WHERE at < ? ORDER BY at LIMIT ?)`,
		stamp{t}, limit).Exec(ctx)
	return affected("prune payment events", res, err)
}

var (
	_ ports.Events        = events{}
	_ ports.PaymentEvents = paymentEvents{}
)
