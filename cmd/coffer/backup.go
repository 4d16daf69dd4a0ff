package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-755a8038/coffer"
)

func newBackup(l *loader) *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the SQLite database into a new file, while the server runs",
		Long: "Copies the SQLite database in the data directory, as it is at one moment, into a new file.\n" +
			"Copy the files after it. For PostgreSQL, use pg_dump.",
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := l.load()
			if err != nil {
				return err
			}
			if err := coffer.Backup(cmd.Context(), cfg.Config, args[0]); err != nil {
				return fmt.Errorf("backup: %w", err)
			}
			return nil
		},
	}
}
