package watermark

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"strings"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"

	"github.com/seed-755a8038/coffer/core"
)

// The library would make itself a directory in the user's home.
func init() { api.DisableConfigDir() } //nolint:gochecknoinits // before anything asks it for its configuration

const (
	markFont, markState = "CofferMarkFont", "CofferMarkState" // in the resources of a page

	maxObjects = 1_000_000
	maxDepth   = 64 // of the tree of pages
)

func (m *Marker) planPDF(ctx context.Context, r *io.SectionReader, text string) (job, error) {
	cost, err := scanPDF(ctx, r)
	if err != nil {
		return job{}, err
	}
	return job{"application/pdf", cost, func(_ context.Context, r io.ReadSeeker, w io.Writer) error {
		return markPDF(r, w, text)
	}}, nil
}

func configuration() *model.Configuration {
	c := model.NewDefaultConfiguration()
	c.Cmd, c.ValidationMode, c.Offline = model.ADDWATERMARKS, model.ValidationRelaxed, true
	c.Optimize, c.OptimizeBeforeWriting = false, false
	c.Limits.MaxStreamBytes, c.Limits.MaxDecodeBytes = math.MaxInt32, maxStream
	c.Limits.MaxObjectCount, c.Limits.MaxXRefEntries, c.Limits.MaxObjectStreamCount = maxObjects, maxObjects, maxObjects
	return c
}

func markPDF(r io.ReadSeeker, w io.Writer, text string) error {
	ctx, err := api.ReadAndValidate(r, configuration())
	switch {
	case errors.Is(err, pdfcpu.ErrWrongPassword):
		return core.CannotWatermark(core.UnmarkableEncrypted)
	case err != nil:
		return damaged(err)
	case ctx.Encrypt != nil:
		return core.CannotWatermark(core.UnmarkableEncrypted)
	}
	for _, e := range ctx.Table {
		if e != nil && !e.Free && carries(e.Object, 0) {
			return core.CannotWatermark(core.UnmarkableAttachments)
		}
	}
	s := &stamper{Context: ctx, text: text, pages: make(map[int]bool), marks: make(map[look]types.IndirectRef)}
	if err := s.prepare(); err != nil {
		return damaged(err)
	}
	root, err := ctx.Pages()
	if err == nil && root != nil {
		err = s.walk(*root, inherited{}, 0)
	}
	if err == nil && len(s.pages) == 0 {
		err = errors.New("the file has no pages")
	}
	if err == nil {
		err = api.WriteContext(ctx, w)
	}
	return damaged(err)
}

// carries reports whether an object has a file in it. It removes forms that are
// shown in the place of pages, and would be without the mark.
func carries(o types.Object, depth int) bool {
	if depth > maxDepth {
		return false
	}
	var d types.Dict
	switch o := o.(type) {
	case types.Dict:
		d = o
	case types.StreamDict:
		d = o.Dict
	case types.Array:
		for _, x := range o {
			if carries(x, depth+1) {
				return true
			}
		}
	}
	delete(d, "XFA")
	for key, x := range d {
		if key == "EF" || carries(x, depth+1) {
			return true
		}
	}
	return false
}

// stamper writes the mark on pages. Pages of one size share it.
type stamper struct {
	*model.Context

	text        string
	pages       map[int]bool // marked, by the number of their object
	open        types.IndirectRef
	font, state types.IndirectRef
	marks       map[look]types.IndirectRef
}

// look is how a page is shown.
type look struct {
	x, y, w, h float64
	rotate     int
}

// inherited is what pages have of what is above them.
type inherited struct {
	resources, media, crop, rotate types.Object
}

// prepare makes what all pages share.
func (s *stamper) prepare() (err error) {
	add := func(o types.Object) types.IndirectRef {
		var ref *types.IndirectRef
		if err != nil {
			return types.IndirectRef{}
		}
		if ref, err = s.IndRefForNewObject(o); err != nil {
			return types.IndirectRef{}
		}
		return *ref
	}
	s.font = add(types.Dict{
		"Type": types.Name("Font"), "Subtype": types.Name("Type1"), "BaseFont": types.Name("Helvetica-Bold"), "Encoding": types.Name("WinAnsiEncoding"),
	})
	s.state = add(types.Dict{
		"Type": types.Name("ExtGState"), "CA": types.Float(strength), "ca": types.Float(strength), "BM": types.Name("Normal"), "SMask": types.Name("None"),
	})
	open, failed := s.content("q\n")
	s.open = open
	return errors.Join(err, failed)
}

func (s *stamper) content(text string) (types.IndirectRef, error) {
	sd, err := s.NewStreamDictForBuf([]byte(text))
	if err != nil {
		return types.IndirectRef{}, err
	}
	if err := sd.Encode(); err != nil {
		return types.IndirectRef{}, err
	}
	ref, err := s.IndRefForNewObject(*sd)
	if err != nil {
		return types.IndirectRef{}, err
	}
	return *ref, nil
}

// walk goes through the tree of pages and marks each once.
func (s *stamper) walk(ref types.IndirectRef, in inherited, depth int) error {
	n := ref.ObjectNumber.Value()
	if depth > maxDepth || s.pages[n] {
		return nil
	}
	d, err := s.DereferenceDict(ref)
	if err != nil || d == nil {
		return errors.Join(err, fmt.Errorf("page tree: object %d is no dictionary", n))
	}
	for key, at := range map[string]*types.Object{"Resources": &in.resources, "MediaBox": &in.media, "CropBox": &in.crop, "Rotate": &in.rotate} {
		if o, ok := d.Find(key); ok {
			*at = o
		}
	}
	kids, ok := d.Find("Kids")
	if !ok {
		s.pages[n] = true
		return s.page(d, in)
	}
	list, err := s.DereferenceArray(kids)
	if err != nil {
		return err
	}
	for _, kid := range list {
		ref, ok := kid.(types.IndirectRef)
		if !ok {
			return errors.New("page tree: a page is no object of its own")
		}
		if err := s.walk(ref, in, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (s *stamper) page(d types.Dict, in inherited) error {
	l, err := s.look(in)
	if err != nil {
		return err
	}
	mark, ok := s.marks[l]
	if !ok {
		if mark, err = s.content(l.mark(s.text)); err != nil {
			return err
		}
		s.marks[l] = mark
	}
	if d["Resources"], err = s.resources(in.resources); err != nil {
		return err
	}
	contents := types.Array{s.open}
	if o, ok := d.Find("Contents"); ok && o != nil {
		target, err := s.Dereference(o)
		if err != nil {
			return err
		}
		if list, ok := target.(types.Array); ok {
			contents = append(contents, list...)
		} else if target != nil {
			contents = append(contents, o)
		}
	}
	d["Contents"] = append(contents, mark)
	delete(d, "Thumb") // a picture of the page without the mark
	delete(d, "PieceInfo")
	return nil
}

// look returns what is seen of a page.
func (s *stamper) look(in inherited) (look, error) {
	media, err := s.box(in.media)
	if err != nil {
		return look{}, err
	}
	if crop, err := s.box(in.crop); err == nil {
		x, y := max(media.x, crop.x), max(media.y, crop.y)
		cut := look{x: x, y: y, w: min(media.x+media.w, crop.x+crop.w) - x, h: min(media.y+media.h, crop.y+crop.h) - y}
		if cut.w > 0 && cut.h > 0 {
			media = cut
		}
	}
	if o, err := s.Dereference(in.rotate); err == nil {
		if n, ok := o.(types.Integer); ok {
			media.rotate = modulo(n.Value(), 360) //nolint:mnd // degrees
		}
	}
	return media, nil
}

func (s *stamper) box(o types.Object) (look, error) {
	const corners = 4
	a, err := s.DereferenceArray(o)
	if err != nil || len(a) != corners {
		return look{}, errors.Join(err, errors.New("a page has no size"))
	}
	var n [corners]float64
	for i, o := range a {
		if n[i], err = s.DereferenceNumber(o); err != nil {
			return look{}, err
		}
	}
	l := look{x: min(n[0], n[2]), y: min(n[1], n[3]), w: math.Abs(n[2] - n[0]), h: math.Abs(n[3] - n[1])}
	const most = 1e6
	if !(l.w > 0 && l.h > 0 && l.w < most && l.h < most && math.Abs(l.x) < most && math.Abs(l.y) < most) {
		return look{}, errors.New("a page has no size that can be")
	}
	return l, nil
}

// resources returns a page's resources with what the mark needs. They may be
// those of other pages, too, so they are left as they are.
func (s *stamper) resources(o types.Object) (types.Dict, error) {
	own, err := s.copied(o)
	if err != nil {
		return nil, err
	}
	for _, kind := range []struct {
		key, name string
		ref       types.IndirectRef
	}{{"Font", markFont, s.font}, {"ExtGState", markState, s.state}} {
		group, err := s.copied(own[kind.key])
		if err != nil {
			return nil, err
		}
		group[kind.name] = kind.ref
		own[kind.key] = group
	}
	return own, nil
}

func (s *stamper) copied(o types.Object) (types.Dict, error) {
	out := types.NewDict()
	if o == nil {
		return out, nil
	}
	d, err := s.DereferenceDict(o)
	maps.Copy(out, d)
	return out, err
}

// mark returns the content that writes the text over all of a page, level with
// how the page is turned.
func (l look) mark(text string) string {
	const (
		perSide, least, most = 24.0, 5.0, 40.0 // letters
		letter, gap, pitch   = 0.6, 3.0, 6.0   // of their size: width, between texts, between lines
		lines                = 60
	)
	size := min(max(min(l.w, l.h)/perSide, least), most)
	diagonal := math.Hypot(l.w, l.h)
	if width := letter * size * float64(len(text)); width > diagonal {
		size = max(least, size*diagonal/width)
	}
	width := letter*size*float64(len(text)) + gap*size
	height := max(pitch*size, diagonal/lines)
	sin, cos := math.Sincos(float64(slope+l.rotate) * math.Pi / 180)
	var b strings.Builder
	fmt.Fprintf(&b, "\nQ\nq\n/%s gs\nBT\n/%s %.2f Tf\n2 Tr %.2f w 1 1 1 RG 0.2 0.2 0.2 rg\n", markState, markFont, size, size/30) //nolint:mnd // a thin edge
	shown := strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`).Replace(text)
	for i, v := 0, -diagonal/2; v < diagonal/2; i, v = i+1, v+height {
		for u := -diagonal/2 - width*float64(i%2)/2; u < diagonal/2; u += max(width, diagonal/lines) {
			x, y := l.x+l.w/2+u*cos-v*sin, l.y+l.h/2+u*sin+v*cos
			fmt.Fprintf(&b, "%.4f %.4f %.4f %.4f %.2f %.2f Tm (%s) Tj\n", cos, sin, -sin, cos, x, y, shown)
		}
	}
	b.WriteString("ET\nQ\n")
	return b.String()
}
