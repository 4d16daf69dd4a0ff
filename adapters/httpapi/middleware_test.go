package httpapi

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestARequestHasAnID(t *testing.T) {
	f := newFixture(t)
	for sent, kept := range map[string]bool{
		"abc-1.2_3": true, strings.Repeat("a", 128): true, strings.Repeat("a", 129): false, "a b": false, "a\"b": false, "é": false, "": false,
	} {
		got := f.call("GET", "/healthz", "", "X-Request-ID: "+sent).Header().Get("X-Request-ID")
		if (got == sent) != kept || got == "" {
			t.Errorf("%q became %q", sent, got)
		}
	}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	f := newFixture(t, func(_ *Services, o *Options) { o.PublicURL = "https://coffer.example.com/" })
	for _, path := range []string{"/healthz", "/api/nothing", "/api/me", "/docs", "/api/openapi.json"} {
		h := f.call("GET", path, "").Header()
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
			"Strict-Transport-Security": "max-age=31536000",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s = %q", path, name, got)
			}
		}
		if !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: Content-Security-Policy = %q", path, h.Get("Content-Security-Policy"))
		}
	}
	if got := f.call("GET", "/api/me", "").Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control = %q", got)
	}
	if got := newFixture(t).call("GET", "/healthz", "").Header().Get("Strict-Transport-Security"); got != "" {
		t.Errorf("plain HTTP is told %q", got)
	}
}

func TestACredentialIsNeeded(t *testing.T) {
	f := newFixture(t)
	path := "/api/assets/00000000-0000-0000-0000-000000000005/download"
	for header, challenge := range map[string]string{
		"":                        `Bearer realm="coffer"`,
		"Authorization: Bearer x": `Bearer realm="coffer", error="invalid_token"`,
		"Authorization: Bearer ":  `Bearer realm="coffer", error="invalid_token"`,
		"Authorization: Basic eA": `Bearer realm="coffer", error="invalid_token"`,
		"Authorization: Bearer " + strings.Repeat("x", 9000): `Bearer realm="coffer", error="invalid_token"`,
	} {
		w := f.call("GET", path, "", header)
		problemIn(t, w, 401, "unauthenticated")
		if got := w.Header().Get("WWW-Authenticate"); got != challenge {
			t.Errorf("%.30q: WWW-Authenticate = %q", header, got)
		}
	}
	for _, header := range []string{signedIn, "Authorization: bearer good", "Authorization: BEARER good"} {
		if w := f.call("GET", path, "", header); w.Code != 200 {
			t.Errorf("%s: %d %s", header, w.Code, w.Body)
		}
	}
	// Before it is known who asks, nothing is told of the body or of the path.
	problemIn(t, f.call("POST", "/api/orgs/x/assets", "{"), 401, "unauthenticated")
	if w := f.call("GET", "/healthz", "", "Authorization: Bearer x"); w.Code != 200 {
		t.Errorf("a public operation minds the credential: %d", w.Code)
	}
}

func TestRequestsAreLimited(t *testing.T) {
	f := newFixture(t, func(_ *Services, o *Options) { o.RatePerMinute = 2 })
	w := f.call("GET", "/api/nothing", "")
	for name, want := range map[string]string{"RateLimit-Limit": "2", "RateLimit-Remaining": "1", "RateLimit-Reset": "2"} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	f.call("GET", "/api/nothing", "")
	w = f.call("GET", "/api/nothing", "")
	problemIn(t, w, 429, "rate_limited")
	if got := w.Header().Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After = %q", got)
	}
	if w := f.call("GET", "/api/orgs", "", signedIn); w.Code != 200 {
		t.Errorf("a user pays for the address: %d", w.Code)
	}
	for _, path := range []string{"/healthz", "/readyz", "/docs", "/api/openapi.json", "/api/openapi.yaml"} {
		if w := f.call("GET", path, ""); w.Code != 200 || w.Header().Get("RateLimit-Limit") != "" {
			t.Errorf("%s is limited: %d", path, w.Code)
		}
	}
}

func TestANetworkIsOneClient(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "pipe": "pipe",
	} {
		if got := network(address); got != want {
			t.Errorf("%s is of %s, want %s", address, got, want)
		}
	}
}

func TestOnlyTrustedProxiesAreBelieved(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, c := range map[string]struct {
		peer      string
		forwarded []string
		trusted   []netip.Prefix
		want      string
	}{
		"direct":                {"192.0.2.1:5", nil, trusted, "192.0.2.1"},
		"forged by a stranger":  {"192.0.2.1:5", []string{"1.1.1.1"}, trusted, "192.0.2.1"},
		"nobody is trusted":     {"10.0.0.1:5", []string{"1.1.1.1"}, nil, "10.0.0.1"},
		"behind one":            {"10.0.0.1:5", []string{"198.51.100.9"}, trusted, "198.51.100.9"},
		"behind two":            {"10.0.0.1:5", []string{"6.6.6.6, 198.51.100.9, 10.0.0.2"}, trusted, "198.51.100.9"},
		"in two lines":          {"10.0.0.1:5", []string{"6.6.6.6", "198.51.100.9"}, trusted, "198.51.100.9"},
		"with a port":           {"[fd00::1]:5", []string{"[2001:db8::9]:443"}, trusted, "2001:db8::9"},
		"mapped":                {"[::ffff:10.0.0.1]:5", []string{"::ffff:198.51.100.9"}, trusted, "198.51.100.9"},
		"garbage":               {"10.0.0.1:5", []string{"198.51.100.9, <script>"}, trusted, "10.0.0.1"},
		"header missing":        {"10.0.0.1:5", nil, trusted, "10.0.0.1"},
		"proxies all the way":   {"10.0.0.1:5", []string{"10.0.0.3,10.0.0.2"}, trusted, "10.0.0.3"},
		"peer without a number": {"@", []string{"1.1.1.1"}, trusted, "@"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = c.peer
			r.Header["X-Forwarded-For"] = c.forwarded
			s := &server{Options: Options{TrustedProxies: c.trusted}}
			if got := s.address(r); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestOnlyConfiguredOriginsMayUseTheAPI(t *testing.T) {
	const app, evil = "Origin: https://app.example.com", "Origin: https://evil.example.com"
	const ask = "Access-Control-Request-Method: PATCH"
	f := newFixture(t, func(_ *Services, o *Options) { o.CORSOrigins = []string{"https://app.example.com"} })
	w := f.call("OPTIONS", "/api/orgs", "", app, ask)
	h := w.Header()
	if w.Code != 204 || h.Get("Access-Control-Allow-Origin") != "https://app.example.com" || h.Get("Vary") != "Origin" ||
		!strings.Contains(h.Get("Access-Control-Allow-Methods"), "PATCH") || !strings.Contains(h.Get("Access-Control-Allow-Headers"), "If-Match") {
		t.Errorf("preflight: %d %v", w.Code, h)
	}
	h = f.call("GET", "/api/orgs", "", app).Header()
	for _, name := range []string{"ETag", "RateLimit-Limit", "X-Request-ID", "Idempotency-Replayed", "Location", "Retry-After"} {
		if !strings.Contains(h.Get("Access-Control-Expose-Headers"), name) {
			t.Errorf("%s is not exposed", name)
		}
	}
	if h.Get("Access-Control-Allow-Credentials") != "" {
		t.Error("credentials are allowed")
	}
	for _, h := range []http.Header{
		f.call("OPTIONS", "/api/orgs", "", evil, ask).Header(), f.call("GET", "/api/orgs", "", evil).Header(),
		newFixture(t).call("OPTIONS", "/api/orgs", "", app, ask).Header(), f.call("GET", "/api/orgs", "").Header(),
	} {
		if got := h.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("allowed: %q", got)
		}
	}
	open := newFixture(t, func(_ *Services, o *Options) { o.CORSOrigins = []string{"*"} })
	if got := open.call("GET", "/api/orgs", "", evil).Header().Get("Access-Control-Allow-Origin"); got != "*" {
		t.Errorf("open to all: %q", got)
	}
}

func TestTheLogTellsNoSecrets(t *testing.T) {
	var route string
	var status int
	f := newFixture(t, func(s *Services, o *Options) {
		o.LogURL = func(u *url.URL) string { return u.Path }
		s.Observe = func(_, r string, st int, _ time.Duration) { route, status = r, st }
	})
	f.call("GET", "/api/orgs/00000000-0000-0000-0000-000000000003/assets?q=secret", "", signedIn, "User-Agent: x")
	log := f.log.String()
	for _, want := range []string{
		`"route":"/api/orgs/{org_id}/assets"`, `"status":200`, `"user_id":"00000000-0000-0000-0000-000000000001"`, `"request_id":"`, `"bytes":`, `"took":`,
	} {
		if !strings.Contains(log, want) {
			t.Errorf("%s is not in %s", want, log)
		}
	}
	if strings.Contains(log, "secret") || strings.Contains(log, goodToken) || strings.Count(log, "\n") != 1 {
		t.Errorf("log: %s", log)
	}
	if route != "/api/orgs/{org_id}/assets" || status != 200 {
		t.Errorf("observed %s %d", route, status)
	}
	f.call("GET", "/api/x/y", "")
	if route != "unmatched" || status != 404 {
		t.Errorf("observed %s %d", route, status)
	}
}

func TestAddressesAreText(t *testing.T) {
	f := newFixture(t)
	for _, segment := range []string{"a%E2%82b", "%ff", "a%00"} {
		problemIn(t, f.call("GET", "/api/orgs/"+segment+"/assets", "", signedIn), 404, "not_found")
		problemIn(t, f.call("POST", "/api/items/00000000-0000-0000-0000-000000000003/assets/"+segment+"/signed-url", "", signedIn), 404, "not_found")
	}
	for _, query := range []string{"q=%00", "q=%ff", "%00=1", "q=a;b"} {
		problemIn(t, f.call("GET", "/api/orgs/00000000-0000-0000-0000-000000000003/assets?"+query, "", signedIn), 400, "malformed_request")
	}
}

func TestABodyThatDoesNotEndIsRefused(t *testing.T) {
	f := newFixture(t, func(_ *Services, o *Options) { o.Timeout = 200 * time.Millisecond })
	server := httptest.NewServer(f)
	defer server.Close()
	r, w := io.Pipe()
	defer w.Close()
	go func() { _, _ = w.Write([]byte(`{"email":`)) }()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/api/auth/login", r)
	if err != nil {
		t.Fatal(err)
	}
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusRequestTimeout {
		t.Errorf("status %d", res.StatusCode)
	}
}

func TestReadinessSaysWhatIsDownAndIsNoError(t *testing.T) {
	f := newFixture(t, func(s *Services, _ *Options) {
		s.Ready = func(context.Context) []Component {
			return []Component{{Name: "database", OK: true}, {Name: "queue"}}
		}
	})
	w := f.call("GET", "/readyz", "")
	problemIn(t, w, 503, "not_ready")
	if !strings.Contains(w.Body.String(), `{"name":"queue","ok":false}`) {
		t.Errorf("body: %s", w.Body)
	}
	if w.Header().Get("Retry-After") == "" || strings.Contains(f.log.String(), "ERROR") || !strings.Contains(f.log.String(), "not_ready") {
		t.Errorf("header %v, log %s", w.Header(), f.log)
	}
	if w := f.call("GET", "/healthz", ""); w.Body.String() != `{"status":"ok","version":"1.2.3"}` {
		t.Errorf("health: %s", w.Body)
	}
}

// socket is a ResponseWriter that knows when it was given the file itself.
type socket struct {
	*httptest.ResponseRecorder

	from io.Reader
}

func (s *socket) ReadFrom(r io.Reader) (int64, error) {
	s.from = r
	return io.Copy(s.ResponseRecorder, r)
}

func TestBlobsReachTheSocketAndAreLogged(t *testing.T) {
	source := strings.NewReader("bytes")
	f := newFixture(t, func(s *Services, _ *Options) {
		s.Blobs = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusPartialContent)
			_, _ = io.Copy(w, io.LimitReader(source, 3))
		})
	})
	w := &socket{ResponseRecorder: httptest.NewRecorder()}
	f.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/blobs/a/b?s=secret", nil))
	if limited, ok := w.from.(*io.LimitedReader); !ok || limited.R != source {
		t.Errorf("the socket was given a %T", w.from)
	}
	if w.Code != http.StatusPartialContent || w.Body.String() != "byt" || w.Header().Get("X-Request-ID") == "" {
		t.Errorf("%d %q %v", w.Code, w.Body, w.Header())
	}
	if log := f.log.String(); !strings.Contains(log, `"bytes":3`) && !strings.Contains(log, "bytes=3") {
		t.Errorf("log: %s", log)
	}
}

func TestOptionsThatMakeNoSense(t *testing.T) {
	s := newFixture(t).Services
	for name, o := range map[string]Options{
		"no key":     {},
		"short key":  {CursorKey: []byte("short")},
		"no scheme":  {CursorKey: make([]byte, 16), PublicURL: "coffer.example.com"},
		"not a host": {CursorKey: make([]byte, 16), PublicURL: "https://"},
	} {
		if _, err := New(s, o); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if _, err := New(Services{}, Options{CursorKey: make([]byte, 16)}); err == nil {
		t.Error("nothing to work with is taken")
	}
}
