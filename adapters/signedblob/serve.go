package signedblob

import (
	"crypto/hmac"
	"encoding/base64"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/seed-755a8038/coffer/ports"
)

// claim is what a request says of itself: decoded, but not believed.
type claim struct {
	key     string
	query   url.Values
	expires int64
	mac     []byte
}

// ServeHTTP implements http.Handler: signed GET, HEAD and PUT, and the
// preflights of allowed origins. Give it the server's own ResponseWriter: one
// that is wrapped costs the kernel's help in sending files.
func (b *Blobs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	allowed := b.allowOrigin(w.Header(), r.Header.Get("Origin"))
	switch r.Method {
	case http.MethodOptions:
		preflight(w, allowed)
		return
	case http.MethodGet, http.MethodHead, http.MethodPut:
	default:
		w.Header().Set("Allow", "GET, HEAD, PUT, OPTIONS")
		refuse(w, http.StatusMethodNotAllowed, "method_not_allowed", "a signed URL is for GET, HEAD or PUT")
		return
	}
	c, ok := b.decode(r)
	if !ok {
		refuse(w, http.StatusForbidden, codeSignature, "the URL is not a signed one")
		return
	}
	switch {
	case r.Method != http.MethodPut:
		b.serve(w, r, c)
	case c.query.Has("u"):
		b.putPart(w, r, c)
	default:
		b.put(w, r, c)
	}
}

// decode reads the key and the signature. What it yields is valid in form only.
func (b *Blobs) decode(r *http.Request) (claim, bool) {
	key, ok := strings.CutPrefix(r.URL.Path, b.path)
	if !ok || !validKey(key) {
		return claim{}, false
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return claim{}, false
	}
	e, err := strconv.ParseInt(q.Get("e"), 10, 64)
	if err != nil {
		return claim{}, false
	}
	mac, err := base64.RawURLEncoding.DecodeString(q.Get("s"))
	if err != nil {
		return claim{}, false
	}
	return claim{key: key, query: q, expires: e, mac: mac}, true
}

// authorised reports whether the request carries the signature want and has
// not expired; if not, it has answered.
func (b *Blobs) authorised(w http.ResponseWriter, c claim, want []byte) bool {
	if !hmac.Equal(c.mac, want) {
		refuse(w, http.StatusForbidden, codeSignature,
			"the signature does not cover this request: method, path, length and the given headers must be sent unchanged")
		return false
	}
	if expired(c.expires, b.clock.Now()) {
		refuse(w, http.StatusForbidden, "url_expired", "the URL has expired; ask for a new one")
		return false
	}
	return true
}

// serve answers GET and HEAD.
func (b *Blobs) serve(w http.ResponseWriter, r *http.Request, c claim) {
	contentType, disposition := c.query.Get("t"), c.query.Get("d")
	want := b.macs.get(c.key, contentType, disposition, c.expires)
	if !b.authorised(w, c, want[:]) {
		return
	}
	content, info, etag, err := b.OpenSeeker(r.Context(), c.key)
	if err != nil {
		b.fail(w, r, err)
		return
	}
	defer content.Close() //nolint:errcheck // only read from
	h := w.Header()
	// A content type must be set, or the first bytes would decide.
	h.Set("Content-Type", "application/octet-stream")
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	if disposition != "" {
		h.Set("Content-Disposition", disposition)
	}
	h.Set("Etag", `"`+etag+`"`)
	h.Set("Cache-Control", "private, no-store")
	// The bytes are a stranger's: nothing in them may act on this origin.
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Cross-Origin-Resource-Policy", b.resourcePolicy())
	if f, ok := content.(*os.File); ok {
		defer b.watch(w, f)()
	}
	// Neither w nor the file may be wrapped: net/http would no longer use sendfile.
	http.ServeContent(w, r, "", info.ModifiedAt, content)
}

// put answers the PUT of a whole blob.
func (b *Blobs) put(w http.ResponseWriter, r *http.Request, c claim) {
	p := ports.PutSpec{
		Key: c.key, Size: r.ContentLength, ContentType: r.Header.Get(typeName),
		CreateOnly: r.Header.Get(onlyNewName) == "*",
	}
	sum := r.Header.Get(checksumName)
	want := b.macs.put(p.Key, p.ContentType, sum, p.Size, p.CreateOnly, c.expires)
	body, ok := b.receive(w, r, c, want[:])
	if !ok {
		return
	}
	if sum != "" {
		p.SHA256, _ = base64.StdEncoding.DecodeString(sum) // signed, so it can be decoded
	}
	if p.CreateOnly {
		if _, err := b.Stat(r.Context(), c.key); err == nil { // spare the client the sending
			refuse(w, http.StatusPreconditionFailed, "blob_exists", "the blob is already there and cannot be replaced")
			return
		}
	}
	etag, err := b.Upload(r.Context(), p, body)
	b.received(w, r, body, etag, err)
}

// putPart answers the PUT of one part.
func (b *Blobs) putPart(w http.ResponseWriter, r *http.Request, c claim) {
	number, err := strconv.Atoi(c.query.Get("p"))
	if err != nil {
		refuse(w, http.StatusForbidden, codeSignature, "the URL is not a signed one")
		return
	}
	p := ports.PartSpec{Key: c.key, UploadID: c.query.Get("u"), Number: number, Size: r.ContentLength}
	want := b.macs.part(p.Key, p.UploadID, int64(p.Number), p.Size, c.expires)
	body, ok := b.receive(w, r, c, want[:])
	if !ok {
		return
	}
	part, err := b.UploadPart(r.Context(), p, body)
	b.received(w, r, body, part.ETag, err)
}

// receive checks what both kinds of PUT have in common and returns the body.
func (b *Blobs) receive(w http.ResponseWriter, r *http.Request, c claim, want []byte) (*steadyBody, bool) {
	body := b.steady(w, r.Body)
	switch {
	case r.ContentLength < 0, r.ContentLength == 0 && r.ProtoMajor == 1 && r.Header.Get("Content-Length") == "":
		refuse(w, http.StatusLengthRequired, "length_required", "send Content-Length and no chunks")
	case r.ContentLength > b.maxBody:
		refuse(w, http.StatusRequestEntityTooLarge, "too_large", "the body is longer than one PUT may be")
	case b.authorised(w, c, want):
		return body, true
	}
	return nil, false
}

// received answers a PUT whose body has been taken, or not.
func (b *Blobs) received(w http.ResponseWriter, r *http.Request, body *steadyBody, etag string, err error) {
	switch {
	case err == nil:
		w.Header().Set("Etag", `"`+etag+`"`)
		w.WriteHeader(http.StatusOK)
	case body.stalled():
		refuse(w, http.StatusRequestTimeout, "request_timeout", "the body stopped arriving")
	case body.err != nil:
		refuse(w, http.StatusBadRequest, "size_mismatch", "the body ended before its declared length")
	default:
		b.fail(w, r, err)
	}
}
