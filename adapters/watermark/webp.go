package watermark

import (
	"context"
	"image"
	"io"

	"golang.org/x/image/webp"

	"github.com/seed-755a8038/coffer/adapters/picture"
)

func (m *Marker) planWebP(r io.ReadSeeker, text string) (job, error) {
	h, err := picture.ReadWebP(r)
	if err != nil {
		return job{}, damaged(err)
	}
	if err := m.check(h.Canvas); err != nil {
		return job{}, err
	}
	const each = 4 + 4 + 4 // bytes: decoded, on the way, converted
	j := job{"image/png", each*int64(h.W)*int64(h.H) + tileCost, func(ctx context.Context, r io.ReadSeeker, w io.Writer) error {
		img, err := webp.Decode(r)
		if err != nil {
			return damaged(err)
		}
		if ycbcr, ok := img.(*image.YCbCr); ok && h.Lossy {
			return m.writeJPEG(ctx, ycbcr, h.Orientation, nil, text, w)
		}
		return m.writePNG(ctx, img, h.Orientation, nil, text, w)
	}}
	if h.Lossy {
		j.contentType = "image/jpeg"
	}
	return j, nil
}
