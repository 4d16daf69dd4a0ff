package env

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net/url"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Replicated is a PostgreSQL server of a test's own and a streaming replica of it,
// both from PostgreSQL's programs on this machine: Docker is not asked.
type Replicated struct {
	PrimaryURL string // of an empty database
	ReplicaURL string // of the same, as the replica has it

	t                testing.TB
	primary, replica *postgresServer
}

// replicates is like ephemeral, for a server that another one copies.
var replicates = []string{"fsync=off", "synchronous_commit=on", "full_page_writes=off", "wal_level=replica", "max_wal_senders=8", "hot_standby=on"}

// Replica starts a server and a replica of it. They end with the test.
func Replica(t testing.TB) *Replicated {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	bin, err := postgresPrograms()
	if err != nil {
		t.Fatalf("env: a replica is made with PostgreSQL's programs only: %v", err)
	}
	cred, err := unprivileged()
	if err != nil {
		t.Fatalf("env: %v", err)
	}
	password := rand.Text()
	r := &Replicated{t: t}
	// Ended as a crash ends them: SIGQUIT lets no connection finish.
	r.primary, err = onFreePort(ctx, func(port int) (*postgresServer, error) {
		return startPrimary(ctx, bin, cred, password, port)
	})
	if err != nil {
		t.Fatalf("env: start a primary: %v", err)
	}
	t.Cleanup(func() { r.primary.stop() })
	r.exec(r.primary.dsn, "CREATE DATABASE coffer")
	r.replica, err = onFreePort(ctx, func(port int) (*postgresServer, error) {
		return startReplica(ctx, bin, cred, r.primary.dsn, password, port)
	})
	if err != nil {
		t.Fatalf("env: start a replica: %v", err)
	}
	t.Cleanup(func() { r.replica.stop() })
	r.PrimaryURL, r.ReplicaURL = database(t, r.primary.dsn), database(t, r.replica.dsn)
	return r
}

func startPrimary(ctx context.Context, bin string, cred *syscall.Credential, password string, port int) (*postgresServer, error) {
	l, err := newLocal(bin, cred)
	if err != nil {
		return nil, err
	}
	if err := l.initdb(ctx, password); err != nil {
		return nil, err
	}
	return l.start(ctx, password, port, "QUIT", replicates)
}

func startReplica(ctx context.Context, bin string, cred *syscall.Credential, primary, password string, port int) (*postgresServer, error) {
	l, err := newLocal(bin, cred)
	if err != nil {
		return nil, err
	}
	err = l.program(ctx, "pg_basebackup", "-d", primary, "-D", filepath.Join(l.dir, "data"), "-R", "-X", "stream", "-c", "fast", "--no-sync")
	if err != nil {
		return nil, err
	}
	return l.start(ctx, password, port, "QUIT", replicates)
}

// BothURL names both servers, and wants the one that takes writes.
func (r *Replicated) BothURL() string {
	r.t.Helper()
	p, err := url.Parse(r.PrimaryURL)
	if err != nil {
		r.t.Fatal(err)
	}
	u, err := url.Parse(r.ReplicaURL)
	if err != nil {
		r.t.Fatal(err)
	}
	p.Host += "," + u.Host
	p.RawQuery += "&target_session_attrs=read-write"
	return p.String()
}

// Pause keeps the replica from showing what it receives, until Resume.
func (r *Replicated) Pause() { r.t.Helper(); r.exec(r.ReplicaURL, "SELECT pg_wal_replay_pause()") }

// Resume lets the replica catch up.
func (r *Replicated) Resume() { r.t.Helper(); r.exec(r.ReplicaURL, "SELECT pg_wal_replay_resume()") }

// Synchronous makes the primary acknowledge only what the replica has, too.
func (r *Replicated) Synchronous() {
	r.t.Helper()
	r.exec(r.primary.dsn, "ALTER SYSTEM SET synchronous_standby_names = '*'")
	r.exec(r.primary.dsn, "SELECT pg_reload_conf()")
}

// StopPrimary ends the primary as a crash does, for good.
func (r *Replicated) StopPrimary() { r.primary.stop() }

// StopReplica ends the replica as a crash does, for good.
func (r *Replicated) StopReplica() { r.replica.stop() }

// Promote makes the replica take writes.
func (r *Replicated) Promote() { r.t.Helper(); r.exec(r.ReplicaURL, "SELECT pg_promote()") }

func (r *Replicated) exec(dsn, text string) {
	r.t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		r.t.Fatal(err)
	}
	defer db.Close()
	const patience = 70 * time.Second // pg_promote itself waits for a minute
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	if _, err := db.ExecContext(ctx, text); err != nil {
		r.t.Fatalf("env: %s: %v", text, err)
	}
}

// database is the URL of the database coffer on a server.
func database(t testing.TB, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/coffer"
	return u.String()
}
