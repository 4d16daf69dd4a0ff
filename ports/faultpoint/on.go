//go:build faultpoints

package faultpoint

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// Variable names the point, and how often it is passed before the process dies
// there, as "commit.after:17". Empty: it never does.
const Variable = "FAULT_POINT"

var (
	armed string
	left  atomic.Int64
)

func init() { //nolint:gochecknoinits // before anything can pass a point
	name, times, _ := strings.Cut(os.Getenv(Variable), ":")
	n, err := strconv.ParseInt(times, 10, 64)
	if err == nil {
		armed = name
		left.Store(n)
	}
}

// Hit kills the process, as a crash does, if it is the one passage that was asked for.
func Hit(point string) {
	if point != armed || left.Add(-1) != 0 {
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // until it arrives
}
