package httpapi

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"

	"github.com/seed-755a8038/coffer/core"
)

// guard stands before every operation: it lets in only those whom the
// operation's security admits, and only bodies that are sound.
func (s *server) guard(ctx huma.Context, next func(huma.Context)) {
	c := humaecho.UnwrapV4(ctx)
	op := ctx.Operation()
	req := requestOf(c.Request().Context())
	req.route = strings.ReplaceAll(op.Path, escapedColon, ":")
	if err := req.admit(op); err != nil {
		s.fail(err, c)
		return
	}
	switch {
	case op.Metadata[streamed] != nil:
		req.wire = c.Response().Writer
	case op.RequestBody != nil:
		if err := s.readBody(ctx, req, op); err != nil {
			s.fail(err, c)
			return
		}
	}
	next(ctx)
}

// readBody reads the body whole and leaves it, checked, for huma to read again.
// What an operation takes as it is (see operation.raw) is not checked: it is
// signed, and other programs may have put into it what clients may not send.
func (s *server) readBody(ctx huma.Context, req *request, op *huma.Operation) error {
	if req.http.ContentLength > s.MaxBody {
		return errTooLarge.With("max_bytes", s.MaxBody)
	}
	if deadline, ok := req.http.Context().Deadline(); ok {
		// Without one, a client could send a byte now and then for ever.
		if err := ctx.SetReadDeadline(deadline); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(humaecho.UnwrapV4(ctx).Response().Writer, req.http.Body, s.MaxBody))
	if err != nil {
		return s.bodyError(err)
	}
	req.body = body
	req.http.Body = io.NopCloser(bytes.NewReader(body))
	switch {
	case len(body) > 0 && !isJSON(req.http.Header):
		return errMediaType
	case len(body) > 0 && op.SkipValidateBody:
		return nil
	case len(body) > 0:
		return checkJSON(body)
	case op.RequestBody.Required:
		return malformedJSON("the request needs a body")
	}
	return nil
}

func (s *server) bodyError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errTooLarge.With("max_bytes", s.MaxBody)
	}
	return brokenBody(err)
}

// brokenBody says why a body could not be read.
func brokenBody(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errSlowBody
	}
	// It ended before its declared length, or is badly chunked.
	return &core.Error{Kind: core.KindMalformed, Code: errMalformed.Code, Message: "the request body could not be read whole"}
}

// isJSON reports whether a body is declared to be JSON, or not declared at all.
func isJSON(h http.Header) bool {
	declared := h.Get("Content-Type")
	if declared == "" || declared == "application/json" {
		return true
	}
	mediaType, params, err := mime.ParseMediaType(declared)
	charset := params["charset"]
	return err == nil && mediaType == "application/json" && (charset == "" || strings.EqualFold(charset, "utf-8"))
}
