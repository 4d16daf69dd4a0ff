package derive

import (
	"bytes"
	"testing"
)

// FuzzProbe: whatever the bytes, a probe ends, without a panic, and says no size
// below zero.
func FuzzProbe(f *testing.F) {
	for _, start := range []string{
		"\xff\xd8\xff\xe1\x00\x10Exif\x00\x00II*\x00\x08\x00\x00\x00\xff\xc0\x00\x0b\x08\x00\x10\x00\x10\x01\x01\x11\x00",
		"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\xff\xff\x00\x00\xff\xff\x08\x06\x00\x00\x00",
		"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02",
		"RIFF\x24\x00\x00\x00WEBPVP8L\x10\x00\x00\x00\x2f\x00\x00\x00\x00",
	} {
		f.Add([]byte(start))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := probe(bytes.NewReader(b))
		if err == nil && (h.W < 0 || h.H < 0 || h.cost < 0 || h.decode == nil) {
			t.Errorf("%+v", h)
		}
	})
}
