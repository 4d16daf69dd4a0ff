package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed-755a8038/coffer/core"
)

// maxJSONDepth is how deep objects and arrays may be in each other.
const maxJSONDepth = 64

// format is JSON as the API reads and writes it. A body has passed checkJSON
// before it is decoded.
var format = huma.Format{Marshal: encode, Unmarshal: decode}

// Text that is not UTF-8 cannot have come in by the API; should the database
// hold some, it is shown with replacement characters rather than not at all.
var outOptions = json.JoinOptions(jsontext.AllowInvalidUTF8(true), json.Deterministic(true))

// encode writes v as JSON, or an answer that is ready as it is.
func encode(w io.Writer, v any) error {
	if r, ok := v.(*ready); ok {
		_, err := w.Write(r.answer)
		return err
	}
	return json.MarshalWrite(w, v, outOptions)
}

// decode reads checked JSON. The names of its members are those of v exactly,
// and there are no others.
func decode(data []byte, v any) error {
	err := json.Unmarshal(data, v, json.RejectUnknownMembers(true))
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		return fmt.Errorf("%s: has the wrong type or is out of range", dotted(e.JSONPointer))
	}
	return err
}

// checkJSON refuses what JSON parsers read differently or not at all, so that
// nothing behind it has to: text that is not UTF-8, NUL, names that are
// repeated or differ in case only, depth, numbers beyond a float64, and
// anything after the value.
func checkJSON(data []byte) error {
	d := jsontext.NewDecoder(bytes.NewBuffer(data))
	c := jsonChecker{d: d, data: data}
	for {
		t, err := d.ReadToken()
		switch {
		case errors.Is(err, io.EOF) && c.values == 1:
			return nil
		case errors.Is(err, io.EOF):
			return malformedJSON("the body must be one JSON value")
		case err != nil:
			return c.syntax(err)
		}
		if err := c.token(t); err != nil {
			return err
		}
	}
}

type jsonChecker struct {
	d      *jsontext.Decoder
	data   []byte
	values int                   // at the top level, so far
	names  []map[string]struct{} // of the objects around the token, folded
}

func (c *jsonChecker) token(t jsontext.Token) error {
	depth := c.d.StackDepth()
	switch t.Kind() { //nolint:exhaustive // null, true and false can do no harm
	case '{', '[':
		if depth > maxJSONDepth {
			return malformedJSON("the body has more than 64 levels")
		}
		c.names = append(c.names, nil)
	case '}', ']':
		c.names = c.names[:len(c.names)-1]
	case '"':
		if err := c.text(t.String()); err != nil {
			return err
		}
	case '0':
		if f, err := strconv.ParseFloat(t.String(), 64); err != nil || math.IsInf(f, 0) {
			return core.Invalid(dotted(c.d.StackPointer()), "is out of range")
		}
	}
	if depth == 0 {
		if c.values++; c.values > 1 {
			return malformedJSON("the body must be one JSON value")
		}
	}
	return nil
}

func (c *jsonChecker) text(s string) error {
	if strings.IndexByte(s, 0) >= 0 {
		return malformedJSON("text in the body must not contain NUL")
	}
	kind, n := c.d.StackIndex(c.d.StackDepth())
	if kind != '{' || n%2 == 0 { // a value: names are the odd ones
		return nil
	}
	top := len(c.names) - 1
	if c.names[top] == nil {
		c.names[top] = make(map[string]struct{})
	}
	// The long way round, because some lower-case letters share an upper-case one.
	folded := strings.ToLower(strings.ToUpper(s))
	if _, ok := c.names[top][folded]; ok {
		return malformedJSON("an object in the body has two members of one name, or whose names differ in case only")
	}
	c.names[top][folded] = struct{}{}
	return nil
}

// syntax says where the body is not JSON, without repeating what is there.
func (c *jsonChecker) syntax(err error) error {
	e, ok := errors.AsType[*jsontext.SyntacticError](err)
	if !ok {
		return malformedJSON("the body is not valid JSON")
	}
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return malformedJSON("an object in the body has two members of one name, or whose names differ in case only")
	}
	before := c.data[:min(max(e.ByteOffset, 0), int64(len(c.data)))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - bytes.LastIndexByte(before, '\n')
	return malformedJSON(fmt.Sprintf("the body is not valid JSON in UTF-8: see line %d, byte %d", line, column))
}

func malformedJSON(message string) error {
	return &core.Error{Kind: core.KindMalformed, Code: "malformed_json", Message: message}
}

// dotted returns a location in the body in the form of errors: body.tags[2].
func dotted(p jsontext.Pointer) string {
	var b strings.Builder
	b.WriteString("body")
	for token := range p.Tokens() {
		if _, err := strconv.ParseUint(token, 10, 32); err == nil {
			b.WriteString("[" + token + "]")
			continue
		}
		b.WriteString("." + token)
	}
	return b.String()
}

// marshal returns what encode writes.
func marshal(v any) ([]byte, error) { return json.Marshal(v, outOptions) }
