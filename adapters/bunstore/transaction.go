package bunstore

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type transactionRow struct {
	bun.BaseModel `bun:"table:transactions,alias:t"`

	ID             core.TransactionID     `bun:"id,pk"`
	OrgID          core.OrgID             `bun:"org_id"`
	ProductID      core.ProductID         `bun:"product_id"`
	ProductName    string                 `bun:"product_name"`
	Type           core.ProductType       `bun:"type"`
	BuyerID        core.UserID            `bun:"buyer_id"`
	SubscriptionID core.SubscriptionID    `bun:"subscription_id"`
	Renewal        bool                   `bun:"renewal"`
	Days           int                    `bun:"days"`
	PriceAmount    int64                  `bun:"price_amount"`
	PriceCurrency  string                 `bun:"price_currency"`
	Refunded       int64                  `bun:"refunded_amount"`
	Provider       string                 `bun:"provider"`
	ProviderRef    string                 `bun:"provider_ref"`
	PaymentRef     string                 `bun:"payment_ref"`
	CheckoutURL    string                 `bun:"checkout_url"`
	Status         core.TransactionStatus `bun:"status"`
	FailReason     core.FailReason        `bun:"fail_reason"`
	DisputedAt     stamp                  `bun:"disputed_at"`
	ExpiresAt      stamp                  `bun:"expires_at"`
	CompletedAt    stamp                  `bun:"completed_at"`
	EndedAt        stamp                  `bun:"ended_at"`
	Version        int64                  `bun:"version"`
	CreatedAt      stamp                  `bun:"created_at"`
	UpdatedAt      stamp                  `bun:"updated_at"`
}

func newTransactionRow(t *core.Transaction) *transactionRow {
	return &transactionRow{
		ID: t.ID, OrgID: t.OrgID, ProductID: t.ProductID, ProductName: t.ProductName, Type: t.Type, BuyerID: t.BuyerID,
		SubscriptionID: t.SubscriptionID, Renewal: t.Renewal, Days: t.Days, PriceAmount: t.Price.Amount, PriceCurrency: t.Price.Currency,
		Refunded: t.Refunded, Provider: t.Provider, ProviderRef: t.ProviderRef, PaymentRef: t.PaymentRef, CheckoutURL: t.CheckoutURL,
		Status: t.Status, FailReason: t.FailReason, DisputedAt: stamp{t.DisputedAt}, ExpiresAt: stamp{t.ExpiresAt},
		CompletedAt: stamp{t.CompletedAt}, EndedAt: stamp{t.EndedAt}, Version: t.Version, CreatedAt: stamp{t.CreatedAt}, UpdatedAt: stamp{t.UpdatedAt},
	}
}

func (r *transactionRow) transaction() core.Transaction {
	return core.Transaction{
		ID: r.ID, OrgID: r.OrgID, ProductID: r.ProductID, ProductName: r.ProductName, Type: r.Type, BuyerID: r.BuyerID,
		SubscriptionID: r.SubscriptionID, Renewal: r.Renewal, Days: r.Days, Price: core.Money{Amount: r.PriceAmount, Currency: r.PriceCurrency},
		Refunded: r.Refunded, Provider: r.Provider, ProviderRef: r.ProviderRef, PaymentRef: r.PaymentRef, CheckoutURL: r.CheckoutURL,
		Status: r.Status, FailReason: r.FailReason, DisputedAt: r.DisputedAt.Time, ExpiresAt: r.ExpiresAt.Time,
		CompletedAt: r.CompletedAt.Time, EndedAt: r.EndedAt.Time, Version: r.Version, CreatedAt: r.CreatedAt.Time, UpdatedAt: r.UpdatedAt.Time,
	}
}

// sellerLives is a condition on a row of the store: its org is not deleted.
const sellerLives = `EXISTS (SELECT 1 FROM orgs o WHERE o.id = ?TableAlias.org_id AND o.deleted_at IS NULL)`

type transactions struct{ repository }

func (r transactions) Add(ctx context.Context, t *core.Transaction) error {
	_, err := r.NewInsert().Model(newTransactionRow(t)).Exec(ctx)
	return translate("add transaction", err)
}

func (r transactions) Find(ctx context.Context, id core.TransactionID) (*core.Transaction, error) {
	return r.one(ctx, r.NewSelect().Where("t.id = ?", id).Where(sellerLives))
}

func (r transactions) Lock(ctx context.Context, id core.TransactionID) (*core.Transaction, error) {
	return r.one(ctx, r.alone(r.NewSelect().Where("t.id = ?", id)))
}

func (r transactions) one(ctx context.Context, sel *bun.SelectQuery) (*core.Transaction, error) {
	var row transactionRow
	if err := sel.Model(&row).Scan(ctx); err != nil {
		return nil, translate("get transaction", err)
	}
	return new(row.transaction()), nil
}

func (r transactions) Save(ctx context.Context, t *core.Transaction) error {
	res, err := r.NewUpdate().Model(newTransactionRow(t)).
		Column("subscription_id", "refunded_amount", "provider_ref", "payment_ref", "checkout_url", "status", "fail_reason", "disputed_at",
			"expires_at", "completed_at", "ended_at", "version", "updated_at").
		Where("t.id = ? AND t.org_id = ? AND t.version = ?", t.ID, t.OrgID, t.Version-1).Exec(ctx)
	return saved("save transaction", res, err)
}

func (r transactions) ByPayment(ctx context.Context, provider, ref string) (*core.Transaction, error) {
	return r.one(ctx, r.NewSelect().Where("t.provider = ? AND t.payment_ref = ? AND t.payment_ref <> ''", provider, ref).OrderExpr("t.id").Limit(1))
}

func (r transactions) ByRef(ctx context.Context, provider, ref string) (*core.Transaction, error) {
	return r.one(ctx, r.NewSelect().Where("t.provider = ? AND t.provider_ref = ? AND t.provider_ref <> ''", provider, ref))
}

func (r transactions) Unidentified(ctx context.Context, provider string, since time.Time) (found bool, err error) {
	err = r.NewRaw(`SELECT EXISTS (SELECT 1 FROM transactions
		WHERE provider = ? AND status = 'completed' AND payment_ref = '' AND provider_ref <> '' AND completed_at > ?)`, provider, stamp{since}).Scan(ctx, &found)
	return found, translate("find payments without a name", err)
}

func (r transactions) Pending(ctx context.Context, buyer core.UserID, product core.ProductID) (*core.Transaction, error) {
	return r.one(ctx, r.NewSelect().Where("t.buyer_id = ? AND t.product_id = ? AND t.status = 'pending'", buyer, product))
}

func (r transactions) Bought(ctx context.Context, buyer core.UserID, product core.ProductID) (bool, error) {
	n, err := r.NewSelect().Model((*transactionRow)(nil)).
		Where("t.buyer_id = ? AND t.product_id = ? AND t.status = 'completed' AND t.subscription_id IS NULL", buyer, product).Count(ctx)
	return n > 0, translate("find purchase", err)
}

func (r transactions) List(ctx context.Context, q ports.TransactionQuery) ([]ports.TransactionEntry, error) {
	var rows []struct {
		transactionRow
		Email   string `bun:"u_email"`
		Name    string `bun:"u_name"`
		OrgName string `bun:"o_name"`
	}
	sel := r.NewSelect().Model(&rows).ModelTableExpr("transactions AS t").ColumnExpr("t.*").ColumnExpr("u.email AS u_email, u.name AS u_name, o.name AS o_name").
		Join("JOIN users AS u ON u.id = t.buyer_id").Join("JOIN orgs AS o ON o.id = t.org_id AND o.deleted_at IS NULL").
		OrderExpr("t.id DESC").Limit(int64(q.Limit))
	if !q.OrgID.IsZero() {
		sel.Where("t.org_id = ?", q.OrgID)
	}
	if !q.BuyerID.IsZero() {
		sel.Where("t.buyer_id = ?", q.BuyerID)
	}
	if !q.ProductID.IsZero() {
		sel.Where("t.product_id = ?", q.ProductID)
	}
	if q.Status != "" {
		sel.Where("t.status = ?", q.Status)
	}
	if !q.From.IsZero() {
		sel.Where("t.created_at >= ?", stamp{q.From})
	}
	if !q.To.IsZero() {
		sel.Where("t.created_at < ?", stamp{q.To})
	}
	if !q.Before.IsZero() {
		sel.Where("t.id < ?", q.Before)
	}
	if err := sel.Scan(ctx); err != nil {
		return nil, translate("list transactions", err)
	}
	out := make([]ports.TransactionEntry, len(rows))
	for i := range rows {
		row := &rows[i]
		out[i] = ports.TransactionEntry{Transaction: row.transaction(), BuyerEmail: row.Email, BuyerName: row.Name, OrgName: row.OrgName}
	}
	return out, nil
}

func (r transactions) Waiting(ctx context.Context, at time.Time, after core.TransactionID, limit int) ([]*core.Transaction, error) {
	var rows []transactionRow
	err := r.NewSelect().Model(&rows).Where("t.status = 'pending' AND t.id > ?", floor(after)).
		Where("(t.updated_at <= ? OR t.expires_at <= ?)", stamp{at}, stamp{at}).Where(sellerLives).
		OrderExpr("t.id").Limit(int64(limit)).Scan(ctx)
	out := make([]*core.Transaction, len(rows))
	for i := range rows {
		out[i] = new(rows[i].transaction())
	}
	return out, translate("waiting transactions", err)
}

func (r transactions) Open(
	ctx context.Context, org core.OrgID, buyer core.UserID, after core.TransactionID, limit int,
) ([]*core.Transaction, error) {
	var rows []transactionRow
	sel := r.NewSelect().Model(&rows).Where("t.status = 'pending' AND t.id > ?", floor(after)).OrderExpr("t.id").Limit(int64(limit))
	if !org.IsZero() {
		sel.Where("t.org_id = ?", org)
	}
	if !buyer.IsZero() {
		sel.Where("t.buyer_id = ?", buyer)
	}
	err := sel.Scan(ctx)
	out := make([]*core.Transaction, len(rows))
	for i := range rows {
		out[i] = new(rows[i].transaction())
	}
	return out, translate("open transactions", err)
}

// Holders selects the transactions first and what they have begun after that,
// both under locks: whoever renews or refunds has to wait, or is waited for.
func (r transactions) Holders(ctx context.Context, product core.ProductID, after core.TransactionID, limit int) ([]ports.Holder, error) {
	var rows []transactionRow
	err := r.shared(r.NewSelect().Model(&rows).Where("t.product_id = ? AND t.status = 'completed' AND t.id > ?", product, floor(after)).
		Where(`(t.subscription_id IS NULL OR EXISTS (SELECT 1 FROM subscriptions s
			WHERE s.id = t.subscription_id AND s.transaction_id = t.id AND s.status <> 'expired'))`).
		OrderExpr("t.id").Limit(int64(limit))).Scan(ctx)
	if err != nil {
		return nil, translate("holders", err)
	}
	var ids []core.SubscriptionID
	for i := range rows {
		if !rows[i].SubscriptionID.IsZero() {
			ids = append(ids, rows[i].SubscriptionID)
		}
	}
	subs := make(map[core.SubscriptionID]*core.Subscription, len(ids))
	if len(ids) > 0 {
		var found []subscriptionRow
		err := r.shared(r.NewSelect().Model(&found).Where("s.id IN (?)", bun.List(ids)).OrderExpr("s.id")).Scan(ctx)
		if err != nil {
			return nil, translate("holders", err)
		}
		for i := range found {
			subs[found[i].ID] = new(found[i].subscription())
		}
	}
	out := make([]ports.Holder, 0, len(rows))
	for i := range rows {
		h := ports.Holder{Transaction: rows[i].transaction(), Subscription: subs[rows[i].SubscriptionID]}
		// Who was renewing when the lock was asked for has got by that what is linked.
		if h.Subscription == nil || h.Subscription.TransactionID == h.Transaction.ID && h.Subscription.Live() {
			out = append(out, h)
		}
	}
	return out, nil
}

func (r transactions) Sales(ctx context.Context, org core.OrgID, product core.ProductID, bounds []time.Time) ([]ports.Sales, error) {
	var periods strings.Builder
	for i := range len(bounds) - 1 {
		fmt.Fprintf(&periods, ", (%d, %d, %d)", i, bounds[i].UnixMicro(), bounds[i+1].UnixMicro())
	}
	only := bun.Safe("")
	args := []any{bun.Safe(strings.TrimPrefix(periods.String(), ", ")), org}
	text := `WITH b (n, first, after) AS (VALUES ?)
		SELECT b.n AS period, t.product_id, max(t.product_name) AS product_name, t.price_currency AS currency, count(*) AS count,
			CAST(sum(t.price_amount) AS bigint) AS gross, CAST(sum(t.refunded_amount) AS bigint) AS refunded
		FROM b JOIN transactions t ON t.org_id = ? AND t.completed_at >= b.first AND t.completed_at < b.after ?
		GROUP BY b.n, t.product_id, t.price_currency ORDER BY b.n, t.product_id, t.price_currency`
	if !product.IsZero() {
		only = bun.Safe("AND t.product_id = '" + product.String() + "'")
	}
	var rows []struct {
		Period      int            `bun:"period"`
		ProductID   core.ProductID `bun:"product_id"`
		ProductName string         `bun:"product_name"`
		Currency    string         `bun:"currency"`
		Count       int64          `bun:"count"`
		Gross       int64          `bun:"gross"`
		Refunded    int64          `bun:"refunded"`
	}
	if err := r.NewRaw(text, append(args, only)...).Scan(ctx, &rows); err != nil {
		return nil, translate("sales", err)
	}
	out := make([]ports.Sales, len(rows))
	for i, row := range rows {
		out[i] = ports.Sales(row)
	}
	return out, nil
}
