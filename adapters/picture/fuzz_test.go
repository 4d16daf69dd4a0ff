package picture_test

import (
	"bytes"
	"testing"

	"github.com/seed-755a8038/coffer/adapters/picture"
)

// FuzzPictures: whatever the bytes, reading what comes before a picture ends, and
// says no size or cost below zero: what follows is bounded by them.
func FuzzPictures(f *testing.F) {
	for _, start := range []string{
		"\xff\xd8\xff\xe1\x00\x10Exif\x00\x00II*\x00\x08\x00\x00\x00\xff\xc0\x00\x0b\x08\x00\x10\x00\x10\x01\x01\x11\x00",
		"\xff\xd8\xff\xe1\x00\x20Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\xff\xc2\x00\x11\x08\xff\xff\xff\xff\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01",
		"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\xff\xff\x00\x00\xff\xff\x08\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04gAMA\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00IDAT",
		"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\xff\xff\xff\xff\xff\xff\xff\xff\x10\x06\x00\x00\x00",
		"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\xff\xff\xff\xff\x00\x02\x01\x00\x00;",
		"RIFF\x24\x00\x00\x00WEBPVP8L\x10\x00\x00\x00\x2f\x00\x00\x00\x00", "RIFF\x24\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x10\x00\x00\x00\xff\xff\xff\xff\xff\xff",
	} {
		f.Add([]byte(start))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		right := func(kind string, c picture.Canvas, cost int64, err error) {
			if w, h := c.Seen(); err == nil && (w < 0 || h < 0 || c.W < 0 || c.H < 0 || cost < 0) {
				t.Errorf("%s: %+v costs %d", kind, c, cost)
			}
		}
		gif, err := picture.ReadGIF(bytes.NewReader(b), 1<<30)
		right("GIF", gif.Canvas, gif.Cost(), err)
		jpeg, err := picture.ReadJPEG(bytes.NewReader(b))
		right("JPEG", jpeg.Canvas, jpeg.Cost(), err)
		png, err := picture.ReadPNG(bytes.NewReader(b))
		right("PNG", png.Canvas, 0, err)
		webp, err := picture.ReadWebP(bytes.NewReader(b))
		right("WebP", webp.Canvas, 0, err)
		if o := picture.OrientationOf(b); o < 0 || o > 8 {
			t.Errorf("orientation %d", o)
		}
	})
}
