package cli

import (
	"context"
	"io"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/seed-755a8038/coffer/client"
)

const aboutPaths = "A path is [DRIVE:]/folder/file, with the drive's name or id. Without a drive it is in your own one, or that of --drive."

func (a *app) lsCommand() *cobra.Command {
	cmd := a.inDrive(a.command("ls [PATH]", "List a folder", aboutPaths, cobra.MaximumNArgs(1), func(ctx context.Context, args []string) error {
		p, err := a.place(ctx, argument(args, "/"))
		if err != nil {
			return err
		}
		nodes := []client.Node{}
		for n, err := range a.children(ctx, p) {
			if isCode(err, "not_found", "not_a_folder") && !p.root() {
				file, err := a.node(ctx, p)
				if err != nil {
					return err
				}
				nodes = append(nodes, file)
				break
			}
			if err != nil {
				return err
			}
			nodes = append(nodes, n)
		}
		return a.showNodes(nodes)
	}))
	cmd.ValidArgsFunction = a.completePaths
	return cmd
}

func argument(args []string, otherwise string) string {
	if len(args) == 0 {
		return otherwise
	}
	return args[0]
}

func (a *app) showNodes(nodes []client.Node) error {
	return a.show(list[client.Node]{nodes}, func(w io.Writer) {
		row(w, "SIZE", "CHANGED", "NAME")
		for _, n := range nodes {
			bytes, name := "-", n.Name
			switch {
			case n.Kind == client.NodeKindFolder:
				name += "/"
			case deref(n.Status) != client.NodeStatusReady:
				bytes = "arriving"
			default:
				bytes = size(deref(n.SizeBytes))
			}
			row(w, bytes, when(n.UpdatedAt), name)
		}
	})
}

func (a *app) mkdirCommand() *cobra.Command {
	cmd := a.inDrive(a.command("mkdir PATH…", "Make folders, with those above them", aboutPaths+"\nA folder that is there is left as it is.", cobra.MinimumNArgs(1),
		func(ctx context.Context, args []string) error {
			for _, arg := range args {
				p, err := a.place(ctx, arg)
				if err != nil {
					return err
				}
				if _, err := a.makeFolder(ctx, p); err != nil {
					return err
				}
				if !a.json {
					continue
				}
				n, err := a.node(ctx, p)
				if err != nil {
					return err
				}
				if err := a.line(n); err != nil {
					return err
				}
			}
			return nil
		}))
	cmd.ValidArgsFunction = a.completePaths
	return cmd
}

// destination is where something is moved or copied to.
type destination struct {
	drive  uuid.UUID
	folder uuid.UUID
	name   string // empty: as it is called
}

// destination finds out whether a target is a folder to put things into, or the
// new name of the one thing.
func (a *app) destination(ctx context.Context, target string, several bool) (destination, error) {
	p, err := a.place(ctx, target)
	if err != nil || p.root() {
		return destination{drive: p.drive, folder: p.drive}, err
	}
	n, err := a.node(ctx, p)
	switch {
	case err == nil && n.Kind == client.NodeKindFolder:
		return destination{drive: p.drive, folder: n.ID}, nil
	case err == nil && several:
		return destination{}, mistake(plain(p.path)+" is a file", "name a folder to put them into")
	case missing(err) && several:
		return destination{}, &Error{Code: ExitNotFound, What: "there is no folder " + plain(p.path), Next: "make it: coffer mkdir " + plain(p.path)}
	case err != nil && !missing(err):
		return destination{}, err
	}
	folder, err := a.folderID(ctx, p.dir())
	return destination{p.drive, folder, p.base()}, err
}

// relocate does something with each source and the place for it.
func (a *app) relocate(ctx context.Context, args []string, do func(n client.Node, to destination) (*client.Node, error)) error {
	sources, target := args[:len(args)-1], args[len(args)-1]
	to, err := a.destination(ctx, target, len(sources) > 1)
	if err != nil {
		return err
	}
	for _, source := range sources {
		p, err := a.place(ctx, source)
		if err != nil {
			return err
		}
		n, err := a.node(ctx, p)
		if err != nil {
			return err
		}
		done, err := do(n, to)
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

const aboutTargets = "\nWhere the last path is a folder, the others go into it; else it is the new name of the one before it."

func (a *app) mvCommand() *cobra.Command {
	var rename bool
	cmd := a.inDrive(a.command("mv PATH… TARGET", "Move or rename files and folders", aboutPaths+aboutTargets, cobra.MinimumNArgs(2), //nolint:mnd // a source and a target
		func(ctx context.Context, args []string) error {
			return a.relocate(ctx, args, func(n client.Node, to destination) (*client.Node, error) {
				in := client.UpdateNodeInput{DriveID: &to.drive, ParentID: &to.folder}
				if to.name != "" {
					in.Name = &to.name
				}
				in.OnConflict = new(client.UpdateNodeInputOnConflictFail)
				if rename {
					*in.OnConflict = client.UpdateNodeInputOnConflictRename
				}
				return a.client.UpdateNode(ctx, n.ID, &client.UpdateNodeParams{}, in)
			})
		}))
	cmd.Flags().BoolVar(&rename, "rename", false, "where the name is taken, take another: a (1).txt")
	cmd.ValidArgsFunction = a.completePaths
	return cmd
}

func (a *app) cpCommand() *cobra.Command {
	var rename bool
	cmd := a.inDrive(a.command("cp PATH… TARGET", "Copy files and folders, on the server", aboutPaths+aboutTargets, cobra.MinimumNArgs(2), //nolint:mnd // a source and a target
		func(ctx context.Context, args []string) error {
			return a.relocate(ctx, args, func(n client.Node, to destination) (*client.Node, error) {
				in := client.CopyNodeInput{DriveID: &to.drive, ParentID: &to.folder}
				if to.name != "" {
					in.Name = &to.name
				}
				in.OnConflict = new(client.CopyNodeInputOnConflictFail) // not what the server does by itself
				if rename {
					*in.OnConflict = client.CopyNodeInputOnConflictRename
				}
				return a.client.CopyNode(ctx, n.ID, &client.CopyNodeParams{}, in)
			})
		}))
	cmd.Flags().BoolVar(&rename, "rename", false, "where the name is taken, take another: a (1).txt")
	cmd.ValidArgsFunction = a.completePaths
	return cmd
}

func (a *app) rmCommand() *cobra.Command {
	var permanent bool
	cmd := a.inDrive(a.command("rm PATH…", "Move files and folders to the trash", aboutPaths, cobra.MinimumNArgs(1),
		func(ctx context.Context, args []string) error {
			for _, arg := range args {
				p, err := a.place(ctx, arg)
				if err != nil {
					return err
				}
				n, err := a.node(ctx, p)
				if err != nil {
					return err
				}
				params := client.DeleteNodeParams{}
				if permanent {
					params.Permanent = &permanent
				}
				if err := a.client.DeleteNode(ctx, n.ID, &params); err != nil {
					return err
				}
				if a.json {
					if err := a.line(map[string]any{"id": n.ID, "path": p.path, "permanent": permanent}); err != nil {
						return err
					}
				}
			}
			return nil
		}))
	cmd.Flags().BoolVar(&permanent, "permanent", false, "delete for good, with all in it: nothing brings it back")
	cmd.ValidArgsFunction = a.completePaths
	return cmd
}

func (a *app) trash(ctx context.Context, drive uuid.UUID) ([]client.Node, error) {
	return all(ctx, func(ctx context.Context, cursor *string) ([]client.Node, *string, error) {
		page, err := a.client.ListTrash(ctx, drive, &client.ListTrashParams{Cursor: cursor, Limit: new(int64(pageSize))})
		if err != nil {
			return nil, nil, err
		}
		return page.Items, page.NextCursor, nil
	})
}

func (a *app) restoreCommand() *cobra.Command {
	cmd := a.inDrive(a.command("restore [NAME…]", "Bring files and folders back from the trash",
		"By name or id; of several of one name, the one that was thrown away last. Without a name it lists the trash.", cobra.ArbitraryArgs,
		func(ctx context.Context, args []string) error {
			p, err := a.place(ctx, "/")
			if err != nil {
				return err
			}
			trash, err := a.trash(ctx, p.drive)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return a.show(list[client.Node]{trash}, func(w io.Writer) {
					row(w, "THROWN AWAY", "NAME", "ID")
					for _, n := range trash {
						row(w, whenever(n.TrashedAt, "-"), n.Name, n.ID)
					}
				})
			}
			for _, name := range args {
				n, err := thrownAway(trash, name)
				if err != nil {
					return err
				}
				back, err := a.client.RestoreNode(ctx, n.ID, client.RestoreNodeInput{})
				if err != nil {
					return err
				}
				if a.json {
					if err := a.line(back); err != nil {
						return err
					}
				}
			}
			return nil
		}))
	return cmd
}

// thrownAway finds something in the trash.
func thrownAway(trash []client.Node, name string) (found client.Node, err error) {
	for _, n := range trash {
		if n.ID.String() == name {
			return n, nil
		}
		if n.Name == name && (found.TrashedAt == nil || n.TrashedAt != nil && n.TrashedAt.After(*found.TrashedAt)) {
			found = n
		}
	}
	if found.TrashedAt == nil {
		err = &Error{Code: ExitNotFound, What: "there is no " + plain(name) + " in the trash", Next: "see what there is: coffer restore"}
	}
	return found, err
}
