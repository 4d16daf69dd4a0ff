// Package client talks to a Coffer server.
//
// Its methods are those of the API, one for each operation, with what they take
// and answer typed: they are generated from the server's own description. By hand
// come what a generator cannot know: sign-ins that renew themselves (Auth),
// errors by their code (Error), lists as iterators (Pages), and transfers that go
// on where they were broken off (UploadFile, DownloadFile).
//
// A Client is safe for concurrent use.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Client is a way to one server, for one caller.
type Client struct {
	server    *url.URL
	http      *http.Client
	userAgent string
	key       string
	auth      *Auth
}

// Option changes how a Client works.
type Option func(*Client)

// WithAPIKey makes the calls those of a script.
func WithAPIKey(key string) Option { return func(c *Client) { c.key = key } }

// WithAuth makes the calls those of somebody who is signed in.
func WithAuth(a *Auth) Option { return func(c *Client) { c.auth = a } }

// WithHTTPClient sends requests by h in place of a client of its own.
func WithHTTPClient(h *http.Client) Option { return func(c *Client) { c.http = h } }

// WithUserAgent says which program calls.
func WithUserAgent(name string) Option { return func(c *Client) { c.userAgent = name } }

// New returns a Client of the server at a URL, such as https://files.example.com.
func New(server string, options ...Option) (*Client, error) {
	u, err := url.Parse(strings.TrimSuffix(server, "/"))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("the server %q is not an http or https URL", server)
	}
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("the default transport is not one of net/http")
	}
	transport = transport.Clone()
	transport.MaxIdleConnsPerHost = maxIdle
	c := &Client{server: u, http: &http.Client{Transport: transport}, userAgent: "coffer-go"}
	for _, o := range options {
		o(c)
	}
	return c, nil
}

const (
	maxIdle   = 32 // connections that wait for the next of many transfers
	attempts  = 5  // of a request that may be sent again
	firstWait = 250 * time.Millisecond
	longest   = time.Minute // that the server may ask to wait
)

// request is a call as it is sent, once or again.
type request struct {
	method  string
	path    string
	values  url.Values
	headers http.Header
	body    func() (io.Reader, error) // nil: none
	once    bool                      // the body cannot be read again
	token   string                    // it was sent with
	err     error
}

// newRequest fills the {names} of a path in their order.
func newRequest(method, path string, args ...any) *request {
	var b strings.Builder
	for part := range strings.SplitSeq(path, "{") {
		name, rest, ok := strings.Cut(part, "}")
		if !ok {
			b.WriteString(part)
			continue
		}
		if len(args) == 0 {
			return &request{err: fmt.Errorf("the path %s lacks its %s", path, name)}
		}
		b.WriteString(url.PathEscape(fmt.Sprint(args[0])))
		b.WriteString(rest)
		args = args[1:]
	}
	return &request{method: method, path: b.String(), values: url.Values{}, headers: http.Header{}}
}

// text returns what a parameter says, and whether it says anything.
func text(value any) (string, bool) {
	v := reflect.ValueOf(value)
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return "", false
		}
		v = v.Elem()
	}
	if t, ok := reflect.TypeAssert[time.Time](v); ok {
		return t.Format(time.RFC3339Nano), true
	}
	if v.Kind() == reflect.Slice {
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = fmt.Sprint(v.Index(i).Interface())
		}
		return strings.Join(parts, ","), len(parts) > 0
	}
	return fmt.Sprint(v.Interface()), true
}

func (r *request) query(name string, value any) {
	if s, ok := text(value); ok {
		r.values.Set(name, s)
	}
}

// idempotencyKey is what makes a POST be carried out once however often it is sent.
const idempotencyKey = "Idempotency-Key"

func (r *request) header(name string, value any) {
	s, ok := text(value)
	if !ok && name == idempotencyKey {
		s, ok = uuid.NewString(), true
	}
	if ok {
		r.headers.Set(name, s)
	}
}

func (r *request) json(body any) {
	doc, err := json.Marshal(body)
	r.err = errors.Join(r.err, err)
	r.headers.Set("Content-Type", "application/json")
	r.body = func() (io.Reader, error) { return bytes.NewReader(doc), nil }
}

func (r *request) stream(contentType string, body io.Reader) {
	r.headers.Set("Content-Type", contentType)
	seeker, ok := body.(io.Seeker)
	r.once = !ok
	r.body = func() (io.Reader, error) {
		if ok {
			_, err := seeker.Seek(0, io.SeekStart)
			return body, err
		}
		return body, nil
	}
}

// repeatable reports whether the request may be sent again though it may have
// been carried out.
func (r *request) repeatable() bool {
	return !r.once && (r.method != http.MethodPost && r.method != http.MethodPatch || r.headers.Get(idempotencyKey) != "")
}

// call sends a request and decodes its answer.
func call[T any](ctx context.Context, c *Client, r *request) (*T, error) {
	r.headers.Set("Accept", "application/json, application/problem+json")
	resp, err := c.open(ctx, r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	var out T
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s %s: the answer cannot be read: %w", r.method, r.path, err)
	}
	return &out, nil
}

// do sends a request that has no answer.
func (c *Client) do(ctx context.Context, r *request) error {
	resp, err := c.open(ctx, r)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, resp.Body) // so that the connection is used again
	return resp.Body.Close()
}

// open sends a request, again where that harms nothing and may help. It returns
// answers below 400, whose body is the caller's to close, or an *Error.
func (c *Client) open(ctx context.Context, r *request) (*http.Response, error) {
	if r.err != nil {
		return nil, r.err
	}
	renewed := false
	for try := 1; ; try++ {
		resp, err := c.send(ctx, r)
		if err == nil && resp.StatusCode < http.StatusBadRequest {
			return resp, nil
		}
		var wait time.Duration
		if err == nil {
			err, wait = problem(resp), retryAfter(resp)
		}
		failure, answered := errors.AsType[*Error](err)
		switch {
		case ctx.Err() != nil:
			return nil, err
		case answered && failure.Code == "unauthenticated" && c.auth != nil && !renewed && !r.once:
			renewed = true
			if err := c.auth.renew(ctx, c, r.token); err != nil {
				return nil, err
			}
			continue
		case try == attempts, !r.again(failure):
			return nil, err
		}
		if err := pause(ctx, try, wait); err != nil {
			return nil, err
		}
	}
}

// again reports whether another attempt may succeed, and harms nothing. failure
// is nil if there was no answer.
func (r *request) again(failure *Error) bool {
	switch {
	case failure == nil, failure.Status == http.StatusServiceUnavailable, failure.Status == http.StatusBadGateway, failure.Status == http.StatusGatewayTimeout:
		return r.repeatable()
	case failure.Status == http.StatusTooManyRequests, failure.Status == http.StatusLocked:
		return !r.once // it was not carried out
	}
	return false
}

func (c *Client) send(ctx context.Context, r *request) (*http.Response, error) {
	var body io.Reader
	if r.body != nil {
		var err error
		if body, err = r.body(); err != nil {
			return nil, err
		}
	}
	u := *c.server
	u.RawQuery = r.values.Encode()
	req, err := http.NewRequestWithContext(ctx, r.method, c.server.String()+r.path, body)
	if err != nil {
		return nil, err
	}
	req.URL.RawQuery = u.RawQuery
	req.Header = r.headers.Clone()
	req.Header.Set("User-Agent", c.userAgent)
	switch {
	case c.key != "":
		req.Header.Set("X-API-Key", c.key)
	case c.auth != nil:
		if r.token = c.auth.Credentials().AccessToken; r.token != "" {
			req.Header.Set("Authorization", "Bearer "+r.token)
		}
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, &UnreachableError{Server: c.server.Redacted(), Err: err}
	}
	return resp, nil
}

// pause waits before another attempt: as long as the server has said, else for a
// time that grows, and is never the same for many.
func pause(ctx context.Context, try int, asked time.Duration) error {
	wait := firstWait << (try - 1)
	wait = wait/2 + rand.N(wait) //nolint:gosec // so that many clients do not come at once
	if asked > 0 {
		wait = min(asked, longest)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func retryAfter(resp *http.Response) time.Duration {
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
