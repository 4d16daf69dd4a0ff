package bunstore

import (
	"context"
	"errors"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type productRow struct {
	bun.BaseModel `bun:"table:products,alias:p"`

	ID               core.ProductID     `bun:"id,pk"`
	OrgID            core.OrgID         `bun:"org_id"`
	Name             string             `bun:"name"`
	NameFolded       string             `bun:"name_folded"`
	Slug             string             `bun:"slug"`
	Description      string             `bun:"description"`
	Type             core.ProductType   `bun:"type"`
	PriceAmount      int64              `bun:"price_amount"`
	PriceCurrency    string             `bun:"price_currency"`
	SubscriptionDays int                `bun:"subscription_days"`
	Status           core.ProductStatus `bun:"status"`
	CoverAssetID     core.AssetID       `bun:"cover_asset_id"`
	CreatedBy        core.AccountID     `bun:"created_by"`
	PublishedAt      stamp              `bun:"published_at"`
	Version          int64              `bun:"version"`
	CreatedAt        stamp              `bun:"created_at"`
	UpdatedAt        stamp              `bun:"updated_at"`
}

func newProductRow(p *core.Product) *productRow {
	return &productRow{
		ID: p.ID, OrgID: p.OrgID, Name: p.Name, NameFolded: core.Fold(p.Name), Slug: p.Slug, Description: p.Description, Type: p.Type,
		PriceAmount: p.Price.Amount, PriceCurrency: p.Price.Currency, SubscriptionDays: p.SubscriptionDays, Status: p.Status,
		CoverAssetID: p.CoverAssetID, CreatedBy: p.CreatedBy, PublishedAt: stamp{p.PublishedAt},
		Version: p.Version, CreatedAt: stamp{p.CreatedAt}, UpdatedAt: stamp{p.UpdatedAt},
	}
}

func (r *productRow) product() *core.Product {
	return &core.Product{
		ID: r.ID, OrgID: r.OrgID, Name: r.Name, Slug: r.Slug, Description: r.Description, Type: r.Type,
		Price: core.Money{Amount: r.PriceAmount, Currency: r.PriceCurrency}, SubscriptionDays: r.SubscriptionDays, Status: r.Status,
		CoverAssetID: r.CoverAssetID, CreatedBy: r.CreatedBy, PublishedAt: r.PublishedAt.Time,
		Version: r.Version, CreatedAt: r.CreatedAt.Time, UpdatedAt: r.UpdatedAt.Time,
	}
}

type products struct{ repository }

func (r products) Add(ctx context.Context, p *core.Product, most int64) error {
	if p.Counts() {
		if err := r.countOf(ctx, "products_count", p.OrgID, 1, most); err != nil {
			return err
		}
	}
	_, err := r.NewInsert().Model(newProductRow(p)).Exec(ctx)
	return translate("add product", err)
}

func (r products) Get(ctx context.Context, org core.OrgID, id core.ProductID) (*core.Product, error) {
	return r.one(ctx, r.NewSelect().Where("p.org_id = ? AND p.id = ?", org, id))
}

func (r products) Find(ctx context.Context, id core.ProductID) (*core.Product, error) {
	return r.one(ctx, r.NewSelect().Where("p.id = ?", id).Where(`EXISTS (SELECT 1 FROM orgs o WHERE o.id = p.org_id AND o.deleted_at IS NULL)`))
}

func (r products) one(ctx context.Context, sel *bun.SelectQuery) (*core.Product, error) {
	var row productRow
	if err := sel.Model(&row).Scan(ctx); err != nil {
		return nil, translate("get product", err)
	}
	return row.product(), nil
}

func (r products) SlugTaken(ctx context.Context, org core.OrgID, slug string) (bool, error) {
	n, err := r.NewSelect().Model((*productRow)(nil)).Where("p.org_id = ? AND p.slug = ?", org, slug).Count(ctx)
	return n > 0, translate("find slug", err)
}

func (r products) Lock(ctx context.Context, org core.OrgID, id core.ProductID, shared bool) (*core.Product, error) {
	sel := r.NewSelect().Where("p.org_id = ? AND p.id = ?", org, id)
	if shared {
		return r.one(ctx, r.shared(sel))
	}
	return r.one(ctx, r.alone(sel))
}

func (r products) Save(ctx context.Context, p *core.Product, most int64) error {
	was, err := r.one(ctx, r.alone(r.NewSelect().Where("p.org_id = ? AND p.id = ? AND p.version = ?", p.OrgID, p.ID, p.Version-1)))
	if errors.Is(err, core.ErrNotFound) {
		return core.ErrStale
	}
	if err != nil {
		return err
	}
	n := 0
	switch {
	case p.Counts() && !was.Counts():
		n = 1
	case !p.Counts() && was.Counts():
		n = -1
	}
	if err := r.countOf(ctx, "products_count", p.OrgID, n, most); err != nil {
		return err
	}
	res, err := r.NewUpdate().Model(newProductRow(p)).ExcludeColumn("org_id", "type", "created_by", "created_at").
		Where("p.org_id = ? AND p.id = ? AND p.version = ?", p.OrgID, p.ID, p.Version-1).Exec(ctx)
	return saved("save product", res, err)
}

func (r products) Remove(ctx context.Context, org core.OrgID, id core.ProductID) error {
	p, err := r.Lock(ctx, org, id, false)
	if err != nil {
		return err
	}
	if p.Counts() {
		if err := r.countOf(ctx, "products_count", org, -1, core.Unlimited); err != nil {
			return err
		}
	}
	_, err = r.NewRaw(`DELETE FROM products WHERE org_id = ? AND id = ?`, org, id).Exec(ctx)
	if err = translate("remove product", err); errors.Is(err, errReference) {
		return core.ErrProductSold
	}
	return err
}

// coverJoin joins the version v of the cover that can be shown of what is listed.
func coverJoin(alias string) string {
	return `LEFT JOIN nodes AS n ON n.id = ` + alias + `.cover_asset_id AND n.org_id = ` + alias + `.org_id
		LEFT JOIN drives AS d ON d.id = n.drive_id
		LEFT JOIN asset_versions AS v ON v.asset_id = n.id AND v.number = n.current_version AND ` + shownInGroup
}

func (r products) List(ctx context.Context, q ports.ProductQuery) ([]ports.ProductEntry, error) {
	var rows []struct {
		productRow
		Links     int          `bun:"links"`
		CoverID   core.AssetID `bun:"v_asset_id"`
		Number    int          `bun:"v_number"`
		BlobKey   string       `bun:"v_blob_key"`
		CoverType string       `bun:"v_content_type"`
		SizeBytes int64        `bun:"v_size_bytes"`
	}
	sel := r.NewSelect().Model(&rows).ModelTableExpr("products AS p").ColumnExpr("p.*").
		ColumnExpr(`(SELECT count(*) FROM product_links l JOIN nodes n ON n.id = l.node_id AND n.purged_at IS NULL WHERE l.product_id = p.id) AS links`).
		ColumnExpr(coverColumns).
		Join(coverJoin("p")).Where("p.org_id = ?", q.OrgID).OrderExpr("p.id DESC").Limit(int64(q.Limit))
	if !q.ID.IsZero() {
		sel.Where("p.id = ?", q.ID)
	}
	if !q.Before.IsZero() {
		sel.Where("p.id < ?", q.Before)
	}
	if q.Status != "" {
		sel.Where("p.status = ?", q.Status)
	}
	if q.Text != "" {
		sel.Where(`p.name_folded LIKE ? ESCAPE '\'`, likePattern(core.Fold(q.Text)))
	}
	if err := sel.Scan(ctx); err != nil {
		return nil, translate("list products", err)
	}
	out := make([]ports.ProductEntry, len(rows))
	for i := range rows {
		row := &rows[i]
		out[i] = ports.ProductEntry{
			Product: *row.product(), Links: row.Links,
			Cover: coverOf(row.OrgID, row.CoverID, row.Number, row.BlobKey, row.CoverType, row.SizeBytes),
		}
	}
	return out, nil
}
