package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-755a8038/coffer/client"
)

func TestPathsNameADriveOrNone(t *testing.T) {
	for text, want := range map[string][2]string{
		"":                   {"", "/"},
		"/":                  {"", "/"},
		"a/b/":               {"", "/a/b"},
		"/a/../b":            {"", "/b"},
		"../../a":            {"", "/a"},
		"Library:":           {"Library", "/"},
		"Library:/a":         {"Library", "/a"},
		"Library:a/b":        {"Library", "/a/b"},
		":/a":                {"", "/a"},
		"/a:b":               {"", "/a:b"},
		"Library:/a:b/c":     {"Library", "/a:b/c"},
		"My Drive:/ü/x y.md": {"My Drive", "/ü/x y.md"},
	} {
		if drive, path := splitPath(text); drive != want[0] || path != want[1] {
			t.Errorf("%q: %q %q, want %q", text, drive, path, want)
		}
	}
}

func TestNamesThatLeadElsewhereAreNone(t *testing.T) {
	for _, name := range []string{"", ".", "..", "a/b", "/a", "../a", "a\x00b"} {
		if goodName(name) {
			t.Errorf("%q is taken", name)
		}
	}
	for _, name := range []string{"a", "...", "..a", "a b", "ü", "-rf", ".ssh"} {
		if !goodName(name) {
			t.Errorf("%q is refused", name)
		}
	}
}

func TestServersHaveOneSpelling(t *testing.T) {
	for text, want := range map[string]string{
		"https://Files.example.com/": "https://files.example.com", "http://127.0.0.1:80/x//": "http://127.0.0.1:80/x",
		"ftp://a": "", "files.example.com": "", "https://": "", "https://u:p@a": "", "https://a?b": "", "://": "",
	} {
		got, err := cleanServer(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q %v", text, got, err)
		}
	}
}

func TestErrorsHaveTheirExitCodes(t *testing.T) {
	a := &app{server: "https://a"}
	for _, c := range []struct {
		err  error
		code int
	}{
		{&client.Error{Status: 401, Code: "unauthenticated"}, ExitSignIn},
		{&client.Error{Status: 401, Code: "something_new"}, ExitSignIn},
		{&client.Error{Status: 404, Code: "not_found"}, ExitNotFound},
		{&client.Error{Status: 410, Code: "share_expired"}, ExitNotFound},
		{&client.Error{Status: 403, Code: "forbidden"}, ExitNotAllowed},
		{&client.Error{Status: 403, Code: "limit_exceeded", Members: map[string]any{"limit": "max_total_storage_mb"}}, ExitLimit},
		{&client.Error{Status: 403, Code: "feature_unavailable"}, ExitLimit},
		{&client.Error{Status: 402, Code: "payment_required"}, ExitLimit},
		{&client.Error{Status: 409, Code: "name_taken"}, ExitConflict},
		{&client.Error{Status: 422, Code: "validation_failed"}, ExitUsage},
		{&client.Error{Status: 503, Code: "unavailable"}, ExitUnreachable},
		{&client.Error{Status: 500, Code: "internal", RequestID: "x"}, ExitError},
		{&client.UnreachableError{Server: "https://a", Err: errors.New("refused")}, ExitUnreachable},
		{context.Canceled, ExitInterrupted},
		{os.ErrNotExist, ExitNotFound},
		{os.ErrPermission, ExitNotAllowed},
		{errors.New("else"), ExitError},
	} {
		e, ok := errors.AsType[*Error](a.explain(c.err))
		if !ok || e.Code != c.code || c.code != ExitError && e.Next == "" {
			t.Errorf("%v: %+v, want %d", c.err, e, c.code)
		}
	}
}

func TestMomentsAreReadAsPeopleWriteThem(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"7d": now.AddDate(0, 0, 7), "12h": now.Add(12 * time.Hour),
		"2026-12-31":           time.Date(2026, 12, 31, 0, 0, 0, 0, time.Local),
		"2026-12-31T18:00:00Z": time.Date(2026, 12, 31, 18, 0, 0, 0, time.UTC),
	} {
		if got, err := moment(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v %v", text, got, err)
		}
	}
	for _, text := range []string{"soon", "-1h", "0d", "7", "2026-13-01"} {
		if _, err := moment(text, now); err == nil {
			t.Errorf("%q is a time", text)
		}
	}
}

func TestTerminalsAreNotToldWhatToDo(t *testing.T) {
	if got := plain("a\x1b[2Jb\u202ec\n"); got != "a\ufffd[2Jb\ufffdc\ufffd" {
		t.Errorf("%q", got)
	}
}

func TestCredentialsAreForTheUserAlone(t *testing.T) {
	f := &credentialsFile{filepath.Join(t.TempDir(), "coffer", "credentials.json")}
	var all sync.WaitGroup
	for i := range 8 { // as many processes would
		all.Go(func() {
			err := f.change(t.Context(), func(all *logins) { all.Servers[string(rune('a'+i))] = login{AccessToken: "t"} })
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	kept, err := f.read()
	if err != nil || len(kept.Servers) != 8 {
		t.Errorf("%d of 8 logins are kept: %v", len(kept.Servers), err)
	}
	for path, mode := range map[string]os.FileMode{f.path: 0o600, filepath.Dir(f.path): 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
	}
	if err := os.WriteFile(f.path, []byte(`{"servers": {"a": {"access_token": "secret`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.read(); err == nil || errors.Is(err, os.ErrNotExist) {
		t.Errorf("a broken file: %v", err)
	}
}

// Of two that hold one refresh token, the one that comes second takes what the first got.
func TestOneOfManyRenews(t *testing.T) {
	f := &credentialsFile{filepath.Join(t.TempDir(), "credentials.json")}
	if err := f.change(t.Context(), func(all *logins) {
		all.Servers["https://a"] = login{AccessToken: "new", RefreshToken: "r2"}
	}); err != nil {
		t.Fatal(err)
	}
	auth := f.auth("https://a", login{AccessToken: "old", RefreshToken: "r1"})
	now, unlock, err := auth.Lock(t.Context())
	if err != nil || now.AccessToken != "new" || now.RefreshToken != "r2" {
		t.Fatalf("%+v %v", now, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, _, err := auth.Lock(ctx); err == nil {
		t.Error("two hold the lock")
	}
	unlock()
}

func TestNothingIsWrittenOutsideTheDirectory(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Skip(err)
	}
	d := &downloader{transfer: &transfer{app: &app{}}}
	if err := d.openRoot(dir); err != nil {
		t.Fatal(err)
	}
	defer d.close()
	if err := d.mkdir("link/sub"); err == nil {
		t.Error("a folder was made outside")
	}
	err := d.fetch(t.Context(), remote{}, "link/file")
	if entries, _ := os.ReadDir(outside); err == nil || len(entries) != 0 {
		t.Errorf("%v: %v", err, entries)
	}
}

func TestSecretsAreForNoOtherProgram(t *testing.T) {
	got := withoutSecrets([]string{"A=1", envToken + "=x", envAPIKey + "=y", envServer + "=z"})
	if len(got) != 2 {
		t.Errorf("%v", got)
	}
}

func TestOnlyOtherMachinesNeedEncryption(t *testing.T) {
	for server, want := range map[string]bool{
		"https://a": false, "http://localhost:1": false, "http://127.0.0.1": false, "http://[::1]:8": false, "http://a": true, "http://10.0.0.1": true,
	} {
		if insecure(server) != want {
			t.Errorf("%s: %v", server, !want)
		}
	}
}

func TestTheReferenceIsWhatTheCommandsSay(t *testing.T) {
	for _, name := range Variables {
		t.Setenv(name, "") // they would be defaults
	}
	root := &cobra.Command{Use: "coffer"}
	Add(root, "dev")
	want, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "cli-reference.md"))
	if err != nil || string(want) != reference(root) {
		t.Errorf("write docs/cli-reference.md anew: go run ./cmd/coffer cli-reference (%v)", err)
	}
}
