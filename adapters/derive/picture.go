package derive

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"

	"go.n16f.net/thumbhash"
	"golang.org/x/image/draw"
	"golang.org/x/image/webp"

	"github.com/seed-755a8038/coffer/adapters/picture"
	"github.com/seed-755a8038/coffer/core"
)

// head is what is known of a picture before it is decoded.
type head struct {
	picture.Canvas

	cost   int64 // bytes of memory that decoding it takes at most
	decode func(io.Reader) (image.Image, error)
}

var errKind = errors.New("it is no picture of a known kind")

// probe finds out what a picture is, by its bytes: what it is called does not count.
func probe(r io.ReadSeeker) (h head, err error) {
	const most = 12
	start := make([]byte, most)
	n, err := io.ReadFull(r, start)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return h, err
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return h, err
	}
	switch start = start[:n]; {
	case bytes.HasPrefix(start, []byte("\xff\xd8\xff")):
		p, err := picture.ReadJPEG(r)
		return head{p.Canvas, p.Cost(), jpeg.Decode}, err
	case bytes.HasPrefix(start, []byte("\x89PNG\r\n\x1a\n")):
		p, err := picture.ReadPNG(r)
		return head{p.Canvas, p.Cost(), png.Decode}, err
	case bytes.HasPrefix(start, []byte("GIF8")):
		p, err := picture.ReadGIF(r, 0) // the first frame is enough
		return head{p.Canvas, 2 * int64(p.W) * int64(p.H), gif.Decode}, err
	case bytes.HasPrefix(start, []byte("RIFF")) && n == most && string(start[8:]) == "WEBP":
		p, err := picture.ReadWebP(r)
		const each = 8 // bytes: decoded, and on the way
		return head{p.Canvas, each * int64(p.W) * int64(p.H), webp.Decode}, err
	}
	return h, errKind
}

// look makes pictures of a picture.
func look(r request) (a answer, err error) {
	f, err := os.Open(r.Picture)
	if err != nil {
		return a, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h, err := probe(f)
	switch {
	case errors.Is(err, errKind):
		return a, core.CannotDerive(core.UnderivableType)
	case err != nil:
		return a, damaged(err)
	case h.W <= 0 || h.H <= 0:
		return a, core.CannotDerive(core.UnderivableDamaged)
	case int64(h.W)*int64(h.H) > r.MaxPixels, h.cost+scaling(h.Canvas, core.PosterSide) > r.MemoryBytes:
		return a, core.CannotDerive(core.UnderivableTooLarge)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return a, err
	}
	img, err := h.decode(f)
	if err != nil {
		return a, damaged(err)
	}
	if b := img.Bounds(); b.Empty() {
		return a, core.CannotDerive(core.UnderivableDamaged)
	}
	a.Width, a.Height = h.Seen()
	if r.Poster {
		if a.Poster, err = encode(shrink(img, h.Orientation, core.PosterSide)); err != nil {
			return a, err
		}
	}
	small := shrink(img, h.Orientation, core.ThumbnailSide)
	const hashed = 100 // pixels wide and high: what the hash is made for
	a.Placeholder = thumbhash.EncodeImage(shrink(small, picture.Upright, hashed))
	a.Thumbnail, err = encode(small)
	return a, err
}

func damaged(err error) error {
	return fmt.Errorf("%w: %w", core.CannotDerive(core.UnderivableDamaged), err)
}

// scaling is what memory shrinking takes: four numbers for each point of columns
// that are shrunk already.
func scaling(c picture.Canvas, side int) int64 {
	const each = 4 * 8 // bytes
	w, _ := fit(c.W, c.H, side)
	return each*int64(w)*int64(c.H) + each*int64(side)*int64(side)
}

// fit returns the size within a square, of something that is not made larger.
func fit(w, h, side int) (int, int) {
	long := max(w, h)
	if long <= side {
		return w, h
	}
	return max(1, w*side/long), max(1, h*side/long)
}

// shrink returns a picture as it is seen, within a square.
func shrink(img image.Image, orientation, side int) *image.NRGBA {
	b := img.Bounds()
	w, h := fit(b.Dx(), b.Dy(), side)
	small := image.NewNRGBA(image.Rect(0, 0, w, h))
	draw.CatmullRom.Scale(small, small.Rect, img, b, draw.Src, nil)
	if orientation == picture.Upright || orientation == 0 {
		return small
	}
	c := picture.Canvas{W: w, H: h, Orientation: orientation}
	tx, ty := c.Turn()
	sw, sh := c.Seen()
	seen := image.NewNRGBA(image.Rect(0, 0, sw, sh))
	for y := range h {
		for x := range w {
			seen.SetNRGBA(tx[0]*x+tx[1]*y+tx[2], ty[0]*x+ty[1]*y+ty[2], small.NRGBAAt(x, y))
		}
	}
	return seen
}

// encode writes a picture as JPEG, or as PNG if one can see through it. Nothing
// of what the original says of itself is in it.
func encode(img *image.NRGBA) ([]byte, error) {
	const quality = 82
	var b bytes.Buffer
	if !img.Opaque() {
		err := png.Encode(&b, img)
		return b.Bytes(), err
	}
	err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality})
	return b.Bytes(), err
}
