package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// file writes a file that the visitor can send.
func (v *visitor) file(name string, body []byte) string {
	v.t.Helper()
	path := filepath.Join(v.downloads, name)
	if err := os.WriteFile(path, body, 0o600); err != nil {
		v.t.Fatal(err)
	}
	return path
}

// inbox returns what is in a folder of the user's drive: name and SHA-256 of
// the bytes of each file.
func (u *user) inbox(folder string) map[string]string {
	u.t.Helper()
	a := u.want(http.StatusOK, "GET", "/api/drives/"+u.drive+"/nodes?parent_id="+folder, nil)
	names, ids, out := a.list("name"), a.list("id"), map[string]string{}
	for i, name := range names {
		out[name] = sha256Of(u.download(ids[i]))
	}
	return out
}

func (u *user) received(folder string, want map[string][]byte) {
	u.t.Helper()
	got := u.inbox(folder)
	if len(got) != len(want) {
		u.t.Errorf("%d files have arrived, want %d: %v", len(got), len(want), got)
	}
	for name, body := range want {
		if got[name] != sha256Of(body) {
			u.t.Errorf("%s has not arrived as it was sent: %v", name, got)
		}
	}
}

// fileRequest is a file request as the stories use it.
var fileRequest = object{"kind": "upload", "request": object{"max_files": 4, "max_bytes": 100_000_000, "content_types": []string{"image", "text/plain"}}}

func TestAVisitorSendsFiles(t *testing.T) {
	tellOn(t, []wiring{sqliteDisk}, everything, func(t *testing.T, s *server) {
		ana := s.signUp("ana").found(object{"name": "Acme"})
		inbox := ana.folder(ana.drive, "/Inbox")
		page := ana.page(inbox, fileRequest.but(object{"expires_at": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}))
		small, large := picture(10), content(7, 70_000_000) // the second one in parts

		v := s.visitor()
		v.open(page)
		v.says("h1", "Send files to Acme")
		v.says("dl", "at most 4 files")
		if strings.Contains(v.text("body"), "Inbox") {
			t.Error("the page tells the folder's name")
		}
		v.good("request")
		v.do(chromedp.SetUploadFiles(chromedp.ID("files"), []string{v.file("one.png", small), v.file("two.txt", large), v.file("bad.pdf", []byte("%PDF"))}),
			chromedp.Click(chromedp.CSS("form button")))
		eventually(t, "all is sent", func() bool { return strings.Contains(v.text("[data-list] li:nth-child(3)"), "Not sent") })
		v.says("[data-status]", "2 of 3 files sent")
		progress := eval[[]string](v, `[...document.querySelectorAll("[role=progressbar]")].map(p => p.ariaLabel + " " + p.ariaValueNow)`)
		if want := []string{"one.png 100", "two.txt 100", "bad.pdf 0"}; !slices.Equal(progress, want) {
			t.Errorf("progress %q, want %q", progress, want)
		}
		v.says("[data-list] li:nth-child(3)", "not asked for")
		v.good("request-sent")
		ana.received(inbox, map[string][]byte{"one.png": small, "two.txt": large})

		// A name that is taken, and none at all.
		v.do(chromedp.SetUploadFiles(chromedp.ID("files"), []string{v.file("one.png", small)}), chromedp.Click(chromedp.CSS("form button")))
		eventually(t, "the second is sent, too", func() bool { return strings.Contains(v.text("[data-status]"), "3 of 4 files sent") })
		ana.received(inbox, map[string][]byte{"one.png": small, "two.txt": large, "one (1).png": small})
		v.says("[data-list] li:nth-child(4)", "one.png")
	})
}

func TestAVisitorSendsFilesWithoutScript(t *testing.T) {
	tell(t, everything, func(t *testing.T, s *server) {
		ana := s.signUp("ana").found(object{"name": "Acme"})
		inbox := ana.folder(ana.drive, "/Inbox")
		page := ana.page(inbox, fileRequest.but(object{"password": "open sesame"}))
		small, large := picture(10), content(7, 70_000_000)

		v := s.visitor()
		script := func(disabled bool) {
			call(v, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: disabled})
		}
		script(true)
		v.open(page)
		v.do(chromedp.SendKeys(chromedp.ID("password"), "open sesame"))
		v.click("form button")
		v.do(chromedp.SetUploadFiles(chromedp.ID("files"), []string{v.file("one.png", small), v.file("two.txt", large), v.file("bad.pdf", []byte("%PDF"))}))
		v.click("form button")
		script(false)
		v.says(".sent", "one.png")
		v.says(".sent li:nth-child(3)", "not asked for")
		if n := v.count(".sent .done"); n != 2 {
			t.Errorf("%d files are said to be sent, want 2", n)
		}
		v.good("request-form-sent")
		ana.received(inbox, map[string][]byte{"one.png": small, "two.txt": large})
	})
}

// form is a form with one file as a browser sends it.
func form(name, contentType string, body []byte) (raw, with) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=%q\r\nContent-Type: %s\r\n\r\n%s\r\n--x--\r\n", name, contentType, body)
	return raw(b.String()), with{"Content-Type": "multipart/form-data; boundary=x", "Accept": "text/html"}
}

func TestAFormIsRefused(t *testing.T) {
	tell(t, everything, func(t *testing.T, s *server) {
		ana, anybody := s.signUp("ana").found(object{"name": "Acme"}), s.anybody()
		inbox := ana.folder(ana.drive, "/Inbox")
		page := ana.page(inbox, object{"kind": "upload", "request": object{"max_files": 2, "max_bytes": 1000}})
		body, headers := form("a.txt", "text/plain", []byte("hello"))

		// Sent by another site's page, which the browser tells.
		for _, from := range []with{{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}} {
			if a := anybody.ask("POST", page+"/upload", body, headers, from); a.status != http.StatusForbidden {
				t.Errorf("%v: %d %s", from, a.status, a.body)
			}
		}
		for name, want := range map[string]struct {
			body   []byte
			status int
			text   string
		}{
			"big.txt":  {bytes.Repeat([]byte("x"), 1001), http.StatusUnprocessableEntity, "Not sent"},
			"good.txt": {[]byte("hello"), http.StatusOK, "Sent"},
			"..":       {[]byte("hello"), http.StatusUnprocessableEntity, "Not sent"},
		} {
			body, headers := form(name, "text/plain", want.body)
			if a := anybody.ask("POST", page+"/upload", body, headers); a.status != want.status || !bytes.Contains(a.body, []byte(want.text)) {
				t.Errorf("%s: %d, want %d %s: %s", name, a.status, want.status, want.text, a.body)
			}
		}
		anybody.want(http.StatusOK, "POST", page+"/upload", body, headers)
		anybody.want(http.StatusGone, "POST", page+"/upload", body, headers) // two were asked for
		ana.received(inbox, map[string][]byte{"good.txt": []byte("hello"), "a.txt": []byte("hello")})

		// A form that breaks off leaves nothing.
		another := ana.page(ana.folder(ana.drive, "/Another"), object{"kind": "upload"})
		anybody.want(http.StatusUnprocessableEntity, "POST", another+"/upload", body[:len(body)-12], headers)
		// A link that is for looking takes nothing.
		anybody.want(http.StatusForbidden, "POST", ana.page(inbox, object{})+"/upload", body, headers)
	})
}
