package cli

import (
	"context"
	"errors"
	"iter"
	"path"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/seed-755a8038/coffer/client"
)

// place is a path in a drive.
type place struct {
	org   uuid.UUID
	drive uuid.UUID
	path  string // "/" or as "/a/b"
}

func (p place) root() bool { return p.path == "/" }

// dir is the folder it is in, base what it is called there.
func (p place) dir() place {
	p.path = path.Dir(p.path)
	return p
}

func (p place) base() string { return path.Base(p.path) }

func (p place) join(name string) place {
	p.path = path.Join(p.path, name)
	return p
}

// splitPath takes [DRIVE:]PATH apart. A colon behind a slash is part of a name.
func splitPath(text string) (drive, inDrive string) {
	colon := strings.IndexByte(text, ':')
	if colon >= 0 && !strings.Contains(text[:colon], "/") {
		drive, text = text[:colon], text[colon+1:]
	}
	return drive, path.Clean("/" + text)
}

// place finds out which drive a path is in.
func (a *app) place(ctx context.Context, text string) (place, error) {
	drive, inDrive := splitPath(text)
	if drive == "" {
		drive = a.drive
	}
	org, err := a.orgID(ctx)
	if err != nil {
		return place{}, err
	}
	id, err := a.driveID(ctx, org, drive)
	return place{org, id, inDrive}, err
}

// driveID finds a drive by name or id; the one of the person if there is no name.
func (a *app) driveID(ctx context.Context, org uuid.UUID, name string) (uuid.UUID, error) {
	if a.byKey() {
		return a.driveOfKey(ctx, name)
	}
	if id, err := uuid.Parse(name); err == nil {
		return id, nil
	}
	drives, err := a.drives(ctx, org)
	if err != nil {
		return uuid.Nil, err
	}
	if name == "" {
		return ownDrive(ctx, a.client, org, drives)
	}
	for _, d := range drives {
		if strings.EqualFold(d.Name, name) {
			return d.ID, nil
		}
	}
	return uuid.Nil, &Error{Code: ExitNotFound, What: "there is no drive " + plain(name) + " that you may see", Next: "see coffer drives"}
}

// driveOfKey is the one drive that a key works in.
func (a *app) driveOfKey(ctx context.Context, name string) (uuid.UUID, error) {
	own, err := a.ownKey(ctx)
	if err != nil {
		return uuid.Nil, err
	}
	if name != "" && name != own.DriveID.String() && !strings.EqualFold(name, own.DriveName) {
		return uuid.Nil, mistake("the API key works in the drive "+plain(own.DriveName)+" only", "leave out --drive, and unset "+envDrive)
	}
	return own.DriveID, nil
}

// ownDrive returns the person's own drive in an organisation, else the one where
// files go that name none.
func ownDrive(ctx context.Context, c *client.Client, org uuid.UUID, drives []client.DriveEntry) (uuid.UUID, error) {
	o, err := c.GetOrg(ctx, org, nil)
	if err != nil {
		return uuid.Nil, err
	}
	for _, d := range drives {
		if d.OwnerAccountID != nil && *d.OwnerAccountID == o.AccountID {
			return d.ID, nil
		}
	}
	return o.DefaultDriveID, nil
}

// children yields what is in a folder, page by page, by name.
func (a *app) children(ctx context.Context, p place) iter.Seq2[client.Node, error] {
	params := client.ListNodesParams{Limit: new(int64(pageSize))}
	if !p.root() {
		params.Path = &p.path
	}
	return a.nodes(ctx, p.drive, params)
}

// childrenOf is children by the folder's id.
func (a *app) childrenOf(ctx context.Context, drive, folder uuid.UUID) iter.Seq2[client.Node, error] {
	return a.nodes(ctx, drive, client.ListNodesParams{Limit: new(int64(pageSize)), ParentID: &folder})
}

func (a *app) nodes(ctx context.Context, drive uuid.UUID, params client.ListNodesParams) iter.Seq2[client.Node, error] {
	return client.Pages(ctx, func(ctx context.Context, cursor *string) ([]client.Node, *string, error) {
		asked := params
		asked.Cursor = cursor
		page, err := a.client.ListNodes(ctx, drive, &asked)
		if err != nil {
			return nil, nil, err
		}
		return page.Items, page.NextCursor, nil
	})
}

// node finds what is at a path, which is not the root.
func (a *app) node(ctx context.Context, p place) (client.Node, error) {
	if p.root() {
		return client.Node{}, mistake("the root of a drive is not a file or folder of it", "name something below it")
	}
	name := p.base()
	for n, err := range a.children(ctx, p.dir()) {
		switch {
		case isCode(err, "not_found", "not_a_folder"):
			return client.Node{}, noNode(p)
		case err != nil:
			return client.Node{}, err
		case n.Name == name:
			return n, nil
		}
	}
	return client.Node{}, noNode(p)
}

func noNode(p place) error {
	return &Error{Code: ExitNotFound, What: "there is no " + plain(p.path), Next: "see what there is: coffer ls " + plain(p.dir().path)}
}

// folderID returns the id of a folder. That of a drive's root is the drive's.
func (a *app) folderID(ctx context.Context, p place) (uuid.UUID, error) {
	if p.root() {
		return p.drive, nil
	}
	n, err := a.node(ctx, p)
	if err != nil {
		return uuid.Nil, err
	}
	if n.Kind != client.NodeKindFolder {
		return uuid.Nil, mistake(plain(p.path)+" is a file", "name a folder")
	}
	return n.ID, nil
}

// makeFolder returns the id of a folder, which it makes with its parents where it
// is missing.
func (a *app) makeFolder(ctx context.Context, p place) (uuid.UUID, error) {
	if p.root() {
		return p.drive, nil
	}
	in := client.CreateFolderInput{Name: p.base(), Parents: new(true)}
	if dir := p.dir(); !dir.root() {
		in.Path = &dir.path
	}
	n, err := a.client.CreateFolder(ctx, p.drive, &client.CreateFolderParams{}, in)
	if err != nil {
		return uuid.Nil, err
	}
	return n.ID, nil
}

func missing(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == ExitNotFound || isCode(err, "not_found")
}

// completePaths completes paths of drives.
func (a *app) completePaths(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	const none = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	a.cmd = cmd
	if a.connect() != nil {
		return nil, none
	}
	folder, name := "", begun
	if i := strings.LastIndexAny(begun, "/:"); i >= 0 {
		folder, name = begun[:i+1], begun[i+1:]
	}
	p, err := a.place(cmd.Context(), folder)
	if err != nil {
		return nil, none
	}
	page, err := a.client.ListNodes(cmd.Context(), p.drive, &client.ListNodesParams{Path: &p.path, Limit: new(int64(pageSize))})
	if err != nil {
		return nil, none
	}
	var out []string
	for _, n := range page.Items {
		if !strings.HasPrefix(n.Name, name) {
			continue
		}
		if n.Kind == client.NodeKindFolder {
			n.Name += "/"
		}
		out = append(out, folder+plain(n.Name))
	}
	return out, none
}
