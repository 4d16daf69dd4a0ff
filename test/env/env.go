// Package env gives tests what they need from the outside: an empty PostgreSQL
// database, an empty S3 bucket.
//
// Servers are shared and their contents are not: a process starts at most one
// PostgreSQL and one S3 server, and every call returns a database or a bucket of
// its own, which goes with the test. The environment may name servers that run
// already (TEST_POSTGRES_DSN, TEST_S3_ENDPOINT); the command in test/env/run
// starts both once for a whole `go test ./...`.
//
// A test that needs a server fails when there is none. It is never skipped.
package env

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

// startTimeout bounds the start of one server, with room for a loaded machine.
const startTimeout = 60 * time.Second

// moduleRoot returns the directory of go.mod: tests run in their own package's directory.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod in this directory or above it")
		}
		dir = parent
	}
}

// freePort returns a TCP port of 127.0.0.1 that was free a moment ago. Somebody
// else may take it before its user does, so starting a server is tried again.
func freePort(ctx context.Context) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("no TCP address: %v", l.Addr())
	}
	return addr.Port, nil
}

// startRetries is how often a server is started on a new port before its error is believed.
const startRetries = 3

// onFreePort calls start with free ports until a server stays up.
func onFreePort[T any](ctx context.Context, start func(port int) (T, error)) (server T, err error) {
	for range startRetries {
		port, perr := freePort(ctx)
		if perr != nil {
			return server, perr
		}
		if server, err = start(port); err == nil || ctx.Err() != nil {
			return server, err
		}
	}
	return server, err
}
