package manifest

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed-755a8038/coffer/core"
)

// parse reads one JSON value, and refuses what parsers read differently or not
// at all, as the API does of every body: text that is not UTF-8, NUL, names that
// are repeated or differ in case only, depth, numbers that are out of range, and
// anything after the value.
func parse(text []byte) (any, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowDuplicateNames(true)) // which value looks for itself
	v, err := value(d)
	if err == nil {
		_, err = d.ReadToken()
		if errors.Is(err, io.EOF) {
			return v, nil
		}
		if err == nil {
			err = errors.New("is more than one JSON value")
		}
	}
	if _, ok := errors.AsType[*jsontext.SyntacticError](err); ok || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return nil, errors.New("is not valid JSON in UTF-8")
	}
	return nil, err
}

func value(d *jsontext.Decoder) (any, error) {
	t, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	switch t.Kind() {
	case 't', 'f':
		return t.Bool(), nil
	case '"':
		return plain(t.String())
	case '0':
		return number(t.String())
	case '[':
		return list(d)
	case '{':
		return object(d)
	default: // null: the decoder refuses all else
		return nil, nil //nolint:nilnil // null
	}
}

func plain(s string) (string, error) {
	if strings.IndexByte(s, 0) >= 0 {
		return "", errors.New("has text with NUL")
	}
	return s, nil
}

var errDeep = errors.New("has more than 64 levels")

func list(d *jsontext.Decoder) (any, error) {
	if d.StackDepth() > core.MaxJSONDepth {
		return nil, errDeep
	}
	out := []any{}
	for d.PeekKind() != ']' {
		v, err := value(d)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	_, err := d.ReadToken()
	return out, err
}

func object(d *jsontext.Decoder) (any, error) {
	if d.StackDepth() > core.MaxJSONDepth {
		return nil, errDeep
	}
	out := make(map[string]any)
	var folded map[string]struct{} // where it differs from the name
	for d.PeekKind() != '}' {
		t, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		name, err := plain(t.String())
		if err != nil {
			return nil, err
		}
		if folded == nil {
			folded = make(map[string]struct{})
		}
		// The long way round, because some lower-case letters share an upper-case one.
		key := strings.ToLower(strings.ToUpper(name))
		if _, ok := folded[key]; ok {
			return nil, errors.New("has an object with two members of one name, or whose names differ in case only")
		}
		folded[key] = struct{}{}
		if out[name], err = value(d); err != nil {
			return nil, err
		}
	}
	_, err := d.ReadToken()
	return out, err
}
