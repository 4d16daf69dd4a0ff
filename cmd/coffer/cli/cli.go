// Package cli is the command line of people who use a Coffer server. It knows of
// the server what the package client knows: nothing else of this module is imported.
package cli

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/seed-755a8038/coffer/client"
)

// Variables are the environment variables the commands read.
var Variables = []string{envServer, envToken, envAPIKey, envOrg, envDrive}

const (
	envServer = "COFFER_SERVER"
	envToken  = "COFFER_TOKEN"
	envAPIKey = "COFFER_API_KEY" //nolint:gosec // the name of the variable
	envOrg    = "COFFER_ORG"
	envDrive  = "COFFER_DRIVE"
)

// group is under which heading the commands are listed.
const group = "client"

// app is what a command line has said, and what follows from it.
type app struct {
	version string
	server  string
	org     string
	drive   string
	json    bool

	cmd    *cobra.Command // the one that runs
	file   *credentialsFile
	client *client.Client
	saved  login          // what the file has for the server
	own    *client.OwnKey // what the server says of the API key; nil: it was not asked
}

// Add adds the commands to a program of that version.
func Add(root *cobra.Command, version string) {
	root.AddGroup(&cobra.Group{ID: group, Title: "Use a server:"})
	a := &app{version: version}
	for _, cmd := range []*cobra.Command{
		a.loginCommand(), a.logoutCommand(), a.whoamiCommand(), a.orgsCommand(), a.useCommand(), a.drivesCommand(),
		a.lsCommand(), a.mkdirCommand(), a.mvCommand(), a.cpCommand(), a.rmCommand(), a.restoreCommand(),
		a.uploadCommand(), a.downloadCommand(), a.syncCommand(),
		a.shareCommand(), a.requestCommand(), a.keysCommand(), a.groupsCommand(), a.productsCommand(), a.datasetCommand(), a.webhooksCommand(),
	} {
		cmd.GroupID = group
		root.AddCommand(cmd)
	}
	root.AddCommand(exitCodesTopic(), referenceCommand())
}

// run is what a command does, once it is known who asks which server.
type run func(ctx context.Context, args []string) error

// command returns a command that talks to the server as somebody.
func (a *app) command(use, short, long string, check cobra.PositionalArgs, do run) *cobra.Command {
	return a.anonymous(use, short, long, check, func(ctx context.Context, args []string) error {
		if err := a.connect(); err != nil {
			return err
		}
		return do(ctx, args)
	})
}

// anonymous returns a command that finds out itself whom to talk to.
func (a *app) anonymous(use, short, long string, check cobra.PositionalArgs, do run) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usage(cmd, err)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			a.cmd = cmd
			return a.explain(do(cmd.Context(), args))
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	flags := cmd.Flags()
	flags.StringVar(&a.server, "server", os.Getenv(envServer), "the server's `URL` (COFFER_SERVER; default: where you signed in last)")
	flags.BoolVar(&a.json, "json", false, "print JSON")
	cmd.SetFlagErrorFunc(usage)
	return cmd
}

// inOrg gives a command the flag of organisations.
func (a *app) inOrg(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().StringVar(&a.org, "org", os.Getenv(envOrg), "the `ORGANISATION`, by slug, name or id (COFFER_ORG; default: see coffer use)")
	_ = cmd.RegisterFlagCompletionFunc("org", a.completeOrgs)
	return cmd
}

// inDrive gives a command the flags of drives.
func (a *app) inDrive(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().StringVar(&a.drive, "drive", os.Getenv(envDrive), "the `DRIVE` of paths that name none, by name or id (COFFER_DRIVE; default: your own)")
	_ = cmd.RegisterFlagCompletionFunc("drive", a.completeDrives)
	return a.inOrg(cmd)
}

// parent returns a command that only has others below it.
func (a *app) parent(use, short string, below ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.NoArgs(cmd, args); err != nil {
				return usage(cmd, err)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(below...)
	return cmd
}

// connect makes the client of whoever the environment or the file names.
func (a *app) connect() error {
	if err := a.choose(); err != nil {
		return err
	}
	options := []client.Option{client.WithUserAgent("coffer/" + a.version)}
	switch key, token := os.Getenv(envAPIKey), os.Getenv(envToken); {
	case key != "" && token != "":
		return &Error{Code: ExitUsage, What: envAPIKey + " and " + envToken + " are both set", Next: "unset one of them"}
	case key != "":
		options = append(options, client.WithAPIKey(key))
	case token != "":
		options = append(options, client.WithAuth(client.NewAuth(client.Credentials{AccessToken: token})))
	case a.saved.AccessToken == "":
		return &Error{Code: ExitSignIn, What: "you are not signed in at " + a.server, Next: "sign in: coffer login --server " + a.server}
	default:
		options = append(options, client.WithAuth(a.file.auth(a.server, a.saved)))
	}
	var err error
	a.client, err = client.New(a.server, options...)
	return badServer(err)
}

// choose finds the server, and what is saved of it.
func (a *app) choose() error {
	file, err := openCredentials()
	if err != nil {
		return err
	}
	a.file = file
	all, err := file.read()
	if err != nil {
		return err
	}
	if a.server == "" {
		a.server = all.Current
	}
	if a.server == "" {
		return &Error{Code: ExitSignIn, What: "no server is known", Next: "sign in: coffer login --server https://files.example.com"}
	}
	if a.server, err = cleanServer(a.server); err != nil {
		return err
	}
	a.saved = all.Servers[a.server]
	return nil
}

// orgOfKey is the one organisation that a key works in, whatever is said of it.
func (a *app) orgOfKey(ctx context.Context) (uuid.UUID, error) {
	own, err := a.ownKey(ctx)
	if err != nil {
		return uuid.Nil, err
	}
	if a.org != "" && a.org != own.OrgID.String() {
		return uuid.Nil, mistake("the API key works in the organisation "+own.OrgID.String()+" only", "leave out --org, and unset "+envOrg)
	}
	return own.OrgID, nil
}

func badServer(err error) error {
	if err == nil {
		return nil
	}
	return &Error{Code: ExitUsage, What: err.Error(), Next: "give a URL such as https://files.example.com"}
}

// byKey reports whether a script asks, which has one drive and is nobody.
func (a *app) byKey() bool { return os.Getenv(envAPIKey) != "" }

// ownKey is what the server says of the API key that asks.
func (a *app) ownKey(ctx context.Context) (client.OwnKey, error) {
	if a.own == nil {
		own, err := a.client.GetOwnKey(ctx)
		if err != nil {
			return client.OwnKey{}, err
		}
		a.own = own
	}
	return *a.own, nil
}

// orgID returns the organisation that is meant.
func (a *app) orgID(ctx context.Context) (uuid.UUID, error) {
	if a.byKey() {
		return a.orgOfKey(ctx)
	}
	if a.org != "" {
		if id, err := uuid.Parse(a.org); err == nil {
			return id, nil
		}
		org, err := a.findOrg(ctx, a.org)
		return org.ID, err
	}
	if os.Getenv(envToken) == "" && a.saved.Org != uuid.Nil {
		return a.saved.Org, nil
	}
	me, err := a.client.GetMe(ctx, nil)
	if err != nil {
		return uuid.Nil, err
	}
	return me.PersonalOrgID, nil
}

// mistake is wrong usage that only the command itself can see.
func mistake(what, next string) error { return &Error{Code: ExitUsage, What: what, Next: next} }

func isCode(err error, codes ...string) bool {
	e, ok := errors.AsType[*client.Error](err)
	if !ok {
		return false
	}
	return slices.Contains(codes, e.Code)
}
