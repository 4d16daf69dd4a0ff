package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-755a8038/coffer"
)

func newFsck(l *loader) *cobra.Command {
	var (
		asJSON bool
		opts   coffer.FsckOptions
	)
	cmd := &cobra.Command{
		Use:   "fsck",
		Short: "Check every invariant of the stored data; changes nothing unless told to",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := l.loadWithSecret()
			if err != nil {
				return err
			}
			report, err := coffer.Fsck(cmd.Context(), cfg.Config, opts)
			if err != nil {
				return fmt.Errorf("fsck: %w", err)
			}
			left, err := writeFsck(cmd.OutOrStdout(), report, asJSON)
			if err == nil && left > 0 {
				err = fmt.Errorf("fsck: %s left", count(left, "problem"))
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&opts.Repair, "repair", false, "repair what can be repaired without loss")
	cmd.Flags().BoolVar(&opts.Deep, "deep", false, "read every blob and compare its SHA-256")
	return cmd
}

// writeFsck prints a report and returns how many problems are not repaired.
func writeFsck(w io.Writer, report coffer.FsckReport, asJSON bool) (left int, err error) {
	for _, p := range report.Problems {
		if !p.Repaired {
			left++
		}
	}
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		if err := e.Encode(report); err != nil {
			return left, fmt.Errorf("write the report: %w", err)
		}
		return left, nil
	}
	var b strings.Builder
	for _, p := range report.Problems {
		mark := "FAIL    "
		if p.Repaired {
			mark = "repaired"
		}
		fmt.Fprintf(&b, "%s  %s: %s: %s\n", mark, p.Check, p.Subject, p.Detail)
	}
	fmt.Fprintf(&b, "%s, %s, %d repaired\n", count(report.Checks, "check"), count(len(report.Problems), "problem"), len(report.Problems)-left)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return left, fmt.Errorf("write the report: %w", err)
	}
	return left, nil
}
