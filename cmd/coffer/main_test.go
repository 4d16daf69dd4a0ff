package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/seed-755a8038/coffer"
	"github.com/seed-755a8038/coffer/ports"
)

func command(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

func TestMistakesOfTheOperatorExitWith2AndOneLine(t *testing.T) {
	clean(t)
	for _, args := range [][]string{
		{"nope"},
		{"serve", "--nope"},
		{"serve", "now"},
		{"migrate"},
		{"migrate", "down"},
		{"config", "--config"},
		{"config", "--config", "/none/coffer.yaml"},
		{"fsck", "--json=maybe"},
		{"version", "x"},
	} {
		code, stdout, stderr := command(t, args...)
		if code != exitUsage || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "coffer: ") {
			t.Errorf("%q: exit code %d, stdout %q, stderr %q", args, code, stdout, stderr)
		}
	}
	t.Setenv("COFFER_ENV", "staging")
	for _, args := range [][]string{{"serve"}, {"config"}, {"doctor"}, {"fsck"}, {"migrate", "up"}, {"migrate", "status"}, {"health"}} {
		if code, _, stderr := command(t, args...); code != exitUsage || !strings.Contains(stderr, "COFFER_ENV") {
			t.Errorf("%q: exit code %d, stderr %q", args, code, stderr)
		}
	}
}

func TestHelpListsTheCommandsPeopleUse(t *testing.T) {
	clean(t)
	for _, args := range [][]string{{}, {"--help"}, {"help"}} {
		code, stdout, _ := command(t, args...)
		for _, name := range []string{"serve", "migrate", "config", "doctor", "fsck", "version", "login", "upload", "completion"} {
			if !strings.Contains(stdout, "\n  "+name+" ") {
				t.Errorf("%q does not list %s", args, name)
			}
		}
		if code != exitOK || strings.Contains(stdout, "\n  openapi ") || strings.Contains(stdout, "\n  health ") || strings.Contains(stdout, "\n  cli-reference ") {
			t.Errorf("%q: exit code %d: %s", args, code, stdout)
		}
	}
}

func TestVersionNamesTheBuild(t *testing.T) {
	code, stdout, _ := command(t, "version")
	if code != exitOK || !strings.HasPrefix(stdout, "coffer ") || !strings.Contains(stdout, ", go1.") || strings.Count(stdout, "\n") != 1 {
		t.Errorf("exit code %d: %q", code, stdout)
	}
}

func TestConfigHidesSecretsAndNamesSources(t *testing.T) {
	clean(t)
	const jwt, s3Key, dbPassword = "kT3vX9qLmZ2wRb7YfH4sNc8JdP6gQa1U", "key-of-the-bucket", "hunter22"
	writeFile(t, "coffer.yaml", "http: {addr: 127.0.0.1:1}\nauth: {jwt_secret: "+jwt+"}\n")
	t.Setenv("COFFER_DATABASE_URL", "postgres://u:"+dbPassword+"@h/db?sslpassword="+dbPassword)
	t.Setenv("S3_BUCKET", "files")
	t.Setenv("S3_REGION", "eu-west-1")
	t.Setenv("S3_ACCESS_KEY_ID", "id")
	t.Setenv("S3_SECRET_ACCESS_KEY", s3Key)
	code, asYAML, stderr := command(t, "config")
	if code != exitOK {
		t.Fatal(stderr)
	}
	for _, want := range []string{
		"# file: ./coffer.yaml", "  addr: 127.0.0.1:1 # file, COFFER_HTTP_ADDR", "  jwt_secret: (hidden) # file, COFFER_AUTH_JWT_SECRET",
		"  bucket: files # environment, S3_BUCKET", "  level: info # default, COFFER_LOG_LEVEL", "  max_conns: 8 # default",
		"  cors_origins: [] # default",
	} {
		if !strings.Contains(asYAML, want) {
			t.Errorf("%q is not in:\n%s", want, asYAML)
		}
	}
	_, asJSON, _ := command(t, "config", "--json")
	var all map[string]struct {
		Value       any
		Source, Env string
	}
	if err := json.Unmarshal([]byte(asJSON), &all); err != nil {
		t.Fatal(err)
	}
	if s := all["database.url"]; len(all) != len(coffer.Settings()) || s.Source != fromEnvironment || s.Env != "COFFER_DATABASE_URL" ||
		s.Value != "postgres://u:xxxxx@h/db?sslpassword=xxxxx" || all["database.max_conns"].Value != 8.0 {
		t.Errorf("%s", asJSON)
	}
	for _, secret := range []string{jwt, s3Key, dbPassword} {
		if strings.Contains(asYAML+asJSON+stderr, secret) {
			t.Errorf("%s is shown", secret)
		}
	}
}

func TestWhatConfigPrintsCanBeReadAgain(t *testing.T) {
	clean(t)
	_, first, _ := command(t, "config")
	file := writeFile(t, "copy.yaml", first)
	code, second, stderr := command(t, "config", "--config", file)
	if code != exitOK || !strings.Contains(second, "addr: 127.0.0.1:8080 # file") {
		t.Errorf("exit code %d: %s %s", code, second, stderr)
	}
}

func TestConfigChangesNothing(t *testing.T) {
	clean(t)
	_, stdout, _ := command(t, "config")
	if !strings.Contains(stdout, `jwt_secret: "" # generated into coffer-data/jwt-secret, COFFER_AUTH_JWT_SECRET`) {
		t.Errorf("%s", stdout)
	}
	if entries, err := os.ReadDir("."); err != nil || len(entries) != 0 {
		t.Errorf("files: %v, %v", entries, err)
	}
}

func TestErrorsOfLibrariesRevealNoSecret(t *testing.T) {
	clean(t)
	t.Setenv("COFFER_DATABASE_URL", "postgres://u:hunter%4022@h/db")
	l := loader{}
	if _, err := l.load(); err != nil {
		t.Fatal(err)
	}
	got := l.hideSecrets("connect to postgres://u:hunter%4022@h/db: password hunter@22 refused")
	if strings.Contains(got, "hunter") {
		t.Error(got)
	}
}

func TestHealthAsksTheServerOnThisMachine(t *testing.T) {
	clean(t)
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			status = http.StatusNotFound
		}
		w.WriteHeader(status)
	}))
	t.Setenv("COFFER_HTTP_ADDR", strings.TrimPrefix(server.URL, "http://"))
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	if code, _, stderr := command(t, "health"); code != exitOK {
		t.Errorf("a healthy server: exit code %d: %s", code, stderr)
	}
	status = http.StatusServiceUnavailable
	if code, _, stderr := command(t, "health"); code != exitError || !strings.Contains(stderr, "503") {
		t.Errorf("a sick server: exit code %d: %s", code, stderr)
	}
	server.Close()
	if code, _, stderr := command(t, "health"); code != exitError || strings.Count(stderr, "\n") != 1 {
		t.Errorf("no server: exit code %d: %s", code, stderr)
	}
}

func TestFindingsAreReadable(t *testing.T) {
	text, wrong := describe([]ports.Finding{
		{Check: "database", OK: true, Detail: "answers"},
		{Check: "clock", OK: true, Warning: true, Detail: "2 s behind"},
		{Check: "cors", Detail: "not set;\nrun --fix-cors"},
	})
	want := "ok    database: answers\nwarn  clock: 2 s behind\nFAIL  cors: not set;\n      run --fix-cors\n"
	if wrong != 1 || text != want {
		t.Errorf("%d problems:\n%s", wrong, text)
	}
}

func TestMigrationsAreListed(t *testing.T) {
	var out bytes.Buffer
	err := writeMigrations(&out, []coffer.MigrationState{{Name: "00001_users.sql", Applied: true}, {Name: "00002_x.sql"}})
	want := "MIGRATION        STATE\n00001_users.sql  applied\n00002_x.sql      pending\n"
	if err != nil || out.String() != want {
		t.Errorf("%v:\n%s", err, out.String())
	}
}

func TestFsckCountsWhatIsLeft(t *testing.T) {
	report := coffer.FsckReport{Checks: 9, Problems: []coffer.FsckProblem{
		{Check: "usage", Subject: "org 1", Detail: "used 5, counted 4", Repaired: true},
		{Check: "blobs", Subject: "a/b", Detail: "missing"},
	}}
	var out bytes.Buffer
	left, err := writeFsck(&out, report, false)
	want := "repaired  usage: org 1: used 5, counted 4\nFAIL      blobs: a/b: missing\n9 checks, 2 problems, 1 repaired\n"
	if err != nil || left != 1 || out.String() != want {
		t.Errorf("%d left, %v:\n%s", left, err, out.String())
	}
	out.Reset()
	if left, err := writeFsck(&out, report, true); err != nil || left != 1 || !json.Valid(out.Bytes()) {
		t.Errorf("%d left, %v:\n%s", left, err, out.String())
	}
}

func TestUsageErrorsAreFoundInsideOthers(t *testing.T) {
	err := fmt.Errorf("x: %w", &usageError{os.ErrNotExist})
	if _, ok := errors.AsType[*usageError](err); !ok || !errors.Is(err, os.ErrNotExist) {
		t.Error("lost")
	}
}
