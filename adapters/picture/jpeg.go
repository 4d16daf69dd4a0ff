package picture

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"strings"
)

const maxProfile = 4 << 20 // bytes of colour profile that are kept

var errNoFrame = errors.New("the file has no frame header")

// JPEG is what the segments before the bytes of a picture tell.
type JPEG struct {
	Canvas

	Progressive bool
	Planes      int     // 1, 3 or 4
	Samples     float64 // for each point, over all planes
	Raw         bool    // its planes are colours that have to be converted
	Profile     [][]byte
}

// ReadJPEG reads the segments up to the frame header.
func ReadJPEG(r io.Reader) (h JPEG, err error) {
	b := bufio.NewReader(r)
	if _, err := b.Discard(2); err != nil {
		return h, err
	}
	h.Orientation = Upright
	size := 0
	for {
		marker, body, err := nextSegment(b)
		if err != nil {
			return h, err
		}
		switch {
		case marker == 0xe1 && strings.HasPrefix(string(body), "Exif\x00\x00"):
			h.Orientation = OrientationOf(body[6:])
		case marker == 0xe2 && strings.HasPrefix(string(body), "ICC_PROFILE\x00"):
			if size += len(body); size <= maxProfile {
				h.Profile = append(h.Profile, body)
			}
		case marker == 0xee && len(body) >= 12 && strings.HasPrefix(string(body), "Adobe"):
			h.Raw = body[11] == 0
		case marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc:
			h.Progressive = marker == 0xc2
			if size > maxProfile { // a part of one is none
				h.Profile = nil
			}
			err := h.frame(body)
			return h, err
		case marker == 0xda, marker == 0xd9:
			return h, errNoFrame
		}
	}
}

// nextSegment reads a marker and what belongs to it.
func nextSegment(b *bufio.Reader) (marker byte, body []byte, err error) {
	for c := byte(0); c != 0xff; { // what is between segments is skipped
		if c, err = b.ReadByte(); err != nil {
			return 0, nil, err
		}
	}
	for marker = 0xff; marker == 0xff; {
		if marker, err = b.ReadByte(); err != nil {
			return 0, nil, err
		}
	}
	if marker == 0 || marker == 1 || marker >= 0xd0 && marker <= 0xd9 { // no segments
		return marker, nil, nil
	}
	var length [2]byte
	if _, err := io.ReadFull(b, length[:]); err != nil {
		return 0, nil, err
	}
	n := int(binary.BigEndian.Uint16(length[:])) - len(length)
	if n < 0 {
		return 0, nil, errNoFrame
	}
	body = make([]byte, n)
	_, err = io.ReadFull(b, body)
	return marker, body, err
}

// frame reads a frame header.
func (h *JPEG) frame(b []byte) error {
	const fixed, each = 6, 3
	if len(b) < fixed || len(b) < fixed+each*int(b[5]) || b[5] == 0 {
		return errNoFrame
	}
	h.H, h.W, h.Planes = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:])), int(b[5])
	var most, sum float64
	usual := true // colour in one point for one, two or four of brightness
	for i := range h.Planes {
		factors := b[fixed+each*i+1]
		usual = usual && (i == 0 && strings.IndexByte("\x11\x12\x21\x22", factors) >= 0 || factors == 0x11)
		area := float64(factors>>4) * float64(factors&0xf)
		most, sum = max(most, area), sum+area
	}
	if most == 0 {
		return errNoFrame
	}
	if h.Samples = max(1, sum/most); !usual { // all planes may have to be of one size
		h.Samples = float64(h.Planes)
	}
	return nil
}

// Cost returns what decoding takes, in bytes of memory at most: the planes, of a progressive one their
// coefficients, and what they have to be converted to.
func (h *JPEG) Cost() int64 {
	const coefficient, converted, cmyk = 4, 4, 4 // bytes
	each := h.Samples
	if h.Progressive {
		each += coefficient * h.Samples
	}
	if h.Planes == cmyk {
		each += cmyk + converted
	} else if h.Raw {
		each += converted
	}
	return int64(each * float64(h.W) * float64(h.H))
}
