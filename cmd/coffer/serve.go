package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-755a8038/coffer"
)

func newServe(l *loader) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run the server until SIGTERM",
		Long: "Runs the server. Pending migrations are applied first. SIGTERM or SIGINT lets it finish what runs;\n" +
			"a second one ends it at once.",
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := l.loadWithSecret()
			if err != nil {
				return err
			}
			cfg.warn(cmd.ErrOrStderr())
			server, release, err := coffer.NewServer(cmd.Context(), cfg.Config, build())
			if err != nil {
				return fmt.Errorf("start: %w", err)
			}
			defer release()
			return server.Run(cmd.Context())
		},
	}
}
