package bench

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// postgres is a PostgreSQL that loses nothing, as one in production: the
// server of package env never waits for the disk.
type postgres struct {
	bin, dsn, port string
	pid            int
}

// startPostgres starts a server with an empty database, which go with the benchmark.
func startPostgres(b *testing.B) *postgres {
	b.Helper()
	programs, err := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench")
	if err != nil || len(programs) == 0 {
		b.Fatal("PostgreSQL and its pgbench are not on this machine (Debian: apt-get install postgresql)")
	}
	p := &postgres{bin: filepath.Dir(slices.Max(programs)), port: freePort(b)}
	dir, err := os.MkdirTemp("/tmp", "pgbench") //nolint:usetesting // the user postgres may not enter b.TempDir
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	attr := p.unprivileged(b, dir)
	data := filepath.Join(dir, "data")
	initdb := p.command(attr, "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
	if out, err := initdb.CombinedOutput(); err != nil {
		b.Fatalf("initdb: %v\n%s", err, out)
	}
	p.dsn = "postgres://postgres@127.0.0.1:" + p.port + "/postgres?sslmode=disable"
	server := p.command(
		attr, "postgres", "-D", data, "-k", dir, "-p", p.port, "-c", "listen_addresses=127.0.0.1", "-c", "shared_buffers=512MB",
		"-c", "max_wal_size=8GB", "-c", "max_connections=200",
		"-c", "fsync=on", "-c", "synchronous_commit=on", "-c", "full_page_writes=on",
	)
	if server.Stderr, err = os.Create(filepath.Join(dir, "log")); err != nil {
		b.Fatal(err)
	}
	if err := server.Start(); err != nil {
		b.Fatal(err)
	}
	p.pid = server.Process.Pid
	b.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGINT) // ends connections too
		_ = server.Wait()
	})
	p.wait(b)
	return p
}

// unprivileged returns how to run PostgreSQL, which refuses root.
func (p *postgres) unprivileged(b *testing.B, dir string) *syscall.SysProcAttr {
	b.Helper()
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Geteuid() != 0 {
		return attr
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		b.Fatal(err)
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32)
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	if err := os.Chown(dir, int(uid), int(gid)); err != nil {
		b.Fatal(err)
	}
	return attr
}

func (p *postgres) command(attr *syscall.SysProcAttr, name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(p.bin, name), args...)
	c.Dir, c.Env, c.SysProcAttr = "/", []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8"}, attr
	return c
}

func (p *postgres) wait(b *testing.B) {
	b.Helper()
	db := p.open(b)
	for range 1000 {
		if db.PingContext(b.Context()) == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	b.Fatal("PostgreSQL does not start")
}

func (p *postgres) open(b *testing.B) *sql.DB {
	b.Helper()
	db, err := sql.Open("pgx", p.dsn)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	return db
}

// run runs SQL.
func (p *postgres) run(b *testing.B, texts ...string) {
	b.Helper()
	db := p.open(b)
	for _, text := range texts {
		if _, err := db.ExecContext(b.Context(), text); err != nil {
			b.Fatal(fmt.Errorf("%w: %s", err, text))
		}
	}
}

// cpu returns the processor time of all its processes.
func (p *postgres) cpu() time.Duration {
	total := processCPU(p.pid)
	for _, child := range children(p.pid) {
		total += processCPU(child)
	}
	return total
}

// freePort returns a port of 127.0.0.1 that was free a moment ago.
func freePort(tb testing.TB) string {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	return port
}
