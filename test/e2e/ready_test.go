package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAServerWithoutItsDependenciesSaysSo(t *testing.T) {
	t.Parallel()
	s := newServer(t, sqliteDisk, nil)
	s.start()
	s.signUp("ana")
	objects := filepath.Join(s.dataDir(), "blobs", "objects")
	if err := os.Rename(objects, objects+".away"); err != nil {
		t.Fatal(err)
	}
	var a *answer
	for range 5 { // an outage is one line of the log, however often somebody asks
		var err error
		if a, err = s.anybody().try("GET", "/readyz", nil); err != nil {
			t.Fatal(err)
		}
		a.isProblem(http.StatusServiceUnavailable, "not_ready")
	}
	if a.header.Get("Retry-After") == "" || !strings.Contains(string(a.body), "blob_store") || strings.Contains(string(a.body), s.dir) {
		t.Errorf("%v %s", a.header, a.body)
	}
	s.anybody().want(http.StatusOK, "GET", "/healthz", nil)
	if err := os.Rename(objects+".away", objects); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is ready again", s.ready)
	log := s.process.read()
	for line, times := range map[string]int{"cannot work": 1, "can work again": 1, "ERROR": 0} {
		if got := strings.Count(log, line); got != times {
			t.Errorf("%d lines of the log have %q, want %d:\n%s", got, line, times, log)
		}
	}
}
