package env

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// Bouncer starts a PgBouncer before the database at dsn and returns the URL of the
// database through it. The mode is its pool_mode: session or transaction.
func Bouncer(t testing.TB, dsn, mode string) string {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer" // Debian: not in everybody's PATH
	}
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	through, err := onFreePort(context.WithoutCancel(t.Context()), func(port int) (*postgresServer, error) {
		return startBouncer(t.Context(), program, *u, mode, port)
	})
	if err != nil {
		t.Fatalf("env: start PgBouncer (Debian: apt-get install pgbouncer): %v", err)
	}
	t.Cleanup(through.stop)
	return through.dsn
}

const bouncerConfig = `[databases]
%[1]s = host=%[2]s port=%[3]s dbname=%[1]s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %[4]d
unix_socket_dir =
auth_type = plain
auth_file = %[5]s
pool_mode = %[6]s
default_pool_size = 40
`

func startBouncer(ctx context.Context, program string, u url.URL, mode string, port int) (*postgresServer, error) {
	cred, err := unprivileged() // it refuses root, as PostgreSQL does
	if err != nil {
		return nil, err
	}
	dir, err := postgresDir(cred)
	if err != nil {
		return nil, err
	}
	password, _ := u.User.Password()
	users, config := filepath.Join(dir, "users"), filepath.Join(dir, "pgbouncer.ini")
	text := fmt.Sprintf(bouncerConfig, u.Path[1:], u.Hostname(), u.Port(), port, users, mode)
	for file, content := range map[string]string{users: fmt.Sprintf("%q %q\n", u.User.Username(), password), config: text} {
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil { // the directory is 0700
			return nil, err
		}
	}
	p, err := spawn(command{dir: dir, signal: "INT", env: []string{"PATH=" + os.Getenv("PATH")}, cred: cred, argv: []string{program, "-q", config}})
	if err != nil {
		return nil, err
	}
	u.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	s := &postgresServer{dsn: u.String(), stop: p.stop}
	return s, p.ready(ctx, s.ping)
}
