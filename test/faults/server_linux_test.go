package faults

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"github.com/seed-755a8038/coffer/test/env"
)

var long = flag.Int("faults.long", 0, "how often the server is killed at random; 0: the short form")

// Patience is for a loaded machine.
const (
	startTimeout = 90 * time.Second
	stopTimeout  = 60 * time.Second
	answerWithin = 2 * time.Minute
)

var buildDir string

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "coffer-faults")
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
	buildDir = dir
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
	}
	os.Exit(code)
}

// plain is the program as an operator would build it; pointed has the points at
// which it kills itself.
var (
	plain   = sync.OnceValues(func() (string, error) { return build("coffer") })
	pointed = sync.OnceValues(func() (string, error) { return build("coffer-points", "-tags", "faultpoints") })
)

func build(name string, flags ...string) (string, error) {
	path := filepath.Join(buildDir, name)
	args := append(append([]string{"build"}, flags...), "-o", path, "github.com/seed-755a8038/coffer/cmd/coffer")
	if out, err := exec.CommandContext(context.Background(), "go", args...).CombinedOutput(); err != nil {
		return "", errors.Join(err, errors.New(string(out)))
	}
	return path, nil
}

type settings map[string]string

// wiring is what a server stands on.
type wiring struct {
	name  string
	setup func(testing.TB) settings
}

var (
	sqliteDisk = wiring{"SQLite and disk", func(testing.TB) settings { return settings{} }}
	postgresS3 = wiring{"PostgreSQL and S3", func(t testing.TB) settings {
		t.Helper()
		b := env.S3(t)
		return settings{
			"COFFER_DATABASE_URL": env.Postgres(t), "S3_ENDPOINT": b.Endpoint, "S3_REGION": b.Region, "S3_BUCKET": b.Bucket,
			"S3_ACCESS_KEY_ID": b.AccessKeyID, "S3_SECRET_ACCESS_KEY": b.SecretAccessKey, "S3_USE_PATH_STYLE": "true",
		}
	}}
	both = []wiring{sqliteDisk, postgresS3}
)

// server is a Coffer in a process of its own, which keeps its address and data
// when it is started again.
type server struct {
	t       testing.TB
	program string
	dir     string // the data is below it, and the logs, unless logs is set
	logs    string
	url     string
	env     settings
	cmd     *exec.Cmd
	exited  chan struct{}
	read    map[string]int // how far each log has been looked through
	log     string
}

var lastPort atomic.Int64

// freeAddr is an address that the kernel gives to no connection by itself.
func freeAddr(t testing.TB) string {
	t.Helper()
	const first, count = 10_000, 9_000
	lastPort.CompareAndSwap(0, int64(os.Getpid())*67%count)
	for range count {
		addr := fmt.Sprintf("127.0.0.1:%d", first+lastPort.Add(1)%count)
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", addr)
		if err == nil && l.Close() == nil {
			return addr
		}
	}
	t.Fatal("no free port")
	return ""
}

func newServer(t testing.TB, program func() (string, error), dir string, extra ...settings) *server {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatalf("build the program: %v", err)
	}
	addr, ops := freeAddr(t), freeAddr(t)
	s := &server{t: t, program: path, dir: dir, logs: t.TempDir(), url: "http://" + addr, read: map[string]int{}}
	s.env = settings{
		"PATH": os.Getenv("PATH"), "HOME": dir, "TMPDIR": s.logs, "COFFER_DATA_DIR": filepath.Join(dir, "data"),
		"COFFER_HTTP_ADDR": addr, "COFFER_OPS_ADDR": ops, "COFFER_SELF_HOSTED_UNLIMITED": "true",
		"COFFER_HTTP_TRUSTED_PROXIES": "127.0.0.1/32", "COFFER_RATE_LIMIT_PER_MINUTE": "0", "COFFER_DERIVED_ENABLED": "false",
	}
	for _, e := range extra {
		maps.Copy(s.env, e)
	}
	t.Cleanup(s.kill)
	return s
}

func (s *server) environ() (out []string) {
	for name, value := range s.env {
		out = append(out, name+"="+value)
	}
	return out
}

// start starts the server and waits until it is ready. With further variables it
// may have come to the point where it kills itself before that.
func (s *server) start(extra ...string) {
	s.t.Helper()
	s.spawn(extra...)
	for end := time.Now().Add(startTimeout); ; time.Sleep(10 * time.Millisecond) {
		select {
		case <-s.exited:
			if len(extra) > 0 {
				return
			}
			s.t.Fatalf("the server ended at its start: %v\n%s", s.cmd.ProcessState, s.tail())
		default:
		}
		if s.ready() {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("the server is not ready after %v\n%s", startTimeout, s.tail())
		}
	}
}

func (s *server) spawn(extra ...string) {
	s.t.Helper()
	log, err := os.CreateTemp(s.logs, "serve-*.log")
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	s.log = log.Name()
	s.cmd = exec.Command(s.program, "serve")
	s.cmd.Dir, s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = s.logs, append(s.environ(), extra...), log, log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // outlives no test
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	exited, cmd := make(chan struct{}), s.cmd
	s.exited = exited
	go func() {
		defer close(exited)
		_ = cmd.Wait() // its state says how it ended
	}()
}

func (s *server) ready() bool {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.url+"/readyz", nil)
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

// kill ends the server as a crash does.
func (s *server) kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill() // it may have ended
		<-s.exited
	}
}

// stop ends the server in order.
func (s *server) stop() {
	s.t.Helper()
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-s.exited:
	case <-time.After(stopTimeout):
		s.t.Errorf("the server does not stop\n%s", s.tail())
		s.kill()
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		s.t.Errorf("after SIGTERM the server exits with %d\n%s", code, s.tail())
	}
}

func (s *server) tail() string {
	text, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	const most = 5_000
	text = regexp.MustCompile(`(?m)^.*"status": ?[234]\d\d,.*\n`).ReplaceAll(text, nil)
	return string(text[max(0, len(text)-most):])
}

var bad = regexp.MustCompile(`(?m)^.*("status": ?500,|panic|DATA RACE).*$`)

// logIsClean looks through what has been logged since the last time: nothing
// makes the server panic, and no fault is an internal error.
func (s *server) logIsClean() {
	s.t.Helper()
	logs, err := filepath.Glob(filepath.Join(s.logs, "serve-*.log"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, log := range logs {
		text, err := os.ReadFile(log)
		if err != nil {
			s.t.Fatal(err)
		}
		fresh := text[s.read[log]:]
		s.read[log] = len(text)
		found := bad.FindAll(fresh, 5)
		for _, line := range found {
			s.t.Errorf("the log has: %s", line[:min(len(line), 1_500)])
		}
		if log != s.log && len(found) == 0 { // nobody writes to it any more
			_ = os.Remove(log)
		}
	}
}

// problems is what fsck finds after reading every byte.
func (s *server) problems() []string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.program, "fsck", "--json", "--deep")
	cmd.Dir, cmd.Env = s.logs, s.environ()
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, _ := cmd.Output() // the report says whether there is one
	var report struct {
		Checks   int
		Problems []struct{ Check, Subject, Detail string }
	}
	if err := json.Unmarshal(out, &report); err != nil || report.Checks == 0 {
		s.t.Fatalf("fsck: %v: %s%s", err, out, complaint.String())
	}
	var found []string
	for _, p := range report.Problems {
		found = append(found, fmt.Sprintf("%s: %s: %s", p.Check, p.Subject, p.Detail))
	}
	return found
}

// fsck finds nothing, at the latest when the jobs of before have run.
func (s *server) fsck(patience time.Duration) {
	s.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		found := s.problems()
		if len(found) == 0 {
			return
		}
		if time.Now().After(end) {
			s.t.Errorf("fsck: %s", strings.Join(found, "\n"))
			return
		}
	}
}

// database opens the server's database beside it.
func (s *server) database() *sql.DB {
	s.t.Helper()
	driver, dsn := "pgx", s.env["COFFER_DATABASE_URL"]
	if dsn == "" {
		driver, dsn = "sqlite", filepath.Join(s.env["COFFER_DATA_DIR"], "coffer.db")+"?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		s.t.Fatal(err)
	}
	return db
}
