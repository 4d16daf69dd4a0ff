package watermark

import (
	"context"
	"image"
	"image/color"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"github.com/seed-755a8038/coffer/adapters/picture"
	"github.com/seed-755a8038/coffer/core"
)

const (
	minSide = 32 // pixels; on less, nothing can be read

	strength = 0.42 // of the mark, of 1: seen on any ground, and the ground through it
	slope    = 30   // degrees

	// Sizes of letters, in pixels and as a part of the picture's shorter side.
	minLetters, maxLetters = 9, 160
	lettersPerSide         = 18

	tileCost = 48 << 20 // bytes of memory that making the largest tile takes
)

// tile is the text as it is repeated over a picture: light letters with dark
// edges, on which one of them can be read on any ground.
type tile struct {
	w, h  int
	grey  []uint8 // of each point
	alpha []uint8 // 0: not a part of the mark
}

// newTile returns the tile for a picture of that size, as people see it.
func newTile(f *opentype.Font, text string, w, h int) (*tile, error) {
	size := min(max(float64(min(w, h))/lettersPerSide, minLetters), maxLetters)
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		return nil, err
	}
	width := float64(font.MeasureString(face, text)) / 64 //nolint:mnd // fixed.Int26_6
	const wide = 0.8                                      // of the picture
	if most := wide * float64(max(w, h)); width > most && size > minLetters {
		size = max(size*most/width, minLetters)
		if face, err = opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone}); err != nil {
			return nil, err
		}
		width = float64(font.MeasureString(face, text)) / 64 //nolint:mnd // fixed.Int26_6
	}
	const gap, pitch = 2.5, 3.2 // letters between texts of a line, and lines
	strip := image.NewAlpha(image.Rect(0, 0, int(width+gap*size), int(pitch*size)))
	d := font.Drawer{Dst: strip, Src: image.Opaque, Face: face, Dot: fixed.P(int(size), int(pitch*size*2/3))} //nolint:mnd // the middle
	d.DrawString(text)
	return twoLines(strip, thick(strip, max(1, int(size/14)))), nil //nolint:mnd // of an edge
}

// twoLines puts one line above another that is shifted by half its length.
func twoLines(letters, edges *image.Alpha) *tile {
	w, h := letters.Rect.Dx(), letters.Rect.Dy()
	t := &tile{w: w, h: 2 * h, grey: make([]uint8, 2*w*h), alpha: make([]uint8, 2*w*h)}
	for y := range h {
		for x := range w {
			light := strength * float64(letters.Pix[y*letters.Stride+x]) / math.MaxUint8
			dark := strength * float64(edges.Pix[y*edges.Stride+x]) / math.MaxUint8
			alpha := light + dark*(1-light)
			if alpha == 0 {
				continue
			}
			for _, at := range [2]int{y*w + x, (h+y)*w + (x+w/2)%w} {
				t.grey[at], t.alpha[at] = uint8(math.MaxUint8*light/alpha), uint8(math.MaxUint8*alpha)
			}
		}
	}
	return t
}

// thick returns letters that reach r further in each direction.
func thick(a *image.Alpha, r int) *image.Alpha {
	w, h := a.Rect.Dx(), a.Rect.Dy()
	across, out := image.NewAlpha(a.Rect), image.NewAlpha(a.Rect)
	for y := range h {
		for x := range w {
			if v := a.Pix[y*a.Stride+x]; v > 0 {
				for i := max(0, x-r); i <= min(w-1, x+r); i++ {
					across.Pix[y*a.Stride+i] = max(across.Pix[y*a.Stride+i], v)
				}
			}
		}
	}
	for y := range h {
		for x := range w {
			if v := across.Pix[y*a.Stride+x]; v > 0 {
				for i := max(0, y-r); i <= min(h-1, y+r); i++ {
					out.Pix[i*a.Stride+x] = max(out.Pix[i*a.Stride+x], v)
				}
			}
		}
	}
	return out
}

// check refuses a size that cannot be marked.
func (m *Marker) check(c picture.Canvas) error {
	switch {
	case c.W <= 0 || c.H <= 0:
		return core.CannotWatermark(core.UnmarkableDamaged)
	case int64(c.W)*int64(c.H) > m.opts.MaxPixels:
		return core.CannotWatermark(core.UnmarkableTooLarge)
	case c.W < minSide || c.H < minSide:
		return core.CannotWatermark(core.UnmarkableTooSmall)
	}
	return nil
}

// paint calls dot for every stored point that is a part of the mark.
func (m *Marker) paint(ctx context.Context, c picture.Canvas, text string, dot func(x, y int, grey, alpha uint8)) error {
	w, h := c.Seen()
	t, err := newTile(m.font, text, w, h)
	if err != nil {
		return err
	}
	t.over(ctx, c, dot)
	return ctx.Err()
}

// over lays the tile over a picture, at a slope. Where a point is in the tile is
// counted in 1/65,536 of a pixel, so that a step is two additions.
func (t *tile) over(ctx context.Context, c picture.Canvas, dot func(x, y int, grey, alpha uint8)) {
	const one = 1 << 16
	sin, cos := math.Sincos(slope * math.Pi / 180)
	along := func(x, y int) int { return int(math.Round((float64(x)*cos - float64(y)*sin) * one)) }
	across := func(x, y int) int { return int(math.Round((float64(x)*sin + float64(y)*cos) * one)) }
	w, h := t.w*one, t.h*one
	tx, ty := c.Turn()
	du, dv := modulo(along(tx[0], ty[0]), w), modulo(across(tx[0], ty[0]), h)
	for y := range c.H {
		if ctx.Err() != nil {
			return
		}
		x0, y0 := tx[1]*y+tx[2], ty[1]*y+ty[2]
		u, v := modulo(along(x0, y0), w), modulo(across(x0, y0), h)
		for x := range c.W {
			if i := v/one*t.w + u/one; t.alpha[i] > 0 {
				dot(x, y, t.grey[i], t.alpha[i])
			}
			if u += du; u >= w {
				u -= w
			}
			if v += dv; v >= h {
				v -= h
			}
		}
	}
}

func modulo(a, n int) int { return (a%n + n) % n }

// mix returns a colour with grey over it.
func mix(c, grey, alpha uint8) uint8 {
	const whole, half = math.MaxUint8, math.MaxUint8 / 2
	return uint8((int(c)*(whole-int(alpha)) + int(grey)*int(alpha) + half) / whole) //nolint:gosec // between the two
}

// mixColor is mix for an opaque colour.
func mixColor(c color.RGBA, grey, alpha uint8) color.RGBA {
	return color.RGBA{mix(c.R, grey, alpha), mix(c.G, grey, alpha), mix(c.B, grey, alpha), c.A}
}
