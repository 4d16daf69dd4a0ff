package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestAStrangerSignsUpUploadsAFileAndDownloadsItAgainAfterACrash(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		for _, path := range []string{"/api/me", "/api/orgs/" + ana.org} {
			ana.want(http.StatusOK, "GET", path, nil)
		}
		if orgs := ana.want(http.StatusOK, "GET", "/api/orgs", nil).list("id"); len(orgs) != 1 || orgs[0] != ana.org {
			t.Errorf("orgs %v", orgs)
		}
		license := ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/license", nil)
		if license.text("license.name") != "free" || license.number("limits.max_upload_size_mb") != 100 || license.number("usage.members_count") != 1 {
			t.Errorf("licence %s", license.body)
		}

		const name = `Ferien "2026" – ü;é%41.jpg`
		bytes5MB := content(1, 5_000_000)
		created := ana.create(object{
			"name": name, "content_type": "image/jpeg", "size_bytes": len(bytes5MB), "checksum_sha256": sha256Of(bytes5MB),
			"metadata": object{"tags": []string{"holiday"}, "custom_fields": object{"year": 2026}},
		})
		if created.text("asset.status") != "pending" || !strings.HasSuffix(created.header.Get("Location"), created.text("asset.id")) {
			t.Errorf("created %v %s", created.header, created.body)
		}
		send(t, created.single(), bytes5MB)
		asset := ana.complete(created)
		if asset.text("status") != "ready" || asset.text("checksum_sha256") != sha256Of(bytes5MB) || asset.number("current_version") != 1 {
			t.Errorf("asset %s", asset.body)
		}

		s.crash()

		// The session, the file and its bytes are as they were.
		again := ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/assets/"+asset.text("id"), nil)
		if !bytes.Equal(again.body, asset.body) {
			t.Errorf("after the crash %s, before %s", again.body, asset.body)
		}
		ana.usedMust(5_000_000, 1)
		if nodes := ana.want(http.StatusOK, "GET", "/api/drives/"+ana.drive+"/nodes", nil); nodes.text("items.0.name") != name {
			t.Errorf("nodes %s", nodes.body)
		}
		isServed(t, ana, asset.text("id"), name, bytes5MB)
		ana.logIn() // with the password, too
	})
}

// isServed checks how the bytes of a file come down.
func isServed(t *testing.T, u *user, asset, name string, want []byte) {
	t.Helper()
	link := u.want(http.StatusOK, "GET", "/api/assets/"+asset+"/download", nil)
	if link.text("file_name") != name || link.text("content_type") != "image/jpeg" || link.number("size_bytes") != int64(len(want)) {
		t.Errorf("link %s", link.body)
	}
	url := link.text("download_url")
	whole := fetch(t, url)
	if whole.status != http.StatusOK || !bytes.Equal(whole.body, want) {
		t.Errorf("%d, %d bytes", whole.status, len(whole.body))
	}
	if d := whole.header.Get("Content-Disposition"); !strings.HasPrefix(d, "attachment; ") ||
		!strings.HasSuffix(d, `filename*=UTF-8''Ferien%20%222026%22%20%E2%80%93%20%C3%BC%3B%C3%A9%2541.jpg`) {
		t.Errorf("Content-Disposition %s", d)
	}
	if whole.header.Get("Content-Type") != "image/jpeg" || whole.header.Get("Etag") == "" {
		t.Errorf("headers %v", whole.header)
	}
	piece := fetch(t, url, with{"Range": "bytes=1000-1999"})
	if piece.status != http.StatusPartialContent || !bytes.Equal(piece.body, want[1000:2000]) ||
		piece.header.Get("Content-Range") != fmt.Sprintf("bytes 1000-1999/%d", len(want)) {
		t.Errorf("range: %d %v, %d bytes", piece.status, piece.header, len(piece.body))
	}
	if rest := fetch(t, url, with{"Range": "bytes=-10"}); rest.status != http.StatusPartialContent || !bytes.Equal(rest.body, want[len(want)-10:]) {
		t.Errorf("last ten bytes: %d, %d bytes", rest.status, len(rest.body))
	}
	if beyond := fetch(t, url, with{"Range": fmt.Sprintf("bytes=%d-", len(want))}); beyond.status != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("beyond the end: %d", beyond.status)
	}
	if fresh := fetch(t, url, with{"If-None-Match": whole.header.Get("Etag")}); fresh.status != http.StatusNotModified || len(fresh.body) != 0 {
		t.Errorf("what is there already: %d", fresh.status)
	}

	// A browser is led there, and may show what cannot run script.
	redirect := u.want(http.StatusFound, "GET", "/api/assets/"+asset+"/download?redirect=true", nil)
	if a := fetch(t, redirect.header.Get("Location")); !bytes.Equal(a.body, want) {
		t.Errorf("redirected: %d, %d bytes", a.status, len(a.body))
	}
	inline := u.want(http.StatusOK, "POST", "/api/assets/"+asset+"/signed-url", object{"disposition": "inline", "ttl_seconds": 60})
	if d := fetch(t, inline.text("download_url")).header.Get("Content-Disposition"); !strings.HasPrefix(d, "inline; ") {
		t.Errorf("Content-Disposition %s", d)
	}

	// The URL is for these bytes in this way only.
	for _, change := range [][2]string{{"image%2Fjpeg", "text%2Fhtml"}, {"attachment", "inline"}, {asset, strings.ToUpper(asset)}} {
		forged := strings.Replace(url, change[0], change[1], 1)
		if forged == url {
			t.Errorf("no %s in %s", change[0], url)
		}
		if a := fetch(t, forged); a.status != http.StatusForbidden {
			t.Errorf("%s for %s: %d", change[1], change[0], a.status)
		}
	}
}

func TestContentThatCanRunScriptIsNeverShownInPlace(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		for name, contentType := range map[string]string{"a.html": "text/html; charset=utf-8", "b.svg": "image/svg+xml", "c.xml": "application/xml"} {
			asset := ana.upload(object{"name": name, "content_type": contentType}, []byte("<script>alert(1)</script>"))
			link := ana.want(http.StatusOK, "POST", "/api/assets/"+asset.text("id")+"/signed-url", object{"disposition": "inline"})
			a := fetch(t, link.text("download_url"))
			if d := a.header.Get("Content-Disposition"); !strings.HasPrefix(d, "attachment; ") {
				t.Errorf("%s: Content-Disposition %s", name, d)
			}
			if !s.wiring.s3 && (a.header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(a.header.Get("Content-Security-Policy"), "sandbox")) {
				t.Errorf("%s: headers %v", name, a.header)
			}
		}
	})
}
