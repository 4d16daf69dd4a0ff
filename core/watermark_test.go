package core

import (
	"errors"
	"testing"
	"time"
)

func TestWhatAWatermarkSays(t *testing.T) {
	at := time.Date(2026, 11, 28, 11, 59, 59, 0, time.FixedZone("", 3600))
	for viewer, want := range map[string]string{
		"ana@example.com": "ana@example.com  2026-11-28 10:00 UTC",
		"2001:db8::1":     "2001:db8::1  2026-11-28 10:00 UTC",
		"é中@example.com":  "{U+00E9}{U+4E2D}@example.com  2026-11-28 10:00 UTC",
		"a\x00(b)\n":      "a{U+0000}(b){U+000A}  2026-11-28 10:00 UTC",
		"":                "unknown viewer  2026-11-28 10:00 UTC",
	} {
		if got := WatermarkText(viewer, at); got != want {
			t.Errorf("%q: %q, want %q", viewer, got, want)
		}
	}
}

func TestACopyHasTheNameOfItsType(t *testing.T) {
	for _, c := range []struct{ name, from, to, want string }{
		{"a.jpg", "image/jpeg", "image/jpeg", "a.jpg"},
		{"a.webp", "image/webp", "image/jpeg", "a.jpg"},
		{"a.WebP", "image/webp", "image/png", "a.png"},
		{"a.bin", "application/octet-stream", "application/pdf", "a.bin"},
		{"webp", "image/webp", "image/png", "webp"},
	} {
		m := MarkedCopy{BlobKey: "k", ContentType: c.to, SizeBytes: 7}
		name, v := m.Of(c.name, Version{BlobKey: "o", ContentType: c.from, SizeBytes: 5, SHA256: []byte("x"), Number: 3})
		if name != c.want || v.BlobKey != "k" || v.ContentType != c.to || v.SizeBytes != 7 || v.SHA256 != nil || v.Number != 3 {
			t.Errorf("%+v: %q %+v", c, name, v)
		}
	}
}

func TestTypesThatCanCarryAWatermark(t *testing.T) {
	for contentType, want := range map[string]bool{
		"image/png": true, "IMAGE/JPEG": true, "image/gif": true, "image/webp": true, "application/pdf; version=1.7": true,
		"image/svg+xml": false, "image/avif": false, "video/mp4": false, "text/plain": false, "": false,
	} {
		if CanCarryWatermark(contentType) != want {
			t.Errorf("%q: %v", contentType, !want)
		}
	}
}

func TestAFileRequestHasNoWatermark(t *testing.T) {
	l := openShare().Link
	l.Watermark = true
	if err := l.CheckRules(KindFolder); err != nil {
		t.Error(err)
	}
	l.Kind, l.AllowDownload, l.AllowViewMetadata = ShareUpload, false, false
	if err := l.CheckRules(KindFolder); !errors.Is(err, Invalid("", "")) {
		t.Errorf("error = %v", err)
	}
}
