package httpapi

import (
	"net/http"

	"github.com/seed-755a8038/coffer/core"
)

// problem is an answer that says what went wrong (RFC 9457).
type problem struct {
	_ struct{} `additionalProperties:"true"`

	Type      string         `json:"type" format:"uri" doc:"Identifies the kind of problem, and leads to its description" example:"http://127.0.0.1:8080/docs#error-not_found"`
	Title     string         `json:"title" doc:"The kind of problem in a few words; the same whenever it occurs" example:"Not found"`
	Status    int            `json:"status" doc:"The HTTP status" minimum:"400" maximum:"599" example:"404"`
	Detail    string         `json:"detail" doc:"What went wrong this time, for people" example:"no such resource, or it is not visible to you"`
	Code      string         `json:"code" doc:"The kind of problem, for programs; it never changes" pattern:"^[a-z0-9_]+$" example:"not_found"`
	RequestID string         `json:"request_id" doc:"The X-Request-ID of the request, for the operator's log" example:"4LFLT6XQ2JMZVKQH7U5RNBEQ6E"`
	Errors    []fieldProblem `json:"errors,omitempty" doc:"What is wrong where, if the request breaks a rule"`
	Details   map[string]any `json:",embed" hidden:"true"`

	headers http.Header
}

// fieldProblem says what is wrong with one part of the request.
type fieldProblem struct {
	Location string `json:"location" doc:"Where, dotted: body.metadata.tags[2], query.limit" example:"body.name"`
	Message  string `json:"message" doc:"What is wrong there, for people" example:"must not be empty"`
}

const problemType = "application/problem+json"

// Error implements error.
func (p *problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *problem) GetStatus() int { return p.Status }

// GetHeaders implements huma.HeadersError.
func (p *problem) GetHeaders() http.Header { return p.headers }

// ContentType implements huma.ContentTypeFilter.
func (p *problem) ContentType(string) string { return problemType }

// problemOf describes a failure that the domain names.
func problemOf(req *request, e *core.Error, status int) *problem {
	p := &problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: e.Message, Code: e.Code,
		RequestID: req.id, headers: http.Header{},
	}
	if m, ok := meanings[e.Code]; ok {
		p.Title, p.Type = m.title, req.types+e.Code
	}
	for _, f := range e.Fields {
		p.Errors = append(p.Errors, fieldProblem{f.Location, f.Message})
	}
	p.Details = make(map[string]any, len(e.Details))
	for name, value := range e.Details {
		switch name {
		case "type", "title", "status", "detail", "code", "request_id", "errors": // taken
		case "retry_after": // has a header of its own
		default:
			p.Details[name] = value
		}
	}
	return p
}
