// Package manifest is ports.Manifests: strict JSON by jsontext, JSON Schema by
// santhosh-tekuri/jsonschema.
package manifest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Manifests implements ports.Manifests.
type Manifests struct {
	text ports.Text
}

// New returns a reader of manifests that brings names into the form of text.
func New(text ports.Text) *Manifests { return &Manifests{text} }

// Read implements ports.Manifests.
func (m *Manifests) Read(r io.Reader, form ports.ManifestForm, schemas ports.ItemSchemas) ports.ManifestReader {
	items := items{nfc: m.text.NFC, schemas: schemas}
	if form == ports.ManifestNDJSON {
		return &lines{items: items, r: bufio.NewReaderSize(r, readAhead)}
	}
	limited := &allowance{r: r, left: core.MaxItemBytes}
	return &document{items: items, limited: limited, d: jsontext.NewDecoder(limited, jsontext.AllowDuplicateNames(true))}
}

const readAhead = 64 << 10

// items turns the JSON of an item into one.
type items struct {
	nfc     core.NFC
	schemas ports.ItemSchemas
	line    int64
}

func (x *items) fail(code, message string) []core.ManifestFailure {
	return []core.ManifestFailure{{Line: x.line, Code: code, Message: message}}
}

func (x *items) read(text []byte) (core.ItemDraft, []core.ManifestFailure) {
	value, err := parse(text)
	if err != nil {
		return core.ItemDraft{Line: x.line}, x.fail(core.ManifestMalformed, err.Error())
	}
	draft, failed := core.ReadItem(x.line, value, x.nfc)
	if draft.Type != "" {
		failed = append(failed, x.schemas.Validate(x.line, draft.Type, value)...)
	}
	return draft, failed
}

// lines reads an item of each line.
type lines struct {
	items

	r    *bufio.Reader
	line []byte
}

// Elsewhere implements ports.ManifestReader.
func (l *lines) Elsewhere() core.AssetID { return core.AssetID{} }

// Next implements ports.ManifestReader. Lines of nothing but white space are
// passed over.
func (l *lines) Next() (core.ItemDraft, []core.ManifestFailure, error) {
	for {
		text, err := l.next()
		if err != nil {
			return core.ItemDraft{}, nil, err
		}
		l.items.line++
		switch {
		case len(text) > core.MaxItemBytes:
			return core.ItemDraft{Line: l.items.line}, l.fail(core.ManifestTooLarge, "has more than 1 MiB"), nil
		case len(bytes.TrimSpace(text)) == 0:
			continue
		}
		draft, failed := l.read(text)
		return draft, failed, nil
	}
}

// next returns the next line. Of one that is too long, it keeps no more than
// shows that.
func (l *lines) next() ([]byte, error) {
	l.line = l.line[:0]
	for {
		part, err := l.r.ReadSlice('\n')
		if room := core.MaxItemBytes + 1 - len(l.line); len(part) > 0 {
			l.line = append(l.line, part[:min(len(part), max(room, 0))]...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(l.line) > 0:
			return l.line, nil
		case err != nil:
			return nil, err
		default:
			return bytes.TrimSuffix(l.line, []byte("\n")), nil
		}
	}
}

// allowance ends a source that gives more than it may at once.
type allowance struct {
	r    io.Reader
	left int
}

// errAllowance says that an item goes on for too long.
var errAllowance = errors.New("the item is too large")

// Read implements io.Reader.
func (a *allowance) Read(b []byte) (int, error) {
	if a.left <= 0 {
		return 0, errAllowance
	}
	n, err := a.r.Read(b[:min(len(b), a.left)])
	a.left -= n
	return n, err
}

// document reads the items of one JSON value.
type document struct {
	items

	limited   *allowance
	d         *jsontext.Decoder
	inside    bool // the list of items
	over      bool
	names     map[string]bool
	elsewhere core.AssetID
}

// Elsewhere implements ports.ManifestReader.
func (x *document) Elsewhere() core.AssetID { return x.elsewhere }

// Next implements ports.ManifestReader.
func (x *document) Next() (core.ItemDraft, []core.ManifestFailure, error) {
	if x.over {
		return core.ItemDraft{}, nil, io.EOF
	}
	x.limited.left = core.MaxItemBytes + readAhead
	text, err := x.next()
	switch {
	case err == nil && text == nil:
		x.over = true
		return core.ItemDraft{}, nil, io.EOF
	case err == nil:
		x.line++
		if len(text) > core.MaxItemBytes {
			return core.ItemDraft{Line: x.line}, x.fail(core.ManifestTooLarge, "has more than 1 MiB"), nil
		}
		draft, failed := x.read(text)
		return draft, failed, nil
	}
	x.over = true
	x.line++
	if errors.Is(err, errAllowance) {
		return core.ItemDraft{Line: x.line}, x.fail(core.ManifestTooLarge, "has more than 1 MiB; what comes after it was not read"), nil
	}
	broken, isBroken := errors.AsType[*brokenError](err)
	syntax, isSyntax := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case isBroken:
		return core.ItemDraft{Line: x.line}, x.fail(core.ManifestMalformed, broken.Error()), nil
	case isSyntax, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		at := x.d.InputOffset()
		if isSyntax {
			at = syntax.ByteOffset
		}
		return core.ItemDraft{Line: x.line}, x.fail(core.ManifestMalformed, fmt.Sprintf("the manifest is not valid JSON in UTF-8: see byte %d; what comes after it was not read", at)), nil
	}
	return core.ItemDraft{}, nil, err // of the source
}

// brokenError says what a document must not be.
type brokenError struct{ message string }

// Error implements error.
func (e *brokenError) Error() string { return e.message }

var errDocument = &brokenError{`the manifest must be one object with a list of items, or with a manifest_asset_id: {"items": […]}`}

// next returns the JSON of the next item, nil after the last.
func (x *document) next() ([]byte, error) {
	if x.names == nil {
		x.names = make(map[string]bool)
		if t, err := x.d.ReadToken(); err != nil || t.Kind() != '{' {
			return nil, orElse(err, errDocument)
		}
	}
	for !x.inside {
		t, err := x.d.ReadToken()
		switch {
		case err != nil:
			return nil, err
		case t.Kind() == '}':
			return nil, x.end()
		}
		if err := x.member(t.String()); err != nil {
			return nil, err
		}
	}
	if x.d.PeekKind() == ']' {
		if _, err := x.d.ReadToken(); err != nil {
			return nil, err
		}
		x.inside = false
		return x.next()
	}
	return x.d.ReadValue()
}

func (x *document) member(name string) error {
	if x.names[name] || len(x.names) > 0 {
		return errDocument
	}
	x.names[name] = true
	switch name {
	case "items":
		t, err := x.d.ReadToken()
		if err != nil || t.Kind() != '[' {
			return orElse(err, errDocument)
		}
		x.inside = true
		return nil
	case "manifest_asset_id":
		t, err := x.d.ReadToken()
		if err != nil {
			return err
		}
		if t.Kind() != '"' || x.elsewhere.UnmarshalText([]byte(t.String())) != nil || x.elsewhere.IsZero() {
			return &brokenError{"manifest_asset_id must be a UUID"}
		}
		return nil
	}
	return errDocument
}

// end makes sure that there was something, and that nothing comes after it.
func (x *document) end() error {
	if len(x.names) == 0 {
		return errDocument
	}
	x.limited.left = core.MaxItemBytes
	if _, err := x.d.ReadToken(); !errors.Is(err, io.EOF) {
		return orElse(err, errDocument)
	}
	return nil
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// number is a JSON number that every database keeps, or an error.
func number(text string) (json.Number, error) {
	const maxDigits = 1000
	n := json.Number(text)
	f, err := n.Float64()
	if err != nil || len(text) > maxDigits {
		return "", errors.New("has a number that is out of range")
	}
	if f == 0 && !isZero(text) {
		return "", errors.New("has a number that is too near to zero")
	}
	return n, nil
}

func isZero(text string) bool {
	for _, c := range []byte(text) {
		switch {
		case c == 'e' || c == 'E':
			return true
		case c >= '1' && c <= '9':
			return false
		}
	}
	return true
}
