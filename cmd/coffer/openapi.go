package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-755a8038/coffer"
)

func newOpenAPI() *cobra.Command {
	var compact bool
	cmd := &cobra.Command{
		Use: "openapi", Short: "Print the description of the API as OpenAPI 3.1 (YAML)", Args: usageArgs(cobra.NoArgs), Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			describe := coffer.OpenAPI
			if compact {
				describe = coffer.OpenAPICompact
			}
			doc, err := describe()
			if err != nil {
				return fmt.Errorf("describe the API: %w", err)
			}
			_, err = cmd.OutOrStdout().Write(doc)
			return err
		},
	}
	cmd.Flags().BoolVar(&compact, "compact", false, "print OpenAPI 3.0 (JSON) without examples, for generators of clients")
	return cmd
}
