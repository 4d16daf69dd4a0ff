package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// settings are environment variables.
type settings map[string]string

const (
	startTimeout   = 60 * time.Second // with room for a loaded machine
	stopTimeout    = 45 * time.Second // more than the server's own
	commandTimeout = 2 * time.Minute
)

// server is a Coffer in a process of its own. It keeps its address, its data
// and its settings when it is started again.
type server struct {
	t       *testing.T
	wiring  wiring
	dir     string // working directory; the data is in coffer-data below it
	url     string // of the API
	ops     string // of the operators' address
	env     settings
	process *process // nil: not running
}

// process is one run of the program.
type process struct {
	cmd    *exec.Cmd
	log    string // path
	exited chan struct{}
}

// lastPort makes addresses that no other server of this process uses and that
// the kernel, which takes from 32768 on, gives to no connection.
var lastPort atomic.Int64

const (
	firstPort = 20_000
	portCount = 10_000
)

func freeAddr(t testing.TB) string {
	t.Helper()
	lastPort.CompareAndSwap(0, int64(os.Getpid())*61%portCount)
	for range portCount {
		addr := fmt.Sprintf("127.0.0.1:%d", firstPort+lastPort.Add(1)%portCount)
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", addr)
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return addr
	}
	t.Fatal("no free port")
	return ""
}

// newServer returns a server that does not run yet. When the test ends well,
// it must stop in order and leave nothing for fsck to complain of.
func newServer(t *testing.T, w wiring, extra settings) *server {
	t.Helper()
	addr, ops := freeAddr(t), freeAddr(t)
	s := &server{t: t, wiring: w, dir: t.TempDir(), url: "http://" + addr, ops: "http://" + ops}
	s.env = settings{
		"PATH": os.Getenv("PATH"), "HOME": s.dir, "TMPDIR": s.dir,
		"COFFER_HTTP_ADDR": addr, "COFFER_OPS_ADDR": ops, "COFFER_LOG_LEVEL": "info",
	}
	maps.Copy(s.env, w.setup(t, w.schema))
	if w.schema && !w.s3 {
		putSchema(t, s.dir)
	}
	maps.Copy(s.env, extra)
	t.Cleanup(func() {
		if t.Failed() {
			s.tail()
			s.kill()
			return
		}
		if s.process != nil {
			s.stop()
		}
		s.fsck()
	})
	return s
}

// environ returns the environment of the program.
func (s *server) environ() []string {
	var out []string
	for name, value := range s.env {
		out = append(out, name+"="+value)
	}
	return out
}

// spawn runs the program without waiting for anything.
func (s *server) spawn() *process {
	s.t.Helper()
	log, err := os.CreateTemp(s.dir, "serve-*.log")
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(program(s.t), "serve")
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.dir, s.environ(), log, log
	cmd.SysProcAttr = dieWithParent()
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	p := &process{cmd: cmd, log: log.Name(), exited: make(chan struct{})}
	go func() {
		defer close(p.exited)
		_ = cmd.Wait() // its state says how it ended
	}()
	return p
}

// start starts the server and waits until it is ready.
func (s *server) start() {
	s.t.Helper()
	s.process = s.spawn()
	deadline := time.After(startTimeout)
	for {
		select {
		case <-s.process.exited:
			s.t.Fatalf("the server ended at its start: %v\n%s", s.process.cmd.ProcessState, s.process.read())
		case <-deadline:
			s.t.Fatalf("the server is not ready after %v\n%s", startTimeout, s.process.read())
		case <-time.After(20 * time.Millisecond):
		}
		if s.ready() {
			return
		}
	}
}

func (s *server) ready() bool {
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+"/readyz", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := wire.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// stop sends SIGTERM; the server must exit with 0.
func (s *server) stop() {
	s.t.Helper()
	p := s.process
	s.process = nil
	p.signal(s.t, syscall.SIGTERM)
	if code := p.wait(s.t); code != 0 {
		s.t.Errorf("after SIGTERM the server exits with %d\n%s", code, p.read())
	}
	if log := p.read(); strings.Contains(log, "panic") || strings.Contains(log, "DATA RACE") {
		s.t.Errorf("the server panicked\n%s", log)
	}
}

// kill ends the server as a crash does.
func (s *server) kill() {
	s.t.Helper()
	if s.process == nil {
		return
	}
	p := s.process
	s.process = nil
	p.signal(s.t, syscall.SIGKILL)
	p.wait(s.t)
}

// restart stops the server in order and starts it with other settings.
func (s *server) restart(extra settings) {
	s.t.Helper()
	s.stop()
	maps.Copy(s.env, extra)
	s.start()
}

// crash kills the server and starts it again.
func (s *server) crash() {
	s.t.Helper()
	s.kill()
	s.start()
}

func (p *process) signal(t testing.TB, sig os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("signal the server: %v", err)
	}
}

// wait returns the exit code.
func (p *process) wait(t testing.TB) int {
	t.Helper()
	select {
	case <-p.exited:
	case <-time.After(stopTimeout):
		_ = p.cmd.Process.Kill() // it may have ended in between
		<-p.exited
		t.Errorf("the server did not end within %v\n%s", stopTimeout, p.read())
	}
	return p.cmd.ProcessState.ExitCode()
}

// read returns what the process has written.
func (p *process) read() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

var broken = regexp.MustCompile(`(?m)^.*"status": ?500,.*\n`)

var harmless = regexp.MustCompile(`(?m)^.*"status": ?[234]\d\d,.*\n`)

// tail shows the end of the log without the requests that went well.
func (s *server) tail() {
	s.t.Helper()
	if s.process == nil {
		return
	}
	const most = 6_000
	text := harmless.ReplaceAllString(s.process.read(), "")
	failed := strings.Join(broken.FindAllString(text, -1), "")
	s.t.Logf("the server's log:\n%s\n%s", failed[:min(len(failed), most)], text[max(0, len(text)-most):])
}

// run runs another command of the program with the server's environment.
func (s *server) run(args ...string) (code int, stdout, stderr string) {
	s.t.Helper()
	return s.runWith(nil, args...)
}

func (s *server) runWith(extra settings, args ...string) (code int, stdout, stderr string) {
	s.t.Helper()
	built := program(s.t) // building it takes what time it takes
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.t.Context()), commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, built, args...)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.dir, s.environ(), &out, &errs
	for name, value := range extra {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		s.t.Fatalf("coffer %v: %v", args, err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// finding is a problem that fsck reports.
type finding struct {
	Check, Subject, Detail string
	Repaired               bool
}

// findings returns what fsck says, and its exit code.
func (s *server) findings(args ...string) (int, []finding) {
	s.t.Helper()
	code, stdout, stderr := s.run(append([]string{"fsck", "--json"}, args...)...)
	var report struct {
		Checks   int
		Problems []finding
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil || report.Checks == 0 {
		s.t.Fatalf("fsck: %v: exit code %d, %s%s", err, code, stdout, stderr)
	}
	return code, report.Problems
}

// fsck compares every row and every byte with what must be true.
func (s *server) fsck() {
	s.t.Helper()
	if code, problems := s.findings("--deep"); code != 0 || len(problems) > 0 {
		s.t.Errorf("fsck: exit code %d, %+v", code, problems)
	}
}

// settle waits until the jobs have done what fsck would complain of: where the
// clock is shifted, no blob is so young that it is left out.
func (s *server) settle() {
	s.t.Helper()
	eventually(s.t, "fsck finds nothing", func() bool {
		_, problems := s.findings()
		return len(problems) == 0
	})
}

// dataDir is where the server keeps what it keeps on the disk.
func (s *server) dataDir() string { return filepath.Join(s.dir, dataDir) }
