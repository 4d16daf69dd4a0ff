package signedblob_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/memblob"
	"github.com/seed-755a8038/coffer/adapters/signedblob"
	"github.com/seed-755a8038/coffer/ports"
)

// FuzzRange: whatever a client says of the part it wants, it gets the whole, that
// part, or is refused; and what is said to be a part is one.
func FuzzRange(f *testing.F) {
	for _, header := range []string{"bytes=0-", "bytes=-1", "bytes=5-2", "bytes=0-0,2-2", "bytes=0-0,0-,0-,-5", "bytes=9223372036854775807-", "bytes=9-99", "bytes=10-", "lines=1", "bytes", "bytes=a-b", "bytes= 1 - 2 ", "bytes=--1", "\xff", "bytes=" + strings.Repeat("0-,", 300) + "0-"} {
		f.Add(header, "")
		f.Add(header, `"x"`)
	}
	const whole = "0123456789"
	at := &clock{now: noon}
	b, err := signedblob.New(memblob.New(at), signedblob.Options{Key: bytes.Repeat([]byte("k"), 32), BaseURL: "http://127.0.0.1/blobs/", Clock: at})
	if err != nil {
		f.Fatal(err)
	}
	if _, err := b.Put(f.Context(), "k", "text/plain", strings.NewReader(whole)); err != nil {
		f.Fatal(err)
	}
	get, err := b.SignGet(f.Context(), ports.GetSpec{Key: "k", ContentType: "text/html", Disposition: "attachment", Expires: noon.Add(time.Minute)})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, header, condition string) {
		r := httptest.NewRequest(http.MethodGet, get.URL, nil)
		r.Header["Range"], r.Header["If-Range"] = []string{header}, []string{condition}
		w := httptest.NewRecorder()
		b.ServeHTTP(w, r)
		switch got := w.Body.String(); w.Code {
		case http.StatusOK:
			if got != whole {
				t.Errorf("%q: %q", header, got)
			}
		case http.StatusPartialContent:
			if strings.HasPrefix(w.Header().Get("Content-Type"), "multipart/byteranges") {
				return
			}
			var from, to, size int
			if _, err := fmt.Sscanf(w.Header().Get("Content-Range"), "bytes %d-%d/%d", &from, &to, &size); err != nil || size != len(whole) || got != whole[from:to+1] {
				t.Errorf("%q: %q is %q, %v", header, w.Header().Get("Content-Range"), got, err)
			}
		case http.StatusRequestedRangeNotSatisfiable:
			if strings.Contains(got, whole) {
				t.Errorf("%q: %q", header, got)
			}
		default:
			t.Errorf("%q: %d %q", header, w.Code, got)
		}
		if h := w.Header(); h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Disposition") == "" && w.Code < http.StatusBadRequest {
			t.Errorf("%q: %v", header, h)
		}
	})
}

// FuzzSignedURL: of a signed URL, no other form is good.
func FuzzSignedURL(f *testing.F) {
	at := &clock{now: noon}
	b, err := signedblob.New(memblob.New(at), signedblob.Options{Key: bytes.Repeat([]byte("k"), 32), BaseURL: "http://127.0.0.1/blobs/", Clock: at})
	if err != nil {
		f.Fatal(err)
	}
	for _, key := range []string{"k", "l"} {
		if _, err := b.Put(f.Context(), key, "text/plain", strings.NewReader("of "+key)); err != nil {
			f.Fatal(err)
		}
	}
	get, err := b.SignGet(f.Context(), ports.GetSpec{Key: "k", ContentType: "text/html", Disposition: "attachment", Expires: noon.Add(time.Minute)})
	if err != nil {
		f.Fatal(err)
	}
	path, query, _ := strings.Cut(strings.TrimPrefix(get.URL, "http://127.0.0.1"), "?")
	for _, p := range []string{path, "/blobs/l", "/blobs/../k", "/blobs//k", "/blobs/k/", "/blobs/%6b", "/blobs/"} {
		f.Add(p, query)
	}
	f.Add(path, query+"&a=b")
	f.Add(path, strings.ToUpper(query))
	f.Add(path, "")
	f.Fuzz(func(t *testing.T, path, query string) {
		r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1/", nil)
		r.URL.Path, r.URL.RawQuery = path, query
		w := httptest.NewRecorder()
		b.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError || strings.Contains(w.Body.String(), "of l") {
			t.Errorf("%q %q: %d %q", path, query, w.Code, w.Body)
		}
	})
}
