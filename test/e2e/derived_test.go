package e2e

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/test/fixture"
)

// derived waits until what is derived of a file has come so far, and returns the
// file.
func (u *user) derived(asset, status string) *answer {
	u.t.Helper()
	var a *answer
	eventually(u.t, "the preview of "+asset+" is "+status, func() bool {
		a = u.want(http.StatusOK, "GET", "/api/orgs/"+u.org+"/assets/"+asset, nil)
		return a.get("preview") != nil && a.text("preview.status") == status
	})
	return a
}

// turnedJPEG is a wide picture that says it has to be turned to be seen.
func turnedJPEG(t *testing.T) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 800, 400))
	for x := range 800 {
		for y := range 400 {
			m.Set(x, y, color.RGBA{uint8(x / 4), uint8(y / 2), 90, 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	const exif = "Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
	head := binary.BigEndian.AppendUint16([]byte{0xff, 0xd8, 0xff, 0xe1}, uint16(len(exif)+2))
	return slices.Concat(head, []byte(exif), b.Bytes()[2:])
}

const captions = "WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.000\nThe lighthouse keeper sleeps\n"

// hugePNG says to have 65,535 by 65,535 points, of which it has none.
var hugePNG = append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\xff\xff\x00\x00\xff\xff\x08\x06\x00\x00\x00"),
	"\x8f\x2c\x80\x84\x00\x00\x00\x00IDAT\x35\xaf\x06\x1e\x00\x00\x00\x00IEND\xae\x42\x60\x82"...)

func TestPreviews(t *testing.T) {
	tell(t, everything, func(t *testing.T, s *server) {
		ana := s.signUp("ana").found(object{"name": "Acme"})
		album := ana.folder(ana.drive, "/Album")
		photo := ana.into(album, "photo.png", "image/png", picture(80))
		turned := ana.into(album, "turned.jpg", "image/jpeg", turnedJPEG(t))
		paper := ana.into(album, "paper.pdf", "application/pdf", fixture.PDF(2))
		words := ana.into(album, "talk.vtt", "text/vtt", []byte(captions))
		broken := ana.into(album, "broken.png", "image/png", picture(80)[:60])
		bomb := ana.into(album, "bomb.png", "image/png", hugePNG)
		other := ana.into(album, "other.bin", "application/octet-stream", []byte("x"))

		for id, size := range map[string]string{photo: "64 by 64", turned: "400 by 800"} {
			a := ana.derived(id, "ready")
			if got := fmt.Sprintf("%d by %d", a.number("preview.width"), a.number("preview.height")); got != size {
				t.Errorf("%s, want %s", got, size)
			}
			thumb := fetch(t, a.text("preview.thumbnail_url"))
			img, err := jpeg.Decode(bytes.NewReader(thumb.body))
			if err != nil || img.Bounds().Dx() > 512 || thumb.header.Get("Content-Type") != "image/jpeg" || a.text("preview.placeholder") == "" {
				t.Errorf("%v, %s", err, a.body)
			}
			tag := with{"If-None-Match": a.header.Get("ETag")}
			ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/assets/"+id, nil, tag) // its URL is another
			ana.want(http.StatusOK, "PATCH", "/api/orgs/"+ana.org+"/assets/"+id, object{"metadata": object{"tags": []string{"x"}, "custom_fields": object{}}},
				with{"If-Match": a.header.Get("ETag")})
		}
		ana.derived(paper, "ready")
		ana.derived(words, "ready")
		for id, why := range map[string]string{broken: "damaged", bomb: "too_large"} {
			if a := ana.derived(id, "failed"); a.text("preview.failure") != why || a.get("preview.thumbnail_url") != nil {
				t.Errorf("%s", a.body)
			}
		}
		if a := ana.want(http.StatusOK, "GET", "/api/nodes/"+other, nil); a.get("preview") != nil {
			t.Errorf("%s", a.body)
		}

		// A folder shows them all.
		list := ana.want(http.StatusOK, "GET", "/api/drives/"+ana.drive+"/nodes?parent_id="+album, nil)
		shown := 0
		for i := range list.list("id") {
			at := fmt.Sprintf("items.%d.", i)
			if list.get(at+"preview") != nil && list.get(at+"preview.thumbnail_url") != nil {
				shown++
				fetch(t, list.text(at+"preview.thumbnail_url"))
			}
		}
		if shown != 3 {
			t.Errorf("%d thumbnails: %s", shown, list.body)
		}

		// Pictures by themselves.
		small := ana.want(http.StatusOK, "POST", "/api/assets/"+paper+"/signed-url", object{"rendition": "thumbnail", "disposition": "inline", "ttl_seconds": 60})
		if small.text("file_name") != "paper.thumbnail.jpg" || small.text("content_type") != "image/jpeg" {
			t.Errorf("%s", small.body)
		}
		ana.refused(http.StatusNotFound, "no_rendition", "POST", "/api/assets/"+paper+"/signed-url", object{"rendition": "poster"})
		ana.refused(http.StatusNotFound, "no_rendition", "POST", "/api/assets/"+broken+"/signed-url", object{"rendition": "thumbnail"})
		ana.refused(http.StatusUnprocessableEntity, "validation_failed", "POST", "/api/assets/"+paper+"/signed-url", object{"rendition": "banner"})

		// What failed can be tried again, as often as one likes.
		again := ana.want(http.StatusOK, "POST", "/api/assets/"+broken+"/derived/retry", nil)
		if again.text("preview.status") != "pending" {
			t.Errorf("%s", again.body)
		}
		ana.derived(broken, "failed")
		ana.refused(http.StatusConflict, "already_derived", "POST", "/api/assets/"+photo+"/derived/retry", nil)
		ana.refused(http.StatusConflict, "not_derivable", "POST", "/api/assets/"+other+"/derived/retry", nil)
		joe := s.hire(ana, s.signUp("joe"), "viewer")
		joe.refused(http.StatusForbidden, "forbidden", "POST", "/api/assets/"+broken+"/derived/retry", nil)

		// Files are found by their words.
		find := func(q string) []string {
			return ana.want(http.StatusOK, "GET", "/api/drives/"+ana.drive+"/search?in=text&q="+q, nil).list("id")
		}
		if got := find("lighthouse+keep"); !slices.Equal(got, []string{words}) {
			t.Errorf("found %q", got)
		}
		if got := find("lighthous+keeper"); len(got) != 0 { // only the last may be the beginning of a word
			t.Errorf("found %q", got)
		}
		ana.refused(http.StatusUnprocessableEntity, "validation_failed", "GET", "/api/drives/"+ana.drive+"/search?in=text&q=%21", nil)
		s.signUp("eve").refused(http.StatusNotFound, "not_found", "GET", "/api/drives/"+ana.drive+"/search?in=text&q=lighthouse", nil)

		// Visitors see them, where they may see what is in the files.
		l := ana.shares(album, object{})
		public := l.want(http.StatusOK, "GET", l.path("/nodes?sort=name"), nil, l.sent()...)
		if public.text("items.2.name") != "paper.pdf" && public.text("items.3.name") != "paper.pdf" {
			t.Errorf("%s", public.body)
		}
		if n := bytes.Count(public.body, []byte("thumbnail_url")); n != 3 {
			t.Errorf("%d thumbnails: %s", n, public.body)
		}
		for _, rules := range []object{{"allow_download": false}, {"max_downloads": 5}, {"watermark": true}} {
			l := ana.shares(album, rules)
			if a := l.want(http.StatusOK, "GET", l.path("/nodes"), nil, l.sent()...); bytes.Contains(a.body, []byte("thumbnail_url")) {
				t.Errorf("%v: %s", rules, a.body)
			}
		}
		v := s.visitor()
		v.open(ana.page(album, object{}) + "?view=gallery")
		if n := eval[int](v, `[...document.querySelectorAll(".tile img")].length`); n < 3 {
			t.Errorf("the page shows %d pictures", n)
		}
	})
}

// TestPreviewsOutliveACrash: what was being derived when the server died is done
// afterwards.
func TestPreviewsOutliveACrash(t *testing.T) {
	if testing.Short() {
		t.Skip("a job of a process that died waits two minutes")
	}
	tellOn(t, []wiring{sqliteDisk}, settings{"COFFER_DERIVED_TIMEOUT": "5s"}, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		var ids []string
		for i := range 12 {
			ids = append(ids, ana.upload(object{"name": fmt.Sprintf("%d.jpg", i), "content_type": "image/jpeg"}, turnedJPEG(t)).text("id"))
		}
		s.crash()
		ana.logIn()
		deadline := time.Now().Add(5 * time.Minute)
		for _, id := range ids {
			for ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/assets/"+id, nil).text("preview.status") != "ready" {
				if time.Now().After(deadline) {
					t.Fatalf("nothing is derived of %s", id)
				}
				time.Sleep(time.Second)
			}
		}
	})
}
