package httpapi

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seed-755a8038/coffer/core"
)

// request is what the server knows of a request beside what net/http knows.
type request struct {
	http   *http.Request
	id     string
	types  string          // what the URI of a kind of problem begins with
	route  string          // the pattern that matched; "" while none has
	conn   context.Context // ends when the client goes, not when the request's time is over
	client core.Client
	actor  core.Actor          // zero: nobody
	keyed  bool                // an API key was sent, of whatever form
	denied error               // why the credential that was sent names nobody
	body   []byte              // as sent
	wire   http.ResponseWriter // of an operation that reads the body as it comes
	failed error               // for the log
	note   slog.Attr           // for the log, what an operation has to add; zero: nothing
	page   *sharePage          // what a browser is shown; nil: it is a program that asks
}

type requestKey struct{}

// requestOf returns the request that a context belongs to.
func requestOf(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return &request{}
}

// actorOf returns who sent the request.
func actorOf(ctx context.Context) core.Actor { return requestOf(ctx).actor }

// connOf returns a context that ends when the client goes, for answers that may
// take longer than a request.
func connOf(ctx context.Context) context.Context { return requestOf(ctx).conn }

// clientOf returns where the request came from.
func clientOf(ctx context.Context) core.Client { return requestOf(ctx).client }

const (
	requestIDHeader = "X-Request-Id" // in the form that http.Header keeps
	maxRequestID    = 128
)

// requestID returns the client's own id for the request if it is a plain one,
// else a new one.
func requestID(h http.Header) string {
	id := h.Get(requestIDHeader)
	if id == "" || len(id) > maxRequestID {
		return rand.Text()
	}
	for _, c := range []byte(id) {
		if !isAlphanumeric(c) && c != '.' && c != '_' && c != '-' {
			return rand.Text()
		}
	}
	return id
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// userAgent returns the header as text: net/http lets any byte through.
func userAgent(h http.Header) string {
	agent := h.Get("User-Agent")
	if utf8.ValidString(agent) {
		return agent
	}
	return strings.ToValidUTF8(agent, "\ufffd")
}

// errQuery reports a query string that is not text.
var errQuery = &core.Error{Kind: core.KindMalformed, Code: "malformed_request", Message: "the query string is not valid: percent-encode UTF-8 text without NUL"}

// checkAddress refuses what no database takes: at a path that is not text there is
// nothing, and a query that is not cannot be read.
func checkAddress(r *http.Request) error {
	if !isText(r.URL.Path) {
		return core.ErrNotFound
	}
	if r.URL.RawQuery == "" {
		return nil
	}
	if strings.Contains(r.URL.RawQuery, ";") {
		return errQuery
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return errQuery
	}
	for key, values := range query {
		if !isText(key) || slices.ContainsFunc(values, isNoText) {
			return errQuery
		}
	}
	return nil
}

func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

func isNoText(s string) bool { return !isText(s) }
