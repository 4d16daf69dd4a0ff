package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed-755a8038/coffer"
)

func newMigrate(l *loader) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database's schema up to date, or show how far it is",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return &usageError{hint(cmd, errors.New("say what to do: up or status"))}
		},
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "up", Short: "Apply the pending migrations, under a lock", Args: usageArgs(cobra.NoArgs),
			RunE: func(cmd *cobra.Command, _ []string) error { return migrateUp(cmd, l) },
		},
		&cobra.Command{
			Use: "status", Short: "List the migrations and whether each is applied", Args: usageArgs(cobra.NoArgs),
			RunE: func(cmd *cobra.Command, _ []string) error {
				cfg, err := l.load()
				if err != nil {
					return err
				}
				states, err := coffer.MigrationStatus(cmd.Context(), cfg.Config)
				if err != nil {
					return fmt.Errorf("migration status: %w", err)
				}
				return writeMigrations(cmd.OutOrStdout(), states)
			},
		},
	)
	return cmd
}

func migrateUp(cmd *cobra.Command, l *loader) error {
	cfg, err := l.load()
	if err != nil {
		return err
	}
	log, err := coffer.NewLogger(cfg.Config, cmd.ErrOrStderr())
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	applied, err := coffer.Migrate(cmd.Context(), cfg.Config, log)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	text := "nothing to apply: the schema is up to date\n"
	if len(applied) > 0 {
		text = "applied " + strings.Join(applied, "\napplied ") + "\n"
	}
	if _, err := io.WriteString(cmd.OutOrStdout(), text); err != nil {
		return fmt.Errorf("write the list: %w", err)
	}
	return nil
}

func writeMigrations(w io.Writer, states []coffer.MigrationState) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "MIGRATION\tSTATE") // Flush reports the first error
	for _, s := range states {
		state := "pending"
		if s.Applied {
			state = "applied"
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\n", s.Name, state)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write the list: %w", err)
	}
	return nil
}
