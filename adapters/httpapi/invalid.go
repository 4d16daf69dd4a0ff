package httpapi

import (
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/core"
)

// huma keeps how it reports errors and checks names in variables of its own.
func init() {
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		return invalid(&request{}, status, message, errs)
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, message string, errs ...error) huma.StatusError {
		if ctx == nil {
			return invalid(&request{}, status, message, errs)
		}
		return invalid(requestOf(ctx.Context()), status, message, errs)
	}
	huma.DefaultArrayNullable = false
	huma.ValidateStrictCasing = true
}

// invalid describes what huma's checks have found. What the client sent is not
// repeated: it can be a password.
func invalid(req *request, status int, message string, errs []error) *problem {
	e := *errInvalid
	switch {
	case status >= http.StatusInternalServerError:
		req.failed = errors.Join(append([]error{errors.New(message)}, errs...)...)
		return problemOf(req, errInternal, http.StatusInternalServerError)
	case status == http.StatusBadRequest:
		e = *errMalformed
		e.Message = message
	}
	for _, err := range errs {
		f := fieldOf(err)
		if strings.HasPrefix(f.Location, "path.") {
			// What cannot be an id names nothing, like the id of nothing.
			return problemOf(req, core.ErrNotFound, http.StatusNotFound)
		}
		e.Fields = append(e.Fields, f)
	}
	req.failed = &e
	return problemOf(req, &e, statusOf(&e))
}

func fieldOf(err error) core.FieldError {
	d, ok := errors.AsType[*huma.ErrorDetail](err)
	if !ok {
		return core.FieldError{Message: err.Error()}
	}
	f := core.FieldError{Location: d.Location, Message: d.Message}
	// A member that is missing is reported at the object around it.
	if rest, ok := strings.CutPrefix(f.Message, "expected required property "); ok {
		name := strings.TrimSuffix(rest, " to be present")
		return core.FieldError{Location: f.Location + "." + name, Message: "is required"}
	}
	// What the decoder finds, huma reports at the whole body.
	if at, message, ok := strings.Cut(f.Message, ": "); ok && f.Location == "body" && strings.HasPrefix(at, "body") {
		return core.FieldError{Location: at, Message: message}
	}
	return f
}
