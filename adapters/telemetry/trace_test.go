package telemetry_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/telemetry"
)

func TestSpansReachTheCollector(t *testing.T) {
	got := make(chan []byte, 1)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- append([]byte(r.Method+" "+r.URL.Path+"\n"), body...)
	}))
	defer collector.Close()
	tracing, err := telemetry.NewTracing(t.Context(), collector.URL+"/", "v1.2.3", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	_, span := tracing.Provider.Tracer("test").Start(t.Context(), "a span of ours")
	span.End()
	if err := tracing.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case body := <-got:
		for _, want := range []string{"POST /v1/traces\n", "a span of ours", "service.name", "coffer", "service.version", "v1.2.3"} {
			if !bytes.Contains(body, []byte(want)) {
				t.Errorf("%q is not in what was sent: %q", want, body)
			}
		}
	case <-time.After(10 * time.Second):
		t.Fatal("nothing arrived")
	}
}

func TestWithoutACollectorThereAreNoSpans(t *testing.T) {
	tracing, err := telemetry.NewTracing(t.Context(), "", "v1", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	_, span := tracing.Provider.Tracer("test").Start(t.Context(), "nobody listens")
	if span.IsRecording() || tracing.Propagator == nil {
		t.Error("a span is recorded")
	}
	if err := tracing.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestACollectorThatRefusesIsInTheLog(t *testing.T) {
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no", http.StatusBadRequest)
	}))
	defer collector.Close()
	log, out := newLogger(t, "info", true)
	tracing, err := telemetry.NewTracing(t.Context(), collector.URL, "v1", telemetry.NewSlog(log))
	if err != nil {
		t.Fatal(err)
	}
	_, span := tracing.Provider.Tracer("test").Start(t.Context(), "lost")
	span.End()
	shutdownErr := tracing.Shutdown(t.Context())
	if !strings.Contains(out.String(), `"msg":"traces"`) && shutdownErr == nil {
		t.Errorf("nobody learns of it: %s", out)
	}
}
