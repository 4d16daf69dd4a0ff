package bunstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type productLinkRow struct {
	bun.BaseModel `bun:"table:product_links,alias:l"`

	ProductID core.ProductID `bun:"product_id,pk"`
	NodeID    core.NodeID    `bun:"node_id,pk"`
	OrgID     core.OrgID     `bun:"org_id"`
	Position  int            `bun:"position"`
	AddedBy   core.AccountID `bun:"added_by"`
	AddedAt   stamp          `bun:"added_at"`
}

type productLinks struct{ repository }

func (r productLinks) Add(ctx context.Context, l *core.ProductLink) error {
	order, err := r.order(ctx, l.ProductID)
	switch {
	case err != nil:
		return err
	case slices.Contains(order, l.NodeID):
		return core.ErrAlreadyLinked
	case len(order) >= core.MaxProductLinks:
		return core.ErrProductFull
	}
	row := productLinkRow{
		ProductID: l.ProductID, NodeID: l.NodeID, OrgID: l.OrgID, Position: len(order), AddedBy: l.AddedBy, AddedAt: stamp{l.AddedAt},
	}
	if _, err := r.NewInsert().Model(&row).Exec(ctx); err != nil {
		err = translate("link to product", err)
		if errors.Is(err, errReference) { // removed at this moment
			return core.ErrNotFound
		}
		return err
	}
	return r.place(ctx, l.ProductID, append(order, l.NodeID), l.NodeID, l.Position)
}

// order returns the nodes linked to a product, in order.
func (r productLinks) order(ctx context.Context, product core.ProductID) (ids []core.NodeID, err error) {
	err = r.NewRaw(`SELECT node_id FROM product_links WHERE product_id = ? ORDER BY position, node_id`, product).Scan(ctx, &ids)
	return ids, translate("order of links", err)
}

func (r productLinks) Move(ctx context.Context, product core.ProductID, node core.NodeID, position int) error {
	order, err := r.order(ctx, product)
	if err != nil {
		return err
	}
	if !slices.Contains(order, node) {
		return core.ErrNotFound
	}
	return r.place(ctx, product, order, node, position)
}

// place puts a node to its position among those in order, and numbers them all.
func (r productLinks) place(ctx context.Context, product core.ProductID, order []core.NodeID, node core.NodeID, position int) error {
	order = slices.DeleteFunc(order, func(id core.NodeID) bool { return id == node })
	order = slices.Insert(order, min(max(position, 0), len(order)), node)
	var numbers strings.Builder
	for i, id := range order {
		fmt.Fprintf(&numbers, " WHEN '%s' THEN %d", id, i)
	}
	_, err := r.NewRaw(`UPDATE product_links SET position = CASE node_id? END WHERE product_id = ?`, bun.Safe(numbers.String()), product).Exec(ctx)
	return translate("place link", err)
}

func (r productLinks) Remove(ctx context.Context, product core.ProductID, node core.NodeID) error {
	res, err := r.NewRaw(`DELETE FROM product_links WHERE product_id = ? AND node_id = ?`, product, node).Exec(ctx)
	if n, err := affected("unlink", res, err); err != nil || n > 0 {
		return err
	}
	return core.ErrNotFound
}

func (r productLinks) List(ctx context.Context, product core.ProductID) ([]ports.LinkedNode, error) {
	var rows []struct {
		nodeRow
		ProductID core.ProductID `bun:"l_product_id"`
		AddedBy   core.AccountID `bun:"l_added_by"`
		AddedAt   stamp          `bun:"l_added_at"`
	}
	err := withHash(r.NewSelect().Model(&rows).ModelTableExpr("nodes AS n")).ColumnExpr("l.product_id AS l_product_id, l.added_by AS l_added_by, l.added_at AS l_added_at").
		Join("JOIN product_links AS l ON l.node_id = n.id").Where("l.product_id = ? AND n.purged_at IS NULL", product).
		OrderExpr("l.position, l.node_id").Scan(ctx)
	out := make([]ports.LinkedNode, len(rows))
	for i := range rows {
		row := &rows[i]
		out[i] = ports.LinkedNode{
			ProductLink: core.ProductLink{
				ProductID: row.ProductID, OrgID: row.OrgID, NodeID: row.ID, Position: i, AddedBy: row.AddedBy, AddedAt: row.AddedAt.Time,
			},
			Entry: row.entry(),
		}
	}
	return out, translate("list links", err)
}
