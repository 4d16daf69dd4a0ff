package picture

import (
	"encoding/binary"
	"errors"
	"io"
)

const (
	pngSignature = 8              // bytes
	pngHeader    = 4 + 4 + 13 + 4 // bytes of IHDR
	// PNGIntro is the size of what comes before all other chunks.
	PNGIntro = pngSignature + pngHeader
	maxChunk = 1 << 20 // bytes of a chunk that is looked at
)

var errNoChunks = errors.New("the file does not begin with IHDR")

// PNG is what the chunks before the bytes of a picture tell.
type PNG struct {
	Canvas

	Depth  int
	Chunks []byte // those that say what its colours mean
}

// ReadPNG reads the chunks before the bytes of a picture.
func ReadPNG(r io.Reader) (h PNG, err error) {
	intro := make([]byte, PNGIntro)
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
	h.Canvas, h.Depth = Canvas{int(w), int(height), Upright}, int(intro[24])
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
			h.Orientation = OrientationOf(body[:length])
		case "iCCP":
			if colour == grey || colour == greyAlpha { // the copy is not
				continue
			}
			h.Chunks = append(append(h.Chunks, head[:]...), body...)
		case "sRGB", "gAMA", "cHRM", "pHYs":
			h.Chunks = append(append(h.Chunks, head[:]...), body...)
		}
	}
}

// Cost is what decoding takes: the points, those of a pass of an interlaced
// picture, and what they are converted to.
func (h *PNG) Cost() int64 {
	each := int64(4 + 4 + 4)
	if h.Depth > 8 {
		each = 8 + 8 + 4
	}
	return each * int64(h.W) * int64(h.H)
}
