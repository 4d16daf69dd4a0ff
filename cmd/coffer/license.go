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
	_, _ = fmt.Fprintln(table, "NAME\tUPLOAD MB\tSTORAGE MB\tASSETS\tPRODUCTS\tMEMBERS\tFEATURES") // Flush reports the first error
	for _, l := range all {
		features := make([]string, len(l.Features))
		for i, f := range l.Features {
			features[i] = string(f)
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.Name, number(l.Limits.MaxUploadSizeMB), number(l.Limits.MaxTotalStorageMB),
			number(l.Limits.MaxAssets), number(l.Limits.MaxProducts), number(l.Limits.MaxMembers), strings.Join(features, ","))
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

func newLicenseSet(l *loader) *cobra.Command {
	var features []string
	limits := core.UnlimitedLicense().Limits
	fee := core.Unlimited
	cmd := &cobra.Command{
		Use: "set NAME", Short: "Define a licence, or change it; what is not named is unlimited (-1)", Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := l.loadWithSecret()
			if err != nil {
				return err
			}
			license := core.License{Name: args[0], Limits: limits, MonthlyFeeCents: fee}
			for _, f := range features {
				license.Features = append(license.Features, core.Feature(f))
			}
			if err := coffer.SetLicense(cmd.Context(), cfg.Config, license); err != nil {
				return fmt.Errorf("set licence %s: %w", args[0], err)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "licence", args[0], "is set")
			return err
		},
	}
	flags := cmd.Flags()
	flags.Int64Var(&limits.MaxUploadSizeMB, "max-upload-size-mb", core.Unlimited, "largest file")
	flags.Int64Var(&limits.MaxTotalStorageMB, "max-total-storage-mb", core.Unlimited, "all files together")
	flags.Int64Var(&limits.MaxAssets, "max-assets", core.Unlimited, "number of files")
	flags.Int64Var(&limits.MaxProducts, "max-products", core.Unlimited, "number of products")
	flags.Int64Var(&limits.MaxMembers, "max-members", core.Unlimited, "number of people")
	flags.Int64Var(&limits.MaxGroups, "max-groups", core.Unlimited, "number of groups")
	flags.Int64Var(&limits.MaxAssetsPerGroup, "max-assets-per-group", core.Unlimited, "files in one group")
	flags.Int64Var(&limits.MaxGroupShareHours, "max-group-share-hours", core.Unlimited, "longest life of a group's link")
	flags.Int64Var(&fee, "monthly-fee-cents", core.Unlimited, "in US cents; -1: by contract")
	flags.StringSliceVar(&features, "feature", nil, "a feature; may be given several times")
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
