package signedblob_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/fsblob"
	"github.com/seed-755a8038/coffer/adapters/memblob"
	"github.com/seed-755a8038/coffer/adapters/signedblob"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// clock stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type fixture struct {
	*signedblob.Blobs
	*testing.T

	clock  *clock
	server *httptest.Server
}

func newFixture(t *testing.T, backend signedblob.Backend, edit func(*signedblob.Options)) fixture {
	t.Helper()
	mux := http.NewServeMux()
	f := fixture{T: t, clock: &clock{now: noon}, server: httptest.NewServer(mux)}
	t.Cleanup(f.server.Close)
	if backend == nil {
		backend = memblob.New(f.clock)
	}
	o := signedblob.Options{Key: bytes.Repeat([]byte("k"), 32), BaseURL: f.server.URL + "/blobs/", Clock: f.clock}
	if edit != nil {
		edit(&o)
	}
	b, err := signedblob.New(backend, o)
	if err != nil {
		t.Fatal(err)
	}
	f.Blobs = b
	mux.Handle("/blobs/", b)
	return f
}

func (f fixture) put(key, data string) {
	f.Helper()
	if _, err := f.Put(f.Context(), key, "text/plain", strings.NewReader(data)); err != nil {
		f.Fatal(err)
	}
}

func (f fixture) signPut(key, data string) ports.SignedRequest {
	f.Helper()
	sum := sha256.Sum256([]byte(data))
	r, err := f.SignPut(f.Context(), ports.PutSpec{
		Key: key, Size: int64(len(data)), ContentType: "text/plain", SHA256: sum[:], CreateOnly: true, Expires: noon.Add(time.Minute),
	})
	if err != nil {
		f.Fatal(err)
	}
	return r
}

func (f fixture) signGet(key string) ports.SignedRequest {
	f.Helper()
	r, err := f.SignGet(f.Context(), ports.GetSpec{
		Key: key, ContentType: "text/html", Disposition: "attachment", Expires: noon.Add(time.Minute),
	})
	if err != nil {
		f.Fatal(err)
	}
	return r
}

// send sends the request and checks status and, for a problem, its code.
func (f fixture) send(s ports.SignedRequest, body io.Reader, status int, code string, edit func(*http.Request)) *http.Response {
	f.Helper()
	r, err := http.NewRequestWithContext(f.Context(), s.Method, s.URL, body)
	if err != nil {
		f.Fatal(err)
	}
	maps.Copy(r.Header, s.Header)
	if edit != nil {
		edit(r)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		f.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		f.Fatal(err)
	}
	var problem struct {
		Status int
		Title  string
		Detail string
		Code   string
	}
	if code != "" && r.Method != http.MethodHead {
		if err := json.Unmarshal(got, &problem); err != nil || res.Header.Get("Content-Type") != "application/problem+json" {
			f.Errorf("not a problem: %q", got)
		}
		if problem.Status != status || problem.Title == "" || problem.Detail == "" {
			f.Errorf("problem %+v", problem)
		}
	}
	if res.StatusCode != status || problem.Code != code && r.Method != http.MethodHead {
		f.Errorf("%s: %d %s, want %d %s", s.Method, res.StatusCode, got, status, code)
	}
	return res
}

func TestEveryRefusalHasItsCode(t *testing.T) {
	f := newFixture(t, nil, func(o *signedblob.Options) { o.MaxPutBody = 100 })
	f.put("there", "bytes")
	put := f.signPut("new", "bytes")
	body := func() io.Reader { return strings.NewReader("bytes") }
	f.send(put, strings.NewReader("Bytes"), 400, "checksum_mismatch", nil)
	f.send(put, strings.NewReader("byte"), 403, "signature_invalid", nil)
	f.send(put, struct{ io.Reader }{body()}, 411, "length_required", nil) // chunked
	f.send(put, strings.NewReader(strings.Repeat("x", 101)), 413, "too_large", nil)
	f.send(put, nil, 405, "method_not_allowed", func(r *http.Request) { r.Method = http.MethodDelete })
	f.send(f.signPut("there", "bytes"), body(), 412, "blob_exists", nil)
	f.send(f.signGet("missing"), nil, 404, "blob_not_found", nil)
	part, err := f.SignPart(t.Context(), ports.PartSpec{Key: "new", UploadID: "gone", Number: 1, Size: 5, Expires: noon.Add(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	f.send(part, body(), 404, "upload_not_found", nil)
	for _, path := range []string{"/blobs/", "/blobs/a%00b", "/blobs/%FF", "/blobs/a%2F..%2Fthere", "/blobs/there", "/blobs/there?e=x&s=y", "/blobs/there?e=9999999999&s="} {
		f.send(ports.SignedRequest{Method: "GET", URL: f.server.URL + path}, nil, 403, "signature_invalid", nil)
	}
	f.send(put, body(), 200, "", nil)
	f.send(put, body(), 412, "blob_exists", nil)
}

func TestAURLIsGoodUntilItExpires(t *testing.T) {
	f := newFixture(t, nil, nil)
	f.put("k", "bytes")
	get, put := f.signGet("k"), f.signPut("new", "bytes")
	f.clock.move(time.Minute - time.Second)
	f.send(get, nil, 200, "", nil)
	f.clock.move(time.Second)
	f.send(get, nil, 403, "url_expired", nil)
	f.send(put, strings.NewReader("bytes"), 403, "url_expired", nil)
	f.send(get, nil, 403, "signature_invalid", func(r *http.Request) {
		q := r.URL.Query()
		q.Set("e", fmt.Sprint(noon.Add(time.Hour).Unix()))
		r.URL.RawQuery = q.Encode()
	})
}

func TestASignatureIsForOneKindOfRequestAndOneKey(t *testing.T) {
	f := newFixture(t, nil, nil)
	other := newFixture(t, nil, func(o *signedblob.Options) { o.Key = bytes.Repeat([]byte("o"), 32) })
	f.put("k", "bytes")
	other.put("k", "bytes")
	get := f.signGet("k")
	f.send(get, strings.NewReader(""), 403, "signature_invalid", func(r *http.Request) { r.Method = "PUT"; r.Header.Set("Content-Length", "0") })
	get.URL = strings.Replace(get.URL, f.server.URL, other.server.URL, 1)
	other.send(get, nil, 403, "signature_invalid", nil)
	// A field must not be able to lend bytes to its neighbour.
	a, err := f.SignGet(t.Context(), ports.GetSpec{Key: "k", ContentType: "ab", Disposition: "c", Expires: noon.Add(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	a.URL = strings.Replace(a.URL, "t=ab&d=c", "t=a&d=bc", 1)
	f.send(a, nil, 403, "signature_invalid", nil)
}

func TestContentCannotActOnTheOrigin(t *testing.T) {
	f := newFixture(t, nil, nil)
	f.put("k", "<script>")
	for _, method := range []string{"GET", "HEAD"} {
		h := f.send(f.signGet("k"), nil, 200, "", func(r *http.Request) { r.Method = method }).Header
		for name, want := range map[string]string{
			"X-Content-Type-Options":       "nosniff",
			"Content-Security-Policy":      "sandbox; default-src 'none'",
			"Cross-Origin-Resource-Policy": "same-site",
			"Cache-Control":                "private, no-store",
			"Content-Type":                 "text/html",
			"Content-Disposition":          "attachment",
			"Content-Length":               "8",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s %s = %q, want %q", method, name, got, want)
			}
		}
	}
	untyped, err := f.SignGet(t.Context(), ports.GetSpec{Key: "k", Expires: noon.Add(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	if got := f.send(untyped, nil, 200, "", nil).Header.Get("Content-Type"); got != "application/octet-stream" {
		t.Errorf("without a type: %q", got)
	}
}

func TestScriptsOfAllowedOriginsOnly(t *testing.T) {
	f := newFixture(t, nil, func(o *signedblob.Options) { o.AllowedOrigins = []string{"https://app.example"} })
	put := f.signPut("k", "bytes")
	from := func(origin, method string) func(*http.Request) {
		return func(r *http.Request) {
			r.Method = method
			r.Header.Set("Origin", origin)
			r.Header.Set("Access-Control-Request-Method", "PUT")
		}
	}
	h := f.send(put, nil, 204, "", from("https://app.example", "OPTIONS")).Header
	if h.Get("Access-Control-Allow-Origin") != "https://app.example" || !strings.Contains(h.Get("Access-Control-Allow-Methods"), "PUT") ||
		!strings.Contains(h.Get("Access-Control-Allow-Headers"), "X-Amz-Checksum-Sha256") || h.Get("Vary") != "Origin" {
		t.Errorf("preflight: %v", h)
	}
	f.send(put, nil, 403, "origin_not_allowed", from("https://evil.example", "OPTIONS"))
	h = f.send(put, strings.NewReader("bytes"), 200, "", from("https://app.example", "PUT")).Header
	if h.Get("Access-Control-Allow-Origin") == "" || !strings.Contains(h.Get("Access-Control-Expose-Headers"), "ETag") {
		t.Errorf("PUT: %v", h)
	}
	if h := f.send(f.signGet("k"), nil, 200, "", from("https://evil.example", "GET")).Header; h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("GET from elsewhere: %v", h)
	}
}

func TestAStalledUploadIsGivenUp(t *testing.T) {
	f := newFixture(t, nil, func(o *signedblob.Options) { o.StallTimeout = 200 * time.Millisecond })
	put := f.signPut("k", strings.Repeat("x", 1000))
	u, err := url.Parse(put.URL)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 1000\r\n", u.RequestURI(), u.Host)
	if err := put.Header.Write(conn); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "\r\n")
	for range 6 { // slow, but it moves: longer than the timeout as a whole
		time.Sleep(60 * time.Millisecond)
		fmt.Fprint(conn, strings.Repeat("x", 100))
	}
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn) // the server hangs up
	if err != nil || !bytes.Contains(got, []byte(" 408 ")) || !bytes.Contains(got, []byte("request_timeout")) {
		t.Errorf("%v, %q", err, got)
	}
	if _, err := f.Stat(t.Context(), "k"); !errors.Is(err, core.ErrBlobNotFound) {
		t.Errorf("stored: %v", err)
	}
}

func TestAStalledDownloadIsGivenUp(t *testing.T) {
	dir := t.TempDir()
	store, err := fsblob.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	f := newFixture(t, store, func(o *signedblob.Options) { o.StallTimeout = 300 * time.Millisecond })
	f.put("k", "")
	const size = 64 << 20 // more than the buffers of the kernel hold
	if err := os.Truncate(filepath.Join(dir, "objects", "1", "k"), size); err != nil {
		t.Fatal(err)
	}
	res, err := http.Get(f.signGet("k").URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var n int64
	for range 5 { // slow, but it moves
		time.Sleep(100 * time.Millisecond)
		m, err := io.CopyN(io.Discard, res.Body, 8<<20)
		if n += m; err != nil {
			t.Fatalf("after %d bytes: %v", n, err)
		}
	}
	time.Sleep(1500 * time.Millisecond)
	m, err := io.Copy(io.Discard, res.Body)
	if n += m; err == nil || n >= size {
		t.Errorf("%d of %d bytes, error %v", n, size, err)
	}
}

func TestOptionsThatCannotWorkAreRefused(t *testing.T) {
	ok := signedblob.Options{Key: make([]byte, 32), BaseURL: "https://example.org", Clock: &clock{}}
	if _, err := signedblob.New(nil, ok); err != nil {
		t.Errorf("options: %v", err)
	}
	for what, edit := range map[string]func(*signedblob.Options){
		"a short key":    func(o *signedblob.Options) { o.Key = make([]byte, 31) },
		"no clock":       func(o *signedblob.Options) { o.Clock = nil },
		"no URL":         func(o *signedblob.Options) { o.BaseURL = "" },
		"a relative URL": func(o *signedblob.Options) { o.BaseURL = "/blobs/" },
		"a query":        func(o *signedblob.Options) { o.BaseURL = "https://example.org/?a=b" },
	} {
		o := ok
		edit(&o)
		if _, err := signedblob.New(nil, o); err == nil {
			t.Errorf("%s is accepted", what)
		}
	}
}

func TestAProxyMayChangeThePath(t *testing.T) {
	f := newFixture(t, nil, func(o *signedblob.Options) {
		o.BaseURL, o.Path = "https://example.org/coffer/blobs", "/blobs"
	})
	f.put("k", "bytes")
	get := f.signGet("k")
	if !strings.HasPrefix(get.URL, "https://example.org/coffer/blobs/k?") {
		t.Errorf("URL %s", get.URL)
	}
	get.URL = strings.Replace(get.URL, "https://example.org/coffer", f.server.URL, 1)
	f.send(get, nil, 200, "", nil)
}

func BenchmarkSignGet(b *testing.B) {
	s, err := signedblob.New(nil, signedblob.Options{Key: make([]byte, 32), BaseURL: "https://example.org/blobs/", Clock: &clock{}})
	if err != nil {
		b.Fatal(err)
	}
	spec := ports.GetSpec{
		Key:         "018f2a4e-7c31-7c39-8f4e-0123456789ab/018f2a4e-7c31-7c39-8f4e-0123456789ac/report.pdf",
		ContentType: "application/pdf", Disposition: `attachment; filename="report.pdf"`, Expires: noon,
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.SignGet(b.Context(), spec); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSignPut(b *testing.B) {
	s, err := signedblob.New(nil, signedblob.Options{Key: make([]byte, 32), BaseURL: "https://example.org/blobs/", Clock: &clock{}})
	if err != nil {
		b.Fatal(err)
	}
	spec := ports.PutSpec{
		Key:  "018f2a4e-7c31-7c39-8f4e-0123456789ab/018f2a4e-7c31-7c39-8f4e-0123456789ac/report.pdf",
		Size: 1 << 20, ContentType: "application/pdf", SHA256: make([]byte, 32), CreateOnly: true, Expires: noon,
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.SignPut(b.Context(), spec); err != nil {
			b.Fatal(err)
		}
	}
}
