package e2e

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestOnlyStrictJSONIsTaken(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		path := "/api/orgs/" + ana.org + "/assets"
		deep := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
		for _, c := range []struct {
			body, code string
			status     int
		}{
			{``, "malformed_json", 400},
			{`{`, "malformed_json", 400},
			{`nonsense`, "malformed_json", 400},
			{`{"name": "a", "size_bytes": 1} {}`, "malformed_json", 400},
			{`{"name": "a", "size_bytes": 1,}`, "malformed_json", 400},
			{`{"name": "a", "name": "b", "size_bytes": 1}`, "malformed_json", 400},
			{`{"name": "a", "Name": "b", "size_bytes": 1}`, "malformed_json", 400},
			{`{"name": "a", "size_bytes": 1, "metadata": {"custom_fields": {"x": 1, "X": 2}}}`, "malformed_json", 400},
			{`{"name": "a\u0000", "size_bytes": 1}`, "malformed_json", 400},
			{"{\"name\": \"a\x00\", \"size_bytes\": 1}", "malformed_json", 400},
			{"{\"name\": \"\xff\", \"size_bytes\": 1}", "malformed_json", 400},
			{`{"name": "\ud800", "size_bytes": 1}`, "malformed_json", 400},
			{"\ufeff" + `{"name": "a", "size_bytes": 1}`, "malformed_json", 400},
			{deep(100), "malformed_json", 400},
			{`{"name": "a", "size_bytes": 1, "metadata": ` + deep(63) + `}`, "validation_failed", 422},
			{strings.Repeat("[", 100_000), "malformed_json", 400},
			{`{"name": "` + strings.Repeat("a", 2<<20) + `"}`, "body_too_large", 413},
			{`null`, "validation_failed", 422},
			{`[]`, "validation_failed", 422},
			{`"text"`, "validation_failed", 422},
			{`{}`, "validation_failed", 422},
			{`{"Name": "a", "size_bytes": 1}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 1, "status": "ready"}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 1, "metadata": {"x": 1}}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": "1"}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 1.5}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": -1}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 1e400}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 9223372036854775808}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 5000000000001}`, "validation_failed", 422},
			{`{"name": 1, "size_bytes": 1}`, "validation_failed", 422},
			{`{"name": null, "size_bytes": 1}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 1, "drive_id": "x"}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 1, "drive_id": 7}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 1, "checksum_sha256": "abc"}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 1, "on_conflict": "overwrite"}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 1, "content_type": "a\r\nX-Evil: 1"}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 1, "content_type": "html"}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 1, "metadata": {"custom_fields": {"x": {}}}}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 1, "metadata": {"custom_fields": {"x": [1]}}}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 1, "metadata": {"tags": "x"}}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 1, "metadata": {"tags": [""]}}`, "validation_failed", 422},
		} {
			t.Run("", func(t *testing.T) {
				me := *ana.client
				me.t = t
				a := me.ask("POST", path, raw(c.body))
				a.isProblem(c.status, c.code)
				if a.status != c.status {
					t.Errorf("for %.100q", c.body)
				}
			})
		}
		good := raw(`{"name": "a", "size_bytes": 1}`)
		for _, contentType := range []string{"text/plain", "application/xml", "application/x-www-form-urlencoded", "application/json; charset=latin1", "multipart/form-data; boundary=x"} {
			ana.refused(http.StatusUnsupportedMediaType, "unsupported_media_type", "POST", path, good, with{"Content-Type": contentType})
		}
		ana.usedMust(0, 0)
		ana.want(http.StatusCreated, "POST", path, good, with{"Content-Type": "application/json; charset=UTF-8"})
	})
}

func TestWhatHTTPItselfRefusesIsAProblemToo(t *testing.T) {
	tell(t, settings{"COFFER_HTTP_CORS_ORIGINS": "https://app.example.com"}, func(t *testing.T, s *server) {
		ana, nobody := s.signUp("ana"), s.anybody()
		for _, path := range []string{"/", "/api", "/api/nothing", "/api/orgs//", "/favicon.ico", "/api/me/", "/..%2f..%2fetc/passwd", "/debug/pprof/", "/metrics"} {
			ana.refused(http.StatusNotFound, "not_found", "GET", path, nil)
		}
		a := ana.refused(http.StatusMethodNotAllowed, "method_not_allowed", "DELETE", "/api/me", nil)
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

func TestListsComeInPagesWhoseCursorsCannotBeForged(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, bea := s.signUp("ana"), s.signUp("bea")
		path := "/api/orgs/" + ana.org + "/assets"
		var want []string
		for _, name := range []string{"a", "B", "é", "b", "中", "z", "Z", "_", "-", "%", "1", "~"} {
			want = append(want, ana.create(object{"name": name, "size_bytes": 1}).text("asset.id"))
		}
		slices.Reverse(want) // newest first
		var got []string
		first := ""
		for query := "?limit=5"; ; {
			page := ana.want(http.StatusOK, "GET", path+query, nil)
			got = append(got, page.list("id")...)
			if page.get("next_cursor") == nil {
				break
			}
			if first == "" {
				first = page.text("next_cursor")
				ana.create(object{"name": "inserted.txt", "size_bytes": 1}) // does not shift what follows
			}
			query = "?limit=5&cursor=" + page.text("next_cursor")
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages %v, want %v", got, want)
		}
		all := ana.want(http.StatusOK, "GET", "/api/drives/"+ana.drive+"/nodes", nil).list("name")
		var names []string
		for query := "?limit=1"; ; {
			page := ana.want(http.StatusOK, "GET", "/api/drives/"+ana.drive+"/nodes"+query, nil)
			names = append(names, page.list("name")...)
			if page.get("next_cursor") == nil {
				break
			}
			query = "?limit=1&cursor=" + page.text("next_cursor")
		}
		if len(all) != 13 || !slices.Equal(names, all) || !slices.IsSorted(all) {
			t.Errorf("pages %q, all %q", names, all)
		}

		changed := "A" + first[1:]
		if changed == first {
			changed = "B" + first[1:]
		}
		for what, at := range map[string]string{
			"changed":          path + "?limit=5&cursor=" + changed,
			"cut":              path + "?limit=5&cursor=" + first[:len(first)-1],
			"no cursor":        path + "?cursor=x",
			"another list's":   "/api/drives/" + ana.drive + "/nodes?cursor=" + first,
			"orgs'":            "/api/orgs?cursor=" + first,
			"another filter's": path + "?status=ready&cursor=" + first,
		} {
			if a := ana.ask("GET", at, nil); a.status != http.StatusUnprocessableEntity || a.text("code") != "cursor_invalid" {
				t.Errorf("%s: %d %s", what, a.status, a.body)
			}
		}
		bea.refused(http.StatusUnprocessableEntity, "cursor_invalid", "GET", "/api/orgs/"+bea.org+"/assets?cursor="+first, nil)
		for _, limit := range []string{"0", "-1", "201", "x", "1.5", "9999999999999999999"} {
			ana.refused(http.StatusUnprocessableEntity, "validation_failed", "GET", path+"?limit="+limit, nil)
		}
		if n := len(ana.want(http.StatusOK, "GET", path+"?limit=200", nil).list("id")); n != 13 {
			t.Errorf("%d assets", n)
		}
		ana.want(http.StatusOK, "GET", path+"?limit=2&cursor="+first, nil) // as many as one likes
	})
}

func TestChangesAreTiedToTheVersionThatWasSeen(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		asset := ana.upload(object{"name": "a.txt"}, []byte("first"))
		path := "/api/orgs/" + ana.org + "/assets/" + asset.text("id")
		seen := ana.want(http.StatusOK, "GET", path, nil).header.Get("ETag")
		for _, tags := range []string{seen, "W/" + seen, `"x", ` + seen, "*"} {
			a := ana.want(http.StatusNotModified, "GET", path, nil, with{"If-None-Match": tags})
			if len(a.body) != 0 || a.header.Get("ETag") != seen {
				t.Errorf("%s: %v %s", tags, a.header, a.body)
			}
		}
		ana.want(http.StatusOK, "GET", path, nil, with{"If-None-Match": `"0"`})
		for _, at := range []string{"/api/me", "/api/orgs/" + ana.org} {
			tag := ana.want(http.StatusOK, "GET", at, nil).header.Get("ETag")
			ana.want(http.StatusNotModified, "GET", at, nil, with{"If-None-Match": tag})
		}

		answers := race(t, 8, func(i int) (*answer, error) {
			return ana.try("PATCH", path, object{"name": fmt.Sprintf("%d.txt", i)}, with{"If-Match": seen})
		})
		n := statuses(answers)
		if n[http.StatusOK] != 1 || n[http.StatusPreconditionFailed] != 7 {
			t.Errorf("racing changes: %v", n)
		}
		for _, tag := range []string{seen, "nonsense", `"999"`, "W/" + seen} {
			ana.refused(http.StatusPreconditionFailed, "precondition_failed", "PATCH", path, object{"name": "b.txt"}, with{"If-Match": tag})
			ana.refused(http.StatusPreconditionFailed, "precondition_failed", "DELETE", path, nil, with{"If-Match": tag})
			ana.refused(http.StatusPreconditionFailed, "precondition_failed", "DELETE", path+"?permanent=true", nil, with{"If-Match": tag})
		}
		now := ana.want(http.StatusOK, "GET", path, nil).header.Get("ETag")
		changed := ana.want(http.StatusOK, "PATCH", path, object{"name": "b.txt"}, with{"If-Match": `"x", ` + now})
		ana.want(http.StatusOK, "PATCH", path, object{"metadata": object{"tags": []string{"x"}}}, with{"If-Match": "*"})
		if changed.header.Get("ETag") == now {
			t.Errorf("ETag %s of another version", now)
		}
		// Without If-Match nobody loses: each change is carried out.
		answers = race(t, 8, func(i int) (*answer, error) { return ana.try("PATCH", path, object{"name": fmt.Sprintf("c%d.txt", i)}) })
		if n := statuses(answers); n[http.StatusOK] == 0 || n[http.StatusOK]+n[http.StatusPreconditionFailed] != 8 {
			t.Errorf("racing changes: %v", n)
		}
		ana.want(http.StatusNoContent, "DELETE", path, nil, with{"If-Match": ana.want(http.StatusOK, "GET", path, nil).header.Get("ETag")})
	})
}

func TestAnIdempotencyKeyIsOneEffect(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, bea := s.signUp("ana"), s.signUp("bea")
		path := "/api/orgs/" + ana.org + "/assets"
		key := with{"Idempotency-Key": "upload-1"}
		file := object{"name": "a.bin", "size_bytes": 64_000_000}
		answers := race(t, 16, func(int) (*answer, error) { return ana.try("POST", path, file, key) })
		if n := statuses(answers); n[http.StatusCreated] != 16 {
			t.Fatalf("racing creates: %v", n)
		}
		replayed := 0
		for _, a := range answers {
			if a.text("asset.id") != answers[0].text("asset.id") || string(a.body) != string(answers[0].body) {
				t.Errorf("%s and %s", a.body, answers[0].body)
			}
			if a.header.Get("Idempotency-Replayed") == "true" {
				replayed++
			}
		}
		if replayed != 15 {
			t.Errorf("%d of 16 are replayed", replayed)
		}
		ana.usedMust(64_000_000, 1)

		s.crash()

		again := ana.want(http.StatusCreated, "POST", path, file, key)
		if string(again.body) != string(answers[0].body) {
			t.Errorf("%s, at first %s", again.body, answers[0].body)
		}
		for _, other := range []object{file.but(object{"name": "b.bin"}), file.but(object{"size_bytes": 1})} {
			ana.refused(http.StatusConflict, "idempotency_conflict", "POST", path, other, key)
		}
		bea.want(http.StatusCreated, "POST", "/api/orgs/"+bea.org+"/assets", file, key) // her keys are her own
		for _, bad := range []string{"with space", "é", strings.Repeat("k", 256)} {
			ana.refused(http.StatusUnprocessableEntity, "validation_failed", "POST", path, file, with{"Idempotency-Key": bad})
		}
		// A refusal is not kept: what was in the way may have gone.
		retry := with{"Idempotency-Key": "upload-2"}
		ana.refused(http.StatusConflict, "name_taken", "POST", path, file, retry)
		ana.want(http.StatusNoContent, "DELETE", path+"/"+again.text("asset.id"), nil)
		ana.want(http.StatusCreated, "POST", path, file, retry)
		ana.usedMust(64_000_000, 1)

		up := object{"email": "new@example.com", "password": password}
		answers = race(t, 8, func(int) (*answer, error) {
			return s.anybody().try("POST", "/api/auth/signup", up, with{"Idempotency-Key": "signup-1"})
		})
		if n := statuses(answers); n[http.StatusCreated] != 8 {
			t.Errorf("racing sign-ups: %v", n)
		}
		for _, a := range answers {
			if string(a.body) != string(answers[0].body) {
				t.Errorf("%s and %s", a.body, answers[0].body)
			}
		}

		s.restart(settings{"COFFER_CLOCK_OFFSET": "25h"}) // a day later the key is anybody's again
		ana.logIn()
		ana.want(http.StatusCreated, "POST", path, object{"name": "b.txt", "size_bytes": 1}, key)
	})
}

func TestRequestsAreLimitedAndSayHowMuchIsLeft(t *testing.T) {
	tell(t, settings{"COFFER_RATE_LIMIT_PER_MINUTE": "20"}, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		n := map[int]int{}
		for range 40 {
			a := ana.ask("GET", "/api/me", nil)
			n[a.status]++
			if a.header.Get("RateLimit-Limit") != "20" || a.header.Get("RateLimit-Remaining") == "" || a.header.Get("RateLimit-Reset") == "" {
				t.Errorf("headers %v", a.header)
			}
			if a.status == http.StatusTooManyRequests {
				if a.isProblem(http.StatusTooManyRequests, "rate_limited"); a.header.Get("Retry-After") == "" {
					t.Errorf("headers %v", a.header)
				}
			}
		}
		if n[http.StatusOK] < 20 || n[http.StatusOK] > 25 || n[http.StatusOK]+n[http.StatusTooManyRequests] != 40 {
			t.Errorf("answers %v", n)
		}
		for range 40 {
			s.anybody().want(http.StatusOK, "GET", "/healthz", nil)
		}
		s.anybody().want(http.StatusOK, "GET", "/api/licenses", nil) // an address is not the user behind it
		ana.refused(http.StatusTooManyRequests, "rate_limited", "GET", "/api/me", nil, with{"X-Forwarded-For": "192.0.2.1"})
	})
}

func TestTheAPIDescribesItself(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		nobody := s.anybody()
		document := nobody.want(http.StatusOK, "GET", "/api/openapi.json", nil)
		if !strings.HasPrefix(document.text("openapi"), "3.1.") || document.text("servers.0.url") != s.url {
			t.Errorf("document %s %s", document.text("openapi"), document.text("servers"))
		}
		ids := map[string]bool{}
		paths, _ := document.get("paths").(map[string]any)
		for path, operations := range paths {
			for method, o := range operations.(map[string]any) { //nolint:forcetypeassert // the document's form
				id, _ := o.(map[string]any)["operationId"].(string) //nolint:forcetypeassert // as above
				if !regexp.MustCompile(`^[a-z][A-Za-z0-9]+$`).MatchString(id) || ids[id] {
					t.Errorf("%s %s: operationId %q", method, path, id)
				}
				ids[id] = true
			}
		}
		if len(ids) < 20 {
			t.Errorf("%d operations", len(ids))
		}
		docs := nobody.want(http.StatusOK, "GET", "/docs", nil)
		if !strings.HasPrefix(docs.header.Get("Content-Type"), "text/html") || strings.Contains(string(docs.body), "<script") ||
			regexp.MustCompile(`(?i)(src|href)\s*=\s*"?(https?:)?//`).Match(docs.body) || regexp.MustCompile(`(?i)url\(|@import`).Match(docs.body) {
			t.Errorf("the page loads something from elsewhere, or is none: %v", docs.header)
		}
		if !strings.Contains(docs.header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("headers %v", docs.header)
		}
		for id := range ids {
			if !strings.Contains(string(docs.body), id) {
				t.Errorf("%s is not on the page", id)
			}
		}
		nobody.want(http.StatusNotModified, "GET", "/docs", nil, with{"If-None-Match": docs.header.Get("ETag")})
	})
}
