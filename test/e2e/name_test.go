package e2e

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

func TestANameThatCanDoHarmIsRefused(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		path := "/api/orgs/" + ana.org + "/assets"
		kept := ana.upload(object{"name": "kept.txt"}, []byte("kept"))
		for _, name := range []string{
			"", " ", ".", "..", "/", "a/b", "../a", "/etc/passwd", "a\nb", "a\rb", "a\tb", "a\x7fb", "a\u0085b", "a\u2028b", "\u202egpj.exe", "a\u200eb", "a\u2066b",
			" a", "a ", "\u00a0a", strings.Repeat("a", 256), strings.Repeat("\u00e9", 128), strings.Repeat("e\u0301", 128), strings.Repeat("a", 100_000),
		} {
			ana.refused(http.StatusUnprocessableEntity, "validation_failed", "POST", path, object{"name": name, "size_bytes": 1})
			ana.refused(http.StatusUnprocessableEntity, "validation_failed", "PATCH", path+"/"+kept.text("id"), object{"name": name})
		}
		ana.usedMust(4, 1)
		if got := ana.want(http.StatusOK, "GET", path+"/"+kept.text("id"), nil).text("name"); got != "kept.txt" {
			t.Errorf("name %q", got)
		}
	})
}

func TestAnyOtherNameComesBackAsItWas(t *testing.T) {
	tellOn(t, []wiring{sqliteDisk, postgresS3, stagedS3}, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		names := []string{
			"a", "A", "...", ".hidden", "a.", "-rf", "~", "CON", "aux.txt", "v2", "V2", "objects", ".tmp", "=1+1", "+1", "@SUM(A1)", "a b", "a+b", "a%2fb", "%2e%2e%2f", "%00",
			`a\b`, `..\..\a`, "a'b\"c", "a;b", "a&b=c", "a?b", "a#b", "a:b", "a|b", "a*b", "<script>", "$(reboot)", "{{.}}", "a\u00a0b",
			"\u00e9t\u00e9", "中文", "🎉.png", "\u200d", strings.Repeat("a", 255), strings.Repeat("\u00e9", 127) + "a", strings.Repeat("中", 85),
		}
		for i, name := range names {
			body := content(byte(i), 100+i)
			asset := ana.upload(object{"name": name, "content_type": "text/plain"}, body)
			if got := asset.text("name"); got != name {
				t.Errorf("name %q, want %q", got, name)
			}
			link := ana.want(http.StatusOK, "GET", "/api/assets/"+asset.text("id")+"/download", nil)
			a := fetch(t, link.text("download_url"))
			if a.status != http.StatusOK || !bytes.Equal(a.body, body) || link.text("file_name") != name {
				t.Errorf("%q: %d, %d bytes, called %q", name, a.status, len(a.body), link.text("file_name"))
			}
			if d := a.header.Get("Content-Disposition"); !strings.HasPrefix(d, `attachment; filename="`) {
				t.Errorf("%q: Content-Disposition %q", name, d)
			}
			second := ana.upload(object{"name": name, "content_type": "text/plain", "on_conflict": "version"}, append(body, 0))
			if second.text("id") != asset.text("id") || len(ana.download(asset.text("id"))) != len(body)+1 {
				t.Errorf("%q: second version %s", name, second.body)
			}
		}
		// Two spellings of the same letters are one name.
		ana.refused(http.StatusConflict, "name_taken", "POST", "/api/orgs/"+ana.org+"/assets", object{"name": "e\u0301te\u0301", "size_bytes": 1})
	})
}
