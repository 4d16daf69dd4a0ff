package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

func TestAFolderIsPublishedFromTheCommandLine(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		d := s.desk()
		d.logIn(ana)
		for n := range 5 {
			d.write("Harbour/pics/"+string(rune('a'+n))+".png", coloured(byte(n)))
		}
		d.write("Harbour/walk.mp4", content(5, 200_000))
		d.write("Harbour/walk.vtt", []byte("WEBVTT\n\n00:00.000 --> 00:02.000\nHi.\n"))
		d.write("Harbour/.hidden", []byte("x"))
		if out := d.ok("dataset", "publish", "Harbour", "--dry-run"); strings.Count(out, "\n") != 6 || !strings.Contains(out, `"role":"transcript"`) {
			t.Errorf("the manifest: %s", out)
		}
		if sum := summed(t, d.ok("dataset", "publish", "Harbour", "--json")); sum.Transferred != 7 {
			t.Errorf("published %+v", sum)
		}
		if out := d.ok("dataset", "publish", "Harbour"); !strings.Contains(out, "nothing to publish") || !strings.Contains(out, "7 already there") {
			t.Errorf("again: %s", out)
		}
		d.write("Harbour/pics/a.png", coloured(100))
		if out := d.ok("dataset", "publish", "Harbour"); !strings.Contains(out, "Version 2 of harbour is published: 6 items.") || !strings.Contains(out, "1 files uploaded") {
			t.Errorf("a second version: %s", out)
		}
		if out := d.ok("dataset", "versions", "harbour", "--json"); strings.Count(out, `"number"`) != 2 {
			t.Errorf("versions: %s", out)
		}
		d.ok("dataset", "get", "harbour", "got")
		got, want := d.sums("got"), d.sums("Harbour")
		delete(got, "/manifest.ndjson")
		delete(want, "/.hidden")
		if !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if out := d.ok("dataset", "publish", "got", "--slug", "harbour"); !strings.Contains(out, "nothing to publish") {
			t.Errorf("what was got: %s", out)
		}
		d.ok("dataset", "get", "harbour", "old", "--version", "1")
		if d.sums("old")["/pics/a.png"] != sha256Of(coloured(0)) {
			t.Error("the first version has another picture")
		}
		d.fails(6, "--overwrite", "dataset", "get", "harbour", "old")
		d.fails(4, "coffer dataset ls", "dataset", "get", "none")
		d.failsByLine()
	})
}

// failsByLine publishes what is not sound, and then mends it.
func (d *desk) failsByLine() {
	d.t.Helper()
	good := `{"external_id":"a","type":"image","assets":[{"role":"main","path":"1.png"}]}` + "\n"
	d.write("bad/1.png", coloured(1))
	d.write("bad/manifest.ndjson", []byte(good+"\n{broken\n"+strings.ReplaceAll(good, "1.png", "2.png")))
	d.fails(2, "manifest.ndjson:3: ", "dataset", "publish", "bad", "--slug", "bad-one")
	d.fails(2, "manifest.ndjson:4: /assets/0: ", "dataset", "publish", "bad", "--slug", "bad-one")
	_, out, _ := d.say("", "dataset", "publish", "bad", "--slug", "bad-one", "--json")
	var first struct {
		Line          int64
		Pointer, Code string
	}
	for line := range strings.Lines(out) {
		if strings.Contains(line, `"asset_unknown"`) && json.Unmarshal([]byte(line), &first) != nil {
			d.t.Errorf("%s", line)
		}
	}
	if first.Line != 4 || first.Pointer != "/assets/0" {
		d.t.Errorf("failures: %s", out)
	}
	d.write("bad/manifest.ndjson", []byte(good))
	if out := d.ok("dataset", "publish", "bad", "--slug", "bad-one"); !strings.Contains(out, "Version 1 of bad-one") {
		d.t.Errorf("mended: %s", out)
	}
}

func TestAPublicationGoesOnAfterAKillAndShowsProgress(t *testing.T) {
	tellOn(t, []wiring{sqliteDisk}, settings{"COFFER_SELF_HOSTED_UNLIMITED": "true"}, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		d := s.desk()
		d.logIn(ana)
		if err := os.MkdirAll(filepath.Join(d.home, "films"), 0o755); err != nil {
			t.Fatal(err)
		}
		d.random("films/big.mp4", 200<<20)
		for _, end := range []os.Signal{syscall.SIGKILL, syscall.SIGINT} {
			cmd := d.command(t.Context(), "dataset", "publish", "films", "--parts", "1", "--quiet")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "a session is noted", func() bool {
				found, err := filepath.Glob(filepath.Join(d.home, ".cache", "coffer", "sessions", "*"))
				return err == nil && len(found) == 1
			})
			time.Sleep(300 * time.Millisecond) // until bytes are on their way
			if err := cmd.Process.Signal(end); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // it was killed
			if code := cmd.ProcessState.ExitCode(); end == syscall.SIGINT && code != 130 {
				t.Errorf("interrupted: exit code %d", code)
			}
		}
		out := d.onTerminal("", "", "dataset", "publish", "films")
		if !strings.Contains(out, "Version 1 of films is published: 1 items.") || !strings.Contains(out, "uploading") || !strings.Contains(out, "\r") {
			t.Errorf("on a terminal: %q", out)
		}
		if left, err := filepath.Glob(filepath.Join(d.home, ".cache", "coffer", "sessions", "*")); err != nil || len(left) != 0 {
			t.Errorf("sessions that are over: %v %v", left, err)
		}
	})
}

// An upload that is interrupted on a terminal leaves it as it was, and goes on.
func TestAnInterruptedUploadGoesOn(t *testing.T) {
	tellOn(t, []wiring{sqliteDisk}, settings{"COFFER_SELF_HOSTED_UNLIMITED": "true"}, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		d := s.desk()
		d.logIn(ana)
		d.random("big.bin", 300<<20)
		cmd := d.command(t.Context(), "upload", "big.bin", "--parts", "1")
		cmd.SysProcAttr = nil // the terminal's
		tty, err := pty.Start(cmd)
		if err != nil {
			t.Fatal(err)
		}
		defer tty.Close()
		go func() {
			buf := make([]byte, 4096)
			for {
				if _, err := tty.Read(buf); err != nil {
					return
				}
			}
		}()
		asset := d.underWay(ana)
		if _, err := tty.WriteString("\x03"); err != nil { // as one types it
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was interrupted
		if code := cmd.ProcessState.ExitCode(); code != 130 {
			t.Errorf("exit code %d", code)
		}
		d.ok("upload", "big.bin")
		if node := ana.want(200, "GET", "/api/orgs/"+ana.org+"/assets/"+asset, nil); node.number("current_version") != 1 {
			t.Errorf("it was not gone on with: %s", node.body)
		}
	})
}

func TestUploadsAndLinksDoAsTheFlagsSay(t *testing.T) {
	tellOn(t, []wiring{sqliteDisk}, settings{"COFFER_SELF_HOSTED_UNLIMITED": "true"}, func(t *testing.T, s *server) {
		d := s.desk()
		d.logIn(s.signUp("ana"))
		d.write("a.txt", []byte("one"))
		d.ok("upload", "a.txt")
		d.write("a.txt", []byte("two"))
		d.fails(6, "choose another name", "upload", "a.txt", "--on-conflict", "fail")
		d.fails(2, "--help", "upload", "a.txt", "--on-conflict", "nonsense")
		d.ok("upload", "a.txt", "--on-conflict", "rename")
		if out := d.ok("ls"); !strings.Contains(out, "a (1).txt") {
			t.Errorf("ls: %s", out)
		}
		var link struct {
			Share struct {
				MaxViews     int64 `json:"max_views"`
				MaxDownloads int64 `json:"max_downloads"`
				Watermark    bool
			}
		}
		out := d.ok("share", "/a.txt", "--max-views", "3", "--max-downloads", "2", "--watermark", "--json")
		if err := json.Unmarshal([]byte(out), &link); err != nil || link.Share.MaxViews != 3 || link.Share.MaxDownloads != 2 || !link.Share.Watermark {
			t.Errorf("%v: %s", err, out)
		}
	})
}
