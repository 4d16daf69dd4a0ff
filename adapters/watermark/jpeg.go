package watermark

import (
	"context"
	"encoding/binary"
	"image"
	"image/draw"
	"image/jpeg"
	"io"

	"github.com/seed-755a8038/coffer/adapters/picture"
)

const jpegQuality = 90

func (m *Marker) planJPEG(r io.Reader, text string) (job, error) {
	h, err := picture.ReadJPEG(r)
	if err != nil {
		return job{}, damaged(err)
	}
	if err := m.check(h.Canvas); err != nil {
		return job{}, err
	}
	return job{"image/jpeg", h.Cost() + tileCost, func(ctx context.Context, r io.ReadSeeker, w io.Writer) error {
		img, err := jpeg.Decode(r)
		if err != nil {
			return damaged(err)
		}
		const cmyk = 4
		if h.Planes == cmyk {
			h.Profile = nil // which is of other colours than those of the copy
		}
		return m.writeJPEG(ctx, img, h.Orientation, h.Profile, text, w)
	}}, nil
}

// writeJPEG marks a picture without transparency. How it is turned, and its
// colour profile, are kept; all else that was said of it is not.
func (m *Marker) writeJPEG(ctx context.Context, img image.Image, orientation int, profile [][]byte, text string, w io.Writer) error {
	b := img.Bounds()
	c := picture.Canvas{W: b.Dx(), H: b.Dy(), Orientation: orientation}
	var dot func(x, y int, grey, alpha uint8)
	switch p := img.(type) {
	case *image.YCbCr:
		dot = onYCbCr(p)
	case *image.Gray:
		dot = func(x, y int, grey, alpha uint8) {
			i := y*p.Stride + x
			p.Pix[i] = mix(p.Pix[i], grey, alpha)
		}
	default:
		rgba, ok := img.(*image.RGBA)
		if !ok {
			rgba = image.NewRGBA(b)
			draw.Draw(rgba, b, img, b.Min, draw.Src)
		}
		dot = func(x, y int, grey, alpha uint8) {
			at := rgba.Pix[y*rgba.Stride+4*x:]
			at[0], at[1], at[2] = mix(at[0], grey, alpha), mix(at[1], grey, alpha), mix(at[2], grey, alpha)
		}
		img = rgba
	}
	if err := m.paint(ctx, c, text, dot); err != nil {
		return err
	}
	return jpeg.Encode(&splice{w: w, at: 2, insert: segments(orientation, profile)}, img, &jpeg.Options{Quality: jpegQuality})
}

// onYCbCr marks the planes as they are: brightness takes the mark, and colour
// fades below it.
func onYCbCr(p *image.YCbCr) func(x, y int, grey, alpha uint8) {
	const colourless = 128
	x0, y0 := p.Rect.Min.X, p.Rect.Min.Y
	return func(x, y int, grey, alpha uint8) {
		i, j := p.YOffset(x0+x, y0+y), p.COffset(x0+x, y0+y)
		p.Y[i], p.Cb[j], p.Cr[j] = mix(p.Y[i], grey, alpha), mix(p.Cb[j], colourless, alpha), mix(p.Cr[j], colourless, alpha)
	}
}

// segments are those that a copy has of its original.
func segments(orientation int, profile [][]byte) (out []byte) {
	add := func(marker byte, body []byte) {
		out = append(out, 0xff, marker)
		out = binary.BigEndian.AppendUint16(out, uint16(len(body)+2)) //nolint:gosec // was read by the same rule
		out = append(out, body...)
	}
	if orientation != picture.Upright {
		add(0xe1, append([]byte("Exif\x00\x00"), picture.TIFFWith(orientation)...))
	}
	for _, body := range profile {
		add(0xe2, body)
	}
	return out
}

// splice writes what is inserted after the first bytes of what is written.
type splice struct {
	w      io.Writer
	at     int // bytes still to come before it
	insert []byte
}

// Write implements io.Writer.
func (s *splice) Write(b []byte) (int, error) {
	if s.insert == nil {
		return s.w.Write(b)
	}
	first := min(s.at, len(b))
	n, err := s.w.Write(b[:first])
	if s.at -= n; err != nil || s.at > 0 {
		return n, err
	}
	if _, err := s.w.Write(s.insert); err != nil {
		return n, err
	}
	s.insert = nil
	rest, err := s.w.Write(b[first:])
	return n + rest, err
}
