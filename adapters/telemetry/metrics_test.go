package telemetry_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/telemetry"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func scrape(t *testing.T, m *telemetry.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	body, _ := io.ReadAll(w.Body)
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, body)
	}
	return string(body)
}

func wantLines(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+text, "\n"+line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
}

func TestRequestsAreTimedByRouteAndClass(t *testing.T) {
	m := telemetry.NewMetrics("v1")
	m.HTTP("GET", "/api/assets/{id}", 200, 3*time.Millisecond)
	m.HTTP("GET", "/api/assets/{id}", 204, 3*time.Millisecond)
	m.HTTP("BREW", "", 404, time.Second)
	done := m.InFlight()
	wantLines(t, scrape(t, m),
		`coffer_http_request_duration_seconds_count{method="GET",route="/api/assets/{id}",status="2xx"} 2`,
		`coffer_http_request_duration_seconds_bucket{method="GET",route="/api/assets/{id}",status="2xx",le="0.0025"} 0`,
		`coffer_http_request_duration_seconds_bucket{method="GET",route="/api/assets/{id}",status="2xx",le="0.005"} 2`,
		`coffer_http_request_duration_seconds_count{method="other",route="none",status="4xx"} 1`,
		`coffer_http_requests_in_flight 1`)
	done()
	wantLines(t, scrape(t, m), `coffer_http_requests_in_flight 0`)
}

func TestOutcomesSeparateRefusalsFromFailures(t *testing.T) {
	m := telemetry.NewMetrics("v1")
	for _, err := range []error{nil, core.ErrBlobNotFound, fmt.Errorf("x: %w", core.ErrNotFound), errors.New("disk full"), core.ErrUnavailable, fmt.Errorf("x: %w", context.Canceled)} {
		m.Blob("Stat", time.Millisecond, err)
		m.Job("assets.purge", time.Second, err)
	}
	wantLines(t, scrape(t, m),
		`coffer_blob_duration_seconds_count{operation="Stat",outcome="ok"} 1`,
		`coffer_blob_duration_seconds_count{operation="Stat",outcome="refused"} 2`,
		`coffer_blob_duration_seconds_count{operation="Stat",outcome="error"} 2`,
		`coffer_blob_duration_seconds_count{operation="Stat",outcome="canceled"} 1`,
		`coffer_job_duration_seconds_count{kind="assets.purge",outcome="error"} 2`)
}

func TestPoolsAreWatched(t *testing.T) {
	m := telemetry.NewMetrics("v1")
	stats := func() sql.DBStats {
		return sql.DBStats{MaxOpenConnections: 8, InUse: 3, Idle: 2, WaitCount: 7, WaitDuration: 1500 * time.Millisecond, MaxIdleClosed: 1, MaxLifetimeClosed: 2}
	}
	if err := errors.Join(m.WatchPool("writer", stats), m.WatchPool("reader", stats)); err != nil {
		t.Fatal(err)
	}
	if err := m.WatchPool("reader", stats); err == nil {
		t.Error("the same pool was watched twice")
	}
	wantLines(t, scrape(t, m),
		`coffer_db_pool_max_connections{pool="writer"} 8`, `coffer_db_pool_in_use_connections{pool="reader"} 3`,
		`coffer_db_pool_idle_connections{pool="writer"} 2`, `coffer_db_pool_waits_total{pool="writer"} 7`,
		`coffer_db_pool_wait_seconds_total{pool="writer"} 1.5`, `coffer_db_pool_closed_connections_total{pool="writer"} 3`)
}

type queue struct{ err error }

func (q queue) Stats(ctx context.Context) (ports.QueueStats, error) {
	if _, ok := ctx.Deadline(); !ok {
		return ports.QueueStats{}, errors.New("no deadline")
	}
	return ports.QueueStats{Ready: 1, Running: 2, Retry: 3, Dead: 4}, q.err
}

func TestTheQueueIsWatched(t *testing.T) {
	m := telemetry.NewMetrics("v1")
	if err := m.WatchQueue(queue{}); err != nil {
		t.Fatal(err)
	}
	wantLines(t, scrape(t, m), `coffer_queue_up 1`, `coffer_queue_jobs{state="ready"} 1`, `coffer_queue_jobs{state="running"} 2`,
		`coffer_queue_jobs{state="retry"} 3`, `coffer_queue_jobs{state="dead"} 4`)
	if err := m.WatchQueue(queue{}); err == nil {
		t.Error("a second queue was accepted")
	}
}

func TestAQueueThatIsDownHidesNothingElse(t *testing.T) {
	m := telemetry.NewMetrics("v1")
	if err := m.WatchQueue(queue{err: errors.New("down")}); err != nil {
		t.Fatal(err)
	}
	text := scrape(t, m)
	wantLines(t, text, `coffer_queue_up 0`)
	if strings.Contains(text, "coffer_queue_jobs{") || !strings.Contains(text, "go_goroutines ") ||
		!strings.Contains(text, "process_open_fds ") || !strings.Contains(text, `version="v1"`) {
		t.Errorf("metrics: %s", text)
	}
}
