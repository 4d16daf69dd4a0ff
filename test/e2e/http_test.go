package e2e

import (
	"net/http"
	"strings"
	"testing"
)

func TestWhatHTTPItselfRefusesIsAProblemToo(t *testing.T) {
	tell(t, settings{"COFFER_HTTP_CORS_ORIGINS": "https://app.example.com"}, func(t *testing.T, s *server) {
		ana, nobody := s.signUp("ana"), s.anybody()
		for _, path := range []string{"/", "/api", "/api/nothing", "/api/orgs//", "/favicon.ico", "/api/me/", "/..%2f..%2fetc/passwd", "/debug/pprof/", "/metrics"} {
			ana.refused(http.StatusNotFound, "not_found", "GET", path, nil)
		}
		a := ana.refused(http.StatusMethodNotAllowed, "method_not_allowed", "PUT", "/api/me", nil)
		if a.header.Get("Allow") == "" {
			t.Errorf("headers %v", a.header)
		}
		ana.refused(http.StatusMethodNotAllowed, "method_not_allowed", "BREW", "/api/me", nil)
		nobody.refused(http.StatusUnauthorized, "unauthenticated", "GET", "/api/me", nil)
		for _, id := range []string{"x", "00000000", "%00", "%ff", "'%20OR%201=1--", strings.Repeat("a", 3000), missingID + "0"} {
			ana.refused(http.StatusNotFound, "not_found", "GET", "/api/orgs/"+id, nil)
			ana.refused(http.StatusNotFound, "not_found", "GET", "/api/assets/"+id+"/download", nil)
		}
		for _, query := range []string{"limit=%00", "cursor=%ff", "limit=1;limit=2", "q=%00", "%zz=1"} {
			if a := ana.ask("GET", "/api/orgs/"+ana.org+"/assets?"+query, nil); a.status != http.StatusBadRequest && a.status != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d %s", query, a.status, a.body)
			} else {
				a.isProblem(a.status, a.text("code"))
			}
		}

		protective := with{
			"X-Request-Id": "my-id.1", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
		}
		// Every answer carries what protects a browser, and the id of its request.
		for _, a := range []*answer{
			ana.ask("GET", "/api/me", nil, with{"X-Request-ID": "my-id.1"}), ana.ask("GET", "/nothing", nil, with{"X-Request-ID": "my-id.1"}),
			nobody.ask("GET", "/healthz", nil, with{"X-Request-ID": "my-id.1"}),
		} {
			for name, want := range protective {
				if got := a.header.Get(name); got != want {
					t.Errorf("%s: %s %q, want %q", a.what, name, got, want)
				}
			}
			if !strings.Contains(a.header.Get("Content-Security-Policy"), "default-src 'none'") || a.header.Get("Server") != "" {
				t.Errorf("%s: %v", a.what, a.header)
			}
		}
		for _, id := range []string{"", "with space", "<script>", strings.Repeat("a", 129), "é"} {
			if got := ana.ask("GET", "/api/me", nil, with{"X-Request-ID": id}).header.Get("X-Request-Id"); got == id || len(got) < 16 {
				t.Errorf("request id %q for %q", got, id)
			}
		}
		crossOrigins(t, ana)
	})
}

// crossOrigins checks what pages of the configured origin, and of others, may do.
func crossOrigins(t *testing.T, ana *user) {
	t.Helper()
	const origin = "https://app.example.com"
	before := with{"Origin": origin, "Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization,if-match"}
	a := ana.want(http.StatusNoContent, "OPTIONS", "/api/me", nil, before, with{"Authorization": ""})
	if a.header.Get("Access-Control-Allow-Origin") != origin || !strings.Contains(a.header.Get("Access-Control-Allow-Methods"), "PATCH") ||
		!strings.Contains(a.header.Get("Access-Control-Allow-Headers"), "If-Match") || a.header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("preflight %v", a.header)
	}
	a = ana.want(http.StatusOK, "GET", "/api/me", nil, with{"Origin": origin})
	if a.header.Get("Access-Control-Allow-Origin") != origin || !strings.Contains(a.header.Get("Access-Control-Expose-Headers"), "ETag") || a.header.Get("Vary") == "" {
		t.Errorf("headers %v", a.header)
	}
	for _, other := range []string{"https://evil.example.com", "null", origin + ".evil.com", "http://app.example.com"} {
		a := ana.want(http.StatusOK, "GET", "/api/me", nil, with{"Origin": other})
		if got := a.header.Get("Access-Control-Allow-Origin"); got != "" || a.header.Get("Vary") == "" {
			t.Errorf("%s: %v", other, a.header)
		}
		if a := ana.ask("OPTIONS", "/api/me", nil, with{"Origin": other, "Access-Control-Request-Method": "GET"}); a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %v", other, a.header)
		}
	}
}
