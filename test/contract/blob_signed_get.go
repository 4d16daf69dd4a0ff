package contract

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"

	"github.com/seed-755a8038/coffer/ports"
)

func signedGet(b blobTest) {
	data := noise(300 << 10)
	b.put("org/k", data)
	for _, disposition := range []string{
		"", "inline", `attachment; filename="a.png"`, `attachment; filename="a b+c%41.txt"`,
		`attachment; filename="Otchet.pdf"; filename*=UTF-8''%D0%9E%D1%82%D1%87%D1%91%D1%82%20%26%20%2B.pdf`,
	} {
		for _, contentType := range []string{"image/png", "text/plain; charset=utf-8"} {
			got := b.send(b.signGet(ports.GetSpec{Key: "org/k", ContentType: contentType, Disposition: disposition, Expires: soon()}), nil, nil)
			if got.status != http.StatusOK || !bytes.Equal(got.body, data) {
				b.Errorf("GET: %v", got.status)
			}
			for name, want := range map[string]string{
				"Content-Type": contentType, "Content-Disposition": disposition, "Cache-Control": "private, no-store",
				"Accept-Ranges": "bytes", "Content-Length": fmt.Sprint(len(data)),
			} {
				if got := got.header.Get(name); got != want {
					b.Errorf("%s = %q, want %q", name, got, want)
				}
			}
			if e := got.header.Get("Etag"); len(e) < 3 || strings.HasPrefix(e, "W/") {
				b.Errorf("ETag = %q, want a strong one", e)
			}
		}
	}
}

func signedGetRanges(b blobTest) {
	data := noise(1000)
	b.put("k", data)
	r := b.signGet(ports.GetSpec{Key: "k", ContentType: "text/plain", Expires: soon()})
	etag := b.send(r, nil, nil).header.Get("Etag")
	with := func(pairs ...string) answer {
		return b.send(r, nil, func(r *http.Request) {
			for i := 0; i < len(pairs); i += 2 {
				r.Header.Set(pairs[i], pairs[i+1])
			}
		})
	}
	for name, want := range map[string][]byte{
		"bytes=0-9": data[:10], "bytes=990-": data[990:], "bytes=-5": data[995:], "bytes=10-5000": data[10:],
	} {
		if got := with("Range", name); got.status != http.StatusPartialContent || !bytes.Equal(got.body, want) {
			b.Errorf("Range %s: %d, %d bytes", name, got.status, len(got.body))
		}
	}
	if got := with("Range", "bytes=0-9"); got.header.Get("Content-Range") != "bytes 0-9/1000" || got.header.Get("Content-Length") != "10" {
		b.Errorf("range: %v", got.header)
	}
	if got := with("Range", "bytes=1000-"); got.status != http.StatusRequestedRangeNotSatisfiable {
		b.Errorf("range beyond the end: %v", got)
	}
	if got := with("If-None-Match", etag); got.status != http.StatusNotModified || len(got.body) > 0 {
		b.Errorf("If-None-Match: %v", got)
	}
	if got := with("If-None-Match", `"another"`); got.status != http.StatusOK {
		b.Errorf("If-None-Match of another: %v", got)
	}
	if got := with("If-Match", `"another"`); got.status != http.StatusPreconditionFailed {
		b.Errorf("If-Match of another: %v", got)
	}
	b.put("k", noise(999))
	if got := with("If-None-Match", etag); got.status != http.StatusOK || got.header.Get("Etag") == etag {
		b.Errorf("after the blob was replaced: %v", got)
	}
}

func signedGetRefuses(b blobTest) {
	b.put("k", []byte("secret"))
	b.put("k2", []byte("secret"))
	r := b.signGet(ports.GetSpec{Key: "k", ContentType: "text/plain", Disposition: "attachment", Expires: soon()})
	for what, edit := range map[string]func(*http.Request){
		"another key":         func(r *http.Request) { r.URL.Path += "2"; r.URL.RawPath = "" },
		"another type":        func(r *http.Request) { r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "plain", "html", 1) },
		"another disposition": func(r *http.Request) { r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "attachment", "inline", 1) },
		"no signature":        func(r *http.Request) { r.URL.RawQuery = "" },
		"a PUT":               func(r *http.Request) { r.Method = http.MethodPut },
		"a DELETE":            func(r *http.Request) { r.Method = http.MethodDelete },
	} {
		if got := b.send(r, nil, edit); !got.refused() || bytes.Contains(got.body, []byte("secret")) {
			b.Errorf("%s: %v", what, got)
		}
	}
	b.wantBlob("k", []byte("secret"))
}

func signedGetMissing(b blobTest) {
	r := b.signGet(ports.GetSpec{Key: "org/missing", ContentType: "text/plain", Expires: soon()})
	if got := b.send(r, nil, nil); got.status != http.StatusNotFound {
		b.Errorf("GET: %v", got)
	}
}
