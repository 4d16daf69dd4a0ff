package watermark

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/draw"
	"image/png"
	"io"

	"github.com/seed-755a8038/coffer/adapters/picture"
)

const pngIntro = picture.PNGIntro

func (m *Marker) planPNG(r io.Reader, text string) (job, error) {
	h, err := picture.ReadPNG(r)
	if err != nil {
		return job{}, damaged(err)
	}
	if err := m.check(h.Canvas); err != nil {
		return job{}, err
	}
	return job{"image/png", h.Cost() + tileCost, func(ctx context.Context, r io.ReadSeeker, w io.Writer) error {
		img, err := png.Decode(r)
		if err != nil {
			return damaged(err)
		}
		return m.writePNG(ctx, img, h.Orientation, h.Chunks, text, w)
	}}, nil
}

// writePNG marks a picture that may have transparency: what is not below the
// mark keeps it.
func (m *Marker) writePNG(ctx context.Context, img image.Image, orientation int, chunks []byte, text string, w io.Writer) error {
	p, ok := img.(*image.NRGBA)
	if !ok {
		p = image.NewNRGBA(image.Rect(0, 0, img.Bounds().Dx(), img.Bounds().Dy()))
		draw.Draw(p, p.Rect, img, img.Bounds().Min, draw.Src)
	}
	err := m.paint(ctx, picture.Canvas{W: p.Rect.Dx(), H: p.Rect.Dy(), Orientation: orientation}, text, func(x, y int, grey, alpha uint8) {
		at := p.Pix[y*p.Stride+4*x:]
		if at[3] == opaque {
			at[0], at[1], at[2] = mix(at[0], grey, alpha), mix(at[1], grey, alpha), mix(at[2], grey, alpha)
			return
		}
		over(at, grey, alpha)
	})
	if err != nil {
		return err
	}
	insert := bytes.Clone(chunks)
	if orientation != picture.Upright {
		insert = appendChunk(insert, "eXIf", picture.TIFFWith(orientation))
	}
	e := png.Encoder{CompressionLevel: png.BestSpeed}
	return e.Encode(&splice{w: w, at: pngIntro, insert: insert}, p)
}

const opaque = 0xff

// over puts grey over a colour that one can see through.
func over(c []byte, grey, alpha uint8) {
	a, below := int(alpha), int(c[3])*(opaque-int(alpha))/opaque
	sum := a + below
	if sum == 0 {
		return
	}
	for i := range 3 {
		c[i] = uint8((int(grey)*a + int(c[i])*below) / sum) //nolint:gosec // between the two
	}
	c[3] = uint8(sum) //nolint:gosec // at most opaque
}

func appendChunk(b []byte, name string, body []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(body))) //nolint:gosec // a few bytes
	from := len(b)
	b = append(append(b, name...), body...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[from:]))
}
