package bunstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type subscriptionRow struct {
	bun.BaseModel `bun:"table:subscriptions,alias:s"`

	ID            core.SubscriptionID     `bun:"id,pk"`
	OrgID         core.OrgID              `bun:"org_id"`
	ProductID     core.ProductID          `bun:"product_id"`
	ProductName   string                  `bun:"product_name"`
	UserID        core.UserID             `bun:"user_id"`
	TransactionID core.TransactionID      `bun:"transaction_id"`
	Status        core.SubscriptionStatus `bun:"status"`
	PriceAmount   int64                   `bun:"price_amount"`
	PriceCurrency string                  `bun:"price_currency"`
	Days          int                     `bun:"days"`
	PeriodStart   stamp                   `bun:"period_start"`
	PeriodEnd     stamp                   `bun:"period_end"`
	Provider      string                  `bun:"provider"`
	ProviderRef   string                  `bun:"provider_ref"`
	CanceledAt    stamp                   `bun:"canceled_at"`
	EndedAt       stamp                   `bun:"ended_at"`
	Version       int64                   `bun:"version"`
	CreatedAt     stamp                   `bun:"created_at"`
	UpdatedAt     stamp                   `bun:"updated_at"`
}

func newSubscriptionRow(s *core.Subscription) *subscriptionRow {
	return &subscriptionRow{
		ID: s.ID, OrgID: s.OrgID, ProductID: s.ProductID, ProductName: s.ProductName, UserID: s.UserID, TransactionID: s.TransactionID,
		Status: s.Status, PriceAmount: s.Price.Amount, PriceCurrency: s.Price.Currency, Days: s.Days,
		PeriodStart: stamp{s.PeriodStart}, PeriodEnd: stamp{s.PeriodEnd}, Provider: s.Provider, ProviderRef: s.ProviderRef,
		CanceledAt: stamp{s.CanceledAt}, EndedAt: stamp{s.EndedAt}, Version: s.Version, CreatedAt: stamp{s.CreatedAt}, UpdatedAt: stamp{s.UpdatedAt},
	}
}

func (r *subscriptionRow) subscription() core.Subscription {
	return core.Subscription{
		ID: r.ID, OrgID: r.OrgID, ProductID: r.ProductID, ProductName: r.ProductName, UserID: r.UserID, TransactionID: r.TransactionID,
		Status: r.Status, Price: core.Money{Amount: r.PriceAmount, Currency: r.PriceCurrency}, Days: r.Days,
		PeriodStart: r.PeriodStart.Time, PeriodEnd: r.PeriodEnd.Time, Provider: r.Provider, ProviderRef: r.ProviderRef,
		CanceledAt: r.CanceledAt.Time, EndedAt: r.EndedAt.Time, Version: r.Version, CreatedAt: r.CreatedAt.Time, UpdatedAt: r.UpdatedAt.Time,
	}
}

type subscriptions struct{ repository }

func (r subscriptions) Add(ctx context.Context, s *core.Subscription) error {
	_, err := r.NewInsert().Model(newSubscriptionRow(s)).Exec(ctx)
	return translate("add subscription", err)
}

func (r subscriptions) Find(ctx context.Context, id core.SubscriptionID) (*core.Subscription, error) {
	return r.one(ctx, r.NewSelect().Where("s.id = ?", id).Where(sellerLives))
}

func (r subscriptions) Lock(ctx context.Context, id core.SubscriptionID) (*core.Subscription, error) {
	return r.one(ctx, r.alone(r.NewSelect().Where("s.id = ?", id)))
}

func (r subscriptions) one(ctx context.Context, sel *bun.SelectQuery) (*core.Subscription, error) {
	var row subscriptionRow
	if err := sel.Model(&row).Scan(ctx); err != nil {
		return nil, translate("get subscription", err)
	}
	return new(row.subscription()), nil
}

func (r subscriptions) Save(ctx context.Context, s *core.Subscription) error {
	res, err := r.NewUpdate().Model(newSubscriptionRow(s)).
		Column("transaction_id", "status", "price_amount", "price_currency", "days", "provider", "period_start", "period_end", "provider_ref", "canceled_at", "ended_at",
			"version", "updated_at").
		Where("s.id = ? AND s.org_id = ? AND s.version = ?", s.ID, s.OrgID, s.Version-1).Exec(ctx)
	return saved("save subscription", res, err)
}

func (r subscriptions) Live(ctx context.Context, user core.UserID, product core.ProductID) (*core.Subscription, error) {
	return r.one(ctx, r.NewSelect().Where("s.user_id = ? AND s.product_id = ? AND s.status <> 'expired'", user, product))
}

func (r subscriptions) ByRef(ctx context.Context, provider, ref string) (*core.Subscription, error) {
	return r.one(ctx, r.NewSelect().Where("s.provider = ? AND s.provider_ref = ? AND s.provider_ref <> ''", provider, ref))
}

func (r subscriptions) List(ctx context.Context, q ports.SubscriptionQuery) ([]*core.Subscription, error) {
	sel := r.NewSelect().OrderExpr("s.id DESC").Limit(int64(q.Limit))
	if !q.OrgID.IsZero() {
		sel.Where("s.org_id = ?", q.OrgID)
	} else {
		sel.Where(sellerLives)
	}
	if !q.UserID.IsZero() {
		sel.Where("s.user_id = ?", q.UserID)
	}
	if !q.ProductID.IsZero() {
		sel.Where("s.product_id = ?", q.ProductID)
	}
	if q.Live {
		sel.Where("s.status <> 'expired'")
	}
	if !q.Before.IsZero() {
		sel.Where("s.id < ?", q.Before)
	}
	return r.all(ctx, sel)
}

func (r subscriptions) Due(ctx context.Context, t time.Time, after core.SubscriptionID, limit int) ([]*core.Subscription, error) {
	return r.all(ctx, r.NewSelect().Where("s.status <> 'expired' AND s.period_end <= ? AND s.id > ?", stamp{t}, floor(after)).
		Where(sellerLives).OrderExpr("s.id").Limit(int64(limit)))
}

func (r subscriptions) all(ctx context.Context, sel *bun.SelectQuery) ([]*core.Subscription, error) {
	var rows []subscriptionRow
	if err := sel.Model(&rows).Scan(ctx); err != nil {
		return nil, translate("list subscriptions", err)
	}
	out := make([]*core.Subscription, len(rows))
	for i := range rows {
		out[i] = new(rows[i].subscription())
	}
	return out, nil
}
