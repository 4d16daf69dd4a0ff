package stripe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/stripe/stripe-go/v85"

	"github.com/seed-755a8038/coffer/core"
)

// errNotStripe is an answer that the API does not give.
var errNotStripe = errors.New("the answer is not one of Stripe's")

// maxWords bounds what of Stripe's words is repeated, in bytes.
const maxWords = 400

// failed says in the words of the port why a request failed. The errors of the
// library are not wrapped: they print everything Stripe sent along, such as the
// secret of a payment, and what came instead of an answer.
func failed(doing string, err error) error {
	if e, ok := errors.AsType[*stripe.Error](err); ok {
		return said(doing, e)
	}
	cause := errNotStripe
	if isNetwork(err) {
		cause = err
	}
	return fmt.Errorf("stripe: %s: %w: %w", doing, core.ErrUnavailable, cause)
}

// isNetwork reports an error of the connection, which has the address in it,
// but neither key nor answer.
func isNetwork(err error) bool {
	if _, ok := errors.AsType[*url.Error](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.ErrUnexpectedEOF)
}

// said is what Stripe's answer means: that nobody may ask for this, or that
// this server cannot at the moment, be it for its key.
func said(doing string, e *stripe.Error) error {
	if !refuses(e) {
		return fmt.Errorf("stripe: %s: %w: it answers %d %s %s (request %s): %s",
			doing, core.ErrUnavailable, e.HTTPStatusCode, e.Type, e.Code, e.RequestID, words(e.Msg))
	}
	if e.Type == stripe.ErrorTypeIdempotency { // its words are for programmers
		return core.ErrPaymentRefused.Say("this was begun before with other particulars, such as another e-mail address; begin anew")
	}
	out := core.ErrPaymentRefused
	if text := words(e.Msg); text != "" {
		out = out.Say("the payment provider refuses this: " + text)
	}
	if e.Code != "" {
		out = out.With("provider_code", string(e.Code))
	}
	return out
}

// refuses reports whether the answer would be the same the next time. Not so
// 401 and 403, which the operator can mend, 409, 429 and 5xx.
func refuses(e *stripe.Error) bool {
	switch e.HTTPStatusCode {
	case http.StatusBadRequest, http.StatusPaymentRequired, http.StatusNotFound:
		return e.Type == stripe.ErrorTypeInvalidRequest || e.Type == stripe.ErrorTypeCard || e.Type == stripe.ErrorTypeIdempotency
	}
	return false
}

func isRefused(err error) bool {
	e, ok := errors.AsType[*stripe.Error](err)
	return ok && refuses(e)
}

func hasCode(err error, code stripe.ErrorCode) bool {
	e, ok := errors.AsType[*stripe.Error](err)
	return ok && e.Code == code
}

// isMissing reports that the account has nothing of that name.
func isMissing(err error) bool {
	return hasCode(err, stripe.ErrorCodeResourceMissing) && isRefused(err)
}

// secrets are keys, and what Stripe shows of them when it refuses one.
var secrets = regexp.MustCompile(`\b(sk|rk|pk|whsec|ek)_[\w*]+|\b\w+_secret_\w+|Bearer \S+`)

// words returns Stripe's message fit to be shown: one line, without secrets.
func words(message string) string {
	text := strings.Join(strings.Fields(secrets.ReplaceAllString(message, "[secret]")), " ")
	if len(text) > maxWords {
		text = strings.ToValidUTF8(text[:maxWords], "") + "…"
	}
	return text
}
