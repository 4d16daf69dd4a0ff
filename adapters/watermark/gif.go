package watermark

import (
	"context"
	"image"
	"image/color"
	"image/gif"
	"io"

	"github.com/seed-755a8038/coffer/adapters/picture"
	"github.com/seed-755a8038/coffer/core"
)

const (
	paletteSize = 256
	greys       = 4 // that a frame's palette gets for the mark
)

func (m *Marker) planGIF(r io.Reader, text string) (job, error) {
	h, err := picture.ReadGIF(r, m.opts.MemoryBytes)
	if err != nil {
		return job{}, damaged(err)
	}
	if err := m.check(h.Canvas); err != nil {
		return job{}, err
	}
	if h.Frames == 0 {
		return job{}, core.CannotWatermark(core.UnmarkableDamaged)
	}
	return job{"image/gif", h.Cost() + tileCost, func(ctx context.Context, r io.ReadSeeker, w io.Writer) error {
		all, err := gif.DecodeAll(r)
		if err != nil {
			return damaged(err)
		}
		t, err := newTile(m.font, text, h.W, h.H)
		if err != nil {
			return err
		}
		for _, frame := range all.Image {
			if err := ctx.Err(); err != nil {
				return err
			}
			markFrame(ctx, t, h.Canvas, frame)
		}
		all.Config.ColorModel = nil // each frame has a palette of its own
		return gif.EncodeAll(w, all)
	}}, nil
}

// markFrame marks the part of the canvas that a frame covers. Points that let
// the frame before be seen let its mark be seen, which is at the same place.
func markFrame(ctx context.Context, t *tile, c picture.Canvas, f *image.Paletted) {
	palette := withGreys(f)
	type look struct{ index, grey, alpha uint8 }
	known := make(map[look]uint8)
	t.over(ctx, c, func(x, y int, grey, alpha uint8) {
		if !(image.Point{x, y}).In(f.Rect) {
			return
		}
		i := f.PixOffset(x, y)
		at := f.Pix[i]
		if int(at) >= len(palette) || palette[at].A == 0 {
			return
		}
		const coarse = 0xe0 // few shades are enough: there are few colours
		key := look{at, grey & coarse, alpha & coarse}
		index, ok := known[key]
		if !ok {
			index = nearest(palette, mixColor(palette[at], key.grey, min(key.alpha, 0xff-0x40)+0x40)) // stronger, for colours are fewer
			known[key] = index
		}
		f.Pix[i] = index
	})
}

// withGreys gives a frame a palette that has greys for the mark: in free places,
// else in those of colours that are the most like others.
func withGreys(f *image.Paletted) []color.RGBA {
	palette := make([]color.RGBA, len(f.Palette), paletteSize)
	for i, c := range f.Palette {
		palette[i], _ = color.RGBAModel.Convert(c).(color.RGBA)
	}
	for len(palette) > paletteSize-greys {
		palette = merge(f, palette)
	}
	for i := range greys {
		v := uint8(i * 0xff / (greys - 1)) //nolint:gosec // at most 255
		palette = append(palette, color.RGBA{v, v, v, 0xff})
	}
	f.Palette = make(color.Palette, len(palette))
	for i, c := range palette {
		f.Palette[i] = c
	}
	return palette
}

// merge makes one of the two opaque colours that are the most alike.
func merge(f *image.Paletted, palette []color.RGBA) []color.RGBA {
	a, b, least := -1, -1, 1<<30
	for i := range palette {
		for j := i + 1; j < len(palette); j++ {
			if palette[i].A == 0 || palette[j].A == 0 {
				continue
			}
			if d := distance(palette[i], palette[j]); d < least {
				a, b, least = i, j, d
			}
		}
	}
	if a < 0 { // nearly all are transparent: any but the first will do
		for b = len(palette) - 1; b > 0 && palette[b].A != 0; b-- {
		}
		for a = 0; a < b && palette[a].A != 0; a++ {
		}
	}
	last := len(palette) - 1
	for i, at := range f.Pix {
		switch int(at) {
		case b:
			f.Pix[i] = uint8(a)
		case last:
			f.Pix[i] = uint8(b) //nolint:gosec // an index
		}
	}
	if b == last {
		return palette[:last]
	}
	palette[b] = palette[last]
	return palette[:last]
}

func nearest(palette []color.RGBA, c color.RGBA) uint8 {
	best, least := 0, 1<<30
	for i, p := range palette {
		if d := distance(p, c); p.A != 0 && d < least {
			best, least = i, d
		}
	}
	return uint8(best)
}

func distance(a, b color.RGBA) int {
	r, g, bl := int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B)
	return r*r + g*g + bl*bl
}
