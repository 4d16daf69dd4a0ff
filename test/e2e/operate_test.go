package e2e

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"
)

func TestOperatorsSeeWhatTheServerDoes(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		ana.upload(object{"name": "a.txt"}, []byte("first"))
		ready := s.anybody().want(http.StatusOK, "GET", "/readyz", nil)
		for _, name := range []string{"database", "blob_store", "queue"} {
			if !strings.Contains(string(ready.body), `"`+name+`"`) {
				t.Errorf("%s is not in %s", name, ready.body)
			}
		}
		operator := &client{t: t, url: s.ops}
		eventually(t, "the metrics tell of jobs", func() bool {
			return bytes.Contains(operator.want(http.StatusOK, "GET", "/metrics", nil).body, []byte(`coffer_job_duration_seconds_count{kind="asset.reconcile_uploads",outcome="ok"}`))
		})
		metrics := string(operator.want(http.StatusOK, "GET", "/metrics", nil).body)
		for _, want := range []string{
			`coffer_http_request_duration_seconds_bucket{method="POST",route="/api/orgs/{org_id}/assets",status="2xx",le="`,
			`coffer_http_request_duration_seconds_count{method="POST",route="/api/auth/signup",status="2xx"} 1`,
			"coffer_build_info{", "coffer_blob_duration_seconds_count{", "go_goroutines ", "process_open_fds ",
		} {
			if !strings.Contains(metrics, want) {
				t.Errorf("%s is not in the metrics", want)
			}
		}
		for _, private := range []string{ana.org, ana.email, "a.txt"} {
			if strings.Contains(metrics, private) {
				t.Errorf("%s is in the metrics", private)
			}
		}
		operator.want(http.StatusOK, "GET", "/debug/pprof/", nil)
		operator.want(http.StatusOK, "GET", "/debug/pprof/goroutine?debug=1", nil)
		if dead := operator.want(http.StatusOK, "GET", "/jobs/dead", nil); dead.text("items") != "[]" {
			t.Errorf("dead jobs: %s", dead.body)
		}
		operator.want(http.StatusNotFound, "POST", "/jobs/1/retry", nil)

		// Nothing secret is in the log, whatever was asked for.
		link := ana.want(http.StatusOK, "GET", "/api/assets/"+ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/assets", nil).text("items.0.id")+"/download", nil).text("download_url")
		fetch(t, link)
		s.anybody().ask("GET", "/api/me?token="+ana.token, nil)
		log := s.process.read()
		signature := regexp.MustCompile(`(?:s|X-Amz-Signature)=([\w-]{20,})`).FindStringSubmatch(link)
		for what, secret := range map[string]string{
			"a password": password, "an access token": ana.token, "a refresh token": ana.refresh, "a signature": signature[1], "an address": ana.email,
		} {
			if strings.Contains(log, secret) {
				t.Errorf("%s is in the log", what)
			}
		}
	})
}

func TestARunningUploadEndsWellOnSIGTERM(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		right := content(1, 3_000_000)
		created := ana.create(object{"name": "a.bin", "size_bytes": len(right), "checksum_sha256": sha256Of(right)})
		r, w := io.Pipe()
		result := make(chan *answer, 1)
		failure := make(chan error, 1)
		go func() {
			a, err := tryPut(t, created.single(), r, func(req *http.Request) { req.ContentLength = int64(len(right)) })
			result <- a
			failure <- err
		}()
		if _, err := w.Write(right[:1_000_000]); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond) // lets the bytes arrive

		p := s.process
		s.process = nil
		p.signal(t, syscall.SIGTERM)
		eventually(t, "nothing new is taken", func() bool {
			_, err := s.anybody().try("GET", "/healthz", nil)
			return err != nil
		})
		select {
		case <-p.exited:
			if !s.wiring.s3 { // those bytes do not go through Coffer
				t.Error("the server did not wait for the upload")
			}
		default:
		}
		if _, err := w.Write(right[1_000_000:]); err != nil {
			t.Error(err)
		}
		w.Close()
		if a, err := <-result, <-failure; err != nil || a.status != http.StatusOK {
			t.Fatalf("upload: %v %v", a, err)
		}
		if code := p.wait(t); code != 0 {
			t.Errorf("exit code %d\n%s", code, p.read())
		}
		s.start()
		ana.complete(created)
		if !bytes.Equal(ana.download(created.text("asset.id")), right) {
			t.Error("other bytes came down")
		}
	})
}

func TestDoctorConfigAndMigrateTellTheOperator(t *testing.T) {
	for _, w := range []wiring{sqliteDisk, postgresS3} {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, w, settings{"COFFER_AUTH_JWT_SECRET": goodSecret, "COFFER_HTTP_CORS_ORIGINS": "https://app.example.com"})
			code, out, errs := s.run("migrate", "status")
			if code != 0 || !strings.Contains(out, "00001_foundation.sql") || !strings.Contains(out, "pending") {
				t.Errorf("migrate status: %d %s%s", code, out, errs)
			}
			if code, _, errs := s.run("fsck"); code != 1 || !strings.Contains(errs, "migrate up") {
				t.Errorf("fsck without a schema: %d %s", code, errs)
			}
			for i, want := range []string{"applied 00001_foundation.sql", "nothing to apply"} {
				if code, out, errs := s.run("migrate", "up"); code != 0 || !strings.Contains(out, want) {
					t.Errorf("migrate up %d: %d %s%s", i, code, out, errs)
				}
			}
			if code, out, _ := s.run("migrate", "status"); code != 0 || strings.Contains(out, "pending") {
				t.Errorf("migrate status: %d %s", code, out)
			}

			s.start()
			s.signUp("ana")
			code, out, errs = s.run("doctor")
			for _, line := range []string{"ok    configuration", "ok    database connection", "ok    schema"} {
				if !strings.Contains(out, line) {
					t.Errorf("doctor does not say %q: %s%s", line, out, errs)
				}
			}
			if !w.s3 && (code != 0 || strings.Contains(out, "FAIL")) {
				t.Errorf("doctor: %d %s%s", code, out, errs)
			}
			if w.s3 && (!strings.Contains(out, "clock") || !strings.Contains(out, "CORS")) {
				t.Errorf("doctor does not examine the bucket: %s", out)
			}

			secrets := []string{goodSecret, s.env["S3_SECRET_ACCESS_KEY"]}
			if _, after, ok := strings.Cut(s.env["COFFER_DATABASE_URL"], "postgres:"); ok {
				pass, _, _ := strings.Cut(strings.TrimPrefix(after, "//postgres:"), "@")
				secrets = append(secrets, pass)
			}
			for _, args := range [][]string{{"config"}, {"config", "--json"}, {"doctor"}} {
				_, out, errs := s.run(args...)
				for _, secret := range secrets {
					if secret != "" && strings.Contains(out+errs, secret) {
						t.Errorf("%v shows a secret: %s%s", args, out, errs)
					}
				}
			}
			code, out, _ = s.run("config", "--json")
			var shown map[string]struct{ Value, Source any }
			if err := json.Unmarshal([]byte(out), &shown); code != 0 || err != nil || shown["auth.jwt_secret"].Value != "(hidden)" ||
				shown["http.addr"].Source != "environment" || shown["trash.retention"].Source != "default" {
				t.Errorf("config: %d %v %s", code, err, out)
			}
			if code, out, _ := s.run("version"); code != 0 || !strings.HasPrefix(out, "coffer ") {
				t.Errorf("version: %d %s", code, out)
			}
			if code, _, errs := s.run("health"); code != 0 {
				t.Errorf("health: %d %s", code, errs)
			}
		})
	}
}

// database opens the server's database beside it.
func (s *server) database() *sql.DB {
	s.t.Helper()
	driver, dsn := "pgx", s.env["COFFER_DATABASE_URL"]
	if dsn == "" {
		driver, dsn = "sqlite", filepath.Join(s.dataDir(), "coffer.db")+"?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		s.t.Fatal(err)
	}
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

// goodSecret is as long and as random as production wants.
const goodSecret = "kT3vX9qLmZ2wRb7YfH4sNc8JdP6gQa1U"

func TestProductionRefusesWhatIsUnsafe(t *testing.T) {
	t.Parallel()
	s := newServer(t, sqliteDisk, nil)
	refused := func(extra settings, names ...string) {
		t.Helper()
		extra["COFFER_ENV"] = "production"
		code, out, errs := s.runWith(extra, "serve")
		if code != 2 || out != "" {
			t.Errorf("%v: exit code %d, %s%s", extra, code, out, errs)
		}
		for _, name := range names {
			if !strings.Contains(errs, name) {
				t.Errorf("%v: %s is not named: %s", extra, name, errs)
			}
		}
		for _, value := range extra {
			if len(value) > 30 && strings.Contains(errs, value) {
				t.Errorf("the secret is shown: %s", errs)
			}
		}
	}
	const url = "https://coffer.example.com"
	// All problems are in one message.
	refused(settings{"COFFER_CLOCK_OFFSET": "1h", "COFFER_LOG_LEVEL": "loud", "COFFER_DATABASE_URL": "mysql://x", "S3_BUCKET": "files"},
		"COFFER_AUTH_JWT_SECRET", "COFFER_PUBLIC_URL", "COFFER_CLOCK_OFFSET", "COFFER_LOG_LEVEL", "COFFER_DATABASE_URL", "S3_REGION")
	refused(settings{"COFFER_PUBLIC_URL": url}, "COFFER_AUTH_JWT_SECRET")
	refused(settings{"COFFER_AUTH_JWT_SECRET": goodSecret}, "COFFER_PUBLIC_URL")
	for _, weak := range []string{
		"short", strings.Repeat("a", 64), strings.Repeat("0123", 16), "change-me-change-me-change-me-please", "supersecretsupersecretsupersecret", "12345678901234567890123456789012",
	} {
		refused(settings{"COFFER_PUBLIC_URL": url, "COFFER_AUTH_JWT_SECRET": weak}, "COFFER_AUTH_JWT_SECRET")
	}
	refused(settings{"COFFER_PUBLIC_URL": url + "/path", "COFFER_AUTH_JWT_SECRET": goodSecret}, "COFFER_PUBLIC_URL")
	if _, err := os.Stat(s.dataDir()); !os.IsNotExist(err) {
		t.Errorf("a server that does not start has made its data directory: %v", err)
	}

	s.env["COFFER_ENV"], s.env["COFFER_PUBLIC_URL"], s.env["COFFER_AUTH_JWT_SECRET"] = "production", s.url, goodSecret
	s.start()
	ana := s.signUp("ana")
	ana.upload(object{"name": "a.txt"}, []byte("first"))
	for line := range strings.Lines(s.process.read()) {
		if !json.Valid([]byte(line)) && !strings.HasPrefix(line, "coffer: warning: ") {
			t.Errorf("a line of the log is not JSON: %s", line)
		}
	}
}

func TestOneDataDirectoryHasOneServer(t *testing.T) {
	t.Parallel()
	s := newServer(t, sqliteDisk, nil)
	s.start()
	ana := s.signUp("ana")
	second := settings{"COFFER_HTTP_ADDR": freeAddr(t), "COFFER_OPS_ADDR": freeAddr(t)}
	if code, _, errs := s.runWith(second, "serve"); code != 1 || !strings.Contains(errs, "COFFER_DATA_DIR") || !strings.Contains(errs, "another process") {
		t.Errorf("a second server: exit code %d, %s", code, errs)
	}
	if code, _, errs := s.run("migrate", "up"); code != 1 || !strings.Contains(errs, "another process") {
		t.Errorf("migrate up: exit code %d, %s", code, errs)
	}
	ana.want(http.StatusOK, "GET", "/api/me", nil)
	s.crash() // a dead server holds nothing
	ana.want(http.StatusOK, "GET", "/api/me", nil)

	// An address that is taken is said plainly, and ends the start.
	other := newServer(t, sqliteDisk, nil)
	if code, _, errs := other.runWith(settings{"COFFER_HTTP_ADDR": s.env["COFFER_HTTP_ADDR"]}, "serve"); code != 1 || !strings.Contains(errs, "address already in use") {
		t.Errorf("on a taken address: exit code %d, %s", code, errs)
	}
	secret, err := os.Stat(filepath.Join(s.dataDir(), "jwt-secret"))
	if err != nil || secret.Mode().Perm() != 0o600 {
		t.Errorf("the generated secret: %v %v", secret, err)
	}
}

func TestTwoServersShareADatabaseAndABucket(t *testing.T) {
	t.Parallel()
	shared := postgresS3.setup(t)
	shared["COFFER_AUTH_JWT_SECRET"] = goodSecret
	w := wiring{name: postgresS3.name, s3: true, setup: func(testing.TB) settings { return shared }}
	one := newServer(t, w, nil)
	two := newServer(t, w, settings{"COFFER_PUBLIC_URL": one.url})
	one.process, two.process = one.spawn(), two.spawn() // both find an empty database
	for _, s := range []*server{one, two} {
		eventually(t, "the server is ready", s.ready)
	}
	applied := 0
	for _, s := range []*server{one, two} {
		applied += strings.Count(s.process.read(), "migration applied")
	}
	if applied != 1 {
		t.Errorf("%d migrations are applied", applied)
	}
	ana := one.signUp("ana")
	there := *ana
	there.client = &client{t: t, url: two.url, token: ana.token}
	created := ana.create(object{"name": "a.bin", "size_bytes": 5})
	send(t, created.single(), []byte("right"))
	there.complete(created)
	ana.complete(created)
	if got := ana.download(created.text("asset.id")); string(got) != "right" {
		t.Errorf("%q came down", got)
	}

	// A limit is one limit, whichever server is asked.
	var mu sync.Mutex
	granted := 0
	race(t, 40, func(i int) (*answer, error) {
		who := []*user{ana, &there}[i%2]
		a, err := who.try("POST", "/api/orgs/"+ana.org+"/assets", object{"name": "big.bin", "size_bytes": 50_000_000, "on_conflict": "rename"})
		if err == nil && a.status == http.StatusCreated {
			mu.Lock()
			granted++
			mu.Unlock()
		}
		return a, err
	})
	bytes, assets := there.used()
	if bytes != int64(granted)*50_000_000+5 || assets != int64(granted)+1 || granted > 19 {
		t.Errorf("%d are granted, %d bytes and %d assets are used", granted, bytes, assets)
	}
	ana.want(http.StatusNoContent, "POST", "/api/auth/logout", object{"refresh_token": ana.refresh})
	there.refused(http.StatusUnauthorized, "unauthenticated", "GET", "/api/me", nil)
}

func TestAServerWithoutItsDependenciesSaysSo(t *testing.T) {
	t.Parallel()
	s := newServer(t, sqliteDisk, nil)
	s.start()
	s.signUp("ana")
	objects := filepath.Join(s.dataDir(), "blobs", "objects")
	if err := os.Rename(objects, objects+".away"); err != nil {
		t.Fatal(err)
	}
	a, err := s.anybody().try("GET", "/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	a.isProblem(http.StatusServiceUnavailable, "not_ready")
	if a.header.Get("Retry-After") == "" || !strings.Contains(string(a.body), "blob_store") || strings.Contains(string(a.body), s.dir) {
		t.Errorf("%v %s", a.header, a.body)
	}
	s.anybody().want(http.StatusOK, "GET", "/healthz", nil)
	if err := os.Rename(objects+".away", objects); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is ready again", s.ready)
}
