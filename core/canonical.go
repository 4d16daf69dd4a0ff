package core

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// AppendCanonical appends a JSON value in the one form in which every database
// keeps it as it is: names sorted, nothing between tokens, numbers without
// exponents, nothing escaped that need not be. v is of nil, bool, string,
// json.Number, []any and map[string]any.
func AppendCanonical(b []byte, v any) []byte {
	switch v := v.(type) {
	case bool:
		return strconv.AppendBool(b, v)
	case string:
		return appendQuoted(b, v)
	case json.Number:
		return append(b, canonicalNumber(string(v))...)
	case []any:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = AppendCanonical(b, e)
		}
		return append(b, ']')
	case map[string]any:
		b = append(b, '{')
		for i, name := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendQuoted(b, name), ':')
			b = AppendCanonical(b, v[name])
		}
		return append(b, '}')
	}
	return append(b, "null"...)
}

// canonicalNumber writes a number without an exponent: as it is given if it has
// none, else as the nearest float64.
func canonicalNumber(text string) string {
	if strings.ContainsAny(text, "eE") {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsInf(f, 0) { // no number that has passed the checks
			return "null"
		}
		text = strconv.FormatFloat(f, 'f', -1, 64)
	}
	if strings.Trim(text, "-0.") == "" { // zero has no sign
		return strings.TrimPrefix(text, "-")
	}
	return text
}

func appendQuoted(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, '\\', 'b')
		case '\f':
			b = append(b, '\\', 'f')
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(b, s[from:]...), '"')
}
