package bunstore

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type deliveryRow struct {
	bun.BaseModel `bun:"table:webhook_deliveries,alias:dl"`

	ID        core.DeliveryID     `bun:"id,pk"`
	OrgID     core.OrgID          `bun:"org_id"`
	WebhookID core.WebhookID      `bun:"webhook_id"`
	EventID   core.EventID        `bun:"event_id"`
	Type      string              `bun:"type"`
	Body      string              `bun:"body"`
	Status    core.DeliveryStatus `bun:"status"`
	Attempts  int                 `bun:"attempts"`
	Tries     int                 `bun:"tries"`
	NextAt    stamp               `bun:"next_at"`
	Last      document[attempt]   `bun:"last"`
	CreatedAt stamp               `bun:"created_at"`
}

// attempt is core.Attempt as JSON; times are in microseconds.
type attempt struct {
	At     int64             `json:"at,omitempty"`
	URL    string            `json:"url,omitempty"`
	Status int               `json:"status,omitempty"`
	Header map[string]string `json:"header,omitempty"`
	Body   string            `json:"body,omitempty"`
	Error  string            `json:"error,omitempty"`
	Took   int64             `json:"took,omitempty"`
}

func newAttempt(a core.Attempt) attempt {
	out := attempt{URL: a.URL, Status: a.Status, Header: a.Header, Body: a.Body, Error: a.Error, Took: a.Took.Microseconds()}
	if !a.At.IsZero() {
		out.At = a.At.UnixMicro()
	}
	return out
}

func (a attempt) attempt() core.Attempt {
	out := core.Attempt{
		At: time.Time{}, URL: a.URL, Status: a.Status, Header: a.Header, Body: a.Body, Error: a.Error, Took: time.Duration(a.Took) * time.Microsecond,
	}
	if a.At != 0 {
		out.At = time.UnixMicro(a.At).UTC()
	}
	return out
}

func newDeliveryRow(d *core.Delivery) deliveryRow {
	return deliveryRow{
		ID: d.ID, OrgID: d.OrgID, WebhookID: d.WebhookID, EventID: d.EventID, Type: d.Type, Body: string(d.Body), Status: d.Status,
		Attempts: d.Attempts, Tries: d.Tries, NextAt: stamp{d.NextAt}, Last: document[attempt]{newAttempt(d.Last)}, CreatedAt: stamp{d.CreatedAt},
	}
}

func (r *deliveryRow) delivery() *core.Delivery {
	return &core.Delivery{
		ID: r.ID, OrgID: r.OrgID, WebhookID: r.WebhookID, EventID: r.EventID, Type: r.Type, Body: []byte(r.Body), Status: r.Status,
		Attempts: r.Attempts, Tries: r.Tries, NextAt: r.NextAt.Time, Last: r.Last.v.attempt(), CreatedAt: r.CreatedAt.Time,
	}
}

type deliveries struct{ repository }

func (r deliveries) Add(ctx context.Context, ds ...*core.Delivery) error {
	const batch = 100 // rows of one statement
	for some := range slices.Chunk(ds, batch) {
		rows := make([]deliveryRow, len(some))
		for i, d := range some {
			rows[i] = newDeliveryRow(d)
		}
		_, err := r.NewInsert().Model(&rows).On("CONFLICT (webhook_id, event_id) DO NOTHING").Exec(ctx)
		if err != nil {
			return translate("add deliveries", err)
		}
	}
	return nil
}

func (r deliveries) Get(ctx context.Context, org core.OrgID, webhook core.WebhookID, id core.DeliveryID) (*core.Delivery, error) {
	var row deliveryRow
	err := r.NewSelect().Model(&row).Where("dl.org_id = ? AND dl.webhook_id = ? AND dl.id = ?", org, webhook, id).Scan(ctx)
	if err != nil {
		return nil, translate("get delivery", err)
	}
	return row.delivery(), nil
}

func (r deliveries) List(ctx context.Context, q ports.DeliveryQuery) ([]*core.Delivery, error) {
	var rows []deliveryRow
	sel := r.NewSelect().Model(&rows).Where("dl.org_id = ? AND dl.webhook_id = ?", q.OrgID, q.WebhookID).OrderExpr("dl.id DESC").Limit(int64(q.Limit))
	if !q.Before.IsZero() {
		sel = sel.Where("dl.id < ?", q.Before)
	}
	if q.Status != "" {
		sel = sel.Where("dl.status = ?", q.Status)
	}
	if err := sel.Scan(ctx); err != nil {
		return nil, translate("list deliveries", err)
	}
	out := make([]*core.Delivery, len(rows))
	for i := range rows {
		out[i] = rows[i].delivery()
	}
	return out, nil
}

func (r deliveries) Save(ctx context.Context, d *core.Delivery) error {
	row := newDeliveryRow(d)
	res, err := r.NewUpdate().Model(&row).Column("status", "attempts", "tries", "next_at", "last").
		Where("dl.org_id = ? AND dl.webhook_id = ? AND dl.id = ?", d.OrgID, d.WebhookID, d.ID).Exec(ctx)
	if n, err := affected("save delivery", res, err); err != nil || n > 0 {
		return err
	}
	return core.ErrNotFound
}

func (r deliveries) GiveUp(ctx context.Context, org core.OrgID, webhook core.WebhookID, why string, limit int) error {
	_, err := r.NewRaw(`UPDATE webhook_deliveries SET status = 'failed', next_at = NULL, last = `+r.dialect.withError+` WHERE id IN (
			SELECT id FROM webhook_deliveries WHERE org_id = ? AND webhook_id = ? AND status = 'pending' ORDER BY next_at LIMIT ?)`,
		why, org, webhook, limit).Exec(ctx)
	return translate("give deliveries up", err)
}

// pruned are the deliveries that are to go, each with one argument of its own.
var pruned = []string{
	`SELECT id FROM webhook_deliveries WHERE created_at < ? AND status <> 'pending' ORDER BY created_at`,
	`SELECT d.id FROM webhooks w JOIN webhook_deliveries d ON d.webhook_id = w.id
		AND d.id <= (SELECT e.id FROM webhook_deliveries e WHERE e.webhook_id = w.id ORDER BY e.id DESC LIMIT 1 OFFSET ?)`,
	`SELECT d.id FROM webhooks w JOIN webhook_deliveries d ON d.webhook_id = w.id WHERE w.removed = ?`,
}

func (r deliveries) Prune(ctx context.Context, t time.Time, most, limit int) (n int, err error) {
	for i, arg := range []any{stamp{t}, most, true} {
		res, err := r.NewRaw(`DELETE FROM webhook_deliveries WHERE id IN (`+pruned[i]+` LIMIT ?)`, arg, limit).Exec(ctx)
		gone, err := affected("prune deliveries", res, err)
		if err != nil {
			return n, err
		}
		n += gone
	}
	_, err = r.NewRaw(`DELETE FROM webhooks WHERE removed AND NOT EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.webhook_id = webhooks.id)`).Exec(ctx)
	return n, translate("prune webhooks", err)
}

type dispatches struct{ repository }

// Due asks each webhook for its first pending delivery, which an index has at
// hand. Of each org it ranks those that are held before those that could be.
func (r dispatches) Due(ctx context.Context, now time.Time, share, limit int) ([]ports.WebhookRef, error) {
	var rows []struct {
		OrgID core.OrgID     `bun:"org_id"`
		ID    core.WebhookID `bun:"id"`
	}
	err := r.NewRaw(`SELECT org_id, id FROM (
			SELECT org_id, id, held, free_at, due, row_number() OVER (PARTITION BY org_id ORDER BY held DESC, free_at, due, id) AS place FROM (
				SELECT w.org_id, w.id, w.active, w.lease IS NOT NULL AND w.free_at > ?0 AS held, coalesce(w.free_at, 0) AS free_at,
					(SELECT min(d.next_at) FROM webhook_deliveries d WHERE d.webhook_id = w.id AND d.status = 'pending') AS due
				FROM webhooks w WHERE NOT w.removed) AS x
			WHERE held OR free_at <= ?0 AND (due <= ?0 OR NOT active AND due IS NOT NULL)) AS y
		WHERE NOT held AND place <= ?1 ORDER BY place, free_at, due, id LIMIT ?2`, stamp{now}, share, limit).Scan(ctx, &rows)
	if err != nil {
		return nil, translate("find due webhooks", err)
	}
	out := make([]ports.WebhookRef, len(rows))
	for i, row := range rows {
		out[i] = ports.WebhookRef(row)
	}
	return out, nil
}

func (r dispatches) Claim(
	ctx context.Context, ref ports.WebhookRef, lease [16]byte, now, until time.Time,
) (*core.Webhook, *core.Delivery, error) {
	res, err := r.NewRaw(`UPDATE webhooks SET lease = ?, free_at = ? WHERE org_id = ? AND id = ? AND (free_at IS NULL OR free_at <= ?)`,
		core.ID[dispatches](lease), stamp{until}, ref.OrgID, ref.ID, stamp{now}).Exec(ctx)
	n, err := affected("claim webhook", res, err)
	if err != nil {
		return nil, nil, err
	}
	if n == 0 {
		return nil, nil, core.ErrNotFound
	}
	w, err := webhooks(r).Get(ctx, ref.OrgID, ref.ID)
	if err != nil {
		return nil, nil, err
	}
	var row deliveryRow
	sel := r.NewSelect().Model(&row).Where("dl.webhook_id = ? AND dl.status = 'pending'", ref.ID).OrderExpr("dl.next_at, dl.id").Limit(1)
	if w.Active {
		sel = sel.Where("dl.next_at <= ?", stamp{now})
	}
	if err := sel.Scan(ctx); err != nil {
		return nil, nil, translate("find due delivery", err)
	}
	return w, row.delivery(), nil
}

func (r dispatches) Settle(ctx context.Context, lease [16]byte, w *core.Webhook, d *core.Delivery, free time.Time) error {
	res, err := r.NewRaw(`UPDATE webhooks SET lease = NULL, free_at = ?, failing_since = ? WHERE org_id = ? AND id = ? AND lease = ?`,
		stamp{free}, stamp{w.FailingSince}, w.OrgID, w.ID, core.ID[dispatches](lease)).Exec(ctx)
	if err := saved("settle webhook", res, err); err != nil {
		return err
	}
	return deliveries(r).Save(ctx, d)
}

func (r dispatches) Hurry(ctx context.Context, ref ports.WebhookRef, now time.Time) error {
	_, err := r.NewRaw(`UPDATE webhooks SET free_at = ?0 WHERE org_id = ?1 AND id = ?2 AND lease IS NULL AND free_at > ?0`,
		stamp{now}, ref.OrgID, ref.ID).Exec(ctx)
	return translate("hurry webhook", err)
}

var (
	_ ports.Deliveries = deliveries{}
	_ ports.Dispatches = dispatches{}
)
