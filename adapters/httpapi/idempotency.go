package httpapi

import (
	"context"
	"fmt"
	"net/http"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
)

// OnceInput is what every POST that creates something takes.
type OnceInput struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" doc:"A key of your choice: the same request with the same key is carried out once, and answered alike for 24 hours" example:"5f1c2a7e-upload-1"`
}

// once returns the client's wish that the request be carried out once, or nil
// if it has none. show turns the result of the use case into the answer.
func once[R, T any](ctx context.Context, in OnceInput, show func(R) T) (*app.Once, error) {
	req := requestOf(ctx)
	keys := req.http.Header.Values("Idempotency-Key")
	switch {
	case len(keys) == 0:
		return nil, nil //nolint:nilnil // nil is a wish like any other: none
	case len(keys) > 1, !isIdempotencyKey(keys[0]):
		return nil, core.Invalid("header.Idempotency-Key", "must be one key of 1 to 255 visible ASCII characters")
	}
	who := "anonymous"
	if name := callerName(req.actor); name != "" {
		who = name
	}
	return &app.Once{
		Scope: who, Key: in.IdempotencyKey, Request: fmt.Appendf(nil, "%s %s\n%s", req.http.Method, req.http.URL.Path, req.body),
		Status: http.StatusCreated,
		Encode: func(result any) ([]byte, error) {
			r, ok := result.(R)
			if !ok {
				return nil, fmt.Errorf("cannot keep a %T as an answer", result)
			}
			return marshal(show(r))
		},
	}, nil
}

// isIdempotencyKey reports whether a key is 1 to 255 visible ASCII characters.
func isIdempotencyKey(key string) bool {
	for _, c := range []byte(key) {
		if c < '!' || c > '~' {
			return false
		}
	}
	return key != "" && len(key) <= core.MaxIdempotencyKey
}
