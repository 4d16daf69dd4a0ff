package manifest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/seed-755a8038/coffer/adapters/manifest"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type plain struct{}

// NFC implements ports.Text.
func (plain) NFC(s string) string { return s }

func schemas(t testing.TB, all map[string]string) ports.ItemSchemas {
	t.Helper()
	in := core.ItemSchemas{}
	for name, text := range all {
		in[name] = json.RawMessage(text)
	}
	out, err := manifest.New(plain{}).Schemas("body.item_schemas", in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// all reads a manifest as "line:external_id" and "line pointer code".
func all(t testing.TB, r io.Reader, form ports.ManifestForm, s ports.ItemSchemas) (found []string, elsewhere core.AssetID, err error) {
	t.Helper()
	m := manifest.New(plain{}).Read(r, form, s)
	for {
		item, failed, err := m.Next()
		if errors.Is(err, io.EOF) {
			return found, m.Elsewhere(), nil
		}
		if err != nil {
			return found, core.AssetID{}, err
		}
		if len(failed) == 0 {
			found = append(found, fmt.Sprintf("%d:%s", item.Line, item.ExternalID))
		}
		for _, f := range failed {
			found = append(found, fmt.Sprintf("%d %s %s", f.Line, f.Pointer, f.Code))
		}
	}
}

const (
	one = `{"external_id":"a","type":"x"}`
	two = `{"external_id":"b","type":"x"}`
	id  = "0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"
)

var large = `{"external_id":"c","type":"x","title":"` + strings.Repeat("a", core.MaxItemBytes) + `"}`

func TestAManifestIsRead(t *testing.T) {
	s := schemas(t, map[string]string{"x": "true", "n": `{"properties":{"data":{"required":["n"],"properties":{"n":{"type":"integer"},"when":{"format":"date"}}}}}`})
	for _, c := range []struct {
		form       ports.ManifestForm
		text, want string
	}{
		{ports.ManifestNDJSON, "", ""},
		{ports.ManifestNDJSON, one + "\n\n \r\n" + two, "1:a, 4:b"},
		{ports.ManifestNDJSON, one + "\n{\n" + two + "\n" + one + one, "1:a, 2  malformed_json, 3:b, 4  malformed_json"},
		{ports.ManifestNDJSON, large + "\n" + two + "\n", "1  item_too_large, 2:b"},
		{ports.ManifestNDJSON, `{"external_id":"a","type":"x","Type":"x"}`, "1  malformed_json"},
		{ports.ManifestNDJSON, `{"external_id":"a","type":"x","data":{"a":1,"A":1}}`, "1  malformed_json"},
		{ports.ManifestNDJSON, `{"external_id":"a\u0000","type":"x"}`, "1  malformed_json"},
		{ports.ManifestNDJSON, `{"external_id":"a","type":"x","data":{"n":1e999}}`, "1  malformed_json"},
		{ports.ManifestNDJSON, `{"external_id":"a","type":"x","data":{"n":1e-999999999}}`, "1  malformed_json"},
		{ports.ManifestNDJSON, `{"external_id":"a","type":"x","data":{"n":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}}`, "1  malformed_json"},
		{ports.ManifestNDJSON, "{\"external_id\":\"\xff\",\"type\":\"x\"}", "1  malformed_json"},
		{ports.ManifestNDJSON, `{"external_id":"a","type":"y"}`, "1 /type type_unknown"},
		{ports.ManifestNDJSON, `{"external_id":"a","type":"n","data":{"n":1.5,"when":"today"}}`, "1 /data/n schema, 1 /data/when schema"},
		{ports.ManifestNDJSON, `{"external_id":"a","type":"n","data":{}}`, "1 /data/n schema"},
		{ports.ManifestJSON, `{"items":[` + one + `,` + two + `]}`, "1:a, 2:b"},
		{ports.ManifestJSON, ` {"items" : [ ] } `, ""},
		{ports.ManifestJSON, `{"items":[` + one + `,` + two, "1:a, 2:b, 3  malformed_json"},
		{ports.ManifestJSON, `{"items":[` + one + `],"items":[]}`, "1:a, 2  malformed_json"},
		{ports.ManifestJSON, `{"items":[` + one + `],"more":1}`, "1:a, 2  malformed_json"},
		{ports.ManifestJSON, `{"items":[` + one + `]} x`, "1:a, 2  malformed_json"},
		{ports.ManifestJSON, `{"items":[` + one + `,` + large + `]}`, "1:a, 2  item_too_large"},
		{ports.ManifestJSON, `{"items":[` + one + `,` + large + strings.Repeat(" ", 200_000) + `]}`, "1:a, 2  item_too_large"},
		{ports.ManifestJSON, `{"items":[{"external_id":"` + strings.Repeat("a", 3<<20), "1  item_too_large"},
		{ports.ManifestJSON, `[]`, "1  malformed_json"},
		{ports.ManifestJSON, ``, "1  malformed_json"},
		{ports.ManifestJSON, `{}`, "1  malformed_json"},
		{ports.ManifestJSON, `{"items":{}}`, "1  malformed_json"},
		{ports.ManifestJSON, `{"manifest_asset_id":"x"}`, "1  malformed_json"},
		{ports.ManifestJSON, `{"manifest_asset_id":"` + id + `"}`, ""},
	} {
		for name, r := range map[string]io.Reader{"whole": strings.NewReader(c.text), "in pieces": iotest.HalfReader(strings.NewReader(c.text))} {
			found, elsewhere, err := all(t, r, c.form, s)
			if got := strings.Join(found, ", "); got != c.want || err != nil {
				t.Errorf("%s %.80q %s: %s %v, want %s", c.form, c.text, name, got, err, c.want)
			}
			if want := strings.Contains(c.text, id); elsewhere.IsZero() == want {
				t.Errorf("%.80q leads to %s", c.text, elsewhere)
			}
		}
	}
}

func TestAnErrorOfTheSourceIsNoFailure(t *testing.T) {
	s := schemas(t, map[string]string{"x": "true"})
	for _, form := range []ports.ManifestForm{ports.ManifestNDJSON, ports.ManifestJSON} {
		text := map[ports.ManifestForm]string{ports.ManifestNDJSON: one + "\n" + two[:9], ports.ManifestJSON: `{"items":[` + one + "," + two[:9]}[form]
		found, _, err := all(t, io.MultiReader(strings.NewReader(text), iotest.ErrReader(core.ErrUnavailable)), form, s)
		if !errors.Is(err, core.ErrUnavailable) || strings.Join(found, ",") != "1:a" {
			t.Errorf("%s: %v %v", form, found, err)
		}
	}
}

func TestSchemasAreChecked(t *testing.T) {
	for text, want := range map[string]string{
		`{`: "not valid JSON", `1`: "must be a JSON Schema", `{"type":"thing"}`: "is no JSON Schema", `{"$ref":"https://example.com/x.json"}`: "nothing but itself",
		`{"$ref":"file:///etc/passwd"}`: "nothing but itself", `{"pattern":"(?=a)"}`: "is no JSON Schema", `{"$ref":"#/$defs/none"}`: "is no JSON Schema",
	} {
		_, err := manifest.New(plain{}).Schemas("body.item_schemas", core.ItemSchemas{"x": json.RawMessage(text)})
		e, ok := errors.AsType[*core.Error](err)
		if !ok || e.Fields[0].Location != "body.item_schemas.x" || !strings.Contains(e.Message, want) || strings.Contains(e.Message, "item:schema") {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	schemas(t, map[string]string{"a": `{"$schema":"https://json-schema.org/draft/2020-12/schema","$defs":{"n":{"type":"number"}},"properties":{"data":{"$ref":"#/$defs/n"}}}`, "b": "false"})
}

// FuzzManifest reads whatever there is: it ends, tells no more items than lines,
// and what it takes is stored in one form.
func FuzzManifest(f *testing.F) {
	for _, text := range []string{
		one + "\n" + two, `{"items":[` + one + `,` + two + `]}`, `{"manifest_asset_id":"` + id + `"}`, `{"items":[`, "\n\n", `{"external_id":"a","type":"x","data":{"a":[1,2.50,1e9,"é",null,{"b":{}}]},"tags":["b","a"],"assets":[{"role":"main","path":"a/b"}]}`,
		`{"items":[{"external_id":"é","type":"n","data":{"n":-0.0}}]}`, "\ufeff" + one, `{"items":[` + one + `]}{}`,
	} {
		f.Add(text, true)
		f.Add(text, false)
	}
	s := schemas(f, map[string]string{"x": "true", "n": `{"properties":{"data":{"properties":{"n":{"multipleOf":0.5}}}}}`})
	f.Fuzz(func(t *testing.T, text string, lines bool) {
		form := ports.ManifestJSON
		if lines {
			form = ports.ManifestNDJSON
		}
		m := manifest.New(plain{}).Read(strings.NewReader(text), form, s)
		for n := 0; ; n++ {
			item, failed, err := m.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil || n > len(text)+1 {
				t.Fatalf("%d items, %v", n, err)
			}
			if len(failed) > 0 {
				continue
			}
			if item.ExternalID == "" || item.Type == "" || !json.Valid(item.Data) {
				t.Errorf("%+v", item)
			}
			d := json.NewDecoder(strings.NewReader(string(item.Data)))
			d.UseNumber()
			var v any
			if err := d.Decode(&v); err != nil || string(core.AppendCanonical(nil, v)) != string(item.Data) {
				t.Errorf("%s is not the one form: %v", item.Data, err)
			}
		}
	})
}
