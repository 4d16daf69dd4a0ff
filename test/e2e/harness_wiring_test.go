package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
	name   string
	s3     bool
	schema bool // the database has its schema before the first start
	setup  func(t testing.TB, schema bool) settings
}

// withSchema is the wiring whose databases are copies of one that `coffer migrate up`
// has made, once in this process: to migrate takes longer than most stories.
func (w wiring) withSchema() wiring {
	w.schema = true
	return w
}

// migrate makes the schema.
func migrate(dir string, environ ...string) error {
	built, err := theProgram()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(context.Background(), built, "migrate", "up")
	cmd.Dir, cmd.Env = dir, slices.Concat(environ, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir})
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("coffer migrate up: %w: %s", err, out)
	}
	return nil
}

// theSchema is the content of a new SQLite database.
var theSchema = sync.OnceValues(func() ([]byte, error) {
	dir := filepath.Join(buildDir, "schema")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	if err := migrate(dir); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, dataDir, sqliteFile))
})

const (
	dataDir    = "coffer-data" // below where the server runs
	sqliteFile = "coffer.db"   // in there
)

// putSchema is withSchema for SQLite, where the server has its directory.
func putSchema(t testing.TB, dir string) {
	t.Helper()
	schema, err := theSchema()
	if err == nil {
		err = os.Mkdir(filepath.Join(dir, dataDir), 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, dataDir, sqliteFile), schema, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// postgresURL returns the URL of a new database, empty or with the schema.
func postgresURL(t testing.TB, schema bool) string {
	t.Helper()
	if !schema {
		return env.Postgres(t)
	}
	return env.PostgresFrom(t, "coffer", func(url string) error { return migrate(t.TempDir(), "COFFER_DATABASE_URL="+url) })
}

var (
	sqliteDisk = wiring{name: "SQLite and disk", setup: func(testing.TB, bool) settings { return settings{} }}
	postgresS3 = wiring{name: "PostgreSQL and S3", s3: true, setup: func(t testing.TB, schema bool) settings {
		t.Helper()
		s := bucketOnly(t)
		s["COFFER_DATABASE_URL"] = postgresURL(t, schema)
		return s
	}}
	// stagedS3 is S3 without conditional writes: uploads are staged and copied.
	stagedS3 = wiring{name: "PostgreSQL and S3 without conditions", s3: true, setup: func(t testing.TB, schema bool) settings {
		t.Helper()
		s := postgresS3.setup(t, schema)
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
			s := newServer(t, w.withSchema(), extra)
			s.start()
			story(t, s)
		})
	}
}
