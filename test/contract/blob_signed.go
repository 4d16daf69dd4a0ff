package contract

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing/iotest"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

var signedBlobTests = map[string]func(blobTest){
	"a signed PUT stores what was declared":                   signedPut,
	"a signed PUT of nothing stores an empty blob":            signedPutEmpty,
	"a signed PUT may leave its checksum undeclared":          signedPutUndeclared,
	"a signed PUT refuses all that was not declared":          signedPutRefuses,
	"a signed PUT that is cut off stores nothing":             signedPutCutOff,
	"a signed PUT replaces unless it is create-only":          signedPutReplaces,
	"a create-only PUT never replaces":                        createOnly,
	"of racing create-only PUTs one wins and its bytes stay":  createOnlyRace,
	"a signed GET answers with its type and disposition":      signedGet,
	"a signed GET answers ranges and conditional requests":    signedGetRanges,
	"a signed GET refuses all that was not declared":          signedGetRefuses,
	"a signed GET of a missing blob is not found":             signedGetMissing,
	"a signed request works for any key":                      signedOddKeys,
	"a signed request that has expired is refused":            signedExpired,
	"a signed request names every header that has to be sent": signedHeaders,
}

func soon() time.Time {
	return time.Now().Add(10 * time.Minute) // the server under test knows the real time
}

func put(key string, data []byte) ports.PutSpec {
	sum := sha256.Sum256(data)
	return ports.PutSpec{Key: key, Size: int64(len(data)), ContentType: "image/png", SHA256: sum[:], Expires: soon()}
}

// answer is what came back for a request.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) String() string { return fmt.Sprintf("%d %.300s", a.status, a.body) }

func (a answer) refused() bool { return a.status >= 400 && a.status < 500 }

func (b blobTest) signPut(s ports.PutSpec) ports.SignedRequest {
	b.Helper()
	r, err := b.SignPut(b.Context(), s)
	b.must(err)
	if r.Method != http.MethodPut {
		b.Errorf("method %q", r.Method)
	}
	return r
}

func (b blobTest) signGet(s ports.GetSpec) ports.SignedRequest {
	b.Helper()
	r, err := b.SignGet(b.Context(), s)
	b.must(err)
	if r.Method != http.MethodGet {
		b.Errorf("method %q", r.Method)
	}
	return r
}

// send sends a signed request as any client would, changed by edit.
func (b blobTest) send(s ports.SignedRequest, body []byte, edit func(*http.Request)) answer {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), s.Method, s.URL, bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	for name, values := range s.Header {
		r.Header[name] = append([]string(nil), values...)
	}
	if edit != nil {
		edit(r)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Error(err)
		return answer{}
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	b.must(err)
	return answer{res.StatusCode, res.Header, got}
}

func signedPut(b blobTest) {
	for i, size := range []int{1, 5, 700 << 10} {
		data := noise(size)
		key := fmt.Sprintf("org/asset/%d", i)
		got := b.send(b.signPut(put(key, data)), data, nil)
		if got.status != http.StatusOK || got.header.Get("Etag") == "" {
			b.Errorf("PUT: %v", got)
		}
		b.wantBlob(key, data)
	}
}

func signedPutEmpty(b blobTest) {
	if got := b.send(b.signPut(put("org/empty", nil)), nil, nil); got.status != http.StatusOK {
		b.Errorf("PUT: %v", got)
	}
	b.wantBlob("org/empty", nil)
}

func signedPutUndeclared(b blobTest) {
	s := put("org/k", []byte("bytes"))
	s.SHA256, s.ContentType = nil, "application/octet-stream"
	if got := b.send(b.signPut(s), []byte("other"), nil); got.status != http.StatusOK {
		b.Errorf("PUT: %v", got)
	}
	b.wantBlob("org/k", []byte("other"))
}

func signedPutRefuses(b blobTest) {
	data := []byte("exactly these bytes")
	other := bytes.ToUpper(data)
	sum := sha256.Sum256(other)
	r := b.signPut(put("org/k", data))
	for what, got := range map[string]answer{
		"a longer body":         b.send(r, append(bytes.Clone(data), '!'), nil),
		"a shorter body":        b.send(r, data[:5], nil),
		"no body":               b.send(r, nil, nil),
		"other bytes":           b.send(r, other, nil),
		"another type":          b.send(r, data, func(r *http.Request) { r.Header.Set("Content-Type", "text/html") }),
		"no type":               b.send(r, data, func(r *http.Request) { r.Header.Del("Content-Type") }),
		"no checksum":           b.send(r, data, func(r *http.Request) { r.Header.Del("X-Amz-Checksum-Sha256") }),
		"another key":           b.send(r, data, func(r *http.Request) { r.URL.Path += "2"; r.URL.RawPath = "" }),
		"another method":        b.send(r, data, func(r *http.Request) { r.Method = http.MethodPost }),
		"the method DELETE":     b.send(r, nil, func(r *http.Request) { r.Method = http.MethodDelete }),
		"no signature":          b.send(r, data, func(r *http.Request) { r.URL.RawQuery = "" }),
		"a signature cut short": b.send(r, data, func(r *http.Request) { r.URL.RawQuery = r.URL.RawQuery[:len(r.URL.RawQuery)-2] }),
		"another's checksum": b.send(r, other, func(r *http.Request) {
			r.Header.Set("X-Amz-Checksum-Sha256", base64.StdEncoding.EncodeToString(sum[:]))
		}),
	} {
		if !got.refused() {
			b.Errorf("%s: %v", what, got)
		}
	}
	if keys := b.list(""); len(keys) > 0 {
		b.Errorf("stored: %q", keys)
	}
	if got := b.send(r, data, nil); got.status != http.StatusOK {
		b.Errorf("afterwards: %v", got)
	}
}

func signedPutCutOff(b blobTest) {
	data := noise(2 << 20)
	r := b.signPut(put("org/k", data))
	torn := errors.New("torn")
	body := io.MultiReader(bytes.NewReader(data[:1<<20]), iotest.ErrReader(torn))
	req, err := http.NewRequestWithContext(b.Context(), r.Method, r.URL, body)
	b.must(err)
	req.Header, req.ContentLength = r.Header.Clone(), r64(data)
	if res, err := http.DefaultClient.Do(req); err == nil {
		b.Errorf("a body that is cut off: %s", res.Status)
		b.must(res.Body.Close())
	}
	for range 10 { // the server may notice later than the client
		b.wantNoBlob("org/k")
		time.Sleep(10 * time.Millisecond)
	}
	if keys := b.list(""); len(keys) > 0 {
		b.Errorf("stored: %q", keys)
	}
}

func r64(data []byte) int64 { return int64(len(data)) }

func signedPutReplaces(b blobTest) {
	b.put("org/k", []byte("old"))
	if got := b.send(b.signPut(put("org/k", []byte("new"))), []byte("new"), nil); got.status != http.StatusOK {
		b.Errorf("PUT: %v", got)
	}
	b.wantBlob("org/k", []byte("new"))
}

func createOnly(b blobTest) {
	if !b.CreateOnly() {
		return // it says that it promises nothing here
	}
	s := put("org/k", []byte("first"))
	s.CreateOnly, s.SHA256 = true, nil
	r := b.signPut(s)
	without := b.send(r, []byte("first"), func(r *http.Request) { r.Header.Del("If-None-Match") })
	if !without.refused() {
		b.Errorf("without its condition: %v", without)
	}
	b.wantNoBlob("org/k")
	if got := b.send(r, []byte("first"), nil); got.status != http.StatusOK {
		b.Errorf("first PUT: %v", got)
	}
	for range 2 {
		if got := b.send(r, []byte("other"), nil); got.status != http.StatusPreconditionFailed {
			b.Errorf("URL used again: %v", got)
		}
	}
	if got := b.send(b.signPut(s), []byte("other"), nil); got.status != http.StatusPreconditionFailed {
		b.Errorf("second PUT: %v", got)
	}
	b.wantBlob("org/k", []byte("first"))
	b.must(b.Delete(b.Context(), "org/k"))
}

func createOnlyRace(b blobTest) {
	if !b.CreateOnly() {
		return // it says that it promises nothing here
	}
	for round := range 5 {
		key := fmt.Sprintf("org/%d/k", round)
		s := put(key, noise(100<<10))
		s.CreateOnly, s.SHA256 = true, nil
		r := b.signPut(s)
		var won atomic.Int32
		var winner []byte
		var wg sync.WaitGroup
		halfway := newBarrier(8) // nobody is done before all have begun
		for i := range 8 {
			wg.Go(func() {
				data := bytes.Repeat([]byte{byte('a' + i)}, 100<<10)
				got := b.send(r, data, func(r *http.Request) {
					r.GetBody = nil
					r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(data[:50<<10]), halfway, bytes.NewReader(data[50<<10:])))
				})
				switch {
				case got.status == http.StatusOK:
					if won.Add(1) == 1 {
						winner = data
					}
				case got.status != http.StatusPreconditionFailed && got.status != http.StatusConflict:
					b.Errorf("loser: %v", got)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			b.Fatalf("%d PUTs won, want 1", won.Load())
		}
		b.wantBlob(key, winner)
	}
}

// barrier is a reader of nothing that ends when so many have begun to read it,
// or after a while, should a server not listen to all at once.
type barrier struct {
	missing atomic.Int32
	all     chan struct{}
}

func newBarrier(n int32) *barrier {
	b := &barrier{all: make(chan struct{})}
	b.missing.Store(n)
	return b
}

// Read implements io.Reader. Each reader reads once.
func (b *barrier) Read([]byte) (int, error) {
	if b.missing.Add(-1) == 0 {
		close(b.all)
	}
	select {
	case <-b.all:
	case <-time.After(2 * time.Second):
	}
	return 0, io.EOF
}

func signedOddKeys(b blobTest) {
	for i, name := range oddNames {
		key := fmt.Sprintf("org/%d/%s", i, name)
		s := put(key, []byte(name))
		s.CreateOnly = b.CreateOnly()
		r := b.signPut(s)
		if _, err := url.Parse(r.URL); err != nil {
			b.Errorf("URL for %q: %v", name, err)
		}
		if got := b.send(r, []byte(name), nil); got.status != http.StatusOK {
			b.Errorf("PUT %q: %v", name, got)
		}
		b.wantBlob(key, []byte(name))
		got := b.send(b.signGet(ports.GetSpec{Key: key, ContentType: "text/plain", Expires: soon()}), nil, nil)
		if got.status != http.StatusOK || string(got.body) != name {
			b.Errorf("GET %q: %v", name, got)
		}
	}
}

func signedExpired(b blobTest) {
	b.put("k", []byte("secret"))
	past := time.Now().Add(-time.Minute) // the server under test knows the real time
	s := put("new", []byte("x"))
	s.Expires = past
	if got := b.send(b.signPut(s), []byte("x"), nil); !got.refused() {
		b.Errorf("PUT: %v", got)
	}
	b.wantNoBlob("new")
	got := b.send(b.signGet(ports.GetSpec{Key: "k", ContentType: "text/plain", Expires: past}), nil, nil)
	if !got.refused() || bytes.Contains(got.body, []byte("secret")) {
		b.Errorf("GET: %v", got)
	}
	id, err := b.CreateMultipart(b.Context(), "parts", "text/plain", 5, 5<<20)
	b.must(err)
	r, err := b.SignPart(b.Context(), ports.PartSpec{Key: "parts", UploadID: id, Number: 1, Size: 5, Expires: past})
	b.must(err)
	if got := b.send(r, []byte("bytes"), nil); !got.refused() {
		b.Errorf("PUT of a part: %v", got)
	}
	if n := len(b.parts("parts", id)); n > 0 {
		b.Errorf("%d parts were stored", n)
	}
	b.must(b.AbortMultipart(b.Context(), "parts", id))
	_, err = b.Stat(b.Context(), "parts")
	b.wantErr(err, core.ErrBlobNotFound)
}

func signedHeaders(b blobTest) {
	s := put("k", []byte("x"))
	s.CreateOnly = b.CreateOnly()
	h := b.signPut(s).Header
	want := http.Header{
		"Content-Type":          {"image/png"},
		"X-Amz-Checksum-Sha256": {base64.StdEncoding.EncodeToString(s.SHA256)},
	}
	if s.CreateOnly {
		want["If-None-Match"] = []string{"*"}
	}
	if fmt.Sprint(h) != fmt.Sprint(want) {
		b.Errorf("header = %v, want %v", h, want)
	}
	if h := b.signGet(ports.GetSpec{Key: "k", Expires: soon()}).Header; len(h) > 0 {
		b.Errorf("a GET has to send %v", h)
	}
}
