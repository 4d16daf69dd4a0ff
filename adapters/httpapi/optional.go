package httpapi

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// optional is a member of a PATCH: not set leaves things as they are, null
// clears them.
type optional[T any] struct {
	set   bool
	null  bool
	value T
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom. It is called only for a
// member that is there.
func (o *optional[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*o = optional[T]{set: true}
	if d.PeekKind() == 'n' {
		o.null = true
		return d.SkipValue()
	}
	return json.UnmarshalDecode(d, &o.value)
}

// Schema implements huma.SchemaProvider: what T is, or null.
func (optional[T]) Schema(r huma.Registry) *huma.Schema {
	s := *r.Schema(reflect.TypeFor[T](), false, "")
	s.Nullable = true
	return &s
}
