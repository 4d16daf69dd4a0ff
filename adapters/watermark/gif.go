package watermark

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"io"

	"github.com/seed-755a8038/coffer/core"
)

const (
	paletteSize = 256
	greys       = 4 // that a frame's palette gets for the mark

	frameCost = 24 << 10 // bytes that a frame takes beside its points: palettes
)

// gifHead is what the blocks of a GIF tell.
type gifHead struct {
	canvas

	frames int
	points int64 // of all frames
}

// readGIFHead walks over all blocks without decoding any.
func readGIFHead(r io.Reader, most int64) (h gifHead, err error) {
	const top, image, extension, end = 13, 0x2c, 0x21, 0x3b
	b := bufio.NewReader(r)
	head := make([]byte, top)
	if _, err := io.ReadFull(b, head); err != nil {
		return h, err
	}
	h.canvas = canvas{int(binary.LittleEndian.Uint16(head[6:])), int(binary.LittleEndian.Uint16(head[8:])), upright}
	if err := skipPalette(b, head[10]); err != nil {
		return h, err
	}
	for {
		kind, err := b.ReadByte()
		switch {
		case err != nil && h.frames > 0 && errors.Is(err, io.EOF), kind == end:
			return h, nil // the decoder judges whether it may end here
		case err != nil:
			return h, err
		case kind == extension:
			if _, err := b.ReadByte(); err != nil {
				return h, err
			}
		case kind == image:
			const size = 9
			d := make([]byte, size)
			if _, err := io.ReadFull(b, d); err != nil {
				return h, err
			}
			h.frames++
			h.points += int64(binary.LittleEndian.Uint16(d[4:])) * int64(binary.LittleEndian.Uint16(d[6:]))
			if h.cost() > most { // no need to see the rest
				return h, nil
			}
			if err := skipPalette(b, d[8]); err != nil {
				return h, err
			}
			if _, err := b.ReadByte(); err != nil { // of LZW
				return h, err
			}
		default:
			return h, errBlock
		}
		if err := skipBlocks(b); err != nil {
			return h, err
		}
	}
}

var errBlock = errors.New("the file has a block of no known kind")

func skipPalette(b *bufio.Reader, flags byte) error {
	const has, bits, each = 0x80, 0x07, 3
	if flags&has == 0 {
		return nil
	}
	_, err := b.Discard(each << (1 + flags&bits))
	return err
}

func skipBlocks(b *bufio.Reader) error {
	for {
		n, err := b.ReadByte()
		if err != nil || n == 0 {
			return err
		}
		if _, err := b.Discard(int(n)); err != nil {
			return err
		}
	}
}

func (h *gifHead) cost() int64 { return h.points + int64(h.frames)*frameCost + tileCost }

func (m *Marker) planGIF(r io.Reader, text string) (job, error) {
	h, err := readGIFHead(r, m.opts.MemoryBytes)
	if err != nil {
		return job{}, damaged(err)
	}
	if err := m.check(h.canvas); err != nil {
		return job{}, err
	}
	if h.frames == 0 {
		return job{}, core.CannotWatermark(core.UnmarkableDamaged)
	}
	return job{"image/gif", h.cost(), func(ctx context.Context, r io.ReadSeeker, w io.Writer) error {
		all, err := gif.DecodeAll(r)
		if err != nil {
			return damaged(err)
		}
		t, err := newTile(m.font, text, h.w, h.h)
		if err != nil {
			return err
		}
		for _, frame := range all.Image {
			if err := ctx.Err(); err != nil {
				return err
			}
			markFrame(ctx, t, h.canvas, frame)
		}
		all.Config.ColorModel = nil // each frame has a palette of its own
		return gif.EncodeAll(w, all)
	}}, nil
}

// markFrame marks the part of the canvas that a frame covers. Points that let
// the frame before be seen let its mark be seen, which is at the same place.
func markFrame(ctx context.Context, t *tile, c canvas, f *image.Paletted) {
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
