package httpapi

import (
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// describeNulls says of each member that can be null that it can. huma says so of
// text, numbers and booleans, and neither of ids, nor of objects, which it keeps
// once for all who refer to them, nor in the list of the words that a member can be.
func describeNulls(schemas huma.Registry) {
	const refs = "#/components/schemas/"
	for name, s := range schemas.Map() {
		if t := schemas.TypeFromRef(refs + name); t != nil {
			nullFields(s, t)
		}
		for _, p := range s.Properties {
			nullWord(p)
		}
	}
}

// nullFields looks at the members of an object that is made of a struct.
func nullFields(s *huma.Schema, t reflect.Type) {
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		p := s.Properties[name]
		if p == nil || f.Type.Kind() != reflect.Pointer || strings.HasPrefix(options, "omit") {
			continue
		}
		switch {
		case p.Ref != "":
			p.AnyOf, p.Ref = []*huma.Schema{{Ref: p.Ref}, {Type: "null"}}, ""
		case p.Type != "":
			p.Nullable = true
		}
	}
}

func nullWord(p *huma.Schema) {
	if p.Nullable && len(p.Enum) > 0 && p.Enum[len(p.Enum)-1] != nil {
		p.Enum = append(p.Enum, nil)
	}
}

// orNothing returns what a member is if it is not null, and whether it can be.
func orNothing(s *huma.Schema) (*huma.Schema, bool) {
	if len(s.AnyOf) > 1 && s.AnyOf[1].Type == "null" {
		return s.AnyOf[0], true
	}
	return s, s.Nullable
}
