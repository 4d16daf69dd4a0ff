package e2e

import (
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/test/env"
)

// waiting is a command that goes on until something happens.
type waiting struct {
	d   *desk
	cmd *exec.Cmd
	log string
}

func (d *desk) waits(args ...string) *waiting {
	d.t.Helper()
	log, err := os.CreateTemp(d.home, "*.log")
	if err != nil {
		d.t.Fatal(err)
	}
	defer log.Close()
	w := &waiting{d, d.command(d.t.Context(), args...), log.Name()}
	w.cmd.Stdout, w.cmd.Stderr = log, log
	if err := w.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	return w
}

// says waits until the command has printed what matches, and returns that.
func (w *waiting) says(pattern string) (found string) {
	w.d.t.Helper()
	re := regexp.MustCompile(pattern)
	eventually(w.d.t, "the command says "+pattern, func() bool {
		text, err := os.ReadFile(w.log)
		found = re.FindString(string(text))
		return err == nil && found != ""
	})
	return found
}

func TestPeopleSignInInTheBrowserFromTheCommandLine(t *testing.T) {
	tellWithProvider(t, nil, func(t *testing.T, s *server, idp *env.IDP) {
		idp.Add(env.Person{Subject: "ana", Email: "ana@example.com", Verified: true})
		d := s.desk()
		w := d.waits("login", "--server", s.url, "--provider", "work", "--no-browser")
		_, query, _ := strings.Cut(w.says(`http\S+/start\?\S+\n`), "?")
		b := s.begins("?" + strings.TrimSpace(query))
		back := b.comesBack(idp.SignIn(t, b.start, "ana")).header.Get("Location")
		if a := fetch(t, back); a.status != http.StatusOK || !strings.Contains(string(a.body), "go back to the terminal") {
			t.Errorf("%s: %d %s", back, a.status, a.body)
		}
		if err := w.cmd.Wait(); err != nil {
			t.Errorf("login: %v: %s", err, w.says("(?s).*"))
		}
		if out := d.ok("whoami"); !strings.Contains(out, "ana@example.com") {
			t.Errorf("whoami: %s", out)
		}
	})
}

func TestTheCommandLineAsksForASecondFactor(t *testing.T) {
	tellOn(t, []wiring{sqliteDisk}, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		url := ana.want(http.StatusOK, "POST", "/api/me/totp", object{"password": password}).text("otpauth_url")
		ana.want(http.StatusOK, "POST", "/api/me/totp/confirm", object{"code": codeAt(t, url, time.Now())})
		d := s.desk()
		login := []string{"login", "--server", s.url, "--email", ana.email, "--password-stdin"}
		if code, _, stderr := d.say(password+"\n", login...); code != 2 || !strings.Contains(stderr, "no line for: code of your authenticator app") {
			t.Errorf("without a code: %d %s", code, stderr)
		}
		if code, _, stderr := d.say(password+"\n000000\n", login...); code != 3 {
			t.Errorf("with a wrong code: %d %s", code, stderr)
		}
		later := codeAt(t, url, time.Now().Add(30*time.Second)) // a code is good once
		if code, _, stderr := d.say(password+"\n"+later+"\n", login...); code != 0 {
			t.Errorf("with a code: %d %s", code, stderr)
		}
	})
}

func TestDeliveriesArePrintedAsTheyCome(t *testing.T) {
	unlimited := maps.Clone(hooking)
	unlimited["COFFER_SELF_HOSTED_UNLIMITED"] = "true"
	tell(t, unlimited, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		d := s.desk()
		d.logIn(ana)
		r := newReceiver(t)
		if secret := d.ok("webhooks", "create", r.url, "--events", "node.created"); !strings.HasPrefix(secret, "whsec_") {
			t.Errorf("the secret is %q", secret)
		}
		w := d.waits("webhooks", "listen", "--json")
		w.says("Listening to 1 webhooks")
		d.ok("mkdir", "/heard")
		w.says(`(?m)^\{.*"status":"delivered".*node\.created.*heard|(?m)^\{.*heard.*"status":"delivered"`)
		if err := w.cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		_ = w.cmd.Wait() // it was interrupted
		if code := w.cmd.ProcessState.ExitCode(); code != 130 {
			t.Errorf("interrupted, it exits with %d", code)
		}
	})
}

// What lies in the way on this machine is neither followed nor replaced.
func TestADownloadStaysInItsDirectory(t *testing.T) {
	tellOn(t, []wiring{sqliteDisk}, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		d := s.desk()
		d.logIn(ana)
		d.write("etc/passwd", []byte("theirs"))
		d.ok("upload", "etc")
		d.write("outside/passwd", []byte("mine"))
		if err := os.MkdirAll(filepath.Join(d.home, "down"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(d.home, "outside"), filepath.Join(d.home, "down", "etc")); err != nil {
			t.Fatal(err)
		}
		if code, _, stderr := d.say("", "download", "/etc", "--to", "down", "--overwrite"); code == 0 {
			t.Errorf("it was written through a link: %s", stderr)
		}
		if got := d.sums("outside")["/passwd"]; got != sha256Of([]byte("mine")) {
			t.Error("a file outside was replaced")
		}
	})
}
