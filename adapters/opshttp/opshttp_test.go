package opshttp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/opshttp"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// deadQueue has dead jobs 1 to count; broken stands for a database that is down.
type deadQueue struct {
	count   int64
	broken  bool
	retried []int64
}

func (q *deadQueue) Dead(_ context.Context, before int64, limit int) ([]ports.DeadJob, error) {
	if q.broken {
		return nil, errors.New("connect to db:5432: refused")
	}
	if before == 0 || before > q.count {
		before = q.count + 1
	}
	var out []ports.DeadJob
	for id := before - 1; id >= 1 && len(out) < limit; id-- {
		out = append(out, ports.DeadJob{ID: id, Kind: "assets.purge", Payload: fmt.Appendf(nil, `{"n":%d}`, id), Attempts: 25, Error: "boom", DiedAt: time.Unix(id, 0).UTC()})
	}
	return out, nil
}

func (q *deadQueue) Retry(_ context.Context, id int64) error {
	switch {
	case q.broken:
		return errors.New("connect to db:5432: refused")
	case id > q.count:
		return fmt.Errorf("job %d: %w", id, core.ErrNotFound)
	}
	q.retried = append(q.retried, id)
	return nil
}

func newServer(t *testing.T, q *deadQueue, ready map[string]error) *httptest.Server {
	t.Helper()
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "coffer_build_info 1\n") })
	check := func(ctx context.Context) map[string]error {
		if _, ok := ctx.Deadline(); !ok {
			t.Error("the checks have no deadline")
		}
		return ready
	}
	s := httptest.NewServer(opshttp.New(metrics, check, q, slog.New(slog.DiscardHandler)))
	t.Cleanup(s.Close)
	return s
}

func call(t *testing.T, method, url string, header ...string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body), res.Header
}

func TestOperatorsSeeMetricsProfilesAndHealth(t *testing.T) {
	s := newServer(t, &deadQueue{}, map[string]error{"database": nil})
	for path, want := range map[string]string{
		"/metrics": "coffer_build_info 1", "/healthz": `"status":"ok"`, "/readyz": `"database":"ok"`,
		"/debug/pprof/": "goroutine", "/debug/pprof/goroutine?debug=1": "goroutine profile", "/debug/pprof/cmdline": "test",
		"/debug/pprof/heap?debug=1": "heap profile",
	} {
		if status, body, _ := call(t, http.MethodGet, s.URL+path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d %.200s", path, status, body)
		}
	}
	if status, _, _ := call(t, http.MethodGet, s.URL+"/"); status != http.StatusNotFound {
		t.Errorf("/: %d", status)
	}
}

func TestReadinessSaysWhatIsDown(t *testing.T) {
	s := newServer(t, &deadQueue{}, map[string]error{"database": nil, "blobs": errors.New("bucket is gone")})
	status, body, _ := call(t, http.MethodGet, s.URL+"/readyz")
	want := `{"checks":{"blobs":"bucket is gone","database":"ok"},"status":"unavailable"}`
	if status != http.StatusServiceUnavailable || strings.TrimSpace(body) != want {
		t.Errorf("%d %s", status, body)
	}
}

func TestDeadJobsArePagedToTheEnd(t *testing.T) {
	s := newServer(t, &deadQueue{count: 7}, nil)
	var seen []int64
	next := ""
	for pages := 1; ; pages++ {
		status, body, header := call(t, http.MethodGet, s.URL+"/jobs/dead?limit=3"+next)
		if status != http.StatusOK || header.Get("Content-Type") != "application/json" {
			t.Fatalf("%d %s", status, body)
		}
		var page struct {
			Items []struct {
				ID      int64
				Payload struct{ N int64 }
				DiedAt  time.Time `json:"died_at"`
			}
			NextBefore *int64 `json:"next_before"`
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			t.Fatal(err)
		}
		for _, j := range page.Items {
			seen = append(seen, j.ID)
			if j.Payload.N != j.ID || j.DiedAt.Unix() != j.ID {
				t.Errorf("job %+v", j)
			}
		}
		if page.NextBefore == nil {
			if pages != 3 {
				t.Errorf("%d pages", pages)
			}
			break
		}
		next = fmt.Sprint("&before=", *page.NextBefore)
	}
	if fmt.Sprint(seen) != "[7 6 5 4 3 2 1]" {
		t.Errorf("jobs %v", seen)
	}
}

func TestAnEmptyListIsAList(t *testing.T) {
	s := newServer(t, &deadQueue{}, nil)
	if _, body, _ := call(t, http.MethodGet, s.URL+"/jobs/dead"); strings.TrimSpace(body) != `{"items":[],"next_before":null}` {
		t.Errorf("body %s", body)
	}
}

func TestADeadJobIsRetried(t *testing.T) {
	q := &deadQueue{count: 3}
	s := newServer(t, q, nil)
	if status, body, _ := call(t, http.MethodPost, s.URL+"/jobs/2/retry"); status != http.StatusNoContent || body != "" {
		t.Errorf("%d %s", status, body)
	}
	if fmt.Sprint(q.retried) != "[2]" {
		t.Errorf("retried %v", q.retried)
	}
}

func TestBadRequestsAreProblems(t *testing.T) {
	q := &deadQueue{count: 3}
	s := newServer(t, q, nil)
	for request, want := range map[string]int{
		"GET /jobs/dead?limit=0": 400, "GET /jobs/dead?limit=201": 400, "GET /jobs/dead?limit=x": 400, "GET /jobs/dead?before=-1": 400,
		"GET /jobs/dead?before=99999999999999999999": 400, "POST /jobs/x/retry": 400, "POST /jobs/0/retry": 400, "POST /jobs/9/retry": 404,
	} {
		method, path, _ := strings.Cut(request, " ")
		status, body, header := call(t, method, s.URL+path)
		if status != want || header.Get("Content-Type") != "application/problem+json" || !strings.Contains(body, fmt.Sprintf(`"status":%d`, want)) {
			t.Errorf("%s: %d %s", request, status, body)
		}
	}
	if len(q.retried) != 0 {
		t.Errorf("retried %v", q.retried)
	}
}

func TestAQueueThatIsDownIsNotQuoted(t *testing.T) {
	s := newServer(t, &deadQueue{broken: true}, nil)
	for _, request := range []string{"GET /jobs/dead", "POST /jobs/1/retry"} {
		method, path, _ := strings.Cut(request, " ")
		if status, body, _ := call(t, method, s.URL+path); status != http.StatusInternalServerError || strings.Contains(body, "5432") {
			t.Errorf("%s: %d %s", request, status, body)
		}
	}
}

func TestAPageInABrowserCannotRetryJobs(t *testing.T) {
	q := &deadQueue{count: 3}
	s := newServer(t, q, nil)
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
		if status, _, _ := call(t, http.MethodPost, s.URL+"/jobs/2/retry", header...); status != http.StatusForbidden {
			t.Errorf("%v: %d", header, status)
		}
	}
	if len(q.retried) != 0 {
		t.Errorf("retried %v", q.retried)
	}
}

func TestOtherMethodsAreRefused(t *testing.T) {
	s := newServer(t, &deadQueue{count: 3}, nil)
	for _, request := range []string{"GET /jobs/2/retry", "DELETE /jobs/dead", "POST /metrics"} {
		method, path, _ := strings.Cut(request, " ")
		if status, _, _ := call(t, method, s.URL+path); status != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", request, status)
		}
	}
}
