package cli

import (
	"context"
	"io"
	"os"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/seed-755a8038/coffer/client"
)

// pageSize is the largest that the server gives: fewer round trips.
const pageSize = 200

// all reads a list to its end.
func all[T any](ctx context.Context, fetch func(ctx context.Context, cursor *string) ([]T, *string, error)) ([]T, error) {
	items := []T{}
	for item, err := range client.Pages(ctx, fetch) {
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

func (a *app) orgs(ctx context.Context) ([]client.Org, error) {
	return all(ctx, func(ctx context.Context, cursor *string) ([]client.Org, *string, error) {
		page, err := a.client.ListOrgs(ctx, &client.ListOrgsParams{Cursor: cursor, Limit: new(int64(pageSize))})
		if err != nil {
			return nil, nil, err
		}
		return page.Items, page.NextCursor, nil
	})
}

// findOrg finds an organisation by slug, name or id.
func (a *app) findOrg(ctx context.Context, name string) (client.Org, error) {
	orgs, err := a.orgs(ctx)
	if err != nil {
		return client.Org{}, err
	}
	var found []client.Org
	for _, o := range orgs {
		if o.Slug == name || o.ID.String() == name {
			return o, nil
		}
		if strings.EqualFold(o.Name, name) {
			found = append(found, o)
		}
	}
	switch len(found) {
	case 0:
		return client.Org{}, &Error{Code: ExitNotFound, What: "there is no organisation " + plain(name) + " that you are in", Next: "see coffer orgs"}
	case 1:
		return found[0], nil
	}
	return client.Org{}, mistake("several organisations are called "+plain(name), "use the slug: coffer orgs")
}

func (a *app) orgsCommand() *cobra.Command {
	return a.command("orgs", "List your organisations", "The one that commands are about has a star.", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		orgs, err := a.orgs(ctx)
		if err != nil {
			return err
		}
		current, err := a.orgID(ctx)
		if err != nil {
			return err
		}
		return a.show(list[client.Org]{orgs}, func(w io.Writer) {
			row(w, "", "SLUG", "NAME", "ROLE", "ID")
			for _, o := range orgs {
				star := ""
				if o.ID == current {
					star = "*"
				}
				row(w, star, o.Slug, o.Name, o.Role, o.ID)
			}
		})
	})
}

func (a *app) useCommand() *cobra.Command {
	cmd := a.command("use ORGANISATION", "Choose the organisation that commands are about", "By slug, name or id.", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) error {
			if a.byKey() || os.Getenv(envToken) != "" {
				return mistake("nothing is kept for who signs in by the environment", "set "+envOrg)
			}
			org, err := a.findOrg(ctx, args[0])
			if err != nil {
				return err
			}
			err = a.file.change(ctx, func(all *logins) {
				if l, ok := all.Servers[a.server]; ok {
					l.Org, l.OrgName = org.ID, org.Slug
					all.Servers[a.server], all.Current = l, a.server
				}
			})
			if err != nil {
				return err
			}
			return a.show(org, func(w io.Writer) { row(w, "Commands are now about "+org.Name+" ("+org.Slug+").") })
		})
	cmd.ValidArgsFunction = a.completeOrgs
	return cmd
}

func (a *app) drives(ctx context.Context, org uuid.UUID) ([]client.DriveEntry, error) {
	return all(ctx, func(ctx context.Context, cursor *string) ([]client.DriveEntry, *string, error) {
		page, err := a.client.ListDrives(ctx, org, &client.ListDrivesParams{Cursor: cursor, Limit: new(int64(pageSize))})
		if err != nil {
			return nil, nil, err
		}
		return page.Items, page.NextCursor, nil
	})
}

func (a *app) drivesCommand() *cobra.Command {
	return a.inOrg(a.command("drives", "List the drives of the organisation that you may see", "", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		org, err := a.orgID(ctx)
		if err != nil {
			return err
		}
		drives, err := a.drives(ctx, org)
		if err != nil {
			return err
		}
		return a.show(list[client.DriveEntry]{drives}, func(w io.Writer) {
			row(w, "NAME", "ROLE", "USED", "QUOTA", "ID")
			for _, d := range drives {
				quota := "-"
				if d.QuotaBytes != nil {
					quota = size(*d.QuotaBytes)
				}
				row(w, d.Name, d.Role, size(d.UsedBytes), quota, d.ID)
			}
		})
	}))
}

// completeOrgs completes the slug of an organisation.
func (a *app) completeOrgs(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	a.cmd = cmd
	if a.connect() != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	orgs, err := a.orgs(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []string
	for _, o := range orgs {
		out = append(out, plain(o.Slug)+"\t"+plain(o.Name))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// completeDrives completes the name of a drive.
func (a *app) completeDrives(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	a.cmd = cmd
	if a.connect() != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	org, err := a.orgID(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	drives, err := a.drives(cmd.Context(), org)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []string
	for _, d := range drives {
		out = append(out, plain(d.Name))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
