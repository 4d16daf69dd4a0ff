package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/test/env"
)

// onReplicated is PostgreSQL with a replica, and S3.
func onReplicated(pair *env.Replicated, url string) wiring {
	return wiring{name: "PostgreSQL with a replica and S3", s3: true, setup: func(t testing.TB, _ bool) settings {
		t.Helper()
		s := bucketOnly(t)
		maps.Copy(s, settings{"COFFER_DATABASE_URL": url, "COFFER_AUTH_JWT_SECRET": goodSecret, "COFFER_SELF_HOSTED_UNLIMITED": "true"})
		return s
	}}
}

// replica waits until the server reads the replica, or no longer does.
func (s *server) replica(used bool) {
	s.t.Helper()
	want := "coffer_replica_used 0"
	if used {
		want = "coffer_replica_used 1"
	}
	eventually(s.t, want, func() bool {
		return strings.Contains(string((&client{t: s.t, url: s.ops}).want(http.StatusOK, "GET", "/metrics", nil).body), want)
	})
}

func TestListsMayBeLateAndDecisionsNeverAre(t *testing.T) {
	t.Parallel()
	pair := env.Replica(t)
	s := newServer(t, onReplicated(pair, pair.PrimaryURL), settings{"COFFER_DATABASE_REPLICA_URL": pair.ReplicaURL, "COFFER_DATABASE_REPLICA_MAX_LAG": "10m"})
	s.start()
	ana, mia := s.signUp("ana").found(object{"name": "Acme"}), s.signUp("mia")
	member := s.hire(ana, mia, "member")
	file := ana.upload(object{"name": "quarry.txt"}, []byte("alpha")).text("id")
	twice, revoked := ana.shares(file, object{"max_downloads": 2}), ana.shares(file, object{})
	s.replica(true)
	if code, out, errs := s.run("doctor"); !strings.Contains(out, "ok    replica") {
		t.Errorf("doctor: %d %s%s", code, out, errs)
	}
	found := func() int {
		return len(ana.want(http.StatusOK, "GET", "/api/drives/"+ana.drive+"/search?q=quarry", nil).list("id"))
	}
	actions := func() []string {
		return ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/audit-log?limit=200", nil).list("action")
	}
	visits := func() int {
		return len(ana.want(http.StatusOK, "GET", "/api/shares/"+twice.id+"/access-log", nil).list("id"))
	}
	eventually(t, "the replica has caught up", func() bool { return found() == 1 && slices.Contains(actions(), "share.created") })

	pair.Pause()
	ana.upload(object{"name": "quarry 2.txt"}, []byte("beta"))
	ana.want(http.StatusNoContent, "DELETE", "/api/shares/"+revoked.id, nil)
	if n := found(); n != 1 {
		t.Errorf("the search finds %d: it does not ask the replica", n)
	}
	if slices.Contains(actions(), "share.revoked") {
		t.Error("the audit log does not come from the replica")
	}
	if n := len(ana.listing("id", "/api/drives/"+ana.drive+"/nodes?limit=200")); n != 2 {
		t.Errorf("a folder shows %d files: it is read from the replica", n)
	}
	// What is decided is decided by what is so.
	revoked.refuses(http.StatusGone, "share_revoked", "/nodes")
	twice.gets(http.StatusFound, "/download/"+file)
	twice.gets(http.StatusFound, "/download/"+file)
	twice.refuses(http.StatusGone, "share_exhausted", "/download/"+file)
	if n := visits(); n != 0 {
		t.Errorf("%d rows of the access log: it does not come from the replica", n)
	}
	ana.want(http.StatusNoContent, "DELETE", ana.member(member.account), nil)
	member.refused(http.StatusNotFound, "not_found", "GET", "/api/drives/"+ana.drive+"/search?q=quarry", nil)
	mia.want(http.StatusNoContent, "POST", "/api/auth/logout", object{"refresh_token": mia.refresh})
	mia.refused(http.StatusUnauthorized, "unauthenticated", "GET", "/api/me", nil)

	pair.Resume()
	eventually(t, "the lists are up to date", func() bool { return found() == 2 && visits() == 3 && slices.Contains(actions(), "share.revoked") })

	// A replica that goes harms nothing.
	pair.StopReplica()
	ana.upload(object{"name": "quarry 3.txt"}, []byte("gamma"))
	s.replica(false)
	if n := found(); n != 3 {
		t.Errorf("without a replica the search finds %d", n)
	}
	if !s.ready() {
		t.Error("the server is not ready without its replica")
	}
}

func TestAFailoverLosesNothingThatWasAcknowledged(t *testing.T) {
	t.Parallel()
	pair := env.Replica(t)
	s := newServer(t, onReplicated(pair, pair.BothURL()), settings{"COFFER_RATE_LIMIT_PER_MINUTE": "0"})
	s.start()
	pair.Synchronous()
	ana := s.signUp("ana").found(object{"name": "Acme"})
	l := newLoad(t)
	for w := range 3 {
		l.each(func(i int) { l.uploads(ana, fmt.Sprintf("file-%d-%d.txt", w, i)) })
	}
	time.Sleep(time.Second)
	pair.StopPrimary()
	time.Sleep(500 * time.Millisecond)
	if s.ready() {
		t.Error("the server is ready without a database")
	}
	pair.Promote()
	eventually(t, "it is ready again", s.ready)
	time.Sleep(time.Second)
	l.end()
	for _, id := range l.acked["uploads"] {
		ana.want(http.StatusOK, "GET", "/api/assets/"+id+"/download", nil) // only what is ready is
	}
	// Background jobs go on, too.
	s.hire(ana, s.signUp("mia"), "member")
}
