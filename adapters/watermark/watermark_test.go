package watermark_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ledongthuc/pdf"

	"github.com/seed-755a8038/coffer/adapters/watermark"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/fixture"
)

const text = "ana.lima@example.com  2026-11-28 10:00 UTC"

var usual = watermark.Options{MemoryBytes: 512 << 20, MaxBytes: 50 << 20, MaxPixels: 50_000_000, Timeout: time.Minute}

func marker(t *testing.T, o watermark.Options) *watermark.Marker {
	t.Helper()
	o.TempDir = t.TempDir()
	m, err := watermark.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func file(b []byte) ports.Unmarked {
	return ports.Unmarked{Text: text, SizeBytes: int64(len(b)), Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b)), nil
	}}
}

// marks returns the copy, which must be of that type.
func marks(t *testing.T, m *watermark.Marker, b []byte, contentType string) []byte {
	t.Helper()
	c, err := m.Mark(t.Context(), file(b))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	out, err := io.ReadAll(c)
	if err != nil || c.ContentType != contentType || c.SizeBytes != int64(len(out)) {
		t.Fatalf("%s of %d bytes, want %s of %d: %v", c.ContentType, c.SizeBytes, contentType, len(out), err)
	}
	return out
}

func refuses(t *testing.T, m *watermark.Marker, b []byte, why core.Unmarkable) {
	t.Helper()
	c, err := m.Mark(t.Context(), file(b))
	e, ok := errors.AsType[*core.Error](err)
	if c != nil || !ok || !errors.Is(err, core.ErrCannotWatermark) || e.Details["reason"] != string(why) {
		t.Errorf("error = %v, want %s", err, why)
	}
}

// plain is a picture of one colour.
func plain(w, h int, c color.Color) *image.NRGBA {
	p := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			p.Set(x, y, c)
		}
	}
	return p
}

func encoded(t *testing.T, img image.Image, encode func(io.Writer, image.Image) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asJPEG(w io.Writer, img image.Image) error {
	return jpeg.Encode(w, img, &jpeg.Options{Quality: 95})
}

// changed returns which part of the points differ clearly, in each quarter and
// in all.
func changed(a, b image.Image) (quarters [4]float64, all float64) {
	const clearly = 30 << 8
	r := a.Bounds()
	for y := range r.Dy() {
		for x := range r.Dx() {
			r1, g1, b1, _ := a.At(r.Min.X+x, r.Min.Y+y).RGBA()
			r2, g2, b2, _ := b.At(b.Bounds().Min.X+x, b.Bounds().Min.Y+y).RGBA()
			if distance(r1, r2) > clearly || distance(g1, g2) > clearly || distance(b1, b2) > clearly {
				quarters[2*y/r.Dy()*2+2*x/r.Dx()]++
				all++
			}
		}
	}
	n := float64(r.Dx() * r.Dy())
	for i := range quarters {
		quarters[i] /= n / 4
	}
	return quarters, all / n
}

func distance(a, b uint32) uint32 { return max(a, b) - min(a, b) }

// sees checks that the copy has the size of its original, that there is a mark
// in every part of it, and that most of it is as it was.
func sees(t *testing.T, before image.Image, out []byte) image.Image {
	t.Helper()
	after, _, err := image.Decode(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	if before.Bounds().Size() != after.Bounds().Size() {
		t.Fatalf("%v has become %v", before.Bounds(), after.Bounds())
	}
	quarters, all := changed(before, after)
	for i, part := range quarters {
		if part < 0.01 {
			t.Errorf("quarter %d has no mark: %.4f of it has changed", i, part)
		}
	}
	if all > 0.4 {
		t.Errorf("%.2f of the picture has changed", all)
	}
	return after
}

func TestPicturesAreMarkedOnAnyGround(t *testing.T) {
	m := marker(t, usual)
	for name, c := range map[string]color.NRGBA{
		"white": {255, 255, 255, 255}, "black": {0, 0, 0, 255}, "grey": {128, 128, 128, 255}, "red": {200, 0, 0, 255}, "yellow": {250, 240, 80, 255},
	} {
		t.Run(name, func(t *testing.T) {
			p := plain(640, 480, c)
			sees(t, p, marks(t, m, encoded(t, p, png.Encode), "image/png"))
			sees(t, p, marks(t, m, encoded(t, p, asJPEG), "image/jpeg"))
			var b bytes.Buffer
			if err := gif.Encode(&b, p, nil); err != nil {
				t.Fatal(err)
			}
			before, err := gif.Decode(bytes.NewReader(b.Bytes()))
			if err != nil {
				t.Fatal(err)
			}
			sees(t, before, marks(t, m, b.Bytes(), "image/gif"))
		})
	}
}

func TestEveryFormOfAPicture(t *testing.T) {
	m := marker(t, usual)
	r := image.Rect(0, 0, 400, 300)
	deep := image.NewNRGBA64(r)
	for i := range deep.Pix {
		deep.Pix[i] = 0xff
	}
	palette := image.NewPaletted(r, color.Palette{color.Black, color.White})
	for name, img := range map[string]image.Image{
		"grey": image.NewGray(r), "16 bits": deep, "16 bits of grey": image.NewGray16(r), "two colours": palette,
	} {
		t.Run(name, func(t *testing.T) { sees(t, img, marks(t, m, encoded(t, img, png.Encode), "image/png")) })
	}
	grey := image.NewGray(r)
	sees(t, grey, marks(t, m, encoded(t, grey, asJPEG), "image/jpeg"))
}

func TestATransparentPictureStaysSo(t *testing.T) {
	before := plain(400, 300, color.NRGBA{0, 0, 0, 0})
	after := sees2(t, marks(t, marker(t, usual), encoded(t, before, png.Encode), "image/png"))
	through, mark := 0, 0
	for y := range 300 {
		for x := range 400 {
			switch _, _, _, a := after.At(x, y).RGBA(); a {
			case 0:
				through++
			case 0xffff:
				t.Fatalf("%d,%d is opaque", x, y)
			default:
				mark++
			}
		}
	}
	if through < 400*300/2 || mark < 400*300/100 {
		t.Errorf("%d points are clear, %d have a mark", through, mark)
	}
}

func sees2(t *testing.T, b []byte) image.Image {
	t.Helper()
	img, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// withOrientation puts EXIF, with a place where it was taken, into a JPEG.
func withOrientation(b []byte, orientation byte) []byte {
	exif := "Exif\x00\x00II*\x00\x08\x00\x00\x00\x02\x00" +
		"\x12\x01\x03\x00\x01\x00\x00\x00" + string([]byte{orientation, 0, 0, 0}) +
		"\x25\x88\x04\x00\x01\x00\x00\x00\x20\x00\x00\x00" + "\x00\x00\x00\x00" + "53.5511 N 9.9937 E"
	icc := "ICC_PROFILE\x00\x01\x01the colours"
	out := append([]byte{}, b[:2]...)
	for marker, body := range map[byte]string{0xe1: exif, 0xe2: icc} {
		out = append(out, 0xff, marker)
		out = binary.BigEndian.AppendUint16(out, uint16(len(body)+2))
		out = append(out, body...)
	}
	return append(out, b[2:]...)
}

// TestAPictureIsMarkedAsPeopleSeeIt: however a camera was held, the copy turned
// as it says looks like that of the picture that was turned first.
func TestAPictureIsMarkedAsPeopleSeeIt(t *testing.T) {
	m := marker(t, usual)
	seen := sees2(t, marks(t, m, encoded(t, plain(300, 500, color.White), asJPEG), "image/jpeg"))
	for orientation := byte(1); orientation <= 8; orientation++ {
		w, h := 300, 500
		if orientation >= 5 {
			w, h = h, w
		}
		out := marks(t, m, withOrientation(encoded(t, plain(w, h, color.White), asJPEG), orientation), "image/jpeg")
		if bytes.Contains(out, []byte("53.5511")) || !bytes.Contains(out, []byte("the colours")) {
			t.Errorf("orientation %d: the place is kept, or the colours are not", orientation)
		}
		if has := bytes.Contains(out, []byte("Exif\x00\x00MM")); has != (orientation > 1) {
			t.Errorf("orientation %d: told = %v", orientation, has)
		}
		img := sees2(t, out)
		at := func(x, y int) (int, int) { // where the seen point is stored
			switch orientation {
			case 2:
				return w - 1 - x, y
			case 3:
				return w - 1 - x, h - 1 - y
			case 4:
				return x, h - 1 - y
			case 5:
				return y, x
			case 6:
				return y, h - 1 - x
			case 7:
				return w - 1 - y, h - 1 - x
			case 8:
				return w - 1 - y, x
			}
			return x, y
		}
		wrong := 0
		for y := range 500 {
			for x := range 300 {
				a, _, _, _ := seen.At(x, y).RGBA()
				b, _, _, _ := img.At(at(x, y)).RGBA()
				if distance(a, b) > 60<<8 {
					wrong++
				}
			}
		}
		if wrong > 300*500/100 {
			t.Errorf("orientation %d: %d points differ", orientation, wrong)
		}
	}
}

func TestEveryFrameOfAnAnimationIsMarked(t *testing.T) {
	full := make(color.Palette, 256)
	for i := range full {
		full[i] = color.RGBA{uint8(i), uint8(255 - i), uint8(i * 7), 255}
	}
	full[255] = color.RGBA{}
	all := &gif.GIF{LoopCount: 3}
	for i := range 5 {
		f := image.NewPaletted(image.Rect(0, 0, 320, 240), full)
		for j := range f.Pix {
			f.Pix[j] = uint8(i * 40)
		}
		all.Image, all.Delay, all.Disposal = append(all.Image, f), append(all.Delay, 10+i), append(all.Disposal, gif.DisposalNone)
	}
	part := image.NewPaletted(image.Rect(100, 50, 250, 200), full) // what changes, and only half of that
	for j := range part.Pix {
		part.Pix[j] = 255
		if j%2 == 0 {
			part.Pix[j] = 9
		}
	}
	all.Image, all.Delay, all.Disposal = append(all.Image, part), append(all.Delay, 1), append(all.Disposal, gif.DisposalNone)
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, all); err != nil {
		t.Fatal(err)
	}
	got, err := gif.DecodeAll(bytes.NewReader(marks(t, marker(t, usual), b.Bytes(), "image/gif")))
	if err != nil || len(got.Image) != 6 || got.LoopCount != 3 || got.Delay[4] != 14 || got.Config.Width != 320 {
		t.Fatalf("%d frames, %v, %v: %v", len(got.Image), got.LoopCount, got.Delay, err)
	}
	for i, f := range got.Image {
		if f.Rect != all.Image[i].Rect {
			t.Errorf("frame %d is at %v", i, f.Rect)
		}
		_, part := changed(all.Image[i], f)
		if part < 0.01 || part > 0.5 {
			t.Errorf("%.3f of frame %d has changed", part, i)
		}
	}
	for j := 1; j < len(part.Pix); j += 2 {
		x, y := 100+j%150, 50+j/150
		if _, _, _, a := got.Image[5].At(x, y).RGBA(); a != 0 {
			t.Fatalf("%d,%d is not transparent any more", x, y)
		}
	}
}

func TestWebPComesInAnotherForm(t *testing.T) {
	m := marker(t, usual)
	for name, want := range map[string]string{"lossy": "image/jpeg", "lossless": "image/png"} {
		b := webpFile(t, name)
		before := sees2(t, b)
		sees(t, before, marks(t, m, b, want))
	}
}

func TestPDFsAreMarkedOnEveryPage(t *testing.T) {
	m := marker(t, usual)
	b := fixture.PDF(7)
	out := marks(t, m, b, "application/pdf")
	r, err := pdf.NewReader(bytes.NewReader(out), int64(len(out)))
	if err != nil || r.NumPage() != 7 {
		t.Fatalf("%d pages: %v", r.NumPage(), err)
	}
	for i := range 7 {
		found, err := r.Page(i + 1).GetPlainText(nil)
		if err != nil || !strings.Contains(found, text) || !strings.Contains(found, fmt.Sprint("page ", i+1, " of 7")) {
			t.Errorf("page %d: %q, %v", i+1, found, err)
		}
	}
	again := marks(t, m, out, "application/pdf") // of a copy that came back
	if r, err = pdf.NewReader(bytes.NewReader(again), int64(len(again))); err != nil || r.NumPage() != 7 {
		t.Errorf("%d pages: %v", r.NumPage(), err)
	}
}

func TestNoFormIsShownInThePlaceOfPages(t *testing.T) {
	b := pdfWithForm(t)
	if !strings.Contains(unpacked(t, b), "/XFA") {
		t.Fatal("the sample has no form")
	}
	out := unpacked(t, marks(t, marker(t, usual), b, "application/pdf"))
	if strings.Contains(out, "/XFA") || !strings.Contains(out, "/AcroForm") {
		t.Error("the form is there still, or its fields are gone")
	}
}

func TestWhatCannotBeMarkedIsRefused(t *testing.T) {
	m := marker(t, usual)
	p := encoded(t, plain(200, 200, color.White), png.Encode)
	j := encoded(t, plain(200, 200, color.White), asJPEG)
	for name, c := range map[string]struct {
		file []byte
		why  core.Unmarkable
	}{
		"nothing":              {nil, core.UnmarkableType},
		"text":                 {[]byte("hello"), core.UnmarkableType},
		"a script":             {[]byte("<svg xmlns='http://www.w3.org/2000/svg'/>"), core.UnmarkableType},
		"a zip file":           {[]byte("PK\x03\x04aaaaaaaaaaaaaaaaaaaaaaa"), core.UnmarkableType},
		"half a PNG":           {p[:len(p)/2], core.UnmarkableDamaged},
		"the head of a PNG":    {p[:20], core.UnmarkableDamaged},
		"half a JPEG":          {j[:len(j)/2], core.UnmarkableDamaged},
		"the head of a JPEG":   {j[:4], core.UnmarkableDamaged},
		"the head of a GIF":    {[]byte("GIF89a"), core.UnmarkableDamaged},
		"the head of a WebP":   {[]byte("RIFF\x00\x00\x00\x00WEBPVP8 "), core.UnmarkableDamaged},
		"the head of a PDF":    {[]byte("%PDF-1.7\n"), core.UnmarkableDamaged},
		"half a PDF":           {fixture.PDF(3)[:400], core.UnmarkableDamaged},
		"a tiny picture":       {encoded(t, plain(31, 400, color.White), png.Encode), core.UnmarkableTooSmall},
		"a PDF with password":  {encryptedPDF(t, "harbour"), core.UnmarkableEncrypted},
		"a PDF that is sealed": {encryptedPDF(t, ""), core.UnmarkableEncrypted},
		"a PDF with a file":    {pdfWithFile(t), core.UnmarkableAttachments},
		"a file over the size": {append(bytes.Clone(p), make([]byte, 51<<20)...), core.UnmarkableTooLarge},
	} {
		t.Run(name, func(t *testing.T) { refuses(t, m, c.file, c.why) })
	}
	in := file(p)
	in.SizeBytes = 1 // what is declared is not believed
	in.Open = func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(io.LimitReader(rand.NewChaCha8([32]byte{}), 60<<20)), nil
	}
	if _, err := m.Mark(t.Context(), in); !errors.Is(err, core.ErrCannotWatermark) {
		t.Error(err)
	}
}

// grown returns how many bytes were allocated.
func grown(fn func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestBombsAreRefusedByTheirHeads: what is small and would become large is
// refused without becoming so.
func TestBombsAreRefusedByTheirHeads(t *testing.T) {
	m := marker(t, usual)
	for name, b := range bombs() {
		t.Run(name, func(t *testing.T) {
			if n := grown(func() { refuses(t, m, b, core.UnmarkableTooLarge) }); n > 8<<20 {
				t.Errorf("%d bytes were allocated for a file of %d", n, len(b))
			}
		})
	}
}

// TestMemoryIsBounded: of many large pictures at once only so many are decoded
// at a time, and what a marking was said to take is what it takes.
func TestMemoryIsBounded(t *testing.T) {
	const side, budget = 3000, 170 << 20 // one of the pictures is said to take 156 MB
	o := usual
	o.MemoryBytes = budget
	m := marker(t, o)
	b := encoded(t, plain(side, side, color.White), png.Encode)
	runtime.GC()
	var base, most uint64
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	base = s.HeapAlloc
	stop, seen := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(seen)
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				runtime.GC() // what is left is in use
				runtime.ReadMemStats(&s)
				most = max(most, s.HeapAlloc-min(base, s.HeapAlloc))
			}
		}
	}()
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			c, err := m.Mark(t.Context(), file(b))
			if err != nil {
				t.Error(err)
				return
			}
			_ = c.Close()
		})
	}
	all.Wait()
	close(stop)
	<-seen
	if most > budget {
		t.Errorf("%d bytes were in use, of %d", most, budget)
	}
	o.MemoryBytes = 150 << 20
	refuses(t, marker(t, o), b, core.UnmarkableTooLarge)
}

func TestWhoWaitsTooLongIsToldSo(t *testing.T) {
	o := usual
	o.MemoryBytes = 160 << 20
	m := marker(t, o)
	big := encoded(t, plain(3000, 3000, color.White), png.Encode)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Mark(ctx, file(big)); !errors.Is(err, core.ErrWatermarkBusy) {
		t.Errorf("error = %v", err)
	}
	o.Timeout = time.Nanosecond
	refuses(t, marker(t, o), big, core.UnmarkableTooLarge)
}

func TestAPanicIsARefusal(t *testing.T) {
	in := file(nil)
	in.Open = func(context.Context) (io.ReadCloser, error) { panic("a decoder") }
	m := marker(t, usual)
	for range 20 { // and gives back what it had
		if _, err := m.Mark(t.Context(), in); !errors.Is(err, core.ErrCannotWatermark) {
			t.Fatal(err)
		}
	}
	marks(t, m, encoded(t, plain(200, 200, color.White), png.Encode), "image/png")
}
