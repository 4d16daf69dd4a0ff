package e2e

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

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
				id, _ := o.(map[string]any)["operationId"].(string)
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
