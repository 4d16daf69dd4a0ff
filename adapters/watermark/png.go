package watermark

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/draw"
	"image/png"
	"io"
)

const (
	pngSignature = 8              // bytes
	pngHeader    = 4 + 4 + 13 + 4 // bytes of IHDR
	pngIntro     = pngSignature + pngHeader
	maxChunk     = 1 << 20 // bytes of a chunk that is looked at
)

var errNoChunks = errors.New("the file does not begin with IHDR")

// pngHead is what the chunks before the bytes of a picture tell.
type pngHead struct {
	canvas

	depth  int
	chunks []byte // those that say what its colours mean
}

func readPNGHead(r io.Reader) (h pngHead, err error) {
	intro := make([]byte, pngIntro)
	if _, err := io.ReadFull(r, intro); err != nil {
		return h, err
	}
	if string(intro[12:16]) != "IHDR" {
		return h, errNoChunks
	}
	w, height := binary.BigEndian.Uint32(intro[16:]), binary.BigEndian.Uint32(intro[20:])
	const most = 1<<31 - 1
	if w > most || height > most {
		return h, errNoChunks
	}
	const grey, greyAlpha = 0, 4
	colour := intro[25]
	h.canvas, h.depth = canvas{int(w), int(height), upright}, int(intro[24])
	for {
		var head [8]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return h, err
		}
		name, length := string(head[4:]), int64(binary.BigEndian.Uint32(head[:4]))
		const sum = 4
		if name == "IDAT" || name == "IEND" {
			return h, nil
		}
		if length > maxChunk {
			if _, err := io.CopyN(io.Discard, r, length+sum); err != nil {
				return h, err
			}
			continue
		}
		body := make([]byte, length+sum)
		if _, err := io.ReadFull(r, body); err != nil {
			return h, err
		}
		switch name {
		case "eXIf":
			h.orientation = orientationOf(body[:length])
		case "iCCP":
			if colour == grey || colour == greyAlpha { // the copy is not
				continue
			}
			h.chunks = append(append(h.chunks, head[:]...), body...)
		case "sRGB", "gAMA", "cHRM", "pHYs":
			h.chunks = append(append(h.chunks, head[:]...), body...)
		}
	}
}

// cost is what decoding takes: the points, those of a pass of an interlaced
// picture, and what they are converted to.
func (h *pngHead) cost() int64 {
	each := int64(4 + 4 + 4)
	if h.depth > 8 {
		each = 8 + 8 + 4
	}
	return each*int64(h.w)*int64(h.h) + tileCost
}

func (m *Marker) planPNG(r io.Reader, text string) (job, error) {
	h, err := readPNGHead(r)
	if err != nil {
		return job{}, damaged(err)
	}
	if err := m.check(h.canvas); err != nil {
		return job{}, err
	}
	return job{"image/png", h.cost(), func(ctx context.Context, r io.ReadSeeker, w io.Writer) error {
		img, err := png.Decode(r)
		if err != nil {
			return damaged(err)
		}
		return m.writePNG(ctx, img, h.orientation, h.chunks, text, w)
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
	err := m.paint(ctx, canvas{p.Rect.Dx(), p.Rect.Dy(), orientation}, text, func(x, y int, grey, alpha uint8) {
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
	if orientation != upright {
		insert = appendChunk(insert, "eXIf", tiffWith(orientation))
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
