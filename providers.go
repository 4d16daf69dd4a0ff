package coffer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/adapters/derive"
	"github.com/seed-755a8038/coffer/adapters/egress"
	"github.com/seed-755a8038/coffer/adapters/fsblob"
	"github.com/seed-755a8038/coffer/adapters/jwtauth"
	"github.com/seed-755a8038/coffer/adapters/maxmind"
	"github.com/seed-755a8038/coffer/adapters/oidc"
	"github.com/seed-755a8038/coffer/adapters/ratelimit"
	"github.com/seed-755a8038/coffer/adapters/riverqueue"
	"github.com/seed-755a8038/coffer/adapters/s3blob"
	"github.com/seed-755a8038/coffer/adapters/sealing"
	"github.com/seed-755a8038/coffer/adapters/signedblob"
	"github.com/seed-755a8038/coffer/adapters/system"
	"github.com/seed-755a8038/coffer/adapters/telemetry"
	"github.com/seed-755a8038/coffer/adapters/totp"
	"github.com/seed-755a8038/coffer/adapters/watermark"
	hookadapter "github.com/seed-755a8038/coffer/adapters/webhook"
	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/app/admin"
	"github.com/seed-755a8038/coffer/app/analytics"
	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/app/check"
	"github.com/seed-755a8038/coffer/app/dataset"
	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/app/group"
	"github.com/seed-755a8038/coffer/app/identity"
	"github.com/seed-755a8038/coffer/app/org"
	"github.com/seed-755a8038/coffer/app/report"
	"github.com/seed-755a8038/coffer/app/share"
	"github.com/seed-755a8038/coffer/app/webhook"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/migrations"
	"github.com/seed-755a8038/coffer/ports"
)

// openStore opens the database that cfg names, without looking at its schema.
func openStore(ctx context.Context, cfg Config) (*bunstore.Store, func(), error) {
	var store *bunstore.Store
	var err error
	if cfg.UsesPostgres() {
		if store, err = bunstore.OpenPostgres(cfg.Database.URL, cfg.Database.MaxConns, migrations.Postgres()); err == nil && cfg.Database.ReplicaURL != "" {
			store, err = store.WithReplica(cfg.Database.ReplicaURL, cfg.Database.MaxConns, cfg.Database.ReplicaMaxLag)
		}
	} else if err = private(cfg.sqliteFile()); err == nil {
		store, err = bunstore.OpenSQLite(ctx, cfg.sqliteFile(), migrations.SQLite())
	}
	if err != nil {
		return nil, nil, err
	}
	return store, func() { _ = store.Close() }, nil
}

// private makes sure that a file exists that only its owner can read. SQLite
// gives the files beside it the same mode.
func private(file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func (c *Config) sqliteFile() string { return filepath.Join(c.DataDir, "coffer.db") }

// openQueue opens the queue in the store's database and joins the two.
func openQueue(
	ctx context.Context, cfg Config, store *bunstore.Store, registry *riverqueue.Registry, log *slog.Logger, metrics *telemetry.Metrics,
) (*riverqueue.Queue, func(), error) {
	options := riverqueue.Options{Lanes: map[string]int{laneDerive: cfg.Derived.Workers}, Log: log, Observe: func(kind string, err error, took timeSpan) { metrics.Job(kind, took, err) }}
	var queue *riverqueue.Queue
	var err error
	if cfg.UsesPostgres() {
		queue, err = riverqueue.NewPostgres(ctx, cfg.Database.URL, registry, options)
	} else {
		options.Alone = true // lockDataDir sees to that
		queue, err = riverqueue.NewSQLite(store.DB(), registry, options)
	}
	if err != nil {
		return nil, nil, err
	}
	store.WithJobs(queue.InTx)
	return queue, queue.Close, nil
}

// schema is the proof that the database is up to date.
type schema struct {
	applied      []string
	installation string // the database's id
}

// purpose says what a program is assembled for.
type purpose bool

const (
	toServe purpose = true
	toLook  purpose = false // changes no schema
)

// migrate brings the tables of the store and of the queue up to date.
func migrate(
	ctx context.Context, why purpose, store *bunstore.Store, queue *riverqueue.Queue, ids *system.IDs, log *slog.Logger,
) (s schema, err error) {
	if why == toServe {
		if s.applied, err = applyMigrations(ctx, store, queue, log); err != nil {
			return s, err
		}
	}
	s.installation, err = store.Installation(ctx, ids.NewID())
	return s, err
}

func applyMigrations(ctx context.Context, store *bunstore.Store, queue *riverqueue.Queue, log *slog.Logger) ([]string, error) {
	if err := store.CheckSessions(ctx); err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	applied, err := store.Migrate(ctx)
	if err != nil {
		return nil, err
	}
	if err := queue.Migrate(ctx); err != nil {
		return nil, fmt.Errorf("migrate the queue: %w", err)
	}
	for _, name := range applied {
		log.Info("migration applied", "name", name)
	}
	return applied, nil
}

// blobStore is what keeps the bytes: the port, and what stands beside it.
type blobStore struct {
	ports.Blobs
	handler   http.Handler // serves signed URLs of the disk; nil for S3
	diagnosis ports.Diagnosable
	sweep     func(context.Context) error // removes what a crash left on the disk
}

// pageOrigins are those whose scripts send to a blob store of another origin:
// those of the operator, and that of the share page.
func pageOrigins(cfg Config) []string {
	own := strings.TrimSuffix(cfg.PublicURL, "/")
	if slices.Contains(cfg.HTTP.CORSOrigins, "*") || slices.Contains(cfg.HTTP.CORSOrigins, own) {
		return cfg.HTTP.CORSOrigins
	}
	return append(slices.Clip(cfg.HTTP.CORSOrigins), own)
}

// origin returns the scheme, host and port of signed URLs.
func (b blobStore) origin(ctx context.Context) (string, error) {
	r, err := b.SignGet(ctx, ports.GetSpec{Key: "origin", Expires: now().Add(time.Minute)})
	if err != nil {
		return "", err
	}
	u, err := url.Parse(r.URL)
	if err != nil {
		return "", err
	}
	return u.Scheme + "://" + u.Host, nil
}

// blobPath is where the server serves signed URLs of the disk.
const blobPath = "/blobs/"

func openBlobs(ctx context.Context, cfg Config, secrets *sealing.Secrets, clock ports.Clock, log *slog.Logger) (blobStore, func(), error) {
	if cfg.UsesS3() {
		s, err := s3blob.Open(ctx, s3blob.Config{
			Endpoint: cfg.S3.Endpoint, PublicEndpoint: cfg.S3.PublicEndpoint, Region: cfg.S3.Region, Bucket: cfg.S3.Bucket,
			AccessKeyID: cfg.S3.AccessKeyID, SecretAccessKey: cfg.S3.SecretAccessKey, UsePathStyle: cfg.S3.UsePathStyle,
			AllowedOrigins: pageOrigins(cfg), ConditionalWrites: cfg.S3.ConditionalWrites, ClockOffset: cfg.ClockOffset,
		})
		if err != nil {
			return blobStore{}, nil, err
		}
		return blobStore{Blobs: s, diagnosis: s, sweep: func(context.Context) error { return nil }}, func() {}, nil
	}
	disk, err := fsblob.Open(filepath.Join(cfg.DataDir, "blobs"))
	if err != nil {
		return blobStore{}, nil, err
	}
	base, origins := cfg.BlobsPublicURL, pageOrigins(cfg)
	if base == "" {
		base, origins = cfg.PublicURL, cfg.HTTP.CORSOrigins
	}
	signed, err := signedblob.New(disk, signedblob.Options{
		Key: secrets.Key("blob-url"), BaseURL: strings.TrimSuffix(base, "/") + blobPath, AllowedOrigins: origins, Clock: clock,
		OnError: func(r *http.Request, err error) {
			log.Error("blob request failed", "method", r.Method, "url", telemetry.SafeURL(r.URL), "error", err)
		},
	})
	if err != nil {
		return blobStore{}, nil, errors.Join(err, disk.Close())
	}
	return blobStore{
		Blobs: signed, handler: signed, diagnosis: signed,
		sweep: func(ctx context.Context) error {
			_, err := disk.Sweep(ctx, now().Add(-temporaryAge)) // files carry the real time
			return err
		},
	}, func() { _ = disk.Close() }, nil
}

func newClock(cfg Config) system.Clock { return system.Clock{Offset: cfg.ClockOffset} }

func newSecrets(cfg Config) (*sealing.Secrets, error) { return sealing.New([]byte(cfg.Auth.JWTSecret)) }

func newTokens(cfg Config, secrets *sealing.Secrets) (*jwtauth.Tokens, error) {
	return jwtauth.New(secrets.Key("access-token"), cfg.PublicURL)
}

func newSignInProviders(cfg Config, clock system.Clock) (*oidc.Providers, error) {
	return oidc.NewProviders(cfg.Auth.oidc(), clock)
}

func newExternalTokens(cfg Config, clock system.Clock) (*oidc.Tokens, error) {
	return oidc.NewTokens(cfg.Auth.oidc(), clock)
}

func newRequestLimiter() *ratelimit.Limiter { return ratelimit.New(ratelimit.DefaultKeys) }

func newIdentityOptions(cfg Config) identity.Options {
	return identity.Options{AccessTTL: cfg.Auth.AccessTTL, RefreshTTL: cfg.Auth.RefreshTTL, LinkURL: cfg.AppURL, PublicURL: cfg.PublicURL}
}

func newOrgOptions(cfg Config) org.Options {
	return org.Options{Unlimited: cfg.SelfHostedUnlimited, LinkURL: cfg.AppURL, Retention: cfg.OrgRetention}
}

func newCheckRetention(cfg Config) check.Retention { return check.Retention(cfg.OrgRetention) }
func newAdminOptions(cfg Config) admin.Options {
	return admin.Options{Unlimited: cfg.SelfHostedUnlimited}
}

func newAssetOptions(cfg Config, s schema, build Build) asset.Options {
	return asset.Options{
		Derives:     derives(cfg, build),
		Unlimited:   cfg.SelfHostedUnlimited,
		Uploads:     core.UploadTimes{URL: cfg.Upload.URLTTL, Single: cfg.Upload.SingleTTL, Multipart: cfg.Upload.MultipartTTL},
		DownloadTTL: cfg.DownloadURLTTL, Installation: s.installation,
	}
}

func newDriveOptions(cfg Config) drive.Options {
	return drive.Options{
		Unlimited: cfg.SelfHostedUnlimited, TrashRetention: cfg.TrashRetention, ChangeRetention: cfg.ChangeRetention,
		Uploads: core.UploadTimes{URL: cfg.Upload.URLTTL, Single: cfg.Upload.SingleTTL, Multipart: cfg.Upload.MultipartTTL},
	}
}

func newShareOptions(cfg Config) share.Options {
	return share.Options{
		Unlimited: cfg.SelfHostedUnlimited, DownloadTTL: cfg.DownloadURLTTL, PublicURL: strings.TrimSuffix(cfg.PublicURL, "/"),
		LogRetention: cfg.Share.LogRetention, LogAddresses: cfg.Share.LogAddresses,
		WatermarkWait: watermarkWait, WatermarkTimeout: watermarkWait + cfg.Watermark.Timeout,
	}
}

// counters hands analytics to reports.
type counters struct{ Traffic *analytics.Service }

// OfGroup implements report.Analytics.
func (c counters) OfGroup(ctx context.Context, a core.Actor, id core.GroupID, s report.SpanInput) (core.Analytics, error) {
	return c.Traffic.OfGroup(ctx, a, id, analytics.Input(s))
}

// OfLink implements report.Analytics.
func (c counters) OfLink(ctx context.Context, a core.Actor, id core.ShareLinkID, s report.SpanInput) (core.Analytics, error) {
	return c.Traffic.OfLink(ctx, a, id, analytics.Input(s))
}

// OfOrg implements report.Analytics.
func (c counters) OfOrg(ctx context.Context, a core.Actor, org core.OrgID, s report.SpanInput) (core.Analytics, error) {
	return c.Traffic.OfOrg(ctx, a, org, analytics.Input(s))
}

func newReportOptions(cfg Config) report.Options {
	return report.Options{
		Unlimited: cfg.SelfHostedUnlimited, Mails: cfg.SendsMail() || !cfg.IsProduction(), PublicURL: strings.TrimSuffix(cfg.PublicURL, "/"),
		Retention: cfg.ReportsRetention,
	}
}

func newAnalyticsOptions(cfg Config) analytics.Options {
	return analytics.Options{Unlimited: cfg.SelfHostedUnlimited, Retention: max(cfg.Analytics.Retention, cfg.Share.LogRetention)}
}

func newCountries(cfg Config, log *slog.Logger) (*maxmind.Countries, error) {
	return maxmind.Open(cfg.Analytics.CountryFile, now, func(err error) { log.Error("countries", "error", err) })
}

// watermarkWait is how long a request waits for its copy: less than it may take
// in all.
const watermarkWait = 20 * time.Second

func newMarker(cfg Config) (*watermark.Marker, error) {
	const mb = 1_000_000
	w := &cfg.Watermark
	return watermark.New(watermark.Options{
		MemoryBytes: int64(w.MemoryMB) * mb, MaxBytes: int64(w.MaxFileMB) * mb, MaxPixels: int64(w.MaxMegapixels) * mb, Timeout: w.Timeout,
	})
}

// derives reports whether something is derived of files.
func derives(cfg Config, build Build) bool { return cfg.Derived.Enabled && len(build.Derive) > 0 }

func newDeriver(cfg Config, build Build) *derive.Deriver {
	const mb = 1_000_000
	d := &cfg.Derived
	return derive.New(derive.Options{
		Command: build.Derive, Workers: d.Workers, MaxBytes: int64(d.MaxFileMB) * mb, MaxVideoBytes: int64(d.MaxVideoMB) * mb,
		MaxPixels: int64(d.MaxMegapixels) * mb, MemoryBytes: int64(d.MemoryMB) * mb, Timeout: d.Timeout,
	})
}

// Derive is what the command of Build.Derive does with its one argument, in a
// process of its own, and returns the exit code.
func Derive(argument string, stdout, stderr io.Writer) int {
	return derive.Main(argument, stdout, stderr)
}

func newThumbnails(cfg Config, blobs ports.Blobs, clock ports.Clock) app.Thumbnails {
	return app.Thumbnails{Blobs: blobs, Clock: clock, TTL: cfg.DownloadURLTTL}
}

func newGroupOptions(cfg Config) group.Options {
	return group.Options{Unlimited: cfg.SelfHostedUnlimited, TrashRetention: cfg.TrashRetention}
}

func newDatasetOptions(cfg Config) dataset.Options {
	return dataset.Options{LogRetention: cfg.DatasetLogs, LogAddresses: cfg.Share.LogAddresses}
}

// newDialer connects to wherever users say: it is the one that may.
func newDialer(cfg Config) *egress.Dialer { return egress.NewDialer(cfg.WebhooksPrivate) }

func newWebhookSender(dialer *egress.Dialer, build Build) *hookadapter.Sender {
	return hookadapter.New(dialer.DialContext, "Coffer-Webhooks/"+build.Version)
}

func newWebhookOptions(cfg Config, dialer *egress.Dialer) webhook.Options {
	return webhook.Options{Unlimited: cfg.SelfHostedUnlimited, Plain: !cfg.IsProduction(), Allows: dialer.Allows}
}

func newMetrics(build Build, store *bunstore.Store) (*telemetry.Metrics, error) {
	metrics := telemetry.NewMetrics(build.Version)
	err := metrics.WatchPool("store", func() sql.DBStats { return store.DB().Stats() })
	if replica := store.Replica(); err == nil && replica != nil {
		err = errors.Join(metrics.WatchPool("replica", replica.Stats), metrics.WatchReplica(store.ReplicaLag))
	}
	return metrics, err
}

func newTracing(ctx context.Context, cfg Config, build Build, log *slog.Logger) (*telemetry.Tracing, error) {
	return telemetry.NewTracing(ctx, cfg.OTLPEndpoint, build.Version, log)
}

func newOTP() *totp.Passwords { return totp.New("Coffer") }
