package e2e

import (
	"archive/zip"
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ledongthuc/pdf"

	"github.com/seed-755a8038/coffer/test/fixture"
)

// marked lets visitors come from an address, and licences differ.
var marked = settings{"COFFER_HTTP_TRUSTED_PROXIES": "127.0.0.1/32"}

// photo is a picture of one colour.
func photo(t *testing.T, encode func(io.Writer, image.Image) error) []byte {
	t.Helper()
	p := image.NewNRGBA(image.Rect(0, 0, 600, 400))
	for i := range p.Pix {
		p.Pix[i] = 0xff
	}
	for x := range 600 {
		p.Set(x, 200, color.NRGBA{200, 0, 0, 255})
	}
	var b bytes.Buffer
	if err := encode(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asJPEG(w io.Writer, img image.Image) error { return jpeg.Encode(w, img, nil) }

// differ returns which part of two pictures of one size differs clearly.
func differ(t *testing.T, a, b []byte) float64 {
	t.Helper()
	x, _, err := image.Decode(bytes.NewReader(a))
	y, _, other := image.Decode(bytes.NewReader(b))
	if err != nil || other != nil || x.Bounds() != y.Bounds() {
		t.Fatalf("no pictures of one size: %v, %v", err, other)
	}
	n := 0
	for i := range x.Bounds().Dx() * x.Bounds().Dy() {
		c, _, _, _ := x.At(i%x.Bounds().Dx(), i/x.Bounds().Dx()).RGBA()
		d, _, _, _ := y.At(i%x.Bounds().Dx(), i/x.Bounds().Dx()).RGBA()
		if max(c, d)-min(c, d) > 0x2000 {
			n++
		}
	}
	return float64(n) / float64(x.Bounds().Dx()*x.Bounds().Dy())
}

// words returns the text of each page.
func words(t *testing.T, b []byte) (pages []string) {
	t.Helper()
	r, err := pdf.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range r.NumPage() {
		text, err := r.Page(i + 1).GetPlainText(nil)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, text)
	}
	return pages
}

// blobOf returns where a signed URL leads, without what signs it.
func blobOf(t *testing.T, signed string) string {
	t.Helper()
	u, err := url.Parse(signed)
	if err != nil {
		t.Fatal(err)
	}
	return u.Path
}

func TestWatermarksSayWhoLooks(t *testing.T) {
	tell(t, marked, func(t *testing.T, s *server) {
		// A mark has the hour: the story is told within one.
		if left := time.Until(time.Now().Truncate(time.Hour).Add(time.Hour)); left < 2*time.Minute {
			time.Sleep(left)
		}
		ana, ben := s.signUp("ana").found(object{"name": "Acme"}), s.signUp("ben")
		album := ana.folder(ana.drive, "/Album")
		picture, document := photo(t, asJPEG), fixture.PDF(3)
		jpg := ana.upload(object{"name": "a.jpg", "content_type": "image/jpeg", "parent_id": album}, picture).text("id")
		pdf := ana.upload(object{"name": "b.pdf", "content_type": "application/pdf", "parent_id": album}, document).text("id")
		txt := ana.upload(object{"name": "c.txt", "content_type": "text/plain", "parent_id": album}, []byte("plain")).text("id")
		fake := ana.upload(object{"name": "d.png", "content_type": "image/png", "parent_id": album}, photo(t, png.Encode)[:90]).text("id")

		// Only some licences include it.
		refused := ana.refused(http.StatusForbidden, "feature_unavailable", "POST", "/api/nodes/"+album+"/shares", object{"watermark": true})
		if refused.text("feature") != "watermark" {
			t.Errorf("%s", refused.body)
		}
		s.must("license", "assign", ana.org, "enterprise")
		ana.refused(http.StatusUnprocessableEntity, "validation_failed", "POST", "/api/nodes/"+album+"/shares", object{
			"watermark": true, "kind": "upload",
		})
		l := ana.shares(album, object{"watermark": true, "max_downloads": 6})
		if a := l.gets(http.StatusOK, ""); a.get("watermark") != true {
			t.Errorf("%s", a.body)
		}
		if a := l.gets(http.StatusOK, "/nodes"); len(a.list("name")) != 4 || strings.Contains(string(a.body), "checksum_sha256") {
			t.Errorf("%s", a.body)
		}

		// Two viewers get marks of their own; the second time what there is.
		as := with{"Authorization": "Bearer " + ben.token}
		first := l.gets(http.StatusOK, "/download-url?asset_id="+jpg)
		second := l.gets(http.StatusOK, "/download-url?asset_id="+jpg)
		other := l.gets(http.StatusOK, "/download-url?asset_id="+jpg, as)
		if blobOf(t, first.text("download_url")) != blobOf(t, second.text("download_url")) {
			t.Error("the copy was made twice")
		}
		mine, bens := fetch(t, first.text("download_url")), fetch(t, other.text("download_url"))
		if mine.header.Get("Content-Type") != "image/jpeg" || first.number("size_bytes") != int64(len(mine.body)) || first.text("file_name") != "a.jpg" {
			t.Errorf("%v %s", mine.header, first.body)
		}
		for name, part := range map[string]float64{
			"the copy": differ(t, picture, mine.body), "ben's copy": differ(t, picture, bens.body), "the two": differ(t, mine.body, bens.body),
		} {
			if part < 0.005 || part > 0.6 {
				t.Errorf("%s: %.4f differs", name, part)
			}
		}
		for viewer, how := range map[string][]with{"203.0.113.7": nil, "ben@example.com": {as}} {
			lead := l.gets(http.StatusFound, "/download/"+pdf+"?disposition=inline", how...)
			pages := words(t, fetch(t, lead.header.Get("Location")).body)
			if len(pages) != 3 {
				t.Fatalf("%d pages", len(pages))
			}
			for i, page := range pages {
				if !strings.Contains(page, viewer+"  "+time.Now().UTC().Format("2006-01-02 15")) || !strings.Contains(page, "page ") {
					t.Errorf("page %d for %s: %q", i+1, viewer, page)
				}
			}
		}
		ana.counts(l, 1, 5, 0)

		// What cannot carry a mark is refused, and is no download.
		for id, why := range map[string]string{txt: "type", fake: "damaged"} {
			for _, rest := range []string{"/download-url?asset_id=" + id, "/download/" + id} {
				if a := l.refuses(http.StatusForbidden, "cannot_watermark", rest); a.text("reason") != why {
					t.Errorf("%s", a.body)
				}
			}
		}
		ana.counts(l, 1, 5, 0)
		log := ana.want(http.StatusOK, "GET", "/api/shares/"+l.id+"/access-log?limit=100", nil)
		if n := strings.Count(string(log.body), "cannot_watermark"); n != 4 {
			t.Errorf("%d refusals in %s", n, log.body)
		}

		// An archive holds copies, and the last download.
		archive := l.gets(http.StatusOK, "/archive", as)
		z, err := zip.NewReader(bytes.NewReader(archive.body), int64(len(archive.body)))
		if err != nil {
			t.Fatal(err)
		}
		inside := map[string][]byte{}
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			if inside[f.Name], err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
		}
		list := string(inside["NOT INCLUDED.txt"])
		if len(inside) != 3 || !bytes.Equal(inside["a.jpg"], bens.body) || !strings.Contains(list, "c.txt") || !strings.Contains(list, "d.png") {
			t.Errorf("%d files, %q", len(inside), list)
		}
		l.refuses(http.StatusGone, "share_exhausted", "/download-url?asset_id="+jpg)
		ana.counts(l, 1, 6, 0)

		// The page shows the copy in place, and says of the rest what is the matter.
		open := ana.shares(album, object{"watermark": true})
		preview := open.want(http.StatusFound, "GET", "/s/"+open.token+"/preview/"+jpg, nil, open.sent()...)
		if shown := fetch(t, preview.header.Get("Location")); differ(t, picture, shown.body) < 0.005 {
			t.Error("what is shown has no mark")
		}
		page := open.want(http.StatusOK, "GET", "/s/"+open.token+"/folder/"+album+"?view=gallery", nil, open.sent()...)
		if strings.Contains(string(page.body), "/preview/") {
			t.Errorf("a copy of each picture would be made: %s", page.body)
		}
		sorry := open.want(http.StatusForbidden, "GET", "/s/"+open.token+"/download/"+txt, nil, open.sent()...)
		if !strings.Contains(string(sorry.body), "This file cannot be shown") {
			t.Errorf("%s", sorry.body)
		}

		// The originals are as they were, and copies use nothing.
		for id, want := range map[string][]byte{jpg: picture, pdf: document} {
			original := ana.want(http.StatusOK, "GET", "/api/assets/"+id+"/download", nil)
			if got := fetch(t, original.text("download_url")); !bytes.Equal(got.body, want) {
				t.Error("the original has changed")
			}
		}
		ana.usedMust(int64(len(picture)+len(document)+len("plain")+90), 4)
		s.fsck()

		// Copies go with their file.
		ana.want(http.StatusNoContent, "DELETE", "/api/nodes/"+jpg+"?permanent=true", nil)
		eventually(t, "the copy is gone", func() bool { return fetch(t, first.text("download_url")).status == http.StatusNotFound })
		s.fsck()
	})
}

// TestCopiesForManyAtOnce: whoever comes at once gets the copy that is made.
func TestCopiesForManyAtOnce(t *testing.T) {
	tell(t, everything, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		file := ana.upload(object{"name": "a.jpg", "content_type": "image/jpeg"}, photo(t, asJPEG)).text("id")
		l := ana.shares(file, object{"watermark": true, "max_downloads": 5})
		answers := race(t, 12, func(int) (*answer, error) { return l.try("GET", l.path("/download-url"), nil, l.sent()...) })
		count(t, "downloads", answers, map[int]int{http.StatusOK: 5, http.StatusGone: 7})
		blobs := map[string]bool{}
		for _, a := range answers {
			if a.status == http.StatusOK {
				blobs[blobOf(t, a.text("download_url"))] = true
			}
		}
		if len(blobs) > 2 { // two, if an hour has begun
			t.Errorf("%d copies", len(blobs))
		}
		ana.counts(l, 0, 5, 0)
		s.fsck()
	})
}

// TestACopyThatIsLostIsMadeAnew: nobody loses anything with it.
func TestACopyThatIsLostIsMadeAnew(t *testing.T) {
	tell(t, everything, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		file := ana.upload(object{"name": "a.jpg", "content_type": "image/jpeg"}, photo(t, asJPEG)).text("id")
		l := ana.shares(file, object{"watermark": true})
		before := l.gets(http.StatusOK, "/download-url")
		s.fsck()
		s.stop()
		if _, err := s.database().ExecContext(t.Context(), "UPDATE marked_copies SET size_bytes = size_bytes + 1"); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{nil, {"--repair"}} {
			_, problems := s.findings(args...)
			if len(problems) != 1 || problems[0].Check != "a marked copy has its blob, with its size" {
				t.Errorf("%v: %+v", args, problems)
			}
		}
		s.fsck()
		s.start()
		after := l.gets(http.StatusOK, "/download-url")
		if blobOf(t, before.text("download_url")) == blobOf(t, after.text("download_url")) {
			t.Error("it was not made anew")
		}
		if a := fetch(t, after.text("download_url")); a.status != http.StatusOK || int64(len(a.body)) != after.number("size_bytes") {
			t.Errorf("%d, %d bytes", a.status, len(a.body))
		}
	})
}
