package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-755a8038/coffer"
)

func newAdmin(l *loader) *cobra.Command {
	cmd := &cobra.Command{Use: "admin", Short: "Change users", Args: usageArgs(cobra.NoArgs)}
	yes, no := true, false
	for _, c := range []struct {
		use, short, done string
		change           coffer.UserChange
	}{
		{"promote", "Make a user a platform admin", "is a platform admin", coffer.UserChange{PlatformAdmin: &yes}},
		{"demote", "Take that back", "is no platform admin", coffer.UserChange{PlatformAdmin: &no}},
		{"disable", "Shut a user out, from the next request on", "is disabled", coffer.UserChange{Disabled: &yes}},
		{"enable", "Let a user in again", "is enabled", coffer.UserChange{Disabled: &no}},
	} {
		cmd.AddCommand(&cobra.Command{
			Use: c.use + " EMAIL", Short: c.short, Args: usageArgs(cobra.ExactArgs(1)),
			RunE: func(cmd *cobra.Command, args []string) error {
				cfg, err := l.loadWithSecret()
				if err != nil {
					return err
				}
				if err := coffer.ChangeUser(cmd.Context(), cfg.Config, args[0], c.change); err != nil {
					return fmt.Errorf("%s %s: %w", c.use, args[0], err)
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), args[0], c.done)
				return err
			},
		})
	}
	return cmd
}
