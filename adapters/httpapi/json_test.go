package httpapi

import (
	"bytes"
	"context"
	stdjson "encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-755a8038/coffer/core"
)

// echoing mounts an operation that answers what it has understood.
func (f *fixture) echoing() {
	type input struct {
		Body struct {
			Name  string            `json:"name,omitempty"`
			Count int64             `json:"count,omitempty"`
			Flag  optional[bool]    `json:"flag,omitzero"`
			Owner core.UserID       `json:"owner,omitzero" format:"uuid"`
			Extra map[string]any    `json:"extra,omitempty"`
			Inner []struct{ N int } `json:"inner,omitempty"`
		}
	}
	type output struct {
		Body struct {
			Said string `json:"said"`
		}
	}
	register(f.api, operation{id: "echo", method: http.MethodPost, path: "/echo", tag: tagHealth, public: true},
		func(_ context.Context, in *input) (*output, error) {
			var out output
			out.Body.Said = fmt.Sprintf("%q %d %v %v %v", in.Body.Name, in.Body.Count, in.Body.Flag.set, in.Body.Flag.null, in.Body.Flag.value)
			return &out, nil
		})
}

func TestBodiesAreStrict(t *testing.T) {
	f := newFixture(t, func(_ *Services, o *Options) { o.MaxBody = 2000 })
	f.echoing()
	deep := func(n int) string { return `{"extra":{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}}` }
	for name, c := range map[string]struct {
		body   string
		status int
		code   string
	}{
		"unknown field":             {`{"nick":"x"}`, 422, "validation_failed"},
		"wrong case":                {`{"Name":"x"}`, 422, "validation_failed"},
		"duplicate":                 {`{"name":"x","name":"y"}`, 400, "malformed_json"},
		"duplicate by case":         {`{"name":"x","NAME":"y"}`, 400, "malformed_json"},
		"duplicate by Kelvin":       {"{\"extra\":{\"k\":1,\"\u212a\":2}}", 400, "malformed_json"},
		"duplicate by escape":       {`{"name":"x","n\u0061me":"y"}`, 400, "malformed_json"},
		"duplicate deep":            {`{"extra":{"a":[{"b":1,"B":2}]}}`, 400, "malformed_json"},
		"invalid UTF-8":             {"{\"name\":\"\xff\"}", 400, "malformed_json"},
		"lone surrogate":            {`{"name":"\ud800"}`, 400, "malformed_json"},
		"NUL":                       {`{"name":"a\u0000b"}`, 400, "malformed_json"},
		"NUL in a name":             {`{"extra":{"a\u0000":1}}`, 400, "malformed_json"},
		"raw control character":     {"{\"name\":\"a\nb\"}", 400, "malformed_json"},
		"trailing value":            {`{} {}`, 400, "malformed_json"},
		"trailing garbage":          {`{}x`, 400, "malformed_json"},
		"truncated":                 {`{"name":`, 400, "malformed_json"},
		"comment":                   {`{/**/}`, 400, "malformed_json"},
		"byte order mark":           {"\ufeff{}", 400, "malformed_json"},
		"white space only":          {"  \n", 400, "malformed_json"},
		"empty":                     {"", 400, "malformed_json"},
		"too deep":                  {deep(63), 400, "malformed_json"},
		"too large":                 {`{"name":"` + strings.Repeat("x", 2000) + `"}`, 413, "body_too_large"},
		"array":                     {`[]`, 422, "validation_failed"},
		"null":                      {`null`, 422, "validation_failed"},
		"string":                    {`"x"`, 422, "validation_failed"},
		"number for text":           {`{"name":5}`, 422, "validation_failed"},
		"text for number":           {`{"count":"5"}`, 422, "validation_failed"},
		"fraction":                  {`{"count":1.5}`, 422, "validation_failed"},
		"whole number with a point": {`{"count":5.0}`, 422, "validation_failed"},
		"exponent":                  {`{"count":1e3}`, 422, "validation_failed"},
		"beyond int64":              {`{"count":9223372036854775808}`, 422, "validation_failed"},
		"far beyond int64":          {`{"count":1e300}`, 422, "validation_failed"},
		"beyond float64":            {`{"count":1e400}`, 422, "validation_failed"},
		"beyond float64, any":       {`{"extra":{"a":-1e999}}`, 422, "validation_failed"},
		"bad id":                    {`{"owner":"x"}`, 422, "validation_failed"},
		"other form of id":          {`{"owner":"urn:uuid:00000000-0000-0000-0000-000000000001"}`, 422, "validation_failed"},
	} {
		t.Run(name, func(t *testing.T) {
			problemIn(t, f.call("POST", "/echo", c.body, "Content-Type: application/json"), c.status, c.code)
		})
	}
	for body, want := range map[string]string{
		`{}`: `"" 0 false false false`, `{"name":"é\u00e9\ud83d\ude00"}`: `"éé😀" 0 false false false`,
		`{"count":9223372036854775807}`: `"" 9223372036854775807 false false false`,
		`{"flag":null}`:                 `"" 0 true true false`, `{"flag":true}`: `"" 0 true false true`, deep(62): `"" 0 false false false`,
		"{ \"name\" :\n\"x\"}\n": `"x" 0 false false false`, `{"extra":{"count":1,"name":2}}`: `"" 0 false false false`,
	} {
		w := f.call("POST", "/echo", body)
		var out struct{ Said string }
		if err := stdjson.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != 200 || out.Said != want {
			t.Errorf("%s: got %d %s, want %s", body, w.Code, w.Body, want)
		}
	}
}

func TestALocationInTheBodyIsNamed(t *testing.T) {
	f := newFixture(t)
	f.echoing()
	w := f.call("POST", "/echo", `{"count":9223372036854775808}`)
	if got := fmt.Sprint(problemIn(t, w, 422, "validation_failed")["errors"]); !strings.Contains(got, "location:body.count ") {
		t.Errorf("errors = %s", got)
	}
	w = f.call("POST", "/echo", "{\n \"name\": x}")
	if got := problemIn(t, w, 400, "malformed_json")["detail"]; got != "the body is not valid JSON in UTF-8: see line 2, byte 10" {
		t.Errorf("detail = %v", got)
	}
}

func TestOnlyJSONIsTaken(t *testing.T) {
	f := newFixture(t)
	f.echoing()
	for header, status := range map[string]int{
		"application/json": 200, "application/json; charset=utf-8": 200, "application/json; charset=UTF-8": 200, "Application/JSON": 200,
		"application/json; charset=latin1": 415, "application/x-www-form-urlencoded": 415, "text/plain": 415, "application/problem+json": 415,
		"application/json; ": 200, "garbage;;": 415,
	} {
		if w := f.call("POST", "/echo", `{}`, "Content-Type: "+header); w.Code != status {
			t.Errorf("%s: %d, want %d: %s", header, w.Code, status, w.Body)
		}
	}
}

func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{"a":1,"A":2}`, `[[[]]]`, `{"a":"\u0000"}`, `1e999`, `"\ud800"`, `{} {}`, "\xff", `{"a":[{"b":null}],"c":-0.1e-5}`, `{"":1,"":2}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		err := checkJSON(data)
		if !bytes.Equal(before, data) {
			t.Fatal("the body has been changed")
		}
		if err != nil {
			if k := core.KindOf(err); k != core.KindMalformed && k != core.KindInvalid {
				t.Fatalf("the error is of kind %d: %v", k, err)
			}
			return
		}
		// What passes is read alike by any reader, and survives a round trip.
		var std, ours any
		if err := stdjson.Unmarshal(data, &std); err != nil {
			t.Fatalf("encoding/json: %v", err)
		}
		if err := decode(data, &ours); err != nil {
			t.Fatalf("decode: %v", err)
		}
		a, err1 := stdjson.Marshal(std)
		b, err2 := stdjson.Marshal(ours)
		if err1 != nil || err2 != nil || !bytes.Equal(a, b) {
			t.Fatalf("%s and %s (%v, %v)", a, b, err1, err2)
		}
		if out, err := marshal(ours); err != nil || checkJSON(out) != nil {
			t.Fatalf("marshal: %s, %v", out, err)
		}
	})
}
