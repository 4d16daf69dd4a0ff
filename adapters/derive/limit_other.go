//go:build !linux

package derive

import (
	"errors"
	"os"
	"os/exec"
)

// alone does nothing here: only on Linux do processes end with their parents.
func alone(*exec.Cmd) {}

// restrict does nothing here: Go's own limit of memory and the time have to do.
func restrict(request) error { return nil }

// become runs another program in the place of this one.
func become(command []string) error {
	cmd := exec.Command(command[0], command[1:]...) //nolint:gosec,noctx // the programs of tools.go; who waits ends this process
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err := cmd.Run()
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		os.Exit(e.ExitCode())
	}
	if err == nil {
		os.Exit(0)
	}
	return err
}
