package coffer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/seed-755a8038/coffer/adapters/httpapi"
	"github.com/seed-755a8038/coffer/adapters/riverqueue"
	"github.com/seed-755a8038/coffer/adapters/telemetry"
	"github.com/seed-755a8038/coffer/app/check"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type (
	// FsckOptions say what a check does beside looking.
	FsckOptions = check.Options
	// FsckReport is what a check found.
	FsckReport = check.Report
	// FsckProblem is something that is not as it must be.
	FsckProblem = check.Problem
)

// OpenAPI returns the description of the API as YAML.
func OpenAPI() ([]byte, error) { return httpapi.OpenAPI() }

// OpenAPICompact describes it for generators of clients, in OpenAPI 3.0.
func OpenAPICompact() ([]byte, error) { return httpapi.OpenAPICompact() }

// Migrate brings the schema up to date and returns the names of the migrations
// it applied.
func Migrate(ctx context.Context, cfg Config, log *slog.Logger) ([]string, error) {
	unlock, err := lockDataDir(cfg)
	if err != nil {
		return nil, err
	}
	defer unlock()
	store, release, err := openStore(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer release()
	queue, release, err := openQueue(ctx, cfg, store, riverqueue.NewRegistry(), log, telemetry.NewMetrics(""))
	if err != nil {
		return nil, err
	}
	defer release()
	return applyMigrations(ctx, store, queue, log)
}

// Backup writes a copy of the database in the data directory into a new file. A
// server may be running.
func Backup(ctx context.Context, cfg Config, file string) error {
	if !cfg.UsesPostgres() {
		if _, err := os.Stat(cfg.sqliteFile()); err != nil {
			return fmt.Errorf("there is no database yet: %w", err)
		}
	}
	store, release, err := openStore(ctx, cfg)
	if err != nil {
		return err
	}
	defer release()
	if err := store.Backup(ctx, file); err != nil {
		return err
	}
	return syncDir(filepath.Dir(file))
}

// MigrationState is one step of the schema.
type MigrationState struct {
	Name    string
	Applied bool
}

// MigrationStatus returns every migration this program has, in order.
func MigrationStatus(ctx context.Context, cfg Config) ([]MigrationState, error) {
	store, release, err := openStore(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer release()
	steps, err := store.Migrations(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]MigrationState, len(steps))
	for i, m := range steps {
		out[i] = MigrationState(m)
	}
	return out, nil
}

// Fsck compares what is stored with what must be true.
func Fsck(ctx context.Context, cfg Config, o FsckOptions) (FsckReport, error) {
	log, err := NewLogger(cfg, io.Discard)
	if err != nil {
		return FsckReport{}, err
	}
	if err := migrated(ctx, cfg); err != nil {
		return FsckReport{}, err
	}
	s, release, err := assemble(ctx, cfg, Build{}, toLook, log)
	if err != nil {
		return FsckReport{}, err
	}
	defer release()
	return s.check.Run(ctx, o)
}

// migrated refuses to look at data of another version of the program.
func migrated(ctx context.Context, cfg Config) error {
	if !cfg.UsesPostgres() {
		if _, err := os.Stat(cfg.sqliteFile()); err != nil {
			return fmt.Errorf("there is no database yet: %w", err)
		}
	}
	states, err := MigrationStatus(ctx, cfg)
	if err != nil {
		return err
	}
	for _, m := range states {
		if !m.Applied {
			return fmt.Errorf("migration %s is not applied: run coffer migrate up first", m.Name)
		}
	}
	return nil
}

// Doctor examines what the server depends on. fixCORS lets it set the rules of
// the bucket.
func Doctor(ctx context.Context, cfg Config, fixCORS bool) ([]ports.Finding, error) {
	log, err := NewLogger(cfg, io.Discard)
	if err != nil {
		return nil, err
	}
	findings, ok := examineDatabase(ctx, cfg)
	findings = append(findings, examineIssuers(ctx, cfg)...)
	findings = append(findings, examinePayments(ctx, cfg)...)
	if cfg.Derived.Enabled {
		findings = append(findings, newDeriver(cfg, Build{}).Diagnose(ctx, false)...)
	}
	if !ok {
		return findings, nil
	}
	secrets, err := newSecrets(cfg)
	if err != nil {
		return findings, err
	}
	blobs, release, err := openBlobs(ctx, cfg, secrets, newClock(cfg), log)
	if err != nil {
		return append(findings, ports.Finding{Check: "blob store", Detail: err.Error()}), nil
	}
	defer release()
	return append(findings, blobs.diagnosis.Diagnose(ctx, fixCORS)...), nil
}

// examineIssuers asks everybody who says who people are for addresses and keys.
func examineIssuers(ctx context.Context, cfg Config) []ports.Finding {
	clock := newClock(cfg)
	signIn, err := newSignInProviders(cfg, clock)
	tokens, tokensErr := newExternalTokens(cfg, clock)
	if err := errors.Join(err, tokensErr); err != nil {
		return []ports.Finding{{Check: "issuers", Detail: err.Error()}}
	}
	return append(signIn.Diagnose(ctx), tokens.Diagnose(ctx)...)
}

// examinePayments asks Stripe, if there is one, whether it knows the server.
func examinePayments(ctx context.Context, cfg Config) []ports.Finding {
	if cfg.Payment.StripeSecretKey == "" {
		return nil
	}
	pay, err := newStripe(cfg)
	if err != nil {
		return []ports.Finding{{Check: "stripe", Detail: err.Error()}}
	}
	return pay.Diagnose(ctx)
}

func examineDatabase(ctx context.Context, cfg Config) (findings []ports.Finding, ok bool) {
	found := func(check, detail string, err error) bool {
		f := ports.Finding{Check: check, OK: err == nil, Detail: detail}
		if err != nil {
			f.Detail = err.Error()
		}
		findings = append(findings, f)
		return f.OK
	}
	store, release, err := openStore(ctx, cfg)
	if !found("database", cfg.databaseName()+", configured", err) {
		return findings, false
	}
	defer release()
	if err := store.Ping(ctx); !found("database connection", "answers", err) {
		return findings, true // the blob store can be examined all the same
	}
	if !found("database sessions", "each connection has its own", store.CheckSessions(ctx)) {
		return findings, true
	}
	states, err := store.Migrations(ctx)
	pending := 0
	for _, m := range states {
		if !m.Applied {
			pending++
		}
	}
	if err == nil && pending > 0 {
		findings = append(findings, ports.Finding{
			Check: "schema", OK: true, Warning: true, Detail: fmt.Sprintf("%d migrations are pending; serve or migrate up applies them", pending),
		})
		return findings, true
	}
	if found("schema", "up to date", err) && cfg.Database.ReplicaURL != "" {
		took, err := store.ProbeReplica(ctx)
		if errors.Is(err, core.ErrUnavailable) {
			err = fmt.Errorf("it does not show within %v what is written to the database: it is down, too far behind, or no replica of it (%w)", cfg.Database.ReplicaMaxLag, err)
		}
		found("replica", "shows what is written to the database after "+took.Round(time.Millisecond).String(), err)
	}
	return findings, true
}

// lockDataDir keeps a second process from serving the same directory. The
// kernel lets go of the lock when the process dies.
func lockDataDir(cfg Config) (unlock func(), err error) {
	if cfg.UsesPostgres() && cfg.UsesS3() {
		return func() {}, nil
	}
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(cfg.DataDir, "server.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		err = fmt.Errorf("another process serves the data directory %s (%w): stop it, or set COFFER_DATA_DIR", cfg.DataDir, err)
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// databaseName and blobsName say in a word where things are kept.
func (c *Config) databaseName() string {
	if c.UsesPostgres() {
		return "PostgreSQL"
	}
	return "SQLite in " + c.DataDir
}

func (c *Config) blobsName() string {
	if c.UsesS3() {
		return "S3 bucket " + c.S3.Bucket
	}
	return "disk in " + c.DataDir
}

// logWriter is where the server's log goes.
func (c *Config) logWriter() io.Writer { return os.Stderr }
