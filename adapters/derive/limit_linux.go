package derive

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// alone makes a process end with this one, and with all that it starts.
func alone(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// restrict bounds what this process may take from now on.
func restrict(r request) error {
	const (
		runtimeBytes = 128 << 20 // of a Go program beside its heap
		maxFile      = 256 << 20 // bytes
		maxFiles     = 64        // open at a time
	)
	for _, limit := range []struct {
		what int
		most uint64
	}{
		{syscall.RLIMIT_DATA, uint64(r.MemoryBytes) + runtimeBytes}, //nolint:gosec // not negative
		{syscall.RLIMIT_CPU, uint64(r.Seconds)},                     //nolint:gosec // not negative
		{syscall.RLIMIT_FSIZE, maxFile},
		{syscall.RLIMIT_NOFILE, maxFiles},
		{syscall.RLIMIT_CORE, 0},
	} {
		if err := syscall.Setrlimit(limit.what, &syscall.Rlimit{Cur: limit.most, Max: limit.most}); err != nil {
			return fmt.Errorf("limit %d: %w", limit.what, err)
		}
	}
	return nil
}

// become makes this process another program.
func become(command []string) error { return syscall.Exec(command[0], command, os.Environ()) } //nolint:gosec // the programs of tools.go
