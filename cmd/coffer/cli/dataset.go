package cli

import (
	"context"
	"io"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/seed-755a8038/coffer/client"
)

func (a *app) datasetCommand() *cobra.Command {
	return a.parent("dataset", "Datasets: what an organisation publishes, version by version",
		a.datasetPublish(), a.datasetGet(), a.datasetList(), a.datasetVersions())
}

func (a *app) datasets(ctx context.Context) ([]client.Dataset, error) {
	org, err := a.orgID(ctx)
	if err != nil {
		return nil, err
	}
	return all(ctx, func(ctx context.Context, cursor *string) ([]client.Dataset, *string, error) {
		page, err := a.client.ListDatasets(ctx, &client.ListDatasetsParams{OrgID: &org, Cursor: cursor, Limit: new(int64(pageSize))})
		if err != nil {
			return nil, nil, err
		}
		return page.Items, page.NextCursor, nil
	})
}

// dataset finds a dataset by slug or id.
func (a *app) dataset(ctx context.Context, name string) (*client.Dataset, error) {
	if id, err := uuid.Parse(name); err == nil {
		return a.client.GetDataset(ctx, id, nil)
	}
	datasets, err := a.datasets(ctx)
	if err != nil {
		return nil, err
	}
	for i := range datasets {
		if datasets[i].Slug == name {
			return &datasets[i], nil
		}
	}
	return nil, &Error{Code: ExitNotFound, What: "there is no dataset " + plain(name) + " that you may see", Next: "see the slugs: coffer dataset ls"}
}

func (a *app) datasetList() *cobra.Command {
	return a.inOrg(a.command("ls", "List the datasets", "", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		datasets, err := a.datasets(ctx)
		if err != nil {
			return err
		}
		return a.show(list[client.Dataset]{datasets}, func(w io.Writer) {
			row(w, "SLUG", "STATUS", "VERSION", "VISIBLE TO", "NAME", "ID")
			for _, d := range datasets {
				row(w, d.Slug, d.Status, deref(d.CurrentVersion), d.Visibility, d.Name, d.ID)
			}
		})
	}))
}

func (a *app) datasetVersions() *cobra.Command {
	return a.inOrg(a.command("versions DATASET", "List the versions of a dataset, the latest first", "By slug or id.", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) error {
			d, err := a.dataset(ctx, args[0])
			if err != nil {
				return err
			}
			versions, err := all(ctx, func(ctx context.Context, cursor *string) ([]client.DatasetVersion, *string, error) {
				page, err := a.client.ListDatasetVersions(ctx, d.ID, &client.ListDatasetVersionsParams{Cursor: cursor, Limit: new(int64(pageSize))})
				if err != nil {
					return nil, nil, err
				}
				return page.Items, page.NextCursor, nil
			})
			if err != nil {
				return err
			}
			return a.show(list[client.DatasetVersion]{versions}, func(w io.Writer) {
				row(w, "VERSION", "ITEMS", "PUBLISHED", "MANIFEST")
				for _, v := range versions {
					row(w, v.Number, v.Items, when(v.PublishedAt), v.ManifestHash)
				}
			})
		}))
}
