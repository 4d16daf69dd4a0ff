package env

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// supervise runs a command and stops it when standard input ends. The pipe's other
// end is held by the test process only, so the server stops and its files go
// even when that process dies by SIGKILL or by the test timeout and can run no cleanup.
//
// $1 is the directory to remove, $2 the signal that stops the command, the rest the command.
// Descriptor 3 keeps the pipe, because a background job's standard input is /dev/null.
const supervise = `
dir=$1 sig=$2; shift 2
exec 3<&0 </dev/null
"$@" 3<&- &
child=$!
( read -r _ <&3; kill -s "$sig" "$child" ) 2>/dev/null &
reader=$!
wait "$child"; code=$?
kill "$reader" 2>/dev/null
cd / && rm -rf "$dir"
exit $code
`

// command says what to run under a supervisor.
type command struct {
	dir    string // working directory, removed at the end
	signal string // what stops the command in an orderly way
	env    []string
	cred   *syscall.Credential // nil: this process's user
	argv   []string
}

// process is a server that a supervisor keeps.
type process struct {
	log    *os.File // readable after the file itself is gone
	hold   io.Closer
	exited chan struct{}
}

// spawn starts a command under a supervisor. The caller calls stop, or just ends.
func spawn(c command) (*process, error) {
	log, err := os.Create(filepath.Join(c.dir, "log"))
	if err != nil {
		return nil, err
	}
	args := append([]string{"-c", supervise, "sh", c.dir, c.signal}, c.argv...)
	sh := exec.Command("/bin/sh", args...) //nolint:noctx // a server outlives the context of the test that started it
	sh.Dir, sh.Env, sh.Stdout, sh.Stderr = c.dir, c.env, log, log
	// a group of its own: an interrupt from the terminal is for the tests, the server stops after them
	sh.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: c.cred}
	hold, err := sh.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := sh.Start(); err != nil {
		return nil, err
	}
	p := &process{log: log, hold: hold, exited: make(chan struct{})}
	go func() {
		defer close(p.exited)
		_ = sh.Wait() // how the server ended is in its log
	}()
	return p, nil
}

// ready waits until probe succeeds. When the server ends before that, or takes
// longer than startTimeout, it is stopped and the error holds the end of its log.
func (p *process) ready(ctx context.Context, probe func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		err := probe(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return p.fail(err)
		case <-ctx.Done():
			return p.fail(err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// fail stops a server that did not come up and says what it logged.
func (p *process) fail(err error) error {
	p.stop()
	log, readErr := io.ReadAll(io.NewSectionReader(p.log, 0, 1<<20))
	if readErr != nil {
		log = []byte(readErr.Error())
	}
	return fmt.Errorf("not ready: %w; it logged: %s", err, bytes.TrimSpace(log[max(0, len(log)-2000):]))
}

// stop ends the server and returns when it is gone with its files.
func (p *process) stop() {
	_ = p.hold.Close() // closing is the message
	<-p.exited
}
