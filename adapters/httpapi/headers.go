package httpapi

import (
	"maps"
	"net/http"
)

// jsonPolicy lets a browser that is shown an answer do nothing with it.
const jsonPolicy = "default-src 'none'; frame-ancestors 'none'"

// securityHeaders are the same on every answer. Their values are shared by all
// requests, so they may be replaced in an answer and never appended to.
func securityHeaders(https bool) http.Header {
	h := http.Header{}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", jsonPolicy)
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if https {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	return h
}

func (s *server) setHeaders(h http.Header, requestID string) {
	maps.Copy(h, s.headers)
	h.Set(requestIDHeader, requestID)
}
