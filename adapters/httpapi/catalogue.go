package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/store"
	"github.com/seed-755a8038/coffer/core"
)

type catalogueRoutes struct {
	store   *store.Service
	cursors codec[core.ProductID]
}

func (h catalogueRoutes) mount(api huma.API) {
	register(api, operation{
		id: "listCatalogue", method: http.MethodGet, path: "/api/products", tag: tagStore, public: true, codes: []string{"not_found", "validation_failed"},
		summary: "What an organisation has for sale", about: "Lists the products of an organisation that are for sale, newest first, to everybody.",
	}, h.list)
	register(api, operation{
		id: "getCatalogueProduct", method: http.MethodGet, path: "/api/products/{product_id}", tag: tagStore, public: true,
		summary: "A product that is for sale", about: "Returns a product that is for sale, to everybody.",
	}, h.get)
}

type sellerBody struct {
	ID   core.OrgID `json:"id" format:"uuid" doc:"The organisation" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12"`
	Name string     `json:"name" doc:"What people call it" example:"Example Studio"`
	Slug string     `json:"slug" doc:"Its name in addresses" example:"example-studio"`
}

type catalogueProductBody struct {
	ID               core.ProductID   `json:"id" format:"uuid" doc:"Identifies the product" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e21"`
	Org              sellerBody       `json:"org" doc:"The organisation that sells it"`
	Name             string           `json:"name" doc:"What it is called" example:"Ten presets"`
	Slug             string           `json:"slug" doc:"Its name in addresses; unique in the organisation" example:"ten-presets"`
	Description      string           `json:"description" doc:"What it is; plain text" example:"For portraits."`
	Type             core.ProductType `json:"type" enum:"digital,membership" doc:"What is linked for ever, or for as long as one pays" example:"digital"`
	Price            moneyBody        `json:"price" doc:"What it costs; of a membership, for each period"`
	SubscriptionDays *int             `json:"subscription_days" doc:"Of a membership: how many days one payment lasts; null: not a membership" example:"30"`
	CoverURL         *string          `json:"cover_url" format:"uri" doc:"A short-lived URL of its picture; null: none" example:"https://files.example.com/blobs/a?signature=5f1c"`
	AssetsCount      int              `json:"assets_count" doc:"How many files and folders it has" example:"2"`
	PublishedAt      *time.Time       `json:"published_at" doc:"When it was first for sale"`
}

func showForSale(seller store.Seller) func(store.Product) catalogueProductBody {
	return func(p store.Product) catalogueProductBody {
		x := &p.Product
		return catalogueProductBody{
			x.ID, sellerBody(seller), x.Name, x.Slug, x.Description, x.Type, moneyBody(x.Price), orNull(x.SubscriptionDays), orNull(p.CoverURL), p.Links,
			timeOrNull(x.PublishedAt),
		}
	}
}

type catalogueInput struct {
	Org  string `query:"org" required:"true" minLength:"1" maxLength:"63" doc:"The organisation's slug or id" example:"example-studio"`
	Text string `query:"q" maxLength:"255" doc:"Only products with this in their name, in any case" example:"preset"`
	PageInput
}

type catalogueOutput struct {
	Body page[catalogueProductBody]
}

func (h catalogueRoutes) list(ctx context.Context, in *catalogueInput) (*catalogueOutput, error) {
	before, err := h.cursors.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	seller, rows, err := h.store.Catalogue(ctx, in.Org, store.ProductQuery{Text: in.Text, Before: before, Limit: in.more()})
	if err != nil {
		return nil, err
	}
	out, err := pageOf(ctx, in.PageInput, h.cursors, rows, showForSale(seller), productID)
	return &catalogueOutput{out}, err
}

// SoldProductInput names a product of any org.
type SoldProductInput struct {
	ProductID core.ProductID `path:"product_id" format:"uuid" doc:"The product" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e21"`
}

type catalogueProductOutput struct{ Body catalogueProductBody }

func (h catalogueRoutes) get(ctx context.Context, in *SoldProductInput) (*catalogueProductOutput, error) {
	seller, p, err := h.store.OnSale(ctx, in.ProductID)
	if err != nil {
		return nil, err
	}
	return &catalogueProductOutput{showForSale(seller)(p)}, nil
}
