package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

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
	shared := postgresS3.setup(t, false) // the two migrate it at once
	shared["COFFER_AUTH_JWT_SECRET"] = goodSecret
	w := wiring{name: postgresS3.name, s3: true, setup: func(testing.TB, bool) settings { return shared }}
	one := newServer(t, w, nil)
	two := newServer(t, w, settings{"COFFER_PUBLIC_URL": one.url})
	one.process, two.process = one.spawn(), two.spawn() // both find an empty database
	for _, s := range []*server{one, two} {
		eventually(t, "the server is ready", s.ready)
	}
	applied := 0
	for _, s := range []*server{one, two} {
		applied += strings.Count(s.process.read(), "migration applied  {\"name\": \"00001_")
	}
	if applied != 1 {
		t.Errorf("the first migration is applied %d times", applied)
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
