package watermark

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/draw"
	"image/jpeg"
	"io"
	"strings"
)

const (
	jpegQuality = 90
	maxProfile  = 4 << 20 // bytes of colour profile that are kept
)

var errNoFrame = errors.New("the file has no frame header")

// jpegHead is what the segments before the bytes of a picture tell.
type jpegHead struct {
	canvas

	progressive bool
	planes      int     // 1, 3 or 4
	samples     float64 // for each point, over all planes
	raw         bool    // its planes are colours that have to be converted
	profile     [][]byte
}

// readJPEGHead reads the segments up to the frame header.
func readJPEGHead(r io.Reader) (h jpegHead, err error) {
	b := bufio.NewReader(r)
	if _, err := b.Discard(2); err != nil {
		return h, err
	}
	h.orientation = upright
	size := 0
	for {
		marker, body, err := nextSegment(b)
		if err != nil {
			return h, err
		}
		switch {
		case marker == 0xe1 && strings.HasPrefix(string(body), "Exif\x00\x00"):
			h.orientation = orientationOf(body[6:])
		case marker == 0xe2 && strings.HasPrefix(string(body), "ICC_PROFILE\x00"):
			if size += len(body); size <= maxProfile {
				h.profile = append(h.profile, body)
			}
		case marker == 0xee && len(body) >= 12 && strings.HasPrefix(string(body), "Adobe"):
			h.raw = body[11] == 0
		case marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc:
			h.progressive = marker == 0xc2
			if size > maxProfile { // a part of one is none
				h.profile = nil
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
func (h *jpegHead) frame(b []byte) error {
	const fixed, each = 6, 3
	if len(b) < fixed || len(b) < fixed+each*int(b[5]) || b[5] == 0 {
		return errNoFrame
	}
	h.h, h.w, h.planes = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:])), int(b[5])
	var most, sum float64
	usual := true // colour in one point for one, two or four of brightness
	for i := range h.planes {
		factors := b[fixed+each*i+1]
		usual = usual && (i == 0 && strings.IndexByte("\x11\x12\x21\x22", factors) >= 0 || factors == 0x11)
		area := float64(factors>>4) * float64(factors&0xf)
		most, sum = max(most, area), sum+area
	}
	if most == 0 {
		return errNoFrame
	}
	if h.samples = max(1, sum/most); !usual { // all planes may have to be of one size
		h.samples = float64(h.planes)
	}
	return nil
}

// cost is what decoding takes: the planes, of a progressive one their
// coefficients, and what they have to be converted to.
func (h *jpegHead) cost() int64 {
	const coefficient, converted, cmyk = 4, 4, 4 // bytes
	each := h.samples
	if h.progressive {
		each += coefficient * h.samples
	}
	if h.planes == cmyk {
		each += cmyk + converted
	} else if h.raw {
		each += converted
	}
	return int64(each*float64(h.w)*float64(h.h)) + tileCost
}

func (m *Marker) planJPEG(r io.Reader, text string) (job, error) {
	h, err := readJPEGHead(r)
	if err != nil {
		return job{}, damaged(err)
	}
	if err := m.check(h.canvas); err != nil {
		return job{}, err
	}
	return job{"image/jpeg", h.cost(), func(ctx context.Context, r io.ReadSeeker, w io.Writer) error {
		img, err := jpeg.Decode(r)
		if err != nil {
			return damaged(err)
		}
		const cmyk = 4
		if h.planes == cmyk {
			h.profile = nil // which is of other colours than those of the copy
		}
		return m.writeJPEG(ctx, img, h.orientation, h.profile, text, w)
	}}, nil
}

// writeJPEG marks a picture without transparency. How it is turned, and its
// colour profile, are kept; all else that was said of it is not.
func (m *Marker) writeJPEG(ctx context.Context, img image.Image, orientation int, profile [][]byte, text string, w io.Writer) error {
	b := img.Bounds()
	c := canvas{b.Dx(), b.Dy(), orientation}
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
	if orientation != upright {
		add(0xe1, append([]byte("Exif\x00\x00"), tiffWith(orientation)...))
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
