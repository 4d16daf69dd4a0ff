package store

import (
	"context"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Product is a product as it is shown.
type Product struct {
	ports.ProductEntry
	CoverURL string // short-lived; empty: it has none
}

// coverTTL is how long the URL of a cover lives: pages are looked at for a while.
const coverTTL = time.Hour

// show signs the URL of a product's cover.
func (s *Service) show(ctx context.Context, e ports.ProductEntry) (Product, error) {
	out := Product{ProductEntry: e}
	if e.Cover.BlobKey == "" || !core.IsPicture(e.Cover.ContentType) {
		return out, nil
	}
	r, err := s.Blobs.SignGet(ctx, ports.GetSpec{
		Key: e.Cover.BlobKey, ContentType: e.Cover.ContentType, Expires: s.Clock.Now().Add(coverTTL), Disposition: core.ContentDisposition(true, "cover"),
	})
	out.CoverURL = r.URL
	return out, err
}

func (s *Service) showAll(ctx context.Context, entries []ports.ProductEntry) ([]Product, error) {
	out := make([]Product, len(entries))
	for i := range entries {
		var err error
		if out[i], err = s.show(ctx, entries[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ProductInput is a new product, as a client says it.
type ProductInput struct {
	OrgID            core.OrgID
	Name             string
	Slug             string // empty: made of the name
	Description      string
	Type             core.ProductType
	Price            core.Money
	SubscriptionDays int
	CoverAssetID     core.AssetID
	Once             *app.Once
}

// Create makes a draft. It returns core.ErrProductSlugTaken, and errors with
// the code limit_exceeded.
func (s *Service) Create(ctx context.Context, a core.Actor, in ProductInput) (Product, error) {
	f, err := s.may(ctx, a, in.OrgID, core.ManageProducts)
	if err != nil {
		return Product{}, err
	}
	now := s.Clock.Now()
	if err := in.Once.Find(ctx, s.Store, s.Secrets, now); err != nil {
		return Product{}, err
	}
	p, err := s.newProduct(ctx, a, f, in, now)
	if err != nil {
		return Product{}, err
	}
	var out Product
	err = in.Once.Do(ctx, s.Store, s.Secrets, now, func(tx ports.Tx) error {
		limits, err := s.limits(ctx, tx, in.OrgID)
		if err != nil {
			return err
		}
		if in.Slug == "" {
			taken, err := tx.Products.SlugTaken(ctx, in.OrgID, core.ProductSlug(p.Name, p.ID, false))
			if err != nil {
				return err
			}
			p.Slug = core.ProductSlug(p.Name, p.ID, taken)
		}
		if err := tx.Products.Add(ctx, p, limits.MaxProducts); err != nil {
			return err
		}
		if err := s.did(ctx, tx, by{f, a}, "product.created", p, nil); err != nil {
			return err
		}
		e, err := s.entry(ctx, tx, p)
		if err != nil {
			return err
		}
		if out, err = s.show(ctx, e); err != nil {
			return err
		}
		return in.Once.Keep(ctx, tx, s.Secrets, out, now)
	})
	return out, err
}

func (s *Service) newProduct(ctx context.Context, a core.Actor, f core.OrgFacts, in ProductInput, now time.Time) (*core.Product, error) {
	p := &core.Product{
		ID: core.ProductID(s.IDs.NewID()), OrgID: in.OrgID, Type: in.Type, Status: core.ProductDraft, CreatedBy: f.AccountID, CreatedAt: now,
	}
	c := core.ProductChange{
		Name: &in.Name, Description: &in.Description, Price: &in.Price, SubscriptionDays: &in.SubscriptionDays, CoverAssetID: &in.CoverAssetID,
	}
	if in.Slug != "" {
		c.Slug = &in.Slug
	}
	if err := s.clean(ctx, a, p, &c); err != nil {
		return nil, err
	}
	err := p.Change(c, 0, now)
	return p, err
}

// clean brings a change into the form in which it is stored.
func (s *Service) clean(ctx context.Context, a core.Actor, p *core.Product, c *core.ProductChange) error {
	if c.Name != nil {
		name, err := core.CleanTitle("body.name", *c.Name, s.Text.NFC)
		if err != nil {
			return err
		}
		c.Name = &name
	}
	if c.Slug != nil {
		slug, err := core.CleanSlug("body.slug", *c.Slug)
		if errors.Is(err, core.ErrSlugTaken) { // what is reserved for organisations is not so here
			slug, err = core.Fold(*c.Slug), nil
		}
		if err != nil {
			return err
		}
		c.Slug = &slug
	}
	if c.Description != nil {
		text, err := core.CleanProse("body.description", *c.Description, core.MaxDescriptionBytes, s.Text.NFC)
		if err != nil {
			return err
		}
		c.Description = &text
	}
	if c.Price != nil {
		if err := core.CheckMoney("body.price", *c.Price, s.Currencies.Known); err != nil {
			return err
		}
	}
	if c.CoverAssetID != nil && !c.CoverAssetID.IsZero() && *c.CoverAssetID != p.CoverAssetID {
		return s.checkCover(ctx, a, p.OrgID, *c.CoverAssetID)
	}
	return nil
}

// checkCover refuses a picture that the seller could not show: everybody will
// see it.
func (s *Service) checkCover(ctx context.Context, a core.Actor, org core.OrgID, id core.AssetID) error {
	bad := core.Invalid("body.cover_asset_id", "must be a picture of this organisation (PNG, JPEG, GIF, WebP, AVIF) that you may share")
	f, err := s.Access.ForAsset(ctx, a, id)
	if errors.Is(err, core.ErrNotFound) {
		return bad
	}
	if err != nil {
		return err
	}
	if f.OrgID != org || core.CanSell(f.DriveFacts) != nil || f.InTrash || f.Asset.Status != core.AssetReady || !core.IsPicture(f.Asset.ContentType) {
		return bad
	}
	return nil
}

// entry returns a stored product as it is listed.
func (s *Service) entry(ctx context.Context, tx ports.Tx, p *core.Product) (ports.ProductEntry, error) {
	found, err := tx.Products.List(ctx, ports.ProductQuery{OrgID: p.OrgID, ID: p.ID, Limit: 1})
	if err != nil {
		return ports.ProductEntry{}, err
	}
	if len(found) == 0 {
		return ports.ProductEntry{}, core.ErrNotFound
	}
	return found[0], nil
}

// did writes down what was done to a product: in the audit log, and for those
// outside.
func (s *Service) did(ctx context.Context, tx ports.Tx, who by, action string, p *core.Product, changes map[string]core.Change) error {
	if err := s.record(ctx, tx, who, p.OrgID, action, app.Target{Kind: "product", ID: p.ID.String()}, changes); err != nil {
		return err
	}
	return s.emit(ctx, tx, p.OrgID, action, map[string]any{
		"product_id": p.ID.String(), "name": p.Name, "slug": p.Slug, "type": string(p.Type), "status": string(p.Status),
		"price_amount": p.Price.Amount, "currency": p.Price.Currency,
	})
}

// Products returns products of an org, also those that are not for sale, newest
// first, to everybody with an account there.
func (s *Service) Products(ctx context.Context, a core.Actor, q ports.ProductQuery) ([]Product, error) {
	if _, err := s.may(ctx, a, q.OrgID, core.ViewOrg); err != nil {
		return nil, err
	}
	return s.list(ctx, q)
}

func (s *Service) list(ctx context.Context, q ports.ProductQuery) ([]Product, error) {
	q.Text = s.Text.NFC(q.Text)
	var found []ports.ProductEntry
	err := s.Store.View(ctx, func(tx ports.Tx) (err error) {
		found, err = tx.Products.List(ctx, q)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.showAll(ctx, found)
}

// Get returns a product of an org to everybody with an account there.
func (s *Service) Get(ctx context.Context, a core.Actor, org core.OrgID, id core.ProductID) (Product, error) {
	found, err := s.Products(ctx, a, ports.ProductQuery{OrgID: org, ID: id, Limit: 1})
	if err != nil {
		return Product{}, err
	}
	if len(found) == 0 {
		return Product{}, core.ErrNotFound
	}
	return found[0], nil
}

// Update changes a product. ifMatch is the version that the client has seen, 0
// for any. It returns core.ErrStale, core.ErrProductState, core.ErrProductEmpty,
// core.ErrProductSlugTaken, and errors with the code limit_exceeded.
func (s *Service) Update(
	ctx context.Context, a core.Actor, org core.OrgID, id core.ProductID, c core.ProductChange, ifMatch int64,
) (Product, error) {
	f, err := s.may(ctx, a, org, core.ManageProducts)
	if err != nil {
		return Product{}, err
	}
	now := s.Clock.Now()
	before, err := s.Get(ctx, a, org, id)
	if err != nil {
		return Product{}, err
	}
	if err := s.clean(ctx, a, &before.Product, &c); err != nil {
		return Product{}, err
	}
	var out ports.ProductEntry
	err = s.Store.Update(ctx, func(tx ports.Tx) error {
		if c.Status != nil { // it may count from now on: first the usage, as whoever removes what is sold
			if err := tx.Drives.Lock(ctx, org, true); err != nil {
				return err
			}
		}
		p, links, err := s.locked(ctx, tx, org, id, ifMatch)
		if err != nil {
			return err
		}
		was := *p
		if err := p.Change(c, len(links), now); err != nil {
			return err
		}
		changes := productChanges(&was, p)
		if len(changes) > 0 {
			limits, err := s.limits(ctx, tx, org)
			if err != nil {
				return err
			}
			if err := tx.Products.Save(ctx, p, limits.MaxProducts); err != nil {
				return err
			}
			if err := s.did(ctx, tx, by{f, a}, "product.updated", p, changes); err != nil {
				return err
			}
		}
		out, err = s.entry(ctx, tx, p)
		return err
	})
	if err != nil {
		return Product{}, err
	}
	return s.show(ctx, out)
}

// locked returns a product that nobody else changes, with what is linked to it.
func (s *Service) locked(
	ctx context.Context, tx ports.Tx, org core.OrgID, id core.ProductID, ifMatch int64,
) (*core.Product, []ports.LinkedNode, error) {
	p, err := tx.Products.Lock(ctx, org, id, false)
	if err != nil {
		return nil, nil, err
	}
	if ifMatch != 0 && ifMatch != p.Version {
		return nil, nil, core.ErrStale
	}
	links, err := tx.ProductLinks.List(ctx, id)
	return p, links, err
}

func productChanges(before, after *core.Product) map[string]core.Change {
	changes := make(map[string]core.Change)
	differ := func(name string, from, to any) {
		if from != to {
			changes[name] = core.Change{From: from, To: to}
		}
	}
	differ("name", before.Name, after.Name)
	differ("slug", before.Slug, after.Slug)
	differ("description", before.Description, after.Description)
	differ("price_amount", before.Price.Amount, after.Price.Amount)
	differ("currency", before.Price.Currency, after.Price.Currency)
	differ("subscription_days", before.SubscriptionDays, after.SubscriptionDays)
	differ("cover_asset_id", before.CoverAssetID.String(), after.CoverAssetID.String())
	differ("status", string(before.Status), string(after.Status))
	return changes
}

// Delete removes a product that nobody has ever ordered. It returns
// core.ErrStale and core.ErrProductSold.
func (s *Service) Delete(ctx context.Context, a core.Actor, org core.OrgID, id core.ProductID, ifMatch int64) error {
	f, err := s.may(ctx, a, org, core.ManageProducts)
	if err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx ports.Tx) error {
		if err := tx.Drives.Lock(ctx, org, true); err != nil {
			return err
		}
		p, _, err := s.locked(ctx, tx, org, id, ifMatch)
		if err != nil {
			return err
		}
		if err := s.did(ctx, tx, by{f, a}, "product.deleted", p, map[string]core.Change{"name": {From: p.Name}}); err != nil {
			return err
		}
		return tx.Products.Remove(ctx, org, id)
	})
}
