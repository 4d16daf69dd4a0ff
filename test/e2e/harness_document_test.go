package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// description is what the server says of itself, to be held against what it does.
type description struct {
	operations []*operation
	schemas    map[string]any // by their names
	codes      map[string]int // the status of every problem
}

// operation is what the document says of one.
type operation struct {
	id, method, path string
	parameters       []parameter
	body             map[string]any // its schema; nil: none
	media            string         // of the body
	answers          map[int]described
}

type parameter struct {
	name, in string
	required bool
	schema   map[string]any
}

// described is an answer with one status.
type described struct {
	content map[string]*jsonschema.Schema // nil: JSON of any form, or no JSON
	codes   []string                      // of problems
}

// document reads what the running server says of itself.
func (s *server) describes() *description {
	s.t.Helper()
	text := s.anybody().want(http.StatusOK, "GET", "/api/openapi.json", nil).body
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		s.t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	const self = "https://coffer.example/openapi.json"
	if err := c.AddResource(self, whole); err != nil {
		s.t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string
			Parameters  []struct {
				Name, In string
				Required bool
				Schema   map[string]any
			}
			RequestBody *struct {
				Content map[string]struct{ Schema map[string]any }
			}
			Responses map[string]struct {
				Content map[string]struct {
					Schema   map[string]any
					Examples map[string]any
				}
			}
		}
		Components struct {
			Schemas  map[string]any
			Examples map[string]struct{ Value struct{ Status int } }
		}
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		s.t.Fatal(err)
	}
	d := &description{schemas: doc.Components.Schemas, codes: map[string]int{}}
	for code, example := range doc.Components.Examples {
		d.codes[code] = example.Value.Status
	}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(doc.Paths[path])) {
			from := doc.Paths[path][method]
			op := &operation{id: from.OperationID, method: strings.ToUpper(method), path: path, answers: map[int]described{}}
			for _, p := range from.Parameters {
				op.parameters = append(op.parameters, parameter{p.Name, p.In, p.Required, p.Schema})
			}
			if from.RequestBody != nil {
				for _, media := range slices.Sorted(maps.Keys(from.RequestBody.Content)) {
					op.media, op.body = media, from.RequestBody.Content[media].Schema
					if media == "application/json" {
						break
					}
				}
			}
			for status, r := range from.Responses {
				n, err := strconv.Atoi(status)
				if err != nil {
					s.t.Fatalf("%s: answers %s", op.id, status)
				}
				a := described{content: map[string]*jsonschema.Schema{}}
				for media, content := range r.Content {
					a.content[media] = nil
					if len(content.Schema) > 0 && isJSONType(media) {
						at := fmt.Sprintf("%s#/paths/%s/%s/responses/%s/content/%s/schema", self, pointer(path), method, status, pointer(media))
						if a.content[media], err = c.Compile(at); err != nil {
							s.t.Fatalf("%s: %v", op.id, err)
						}
					}
					a.codes = slices.AppendSeq(a.codes, maps.Keys(content.Examples))
				}
				op.answers[n] = a
			}
			d.operations = append(d.operations, op)
		}
	}
	return d
}

// pointer is a name in the fragment of a URL that is a JSON pointer.
func pointer(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(name)
}

func isJSONType(media string) bool {
	return media == "application/json" || strings.HasSuffix(media, "+json")
}

// resolved returns a schema, or the one it refers to.
func (d *description) resolved(schema map[string]any) map[string]any {
	for {
		ref, ok := schema["$ref"].(string)
		if !ok {
			return schema
		}
		schema, _ = d.schemas[ref[strings.LastIndexByte(ref, '/')+1:]].(map[string]any)
	}
}

// breach says how an answer is not what the document says of the operation; "":
// it is.
func (d *description) breach(op *operation, a *answer) string {
	if why := d.broken(a); why != "" || a.byLibrary() {
		return why
	}
	as, ok := op.answers[a.status]
	if !ok {
		return fmt.Sprintf("the status is not described (%s)", a.code())
	}
	media, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	if len(as.content) == 0 {
		// What is said beside a Location is of no interest.
		if len(a.body) > 0 && a.header.Get("Location") == "" {
			return "has a body, and none is described"
		}
		return ""
	}
	schema, ok := as.content[media]
	if !ok {
		return fmt.Sprintf("the Content-Type %q is not described", a.header.Get("Content-Type"))
	}
	if a.status >= http.StatusBadRequest && !slices.Contains(as.codes, a.code()) {
		return "the code " + a.code() + " is not described"
	}
	if schema == nil {
		return ""
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(a.body))
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		return "the body is not as described: " + err.Error()
	}
	return ""
}

// hold checks that the answer is one that the operation is described with.
func (d *description) hold(id string, a *answer) {
	a.t.Helper()
	i := slices.IndexFunc(d.operations, func(op *operation) bool { return op.id == id })
	if i < 0 {
		a.t.Fatalf("there is no operation %s", id)
	}
	if why := d.breach(d.operations[i], a); why != "" {
		a.t.Errorf("%s: %s: %d %s", id, why, a.status, a.body)
	}
}

// broken says how an answer is none that the server may give to anything.
func (d *description) broken(a *answer) string {
	media, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	switch {
	case a.byLibrary(), strings.Contains(a.what, " /blobs/") && a.status < http.StatusInternalServerError: // signed URLs are not of the API
		return ""
	case a.header.Get("X-Evil") != "" || a.header.Get("Set-Evil") != "":
		return "a header was brought in"
	case a.status >= http.StatusInternalServerError && !slices.Contains([]string{"watermark_busy"}, a.code()):
		return "the server failed"
	case err != nil && len(a.body) > 0:
		return "has a body without a Content-Type"
	case a.header.Get("X-Request-Id") == "":
		return "has no X-Request-ID"
	case a.status >= http.StatusBadRequest && media != "application/problem+json" && !strings.HasPrefix(media, "text/html"):
		return "is refused without a problem"
	case a.status < http.StatusBadRequest || media != "application/problem+json" || strings.HasPrefix(a.what, "HEAD "):
		return ""
	}
	var p struct {
		Code      string
		Status    int
		RequestID string `json:"request_id"`
	}
	if err := json.Unmarshal(a.body, &p); err != nil {
		return "the problem is not JSON: " + err.Error()
	}
	if p.Status != a.status || d.codes[p.Code] != a.status || p.RequestID != a.header.Get("X-Request-Id") {
		return "the problem contradicts itself, or the document"
	}
	return ""
}

// byLibrary reports whether net/http has refused the request before there was
// one: it is no HTTP, or its header is too large.
func (a *answer) byLibrary() bool {
	refusals := []int{
		http.StatusBadRequest, http.StatusExpectationFailed, http.StatusRequestHeaderFieldsTooLarge, http.StatusNotImplemented, http.StatusHTTPVersionNotSupported,
	}
	return a.header.Get("X-Request-Id") == "" && slices.Contains(refusals, a.status) && a.header.Get("Content-Type") == "text/plain; charset=utf-8"
}

// code is the code of a problem, "" if it is none.
func (a *answer) code() string {
	var p struct{ Code string }
	_ = json.Unmarshal(a.body, &p) // what is no JSON has none
	return p.Code
}

// The document is held to be one: a mistake in it must not pass for one in the
// answers.
func TestEveryOperationDescribesItsAnswers(t *testing.T) {
	tellOn(t, []wiring{sqliteDisk}, nil, func(t *testing.T, s *server) {
		d := s.describes()
		for _, op := range d.operations {
			for status, a := range op.answers {
				for _, code := range a.codes {
					if d.codes[code] != status {
						t.Errorf("%s: %s is described for %d", op.id, code, status)
					}
				}
			}
		}
		if len(d.operations) < 200 {
			t.Errorf("%d operations", len(d.operations))
		}
	})
}
