package oidc

import (
	"cmp"
	"net"
	"net/http"
	"time"
)

const (
	defaultTimeout = 10 * time.Second

	// maxAnswer bounds what an issuer can make the server read, in bytes.
	maxAnswer = 1 << 20
)

// newClient returns a client for requests to issuers: bounded in time and size,
// straight to the address that cfg.Control has seen, and nowhere else.
func newClient(cfg Config) *http.Client {
	timeout := cmp.Or(cfg.Timeout, defaultTimeout)
	d := &net.Dialer{Timeout: timeout, Control: cfg.Control}
	return &http.Client{
		Timeout: timeout,
		Transport: bounded{&http.Transport{
			DialContext: d.DialContext, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: timeout, IdleConnTimeout: 90 * time.Second,
			MaxIdleConnsPerHost: 4, MaxConnsPerHost: 32, MaxResponseHeaderBytes: 64 << 10,
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// bounded refuses answers over maxAnswer.
type bounded struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = http.MaxBytesReader(nil, resp.Body, maxAnswer)
	return resp, nil
}
