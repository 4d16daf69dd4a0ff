package reportfile

import (
	"strings"
	"sync"
	"unicode"

	"github.com/go-fonts/dejavu/dejavusans"
	"github.com/go-fonts/dejavu/dejavusansbold"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/norm"
)

// missing stands for a character that the font has not.
const missing = '□'

// covered is the font whose characters are shown. Its bold twin has all but a few
// of them.
var covered = sync.OnceValues(func() (fonts [2]*sfnt.Font, err error) {
	if fonts[0], err = sfnt.Parse(dejavusans.TTF); err != nil {
		return fonts, err
	}
	fonts[1], err = sfnt.Parse(dejavusansbold.TTF)
	return fonts, err
})

// alphabet says what can be shown. It is for one goroutine.
type alphabet struct {
	fonts  [2]*sfnt.Font
	buffer sfnt.Buffer
	known  map[rune]bool
	lost   bool // something could not be shown
}

func newAlphabet() (*alphabet, error) {
	fonts, err := covered()
	return &alphabet{fonts: fonts, known: make(map[rune]bool)}, err
}

// plain returns text as the font can show it: in one line, without what is
// invisible, and with a box for each character that the font has not.
func (a *alphabet) plain(text string) string {
	text = strings.Join(strings.Fields(norm.NFC.String(strings.ToValidUTF8(text, string(missing)))), " ")
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.C, r), unicode.Is(unicode.Variation_Selector, r):
			return -1 // control characters, marks of direction, joiners
		case !a.has(r):
			a.lost = true
			return missing
		}
		return r
	}, text)
}

func (a *alphabet) has(r rune) bool {
	const basic = 0xFFFF // the library knows no others
	if r > basic {
		return false
	}
	known, asked := a.known[r]
	if !asked {
		known = true
		for _, f := range a.fonts {
			glyph, err := f.GlyphIndex(&a.buffer, r)
			known = known && err == nil && glyph != 0
		}
		a.known[r] = known
	}
	return known
}
