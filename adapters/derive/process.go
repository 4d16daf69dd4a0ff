package derive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// request is what a process is to do: one of these.
type request struct {
	Picture string             // a file to make pictures of
	Text    string             // a file to read the words of
	Run     []string           // a program of the system to become, with its arguments
	Poster  bool               // of Picture: also the larger one
	Kind    core.DerivableKind // of Text

	MaxPixels   int64
	MemoryBytes int64
	Seconds     int // of processor time
}

// answer is what it says.
type answer struct {
	Why         core.Underivable `json:",omitempty"` // it could not
	Detail      string           `json:",omitempty"`
	Thumbnail   []byte           `json:",omitempty"`
	Poster      []byte           `json:",omitempty"`
	Placeholder []byte           `json:",omitempty"`
	Width       int              `json:",omitempty"`
	Height      int              `json:",omitempty"`
	Words       []string         `json:",omitempty"`
}

const (
	maxAnswer   = 16 << 20 // bytes
	maxComplain = 4 << 10  // bytes of what a process says of its failure
	lingers     = 2 * time.Second
)

// ask has a process of this program do something with a file.
func (w *work) ask(ctx context.Context, r request) (a answer, err error) {
	out, _, err := w.start(ctx, r)
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(out, &a); err != nil {
		return a, fmt.Errorf("%w: its answer: %w", core.CannotDerive(core.UnderivableCrashed), err)
	}
	if a.Why != "" {
		return a, fmt.Errorf("%w: %s", core.CannotDerive(a.Why), a.Detail)
	}
	return a, nil
}

// run has a program of the system do something with a file. What it complains of
// comes with its error.
func (w *work) run(ctx context.Context, program string, args ...string) (out []byte, complaint string, err error) {
	path, err := w.look(program)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", core.CannotDerive(core.UnderivableTool), err)
	}
	return w.start(ctx, request{Run: append([]string{path}, args...)})
}

// start runs a process to its end, which is that of its time at the latest.
func (w *work) start(ctx context.Context, r request) (out []byte, complaint string, err error) {
	r.MemoryBytes, r.Seconds = w.opts.MemoryBytes, int(w.opts.Timeout/time.Second)+1
	text, err := json.Marshal(r)
	if err != nil {
		return nil, "", err
	}
	in, cancel := context.WithTimeout(ctx, w.opts.Timeout)
	defer cancel()
	args := append(append([]string(nil), w.opts.Command[1:]...), string(text))
	cmd := exec.CommandContext(in, w.opts.Command[0], args...) //nolint:gosec // this program, and no shell
	stdout, stderr := &bounded{most: maxAnswer}, &bounded{most: maxComplain}
	cmd.Stdout, cmd.Stderr, cmd.Dir, cmd.WaitDelay = stdout, stderr, w.dir, lingers
	const processors = 1
	cmd.Env = []string{ // no secrets of the server
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "TMPDIR=" + w.dir, "LC_ALL=C.UTF-8",
		"GOMEMLIMIT=" + strconv.FormatInt(r.MemoryBytes, 10), "GOMAXPROCS=" + strconv.Itoa(processors),
	}
	alone(cmd)
	runtime.LockOSThread() // with which, on Linux, the process would die
	defer runtime.UnlockOSThread()
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		return nil, "", ctx.Err()
	case in.Err() != nil:
		return nil, "", core.CannotDerive(core.UnderivableTimeout)
	case err == nil:
		return stdout.Bytes(), stderr.String(), nil
	}
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		if e.Exited() && r.Run != nil { // the program has judged the file
			return stdout.Bytes(), stderr.String(), fmt.Errorf("%w: %w: %s", core.CannotDerive(core.UnderivableDamaged), err, stderr)
		}
		return nil, stderr.String(), fmt.Errorf("%w: %w: %s", core.CannotDerive(core.UnderivableCrashed), err, stderr)
	}
	return nil, "", fmt.Errorf("start a process: %w", err)
}

// bounded keeps the beginning of what is written to it.
type bounded struct {
	bytes.Buffer

	most int
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if room := b.most - b.Len(); room > 0 {
		_, _ = b.Buffer.Write(p[:min(room, len(p))]) // never fails
	}
	return len(p), nil
}

// Main is the process: it does what its one argument says and returns the exit
// code.
func Main(text string, stdout, stderr io.Writer) int {
	const broken = 3 // of the process itself; nothing is known of the file
	var r request
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		_, _ = fmt.Fprintln(stderr, "derive:", err)
		return broken
	}
	if err := restrict(r); err != nil {
		_, _ = fmt.Fprintln(stderr, "derive:", err)
		return broken
	}
	if len(r.Run) > 0 {
		_, _ = fmt.Fprintln(stderr, "derive:", become(r.Run)) // returns only if it fails
		return broken
	}
	var a answer
	var err error
	if r.Picture != "" {
		a, err = look(r)
	} else {
		a.Words, err = read(r)
	}
	if why, ok := core.WhyUnderivable(err); ok {
		a, err = answer{Why: why, Detail: err.Error()}, nil
	}
	if err == nil {
		err = json.NewEncoder(stdout).Encode(a)
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "derive:", err)
		return broken
	}
	return 0
}
