package core_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

func TestDerivableFrom(t *testing.T) {
	for contentType, want := range map[string]core.DerivableKind{
		"image/png": core.DerivableImage, "IMAGE/JPEG": core.DerivableImage, "image/gif": core.DerivableImage, "image/webp": core.DerivableImage,
		"application/pdf": core.DerivablePDF, "video/mp4": core.DerivableVideo, "video/x-anything": core.DerivableVideo,
		"text/vtt": core.DerivableCues, "application/x-subrip": core.DerivableCues, "text/plain; charset=utf-8": core.DerivableText,
		"application/json": core.DerivableJSON,
		"image/svg+xml":    "", "text/html": "", "application/octet-stream": "", "": "", "audio/mpeg": "", "image/tiff": "",
	} {
		if got, ok := core.DerivableFrom(contentType); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %t", contentType, got, ok)
		}
	}
}

func TestADerivation(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	d := core.Derived{Preview: core.Preview{Status: core.DerivedPending}}
	d.Fail(core.UnderivableDamaged, now)
	if d.Status != core.DerivedFailed || d.Failure != core.UnderivableDamaged || d.Attempts != 1 || d.UpdatedAt != now {
		t.Errorf("%+v", d)
	}
	d.Fail(core.UnderivableTool, now)
	if d.Status != core.DerivedUnsupported || d.Attempts != 2 {
		t.Errorf("%+v", d)
	}
	d.Finish(core.Preview{Thumbnail: core.Picture{BlobKey: "t"}, Width: 3}, now)
	if d.Status != core.DerivedReady || d.Failure != "" || d.Attempts != 3 || d.Width != 3 {
		t.Errorf("%+v", d)
	}
	if p, err := d.Picture(core.Thumbnail); err != nil || p.BlobKey != "t" {
		t.Error(p, err)
	}
	for _, p := range []*core.Preview{nil, &d.Preview} {
		if _, err := p.Picture(core.Poster); !errors.Is(err, core.ErrNoRendition) {
			t.Error(err)
		}
	}
	if keys := d.Keys(); len(keys) != 1 {
		t.Error(keys)
	}
}

func TestWhyUnderivable(t *testing.T) {
	if why, ok := core.WhyUnderivable(fmt.Errorf("%w: x", core.CannotDerive(core.UnderivableTimeout))); !ok || why != core.UnderivableTimeout {
		t.Error(why, ok)
	}
	for _, err := range []error{nil, core.ErrNotFound, errors.New("x")} {
		if why, ok := core.WhyUnderivable(err); ok {
			t.Error(err, why)
		}
	}
}

func TestDerivedKeysAreOurs(t *testing.T) {
	var org core.OrgID
	var asset core.AssetID
	org[0], asset[0] = 1, 2
	key := core.DerivedKey(org, asset, [16]byte{3})
	if !core.IsBlobKey(key) || core.IsBlobKey(key+"/x") || core.IsBlobKey("derived/x") {
		t.Error(key)
	}
}
