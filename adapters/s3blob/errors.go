package s3blob

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/seed-755a8038/coffer/core"
)

// named are the errors of S3 that the domain knows.
var named = map[string]error{
	"NoSuchKey":          core.ErrBlobNotFound,
	"NotFound":           core.ErrBlobNotFound, // HEAD has no body to say it better
	"NoSuchUpload":       core.ErrUploadNotFound,
	"PreconditionFailed": core.ErrBlobExists,
	"InvalidPart":        core.ErrUploadIncomplete,
	"InvalidPartOrder":   core.ErrUploadIncomplete,
	"BadDigest":          core.ErrChecksumMismatch,
	// Another write of the key was under way at the same moment.
	"ConditionalRequestConflict": core.ErrConflict,
}

// failed turns an error of the SDK into the domain's, wrapped with op. ctx is
// the caller's context.
func failed(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	if e := named[code(err)]; e != nil {
		return e
	}
	if ctx.Err() != nil { // the caller gave up: nothing is wrong with the server
		return fmt.Errorf("%s: %w", op, errors.Join(ctx.Err(), err))
	}
	if down(err) {
		return fmt.Errorf("%s: %w: %w", op, core.ErrUnavailable, err)
	}
	return fmt.Errorf("%s: %w", op, err)
}

// code returns the name S3 gave the error, or "".
func code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}

// status returns the HTTP status of the error, or 0 if there was no answer.
func status(err error) int {
	if e, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		return e.HTTPStatusCode()
	}
	return 0
}

// down reports whether the server failed or did not answer, so that the same
// call may work later.
func down(err error) bool {
	switch n := status(err); {
	case n >= http.StatusInternalServerError, n == http.StatusTooManyRequests:
		return n != http.StatusNotImplemented
	case n > 0:
		return false
	}
	// No answer: either it could not be sent, or the SDK refused to send it.
	_, unsent := errors.AsType[*smithyhttp.RequestSendError](err)
	return unsent || errors.Is(err, context.DeadlineExceeded)
}
