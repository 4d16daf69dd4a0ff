package cli

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/seed-755a8038/coffer/client"
)

type loginFlags struct {
	email     string
	stdin     bool
	provider  string
	noBrowser bool
}

func (a *app) loginCommand() *cobra.Command {
	var f loginFlags
	cmd := a.anonymous("login", "Sign in at a server",
		"Signs in by address and password, with the code of an authenticator app where one is set up, or in the browser at a provider.\n"+
			"The password is asked for at the terminal; --password-stdin reads it from the first line of the input, and the code from the second.",
		cobra.NoArgs, func(ctx context.Context, _ []string) error { return a.login(ctx, f) })
	flags := cmd.Flags()
	flags.StringVar(&f.email, "email", "", "your `ADDRESS`; asked for if left out")
	flags.BoolVar(&f.stdin, "password-stdin", false, "read the password from the standard input")
	flags.StringVar(&f.provider, "provider", "", "sign in in the browser, at the provider of that `NAME`")
	flags.BoolVar(&f.noBrowser, "no-browser", false, "print the address for the browser, and open none")
	return cmd
}

func (a *app) login(ctx context.Context, f loginFlags) error {
	if err := a.choose(); err != nil {
		return err
	}
	c, err := client.New(a.server, client.WithUserAgent("coffer/"+a.version))
	if err != nil {
		return badServer(err)
	}
	a.client = c
	if insecure(a.server) {
		a.tell("coffer: the connection to %s is not encrypted: others may read what you send", a.server)
	}
	var tokens *client.Tokens
	if f.provider != "" {
		tokens, err = a.byProvider(ctx, f)
	} else {
		tokens, err = a.byPassword(ctx, f)
	}
	if err != nil {
		return err
	}
	return a.signedIn(ctx, tokens.Credentials())
}

// signedIn keeps new tokens. Of the same person, the organisation stays.
func (a *app) signedIn(ctx context.Context, c client.Credentials) error {
	var err error
	if a.client, err = client.New(a.server, client.WithAuth(client.NewAuth(c)), client.WithUserAgent("coffer/"+a.version)); err != nil {
		return err
	}
	me, err := a.client.GetMe(ctx, nil)
	if err != nil {
		return err
	}
	err = a.file.change(ctx, func(all *logins) {
		l := login{c.AccessToken, c.RefreshToken, c.ExpiresAt, me.Email, me.PersonalOrgID, "personal"}
		if before := all.Servers[a.server]; before.Email == me.Email {
			l.Org, l.OrgName = before.Org, before.OrgName
		}
		all.Servers[a.server], all.Current = l, a.server
	})
	if err != nil {
		return err
	}
	return a.show(map[string]any{"server": a.server, "user": me}, func(w io.Writer) {
		row(w, "Signed in at "+a.server+" as "+me.Email+".")
	})
}

// byPassword asks for what is needed to sign in.
func (a *app) byPassword(ctx context.Context, f loginFlags) (*client.Tokens, error) {
	in := bufio.NewReader(a.cmd.InOrStdin())
	ask := func(what string, secret bool) (string, error) { return a.ask(in, what, secret, f.stdin) }
	email := f.email
	if email == "" {
		if f.stdin {
			return nil, mistake("--password-stdin needs --email", "see coffer login --help")
		}
		if err := a.mentionProviders(ctx); err != nil {
			return nil, err
		}
		var err error
		if email, err = ask("E-mail", false); err != nil {
			return nil, err
		}
	}
	password, err := ask("Password", true)
	if err != nil {
		return nil, err
	}
	body := client.LogInInput{Email: email, Password: &password}
	tokens, err := a.client.LogIn(ctx, body)
	if !isCode(err, "totp_required") {
		return tokens, err
	}
	code, err := ask("Code of your authenticator app", true)
	if err != nil {
		return nil, err
	}
	body.TotpCode = &code
	return a.client.LogIn(ctx, body)
}

// mentionProviders says where else one can sign in.
func (a *app) mentionProviders(ctx context.Context) error {
	providers, err := a.client.ListSignInProviders(ctx)
	if err != nil {
		return err
	}
	for _, p := range providers.Items {
		a.tell("In the browser, with %s: coffer login --provider %s", plain(cmp.Or(p.Label, p.Name)), plain(p.Name))
	}
	return nil
}

// ask reads a line: from the terminal, a secret without showing it, or from the
// input where that was said.
func (a *app) ask(in *bufio.Reader, what string, secret, stdin bool) (string, error) {
	terminal, ok := a.cmd.InOrStdin().(*os.File)
	ok = ok && term.IsTerminal(int(terminal.Fd()))
	if !ok && !stdin {
		return "", mistake("there is no terminal to ask for: "+strings.ToLower(what), "use --email and --password-stdin, or set "+envToken)
	}
	if !stdin {
		_, _ = fmt.Fprintf(a.cmd.ErrOrStderr(), "%s: ", what) // who does not see it does not answer
	}
	if secret && !stdin {
		text, err := term.ReadPassword(int(terminal.Fd()))
		a.tell("")
		return string(text), err
	}
	text, err := in.ReadString('\n')
	if errors.Is(err, io.EOF) && text != "" {
		err = nil
	}
	if errors.Is(err, io.EOF) {
		err = mistake("the input has no line for: "+strings.ToLower(what), "see coffer login --help")
	}
	return strings.TrimRight(text, "\r\n"), err
}

// insecure reports whether others may read what is sent to a server.
func insecure(server string) bool {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "http" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback())
}

const (
	browserPatience = 10 * time.Minute
	verifierBytes   = 32
	headerPatience  = 10 * time.Second
)

// byProvider lets the person sign in in a browser, which is led back here.
func (a *app) byProvider(ctx context.Context, f loginFlags) (*client.Tokens, error) {
	random := make([]byte, verifierBytes)
	_, _ = rand.Read(random) // never fails
	verifier := base64.RawURLEncoding.EncodeToString(random)
	sum := sha256.Sum256([]byte(verifier))

	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	back := make(chan url.Values, 1)
	server := &http.Server{ReadHeaderTimeout: headerPatience, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if r.URL.Path != "/done" || q.Get("code") == "" && q.Get("error") == "" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, "You can close this page and go back to the terminal.\n") // whether it is seen or not
		select {
		case back <- q:
		default: // one answer is enough
		}
	})}
	go func() { _ = server.Serve(listener) }() // until it is closed
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = server.Shutdown(ctx) // the page was sent, or nobody waits for it
	}()

	query := url.Values{"return_to": {"http://" + listener.Addr().String() + "/done"}, "challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}}
	address := a.server + "/api/auth/oidc/" + url.PathEscape(f.provider) + "/start?" + query.Encode()
	a.tell("Sign in in your browser at:\n%s", address)
	if !f.noBrowser {
		browse(ctx, address)
	}
	ctx, cancel := context.WithTimeout(ctx, browserPatience)
	defer cancel()
	select {
	case q := <-back:
		if code := q.Get("error"); code != "" {
			return nil, &Error{Code: ExitSignIn, What: "the sign-in failed: " + plain(code), Next: "try again, or another way to sign in"}
		}
		code := q.Get("code")
		return a.client.ExchangeSignIn(ctx, client.ExchangeSignInInput{Code: &code, Verifier: &verifier})
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, &Error{Code: ExitSignIn, What: "nobody has signed in in the browser", Next: "begin again: coffer login --provider " + f.provider}
		}
		return nil, ctx.Err()
	}
}

// browse opens an address. If it cannot be, the person can: it was printed, and
// there is no secret in it.
func browse(ctx context.Context, address string) {
	name, args := "xdg-open", []string{address}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", address}
	}
	if path, err := exec.LookPath(name); err == nil {
		cmd := exec.CommandContext(context.WithoutCancel(ctx), path, args...) //nolint:gosec // a program of the system
		cmd.Env = withoutSecrets(os.Environ())
		if cmd.Start() == nil {
			go func() { _ = cmd.Wait() }()
		}
	}
}

// withoutSecrets returns an environment for other programs.
func withoutSecrets(environ []string) (out []string) {
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if name != envToken && name != envAPIKey {
			out = append(out, entry)
		}
	}
	return out
}

func (a *app) logoutCommand() *cobra.Command {
	return a.anonymous("logout", "Sign out, and forget the tokens", "", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		if err := a.choose(); err != nil {
			return err
		}
		if a.saved.RefreshToken == "" {
			return a.say("You are not signed in at %s.", a.server)
		}
		c, err := client.New(a.server)
		if err != nil {
			return badServer(err)
		}
		ended := c.LogOut(ctx, client.RefreshInput{RefreshToken: &a.saved.RefreshToken})
		err = a.file.change(ctx, func(all *logins) {
			delete(all.Servers, a.server)
			if all.Current == a.server {
				all.Current = ""
			}
		})
		if _, answered := errors.AsType[*client.Error](ended); ended != nil && !answered {
			a.tell("coffer: the tokens are forgotten here, but %s could not be told: end the session there", a.server)
		}
		if err != nil {
			return err
		}
		return a.say("Signed out at %s.", a.server)
	})
}

// identity is who asks, as whoami prints it.
type identity struct {
	Server string         `json:"server"`
	By     string         `json:"by"` // login, token or api_key
	User   *client.User   `json:"user"`
	Org    *client.Org    `json:"org"`
	Key    *client.OwnKey `json:"api_key"`
}

func (a *app) whoamiCommand() *cobra.Command {
	return a.inOrg(a.command("whoami", "Who you are, and where", "", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		id := identity{Server: a.server, By: "login"}
		if a.byKey() {
			id.By = "api_key"
			own, err := a.ownKey(ctx)
			if err != nil {
				return err
			}
			id.Key = &own
			return a.show(id, func(w io.Writer) {
				row(w, "server", a.server)
				row(w, "by", "an API key, from "+envAPIKey)
				row(w, "key", own.Name+" ("+own.Prefix+"…)")
				row(w, "may", fmt.Sprint(own.Permissions))
				row(w, "ends", whenever(own.ExpiresAt, "never"))
				row(w, "drive", own.DriveName)
			})
		}
		if os.Getenv(envToken) != "" {
			id.By = "token"
		}
		var err error
		if id.User, err = a.client.GetMe(ctx, nil); err != nil {
			return err
		}
		org, err := a.orgID(ctx)
		if err != nil {
			return err
		}
		if id.Org, err = a.client.GetOrg(ctx, org, nil); err != nil {
			return err
		}
		return a.show(id, func(w io.Writer) {
			row(w, "server", a.server)
			row(w, "user", id.User.Email)
			row(w, "name", id.User.Name)
			row(w, "organisation", id.Org.Name+" ("+id.Org.Slug+")")
			row(w, "role", id.Org.Role)
		})
	}))
}
