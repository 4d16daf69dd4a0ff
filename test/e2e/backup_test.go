package e2e

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/test/env"
)

// postgresDisk keeps rows in PostgreSQL and files on the disk.
var postgresDisk = wiring{name: "PostgreSQL and disk", setup: func(t testing.TB, _ bool) settings {
	t.Helper()
	return settings{"COFFER_DATABASE_URL": env.Postgres(t)}
}}

// operatorsBlock returns the block of operations.md that has a command.
func operatorsBlock(t *testing.T, command string) string {
	t.Helper()
	for _, x := range blocksOf(t, "docs/operations.md") {
		if strings.Contains(x.text, command) && (x.info == "sh" || x.info == "shell") {
			return x.text
		}
	}
	t.Fatalf("operations.md has no block with %s", command)
	return ""
}

// withoutBucket leaves out the copy of a bucket: the files are on the disk.
func withoutBucket(script string) string {
	var kept strings.Builder
	for line := range strings.Lines(script) {
		if !strings.HasPrefix(line, "rclone ") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// TestABackupIsRestored carries out the commands of operations.md while somebody
// uploads, and finds in the restored place what was acknowledged before.
func TestABackupIsRestored(t *testing.T) {
	tellOn(t, []wiring{sqliteDisk, postgresDisk}, everything, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		var mu sync.Mutex
		kept := make(map[string]string) // asset to its text
		upload := func(i int) {
			text := fmt.Sprintf("file %d", i)
			id := ana.upload(object{"name": text}, []byte(text)).text("id")
			mu.Lock()
			defer mu.Unlock()
			kept[id] = text
		}
		for i := range 5 {
			upload(i)
		}
		before := maps.Clone(kept)
		ctx, stop := context.WithCancel(t.Context())
		var writer sync.WaitGroup
		writer.Go(func() {
			for i := 5; ctx.Err() == nil; i++ {
				upload(i)
			}
		})
		place, backup := t.TempDir(), operatorsBlock(t, "coffer backup")
		restore := operatorsBlock(t, "cp -a backup restored")
		to := newServer(t, s.wiring, everything)
		if url := s.env["COFFER_DATABASE_URL"]; url != "" {
			backup = withoutBucket(operatorsBlock(t, "pg_dump")) + strings.Replace(backup, "coffer backup ", ": ", 1)
			restore = "export COFFER_DATABASE_URL='" + to.env["COFFER_DATABASE_URL"] + "'\n" + operatorsBlock(t, "pg_restore") + restore
		}
		s.followsIn(place, backup)
		stop()
		writer.Wait()
		mu.Lock()
		t.Logf("%d files before the backup, %d after", len(before), len(kept))
		mu.Unlock()
		s.followsIn(place, restore)

		to.env["COFFER_DATA_DIR"] = filepath.Join(place, "restored")
		to.start()
		there := *ana
		there.client = &client{t: t, url: to.url}
		there.logIn()
		for id, text := range before {
			if got := there.download(id); string(got) != text {
				t.Errorf("%q came down, want %q", got, text)
			}
		}
		to.stop()

		// Files that came after the rows are nobody's. Once they are old, fsck says so,
		// and takes them away when it is told to.
		old := time.Now().Add(-48 * time.Hour)
		err := filepath.WalkDir(filepath.Join(place, "restored", "blobs", "objects"), func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			return os.Chtimes(path, old, old)
		})
		if err != nil {
			t.Fatal(err)
		}
		_, problems := to.findings()
		for _, p := range problems {
			if p.Check != "a blob has a row" {
				t.Errorf("%+v", p)
			}
		}
		if code, _ := to.findings("--repair"); code != 0 {
			t.Errorf("fsck --repair ends with %d", code)
		}
	})
}
