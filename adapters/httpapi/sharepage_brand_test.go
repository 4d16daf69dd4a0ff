package httpapi

import (
	"strings"
	"testing"

	"github.com/seed-755a8038/coffer/core"
)

func TestBrandColoursCanBeRead(t *testing.T) {
	const light, dark = "@media not (prefers-color-scheme: dark)", "@media (prefers-color-scheme: dark)"
	for name, c := range map[string]struct {
		branding  core.Branding
		has, lack []string
	}{
		"none":            {core.Branding{}, nil, []string{"--"}},
		"dark blue":       {core.Branding{PrimaryColor: "#0b3d91", AccentColor: "#0b3d91"}, []string{light + " { :root { --link: #0b3d91; --fill: #0b3d91; --on-fill: #ffffff; } }"}, []string{dark}},
		"pale yellow":     {core.Branding{PrimaryColor: "#fff3a0"}, []string{dark + " { :root { --link: #fff3a0; --fill: #fff3a0; --on-fill: #000000; } }"}, []string{light}},
		"an accent alone": {core.Branding{AccentColor: "#0b3d91"}, []string{"--fill: #0b3d91"}, nil},
		"no colour":       {core.Branding{PrimaryColor: "red;}", AccentColor: "#zzzzzz"}, nil, []string{"red", "zz", "--"}},
	} {
		style := brandStyle(c.branding)
		for _, text := range c.has {
			if !strings.Contains(style, text) {
				t.Errorf("%s: %q lacks %q", name, style, text)
			}
		}
		for _, text := range c.lack {
			if strings.Contains(style, text) {
				t.Errorf("%s: %q has %q", name, style, text)
			}
		}
	}
	if got := contrast("#000000", "#ffffff"); got < 20.99 || got > 21.01 {
		t.Errorf("black on white has a contrast of %f, want 21", got)
	}
}

func TestSizesAreReadable(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 bytes", 1: "1 byte", 999: "999 bytes", 1000: "1 kB", 1_440_000: "1.4 MB", 999_400: "999 kB", 999_600: "1 MB", 70_000_000: "70 MB", 5_000_000_000_000: "5 TB",
	} {
		if got := english.bytes(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
