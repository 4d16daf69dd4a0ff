package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/test/env"
)

// settings are environment variables.
type settings map[string]string

// server is a Coffer in a process of its own, in production mode.
type server struct {
	addr, ops string // host:port
	dir       string // of its data
	cmd       *exec.Cmd
	ready     time.Duration // from its start until /readyz said so
}

var buildDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "coffer-bench")
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	buildDir = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// program is built once, as for a release.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(buildDir, "coffer")
	build := exec.CommandContext(context.Background(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "github.com/seed-755a8038/coffer/cmd/coffer")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", errors.Join(err, errors.New(string(out)))
	}
	return path, nil
})

// startServer starts a server that stops with the benchmark. Its data is in
// dir, its log in a file.
func startServer(b *testing.B, dir string, extra ...settings) *server {
	b.Helper()
	path, err := program()
	if err != nil {
		b.Fatal(err)
	}
	s := &server{addr: "127.0.0.1:" + freePort(b), ops: "127.0.0.1:" + freePort(b), dir: dir}
	all := settings{
		"PATH": os.Getenv("PATH"), "HOME": dir, "COFFER_ENV": "production", "COFFER_PUBLIC_URL": publicURL, "COFFER_DATA_DIR": dir,
		"COFFER_HTTP_ADDR": s.addr, "COFFER_OPS_ADDR": s.ops, "COFFER_AUTH_JWT_SECRET": secret,
		"COFFER_RATE_LIMIT_PER_MINUTE": "0", "COFFER_SELF_HOSTED_UNLIMITED": "true",
		"COFFER_DERIVED_ENABLED": "false", // of files that were never sent it would try for hours, beside what is measured
	}
	for _, e := range extra {
		maps.Copy(all, e)
	}
	s.cmd = exec.Command(path, "serve")
	for name, value := range all {
		s.cmd.Env = append(s.cmd.Env, name+"="+value)
	}
	log, err := os.CreateTemp(b.TempDir(), "log")
	if err != nil {
		b.Fatal(err)
	}
	s.cmd.Dir, s.cmd.Stderr = dir, log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	begin := time.Now()
	if err := s.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.stop)
	for !s.isReady() {
		if time.Since(begin) > time.Minute {
			text, _ := os.ReadFile(log.Name())
			b.Fatalf("the server does not start\n%s", text)
		}
		time.Sleep(time.Millisecond)
	}
	s.ready = time.Since(begin)
	return s
}

// stop ends the server in order; it may have ended already.
func (s *server) stop() {
	if s.cmd.ProcessState == nil {
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
		_ = s.cmd.Wait()
	}
}

func (s *server) isReady() bool {
	c, err := net.DialTimeout("tcp", s.addr, time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	conn := newConn(c)
	status, err := conn.exchange([]byte("GET /readyz HTTP/1.1\r\nHost: coffer.test\r\n\r\n"))
	return err == nil && status == 200
}

// pid is the process's.
func (s *server) pid() int { return s.cmd.Process.Pid }

// onPostgres are the settings of a server on that database and a bucket of an
// S3 server, which signing does not call.
func onPostgres(b *testing.B, p *postgres) settings {
	b.Helper()
	bucket := env.S3(b)
	return settings{
		"COFFER_DATABASE_URL": p.dsn, "S3_ENDPOINT": bucket.Endpoint, "S3_REGION": bucket.Region, "S3_BUCKET": bucket.Bucket,
		"S3_ACCESS_KEY_ID": bucket.AccessKeyID, "S3_SECRET_ACCESS_KEY": bucket.SecretAccessKey, "S3_USE_PATH_STYLE": "true",
	}
}
