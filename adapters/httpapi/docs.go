package httpapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// docsPath is where people read about the API. The page is made here, because
// the known viewers need scripts and inline styles that a strict policy blocks.
const docsPath = "/docs"

var (
	//go:embed docs.html
	docsSource string
	//go:embed docs.css
	docsStyle string

	docsPage = template.Must(template.New("docs").Parse(docsSource))

	// docsPolicy lets the page have its one style, and nothing else.
	docsPolicy = "default-src 'none'; style-src 'sha256-" + styleHash() + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

func styleHash() string {
	sum := sha256.Sum256([]byte(docsStyle))
	return base64.StdEncoding.EncodeToString(sum[:])
}

type docsView struct {
	Title, Version string
	Style          template.CSS
	About          []template.HTML
	Sections       []docsSection
	Errors         []docsError
}

type docsSection struct {
	Name, About string
	Operations  []docsOperation
}

type docsOperation struct {
	ID, Method, Path, Summary, About string
	Public                           bool
	Parameters, Body                 []docsField
	Responses                        []docsResponse
}

type docsField struct {
	Name, In, Type, About string
	Required              bool
}

type docsResponse struct {
	Status string
	About  template.HTML
	Fields []docsField
}

type docsError struct {
	Code, Title, Advice string
	Status              int
}

// renderDocs makes the page of the document.
func renderDocs(doc *huma.OpenAPI) ([]byte, error) {
	view := docsView{Title: doc.Info.Title, Version: doc.Info.Version, Style: template.CSS(docsStyle)} //nolint:gosec // our own file
	for paragraph := range strings.SplitSeq(doc.Info.Description, "\n\n") {
		view.About = append(view.About, marked(paragraph))
	}
	for _, tag := range doc.Tags {
		section := docsSection{Name: tag.Name, About: tag.Description}
		for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
			for _, op := range operationsOf(doc.Paths[path]) {
				if slices.Contains(op.Tags, tag.Name) {
					section.Operations = append(section.Operations, viewOperation(doc, op))
				}
			}
		}
		view.Sections = append(view.Sections, section)
	}
	for _, code := range slices.Sorted(maps.Keys(meanings)) {
		m := meanings[code]
		view.Errors = append(view.Errors, docsError{code, m.title, m.advice, m.status})
	}
	var page bytes.Buffer
	err := docsPage.Execute(&page, view)
	return page.Bytes(), err
}

func operationsOf(item *huma.PathItem) []*huma.Operation {
	all := []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete}
	return slices.DeleteFunc(all, func(op *huma.Operation) bool { return op == nil })
}

func viewOperation(doc *huma.OpenAPI, op *huma.Operation) docsOperation {
	view := docsOperation{
		ID: op.OperationID, Method: op.Method, Path: op.Path, Summary: op.Summary, About: op.Description, Public: len(op.Security) == 0,
	}
	for _, p := range op.Parameters {
		view.Parameters = append(view.Parameters, docsField{p.Name, p.In, typeName(doc, p.Schema), p.Description, p.Required})
	}
	if op.RequestBody != nil {
		view.Body = fieldsOf(doc, "", op.RequestBody.Content["application/json"].Schema, maxDocsDepth)
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		r := op.Responses[status]
		about := r.Description
		if about == "" {
			about = http.StatusText(op.DefaultStatus)
		}
		response := docsResponse{Status: status, About: marked(about)}
		if content := r.Content["application/json"]; content != nil {
			response.Fields = fieldsOf(doc, "", content.Schema, maxDocsDepth)
		}
		view.Responses = append(view.Responses, response)
	}
	return view
}

const maxDocsDepth = 4

// fieldsOf lists the members of an object, and those of the objects in it.
func fieldsOf(doc *huma.OpenAPI, prefix string, s *huma.Schema, depth int) []docsField {
	s = resolved(doc, s)
	var fields []docsField
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		fields = append(fields, docsField{
			Name: prefix + name, Type: typeName(doc, p), About: p.Description, Required: slices.Contains(s.Required, name),
		})
		inner, suffix := resolved(doc, p), "."
		if inner.Items != nil {
			inner, suffix = resolved(doc, inner.Items), "[]."
		}
		if inner.Type == huma.TypeObject && depth > 1 {
			fields = append(fields, fieldsOf(doc, prefix+name+suffix, inner, depth-1)...)
		}
	}
	return fields
}

func resolved(doc *huma.OpenAPI, s *huma.Schema) *huma.Schema {
	if s, _ = orNothing(s); s.Ref == "" {
		return s
	}
	return doc.Components.Schemas.SchemaFromRef(s.Ref)
}

// typeName names a type in a word or two.
func typeName(doc *huma.OpenAPI, s *huma.Schema) string {
	_, null := orNothing(s)
	s = resolved(doc, s)
	name := s.Type
	switch {
	case name == "":
		name = "any"
	case s.Items != nil:
		name = "list of " + typeName(doc, s.Items)
	case len(s.Enum) > 0:
		var words []string
		for _, e := range s.Enum {
			if word, ok := e.(string); ok {
				words = append(words, word)
			}
		}
		name = strings.Join(words, " | ")
	case s.Format != "" && s.Type == huma.TypeString:
		name = s.Format
	}
	if null {
		name += " | null"
	}
	return name
}

var (
	boldText = regexp.MustCompile(`\*\*([^*]+)\*\*`)
	codeText = regexp.MustCompile("`([^`]+)`")
)

// marked shows the little Markdown that descriptions use.
func marked(text string) template.HTML {
	safe := template.HTMLEscapeString(text)
	safe = boldText.ReplaceAllString(safe, "<strong>$1</strong>")
	return template.HTML(codeText.ReplaceAllString(safe, "<code>$1</code>")) //nolint:gosec // escaped above
}
