package watermark

import (
	"context"
	"encoding/binary"
	"errors"
	"image"
	"io"

	"golang.org/x/image/webp"
)

var errNoPicture = errors.New("the file has no still picture")

// webpHead is what the chunks of a WebP file tell.
type webpHead struct {
	canvas

	lossy bool // and without transparency
}

// readWebPHead walks over all chunks, of which none may be larger than the
// canvas.
func readWebPHead(r io.ReadSeeker) (h webpHead, err error) {
	const header, top, most = 12, 8, 30
	h.orientation = upright
	if _, err := r.Seek(header, io.SeekStart); err != nil {
		return h, err
	}
	alpha := false
	for {
		var head [top]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			if h.w > 0 && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) {
				h.lossy = h.lossy && !alpha
				return h, nil
			}
			return h, errors.Join(errNoPicture, err)
		}
		length := int64(binary.LittleEndian.Uint32(head[4:]))
		length += length & 1
		body := make([]byte, min(length, most))
		name := string(head[:4])
		if name == "EXIF" {
			body = make([]byte, min(length, maxChunk))
		}
		if _, err := io.ReadFull(r, body); err != nil {
			return h, err
		}
		if _, err := r.Seek(length-int64(len(body)), io.SeekCurrent); err != nil {
			return h, err
		}
		switch {
		case name == "VP8X" && len(body) >= 10:
			h.grow(1+int(body[4])|int(body[5])<<8|int(body[6])<<16, 1+int(body[7])|int(body[8])<<8|int(body[9])<<16)
		case name == "VP8 " && len(body) >= 10:
			h.grow(int(binary.LittleEndian.Uint16(body[6:])&0x3fff), int(binary.LittleEndian.Uint16(body[8:])&0x3fff))
			h.lossy = true
		case name == "VP8L" && len(body) >= 5:
			bits := binary.LittleEndian.Uint32(body[1:])
			h.grow(1+int(bits&0x3fff), 1+int(bits>>14&0x3fff))
		case name == "ALPH":
			alpha = true
		case name == "ANIM", name == "ANMF":
			return h, errNoPicture
		case name == "EXIF":
			h.orientation = orientationOf(body)
		}
	}
}

func (h *webpHead) grow(w, height int) { h.w, h.h = max(h.w, w), max(h.h, height) }

func (m *Marker) planWebP(r io.ReadSeeker, text string) (job, error) {
	h, err := readWebPHead(r)
	if err != nil {
		return job{}, damaged(err)
	}
	if err := m.check(h.canvas); err != nil {
		return job{}, err
	}
	const each = 4 + 4 + 4 // bytes: decoded, on the way, converted
	j := job{"image/png", each*int64(h.w)*int64(h.h) + tileCost, func(ctx context.Context, r io.ReadSeeker, w io.Writer) error {
		img, err := webp.Decode(r)
		if err != nil {
			return damaged(err)
		}
		if ycbcr, ok := img.(*image.YCbCr); ok && h.lossy {
			return m.writeJPEG(ctx, ycbcr, h.orientation, nil, text, w)
		}
		return m.writePNG(ctx, img, h.orientation, nil, text, w)
	}}
	if h.lossy {
		j.contentType = "image/jpeg"
	}
	return j, nil
}
