package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/seed-755a8038/coffer/client"
)

func (a *app) webhooksCommand() *cobra.Command {
	return a.parent("webhooks", "Addresses that hear of what happens", a.webhooksList(), a.webhooksCreate(), a.webhooksPing(), a.webhooksListen(), a.webhooksDelete())
}

func (a *app) webhooks(ctx context.Context) (uuid.UUID, []client.Webhook, error) {
	org, err := a.orgID(ctx)
	if err != nil {
		return org, nil, err
	}
	hooks, err := all(ctx, func(ctx context.Context, cursor *string) ([]client.Webhook, *string, error) {
		page, err := a.client.ListWebhooks(ctx, org, &client.ListWebhooksParams{Cursor: cursor, Limit: new(int64(pageSize))})
		if err != nil {
			return nil, nil, err
		}
		return page.Items, page.NextCursor, nil
	})
	return org, hooks, err
}

func (a *app) webhooksList() *cobra.Command {
	return a.inOrg(a.command("ls", "List the webhooks", "", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		_, hooks, err := a.webhooks(ctx)
		if err != nil {
			return err
		}
		return a.show(list[client.Webhook]{hooks}, func(w io.Writer) {
			row(w, "ACTIVE", "URL", "EVENTS", "ID")
			for _, h := range hooks {
				row(w, h.Active, h.URL, strings.Join(h.Events, " "), h.ID)
			}
		})
	}))
}

func (a *app) webhooksCreate() *cobra.Command {
	var events []string
	cmd := a.inOrg(a.command("create URL", "Send events to an address, and print the secret they are signed with: it is shown only now", "", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) error {
			org, err := a.orgID(ctx)
			if err != nil {
				return err
			}
			in := client.CreateWebhookInput{URL: args[0]}
			if len(events) > 0 {
				in.Events = &events
			}
			issued, err := a.client.CreateWebhook(ctx, org, &client.CreateWebhookParams{}, in)
			if err != nil {
				return err
			}
			return a.show(issued, func(w io.Writer) { row(w, issued.Secret) })
		}))
	cmd.Flags().StringSliceVar(&events, "events", nil, "only these `TYPES`, as asset.uploaded or share.*")
	return cmd
}

func (a *app) webhooksPing() *cobra.Command {
	return a.inOrg(a.command("ping ID", "Send a webhook a test", "", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		org, err := a.orgID(ctx)
		if err != nil {
			return err
		}
		id, err := uuid.Parse(args[0])
		if err != nil {
			return mistake(args[0]+" is not an id", "see coffer webhooks ls")
		}
		d, err := a.client.PingWebhook(ctx, org, id, &client.PingWebhookParams{})
		if err != nil {
			return err
		}
		return a.show(d, func(w io.Writer) { row(w, d.ID) })
	}))
}

func (a *app) webhooksDelete() *cobra.Command {
	return a.inOrg(a.command("rm ID…", "Delete webhooks", "", cobra.MinimumNArgs(1), func(ctx context.Context, args []string) error {
		org, err := a.orgID(ctx)
		if err != nil {
			return err
		}
		return a.each(args, func(id uuid.UUID) error { return a.client.DeleteWebhook(ctx, org, id, &client.DeleteWebhookParams{}) })
	}))
}

// listenPause is how long deliveries are out of sight at most.
const listenPause = time.Second

func (a *app) webhooksListen() *cobra.Command {
	var past bool
	cmd := a.inOrg(a.command("listen [ID]", "Print deliveries as they come",
		"Prints what is sent to one webhook, or to all, with what is answered, until it is interrupted: a delivery once it is begun,\n"+
			"and again when its state changes. With --json each is a line.", cobra.MaximumNArgs(1), func(ctx context.Context, args []string) error {
			return a.listen(ctx, argument(args, ""), past)
		}))
	cmd.Flags().BoolVar(&past, "past", false, "begin with those of before")
	return cmd
}

// listener knows which deliveries have been printed, and as what.
type listener struct {
	*app

	org  uuid.UUID
	seen map[uuid.UUID]map[uuid.UUID]string // by webhook, of the newest deliveries
}

func (a *app) listen(ctx context.Context, only string, past bool) error {
	l := &listener{app: a, seen: map[uuid.UUID]map[uuid.UUID]string{}}
	if only != "" {
		if _, err := uuid.Parse(only); err != nil {
			return mistake(only+" is not an id", "see coffer webhooks ls")
		}
	}
	for first := true; ; first = false {
		org, hooks, err := a.webhooks(ctx)
		if err != nil {
			return err
		}
		l.org = org
		hooks = slices.DeleteFunc(hooks, func(h client.Webhook) bool { return only != "" && h.ID.String() != only })
		if len(hooks) == 0 && only != "" {
			return &Error{Code: ExitNotFound, What: "there is no webhook " + only, Next: "see coffer webhooks ls"}
		}
		if len(hooks) == 0 && first {
			a.tell("There is no webhook yet: coffer webhooks create URL")
		}
		for _, h := range hooks {
			if err := l.look(ctx, h, first && !past); err != nil {
				return err
			}
		}
		if first {
			a.tell("Listening to %d webhooks. End it with Ctrl-C.", len(hooks))
		}
		if err := sleep(ctx, listenPause); err != nil {
			return err
		}
	}
}

// look prints what is new of the newest deliveries of a webhook, oldest first.
func (l *listener) look(ctx context.Context, h client.Webhook, silent bool) error {
	page, err := l.client.ListWebhookDeliveries(ctx, l.org, h.ID, &client.ListWebhookDeliveriesParams{Limit: new(int64(pageSize))})
	if err != nil {
		return err
	}
	before, now := l.seen[h.ID], make(map[uuid.UUID]string, len(page.Items))
	l.seen[h.ID] = now
	for _, d := range slices.Backward(page.Items) {
		now[d.ID] = fmt.Sprintf("%s %d", d.Status, d.Attempts)
		if silent || before[d.ID] == now[d.ID] {
			continue
		}
		if err := l.print(h, d); err != nil {
			return err
		}
	}
	return nil
}

func (l *listener) print(h client.Webhook, d client.Delivery) error {
	if l.json {
		return l.line(map[string]any{"webhook_id": h.ID, "delivery": d})
	}
	answer, sent := deref(d.Error), ""
	if d.Response != nil {
		answer = fmt.Sprint(d.Response.Status)
	}
	if d.Request != nil {
		sent = d.Request.Body
	}
	_, err := fmt.Fprintf(l.cmd.OutOrStdout(), "%s  %s  %s  %s  attempt %d  %s\n    %s\n", d.CreatedAt.Local().Format(time.TimeOnly), d.Type, plain(h.URL),
		d.Status, d.Attempts, plain(answer), plain(sent))
	return err
}
