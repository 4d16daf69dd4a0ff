package e2e

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"
)

// database opens the server's database beside it. It holds no connection between
// queries: who asks again and again would leave none for the other tests.
func (s *server) database() *sql.DB {
	s.t.Helper()
	driver, dsn := "pgx", s.env["COFFER_DATABASE_URL"]
	if dsn == "" {
		driver, dsn = "sqlite", filepath.Join(s.dataDir(), sqliteFile)+"?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		s.t.Fatal(err)
	}
	db.SetMaxIdleConns(0)
	s.t.Cleanup(func() { db.Close() })
	return db
}

func TestFsckFindsDamageAndMendsWhatItCan(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		asset := ana.upload(object{"name": "a.txt", "checksum_sha256": sha256Of([]byte("first"))}, []byte("first"))
		s.fsck() // beside the running server
		s.stop()
		db := s.database()
		change := func(query string) {
			t.Helper()
			if _, err := db.ExecContext(t.Context(), query); err != nil {
				t.Fatal(err)
			}
		}
		found := func(wantCode, want int, text string, args ...string) {
			t.Helper()
			code, problems := s.findings(args...)
			if code != wantCode || len(problems) != want {
				t.Errorf("fsck %v: %d, %+v", args, code, problems)
			}
			for _, p := range problems {
				if strings.Contains(p.Check+p.Detail, text) {
					return
				}
			}
			t.Errorf("fsck %v does not say %q: %+v", args, text, problems)
		}

		change("UPDATE org_usage SET used_bytes = used_bytes + 7, assets_count = 9")
		change("UPDATE drives SET used_bytes = 0")
		found(1, 3, "used bytes of an org")
		found(1, 3, "the assets of an org are counted") // looking changes nothing
		found(0, 3, "used bytes of a drive", "--repair")
		s.fsck()

		if s.wiring.s3 {
			change("UPDATE asset_versions SET blob_key = blob_key || '.gone'")
			found(1, 1, "there is no blob")
			found(1, 1, "there is no blob", "--repair") // bytes cannot be made up
			change("UPDATE asset_versions SET blob_key = replace(blob_key, '.gone', '')")
			s.fsck()
		} else {
			blob := s.blobFile("a.txt")
			whole, err := os.ReadFile(blob)
			if err != nil {
				t.Fatal(err)
			}
			damage := func(body []byte) {
				t.Helper()
				if err := os.Remove(blob); err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
				if body != nil {
					if err := os.WriteFile(blob, body, 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			damage(nil)
			found(1, 1, "there is no blob")
			found(1, 1, "there is no blob", "--repair") // bytes cannot be made up
			damage(whole[:3])
			found(1, 1, "3 bytes")
			damage([]byte("fIrst"))
			found(1, 1, "SHA-256", "--deep")
			damage(whole)
			s.fsck()

			// A blob that nothing refers to is left alone while it is young.
			stray := filepath.Join(filepath.Dir(blob), "stray.txt")
			if err := os.WriteFile(stray, []byte("stray"), 0o600); err != nil {
				t.Fatal(err)
			}
			s.fsck()
			old := time.Now().Add(-48 * time.Hour)
			if err := os.Chtimes(stray, old, old); err != nil {
				t.Fatal(err)
			}
			found(1, 1, "a blob has a row")
			found(0, 1, "a blob has a row", "--repair")
			s.fsck()
		}
		change("UPDATE asset_versions SET size_bytes = 6")
		found(1, 4, "a ready asset has its current version")
		change("UPDATE asset_versions SET size_bytes = 5")
		s.start()
		if got := ana.download(asset.text("id")); string(got) != "first" {
			t.Errorf("%q came down", got)
		}
	})
}

// blobFile returns the one file of that name among the blobs on the disk.
func (s *server) blobFile(name string) string {
	s.t.Helper()
	var found []string
	err := filepath.WalkDir(filepath.Join(s.dataDir(), "blobs"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() == name {
			found = append(found, path)
		}
		return err
	})
	if err != nil || len(found) != 1 {
		s.t.Fatalf("blobs called %s: %v %v", name, found, err)
	}
	return found[0]
}
