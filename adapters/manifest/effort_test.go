package manifest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/manifest"
	"github.com/seed-755a8038/coffer/core"
)

// doubling is a schema whose references double at each of n levels.
func doubling(n int, leaf string) string {
	var b strings.Builder
	b.WriteString(`{"$ref": "#/$defs/a0", "$defs": {`)
	for i := range n {
		fmt.Fprintf(&b, `"a%d": {"allOf": [{"$ref": "#/$defs/a%d"}, {"$ref": "#/$defs/a%d"}]}, `, i, i+1, i+1)
	}
	fmt.Fprintf(&b, `"a%d": %s}}`, n, leaf)
	return b.String()
}

func TestASchemaThatDoublesIsRefusedWhenItIsSet(t *testing.T) {
	for _, text := range []string{
		doubling(40, `true`), doubling(40, `false`), doubling(40, `{"type": "string"}`), doubling(40, `{"const": 1}`), doubling(40, `{"enum": [1]}`),
		strings.ReplaceAll(doubling(40, `{"type": "string"}`), "allOf", "anyOf"), strings.ReplaceAll(doubling(40, `false`), "allOf", "oneOf"),
		strings.Replace(doubling(40, `{"type": "string"}`), "{", `{"$schema": "http://json-schema.org/draft-07/schema#", `, 1),
		strings.Replace(doubling(40, `{"type": "string"}`), "{", `{"$schema": "https://json-schema.org/draft/2019-09/schema", `, 1),
		`{"pattern": "` + strings.Repeat("a", 1001) + `"}`, `{"pattern": "` + strings.Repeat("a{1000}", 100) + `"}`, `{"patternProperties": {"` + strings.Repeat("(a|b){500}", 90) + `": true}}`,
	} {
		_, err := manifest.New(plain{}).Schemas("body.item_schemas", core.ItemSchemas{"x": json.RawMessage(text)})
		e, ok := errors.AsType[*core.Error](err)
		if !ok || e.Kind != core.KindInvalid || e.Fields[0].Location != "body.item_schemas.x" {
			t.Errorf("%.100s: %v", text, err)
		}
	}
}

func TestAnItemThatTakesTooLongToCheckFails(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 55) + `1` + strings.Repeat(`}`, 55)
	item := func(data string) any {
		var v any
		if err := json.Unmarshal([]byte(`{"external_id":"a","type":"x","data":`+data+`}`), &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	many := "[" + strings.Repeat("1,", 100_000) + "1]"
	texts := `["` + strings.Repeat("a", 500_000) + `b"]`
	for text, data := range map[string]string{
		// alternatives at each level of the item
		`{"$defs": {"d": {"anyOf": [{"properties": {"a": {"$ref": "#/$defs/d"}}, "required": ["z"]}, {"properties": {"a": {"$ref": "#/$defs/d"}}, "required": ["y"]}]}}, "properties": {"data": {"$ref": "#/$defs/d"}}}`: deep,
		`{"properties": {"data": {"items": {"enum": [` + strings.Repeat(`"a",`, 3000) + `"b"]}}}}`:                                                                                                                       many,
		`{"properties": {"data": {"items": {"allOf": [` + strings.Repeat(`{"type": "string"},`, 100) + `{}]}}}}`:                                                                                                         many,
		`{"properties": {"data": {"items": {"pattern": "^(a|a|a|a)*(a{1,200}){1,4}c$"}}}}`:                                                                                                                               texts,
	} {
		s := schemas(t, map[string]string{"x": text})
		failed := s.Validate(1, "x", item(data))
		if len(failed) != 1 || failed[0].Code != core.ManifestComplex || failed[0].Line != 1 {
			t.Errorf("%.120s: %d failures, %.300v", text, len(failed), failed)
		}
		// One does not spoil those after it, and not so many hold up the rest.
		if failed := s.Validate(2, "x", item("[]")); len(failed) != 0 && failed[0].Code == core.ManifestComplex {
			t.Errorf("%.120s: a small item: %v", text, failed)
		}
	}
	s := schemas(t, map[string]string{"x": `{"properties": {"data": {"items": {"minimum": 1}}}}`})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if failed := s.Validate(1, "x", item(many)); len(failed) != 0 {
				t.Errorf("a large item that is right: %.300v", failed)
			}
			if failed := s.Validate(1, "x", item(strings.ReplaceAll(many, "1", "0"))); len(failed) != 1000 {
				t.Errorf("%d failures", len(failed))
			}
		})
	}
	wg.Wait()
}

func TestAfterSomeItemsThatTakeTooLongNoneIsTried(t *testing.T) {
	s := schemas(t, map[string]string{"x": `{"$defs": {"d": {"properties": {"a": {"allOf": [{"$ref": "#/$defs/d"}, {"$ref": "#/$defs/d"}]}}}}, "properties": {"data": {"$ref": "#/$defs/d"}}}`})
	var deep any = 1.0
	for range 40 {
		deep = map[string]any{"a": deep}
	}
	hard := map[string]any{"data": deep}
	for range 3 {
		s.Validate(1, "x", hard)
	}
	began := time.Now()
	for range 1000 {
		if failed := s.Validate(1, "x", hard); len(failed) != 1 || failed[0].Code != core.ManifestComplex {
			t.Fatalf("%v", failed)
		}
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("took %v", took)
	}
}

// FuzzSchema: whatever a schema says, it is refused, or an item is checked by it
// in a bounded time.
func FuzzSchema(f *testing.F) {
	for _, text := range []string{
		`true`, `{"type":"object","properties":{"data":{"$ref":"#/$defs/d"}},"$defs":{"d":{"anyOf":[{"$ref":"#/$defs/d"},{"items":{"$ref":"#/$defs/d"}}]}}}`, doubling(20, `{"type":"string"}`), `{"$dynamicRef":"#x","$dynamicAnchor":"x"}`,
		`{"$recursiveRef":"#","$schema":"https://json-schema.org/draft/2019-09/schema"}`, `{"pattern":"(a*)*b","format":"regex"}`, `{"unevaluatedProperties":false,"allOf":[{"properties":{"data":true}}]}`, `{"$id":"http://x/","$ref":"http://x/#"}`, `{"multipleOf":1e-300}`, `{"const":{},"enum":[[]]}`, `{"if":{"not":{}},"then":false,"else":{"contains":{"$ref":"#"}}}`, `{"$ref":"#/properties/data"}`,
	} {
		f.Add(text)
	}
	item := map[string]any{"external_id": "a", "type": "x", "data": map[string]any{"a": []any{json.Number("1"), "b", nil, map[string]any{"a": []any{true}}}}}
	f.Fuzz(func(t *testing.T, text string) {
		began := time.Now()
		s, err := manifest.New(plain{}).Schemas("body.item_schemas", core.ItemSchemas{"x": json.RawMessage(text)})
		if err != nil {
			if e, ok := errors.AsType[*core.Error](err); !ok || e.Kind != core.KindInvalid || len(e.Fields) != 1 {
				t.Errorf("%v", err)
			}
			return
		}
		for _, failure := range s.Validate(1, "x", item) {
			if failure.Code != core.ManifestSchema && failure.Code != core.ManifestComplex || failure.Message == "" {
				t.Errorf("%+v", failure)
			}
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("took %v", took)
		}
	})
}
