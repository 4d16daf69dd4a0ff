package e2e

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-755a8038/coffer/test/env"
)

func TestPgBouncerServesBySessionsAndIsRefusedByTransactions(t *testing.T) {
	t.Parallel()
	through := func(mode string) wiring {
		return wiring{name: "PgBouncer by " + mode, s3: true, setup: func(t testing.TB, _ bool) settings {
			t.Helper()
			s := bucketOnly(t)
			maps.Copy(s, settings{"COFFER_DATABASE_URL": env.Bouncer(t, env.Postgres(t), mode), "COFFER_AUTH_JWT_SECRET": goodSecret})
			return s
		}}
	}
	t.Run("session", func(t *testing.T) {
		t.Parallel()
		s := newServer(t, through("session"), nil)
		s.start()
		ana := s.signUp("ana").found(object{"name": "Acme"})
		s.hire(ana, s.signUp("mia"), "member") // by a mail, which a job sends
		answers := race(t, 60, func(i int) (*answer, error) {
			if i%2 == 0 {
				return ana.try("GET", "/api/drives/"+ana.drive+"/nodes", nil)
			}
			return ana.try("POST", "/api/orgs/"+ana.org+"/assets", object{"name": "a.txt", "size_bytes": 1, "on_conflict": "rename"})
		})
		count(t, "through a pooler", answers, map[int]int{http.StatusOK: 30, http.StatusCreated: 30})
		if code, out, errs := s.run("doctor"); !strings.Contains(out, "ok    database sessions") {
			t.Errorf("doctor: %d %s%s", code, out, errs)
		}
	})
	t.Run("transaction", func(t *testing.T) {
		t.Parallel()
		s := &server{t: t, dir: t.TempDir()}
		s.env = settings{"HOME": s.dir, "TMPDIR": s.dir, "COFFER_HTTP_ADDR": freeAddr(t), "COFFER_OPS_ADDR": freeAddr(t)}
		maps.Copy(s.env, through("transaction").setup(t, false))
		if code, _, errs := s.run("serve"); code != 1 || !strings.Contains(errs, "pool_mode = session") {
			t.Errorf("serve: %d %s", code, errs)
		}
		if code, out, _ := s.run("doctor"); code != 1 || !strings.Contains(out, "FAIL  database sessions") {
			t.Errorf("doctor: %d %s", code, out)
		}
	})
}
