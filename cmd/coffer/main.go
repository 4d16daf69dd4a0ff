// Command coffer is the server, the tools of its operator, and the command line of
// those who use a server.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/seed-755a8038/coffer/cmd/coffer/cli"
)

// Exit codes of the operator's commands. Those of cli are in its errors.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2 // wrong arguments or configuration
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) }

// run carries out one command line and returns the exit code. The first SIGTERM
// or SIGINT ends the command's context, for it to finish in order; the second
// one ends the process.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // signals have their usual effect again

	var l loader
	root := newRoot(&l) //nolint:contextcheck // commands get the context from ExecuteContext
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	_, _ = fmt.Fprintln(stderr, "coffer: "+l.hideSecrets(err.Error())) // the exit code still tells
	if e, ok := errors.AsType[*cli.Error](err); ok {
		return e.Code
	}
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	return exitError
}

func newRoot(l *loader) *cobra.Command {
	root := &cobra.Command{
		Use:   "coffer",
		Short: "A self-hosted server for digital assets, and a way to use one",
		Long: "Coffer keeps digital assets of many organisations: upload, organise, share, sell.\n" +
			"Without any configuration, serve starts in development mode with SQLite and the disk.\n" +
			"To use a server, here or elsewhere, begin with login.",
		Args:          usageArgs(cobra.NoArgs),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().StringVar(&l.file, "config", "", "configuration `FILE` (default ./coffer.yaml, else /etc/coffer/coffer.yaml)")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return &usageError{hint(cmd, err)} })
	root.AddGroup(&cobra.Group{ID: "server", Title: "Run a server:"})
	for _, cmd := range []*cobra.Command{newServe(l), newMigrate(l), newConfig(l), newDoctor(l), newFsck(l), newBackup(l), newExport(l), newImport(l), newLicense(l), newAdmin(l)} {
		cmd.GroupID = "server"
		root.AddCommand(cmd)
	}
	cli.Add(root, build().Version)
	root.AddCommand(newVersion(), newOpenAPI(), newHealth(l), newDerive())
	return root
}

// usageError is a mistake of who typed the command or wrote the configuration.
type usageError struct{ error }

// Unwrap returns the mistake.
func (u *usageError) Unwrap() error { return u.error }

// usageArgs makes a mistake in the arguments a usageError.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return &usageError{hint(cmd, err)}
		}
		return nil
	}
}

// hint keeps cobra's own words to one line and says where to read more.
func hint(cmd *cobra.Command, err error) error {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return fmt.Errorf("%s (see %s --help)", line, cmd.CommandPath())
}
