package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/store"
	"github.com/seed-755a8038/coffer/core"
)

// productRoutes are for those who sell, and catalogueRoutes for everybody.
type productRoutes struct {
	store   *store.Service
	cursors codec[core.ProductID]
}

const (
	productsPath = "/api/orgs/{org_id}/products"
	productPath  = productsPath + "/{product_id}"
)

func (h productRoutes) mount(api huma.API) {
	register(api, operation{
		id: "createProduct", method: http.MethodPost, path: productsPath, tag: tagStore, status: http.StatusCreated,
		codes:   []string{"forbidden", "product_slug_taken", "limit_exceeded"},
		summary: "Make a product",
		about:   "Makes a draft, for owners and admins. Link files and folders to it, then publish it (PATCH with status). Prices are in the minor unit of their currency: 1900 EUR is 19 euros.",
	}, h.create)
	register(api, operation{
		id: "listProducts", method: http.MethodGet, path: productsPath, tag: tagStore,
		summary: "An organisation's products", about: "Lists products, newest first, also those that are not for sale, to everybody with an account there.",
	}, h.list)
	register(api, operation{
		id: "getProduct", method: http.MethodGet, path: productPath, tag: tagStore, also: notModified,
		summary: "One product", about: "Returns a product to everybody with an account in its organisation.",
	}, h.get)
	register(api, operation{
		id: "updateProduct", method: http.MethodPatch, path: productPath, tag: tagStore,
		codes:   []string{"forbidden", "product_slug_taken", "product_state", "product_empty", "limit_exceeded"},
		summary: "Change a product",
		about:   "Members that are left out stay as they are; null clears. A product goes from draft to published, and from there to archived and back; it must have something linked to be published. A change of the price or the days concerns those who buy from then on.",
	}, h.update)
	register(api, operation{
		id: "deleteProduct", method: http.MethodDelete, path: productPath, tag: tagStore, status: http.StatusNoContent, codes: []string{"forbidden", "product_sold"},
		summary: "Delete a product", about: "Deletes a product that nobody has ever ordered; archive others.",
	}, h.remove)
}

type moneyBody struct {
	Amount   int64  `json:"amount" minimum:"0" maximum:"99999999999" doc:"In the minor unit of the currency; 0: free" example:"1900"`
	Currency string `json:"currency" minLength:"3" maxLength:"3" doc:"ISO 4217 code" example:"EUR"`
}

type productBody struct {
	ID               core.ProductID     `json:"id" format:"uuid" doc:"Identifies the product" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e21"`
	OrgID            core.OrgID         `json:"org_id" format:"uuid" doc:"The organisation that sells it" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12"`
	Name             string             `json:"name" doc:"What it is called" example:"Ten presets"`
	Slug             string             `json:"slug" doc:"Its name in addresses; unique in the organisation" example:"ten-presets"`
	Description      string             `json:"description" doc:"What buyers read of it; plain text" example:"For portraits."`
	Type             core.ProductType   `json:"type" enum:"digital,membership" doc:"What is linked for ever, or for as long as one pays" example:"digital"`
	Price            moneyBody          `json:"price" doc:"What it costs; of a membership, for each period"`
	SubscriptionDays *int               `json:"subscription_days" doc:"Of a membership: how many days one payment lasts; null: not a membership" example:"30"`
	Status           core.ProductStatus `json:"status" enum:"draft,published,archived" doc:"Whether it is for sale: published is" example:"published"`
	CoverAssetID     *core.AssetID      `json:"cover_asset_id" format:"uuid" doc:"Its picture; null: none" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
	CoverURL         *string            `json:"cover_url" format:"uri" doc:"A short-lived URL of its picture; null: none" example:"https://files.example.com/blobs/a?signature=5f1c"`
	AssetsCount      int                `json:"assets_count" doc:"How many files and folders are linked" example:"2"`
	CreatedBy        core.AccountID     `json:"created_by" format:"uuid" doc:"The account that made it" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	PublishedAt      *time.Time         `json:"published_at" doc:"When it was first for sale; null: never"`
	Version          int64              `json:"version" doc:"Counts its changes; the ETag" example:"1"`
	CreatedAt        time.Time          `json:"created_at" doc:"When it was made"`
	UpdatedAt        time.Time          `json:"updated_at" doc:"When it was last changed"`
}

func showProduct(p store.Product) productBody {
	x := &p.Product
	return productBody{
		ID: x.ID, OrgID: x.OrgID, Name: x.Name, Slug: x.Slug, Description: x.Description, Type: x.Type, Price: moneyBody(x.Price),
		SubscriptionDays: orNull(x.SubscriptionDays), Status: x.Status, CoverAssetID: orNull(x.CoverAssetID), CoverURL: orNull(p.CoverURL),
		AssetsCount: p.Links, CreatedBy: x.CreatedBy, PublishedAt: timeOrNull(x.PublishedAt), Version: x.Version, CreatedAt: x.CreatedAt, UpdatedAt: x.UpdatedAt,
	}
}

type createProductInput struct {
	OrgInput
	OnceInput
	Body struct {
		Name             string           `json:"name" minLength:"1" maxLength:"200" doc:"What to call it" example:"Ten presets"`
		Slug             string           `json:"slug,omitempty" maxLength:"63" doc:"Its name in addresses; made of the name if left out" example:"ten-presets"`
		Description      string           `json:"description,omitempty" maxLength:"10000" doc:"What buyers read of it; plain text" example:"For portraits."`
		Type             core.ProductType `json:"type" enum:"digital,membership" doc:"What is linked for ever, or for as long as one pays" example:"digital"`
		Price            moneyBody        `json:"price" doc:"What it costs; of a membership, for each period"`
		SubscriptionDays int              `json:"subscription_days,omitempty" minimum:"1" maximum:"1095" doc:"Of a membership: how many days one payment lasts" example:"30"`
		CoverAssetID     core.AssetID     `json:"cover_asset_id,omitzero" format:"uuid" doc:"A picture of the organisation's, which everybody will see" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
	}
}

type createdProductOutput struct {
	Location string `header:"Location" doc:"Where the product is" example:"/api/orgs/0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12/products/0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e21"`
	ETag     string `header:"ETag" doc:"The version of the resource" example:"\"1\""`
	Body     productBody
}

func (h productRoutes) create(ctx context.Context, in *createProductInput) (*createdProductOutput, error) {
	wish, err := once(ctx, in.OnceInput, showProduct)
	if err != nil {
		return nil, err
	}
	b := &in.Body
	p, err := h.store.Create(ctx, actorOf(ctx), store.ProductInput{
		OrgID: in.OrgID, Name: b.Name, Slug: b.Slug, Description: b.Description, Type: b.Type, Price: core.Money(b.Price),
		SubscriptionDays: b.SubscriptionDays, CoverAssetID: b.CoverAssetID, Once: wish,
	})
	if err != nil {
		return nil, err
	}
	return &createdProductOutput{"/api/orgs/" + in.OrgID.String() + "/products/" + p.Product.ID.String(), etag(p.Product.Version), showProduct(p)}, nil
}

type listProductsInput struct {
	OrgInput
	Status core.ProductStatus `query:"status" enum:"draft,published,archived" doc:"Only products in this state" example:"published"`
	Text   string             `query:"q" maxLength:"255" doc:"Only products with this in their name, in any case" example:"preset"`
	PageInput
}

type productsOutput struct{ Body page[productBody] }

func (h productRoutes) list(ctx context.Context, in *listProductsInput) (*productsOutput, error) {
	before, err := h.cursors.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.Products(ctx, actorOf(ctx), store.ProductQuery{
		OrgID: in.OrgID, Status: in.Status, Text: in.Text, Before: before, Limit: in.more(),
	})
	if err != nil {
		return nil, err
	}
	out, err := pageOf(ctx, in.PageInput, h.cursors, rows, showProduct, productID)
	return &productsOutput{out}, err
}

func productID(p store.Product) core.ProductID { return p.Product.ID }

// ProductInput names a product of an org.
type ProductInput struct {
	OrgInput
	ProductID core.ProductID `path:"product_id" format:"uuid" doc:"The product" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e21"`
}

type getProductInput struct {
	ProductInput
	ConditionalInput
}

type productOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"The version of the resource" example:"\"3\""`
	Body   productBody
}

func (h productRoutes) get(ctx context.Context, in *getProductInput) (*productOutput, error) {
	p, err := h.store.Get(ctx, actorOf(ctx), in.OrgID, in.ProductID)
	if err != nil {
		return nil, err
	}
	tag := etag(p.Product.Version)
	return &productOutput{fresh(in.IfNoneMatch, tag), tag, showProduct(p)}, nil
}

type updateProductInput struct {
	ProductInput
	MatchInput
	Body struct {
		Name             *string                `json:"name,omitempty" minLength:"1" maxLength:"200" doc:"What to call it" example:"Ten presets"`
		Slug             *string                `json:"slug,omitempty" minLength:"3" maxLength:"63" doc:"Its name in addresses" example:"ten-presets"`
		Description      optional[string]       `json:"description,omitzero" maxLength:"10000" doc:"What buyers read of it; null: nothing" example:"For portraits."`
		Price            *moneyBody             `json:"price,omitempty" doc:"What it costs"`
		SubscriptionDays *int                   `json:"subscription_days,omitempty" minimum:"1" maximum:"1095" doc:"Of a membership: how many days one payment lasts" example:"30"`
		CoverAssetID     optional[core.AssetID] `json:"cover_asset_id,omitzero" format:"uuid" doc:"A picture of the organisation's; null: none" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
		Status           *core.ProductStatus    `json:"status,omitempty" enum:"draft,published,archived" doc:"Whether it is for sale" example:"published"`
	}
}

func (h productRoutes) update(ctx context.Context, in *updateProductInput) (*productOutput, error) {
	version, err := h.expected(ctx, in.ProductInput, in.IfMatch)
	if err != nil {
		return nil, err
	}
	b := &in.Body
	c := core.ProductChange{Name: b.Name, Slug: b.Slug, SubscriptionDays: b.SubscriptionDays, Status: b.Status}
	if b.Description.set {
		c.Description = &b.Description.value
	}
	if b.Price != nil {
		c.Price = new(core.Money(*b.Price))
	}
	if b.CoverAssetID.set {
		c.CoverAssetID = &b.CoverAssetID.value
	}
	p, err := h.store.Update(ctx, actorOf(ctx), in.OrgID, in.ProductID, c, version)
	if err != nil {
		return nil, err
	}
	return &productOutput{http.StatusOK, etag(p.Product.Version), showProduct(p)}, nil
}

func (h productRoutes) expected(ctx context.Context, in ProductInput, ifMatch string) (int64, error) {
	return expected(ifMatch, func() (int64, error) {
		p, err := h.store.Get(ctx, actorOf(ctx), in.OrgID, in.ProductID)
		return p.Product.Version, err
	})
}

type deleteProductInput struct {
	ProductInput
	MatchInput
}

func (h productRoutes) remove(ctx context.Context, in *deleteProductInput) (*struct{}, error) {
	version, err := h.expected(ctx, in.ProductInput, in.IfMatch)
	if err != nil {
		return nil, err
	}
	return nil, h.store.Delete(ctx, actorOf(ctx), in.OrgID, in.ProductID, version)
}
