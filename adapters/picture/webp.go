package picture

import (
	"encoding/binary"
	"errors"
	"io"
)

var errNoPicture = errors.New("the file has no still picture")

// WebP is what the chunks of a WebP file tell.
type WebP struct {
	Canvas

	Lossy bool // and without transparency
}

// ReadWebP walks over all chunks, of which none may be larger than the
// canvas.
func ReadWebP(r io.ReadSeeker) (h WebP, err error) {
	const header, top, most = 12, 8, 30
	h.Orientation = Upright
	if _, err := r.Seek(header, io.SeekStart); err != nil {
		return h, err
	}
	alpha := false
	for {
		var head [top]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			if h.W > 0 && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) {
				h.Lossy = h.Lossy && !alpha
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
			h.Lossy = true
		case name == "VP8L" && len(body) >= 5:
			bits := binary.LittleEndian.Uint32(body[1:])
			h.grow(1+int(bits&0x3fff), 1+int(bits>>14&0x3fff))
		case name == "ALPH":
			alpha = true
		case name == "ANIM", name == "ANMF":
			return h, errNoPicture
		case name == "EXIF":
			h.Orientation = OrientationOf(body)
		}
	}
}

func (h *WebP) grow(w, height int) { h.W, h.H = max(h.W, w), max(h.H, height) }
