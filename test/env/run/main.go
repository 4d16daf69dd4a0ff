// Command run starts one PostgreSQL and one S3 server, runs a command with the
// variables by which package env finds them, and stops both when it is done:
//
//	go run ./test/env/run -- go test ./...
//
// It ends with the command's exit code, or 128 plus the number of the signal that ended it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/seed-755a8038/coffer/test/env"
)

func main() {
	args := os.Args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "usage: run -- command [argument ...]")
		os.Exit(2)
	}
	code, err := run(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "run:", err)
	}
	os.Exit(code)
}

// run returns the exit code of the command; the error says why it could not be run.
func run(args []string) (int, error) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	dsn, stopPostgres, err := env.StartPostgres(ctx)
	if err != nil {
		return 1, err
	}
	defer stopPostgres()
	bucket, stopS3, err := env.StartS3(ctx)
	if err != nil {
		return 1, err
	}
	defer stopS3()

	cmd := exec.Command(args[0], args[1:]...) //nolint:noctx // it ends by the signals it is passed
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(append(os.Environ(), "TEST_POSTGRES_DSN="+dsn), bucket.Environ()...)
	if err := cmd.Start(); err != nil {
		return 127, err
	}
	return wait(cmd, signals)
}

// wait passes signals on until the command ends.
func wait(cmd *exec.Cmd, signals <-chan os.Signal) (int, error) {
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			_ = cmd.Process.Signal(s) // it may have ended in between
		case err := <-done:
			if err == nil {
				return 0, nil
			}
			exit, ok := errors.AsType[*exec.ExitError](err)
			if !ok {
				return 1, err
			}
			if s, ok := exit.Sys().(syscall.WaitStatus); ok && s.Signaled() {
				return 128 + int(s.Signal()), nil
			}
			return exit.ExitCode(), nil
		}
	}
}
