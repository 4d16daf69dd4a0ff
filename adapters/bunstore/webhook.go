package bunstore

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type webhookRow struct {
	bun.BaseModel `bun:"table:webhooks,alias:w"`

	ID             core.WebhookID      `bun:"id,pk"`
	OrgID          core.OrgID          `bun:"org_id"`
	URL            string              `bun:"url"`
	Events         document[[]string]  `bun:"events"`
	Description    string              `bun:"description"`
	Active         bool                `bun:"active"`
	Disabled       core.DisabledReason `bun:"disabled"`
	DisabledAt     stamp               `bun:"disabled_at"`
	Secret         []byte              `bun:"secret"`
	OldSecret      []byte              `bun:"old_secret"`
	OldSecretUntil stamp               `bun:"old_secret_until"`
	FailingSince   stamp               `bun:"failing_since"`
	CreatedBy      core.AccountID      `bun:"created_by"`
	Version        int64               `bun:"version"`
	CreatedAt      stamp               `bun:"created_at"`
	UpdatedAt      stamp               `bun:"updated_at"`
}

func newWebhookRow(w *core.Webhook) *webhookRow {
	return &webhookRow{
		ID: w.ID, OrgID: w.OrgID, URL: w.URL, Events: document[[]string]{w.Events}, Description: w.Description, Active: w.Active,
		Disabled: w.Disabled, DisabledAt: stamp{w.DisabledAt}, Secret: w.Secret, OldSecret: w.OldSecret, OldSecretUntil: stamp{w.OldSecretUntil},
		FailingSince: stamp{w.FailingSince}, CreatedBy: w.CreatedBy, Version: w.Version, CreatedAt: stamp{w.CreatedAt}, UpdatedAt: stamp{w.UpdatedAt},
	}
}

func (r *webhookRow) webhook() *core.Webhook {
	return &core.Webhook{
		ID: r.ID, OrgID: r.OrgID, URL: r.URL, Events: r.Events.v, Description: r.Description, Active: r.Active,
		Disabled: r.Disabled, DisabledAt: r.DisabledAt.Time, Secret: r.Secret, OldSecret: nilIfEmpty(r.OldSecret), OldSecretUntil: r.OldSecretUntil.Time,
		FailingSince: r.FailingSince.Time, CreatedBy: r.CreatedBy, Version: r.Version, CreatedAt: r.CreatedAt.Time, UpdatedAt: r.UpdatedAt.Time,
	}
}

type webhooks struct{ repository }

func (r webhooks) Add(ctx context.Context, w *core.Webhook, most int64) error {
	// Whoever counts keeps others from adding until the end of the transaction.
	if err := r.lock(ctx, "org_usage", "org_id", w.OrgID); err != nil {
		return err
	}
	n, err := r.NewSelect().Model((*webhookRow)(nil)).Where("w.org_id = ? AND NOT w.removed", w.OrgID).Count(ctx)
	if err != nil {
		return translate("count webhooks", err)
	}
	if err := core.CheckLimit("max_webhooks", most, n, 1); err != nil {
		return err
	}
	_, err = r.NewInsert().Model(newWebhookRow(w)).Exec(ctx)
	return translate("add webhook", err)
}

func (r webhooks) Get(ctx context.Context, org core.OrgID, id core.WebhookID) (*core.Webhook, error) {
	return r.one(ctx, r.NewSelect().Where("w.org_id = ? AND w.id = ? AND NOT w.removed", org, id))
}

func (r webhooks) Lock(ctx context.Context, org core.OrgID, id core.WebhookID) (*core.Webhook, error) {
	return r.one(ctx, r.alone(r.NewSelect().Where("w.org_id = ? AND w.id = ? AND NOT w.removed", org, id)))
}

func (r webhooks) one(ctx context.Context, sel *bun.SelectQuery) (*core.Webhook, error) {
	var row webhookRow
	if err := sel.Model(&row).Scan(ctx); err != nil {
		return nil, translate("get webhook", err)
	}
	return row.webhook(), nil
}

func (r webhooks) Save(ctx context.Context, w *core.Webhook) error {
	res, err := r.NewUpdate().Model(newWebhookRow(w)).ExcludeColumn("org_id", "created_by", "created_at").
		Where("w.org_id = ? AND w.id = ? AND w.version = ? AND NOT w.removed", w.OrgID, w.ID, w.Version-1).Exec(ctx)
	return saved("save webhook", res, err)
}

func (r webhooks) Remove(ctx context.Context, org core.OrgID, id core.WebhookID) error {
	res, err := r.NewRaw(`UPDATE webhooks SET removed = ?, active = ? WHERE org_id = ? AND id = ? AND NOT removed`, true, false, org, id).Exec(ctx)
	if n, err := affected("remove webhook", res, err); err != nil || n > 0 {
		return err
	}
	return core.ErrNotFound
}

func (r webhooks) List(ctx context.Context, q ports.WebhookQuery) ([]*core.Webhook, error) {
	var rows []webhookRow
	sel := r.NewSelect().Model(&rows).Where("w.org_id = ? AND NOT w.removed", q.OrgID).OrderExpr("w.id DESC").Limit(int64(q.Limit))
	if !q.Before.IsZero() {
		sel = sel.Where("w.id < ?", q.Before)
	}
	if q.Active {
		sel = sel.Where("w.active")
	}
	if err := sel.Scan(ctx); err != nil {
		return nil, translate("list webhooks", err)
	}
	out := make([]*core.Webhook, len(rows))
	for i := range rows {
		out[i] = rows[i].webhook()
	}
	return out, nil
}

var _ ports.Webhooks = webhooks{}
