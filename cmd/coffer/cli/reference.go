package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// referenceCommand prints docs/cli-reference.md.
func referenceCommand() *cobra.Command {
	return &cobra.Command{
		Use: "cli-reference", Short: "Print the reference of the commands that use a server (Markdown)", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := io.WriteString(cmd.OutOrStdout(), reference(cmd.Root()))
			return err
		},
	}
}

// reference describes the commands, as their --help does.
func reference(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString("# The commands that use a server\n\nWritten by `coffer cli-reference`; see [cli.md](cli.md) for what they have in common.\n")
	for _, cmd := range root.Commands() {
		if cmd.GroupID == group {
			describe(&b, cmd)
		}
	}
	return b.String()
}

func describe(b *strings.Builder, cmd *cobra.Command) {
	if cmd.Runnable() && !cmd.HasAvailableSubCommands() || cmd.Flags().Lookup("json") != nil {
		fmt.Fprintf(b, "\n## %s\n\n%s.\n", strings.TrimSuffix(cmd.UseLine(), " [flags]"), cmd.Short)
		if cmd.Long != "" {
			fmt.Fprintf(b, "\n%s\n", cmd.Long)
		}
		b.WriteString("\n| flag | |\n|---|---|\n")
		cmd.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
			name, about := pflag.UnquoteUsage(f)
			flag := "--" + f.Name
			if f.Shorthand != "" {
				flag = "-" + f.Shorthand + ", " + flag
			}
			if name != "" {
				flag += " " + name
			}
			fmt.Fprintf(b, "| `%s` | %s |\n", flag, strings.ReplaceAll(about, "|", `\|`))
		})
	}
	for _, below := range cmd.Commands() {
		describe(b, below)
	}
}
