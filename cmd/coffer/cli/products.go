package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/seed-755a8038/coffer/client"
)

func (a *app) productsCommand() *cobra.Command {
	return a.parent("products", "What the organisation sells", a.productsList(), a.productsCreate(), a.productsAdd(),
		a.productsStatus("publish", "Put a product on sale", client.UpdateProductInputStatusPublished),
		a.productsStatus("archive", "Take a product off sale; who has bought it keeps it", client.UpdateProductInputStatusArchived), a.productsDelete())
}

func (a *app) products(ctx context.Context) ([]client.Product, error) {
	org, err := a.orgID(ctx)
	if err != nil {
		return nil, err
	}
	return all(ctx, func(ctx context.Context, cursor *string) ([]client.Product, *string, error) {
		page, err := a.client.ListProducts(ctx, org, &client.ListProductsParams{Cursor: cursor, Limit: new(int64(pageSize))})
		if err != nil {
			return nil, nil, err
		}
		return page.Items, page.NextCursor, nil
	})
}

// product finds a product by slug or id.
func (a *app) product(ctx context.Context, name string) (uuid.UUID, error) {
	if id, err := uuid.Parse(name); err == nil {
		return id, nil
	}
	products, err := a.products(ctx)
	if err != nil {
		return uuid.Nil, err
	}
	for _, p := range products {
		if p.Slug == name {
			return p.ID, nil
		}
	}
	return uuid.Nil, &Error{Code: ExitNotFound, What: "there is no product " + plain(name), Next: "see the slugs: coffer products ls"}
}

func (a *app) productsList() *cobra.Command {
	return a.inOrg(a.command("ls", "List the products", "Prices are in the minor unit of their currency.", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		products, err := a.products(ctx)
		if err != nil {
			return err
		}
		return a.show(list[client.Product]{products}, func(w io.Writer) {
			row(w, "SLUG", "STATUS", "PRICE", "FILES", "NAME", "ID")
			for _, p := range products {
				row(w, p.Slug, p.Status, fmt.Sprintf("%d %s", p.Price.Amount, p.Price.Currency), p.AssetsCount, p.Name, p.ID)
			}
		})
	}))
}

func (a *app) productsCreate() *cobra.Command {
	var in client.CreateProductInput
	var slug, about string
	var days int64
	cmd := a.inOrg(a.command("create NAME", "Make a product, as a draft", "", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		org, err := a.orgID(ctx)
		if err != nil {
			return err
		}
		in.Name, in.Type = args[0], client.CreateProductInputTypeDigital
		if slug != "" {
			in.Slug = &slug
		}
		if about != "" {
			in.Description = &about
		}
		if days > 0 {
			in.Type, in.SubscriptionDays = client.CreateProductInputTypeMembership, &days
		}
		p, err := a.client.CreateProduct(ctx, org, &client.CreateProductParams{}, in)
		if err != nil {
			return err
		}
		return a.show(p, func(w io.Writer) { row(w, p.Slug) })
	}))
	flags := cmd.Flags()
	flags.Int64Var(&in.Price.Amount, "amount", 0, "the price, in the minor unit of the currency (999 is 9.99 EUR); 0: free")
	flags.StringVar(&in.Price.Currency, "currency", "EUR", "the currency")
	flags.StringVar(&slug, "slug", "", "its name in addresses; made of the name if left out")
	flags.StringVar(&about, "description", "", "what buyers read of it")
	flags.Int64Var(&days, "days", 0, "make it a membership that a payment buys for `N` days")
	return cmd
}

func (a *app) productsAdd() *cobra.Command {
	cmd := a.inDrive(a.command("add PRODUCT PATH…", "Put files or folders into a product", aboutPaths, cobra.MinimumNArgs(2), //nolint:mnd // the product and a file
		func(ctx context.Context, args []string) error {
			org, err := a.orgID(ctx)
			if err != nil {
				return err
			}
			return a.withFiles(ctx, args, a.product, func(product uuid.UUID, n client.Node) (any, error) {
				in := client.LinkAssetInput{AssetID: &n.ID}
				if n.Kind == client.NodeKindFolder {
					in = client.LinkAssetInput{FolderID: &n.ID}
				}
				return a.client.LinkAsset(ctx, org, product, &client.LinkAssetParams{}, in)
			})
		}))
	cmd.ValidArgsFunction = a.completePaths
	return cmd
}

func (a *app) productsStatus(verb, short string, status client.UpdateProductInputStatus) *cobra.Command {
	return a.inOrg(a.command(verb+" PRODUCT", short, "By slug or id.", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		org, err := a.orgID(ctx)
		if err != nil {
			return err
		}
		id, err := a.product(ctx, args[0])
		if err != nil {
			return err
		}
		p, err := a.client.UpdateProduct(ctx, org, id, &client.UpdateProductParams{}, client.UpdateProductInput{Status: &status})
		if err != nil {
			return err
		}
		return a.show(p, func(w io.Writer) { row(w, p.Slug+" is "+string(p.Status)+".") })
	}))
}

func (a *app) productsDelete() *cobra.Command {
	return a.inOrg(a.command("rm PRODUCT", "Delete a product that nobody has bought", "By slug or id.", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		org, err := a.orgID(ctx)
		if err != nil {
			return err
		}
		id, err := a.product(ctx, args[0])
		if err != nil {
			return err
		}
		if err := a.client.DeleteProduct(ctx, org, id, &client.DeleteProductParams{}); err != nil || !a.json {
			return err
		}
		return a.line(map[string]any{"id": id})
	}))
}
