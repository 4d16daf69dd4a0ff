package env

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
)

// StripeMock returns the address of Stripe's own stand-in for its API, built
// from the version in tools/go.mod. It refuses parameters that the API does not
// have, and answers with examples: it keeps nothing, and checks no values.
func StripeMock(t testing.TB) string {
	t.Helper()
	url, err := theStripeMock()
	if err != nil {
		t.Fatalf("env: %v", err)
	}
	return url
}

// theStripeMock is this process's. Nobody stops it: it ends with the process.
var theStripeMock = sync.OnceValues(func() (string, error) {
	ctx := context.Background() // not a test's: it serves the tests after it too
	program, err := toolProgram(ctx, "stripe-mock")
	if err != nil {
		return "", fmt.Errorf("these tests need stripe-mock: %w", err)
	}
	return onFreePort(ctx, func(port int) (string, error) { return runStripeMock(ctx, program, port) })
})

func runStripeMock(ctx context.Context, program string, port int) (string, error) {
	dir, err := os.MkdirTemp("", "stripe")
	if err != nil {
		return "", err
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	p, err := spawn(command{
		dir: dir, signal: "TERM", env: os.Environ(),
		// without the second address it listens to the whole network, always on the same port
		argv: []string{program, "-http-addr", address, "-https-addr", "127.0.0.1:0"},
	})
	if err != nil {
		_ = os.RemoveAll(dir)
		return "", err
	}
	url := "http://" + address
	return url, p.ready(ctx, func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/v1/balance", http.NoBody)
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer sk_test_ready")
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return errors.New("it answers " + res.Status)
		}
		return nil
	})
}
