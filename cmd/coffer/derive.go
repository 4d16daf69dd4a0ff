package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/seed-755a8038/coffer"
)

const deriveUse = "derive"

// newDerive is how the server looks into files: in processes of their own.
func newDerive() *cobra.Command {
	return &cobra.Command{
		Use:    deriveUse + " REQUEST",
		Short:  "Look into a file, for the server",
		Hidden: true,
		Args:   usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if code := coffer.Derive(args[0], cmd.OutOrStdout(), cmd.ErrOrStderr()); code != 0 {
				return fmt.Errorf("derive: ended with %d", code)
			}
			return nil
		},
	}
}

// deriveCommand starts it.
func deriveCommand() []string {
	program, err := os.Executable()
	if err != nil {
		return nil // nothing is derived then
	}
	return []string{program, deriveUse}
}
