package client

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Error is what the server answers to a request that it does not carry out
// (RFC 9457). Code is stable; see the server's /docs for all of them.
type Error struct {
	Status    int            `json:"status"`
	Code      string         `json:"code"`
	Title     string         `json:"title"`
	Detail    string         `json:"detail"`
	RequestID string         `json:"request_id"` // for the server's operator
	Errors    []FieldError   `json:"errors"`
	Members   map[string]any `json:"-"` // all that was said, such as limit and max of limit_exceeded
}

// FieldError says what is wrong with one member of a request.
type FieldError struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

// Error implements error. It has no secrets.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Detail)
	if e.Detail == "" {
		b.WriteString(e.Title)
	}
	for _, f := range e.Errors {
		fmt.Fprintf(&b, "; %s %s", f.Location, f.Message)
	}
	fmt.Fprintf(&b, " (%s, %d)", e.Code, e.Status)
	return b.String()
}

// Is reports whether target is an Error of the same code, so that
// errors.Is(err, &client.Error{Code: "name_taken"}) holds.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// UnreachableError is a request that has no answer.
type UnreachableError struct {
	Server string
	Err    error
}

// Error implements error.
func (e *UnreachableError) Error() string {
	return fmt.Sprintf("the server %s cannot be reached: %v", e.Server, e.Err)
}

// Unwrap returns what happened.
func (e *UnreachableError) Unwrap() error { return e.Err }

// maxProblem bounds what is read of an answer that says no.
const maxProblem = 1 << 20

// problem reads an answer from 400 on, and closes it.
func problem(resp *http.Response) *Error {
	defer func() { _ = resp.Body.Close() }()
	e := &Error{Status: resp.StatusCode, Code: "http_error", Title: http.StatusText(resp.StatusCode)}
	doc, err := io.ReadAll(io.LimitReader(resp.Body, maxProblem))
	if err != nil || !strings.Contains(resp.Header.Get("Content-Type"), "json") {
		return e
	}
	if json.Unmarshal(doc, e) == nil {
		_ = json.Unmarshal(doc, &e.Members) // an object, as it could be read
	}
	e.Status = resp.StatusCode
	return e
}
