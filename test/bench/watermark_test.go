package bench

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"math"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/watermark"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/fixture"
)

// BenchmarkWatermark marks a photograph of 12 megapixels, beside decoding and
// encoding it without a mark, and a PDF of 50 pages.
func BenchmarkWatermark(b *testing.B) {
	m, err := watermark.New(watermark.Options{
		MemoryBytes: 512_000_000, MaxBytes: 50_000_000, MaxPixels: 50_000_000, Timeout: time.Minute, TempDir: b.TempDir(),
	})
	if err != nil {
		b.Fatal(err)
	}
	photo := photograph(b, 4000, 3000)
	mark := func(b *testing.B, file []byte) {
		b.Helper()
		b.ReportAllocs()
		for b.Loop() {
			c, err := m.Mark(b.Context(), ports.Unmarked{
				Text: "somebody@example.com  2026-11-28 10:00 UTC", SizeBytes: int64(len(file)),
				Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file)), nil },
			})
			if err != nil {
				b.Fatal(err)
			}
			_ = c.Close()
		}
	}
	b.Run("JPEG of 12 megapixels", func(b *testing.B) { mark(b, photo) })
	b.Run("JPEG of 12 megapixels, without a mark", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			img, err := jpeg.Decode(bytes.NewReader(photo))
			if err == nil {
				err = jpeg.Encode(io.Discard, img, &jpeg.Options{Quality: 90})
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("PDF of 50 pages", func(b *testing.B) { mark(b, fixture.PDF(50)) })
}

// photograph is a picture with as much in it as one of a camera has.
func photograph(b *testing.B, w, h int) []byte {
	b.Helper()
	p := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			at, grain := float64(x+2*y), noise[(y*w+x)%len(noise)]%32
			p.SetRGBA(x, y, color.RGBA{wave(at/97) + grain, wave(at/211) + grain, wave(at/401) + grain, 255})
		}
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, p, &jpeg.Options{Quality: 92}); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}

// wave goes from 32 to 160 and back.
func wave(x float64) uint8 { return uint8(96 + 64*math.Sin(x)) }
