package core

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ErrAnnotationAuthor reports that somebody wants to change what another one says.
var ErrAnnotationAuthor = ErrForbidden.Say("only its author may change an annotation; whoever manages the dataset may delete it")

// AnnotationID identifies an annotation.
type AnnotationID = ID[Annotation]

// AnnotationKind says what an annotation is about.
type AnnotationKind string

// The kinds of annotation.
const (
	AnnotationComment AnnotationKind = "comment" // a text
	AnnotationLabel   AnnotationKind = "label"   // a name for the item
	AnnotationRegion  AnnotationKind = "region"  // a part of an image or a page
	AnnotationRange   AnnotationKind = "range"   // a part of a time or a text
)

// Limits of annotations.
const (
	MaxAnnotationText = 10_000 // bytes

	maxAnnotationPage = 1_000_000
	maxRangeEnd       = 1_000_000_000
	roundingError     = 1e-9 // of x + width
)

// Annotation is what somebody says about an item. It belongs to the item's
// external id, and so to the item of that id in each version.
type Annotation struct {
	ID         AnnotationID
	OrgID      OrgID
	DatasetID  DatasetID
	ExternalID string
	Number     int64 // of the version it was made in
	AuthorID   AccountID
	Kind       AnnotationKind
	Body       json.RawMessage // an object
	Version    int64
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// AnnotationVersion is what an annotation said before it was changed.
type AnnotationVersion struct {
	AnnotationID AnnotationID
	OrgID        OrgID
	Version      int64
	Kind         AnnotationKind
	Body         json.RawMessage
	At           time.Time // when it became so
}

// NewAnnotation returns what an account says about an item.
func NewAnnotation(id AnnotationID, f ItemFacts, kind AnnotationKind, body json.RawMessage, now time.Time) *Annotation {
	return &Annotation{
		ID: id, OrgID: f.OrgID, DatasetID: f.Dataset.ID, ExternalID: f.Item.ExternalID, Number: f.Number, AuthorID: f.AccountID,
		Kind: kind, Body: body, Version: 1, CreatedAt: now, UpdatedAt: now,
	}
}

// Change makes the annotation say something else, and returns what it said.
func (a *Annotation) Change(kind AnnotationKind, body json.RawMessage, now time.Time) *AnnotationVersion {
	was := &AnnotationVersion{AnnotationID: a.ID, OrgID: a.OrgID, Version: a.Version, Kind: a.Kind, Body: a.Body, At: a.UpdatedAt}
	a.Kind, a.Body, a.UpdatedAt = kind, body, now
	a.Version++
	return was
}

// CanChangeAnnotation refuses a change by anybody but the author.
func CanChangeAnnotation(f DatasetFacts, a *Annotation) error {
	if err := CanInDataset(f, DatasetView); err != nil {
		return err
	}
	if a.AuthorID != f.AccountID {
		return ErrAnnotationAuthor
	}
	return CanInDataset(f, DatasetAnnotate)
}

// CanDeleteAnnotation allows it to the author, and to whoever manages the dataset.
func CanDeleteAnnotation(f DatasetFacts, a *Annotation) error {
	if CanInDataset(f, DatasetManage) == nil {
		return nil
	}
	return CanChangeAnnotation(f, a)
}

// CleanAnnotation returns the body of an annotation in the form in which it is
// stored, or says what of it is not as its kind needs it.
func CleanAnnotation(kind AnnotationKind, body map[string]any, nfc NFC) (json.RawMessage, error) {
	b := annotationBody{given: body, nfc: nfc, clean: make(map[string]any, len(body))}
	switch kind {
	case AnnotationComment:
		b.text(true)
	case AnnotationLabel:
		b.label(true)
		b.number("confidence", 0, 1, false)
		b.text(false)
	case AnnotationRegion:
		b.region()
	case AnnotationRange:
		b.span()
	default:
		return nil, Invalid("body.kind", "must be comment, label, region or range")
	}
	if b.err == nil {
		b.strangers(kind)
	}
	if b.err != nil {
		return nil, b.err
	}
	return AppendCanonical(nil, b.clean), nil
}

// annotationBody is a body of which each member is looked at in turn, until one
// is not as it has to be.
type annotationBody struct {
	given, clean map[string]any
	nfc          NFC
	err          error
}

func (b *annotationBody) fail(name, message string) {
	if b.err == nil {
		b.err = Invalid("body.body."+name, message)
	}
}

// member returns a member, and whether there is one to look at.
func (b *annotationBody) member(name string, required bool) (any, bool) {
	v, ok := b.given[name]
	if !ok || v == nil {
		if required {
			b.fail(name, "is required")
		}
		return nil, false
	}
	return v, true
}

func (b *annotationBody) text(required bool) {
	b.words("text", required, func(at, raw string) (string, error) { return CleanProse(at, raw, MaxAnnotationText, b.nfc) })
}

func (b *annotationBody) label(required bool) {
	b.words("label", required, func(at, raw string) (string, error) { return CleanTitle(at, raw, b.nfc) })
}

func (b *annotationBody) words(name string, required bool, clean func(at, raw string) (string, error)) {
	v, ok := b.member(name, required)
	if !ok || b.err != nil {
		return
	}
	raw, ok := v.(string)
	if !ok || strings.TrimSpace(raw) == "" {
		b.fail(name, "must be a text that is not empty")
		return
	}
	b.clean[name], b.err = clean("body.body."+name, raw)
}

func (b *annotationBody) number(name string, low, high float64, required bool) float64 {
	v, ok := b.member(name, required)
	if !ok {
		return 0
	}
	n, ok := v.(float64)
	if !ok || math.IsNaN(n) || n < low || n > high {
		b.fail(name, fmt.Sprintf("must be a number from %g to %.0f", low, high))
		return 0
	}
	b.clean[name] = json.Number(strconv.FormatFloat(n, 'f', -1, 64))
	return n
}

// region is a rectangle, in parts of the width and the height of what it is on.
func (b *annotationBody) region() {
	x, y := b.number("x", 0, 1, true), b.number("y", 0, 1, true)
	width, height := b.number("width", 0, 1, true), b.number("height", 0, 1, true)
	switch {
	case b.err != nil:
	case width == 0:
		b.fail("width", "must be more than 0")
	case height == 0:
		b.fail("height", "must be more than 0")
	case x+width > 1+roundingError:
		b.fail("width", "reaches beyond the right edge: x + width must be 1 at most")
	case y+height > 1+roundingError:
		b.fail("height", "reaches beyond the lower edge: y + height must be 1 at most")
	}
	b.whole("page", 1, maxAnnotationPage, false)
	b.text(false)
	b.label(false)
}

func (b *annotationBody) whole(name string, low, high float64, required bool) float64 {
	n := b.number(name, low, high, required)
	if n != math.Trunc(n) {
		b.fail(name, "must be a whole number")
	}
	return n
}

// span is from start to before end.
func (b *annotationBody) span() {
	unit, _ := b.given["unit"].(string)
	var start, end float64
	switch unit {
	case "seconds":
		start, end = b.number("start", 0, maxRangeEnd, true), b.number("end", 0, maxRangeEnd, true)
	case "chars":
		start, end = b.whole("start", 0, maxRangeEnd, true), b.whole("end", 0, maxRangeEnd, true)
	default:
		b.fail("unit", "must be seconds or chars")
	}
	if b.err == nil && end <= start {
		b.fail("end", "must be more than start")
	}
	b.clean["unit"] = unit
	b.text(false)
	b.label(false)
}

// strangers refuses members that the kind does not have.
func (b *annotationBody) strangers(kind AnnotationKind) {
	for name, v := range b.given {
		if _, ok := b.clean[name]; !ok && v != nil {
			b.err = Invalid("body.body", fmt.Sprintf("has a member that a %s does not have; it may have %s", kind, annotationMembers[kind]))
			return
		}
	}
}

var annotationMembers = map[AnnotationKind]string{
	AnnotationComment: "text",
	AnnotationLabel:   "label, confidence and text",
	AnnotationRegion:  "x, y, width, height, page, label and text",
	AnnotationRange:   "start, end, unit, label and text",
}
