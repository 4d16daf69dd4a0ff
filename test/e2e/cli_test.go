package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
)

func TestPeopleKeepFilesFromTheCommandLine(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		d := s.desk()
		d.fails(3, "coffer login", "ls")
		code, _, stderr := d.say("wrong\n", "login", "--server", s.url, "--email", ana.email, "--password-stdin")
		if code != 3 || !strings.Contains(stderr, "check the address and the password") {
			t.Errorf("a wrong password: %d %s", code, stderr)
		}
		d.logIn(ana)
		file, err := os.Stat(d.credentials())
		if err != nil || file.Mode().Perm() != 0o600 {
			t.Errorf("credentials: %v %v", file.Mode(), err)
		}
		if out := d.ok("whoami"); !strings.Contains(out, ana.email) || !strings.Contains(out, s.url) {
			t.Errorf("whoami: %s", out)
		}
		acme := ana.found(object{"name": "Acme"})
		if out := d.ok("orgs"); !strings.Contains(out, "Acme") || strings.Count(out, "*") != 1 {
			t.Errorf("orgs: %s", out)
		}
		d.ok("use", "acme")
		d.fails(4, "no organisation", "use", "nobody")
		if out := d.ok("drives", "--json"); !strings.Contains(out, acme.drive) {
			t.Errorf("drives: %s", out)
		}
		d.ok("mkdir", "Library:/shared/deep")
		if out := d.ok("ls", "library:/shared"); !strings.Contains(out, "deep/") {
			t.Errorf("ls: %s", out)
		}
		d.ok("use", ana.org)
		d.transfers()
		d.moves()
		d.syncs()
		d.refused()
	})
}

// transfers sends a tree and fetches it.
func (d *desk) transfers() {
	t := d.t
	for i := range 48 {
		d.write(fmt.Sprintf("tree/f%02d.bin", i), content(byte(i), 1000*i))
	}
	d.write("tree/sub/big.bin", content(7, 70<<20))
	d.write("tree/sub/deep/ü.txt", []byte("a name"))
	if sum := summed(t, d.ok("upload", "tree", "--to", "/up/here", "--json")); sum.Transferred != 50 {
		t.Errorf("uploaded %+v", sum)
	}
	if sum := summed(t, d.ok("upload", "tree", "--to", "/up/here", "--json")); sum.Transferred != 0 || sum.Unchanged != 50 {
		t.Errorf("uploaded again %+v", sum)
	}
	if out := d.ok("ls", "/up/here/tree/sub"); !strings.Contains(out, "73.4 MB") || !strings.Contains(out, "deep/") {
		t.Errorf("ls: %s", out)
	}
	d.ok("download", "/up/here/tree", "--to", "down")
	want := d.sums("tree")
	if got := d.sums("down/tree"); !maps.Equal(got, want) {
		t.Errorf("%d files came down, not the %d that went up", len(got), len(want))
	}
	d.write("down/tree/f03.bin", []byte("mine"))
	d.fails(6, "--overwrite", "download", "/up/here/tree", "--to", "down")
	if got := d.sums("down/tree"); got["/f03.bin"] != sha256Of([]byte("mine")) {
		t.Error("a file was replaced")
	}
	d.write("down/tree/sub/big.bin.part", content(7, 70<<20)[:30<<20]) // as it was broken off
	if err := os.Remove(filepath.Join(d.home, "down", "tree", "sub", "big.bin")); err != nil {
		t.Fatal(err)
	}
	d.ok("download", "/up/here/tree", "--to", "down", "--overwrite")
	if got := d.sums("down/tree"); !maps.Equal(got, want) {
		t.Errorf("the files are not those of the drive")
	}
}

func (d *desk) moves() {
	t := d.t
	d.ok("mv", "/up/here/tree/f01.bin", "/up/here/tree/f02.bin", "/up")
	d.ok("mv", "/up/f01.bin", "/one.bin")
	d.ok("cp", "/one.bin", "/up/two.bin")
	if out := d.ok("ls"); !strings.Contains(out, "one.bin") {
		t.Errorf("ls: %s", out)
	}
	d.fails(6, "choose another name", "cp", "/one.bin", "/up/two.bin")
	d.ok("rm", "/one.bin")
	d.fails(4, "there is no /one.bin", "rm", "/one.bin")
	if out := d.ok("restore"); !strings.Contains(out, "one.bin") {
		t.Errorf("trash: %s", out)
	}
	d.ok("restore", "one.bin")
	d.ok("rm", "/one.bin", "--permanent")
	d.fails(4, "in the trash", "restore", "one.bin")
}

// syncs keeps a directory and a folder alike, one way and the other.
func (d *desk) syncs() {
	t := d.t
	d.write("site/index.html", []byte("<h1>"))
	d.write("site/img/a.png", content(1, 5000))
	d.ok("sync", "site", "/site")
	d.write("site/index.html", []byte("<h2>"))
	d.write("site/new.txt", []byte("new"))
	if err := os.RemoveAll(filepath.Join(d.home, "site", "img")); err != nil {
		t.Fatal(err)
	}
	for _, dry := range []bool{true, false} {
		args := []string{"sync", "site", "/site", "--delete", "--json"}
		if dry {
			args = append(args, "--dry-run")
		}
		if sum := summed(t, d.ok(args...)); sum.Transferred != 2 || sum.Deleted != 1 || sum.Unchanged != 0 {
			t.Errorf("sync %+v", sum)
		}
	}
	if sum := summed(t, d.ok("sync", "site", "/site", "--delete", "--json")); sum.Unchanged != 2 || sum.Transferred+sum.Deleted != 0 {
		t.Errorf("sync again %+v", sum)
	}
	d.write("copy/old.txt", []byte("old"))
	d.fails(2, "--yes", "sync", "copy", "/site", "--down", "--delete")
	d.ok("sync", "copy", "/site", "--down")
	if got := d.sums("copy"); len(got) != 3 {
		t.Errorf("%v", got)
	}
	d.ok("sync", "copy", "/site", "--down", "--delete", "--yes")
	if !maps.Equal(d.sums("copy"), d.sums("site")) {
		t.Errorf("%v", d.sums("copy"))
	}
}

// refused is what cannot be done, and how one is told.
func (d *desk) refused() {
	big, err := os.Create(filepath.Join(d.home, "large"))
	if err != nil {
		d.t.Fatal(err)
	}
	if err := big.Truncate(101_000_000); err != nil {
		d.t.Fatal(err)
	}
	big.Close()
	d.fails(7, "too large for the licence", "upload", "large")
	d.fails(2, "--help", "ls", "--nope")
	d.fails(2, "--help", "mkdir")
	d.fails(4, "check the path", "upload", "none")
	d.fails(4, "coffer ls", "download", "/none")
	d.with(settings{"COFFER_TOKEN": "nonsense"}).fails(3, "COFFER_TOKEN", "whoami")
	d.with(settings{"COFFER_TOKEN": "nonsense", "COFFER_SERVER": "http://127.0.0.1:1"}).fails(8, "check the address", "whoami")
	d.ok("logout")
	d.fails(3, "coffer login", "whoami", "--server", d.s.url)
}

func TestScriptsAndVisitorsGetWhatTheCommandLineMade(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		d := s.desk()
		d.logIn(ana)
		d.write("note.txt", []byte("a note"))
		d.ok("upload", "note.txt")
		link := strings.TrimSpace(d.ok("share", "/note.txt"))
		if a := fetch(t, link); a.status != http.StatusOK || !strings.Contains(string(a.body), "note.txt") {
			t.Errorf("%s: %d %s", link, a.status, a.body)
		}
		d.fails(7, "licence", "share", "/note.txt", "--max-views", "3")
		if link := strings.TrimSpace(d.ok("request", "/inbox", "--max-files", "3")); fetch(t, link).status != http.StatusOK {
			t.Errorf("a request at %s", link)
		}

		var issued struct{ Key string }
		if err := json.Unmarshal([]byte(d.ok("keys", "create", "bot", "--permissions", "read,write", "--json")), &issued); err != nil {
			t.Fatal(err)
		}
		bot := s.desk().with(settings{"COFFER_API_KEY": issued.Key, "COFFER_SERVER": s.url})
		bot.write("log.txt", []byte("a line"))
		bot.ok("upload", "log.txt", "--to", "/logs")
		bot.ok("download", "/note.txt")
		if got := bot.sums("note.txt")[""]; got != sha256Of([]byte("a note")) {
			t.Error("another note")
		}
		bot.fails(5, "permissions", "rm", "/note.txt")
		bot.fails(5, "permissions", "keys", "ls")
		if _, stdout, stderr := bot.say("", "whoami"); strings.Contains(stdout+stderr, issued.Key) || !strings.Contains(stdout, issued.Key[:11]) || !strings.Contains(stdout, "bot") {
			t.Errorf("whoami: %s", stdout)
		}
		bot.ok("ls", "/logs", "--drive", ana.drive, "--org", ana.org) // as it had to be said once
		bot.fails(2, "--drive", "ls", "--drive", "Other")
		bot.fails(2, "--org", "ls", "--org", "acme")
		s.desk().with(settings{"COFFER_API_KEY": "pk_" + strings.Repeat("0", 40), "COFFER_SERVER": s.url}).fails(3, "coffer keys create", "ls")
		token := s.desk().with(settings{"COFFER_TOKEN": ana.token, "COFFER_SERVER": s.url})
		if out := token.ok("ls", "/logs"); !strings.Contains(out, "log.txt") {
			t.Errorf("ls: %s", out)
		}

		d.ok("groups", "create", "Summer")
		d.ok("groups", "add", "Summer", "/note.txt")
		if out := d.ok("groups", "files", "Summer"); !strings.Contains(out, "note.txt") {
			t.Errorf("group: %s", out)
		}
		d.ok("products", "create", "Notes", "--amount", "500")
		d.ok("products", "add", "notes", "/note.txt")
		if out := d.ok("products", "publish", "notes"); !strings.Contains(out, "published") {
			t.Errorf("product: %s", out)
		}
	})
}

// Two commands at once have one refresh token, which is good for one use.
func TestManyCommandsRenewOneSignIn(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		d := s.desk()
		d.logIn(ana)
		text, err := os.ReadFile(d.credentials())
		if err != nil {
			t.Fatal(err)
		}
		expired := strings.Replace(string(text), `"access_token": "`, `"access_token": "x`, 1)
		if err := os.WriteFile(d.credentials(), []byte(expired), 0o600); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				if code, _, stderr := d.say("", "whoami"); code != 0 {
					t.Errorf("exit code %d: %s", code, stderr)
				}
			})
		}
		all.Wait()
		d.ok("whoami")
	})
}

// On a terminal one sees a bar, and not the password; a pipe has neither.
func TestTheTerminalShowsProgressAndNoPassword(t *testing.T) {
	tellOn(t, []wiring{sqliteDisk}, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		d := s.desk()
		out := d.onTerminal(password+"\n", "Password: ", "login", "--server", s.url, "--email", ana.email)
		if !strings.Contains(out, "Signed in") || strings.Contains(out, password) {
			t.Errorf("login: %q", out)
		}
		d.write("big.bin", content(3, 60<<20))
		if out := d.onTerminal("", "", "upload", "big.bin"); !strings.Contains(out, "uploading") || !strings.Contains(out, "%") || !strings.Contains(out, "\r") {
			t.Errorf("upload: %q", out)
		}
		code, stdout, stderr := d.say("", "upload", "big.bin", "--to", "/again")
		if code != 0 || strings.Contains(stdout+stderr, "\r") || stdout != "1 files uploaded (62.9 MB)\n" {
			t.Errorf("in a pipe: %d %q %q", code, stdout, stderr)
		}
	})
}

// onTerminal runs a command on a terminal, and answers once it asks.
func (d *desk) onTerminal(answer, after string, args ...string) string {
	d.t.Helper()
	cmd := d.command(d.t.Context(), args...)
	cmd.SysProcAttr = nil // the terminal's
	tty, err := pty.Start(cmd)
	if err != nil {
		d.t.Fatal(err)
	}
	defer tty.Close()
	var out strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := tty.Read(buf)
		out.Write(buf[:n])
		if answer != "" && strings.Contains(out.String(), after) {
			time.Sleep(100 * time.Millisecond) // until it does not echo
			if _, err := tty.WriteString(answer); err != nil {
				d.t.Fatal(err)
			}
			answer = ""
		}
		if err != nil { // it has ended
			break
		}
	}
	if err := cmd.Wait(); err != nil {
		d.t.Errorf("coffer %v: %v: %s", args, err, out.String())
	}
	return out.String()
}

func TestAnUploadSurvivesKillsOfClientAndServer(t *testing.T) {
	tell(t, settings{"COFFER_SELF_HOSTED_UNLIMITED": "true"}, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		d := s.desk()
		d.logIn(ana)
		for _, kill := range []string{"client", "server"} {
			name := kill + ".bin"
			sum := d.random(name, 300<<20)
			cmd := d.command(t.Context(), "upload", name, "--parts", "1", "--quiet")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			asset := d.underWay(ana)
			if kill == "server" {
				s.crash()
			} else if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // it was killed, or its server was
			out := d.ok("upload", name, "--json")
			if done := summed(t, out); done.Transferred+done.Unchanged != 1 {
				t.Errorf("%s", out)
			}
			node := ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/assets/"+asset, nil)
			if node.text("name") != name || node.text("checksum_sha256") != sum || node.number("current_version") != 1 {
				t.Errorf("it was not gone on with: %s", node.body)
			}
			d.ok("download", "/"+name, "--to", "down")
			if got := d.sums("down")["/"+name]; got != sum {
				t.Errorf("%s: other bytes came back", name)
			}
		}
		if left, err := filepath.Glob(filepath.Join(d.home, ".cache", "coffer", "uploads", "*")); err != nil || len(left) != 0 {
			t.Errorf("uploads that are over: %v %v", left, err)
		}
	})
}

// random makes a file and returns its SHA-256.
func (d *desk) random(name string, size int64) string {
	d.t.Helper()
	f, err := os.Create(filepath.Join(d.home, name))
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(f, h), rand.NewChaCha8(sha256.Sum256([]byte(name))), size); err != nil {
		d.t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// underWay waits until a part of an upload has arrived, and returns its asset.
func (d *desk) underWay(u *user) (asset string) {
	d.t.Helper()
	eventually(d.t, "a part arrives", func() bool {
		files, err := filepath.Glob(filepath.Join(d.home, ".cache", "coffer", "uploads", "*"))
		if err != nil || len(files) != 1 {
			return false
		}
		text, err := os.ReadFile(files[0])
		if err != nil {
			return false
		}
		asset = strings.TrimSpace(string(text))
		a := u.ask("GET", "/api/assets/"+asset+"/upload", nil)
		return a.status == http.StatusOK && !strings.Contains(string(a.body), `"parts":[]`)
	})
	return asset
}
