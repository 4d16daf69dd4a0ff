package env

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// localPostgres makes a data directory and runs a server on it, on a port of
// 127.0.0.1 and on a unix socket in its directory.
func localPostgres(ctx context.Context) (*postgresServer, error) {
	bin, err := postgresPrograms()
	if err != nil {
		return nil, err
	}
	cred, err := unprivileged()
	if err != nil {
		return nil, err
	}
	return onFreePort(ctx, func(port int) (*postgresServer, error) { return startLocal(ctx, bin, cred, port) })
}

// ephemeral: nothing has to survive a crash of this server, so it never waits for the
// disk. No autovacuum: a worker in a template database would refuse the copy.
var ephemeral = []string{"fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "wal_level=minimal", "max_wal_senders=0", "min_wal_size=32MB", "max_wal_size=128MB"}

func startLocal(ctx context.Context, bin string, cred *syscall.Credential, port int) (*postgresServer, error) {
	l, err := newLocal(bin, cred)
	if err != nil {
		return nil, err
	}
	password := rand.Text() // the port is open to every user of this machine
	if err := l.initdb(ctx, password, "--no-sync"); err != nil {
		_ = os.RemoveAll(l.dir)
		return nil, err
	}
	return l.start(ctx, password, port, "INT", ephemeral)
}

// local is a server of PostgreSQL's programs on this machine.
type local struct {
	bin     string
	cred    *syscall.Credential
	dir     string // has the data directory "data"
	environ []string
}

func newLocal(bin string, cred *syscall.Credential) (local, error) {
	dir, err := postgresDir(cred)
	return local{bin, cred, dir, []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "HOME=" + dir}}, err
}

// start runs the server; signal is what stops it.
func (l local) start(ctx context.Context, password string, port int, signal string, settings []string) (*postgresServer, error) {
	argv := []string{
		filepath.Join(l.bin, "postgres"), "-D", filepath.Join(l.dir, "data"), "-k", l.dir,
		"-p", strconv.Itoa(port), "-c", "listen_addresses=127.0.0.1",
		"-c", "shared_buffers=64MB", "-c", "max_connections=300", "-c", "timezone=UTC",
	}
	for _, s := range settings {
		argv = append(argv, "-c", s)
	}
	p, err := spawn(command{dir: l.dir, signal: signal, env: l.environ, cred: l.cred, argv: argv})
	if err != nil {
		_ = os.RemoveAll(l.dir)
		return nil, err
	}
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword("postgres", password), Path: "/postgres",
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), RawQuery: "sslmode=disable",
	}
	s := &postgresServer{dsn: u.String(), stop: p.stop}
	return s, p.ready(ctx, s.ping)
}

// program runs one of PostgreSQL's programs to its end.
func (l local) program(ctx context.Context, name string, args ...string) error {
	c := exec.CommandContext(ctx, filepath.Join(l.bin, name), args...)
	c.Dir, c.Env, c.SysProcAttr = l.dir, l.environ, &syscall.SysProcAttr{Setpgid: true, Credential: l.cred}
	c.WaitDelay = time.Second
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(out))
	}
	return nil
}

// initdb makes the data directory. The default collation is a language's, as on most
// servers, not byte order: a query that forgets COLLATE "C" is to fail here.
func (l local) initdb(ctx context.Context, password string, more ...string) (err error) {
	file := filepath.Join(l.dir, "password")
	if err := os.WriteFile(file, []byte(password), 0o644); err != nil { // the directory is 0700
		return err
	}
	for _, collation := range [][]string{{"--locale-provider=icu", "--icu-locale=en-US"}, nil} { // nil: before 15, or without ICU
		err = l.program(ctx, "initdb", append([]string{
			"-D", filepath.Join(l.dir, "data"), "-U", "postgres", "-A", "md5", "--pwfile", file,
			"-E", "UTF8", "--locale=C.UTF-8", "--no-instructions",
		}, append(more, collation...)...)...)
		if err == nil {
			return nil
		}
	}
	return err
}

// postgresRoom is how much memory the files of a server may take. They take a tenth
// of it: a database of a test has 15 MB, and goes with the test.
const postgresRoom = 2 << 30

// postgresDir makes the server's directory, in memory where there is enough: a database
// is some thousand files, which a disk's file system makes and removes slowly. Its path is
// short, because that of a unix socket has at most 107 bytes, and open to the server's
// user on the way.
func postgresDir(cred *syscall.Credential) (string, error) {
	parent := os.TempDir()
	if len(parent) > 60 || cred != nil {
		parent = "/tmp"
	}
	if memory := MemoryDir(postgresRoom); memory != "" {
		parent = memory
	}
	dir, err := os.MkdirTemp(parent, "pg")
	if err != nil || cred == nil {
		return dir, err
	}
	return dir, os.Chown(dir, int(cred.Uid), int(cred.Gid))
}

// postgresPrograms returns the directory of initdb and postgres, the newest where there are several.
func postgresPrograms() (string, error) {
	if p, err := exec.LookPath("initdb"); err == nil {
		if program, err := filepath.EvalSymlinks(p); err == nil {
			return filepath.Dir(program), nil
		}
	}
	var found []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin/initdb", "/usr/pgsql-*/bin/initdb",
		"/opt/homebrew/opt/postgresql@*/bin/initdb", "/usr/local/opt/postgresql@*/bin/initdb",
	} {
		match, _ := filepath.Glob(pattern) // fails only on a malformed pattern
		found = append(found, match...)
	}
	if len(found) == 0 {
		return "", errors.New("PostgreSQL's programs (initdb) are not on this machine")
	}
	return filepath.Dir(slices.Max(found)), nil
}

// unprivileged returns whom to run as: PostgreSQL refuses root. Nil means as this process.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uerr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gerr := strconv.ParseUint(u.Gid, 10, 32)
		if uerr != nil || gerr != nil {
			continue
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("running as root, and there is no user postgres or nobody to run PostgreSQL as")
}
