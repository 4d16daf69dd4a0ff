package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// desk is where somebody works with the command line: a home of their own, and
// nothing else of the server than its address.
type desk struct {
	t    *testing.T
	s    *server
	home string
	env  settings
}

func (s *server) desk() *desk {
	home := s.t.TempDir()
	return &desk{s.t, s, home, settings{"PATH": os.Getenv("PATH"), "HOME": home, "TMPDIR": home}}
}

// but returns the desk with another environment.
func (d *desk) with(env settings) *desk {
	out := *d
	out.env = settings{}
	for _, from := range []settings{d.env, env} {
		maps.Copy(out.env, from)
	}
	return &out
}

func (d *desk) command(ctx context.Context, args ...string) *exec.Cmd {
	d.t.Helper()
	cmd := exec.CommandContext(ctx, program(d.t), args...)
	cmd.Dir = d.home
	for name, value := range d.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.SysProcAttr = dieWithParent()
	return cmd
}

// say runs a command with an input. It never prints a secret.
func (d *desk) say(stdin string, args ...string) (code int, stdout, stderr string) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), commandTimeout)
	defer cancel()
	cmd := d.command(ctx, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		d.t.Fatalf("coffer %v: %v", args, err)
	}
	for _, secret := range d.secrets() {
		if strings.Contains(out.String()+errs.String(), secret) {
			d.t.Errorf("coffer %v prints a secret", args)
		}
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// secrets are the password and the tokens that are kept.
func (d *desk) secrets() []string {
	out := []string{password}
	var kept struct {
		Servers map[string]struct {
			Access  string `json:"access_token"`
			Refresh string `json:"refresh_token"`
		}
	}
	if text, err := os.ReadFile(d.credentials()); err == nil && json.Unmarshal(text, &kept) == nil {
		for _, l := range kept.Servers {
			out = append(out, l.Access, l.Refresh)
		}
	}
	return out
}

func (d *desk) credentials() string {
	return filepath.Join(d.home, ".config", "coffer", "credentials.json")
}

// ok runs a command that must succeed, and returns its output.
func (d *desk) ok(args ...string) string {
	d.t.Helper()
	code, stdout, stderr := d.say("", args...)
	if code != 0 {
		d.t.Fatalf("coffer %v: exit code %d: %s%s", args, code, stdout, stderr)
	}
	return stdout
}

// fails runs a command that must fail so, in words that have these.
func (d *desk) fails(code int, words string, args ...string) {
	d.t.Helper()
	got, stdout, stderr := d.say("", args...)
	if got != code || !strings.Contains(stderr, words) || !strings.HasPrefix(stderr, "coffer: ") || !strings.Contains(stderr, " — ") {
		d.t.Errorf("coffer %v: exit code %d, want %d and %q: %s%s", args, got, code, words, stdout, stderr)
	}
}

// logIn signs in with the password.
func (d *desk) logIn(u *user) {
	d.t.Helper()
	code, stdout, stderr := d.say(password+"\n", "login", "--server", d.s.url, "--email", u.email, "--password-stdin")
	if code != 0 || !strings.Contains(stdout, u.email) {
		d.t.Fatalf("login: exit code %d: %s%s", code, stdout, stderr)
	}
}

// write makes a file below the home.
func (d *desk) write(path string, content []byte) {
	d.t.Helper()
	path = filepath.Join(d.home, path)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, content, 0o644)); err != nil {
		d.t.Fatal(err)
	}
}

// sums returns the SHA-256 of each file below a directory, by its path.
func (d *desk) sums(dir string) map[string]string {
	d.t.Helper()
	out := map[string]string{}
	root := filepath.Join(d.home, dir)
	err := filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		out[strings.TrimPrefix(path, root)] = sha256Of(text)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

// summed returns the last line of a transfer with --json.
func summed(t *testing.T, stdout string) (sum struct{ Transferred, Unchanged, Skipped, Deleted, Failed int }) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	var last struct {
		Summary *struct{ Transferred, Unchanged, Skipped, Deleted, Failed int }
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.Summary == nil {
		t.Fatalf("%v: no summary in %s", err, stdout)
	}
	return *last.Summary
}
