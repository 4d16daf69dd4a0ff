// Package opshttp is the HTTP face of a server for its operators: metrics,
// profiles, health, and the jobs that failed for good. It asks nobody who they
// are, so its address must be private.
package opshttp

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"strconv"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const (
	readyTimeout = 5 * time.Second // for all checks together
	jobsTimeout  = 10 * time.Second

	defaultLimit = 50
	maxLimit     = 200
)

// Readiness asks each part the server depends on: nil if it answers.
type Readiness func(ctx context.Context) map[string]error

// DeadJobs is the part of ports.Queue that operators look at.
type DeadJobs interface {
	Dead(ctx context.Context, before int64, limit int) ([]ports.DeadJob, error)
	Retry(ctx context.Context, id int64) error
}

type handler struct {
	ready Readiness
	jobs  DeadJobs
	log   *slog.Logger
}

// New returns the handler of the ops address. A profile runs for as long as the
// client asks, so the server must not have a write timeout.
func New(metrics http.Handler, ready Readiness, jobs DeadJobs, log *slog.Logger) http.Handler {
	h := &handler{ready: ready, jobs: jobs, log: log}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("GET /healthz", h.health)
	mux.HandleFunc("GET /readyz", h.readiness)
	mux.HandleFunc("GET /jobs/dead", h.dead)
	mux.HandleFunc("POST /jobs/{id}/retry", h.retry)
	// Named one by one: what other packages hang on the default mux stays off.
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	// A page in the operator's browser reaches loopback too; it must not retry jobs.
	return http.NewCrossOriginProtection().Handler(mux)
}

// health answers as long as the process does.
func (h *handler) health(w http.ResponseWriter, _ *http.Request) {
	h.answer(w, http.StatusOK, map[string]string{"status": "ok"})
}

func (h *handler) readiness(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	checks := make(map[string]string)
	status, text := http.StatusOK, "ok"
	for name, err := range h.ready(ctx) {
		checks[name] = "ok"
		if err != nil {
			checks[name] = err.Error()
			status, text = http.StatusServiceUnavailable, "unavailable"
		}
	}
	h.answer(w, status, map[string]any{"status": text, "checks": checks})
}

// deadJob is a dead job as JSON.
type deadJob struct {
	ID       int64           `json:"id"`
	Kind     string          `json:"kind"`
	Payload  json.RawMessage `json:"payload"`
	Attempts int             `json:"attempts"`
	Error    string          `json:"error"`
	DiedAt   time.Time       `json:"died_at"`
}

// deadPage is a page of dead jobs, latest first. NextBefore asks for the next
// one; it is null on the last.
type deadPage struct {
	Items      []deadJob `json:"items"`
	NextBefore *int64    `json:"next_before"`
}

func (h *handler) dead(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), jobsTimeout)
	defer cancel()
	before, errBefore := queryInt(r, "before", 0, 1<<63-1)
	limit, errLimit := queryInt(r, "limit", defaultLimit, maxLimit)
	if err := errors.Join(errBefore, errLimit); err != nil || limit == 0 {
		h.problem(w, http.StatusBadRequest, "malformed", "before must be a job's id and limit a number from 1 to 200")
		return
	}
	// One more than asked for tells whether there is another page.
	jobs, err := h.jobs.Dead(ctx, before, int(limit)+1)
	if err != nil {
		h.fail(w, "list dead jobs", err)
		return
	}
	page := deadPage{Items: []deadJob{}}
	if int64(len(jobs)) > limit {
		jobs = jobs[:limit]
		page.NextBefore = new(jobs[limit-1].ID)
	}
	for _, j := range jobs {
		payload := json.RawMessage(j.Payload)
		if !json.Valid(payload) {
			payload = nil // null: one damaged row must not hide the others
		}
		page.Items = append(page.Items, deadJob{j.ID, j.Kind, payload, j.Attempts, j.Error, j.DiedAt})
	}
	h.answer(w, http.StatusOK, page)
}

func (h *handler) retry(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), jobsTimeout)
	defer cancel()
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id < 1 {
		h.problem(w, http.StatusBadRequest, "malformed", "a job's id is a number")
		return
	}
	err = h.jobs.Retry(ctx, id)
	switch {
	case errors.Is(err, core.ErrNotFound):
		h.problem(w, http.StatusNotFound, "not_found", "no dead job has this id")
	case err != nil:
		h.fail(w, "retry a dead job", err)
	default:
		h.log.InfoContext(ctx, "dead job set to run again", "job_id", id)
		w.WriteHeader(http.StatusNoContent)
	}
}

// queryInt reads a whole number from 0 to limit.
func queryInt(r *http.Request, name string, fallback, limit int64) (int64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > limit {
		return 0, errors.New("out of range")
	}
	return n, nil
}

func (h *handler) fail(w http.ResponseWriter, doing string, err error) {
	h.log.Error(doing, "error", err)
	h.problem(w, http.StatusInternalServerError, "internal", "the job queue does not answer; see the log")
}

// problem answers with an RFC 9457 problem.
func (h *handler) problem(w http.ResponseWriter, status int, code, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	h.answer(w, status, map[string]any{"title": http.StatusText(status), "status": status, "code": code, "detail": detail})
}

func (h *handler) answer(w http.ResponseWriter, status int, body any) {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		h.log.Debug("answer an operator", "error", err) // the client has gone
	}
}
