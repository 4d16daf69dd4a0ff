package httpapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/yaml"
)

func TestTheDocumentDescribesEveryRoute(t *testing.T) {
	f := newFixture(t)
	doc := f.api.OpenAPI()
	documented := make(map[string]bool)
	for path, item := range doc.Paths {
		for _, op := range operationsOf(item) {
			for status, r := range op.Responses {
				if status[0] == '2' || status == "302" {
					documented[op.Method+" "+path] = true
				} else if status != "304" && status != "303" && (r.Content[problemType] == nil || r.Description == "") {
					t.Errorf("%s %s is not described", op.OperationID, status)
				}
			}
			if op.Summary == "" || op.Description == "" || len(op.Tags) != 1 || op.Security == nil {
				t.Errorf("%s is not described", op.OperationID)
			}
		}
	}
	// All that the document says is there answers, and nothing else does but pages for people.
	for _, r := range f.echo.Routes() {
		path := regexp.MustCompile(`([^\\]):(\w+)`).ReplaceAllString(r.Path, "$1{$2}")
		path = strings.ReplaceAll(path, escapedColon, ":")
		forPeople := path == docsPath || strings.HasPrefix(path, pagePath) || strings.HasPrefix(path, purchasePath)
		if !documented[r.Method+" "+path] && !forPeople && !strings.HasPrefix(path, documentPath) {
			t.Errorf("%s %s is not described", r.Method, path)
		}
	}
}

func TestTheDocumentIsServedAsItIsPrinted(t *testing.T) {
	printed, err := OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t)
	asYAML, asJSON := f.call("GET", "/api/openapi.yaml", ""), f.call("GET", "/api/openapi.json", "")
	if !bytes.Equal(printed, asYAML.Body.Bytes()) {
		t.Error("the YAML that is served is another")
	}
	var converted bytes.Buffer
	if err := yaml.Convert(&converted, asJSON.Body); err != nil || !bytes.Equal(printed, converted.Bytes()) {
		t.Errorf("the JSON that is served is another: %v", err)
	}
	if !bytes.Contains(printed, []byte("\nopenapi: 3.1.0\n")) || bytes.Contains(printed, []byte("$schema")) {
		t.Errorf("it is not a plain OpenAPI 3.1 document")
	}
	tag := asYAML.Header().Get("ETag")
	if w := f.call("GET", "/api/openapi.yaml", "", "If-None-Match: "+tag); w.Code != 304 {
		t.Errorf("%s: %d", tag, w.Code)
	}
	if w := f.call("HEAD", "/api/openapi.yaml", ""); w.Code != 200 {
		t.Errorf("HEAD: %d", w.Code)
	}
}

func TestExamplesAreWhatTheSchemasSay(t *testing.T) {
	doc := newFixture(t).api.OpenAPI()
	for name, s := range doc.Components.Schemas.Map() {
		for field, p := range s.Properties {
			target := resolved(doc, p)
			for _, example := range target.Examples {
				var plain any
				raw, err := json.Marshal(example)
				if err == nil {
					err = json.Unmarshal(raw, &plain)
				}
				if err != nil {
					t.Fatal(err)
				}
				result := &huma.ValidateResult{}
				huma.Validate(doc.Components.Schemas, target, huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, plain, result)
				if len(result.Errors) > 0 {
					t.Errorf("%s.%s: %v", name, field, result.Errors)
				}
			}
			if p.Description == "" && name+field != "ProblemDetails" { // which is for what a problem adds
				t.Errorf("%s.%s is not described", name, field)
			}
		}
	}
}

func TestThePageNeedsNothingButItself(t *testing.T) {
	f := newFixture(t)
	w := f.call("GET", docsPath, "")
	html := w.Body.String()
	for _, no := range []string{"<script", "http-equiv", "<link", "<img", " style=", " onclick"} {
		if strings.Contains(html, no) {
			t.Errorf("it has %s", no)
		}
	}
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(html)
	sum := sha256.Sum256([]byte(style[1]))
	if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
		t.Errorf("the policy %s does not allow its style", policy)
	}
	for _, item := range f.api.OpenAPI().Paths {
		for _, op := range operationsOf(item) {
			if !strings.Contains(html, `<article id="`+op.OperationID+`">`) {
				t.Errorf("%s is not there", op.OperationID)
			}
		}
	}
	for code := range meanings {
		if !strings.Contains(html, `id="error-`+code+`"`) {
			t.Errorf("%s is not there", code)
		}
	}
	if at := regexp.MustCompile(`.*(ZgotmplZ|<td></td></tr>)`).FindString(html); at != "" {
		t.Errorf("something is missing: %s", at)
	}
}
