package telemetry

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/seed-755a8038/coffer/core"
)

// Buckets of durations, in seconds.
var (
	fast = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	slow = []float64{.01, .05, .1, .5, 1, 5, 10, 30, 60, 300, 900}
)

// Metrics counts and times what the server does, in a registry of its own. Its
// methods are safe for concurrent use. No label takes a value that a client chooses.
type Metrics struct {
	registry *prometheus.Registry
	inFlight prometheus.Gauge
	http     *prometheus.HistogramVec
	blob     *prometheus.HistogramVec
	job      *prometheus.HistogramVec
}

// NewMetrics returns metrics of this process and of the Go runtime.
func NewMetrics(version string) *Metrics {
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "coffer_http_requests_in_flight", Help: "Requests being answered."}),
		http:     histogram("coffer_http_request_duration_seconds", "Time to answer a request, by method, route and class of status.", fast, "method", "route", "status"),
		blob:     histogram("coffer_blob_duration_seconds", "Time of a call to the blob store.", fast, "operation", "outcome"),
		job:      histogram("coffer_job_duration_seconds", "Time of one attempt at a background job.", slow, "kind", "outcome"),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "coffer_build_info", Help: "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": version, "go_version": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(m.inFlight, m.http, m.blob, m.job, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler serves the metrics in the Prometheus text format. A collector that
// fails does not hide the others.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, Registry: m.registry})
}

// InFlight counts a request as being answered until done is called.
func (m *Metrics) InFlight() (done func()) {
	m.inFlight.Inc()
	return m.inFlight.Dec
}

// methods are those with a label of their own: a client may invent others.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

// HTTP records one answer. route is the pattern that matched, not the path;
// empty if none did.
func (m *Metrics) HTTP(method, route string, status int, took time.Duration) {
	if !slices.Contains(methods, method) {
		method = "other"
	}
	if route == "" {
		route = "none"
	}
	m.http.WithLabelValues(method, route, strconv.Itoa(status/100)+"xx").Observe(took.Seconds())
}

// Blob records one call to the blob store; operation is the method's name.
func (m *Metrics) Blob(operation string, took time.Duration, err error) {
	m.blob.WithLabelValues(operation, outcome(err)).Observe(took.Seconds())
}

// Job records one attempt at a job of that kind.
func (m *Metrics) Job(kind string, took time.Duration, err error) {
	m.job.WithLabelValues(kind, outcome(err)).Observe(took.Seconds())
}

// outcome sorts errors into few classes: a refusal is the domain's answer, an
// error something for the operator to look at.
func outcome(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case core.KindOf(err) == core.KindInternal || core.KindOf(err) == core.KindUnavailable:
		return "error"
	}
	return "refused"
}
