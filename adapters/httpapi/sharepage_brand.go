package httpapi

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/seed-755a8038/coffer/core"
)

// What WCAG 2.1 wants: of text, and of what is no text.
const (
	textContrast  = 4.5
	shapeContrast = 3
)

// The grounds that the page's style has, by colour scheme, as rgb.
var (
	lightGrounds = []string{"#ffffff", "#f6f7f9", "#eef1f4"}
	darkGrounds  = []string{"#1a1e24", "#121519", "#242a32"}
)

// brandStyle returns the part of the style that is an org's own: its colours,
// as far as they can be read. "" leaves the page its own.
func brandStyle(b core.Branding) string {
	fill, link := b.PrimaryColor, b.AccentColor
	if fill == "" {
		fill = link
	}
	if link == "" {
		link = fill
	}
	var style strings.Builder
	if rules := brandRules(fill, link, lightGrounds); rules != "" {
		fmt.Fprintf(&style, "@media not (prefers-color-scheme: dark) { :root { %s} }\n", rules)
	}
	if rules := brandRules(fill, link, darkGrounds); rules != "" {
		fmt.Fprintf(&style, "@media (prefers-color-scheme: dark) { :root { %s} }\n", rules)
	}
	return style.String()
}

func brandRules(fill, link string, grounds []string) string {
	var rules string
	if readable(link, grounds, textContrast) {
		rules += "--link: " + link + "; "
	}
	if readable(fill, grounds[:2], shapeContrast) {
		for _, ink := range []string{"#ffffff", "#000000"} {
			if contrast(fill, ink) >= textContrast {
				return rules + "--fill: " + fill + "; --on-fill: " + ink + "; "
			}
		}
	}
	return rules
}

func readable(color string, grounds []string, least float64) bool {
	for _, g := range grounds {
		if contrast(color, g) < least {
			return false
		}
	}
	return true
}

// contrast returns that of two colours of the form #rrggbb, from 1 to 21; 0 if
// one is none.
func contrast(a, b string) float64 {
	la, okA := luminance(a)
	lb, okB := luminance(b)
	if !okA || !okB {
		return 0
	}
	const flare = 0.05
	return (max(la, lb) + flare) / (min(la, lb) + flare)
}

// luminance is the relative luminance of WCAG 2.1.
func luminance(color string) (float64, bool) {
	if len(color) != len("#rrggbb") || color[0] != '#' {
		return 0, false
	}
	n, err := strconv.ParseUint(color[1:], 16, 32)
	if err != nil {
		return 0, false
	}
	linear := func(shift uint) float64 {
		v := float64(n>>shift&0xff) / 0xff
		if v <= 0.04045 { //nolint:mnd // sRGB
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(16) + 0.7152*linear(8) + 0.0722*linear(0), true //nolint:mnd // the eye
}
