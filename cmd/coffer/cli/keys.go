package cli

import (
	"context"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/seed-755a8038/coffer/client"
)

func (a *app) keysCommand() *cobra.Command {
	return a.parent("keys", "API keys for scripts, each for one drive", a.keysList(), a.keysCreate(), a.keysRevoke())
}

func (a *app) keysList() *cobra.Command {
	return a.inDrive(a.command("ls", "List the keys of a drive", "", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		p, err := a.place(ctx, "/")
		if err != nil {
			return err
		}
		keys, err := all(ctx, func(ctx context.Context, cursor *string) ([]client.APIKey, *string, error) {
			page, err := a.client.ListAPIKeys(ctx, p.drive, &client.ListAPIKeysParams{Cursor: cursor, Limit: new(int64(pageSize))})
			if err != nil {
				return nil, nil, err
			}
			return page.Items, page.NextCursor, nil
		})
		if err != nil {
			return err
		}
		return a.show(list[client.APIKey]{keys}, func(w io.Writer) {
			row(w, "BEGINS WITH", "NAME", "MAY", "LAST USED", "ENDS", "ID")
			for _, k := range keys {
				row(w, k.Prefix, k.Name, k.Permissions, whenever(k.LastUsedAt, "never"), whenever(k.ExpiresAt, "never"), k.ID)
			}
		})
	}))
}

func (a *app) keysCreate() *cobra.Command {
	var may []string
	var expires string
	cmd := a.inDrive(a.command("create NAME", "Make a key, and print it: it is shown only now",
		"The key goes to the output, what to set beside it to the error stream.", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
			p, err := a.place(ctx, "/")
			if err != nil {
				return err
			}
			in := client.CreateAPIKeyInput{Name: args[0]}
			for _, m := range may {
				in.Permissions = append(in.Permissions, client.CreateAPIKeyInputPermissions(m))
			}
			if in.ExpiresAt, err = moment(expires, time.Now()); err != nil {
				return err
			}
			issued, err := a.client.CreateAPIKey(ctx, p.drive, &client.CreateAPIKeyParams{}, in)
			if err != nil {
				return err
			}
			a.tell("Set %s=%s, and %s to the key.", envServer, a.server, envAPIKey)
			return a.show(issued, func(w io.Writer) { row(w, issued.Key) })
		}))
	cmd.Flags().StringSliceVar(&may, "permissions", []string{"read"}, "what it may do: read, write, delete")
	cmd.Flags().StringVar(&expires, "expires", "", "`WHEN` it ends: 90d, 2026-12-31")
	return cmd
}

func (a *app) keysRevoke() *cobra.Command {
	return a.inDrive(a.command("revoke ID…", "Take keys away", "", cobra.MinimumNArgs(1), func(ctx context.Context, args []string) error {
		p, err := a.place(ctx, "/")
		if err != nil {
			return err
		}
		return a.each(args, func(id uuid.UUID) error { return a.client.RevokeAPIKey(ctx, p.drive, id) })
	}))
}
