package watermark

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"io"

	"github.com/seed-755a8038/coffer/core"
)

// A PDF says how to find its parts in streams that are compressed, a thousand
// times at most each: what they hold is measured before it is believed.
const (
	maxStream    = 64 << 20  // bytes of one stream, of those that are no pictures
	maxStreams   = 512 << 20 // bytes of all of them
	maxStructure = 24 << 20  // bytes of those that hold further objects

	perStructure = 12 // bytes of memory that a byte of structure takes
	perFile      = 3  // and a byte of the file: read, kept, written
)

// scan is a look at a PDF that decodes nothing into memory.
type scan struct {
	all       *io.SectionReader
	r         *bufio.Reader
	at        int64  // of r
	before    []byte // what came last
	streams   int64
	structure int64
}

// scanPDF returns how much memory reading a PDF takes.
func scanPDF(ctx context.Context, all *io.SectionReader) (int64, error) {
	const buffer = 64 << 10
	if _, err := all.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	s := &scan{all: all, r: bufio.NewReaderSize(all, buffer)}
	for {
		found, err := s.next()
		if err == nil && found {
			err = errors.Join(ctx.Err(), s.stream())
		}
		if errors.Is(err, io.EOF) {
			return perFile*all.Size() + perStructure*s.structure + tileCost, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

// next reads to the letter that may end the word stream, and reports whether it
// does.
func (s *scan) next() (bool, error) {
	const kept = 2 << 10
	part, err := s.r.ReadSlice('m')
	if errors.Is(err, bufio.ErrBufferFull) {
		err = nil
	}
	s.at += int64(len(part))
	s.before = append(s.before, part...)
	if extra := len(s.before) - kept; extra > 0 {
		s.before = append(s.before[:0], s.before[extra:]...)
	}
	return bytes.HasSuffix(s.before, []byte("stream")) && !bytes.HasSuffix(s.before, []byte("endstream")), err
}

// stream measures the stream that begins here.
func (s *scan) stream() error {
	dict := s.before
	begin := bytes.LastIndex(dict, []byte(" obj"))
	dict = dict[max(begin, 0):]
	has := func(word string) bool { return bytes.Contains(dict, []byte(word)) }
	holds := begin < 0 || has("/First") || has("ObjStm") || has("XRef") || has("#") // or hides what it is
	switch {
	case holds && (has("LZW") || has("RunLength") || has("/RL") || has("ASCII") || bytes.Count(dict, []byte("/FlateDecode")) > 1):
		return core.CannotWatermark(core.UnmarkableTooLarge) // once more compressed
	case !holds && (has("/Image") || !has("/Fl")):
		return nil // nothing here decodes it
	}
	start := s.at
	for {
		b, err := s.r.Peek(int(start-s.at) + 1)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil { // so much space is none that programs leave
			return damaged(err)
		}
		if c := b[len(b)-1]; c != ' ' && c != '\r' && c != '\n' {
			break
		}
		start++
	}
	n := inflated(io.NewSectionReader(s.all, start, s.all.Size()-start))
	s.streams += n
	if holds {
		s.structure += n
	}
	if n > maxStream || s.streams > maxStreams || s.structure > maxStructure {
		return core.CannotWatermark(core.UnmarkableTooLarge)
	}
	return nil
}

// inflated returns how many bytes a stream decompresses to, as far as it does.
func inflated(r io.Reader) int64 {
	z, err := zlib.NewReader(r)
	if err != nil {
		return 0
	}
	n, _ := io.Copy(io.Discard, io.LimitReader(z, maxStream+1)) // the decoder tells what is wrong
	return n
}
