package bunstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type eventRow struct {
	bun.BaseModel `bun:"table:events,alias:ev"`

	ID      core.EventID             `bun:"id,pk"`
	OrgID   core.OrgID               `bun:"org_id"`
	Type    string                   `bun:"type"`
	Data    document[map[string]any] `bun:"data"`
	At      stamp                    `bun:"at"`
	Seq     sql.NullInt64            `bun:"seq"`
	Waiting bool                     `bun:"waiting"`
}

func (r *eventRow) event() *core.Event {
	return &core.Event{ID: r.ID, OrgID: r.OrgID, Type: r.Type, Data: r.Data.v, At: r.At.Time}
}

func eventsOf(rows []eventRow) []*core.Event {
	out := make([]*core.Event, len(rows))
	for i := range rows {
		out[i] = rows[i].event()
	}
	return out
}

type events struct {
	repository

	wait *bool // some that were added do
}

func (r events) Add(ctx context.Context, es ...*core.Event) error {
	if len(es) == 0 {
		return nil
	}
	rows := make([]eventRow, len(es))
	for i, e := range es {
		rows[i] = eventRow{ID: e.ID, OrgID: e.OrgID, Type: e.Type, Data: document[map[string]any]{e.Data}, At: stamp{e.At}}
	}
	// Whether anybody is told is decided with the change, in no more round trips.
	_, err := r.NewInsert().With("heard", r.NewSelect().ColumnExpr("EXISTS (SELECT 1 FROM webhooks AS w WHERE w.org_id = ? AND w.active) AS waiting", es[0].OrgID)).
		Model(&rows).Value("waiting", "(SELECT waiting FROM heard)").Returning("waiting").Exec(ctx)
	*r.wait = *r.wait || rows[0].Waiting
	return translate("add events", err)
}

func (r events) List(ctx context.Context, org core.OrgID, after core.EventID, limit int) ([]*core.Event, error) {
	var rows []eventRow
	err := r.NewSelect().Model(&rows).Where("ev.org_id = ? AND ev.id > ?", org, floor(after)).OrderExpr("ev.id").Limit(int64(limit)).Scan(ctx)
	return eventsOf(rows), translate("list events", err)
}

func (r events) Waiting(ctx context.Context, org core.OrgID, limit int) ([]*core.Event, error) {
	var rows []eventRow
	err := r.alone(r.NewSelect().Model(&rows).Where("ev.org_id = ? AND ev.waiting", org).OrderExpr("ev.id").Limit(int64(limit))).Scan(ctx)
	return eventsOf(rows), translate("list waiting events", err)
}

// Untold goes from org to org by an index, however many events of one wait.
func (r events) Untold(ctx context.Context, after core.OrgID, limit int) (orgs []core.OrgID, err error) {
	err = r.NewRaw(`WITH RECURSIVE o (org_id) AS (
			SELECT (SELECT e.org_id FROM events e WHERE e.waiting AND e.org_id > ?0 ORDER BY e.org_id LIMIT 1)
			UNION ALL SELECT (SELECT e.org_id FROM events e WHERE e.waiting AND e.org_id > o.org_id ORDER BY e.org_id LIMIT 1) FROM o WHERE o.org_id IS NOT NULL)
		SELECT org_id FROM o WHERE org_id IS NOT NULL LIMIT ?1`, floor(after), limit).Scan(ctx, &orgs)
	return orgs, translate("find events that wait", err)
}

func (r events) Told(ctx context.Context, org core.OrgID, ids ...core.EventID) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := r.NewUpdate().Model((*eventRow)(nil)).Set("waiting = ?", false).Where("ev.org_id = ? AND ev.id IN ?", org, bun.Tuple(ids)).Exec(ctx)
	return translate("end the waiting of events", err)
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
