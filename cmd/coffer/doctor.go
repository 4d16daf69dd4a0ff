package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-755a8038/coffer"
	"github.com/seed-755a8038/coffer/ports"
)

func newDoctor(l *loader) *cobra.Command {
	var fixCORS bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Examine the configuration, the database and the blob store",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := l.loadWithSecret()
			if err != nil {
				return err
			}
			findings := []ports.Finding{{Check: "configuration", OK: true, Detail: "complete"}}
			for _, w := range cfg.warnings {
				findings = append(findings, ports.Finding{Check: "configuration", OK: true, Warning: true, Detail: w})
			}
			seen, err := coffer.Doctor(cmd.Context(), cfg.Config, fixCORS)
			text, wrong := describe(append(findings, seen...))
			_, writeErr := io.WriteString(cmd.OutOrStdout(), text)
			if err = errors.Join(err, writeErr); err == nil && wrong > 0 {
				err = fmt.Errorf("%s to mend", count(wrong, "problem"))
			}
			if err != nil {
				return fmt.Errorf("doctor: %w", err)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&fixCORS, "fix-cors", false, "set the bucket's CORS rules for uploads from the configured origins")
	return cmd
}

// describe returns one line for each finding and how many are problems.
func describe(findings []ports.Finding) (text string, wrong int) {
	var b strings.Builder
	for _, f := range findings {
		mark := "ok  "
		switch {
		case f.Warning:
			mark = "warn"
		case !f.OK:
			mark = "FAIL"
			wrong++
		}
		detail := strings.ReplaceAll(f.Detail, "\n", "\n      ")
		fmt.Fprintf(&b, "%s  %s: %s\n", mark, f.Check, detail)
	}
	return b.String(), wrong
}

// count returns "1 problem" or "2 problems".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprint(n, " ", what, "s")
}
