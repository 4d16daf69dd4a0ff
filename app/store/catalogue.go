package store

import (
	"context"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Seller is an org as its customers see it.
type Seller struct {
	ID   core.OrgID
	Name string
	Slug string
}

// Catalogue returns what an org, named by its slug or id, has for sale, newest
// first, to everybody. It returns core.ErrNotFound if there is no such org, or
// if it sells nothing: that is no shop, and its name is nobody's business.
func (s *Service) Catalogue(ctx context.Context, org string, q ports.ProductQuery) (Seller, []Product, error) {
	var seller Seller
	err := s.Store.View(ctx, func(tx ports.Tx) error {
		o, err := s.seller(ctx, tx, org)
		if err != nil {
			return err
		}
		seller = Seller{o.ID, o.Name, o.Slug}
		some, err := tx.Products.List(ctx, ports.ProductQuery{OrgID: o.ID, Status: core.ProductPublished, Limit: 1})
		if err == nil && len(some) == 0 {
			err = core.ErrNotFound
		}
		return err
	})
	if err != nil {
		return Seller{}, nil, err
	}
	q.OrgID, q.Status = seller.ID, core.ProductPublished
	products, err := s.list(ctx, q)
	return seller, products, err
}

func (s *Service) seller(ctx context.Context, tx ports.Tx, name string) (*core.Org, error) {
	id, err := core.ParseID[core.Org](name)
	if err != nil {
		return tx.Orgs.BySlug(ctx, core.Fold(name))
	}
	o, err := tx.Orgs.Get(ctx, id)
	if err == nil && o.Deleted() {
		err = core.ErrNotFound
	}
	return o, err
}

// OnSale returns a product that is for sale, to everybody.
func (s *Service) OnSale(ctx context.Context, id core.ProductID) (Seller, Product, error) {
	var seller Seller
	var out ports.ProductEntry
	err := s.Store.View(ctx, func(tx ports.Tx) error {
		p, err := tx.Products.Find(ctx, id)
		if err == nil && p.Status != core.ProductPublished {
			err = core.ErrNotFound
		}
		if err != nil {
			return err
		}
		o, err := tx.Orgs.Get(ctx, p.OrgID)
		if err != nil {
			return err
		}
		seller = Seller{o.ID, o.Name, o.Slug}
		out, err = s.entry(ctx, tx, p)
		return err
	})
	if err != nil {
		return Seller{}, Product{}, err
	}
	shown, err := s.show(ctx, out)
	return seller, shown, err
}
