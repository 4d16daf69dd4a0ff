package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/seed-755a8038/coffer/test/env"
)

// buildDir is where the program is built; it goes with the test process.
var buildDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "coffer-e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
	buildDir = dir
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
	}
	os.Exit(code)
}

// theProgram is built once, as an operator would build it.
var theProgram = sync.OnceValues(func() (string, error) {
	path := filepath.Join(buildDir, "coffer")
	cmd := exec.CommandContext(context.Background(), "go", "build", "-o", path, "github.com/seed-755a8038/coffer/cmd/coffer")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.Join(err, errors.New(string(out)))
	}
	return path, nil
})

func program(t testing.TB) string {
	t.Helper()
	path, err := theProgram()
	if err != nil {
		t.Fatalf("build the program: %v", err)
	}
	return path
}

// wiring is a choice of database and blob store.
type wiring struct {
	name  string
	s3    bool
	setup func(testing.TB) settings
}

var (
	sqliteDisk = wiring{name: "SQLite and disk", setup: func(testing.TB) settings { return settings{} }}
	postgresS3 = wiring{name: "PostgreSQL and S3", s3: true, setup: func(t testing.TB) settings {
		t.Helper()
		s := bucketOnly(t)
		s["COFFER_DATABASE_URL"] = env.Postgres(t)
		return s
	}}
	// stagedS3 is S3 without conditional writes: uploads are staged and copied.
	stagedS3 = wiring{name: "PostgreSQL and S3 without conditions", s3: true, setup: func(t testing.TB) settings {
		t.Helper()
		s := postgresS3.setup(t)
		s["S3_CONDITIONAL_WRITES"] = "off"
		return s
	}}
)

// bucketOnly has files in a new bucket.
func bucketOnly(t testing.TB) settings {
	t.Helper()
	bucket := env.S3(t)
	return settings{
		"S3_ENDPOINT": bucket.Endpoint, "S3_REGION": bucket.Region, "S3_BUCKET": bucket.Bucket,
		"S3_ACCESS_KEY_ID": bucket.AccessKeyID, "S3_SECRET_ACCESS_KEY": bucket.SecretAccessKey, "S3_USE_PATH_STYLE": "true",
	}
}

// tell tells a story on SQLite with the disk and on PostgreSQL with S3, each
// with a new server that runs with the settings.
func tell(t *testing.T, extra settings, story func(t *testing.T, s *server)) {
	t.Helper()
	tellOn(t, []wiring{sqliteDisk, postgresS3}, extra, story)
}

func tellOn(t *testing.T, wirings []wiring, extra settings, story func(t *testing.T, s *server)) {
	t.Helper()
	t.Parallel()
	for _, w := range wirings {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, w, extra)
			s.start()
			story(t, s)
		})
	}
}
