package cli

import (
	"bufio"
	"cmp"
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/seed-755a8038/coffer/client"
)

type shareFlags struct {
	name          string
	expires       string
	password      bool
	passwordStdin bool
	views         int64
	downloads     int64
	noDownload    bool
	watermark     bool
	files         int64
	megabytes     int64
	types         []string
}

func (f *shareFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.name, "name", "", "what to call the link")
	flags.StringVar(&f.expires, "expires", "", "`WHEN` it ends: 12h, 7d, 2026-12-31, or a time of RFC 3339")
	flags.BoolVar(&f.password, "password", false, "ask for a password that visitors have to know")
	flags.BoolVar(&f.passwordStdin, "password-stdin", false, "read that password from the standard input")
}

const (
	day       = 24 * time.Hour
	dayLayout = "2006-01-02"
)

// moment reads a time, or how long it is until then; nil of an empty text.
func moment(text string, now time.Time) (*time.Time, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // that is how the API has never
	}
	if n, ok := strings.CutSuffix(text, "d"); ok {
		if days, err := strconv.Atoi(n); err == nil && days > 0 {
			return new(now.Add(time.Duration(days) * day)), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return new(now.Add(d)), nil
	}
	if t, err := time.ParseInLocation(dayLayout, text, time.Local); err == nil {
		return &t, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return &t, nil
	}
	return nil, mistake(strconv.Quote(text)+" is not a time", "write it as 12h, 7d, 2026-12-31 or 2026-12-31T18:00:00Z")
}

// input is the link that the flags ask for.
func (a *app) shareInput(f shareFlags) (client.CreateShareInput, error) {
	var in client.CreateShareInput
	var err error
	if in.ExpiresAt, err = moment(f.expires, time.Now()); err != nil {
		return in, err
	}
	if f.name != "" {
		in.Name = &f.name
	}
	if f.views > 0 {
		in.MaxViews = &f.views
	}
	if f.downloads > 0 {
		in.MaxDownloads = &f.downloads
	}
	if f.noDownload {
		in.AllowDownload = new(false)
	}
	if f.watermark {
		in.Watermark = &f.watermark
	}
	if f.password || f.passwordStdin {
		password, err := a.ask(bufio.NewReader(a.cmd.InOrStdin()), "Password for visitors", true, f.passwordStdin)
		if err != nil {
			return in, err
		}
		in.Password = &password
	}
	return in, nil
}

func (a *app) shareCommand() *cobra.Command {
	var f shareFlags
	cmd := a.inDrive(a.command("share PATH", "Make a link to a file or folder, or look after links",
		"Makes a link that opens a file or folder to everybody who has it, and prints it.\n\n"+aboutPaths+" One called ls is /ls.",
		cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
			in, err := a.shareInput(f)
			if err != nil {
				return err
			}
			return a.issueShare(ctx, args[0], in)
		}))
	f.add(cmd)
	flags := cmd.Flags()
	flags.Int64Var(&f.views, "max-views", 0, "end after `N` visits")
	flags.Int64Var(&f.downloads, "max-downloads", 0, "end after `N` downloads")
	flags.BoolVar(&f.noDownload, "no-download", false, "let visitors only look")
	flags.BoolVar(&f.watermark, "watermark", false, "mark pictures and documents with who looks at them")
	cmd.ValidArgsFunction = a.completePaths
	cmd.AddCommand(a.sharesCommand(), a.unshareCommand())
	return cmd
}

func (a *app) requestCommand() *cobra.Command {
	var f shareFlags
	cmd := a.inDrive(a.command("request FOLDER", "Make a link by which others can send files into a folder",
		"Whoever has the link can send files and sees none. The folder is made if it is missing.\n\n"+aboutPaths,
		cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
			in, err := a.shareInput(f)
			if err != nil {
				return err
			}
			in.Kind = new(client.CreateShareInputKindUpload)
			in.Request = &struct {
				ContentTypes *[]string `json:"content_types,omitempty"`
				MaxBytes     *int64    `json:"max_bytes,omitempty"`
				MaxFiles     *int64    `json:"max_files,omitempty"`
			}{}
			if f.files > 0 {
				in.Request.MaxFiles = &f.files
			}
			if f.megabytes > 0 {
				in.Request.MaxBytes = new(f.megabytes * mB)
			}
			if len(f.types) > 0 {
				in.Request.ContentTypes = &f.types
			}
			p, err := a.place(ctx, args[0])
			if err != nil {
				return err
			}
			if _, err := a.makeFolder(ctx, p); err != nil {
				return err
			}
			return a.issueShare(ctx, args[0], in)
		}))
	f.add(cmd)
	flags := cmd.Flags()
	flags.Int64Var(&f.files, "max-files", 0, "take `N` files at most")
	flags.Int64Var(&f.megabytes, "max-mb", 0, "take `MB` together at most")
	flags.StringSliceVar(&f.types, "type", nil, "take only these media `TYPES`, as image/*")
	cmd.ValidArgsFunction = a.completePaths
	return cmd
}

func (a *app) issueShare(ctx context.Context, path string, in client.CreateShareInput) error {
	p, err := a.place(ctx, path)
	if err != nil {
		return err
	}
	id := p.drive
	if !p.root() {
		n, err := a.node(ctx, p)
		if err != nil {
			return err
		}
		id = n.ID
	}
	issued, err := a.client.CreateShare(ctx, id, &client.CreateShareParams{}, in)
	if err != nil {
		return err
	}
	return a.show(issued, func(w io.Writer) { row(w, issued.ShareURL) })
}

func (a *app) sharesCommand() *cobra.Command {
	var ended bool
	cmd := a.inOrg(a.command("ls", "List the organisation's links", "", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		org, err := a.orgID(ctx)
		if err != nil {
			return err
		}
		shares, err := all(ctx, func(ctx context.Context, cursor *string) ([]client.Share, *string, error) {
			page, err := a.client.ListOrgShares(ctx, org, &client.ListOrgSharesParams{Cursor: cursor, Limit: new(int64(pageSize)), Ended: &ended})
			if err != nil {
				return nil, nil, err
			}
			return page.Items, page.NextCursor, nil
		})
		if err != nil {
			return err
		}
		return a.show(list[client.Share]{shares}, func(w io.Writer) {
			row(w, "KIND", "STATE", "ENDS", "VIEWS", "DOWNLOADS", "NAME", "ID")
			for _, s := range shares {
				row(w, s.Kind, s.State, whenever(s.ExpiresAt, "never"), s.Views, s.Downloads, cmp.Or(deref(s.Name), "-"), s.ID)
			}
		})
	}))
	cmd.Flags().BoolVar(&ended, "ended", false, "list also those that have ended")
	return cmd
}

func (a *app) unshareCommand() *cobra.Command {
	return a.command("revoke ID…", "End links for good", "", cobra.MinimumNArgs(1), func(ctx context.Context, args []string) error {
		return a.each(args, func(id uuid.UUID) error { return a.client.RevokeShare(ctx, id, &client.RevokeShareParams{}) })
	})
}

// each does something by ids, and with --json says so.
func (a *app) each(ids []string, do func(id uuid.UUID) error) error {
	for _, text := range ids {
		id, err := uuid.Parse(text)
		if err != nil {
			return mistake(strconv.Quote(text)+" is not an id", "see the ids with ls")
		}
		if err := do(id); err != nil {
			return err
		}
		if a.json {
			if err := a.line(map[string]any{"id": id}); err != nil {
				return err
			}
		}
	}
	return nil
}
