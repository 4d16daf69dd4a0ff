package cli

import (
	"context"
	"io"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/seed-755a8038/coffer/client"
)

func (a *app) groupsCommand() *cobra.Command {
	return a.parent("groups", "Groups of files, to present and share them", a.groupsList(), a.groupsCreate(), a.groupsFiles(), a.groupsAdd(), a.groupsRemove(), a.groupsShare(), a.groupsDelete())
}

func (a *app) groupTree(ctx context.Context) ([]client.GroupNode, error) {
	org, err := a.orgID(ctx)
	if err != nil {
		return nil, err
	}
	tree, err := a.client.GetGroupTree(ctx, &client.GetGroupTreeParams{OrgID: &org})
	if err != nil {
		return nil, err
	}
	return tree.Items, nil
}

// group finds a group by id, or by name where only one has it.
func (a *app) group(ctx context.Context, name string) (uuid.UUID, error) {
	if id, err := uuid.Parse(name); err == nil {
		return id, nil
	}
	tree, err := a.groupTree(ctx)
	if err != nil {
		return uuid.Nil, err
	}
	var found []uuid.UUID
	var look func(groups []client.GroupNode)
	look = func(groups []client.GroupNode) {
		for _, g := range groups {
			if g.Name == name {
				found = append(found, g.ID)
			}
			look(g.Children)
		}
	}
	look(tree)
	switch len(found) {
	case 0:
		return uuid.Nil, &Error{Code: ExitNotFound, What: "there is no group " + plain(name), Next: "see coffer groups ls"}
	case 1:
		return found[0], nil
	}
	return uuid.Nil, mistake("several groups are called "+plain(name), "use the id: coffer groups ls")
}

func (a *app) groupsList() *cobra.Command {
	return a.inOrg(a.command("ls", "List the groups, below each other", "", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		tree, err := a.groupTree(ctx)
		if err != nil {
			return err
		}
		return a.show(list[client.GroupNode]{tree}, func(w io.Writer) {
			row(w, "FILES", "ID", "NAME")
			var show func(groups []client.GroupNode, depth int)
			show = func(groups []client.GroupNode, depth int) {
				for _, g := range groups {
					row(w, g.TotalAssetCount, g.ID, strings.Repeat("  ", depth)+g.Name)
					show(g.Children, depth+1)
				}
			}
			show(tree, 0)
		})
	}))
}

func (a *app) groupsCreate() *cobra.Command {
	var parent, about string
	cmd := a.inOrg(a.command("create NAME", "Make a group", "", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		org, err := a.orgID(ctx)
		if err != nil {
			return err
		}
		in := client.GroupChangeInput{Name: args[0]}
		if parent != "" {
			id, err := a.group(ctx, parent)
			if err != nil {
				return err
			}
			in.ParentID = &id
		}
		if about != "" {
			in.Description = &about
		}
		g, err := a.client.CreateGroup(ctx, &client.CreateGroupParams{OrgID: &org}, in)
		if err != nil {
			return err
		}
		return a.show(g, func(w io.Writer) { row(w, g.ID) })
	}))
	cmd.Flags().StringVar(&parent, "in", "", "the `GROUP` it is in, by name or id")
	cmd.Flags().StringVar(&about, "description", "", "what it is about")
	return cmd
}

func (a *app) groupsFiles() *cobra.Command {
	return a.inOrg(a.command("files GROUP", "List the files of a group", "", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		id, err := a.group(ctx, args[0])
		if err != nil {
			return err
		}
		files, err := all(ctx, func(ctx context.Context, cursor *string) ([]client.GroupAsset, *string, error) {
			page, err := a.client.ListGroupAssets(ctx, id, &client.ListGroupAssetsParams{Cursor: cursor, Limit: new(int64(pageSize))})
			if err != nil {
				return nil, nil, err
			}
			return page.Items, page.NextCursor, nil
		})
		if err != nil {
			return err
		}
		return a.show(list[client.GroupAsset]{files}, func(w io.Writer) {
			row(w, "SIZE", "NAME", "TITLE", "ID")
			for _, f := range files {
				row(w, size(f.SizeBytes), f.Name, deref(f.Title), f.AssetID)
			}
		})
	}))
}

// withFiles does something with a group, or a product, and each file named after it.
func (a *app) withFiles(ctx context.Context, args []string, find func(ctx context.Context, name string) (uuid.UUID, error), do func(id uuid.UUID, n client.Node) (any, error)) error {
	id, err := find(ctx, args[0])
	if err != nil {
		return err
	}
	for _, path := range args[1:] {
		p, err := a.place(ctx, path)
		if err != nil {
			return err
		}
		n, err := a.node(ctx, p)
		if err != nil {
			return err
		}
		done, err := do(id, n)
		if err != nil {
			return err
		}
		if a.json {
			if err := a.line(done); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *app) groupsAdd() *cobra.Command {
	cmd := a.inDrive(a.command("add GROUP PATH…", "Put files into a group", aboutPaths, cobra.MinimumNArgs(2), //nolint:mnd // the group and a file
		func(ctx context.Context, args []string) error {
			return a.withFiles(ctx, args, a.group, func(group uuid.UUID, n client.Node) (any, error) {
				return a.client.AddGroupAsset(ctx, group, &client.AddGroupAssetParams{}, client.AddGroupAssetInput{AssetID: n.ID})
			})
		}))
	cmd.ValidArgsFunction = a.completePaths
	return cmd
}

func (a *app) groupsRemove() *cobra.Command {
	cmd := a.inDrive(a.command("remove GROUP PATH…", "Take files out of a group", aboutPaths+" The files stay.", cobra.MinimumNArgs(2), //nolint:mnd // the group and a file
		func(ctx context.Context, args []string) error {
			return a.withFiles(ctx, args, a.group, func(group uuid.UUID, n client.Node) (any, error) {
				return map[string]any{"asset_id": n.ID}, a.client.RemoveGroupAsset(ctx, group, n.ID)
			})
		}))
	cmd.ValidArgsFunction = a.completePaths
	return cmd
}

func (a *app) groupsShare() *cobra.Command {
	var f shareFlags
	cmd := a.inOrg(a.command("share GROUP", "Make a link to a group, and print it", "", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		id, err := a.group(ctx, args[0])
		if err != nil {
			return err
		}
		in, err := a.shareInput(f)
		if err != nil {
			return err
		}
		issued, err := a.client.CreateGroupShare(ctx, id, &client.CreateGroupShareParams{}, client.CreateGroupShareInput{
			Name: in.Name, ExpiresAt: in.ExpiresAt, Password: in.Password,
		})
		if err != nil {
			return err
		}
		return a.show(issued, func(w io.Writer) { row(w, issued.ShareURL) })
	}))
	f.add(cmd)
	return cmd
}

func (a *app) groupsDelete() *cobra.Command {
	return a.inOrg(a.command("rm GROUP…", "Delete groups; their files stay", "", cobra.MinimumNArgs(1), func(ctx context.Context, args []string) error {
		for _, name := range args {
			id, err := a.group(ctx, name)
			if err != nil {
				return err
			}
			if err := a.client.DeleteGroup(ctx, id, &client.DeleteGroupParams{}); err != nil {
				return err
			}
			if a.json {
				if err := a.line(map[string]any{"id": id}); err != nil {
					return err
				}
			}
		}
		return nil
	}))
}
