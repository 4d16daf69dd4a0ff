package env

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Durable is a PostgreSQL server that does wait for the disk, on a directory of the
// caller's choice, to be killed and started again there.
type Durable struct {
	DSN string // of a database of its own

	t      testing.TB
	server postgresServer
	cmd    *exec.Cmd
	exited chan struct{}
	argv   []string
	cred   *syscall.Credential
	logs   string
}

// NewDurable makes a data directory in dir, which exists, and starts a server on it.
// It needs PostgreSQL's programs on this machine.
func NewDurable(t testing.TB, dir string) *Durable {
	t.Helper()
	bin, err := postgresPrograms()
	if err != nil {
		t.Fatalf("env: %v", err)
	}
	d := &Durable{t: t, logs: filepath.Join(t.TempDir(), "postgres.log")}
	if d.cred, err = unprivileged(); err != nil {
		t.Fatalf("env: %v", err)
	}
	if d.cred != nil {
		if err := os.Chown(dir, int(d.cred.Uid), int(d.cred.Gid)); err != nil {
			t.Fatalf("env: %v", err)
		}
	}
	password := rand.Text()
	l := local{bin, d.cred, dir, []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8"}}
	if err := l.initdb(t.Context(), password); err != nil {
		t.Fatalf("env: %v", err)
	}
	port, err := freePort(t.Context())
	if err != nil {
		t.Fatalf("env: %v", err)
	}
	d.argv = []string{
		filepath.Join(bin, "postgres"), "-D", filepath.Join(dir, "data"), "-k", "", "-p", strconv.Itoa(port),
		"-c", "listen_addresses=127.0.0.1", "-c", "shared_buffers=64MB", "-c", "max_connections=100", "-c", "timezone=UTC",
	}
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword("postgres", password), Path: "/postgres",
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), RawQuery: "sslmode=disable",
	}
	d.DSN, d.server.dsn = u.String(), u.String()
	t.Cleanup(d.Kill)
	d.Start()
	return d
}

// Start starts the server and waits until it has recovered.
func (d *Durable) Start() {
	d.t.Helper()
	log, err := os.OpenFile(d.logs, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		d.t.Fatalf("env: %v", err)
	}
	defer func() { _ = log.Close() }()             // the server has its own
	d.cmd = exec.Command(d.argv[0], d.argv[1:]...) //nolint:noctx // it ends by Kill
	d.cmd.Dir, d.cmd.Env, d.cmd.Stdout, d.cmd.Stderr = "/", []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8"}, log, log
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: d.cred}
	if err := d.cmd.Start(); err != nil {
		d.t.Fatalf("env: %v", err)
	}
	exited, cmd := make(chan struct{}), d.cmd
	d.exited = exited
	go func() {
		defer close(exited)
		_ = cmd.Wait() // how it ended is in its log
	}()
	if err := d.ready(); err != nil {
		text, _ := os.ReadFile(d.logs)
		d.t.Fatalf("env: PostgreSQL does not start: %v\n%s", err, text[max(0, len(text)-4000):])
	}
}

func (d *Durable) ready() error {
	for end := time.Now().Add(startTimeout); ; time.Sleep(20 * time.Millisecond) {
		err := d.server.ping(context.Background())
		if err == nil {
			return nil
		}
		select {
		case <-d.exited:
			return fmt.Errorf("it ended: %w", err)
		default:
		}
		if time.Now().After(end) {
			return errors.Join(errors.New("it takes too long"), err)
		}
	}
}

// Kill ends the server and all its processes as a crash of the machine does. Left
// to themselves they would notice after a while, and keep the directory in use.
func (d *Durable) Kill() {
	if d.cmd == nil {
		return
	}
	pid := d.cmd.Process.Pid
	_ = d.cmd.Process.Signal(syscall.SIGSTOP) // it starts no more, and buries none whose number could go to another
	for _, child := range children(pid) {
		_ = syscall.Kill(child, syscall.SIGKILL)
	}
	_ = d.cmd.Process.Kill() // it may have ended
	<-d.exited
}

// children are the processes that one has started. Where there is no /proc that
// lists them, there are none.
func children(pid int) (out []int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil
	}
	for field := range strings.FieldsSeq(string(text)) {
		if child, err := strconv.Atoi(field); err == nil {
			out = append(out, child)
		}
	}
	return out
}
