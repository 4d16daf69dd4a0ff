package signedblob

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/seed-755a8038/coffer/core"
)

const codeSignature = "signature_invalid"

// refuse answers with a problem (RFC 9457).
func refuse(w http.ResponseWriter, status int, code, detail string) {
	body, err := json.Marshal(struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
		Code   string `json:"code"`
	}{"about:blank", http.StatusText(status), status, detail, code})
	if err != nil { // five strings and numbers
		body = nil
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body) // nobody is left to tell
}

// fail answers with what the backend returned.
func (b *Blobs) fail(w http.ResponseWriter, r *http.Request, err error) {
	var status int
	switch {
	case errors.Is(err, context.Canceled):
		status = http.StatusRequestTimeout // the client has gone
	case errors.Is(err, core.ErrBlobExists):
		status = http.StatusPreconditionFailed
	case errors.Is(err, core.ErrUnavailable):
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "5")
		b.onError(r, err)
	default:
		switch core.KindOf(err) {
		case core.KindNotFound:
			status = http.StatusNotFound
		case core.KindInvalid:
			status = http.StatusBadRequest
		default:
			b.onError(r, err)
			refuse(w, http.StatusInternalServerError, "internal", "the server failed; the reason is in its log")
			return
		}
	}
	code, detail := "request_timeout", "the request was given up"
	if e, ok := errors.AsType[*core.Error](err); ok {
		code, detail = e.Code, e.Message
	}
	refuse(w, status, code, detail)
}

// allowOrigin lets scripts of the origin read the answer, if it is one of
// those allowed, and reports that.
func (b *Blobs) allowOrigin(h http.Header, origin string) bool {
	if len(b.origins) == 0 {
		return false
	}
	h.Add("Vary", "Origin")
	if origin == "" || !slices.Contains(b.origins, origin) && !slices.Contains(b.origins, "*") {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", "ETag, Content-Length, Content-Range, Content-Disposition")
	return true
}

func preflight(w http.ResponseWriter, allowed bool) {
	if !allowed {
		refuse(w, http.StatusForbidden, "origin_not_allowed", "scripts of this origin may not use the blob store")
		return
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, PUT")
	h.Set("Access-Control-Allow-Headers", "Content-Type, X-Amz-Checksum-Sha256, If-None-Match, If-Modified-Since, If-Match, If-Range, Range")
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}

// resourcePolicy says who may embed the bytes: other sites only if some of
// their scripts may read them anyway.
func (b *Blobs) resourcePolicy() string {
	if len(b.origins) > 0 {
		return "cross-origin"
	}
	return "same-site"
}
