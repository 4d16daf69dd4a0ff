package httpapi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
)

// Failures of HTTP itself.
var (
	errNoRoute   = core.ErrNotFound.Say("there is nothing at this path; /docs lists the operations")
	errNoMethod  = &core.Error{Kind: core.KindMalformed, Code: "method_not_allowed", Message: "this path does not know the method; see Allow"}
	errMediaType = &core.Error{Kind: core.KindMalformed, Code: "unsupported_media_type", Message: "send the body as Content-Type: application/json"}
	errTooLarge  = &core.Error{Kind: core.KindTooLarge, Code: "body_too_large", Message: "the request body is too large"}
	errSlowBody  = &core.Error{Kind: core.KindMalformed, Code: "request_timeout", Message: "the request body did not arrive in time"}
	errMalformed = &core.Error{Kind: core.KindMalformed, Code: "malformed_request", Message: "the request is malformed"}
	errInvalid   = &core.Error{Kind: core.KindInvalid, Code: "validation_failed", Message: "the request breaks a rule; see errors"}
	errTimeout   = &core.Error{Kind: core.KindUnavailable, Code: "timeout", Message: "the request took too long; try again shortly"}
	errGone      = &core.Error{Kind: core.KindUnavailable, Code: "client_gone", Message: "the client did not wait for the answer"}
	errInternal  = &core.Error{Kind: core.KindInternal, Code: "internal", Message: "something went wrong in the server; it has been logged"}
)

// statuses are the statuses of what HTTP distinguishes more finely than the domain.
var statuses = map[string]int{
	"method_not_allowed":     http.StatusMethodNotAllowed,
	"unsupported_media_type": http.StatusUnsupportedMediaType,
	"request_timeout":        http.StatusRequestTimeout,
	"client_gone":            statusClientGone,
}

// statusOf is the one place where a kind of error becomes a status.
func statusOf(e *core.Error) int {
	if status, ok := statuses[e.Code]; ok {
		return status
	}
	switch e.Kind {
	case core.KindMalformed:
		return http.StatusBadRequest
	case core.KindInvalid:
		return http.StatusUnprocessableEntity
	case core.KindUnauthenticated:
		return http.StatusUnauthorized
	case core.KindPayment:
		return http.StatusPaymentRequired
	case core.KindForbidden:
		return http.StatusForbidden
	case core.KindNotFound:
		return http.StatusNotFound
	case core.KindConflict:
		return http.StatusConflict
	case core.KindGone:
		return http.StatusGone
	case core.KindPrecondition:
		return http.StatusPreconditionFailed
	case core.KindTooLarge:
		return http.StatusRequestEntityTooLarge
	case core.KindLocked:
		return http.StatusLocked
	case core.KindRateLimited:
		return http.StatusTooManyRequests
	case core.KindUnavailable:
		return http.StatusServiceUnavailable
	case core.KindInternal:
	}
	return http.StatusInternalServerError
}

// explain turns any error into what the client is told of it. Errors that the
// domain does not name are for the log only.
func explain(ctx context.Context, err error) *problem {
	req := requestOf(ctx)
	req.failed = err
	e := named(ctx, err)
	p := problemOf(req, e, statusOf(e))
	switch p.Status {
	case http.StatusUnauthorized:
		challenge := `Bearer realm="coffer"`
		if req.http != nil && req.http.Header.Get("Authorization") != "" {
			challenge += `, error="invalid_token"`
		}
		p.headers.Set("WWW-Authenticate", challenge)
	case http.StatusLocked, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		after := any(1)
		if told, ok := e.Details["retry_after"]; ok {
			after = told
		}
		p.headers.Set("Retry-After", fmt.Sprint(after))
	}
	return p
}

// named returns the failure of the domain, or of HTTP, that err is.
func named(ctx context.Context, err error) *core.Error {
	if e, ok := errors.AsType[*core.Error](err); ok && e.Kind != core.KindInternal {
		return e
	}
	// A driver that is interrupted says so in its own words: the context knows.
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return errGone
	case errors.Is(ctx.Err(), context.DeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return errTimeout
	}
	if e, ok := errors.AsType[*echo.HTTPError](err); ok {
		switch e.Code {
		case http.StatusNotFound:
			return errNoRoute
		case http.StatusMethodNotAllowed:
			return errNoMethod
		}
	}
	return errInternal
}

// ready is an answer that needs no more writing: one given before, as it was, or
// one without a body.
type ready struct {
	status int
	answer []byte
	header http.Header
}

// Error implements error.
func (r *ready) Error() string { return "answered" }

// GetStatus implements huma.StatusError.
func (r *ready) GetStatus() int { return r.status }

// GetHeaders implements huma.HeadersError.
func (r *ready) GetHeaders() http.Header { return r.header }

// refuse turns the error of a handler into the answer that huma writes.
func refuse(ctx context.Context, err error) error {
	if r, ok := errors.AsType[*app.Replay](err); ok {
		return &ready{r.Status, r.Answer, http.Header{"Idempotency-Replayed": {"true"}}}
	}
	switch answer := err.(type) { //nolint:errorlint // handlers return these as they are
	case *ready:
		return answer
	case *problem:
		return answer
	}
	return explain(ctx, err)
}

// fail answers a request that has not reached a handler.
func (s *server) fail(err error, c echo.Context) {
	p := explain(c.Request().Context(), err)
	if c.Response().Committed {
		return
	}
	h := c.Response().Header()
	maps.Copy(h, p.headers)
	if page := s.pageOf(c.Request()); page != nil && s.pages.fail(c, page, p) {
		return
	}
	h.Set("Content-Type", problemType)
	h.Set("Cache-Control", "no-store")
	c.Response().WriteHeader(p.Status)
	if c.Request().Method == http.MethodHead {
		return
	}
	if err := encode(c.Response(), p); err != nil {
		requestOf(c.Request().Context()).failed = err
	}
}

var _ huma.StatusError = (*problem)(nil)
