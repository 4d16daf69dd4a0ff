package derive

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/seed-755a8038/coffer/core"
)

// maxText is how many bytes of a text are read: more than have words that count.
const maxText = 64 << 20

// read returns the words of a text.
func read(r request) (words []string, err error) {
	f, err := os.Open(r.Text)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var c collector
	switch in := io.LimitReader(f, maxText); r.Kind {
	case core.DerivableJSON:
		err = c.json(in)
	case core.DerivableCues:
		err = c.lines(in, true)
	default:
		err = c.lines(in, false)
	}
	return c.words, err
}

// collector keeps each word of a text once, as long as there is room.
type collector struct {
	words []string
	seen  map[string]bool
	bytes int
	full  bool
}

func (c *collector) add(text string) {
	if c.seen == nil {
		c.seen = make(map[string]bool)
	}
	core.EachWord(text, func(word string) bool {
		if word == "" || c.seen[word] {
			return true
		}
		if c.full = len(c.words) == core.MaxTextWords || c.bytes+len(word) > core.MaxTextBytes; c.full {
			return false
		}
		c.seen[word] = true
		c.words, c.bytes = append(c.words, word), c.bytes+len(word)
		return true
	})
}

// lines reads a text; of one with cues neither their numbers nor their times.
func (c *collector) lines(r io.Reader, cues bool) error {
	const longest = 64 << 10 // bytes; a longer line is read in parts
	b := bufio.NewReaderSize(r, longest)
	first := true
	for !c.full {
		part, err := b.ReadSlice('\n')
		if len(part) > 0 && first {
			if !utf8.Valid(trimPart(part)) || strings.ContainsRune(string(part), 0) {
				return core.CannotDerive(core.UnderivableType)
			}
			first = false
		}
		line := strings.TrimSpace(string(part))
		if !cues || !isTiming(line) {
			c.add(line)
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
	return nil
}

// trimPart leaves out a character of which the end is still to come.
func trimPart(b []byte) []byte {
	for range utf8.UTFMax {
		if r, size := utf8.DecodeLastRune(b); r != utf8.RuneError || size != 1 {
			break
		}
		b = b[:len(b)-1]
	}
	return b
}

// isTiming reports whether a line of WebVTT or SubRip is not spoken.
func isTiming(line string) bool {
	return strings.Contains(line, "-->") || strings.HasPrefix(line, "WEBVTT") || strings.Trim(line, "0123456789") == ""
}

// json reads all that is text in a document, names of members aside.
func (c *collector) json(r io.Reader) error {
	d := json.NewDecoder(r)
	d.UseNumber()
	var inObject []bool // at each level
	name := false       // what comes next is one
	for !c.full {
		t, err := d.Token()
		if errors.Is(err, io.EOF) && len(inObject) == 0 || err != nil && d.InputOffset() >= maxText { // of which no more is read
			return nil
		}
		if err != nil {
			return damaged(err)
		}
		switch t := t.(type) {
		case json.Delim:
			if t == '{' || t == '[' {
				inObject = append(inObject, t == '{')
			} else {
				inObject = inObject[:len(inObject)-1]
			}
			name = len(inObject) > 0 && inObject[len(inObject)-1]
			continue
		case string:
			if name {
				name = false
				continue
			}
			c.add(t)
		case json.Number:
			c.add(t.String())
		}
		name = len(inObject) > 0 && inObject[len(inObject)-1]
	}
	return nil
}
