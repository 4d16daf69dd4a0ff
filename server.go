package coffer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/adapters/httpapi"
	"github.com/seed-755a8038/coffer/adapters/opshttp"
	"github.com/seed-755a8038/coffer/adapters/ratelimit"
	"github.com/seed-755a8038/coffer/adapters/sealing"
	"github.com/seed-755a8038/coffer/adapters/system"
	"github.com/seed-755a8038/coffer/adapters/telemetry"
	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/app/admin"
	"github.com/seed-755a8038/coffer/app/analytics"
	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/app/bundle"
	"github.com/seed-755a8038/coffer/app/check"
	"github.com/seed-755a8038/coffer/app/dataset"
	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/app/event"
	"github.com/seed-755a8038/coffer/app/group"
	"github.com/seed-755a8038/coffer/app/identity"
	"github.com/seed-755a8038/coffer/app/org"
	"github.com/seed-755a8038/coffer/app/report"
	"github.com/seed-755a8038/coffer/app/share"
	appstore "github.com/seed-755a8038/coffer/app/store"
	"github.com/seed-755a8038/coffer/app/webhook"
	"github.com/seed-755a8038/coffer/ports"
)

// Build says which program this is.
type Build struct {
	Version string
	Commit  string
	Date    string

	// Derive is the command that makes this program Derive; none: nothing is
	// derived of files.
	Derive []string
}

// Server is the assembled program.
type Server struct {
	cfg     Config
	log     *slog.Logger
	handler handler
	ops     opsHandler
	queue   ports.Queue
	uses    ports.KeyUses
	seen    ports.DatasetLog
	hooks   *webhook.Service
	events  *event.Service
	tracing *telemetry.Tracing
	store   *bunstore.Store
	blobs   blobStore
	check   *check.Service
	bundle  *bundle.Service
	assets  *asset.Service
	admin   *admin.Service
	schema  schema
	jobs    jobs
	leaving *leaving
}

type (
	handler    http.Handler // of the public address
	opsHandler http.Handler // of the operators' address
)

// NewLogger returns the log of a program so configured: JSON lines in
// production, readable text in development.
func NewLogger(cfg Config, w io.Writer) (*slog.Logger, error) {
	z, err := telemetry.NewLogger(w, cfg.LogLevel, cfg.IsProduction())
	if err != nil {
		return nil, err
	}
	return telemetry.NewSlog(z), nil
}

// NewServer returns the server cfg describes, its schema up to date, and a
// function that releases it. It serves nothing yet.
func NewServer(ctx context.Context, cfg Config, build Build) (*Server, func(), error) {
	log, err := NewLogger(cfg, cfg.logWriter())
	if err != nil {
		return nil, nil, err
	}
	unlock, err := lockDataDir(cfg)
	if err != nil {
		return nil, nil, err
	}
	s, release, err := assemble(ctx, cfg, build, toServe, log)
	if err != nil {
		unlock()
		return nil, nil, err
	}
	s.claim(ctx)
	return s, func() { release(); unlock() }, nil
}

// claim marks the blob store as this database's. A store that is down now is
// marked at another start: until then nothing in it is swept.
func (s *Server) claim(ctx context.Context) {
	const patience = 10 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := s.assets.Claim(ctx); err != nil {
		s.log.Warn("the blob store is not marked as this database's, so nothing in it will be swept", "error", err)
	}
}

func newLoginLimiter(store *bunstore.Store) *bunstore.Limiter { return store.Limiter() }

func newKeyUses(store *bunstore.Store) *bunstore.KeyUses { return store.KeyUses() }

func newDatasetLog(store *bunstore.Store) *bunstore.DatasetLog { return store.DatasetLog() }

// face is everything that the public address shows.
type face struct {
	Identity *identity.Service
	Orgs     *org.Service
	Drives   *drive.Service
	Assets   *asset.Service
	Shares   *share.Service
	Store    *appstore.Service
	Webhooks *webhook.Service
	Events   *event.Service
	Groups   *group.Service
	Datasets *dataset.Service
	Reports  *report.Service
	Traffic  *analytics.Service
	Admin    *admin.Service
	Limiter  *ratelimit.Limiter
	Clock    system.Clock
	Secrets  *sealing.Secrets
	Metrics  *telemetry.Metrics
	Tracing  *telemetry.Tracing
	Blobs    blobStore
	Ready    *readiness

	Thumbnails app.Thumbnails
}

func newHandler(cfg Config, build Build, log *slog.Logger, f face) (handler, error) {
	h, err := httpapi.New(httpapi.Services{
		Identity: f.Identity, Orgs: f.Orgs, Drives: f.Drives, Assets: f.Assets, Shares: f.Shares, Store: f.Store, Webhooks: f.Webhooks, Events: f.Events, Groups: f.Groups, Datasets: f.Datasets, Analytics: f.Traffic, Reports: f.Reports, Admin: f.Admin, Thumbnails: f.Thumbnails, Limiter: f.Limiter, Clock: f.Clock, Log: log,
		Ready: f.Ready.components, Observe: f.Metrics.HTTP, Blobs: f.Blobs.handler, BlobOrigin: f.Blobs.origin,
	}, httpapi.Options{
		Version: build.Version, PublicURL: cfg.PublicURL, TrustedProxies: cfg.HTTP.TrustedProxies, CORSOrigins: cfg.HTTP.CORSOrigins,
		RatePerMinute: cfg.RateLimitPerMinute, CursorKey: f.Secrets.Key("cursor"), LogURL: telemetry.SafeURL, AppURL: cfg.AppURL,
	})
	if err != nil {
		return nil, err
	}
	h = counted(h, f.Metrics)
	if cfg.OTLPEndpoint == "" {
		return h, nil
	}
	return otelhttp.NewHandler(h, "http", otelhttp.WithTracerProvider(f.Tracing.Provider), otelhttp.WithPropagators(f.Tracing.Propagator)), nil
}

// counted counts the requests that are being answered.
func counted(h http.Handler, m *telemetry.Metrics) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer m.InFlight()()
		h.ServeHTTP(w, r)
	})
}

func newOps(log *slog.Logger, metrics *telemetry.Metrics, queue ports.Queue, ready *readiness) (opsHandler, error) {
	return opshttp.New(metrics.Handler(), ready.check, queue, log), metrics.WatchQueue(queue)
}

// leaving is set once the server has been told to stop.
type leaving struct{ atomic.Bool }

func newLeaving() *leaving { return new(leaving) }

var errLeaving = errors.New("the server is shutting down")

func (l *leaving) check(context.Context) error {
	if l.Load() {
		return errLeaving
	}
	return nil
}

// parting ends each connection with its next answer once the server is leaving:
// whoever keeps connections would else send a request down one that is being
// closed, and not know whether it has arrived.
func (l *leaving) parting(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.Load() {
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r)
	})
}

// Run serves until ctx ends, then lets what runs come to its end, for at most
// the shutdown timeout.
func (s *Server) Run(ctx context.Context) error {
	public, err := listen(ctx, s.cfg.HTTP.Addr)
	if err != nil {
		return err
	}
	private, err := listen(ctx, s.cfg.OpsAddr)
	if err != nil {
		return errors.Join(err, public.Close())
	}
	s.store.WhenEventsWait(s.hooks.EventsWait)
	if err := s.queue.Start(ctx); err != nil {
		return errors.Join(fmt.Errorf("start the queue: %w", err), public.Close(), private.Close())
	}
	api, ops := s.newHTTPServer(s.leaving.parting(s.handler)), s.newHTTPServer(s.ops)
	tuneGC()
	failed := make(chan error, 2)
	go func() { failed <- api.Serve(public) }()
	go func() { failed <- ops.Serve(private) }()
	stopUses, stopSeen := s.noteKeyUses(context.WithoutCancel(ctx)), s.noteSeen(context.WithoutCancel(ctx))
	hooksStopped, replicaStopped := s.sendWebhooks(ctx), s.watchReplica(context.WithoutCancel(ctx))
	s.log.Info("ready", "url", s.cfg.PublicURL, "address", public.Addr().String(), "ops", private.Addr().String(),
		"database", s.cfg.databaseName(), "blobs", s.cfg.blobsName())

	select {
	case err = <-failed: // a listener broke: end in order all the same
	case <-ctx.Done():
		s.log.Info("shutting down", "delay", s.cfg.ShutdownDelay.String(), "timeout", s.cfg.ShutdownTimeout.String())
		err = s.leave(failed)
	}
	err = errors.Join(err, s.drain(context.WithoutCancel(ctx), api, ops))
	hooksStopped()
	stopUses()
	stopSeen()
	replicaStopped()
	return err
}

// leave lets balancers hear that the server is going, and serves what they send
// meanwhile, unless a listener breaks.
func (s *Server) leave(failed <-chan error) error {
	s.leaving.Store(true)
	select {
	case err := <-failed:
		return err
	case <-time.After(s.cfg.ShutdownDelay):
		return nil
	}
}

// noteKeyUses keeps when API keys are used, until it is told to stop, and that
// of the last requests, too.
func (s *Server) noteKeyUses(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		s.uses.Run(ctx, func(err error) { s.log.Warn("when API keys were used is not stored; trying again", "error", err) })
	})
	return func() { cancel(); wg.Wait() }
}

// noteSeen keeps who looks at datasets, likewise.
func (s *Server) noteSeen(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		s.seen.Run(ctx, func(err error) { s.log.Warn("who looked at datasets is not stored; trying again", "error", err) })
	})
	return func() { cancel(); wg.Wait() }
}

// sendWebhooks sends what is due to webhooks until ctx ends. What it returns
// makes sure that it does, and waits for what is being sent then.
func (s *Server) sendWebhooks(ctx context.Context) (stopped func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		s.hooks.Run(ctx, func(err error) { s.log.Warn("webhooks are not sent; trying again", "error", err) })
	})
	return func() { cancel(); wg.Wait() }
}

// watchReplica looks how far the replica is behind, if there is one, until it is
// told to stop.
func (s *Server) watchReplica(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		s.store.WatchReplica(ctx, func(used bool, err error) {
			if used {
				s.log.Info("the replica is read")
			} else {
				s.log.Warn("the replica is not read: it is too far behind, or does not answer", "max_lag", s.cfg.Database.ReplicaMaxLag.String(), "error", err)
			}
		})
	})
	return func() { cancel(); wg.Wait() }
}

// tuneGC trades some memory for fewer collections, unless the operator has set
// GOGC: the server's live heap is a few megabytes.
func tuneGC() {
	const percent = 400
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}

func (s *Server) drain(ctx context.Context, api, ops *http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.ShutdownTimeout)
	defer cancel()
	s.events.Close() // they would not end by themselves
	err := api.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		s.log.Warn("requests were cut off", "timeout", s.cfg.ShutdownTimeout.String())
		err = api.Close()
	}
	err = errors.Join(err, s.queue.Stop(ctx), ops.Close(), s.tracing.Shutdown(ctx))
	s.log.Info("stopped")
	return err
}

func listen(ctx context.Context, addr string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}

// newHTTPServer bounds headers and idle connections; bodies are bounded where
// they are read, since an upload may take as long as it makes progress.
func (s *Server) newHTTPServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // broken clients, not ours
	}
}
