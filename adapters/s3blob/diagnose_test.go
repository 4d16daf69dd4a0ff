package s3blob_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/seed-755a8038/coffer/adapters/s3blob"
	"github.com/seed-755a8038/coffer/ports"
)

var _ ports.Diagnosable = (*s3blob.Store)(nil)

const origin = "https://app.example.org"

func find(t *testing.T, found []ports.Finding, check string) ports.Finding {
	t.Helper()
	for _, f := range found {
		if f.Check == check {
			return f
		}
	}
	t.Fatalf("no finding %q in %+v", check, found)
	return ports.Finding{}
}

// wantOnly checks that exactly the named checks failed, and that nothing is left.
func wantOnly(t *testing.T, s *s3blob.Store, found []ports.Finding, failed ...string) {
	t.Helper()
	var got []string
	for _, f := range found {
		if f.Detail == "" {
			t.Errorf("%+v says nothing", f)
		}
		if !f.OK || f.Warning {
			got = append(got, f.Check)
			t.Logf("%s: %s", f.Check, f.Detail)
		}
	}
	if strings.Join(got, "|") != strings.Join(failed, "|") {
		t.Errorf("found %q, want %q", got, failed)
	}
	for b, err := range s.List(t.Context(), "") {
		t.Errorf("left: %q, %v", b.Key, err)
	}
	for m, err := range s.Multiparts(t.Context()) {
		t.Errorf("left: %+v, %v", m, err)
	}
}

func TestDiagnoseFixesTheRulesForOrigins(t *testing.T) {
	c := bucket(t)
	c.AllowedOrigins = []string{origin, "https://second.example.org"}
	s := open(t, c)
	wantOnly(t, s, s.Diagnose(t.Context(), false), "CORS for "+origin, "CORS for https://second.example.org")
	wantOnly(t, s, s.Diagnose(t.Context(), true))
	wantOnly(t, s, s.Diagnose(t.Context(), false))
	c.AllowedOrigins = []string{"https://third.example.org"}
	s = open(t, c)
	wantOnly(t, s, s.Diagnose(t.Context(), false), "CORS for https://third.example.org")
}

// through returns the bucket behind a proxy that edit may lead astray, for
// clients; it answers a request itself by returning true.
func through(t *testing.T, c s3blob.Config, edit func(w http.ResponseWriter, r *http.Request) bool) s3blob.Config {
	target, err := url.Parse(c.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !edit(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	c.PublicEndpoint = server.URL
	return c
}

func TestDiagnoseSeesWhatAServerDoesNotVerify(t *testing.T) {
	store := func(r *http.Request, name string) bool {
		return r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, name)
	}
	for check, careless := range map[string]func(w http.ResponseWriter, r *http.Request) bool{
		"checksums":     func(_ http.ResponseWriter, r *http.Request) bool { return store(r, "/checksum") },
		"signed length": func(_ http.ResponseWriter, r *http.Request) bool { return store(r, "/length") },
		"conditional writes": func(_ http.ResponseWriter, r *http.Request) bool {
			return store(r, "/conditional")
		},
		"bucket is private": func(_ http.ResponseWriter, r *http.Request) bool {
			return r.Method == http.MethodGet && !r.URL.Query().Has("X-Amz-Signature")
		},
		"clock": func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Date", "Sun, 22 Nov 2020 12:00:00 GMT")
			return r.Method == http.MethodHead
		},
	} {
		t.Run(check, func(t *testing.T) {
			s := open(t, through(t, bucket(t), careless))
			wantOnly(t, s, s.Diagnose(t.Context(), false), check)
		})
	}
}

func TestDiagnoseSeesAPublicEndpointThatDoesNotWork(t *testing.T) {
	c := bucket(t)
	c.PublicEndpoint = "http://127.0.0.1:1"
	s := open(t, c)
	f := find(t, s.Diagnose(t.Context(), false), "signed upload")
	if f.OK || !strings.Contains(f.Detail, "public endpoint") {
		t.Errorf("%+v", f)
	}
	c = through(t, bucket(t), func(_ http.ResponseWriter, r *http.Request) bool { r.Host = "other"; return false })
	s = open(t, c)
	f = find(t, s.Diagnose(t.Context(), false), "signed upload")
	if f.OK || !strings.Contains(f.Detail, "Host header") {
		t.Errorf("%+v", f)
	}
}

func TestDiagnoseTellsCredentialsFromBucketFromNetwork(t *testing.T) {
	for want, edit := range map[string]func(*s3blob.Config){
		"there is no bucket":      func(c *s3blob.Config) { c.Bucket += "-missing" },
		"refuses the credentials": func(c *s3blob.Config) { c.SecretAccessKey += "x" },
		"cannot be reached":       func(c *s3blob.Config) { c.Endpoint = "http://127.0.0.1:1" },
	} {
		c := bucket(t)
		edit(&c)
		found := open(t, c).Diagnose(t.Context(), true)
		if len(found) != 1 || found[0].OK || !strings.Contains(found[0].Detail, want) {
			t.Errorf("%+v, want it to say %q", found, want)
		}
	}
}
