package e2e

import (
	"archive/zip"
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// hostile is a name that does harm where it is not escaped, and is long.
const hostile = `<img src=x onerror=alert(1)> "quoted" & 'so' a_very_long_name_without_any_space_that_a_phone_could_break_it_at_` + "\u05d0\u05d1" + `.png`

// picture returns a small PNG.
func picture(shade uint8) []byte {
	const side = 64
	m := image.NewRGBA(image.Rect(0, 0, side, side))
	for x := range side {
		for y := range side {
			m.Set(x, y, color.RGBA{uint8(x * 4), shade, uint8(y * 4), 255})
		}
	}
	var out bytes.Buffer
	_ = png.Encode(&out, m) // to memory
	return out.Bytes()
}

// into uploads a file to a folder of the user's drive.
func (u *user) into(folder, name, contentType string, body []byte) string {
	u.t.Helper()
	return u.upload(object{"name": name, "content_type": contentType, "drive_id": u.drive, "parent_id": folder}, body).text("id")
}

// page makes a link to a node and returns the path of its page.
func (u *user) page(node string, rules object) string {
	u.t.Helper()
	return "/s/" + u.want(http.StatusCreated, "POST", "/api/nodes/"+node+"/shares", rules).text("token")
}

func TestAVisitorOpensAFile(t *testing.T) {
	tell(t, everything, func(t *testing.T, s *server) {
		ana := s.signUp("ana").found(object{"name": "Acme <b>Studios</b>"})
		photo := picture(80)
		file := ana.into(ana.folder(ana.drive, "/Photos"), hostile, "image/png", photo)

		v := s.visitor()
		v.open(ana.page(file, object{}))
		v.says("h1", hostile)
		v.says("header", "Acme <b>Studios</b>")
		v.says("dl", "Image (PNG)")
		if n := eval[int](v, `document.querySelector("figure img").naturalWidth`); n != 64 {
			t.Errorf("the picture is %d pixels wide, want 64", n)
		}
		v.good("file")
		name, content := v.downloaded(".actions .button")
		if !bytes.Equal(content, photo) || !strings.HasSuffix(name, ".png") {
			t.Errorf("downloaded %d bytes as %q, want the picture's %d", len(content), name, len(photo))
		}

		v.open(ana.page(file, object{"allow_download": false}))
		v.says("h1", hostile)
		v.says(".actions", "not for downloading")
		if n := v.count("figure, a.button"); n != 0 {
			t.Errorf("a link without downloads shows %d pictures or buttons", n)
		}
		v.good("file-look")
	})
}

func TestAVisitorShowsThePassword(t *testing.T) {
	tell(t, everything, func(t *testing.T, s *server) {
		ana := s.signUp("ana").found(object{"name": "Acme"})
		folder := ana.folder(ana.drive, "/Secret plans")
		ana.into(folder, "plan.txt", "text/plain", []byte("the plan"))
		page := ana.page(folder, object{"password": "open sesame"})

		v := s.visitor()
		v.open(page)
		v.says("h1", "This link has a password")
		v.good("password")
		if text := s.anybody().want(http.StatusOK, "GET", page, nil).body; bytes.Contains(text, []byte("Secret")) || bytes.Contains(text, []byte("plan.txt")) {
			t.Errorf("before the password the page tells what it leads to: %s", text)
		}
		v.do(chromedp.SendKeys(chromedp.ID("password"), "wrong"))
		v.click("form button")
		v.says("[role=alert]", "not the password")
		v.good("password-wrong")

		v.do(chromedp.SendKeys(chromedp.ID("password"), "open sesame\r"), chromedp.WaitVisible(chromedp.CSS(".rows")))
		v.says("h1", "Secret plans")
		v.link("plan.txt")
		v.says("h1", "plan.txt")
		if _, content := v.downloaded(".actions .button"); string(content) != "the plan" {
			t.Errorf("downloaded %q", content)
		}

		// What the password has opened is open to this browser only.
		if body := s.anybody().want(http.StatusOK, "GET", page, nil).body; !bytes.Contains(body, []byte("has a password")) {
			t.Errorf("without the cookie: %s", body)
		}
	})
}

func TestAVisitorWalksThroughAFolder(t *testing.T) {
	tell(t, everything, func(t *testing.T, s *server) {
		ana := s.signUp("ana").found(object{"name": "Acme"})
		const many = 65
		top := ana.folder(ana.drive, "/Campaign")
		photos, small := ana.folder(ana.drive, "/Campaign/Photos"), picture(200)
		ana.folder(ana.drive, "/Campaign/Empty")
		for i := range many {
			ana.into(photos, fmt.Sprintf("IMG_%03d.png", i), "image/png", small)
		}
		ana.into(top, hostile, "image/png", small)
		ana.into(top, "song.mp3", "audio/mpeg", content(1, 2_000_000))
		ana.into(top, "report.pdf", "application/pdf", []byte("%PDF-1.4"))

		v := s.visitor()
		v.open(ana.page(top, object{"expires_at": time.Now().Add(48 * time.Hour).UTC().Format(time.RFC3339)}))
		v.says("h1", "Campaign")
		if n := v.count(".row"); n != 5 {
			t.Errorf("%d rows, want 5", n)
		}
		v.says(".rows", hostile)
		v.good("folder-list")
		v.link("Gallery")
		v.good("folder-gallery")
		v.link("Photos")
		v.says(".crumbs", "Campaign")
		v.says("[aria-current=page]", "Photos")
		if n := v.count(".row"); n != 60 {
			t.Errorf("%d rows on the first page, want 60", n)
		}
		v.link("Next page")
		if n := v.count(".row"); n != many-60 {
			t.Errorf("%d rows on the last page, want %d", n, many-60)
		}
		v.good("folder-page")
		v.link("Gallery")
		v.link("Next page")
		v.says(".tiles", "IMG_064.png")
		eventually(t, "the pictures are shown", func() bool {
			return eval[bool](v, `[...document.querySelectorAll(".tile img")].every(i => i.naturalWidth === 64)`)
		})
		v.link("IMG_064.png")
		v.says("h1", "IMG_064.png")
		v.link("Campaign")
		v.link("Empty")
		v.says("main", "This folder is empty")
		v.good("folder-empty")
		v.link("Campaign")

		name, archive := v.downloaded(".top .button")
		z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
		if err != nil || name != "Campaign.zip" {
			t.Fatalf("%s: %v", name, err)
		}
		var files []string
		for _, f := range z.File {
			files = append(files, f.Name)
		}
		if !slices.Contains(files, "Campaign/Photos/IMG_064.png") && !slices.Contains(files, "Photos/IMG_064.png") || len(files) < many+3 {
			t.Errorf("the archive has %q", files)
		}
	})
}

func TestAVisitorComesTooLate(t *testing.T) {
	tell(t, everything, func(t *testing.T, s *server) {
		ana := s.signUp("ana").found(object{"name": "Acme"})
		folder := ana.folder(ana.drive, "/Photos")
		once := ana.page(folder, object{"max_views": 1})
		gone := ana.page(ana.folder(ana.drive, "/Old"), object{})
		v := s.visitor()
		v.open(once)
		v.says("h1", "Photos")
		v.open(once)
		v.says("h1", "used up")
		v.good("ended")
		v.open("/s/" + strings.Repeat("0", 64))
		v.says("h1", "There is nothing here")
		v.good("not-found")

		for path, want := range map[string]int{once: http.StatusGone, "/s/" + strings.Repeat("0", 64): http.StatusNotFound, "/s/no": http.StatusNotFound, gone: http.StatusOK} {
			a := s.anybody().ask("GET", path, nil, with{"Accept": "text/html"})
			if a.status != want || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
				t.Errorf("%s: %d %s, want %d", path, a.status, a.header.Get("Content-Type"), want)
			}
		}
	})
}
