package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-755a8038/coffer"
)

func newExport(l *loader) *cobra.Command {
	return &cobra.Command{
		Use:   "export ORG FILE|DIRECTORY",
		Short: "Write everything an organisation has into a file, its bundle",
		Long: "Writes the bundle of the organisation with that id or slug, for coffer import on another server.\n" +
			"A server may be running: the rows are those of one moment. The file is there when it is complete.\n" +
			"Ends with 1 if bytes were missing; it names them, and the rest is in the bundle.",
		Args: usageArgs(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := l.loadWithSecret()
			if err != nil {
				return err
			}
			path, out, err := coffer.ExportBundle(cmd.Context(), cfg.Config, args[0], args[1])
			if err != nil {
				return fmt.Errorf("export %s: %w", args[0], err)
			}
			if err := writeBundle(cmd.OutOrStdout(), "exported", out, "file:    "+path); err != nil {
				return err
			}
			if out.Lost > 0 {
				return fmt.Errorf("export: the bytes of %s were missing", count(int(out.Lost), "version"))
			}
			return nil
		},
	}
}

func newImport(l *loader) *cobra.Command {
	var (
		verify bool
		opts   coffer.ImportOptions
	)
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Add the organisation of a bundle, all of it or nothing",
		Long: "Adds the organisation of a bundle that coffer export has written, with its ids, so that links stay valid.\n" +
			"Users are found by their e-mail addresses; those who are not known are added without a password.\n" +
			"Nobody sees anything before all is there. If it is cut off, run it again.",
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if verify {
				out, err := coffer.VerifyBundle(args[0])
				if err != nil {
					return fmt.Errorf("verify %s: %w", args[0], err)
				}
				return writeBundle(cmd.OutOrStdout(), "complete", out)
			}
			cfg, err := l.loadWithSecret()
			if err != nil {
				return err
			}
			out, err := coffer.ImportBundle(cmd.Context(), cfg.Config, args[0], opts)
			if err != nil {
				return fmt.Errorf("import %s: %w", args[0], err)
			}
			return writeBundle(cmd.OutOrStdout(), "imported", out, imported(out)...)
		},
	}
	cmd.Flags().BoolVar(&verify, "verify-only", false, "read the bundle and check it; needs no server and changes nothing")
	cmd.Flags().StringVar(&opts.Slug, "as", "", "the `SLUG` of the organisation here, in place of its own")
	cmd.Flags().BoolVar(&opts.AllowMissing, "allow-missing", false, "import although bytes were missing when it was exported")
	cmd.MarkFlagsMutuallyExclusive("verify-only", "as")
	return cmd
}

// imported says what is left to do.
func imported(out *coffer.BundleSummary) (notes []string) {
	if out.Created > 0 {
		notes = append(notes, fmt.Sprintf("new:     %s without a password: they ask for a link to set one", count(int(out.Created), "user")))
	}
	if out.Resealed {
		notes = append(notes, "sealed:  by another secret: webhooks are off until their secrets are rotated; share links work, but are not shown again until they are")
	}
	return notes
}

func writeBundle(w io.Writer, done string, out *coffer.BundleSummary, notes ...string) error {
	var b strings.Builder
	m := &out.Manifest
	fmt.Fprintf(&b, "%s %s (%s, schema %d, of %s)\n", done, out.Slug, m.OrgID, m.Schema, m.ExportedAt.Format("2006-01-02 15:04:05"))
	fmt.Fprintf(&b, "rows:    %d, of %s\nfiles:   %d, %d bytes\n", out.Rows, count(int(out.Users), "user"), out.Blobs, out.Bytes)
	for _, note := range notes {
		b.WriteString(note + "\n")
	}
	for _, key := range out.Missing {
		b.WriteString("missing: " + key + "\n")
	}
	if n := out.Lost - int64(len(out.Missing)); n > 0 {
		fmt.Fprintf(&b, "missing: %d more\n", n)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
