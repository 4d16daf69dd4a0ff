package picture

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

const frameCost = 24 << 10 // bytes that a frame takes beside its points: palettes

// GIF is what the blocks of a GIF tell.
type GIF struct {
	Canvas

	Frames int
	Points int64 // of all frames
}

// ReadGIF walks over all blocks without decoding any.
func ReadGIF(r io.Reader, most int64) (h GIF, err error) {
	const top, image, extension, end = 13, 0x2c, 0x21, 0x3b
	b := bufio.NewReader(r)
	head := make([]byte, top)
	if _, err := io.ReadFull(b, head); err != nil {
		return h, err
	}
	h.Canvas = Canvas{int(binary.LittleEndian.Uint16(head[6:])), int(binary.LittleEndian.Uint16(head[8:])), Upright}
	if err := skipPalette(b, head[10]); err != nil {
		return h, err
	}
	for {
		kind, err := b.ReadByte()
		switch {
		case err != nil && h.Frames > 0 && errors.Is(err, io.EOF), kind == end:
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
			h.Frames++
			h.Points += int64(binary.LittleEndian.Uint16(d[4:])) * int64(binary.LittleEndian.Uint16(d[6:]))
			if h.Cost() > most { // no need to see the rest
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

// Cost returns how many bytes of memory decoding all frames takes at most.
func (h *GIF) Cost() int64 { return h.Points + int64(h.Frames)*frameCost }
