package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// balancer stands before several servers as nginx or Caddy would: it takes
// turns among those whose /readyz says 200, and tries another one if a server
// did not take the request at all or, where a repetition does no harm, did not
// answer it. Everything else that has no answer is a 502.
type balancer struct {
	url     string
	servers []*server
	up      []atomic.Bool
	turn    atomic.Int64
	inner   *http.Transport
	lost    atomic.Int64 // requests without an answer
}

// balanced returns n servers on one database and one bucket, and what stands
// before them. None runs yet.
func balanced(t *testing.T, n int, extra settings) (*balancer, []*server) {
	t.Helper()
	b := &balancer{up: make([]atomic.Bool, n), inner: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 5 * time.Second}}
	front := httptest.NewUnstartedServer(&httputil.ReverseProxy{
		Transport: b, FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) { r.Out.Host = r.In.Host; r.SetXForwarded() },
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			b.lost.Add(1)
			t.Logf("balancer: %s %s has no answer: %v", r.Method, r.URL.Path, err)
			w.WriteHeader(http.StatusBadGateway)
		},
	})
	b.url = "http://" + front.Listener.Addr().String()
	shared := postgresS3.setup(t, false)
	maps.Copy(shared, settings{"COFFER_AUTH_JWT_SECRET": goodSecret, "COFFER_PUBLIC_URL": b.url, "COFFER_HTTP_TRUSTED_PROXIES": "127.0.0.1/32"})
	maps.Copy(shared, extra)
	for range n {
		b.servers = append(b.servers, newServer(t, wiring{name: postgresS3.name, s3: true, setup: func(testing.TB, bool) settings { return shared }}, nil))
	}
	front.Start()
	t.Cleanup(front.Close)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for i := range n {
		wg.Go(func() { b.watch(i, stop) })
	}
	t.Cleanup(func() { close(stop); wg.Wait(); b.inner.CloseIdleConnections() })
	return b, b.servers
}

// watch asks a server again and again whether it is ready.
func (b *balancer) watch(i int, stop <-chan struct{}) {
	const every = 50 * time.Millisecond
	asks := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		res, err := asks.Get(b.servers[i].url + "/readyz")
		if err == nil {
			_ = res.Body.Close()
		}
		b.up[i].Store(err == nil && res.StatusCode == http.StatusOK)
		select {
		case <-stop:
			return
		case <-time.After(every):
		}
	}
}

// RoundTrip implements http.RoundTripper.
func (b *balancer) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
	}
	err := errors.New("no server is ready")
	for range 2 * len(b.servers) {
		i := b.next()
		if i < 0 {
			return nil, err
		}
		u, parseErr := url.Parse(b.servers[i].url)
		if parseErr != nil {
			return nil, parseErr
		}
		out := req.Clone(req.Context())
		out.URL.Scheme, out.URL.Host = u.Scheme, u.Host
		out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		res, sendErr := b.inner.RoundTrip(out)
		if sendErr == nil {
			return res, nil
		}
		err = fmt.Errorf("server %d: %w", i, sendErr)
		b.up[i].Store(false)
		refused := errors.Is(err, syscall.ECONNREFUSED) || strings.Contains(err.Error(), "dial ")
		if !refused && req.Method != http.MethodGet && req.Method != http.MethodPut && req.Method != http.MethodDelete {
			return nil, err
		}
	}
	return nil, err
}

// next returns the server whose turn it is; -1: none is ready.
func (b *balancer) next() int {
	first := int(b.turn.Add(1)) // once: who shares it with others would pass by the one that is ready
	for k := range b.servers {
		if i := (first + k) % len(b.servers); b.up[i].Load() {
			return i
		}
	}
	return -1
}

// through returns the user as somebody who comes through the balancer.
func (b *balancer) through(u *user) *user {
	u.client.url = b.url
	return u
}

// at returns the user as somebody who comes straight to the server.
func (u *user) at(s *server) *user {
	there := *u
	there.client = &client{t: u.t, url: s.url, token: u.token}
	return &there
}
