package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-755a8038/coffer"
)

func newOpenAPI() *cobra.Command {
	return &cobra.Command{
		Use: "openapi", Short: "Print the description of the API as OpenAPI 3.1 (YAML)", Args: usageArgs(cobra.NoArgs), Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			doc, err := coffer.OpenAPI()
			if err != nil {
				return fmt.Errorf("describe the API: %w", err)
			}
			_, err = cmd.OutOrStdout().Write(doc)
			return err
		},
	}
}
