package env

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// holderDir names the directory to TestMain's other role, a process that holds a server.
const holderDir = "COFFER_TEST_HOLDER_DIR"

func TestMain(m *testing.M) {
	dir := os.Getenv(holderDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	if _, err := spawn(command{dir: dir, signal: "TERM", env: os.Environ(), argv: []string{"sleep", "600"}}); err != nil {
		panic(err)
	}
	_, _ = os.Stdout.WriteString("started\n")
	select {}
}

func TestServerGoesWhenItsProcessIsKilled(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "server")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	holder := exec.CommandContext(t.Context(), os.Args[0])
	holder.Env = append(os.Environ(), holderDir+"="+dir)
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "started\n" {
		t.Fatalf("holder said %q, %v", line, err)
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = holder.Wait() // it was killed
	if !vanishes(dir) {
		t.Error("the supervisor did not stop the server and remove its files")
	}
}

func TestStopReturnsWhenTheServerIsGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "server")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p, err := spawn(command{dir: dir, signal: "TERM", env: os.Environ(), argv: []string{"sleep", "600"}})
	if err != nil {
		t.Fatal(err)
	}
	p.stop()
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its files are still there: %v", err)
	}
}

func TestReadyTellsWhatAServerThatEndsHasLogged(t *testing.T) {
	p, err := spawn(command{
		dir: t.TempDir(), signal: "TERM", env: os.Environ(),
		argv: []string{"sh", "-c", "echo the reason; exit 3"},
	})
	if err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	err = p.ready(t.Context(), func(context.Context) error { return refused })
	if !errors.Is(err, refused) || !strings.Contains(err.Error(), "the reason") {
		t.Errorf("got %v", err)
	}
}

// vanishes waits until a path is gone; false means it stayed for ten seconds.
func vanishes(path string) bool {
	for range 500 {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return true
		}
		time.Sleep(20 * time.Millisecond)
	}
	return false
}
