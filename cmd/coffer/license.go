package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-755a8038/coffer"
	"github.com/seed-755a8038/coffer/core"
)

func newLicense(l *loader) *cobra.Command {
	cmd := &cobra.Command{Use: "license", Short: "List, define and assign licences", Args: usageArgs(cobra.NoArgs)}
	cmd.AddCommand(newLicenseList(l), newLicenseSet(l), newLicenseAssign(l))
	return cmd
}

func newLicenseList(l *loader) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the licences", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := l.loadWithSecret()
			if err != nil {
				return err
			}
			all, err := coffer.Licenses(cmd.Context(), cfg.Config)
			if err != nil {
				return fmt.Errorf("list licences: %w", err)
			}
			return writeLicenses(cmd.OutOrStdout(), all)
		},
	}
}

func writeLicenses(w io.Writer, all []core.License) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "NAME\tFEE CENTS\tUPLOAD MB\tSTORAGE MB\tASSETS\tPRODUCTS\tMEMBERS\tGROUPS\tASSETS/GROUP\tSHARE HOURS\tFEATURES") // Flush reports the first error
	for _, l := range all {
		features := make([]string, len(l.Features))
		for i, f := range l.Features {
			features[i] = string(f)
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.Name, fee(l.MonthlyFeeCents), number(l.Limits.MaxUploadSizeMB),
			number(l.Limits.MaxTotalStorageMB), number(l.Limits.MaxAssets), number(l.Limits.MaxProducts), number(l.Limits.MaxMembers),
			number(l.Limits.MaxGroups), number(l.Limits.MaxAssetsPerGroup), number(l.Limits.MaxGroupShareHours), strings.Join(features, ","))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write the list: %w", err)
	}
	return nil
}

func number(n int64) string {
	if n == core.Unlimited {
		return "unlimited"
	}
	return strconv.FormatInt(n, 10)
}

func fee(cents int64) string {
	if cents == core.Unlimited {
		return "contract"
	}
	return strconv.FormatInt(cents, 10)
}

func newLicenseSet(l *loader) *cobra.Command {
	var features []string
	named := core.License{Limits: core.UnlimitedLicense().Limits, MonthlyFeeCents: core.Unlimited}
	cmd := &cobra.Command{
		Use: "set NAME", Short: "Define a licence, without limits but those named, or change what is named of one; -1: no limit",
		Args: usageArgs(cobra.ExactArgs(1)),
	}
	flags := cmd.Flags()
	var edits []func(*core.License) // each copies what one flag names
	number := func(name, usage string, of func(*core.License) *int64) {
		flags.Int64Var(of(&named), name, core.Unlimited, usage)
		edits = append(edits, func(l *core.License) {
			if flags.Changed(name) {
				*of(l) = *of(&named)
			}
		})
	}
	number("max-upload-size-mb", "largest file", func(l *core.License) *int64 { return &l.Limits.MaxUploadSizeMB })
	number("max-total-storage-mb", "all files together", func(l *core.License) *int64 { return &l.Limits.MaxTotalStorageMB })
	number("max-assets", "number of files", func(l *core.License) *int64 { return &l.Limits.MaxAssets })
	number("max-products", "number of products", func(l *core.License) *int64 { return &l.Limits.MaxProducts })
	number("max-members", "number of people", func(l *core.License) *int64 { return &l.Limits.MaxMembers })
	number("max-groups", "number of groups", func(l *core.License) *int64 { return &l.Limits.MaxGroups })
	number("max-assets-per-group", "files in one group", func(l *core.License) *int64 { return &l.Limits.MaxAssetsPerGroup })
	number("max-group-share-hours", "longest life of a group's link", func(l *core.License) *int64 { return &l.Limits.MaxGroupShareHours })
	number("monthly-fee-cents", "in US cents; -1: by contract", func(l *core.License) *int64 { return &l.MonthlyFeeCents })
	flags.StringSliceVar(&features, "feature", nil, "a feature; may be given several times, and replaces all; empty: none")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := l.loadWithSecret()
		if err != nil {
			return err
		}
		err = coffer.SetLicense(cmd.Context(), cfg.Config, args[0], func(l *core.License) {
			for _, edit := range edits {
				edit(l)
			}
			if flags.Changed("feature") {
				l.Features = nil
				for _, f := range features {
					l.Features = append(l.Features, core.Feature(f))
				}
			}
		})
		if err != nil {
			return fmt.Errorf("set licence %s: %w", args[0], err)
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), "licence", args[0], "is set")
		return err
	}
	return cmd
}

func newLicenseAssign(l *loader) *cobra.Command {
	var until string
	cmd := &cobra.Command{
		Use: "assign ORG_ID NAME", Short: "Give an organisation a licence from now on", Args: usageArgs(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := l.loadWithSecret()
			if err != nil {
				return err
			}
			var expires time.Time
			if until != "" {
				if expires, err = time.Parse(time.RFC3339, until); err != nil {
					return &usageError{fmt.Errorf("--until %q is not a time such as 2027-01-31T00:00:00Z", until)}
				}
			}
			if err := coffer.AssignLicense(cmd.Context(), cfg.Config, args[0], args[1], expires.UTC()); err != nil {
				return fmt.Errorf("assign licence: %w", err)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "organisation", args[0], "has licence", args[1])
			return err
		},
	}
	cmd.Flags().StringVar(&until, "until", "", "when it ends (RFC 3339); absent: never")
	return cmd
}
