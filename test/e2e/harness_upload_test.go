package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"testing"
)

// content returns n bytes that are the same for the same seed.
func content(seed byte, n int) []byte {
	out := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(out) // never fails
	return out
}

func sha256Of(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// create describes a file to the API, which must accept it.
func (u *user) create(file object) *answer {
	u.t.Helper()
	return u.want(http.StatusCreated, "POST", "/api/orgs/"+u.org+"/assets", file)
}

// signed is a request that the API has signed.
type signed struct {
	method, url string
	headers     map[string]string
}

// single returns the one request of an upload.
func (a *answer) single() signed {
	a.t.Helper()
	if a.text("upload.strategy") != "single" {
		a.t.Fatalf("%s: not a single upload: %s", a.what, a.body)
	}
	return signed{a.text("upload.method"), a.text("upload.url"), headersOf(a, "upload.headers")}
}

func headersOf(a *answer, path string) map[string]string {
	a.t.Helper()
	all, ok := a.get(path).(map[string]any)
	if !ok {
		a.t.Fatalf("%s: no %s: %s", a.what, path, a.body)
	}
	out := make(map[string]string, len(all))
	for name, value := range all {
		out[name] = fmt.Sprint(value)
	}
	return out
}

// part is a request that sends one part.
type part struct {
	signed

	number int
	size   int64
}

// parts returns the requests that an answer has at path.
func (a *answer) parts(path string) []part {
	a.t.Helper()
	items, ok := a.get(path).([]any)
	if !ok {
		a.t.Fatalf("%s: no %s: %s", a.what, path, a.body)
	}
	out := make([]part, len(items))
	for i := range items {
		at := fmt.Sprintf("%s.%d.", path, i)
		out[i] = part{
			signed{http.MethodPut, a.text(at + "url"), headersOf(a, at+"headers")}, int(a.number(at + "number")), a.number(at + "size_bytes"),
		}
	}
	return out
}

// put sends bytes as curl would, with what the API has said and nothing else.
func put(t *testing.T, s signed, body []byte) *answer {
	t.Helper()
	a, err := tryPut(t, s, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if a.status >= http.StatusInternalServerError {
		t.Errorf("%s: %d %s", a.what, a.status, a.body)
	}
	return a
}

func tryPut(t *testing.T, s signed, body io.Reader, edits ...func(*http.Request)) (*answer, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), s.method, s.url, body)
	if err != nil {
		return nil, err
	}
	for name, value := range s.headers {
		req.Header.Set(name, value)
	}
	const large = 1 << 20
	if req.ContentLength >= large { // curl asks first, too
		req.Header.Set("Expect", "100-continue")
	}
	for _, edit := range edits {
		edit(req)
	}
	return (&client{t: t}).send(req)
}

// send is put where the bytes must arrive.
func send(t *testing.T, s signed, body []byte) {
	t.Helper()
	a := put(t, s, body)
	if a.status != http.StatusOK {
		t.Fatalf("PUT: %d %s", a.status, a.body)
	}
}

// complete ends the upload of a created file, which must succeed.
func (u *user) complete(created *answer) *answer {
	u.t.Helper()
	return u.want(http.StatusOK, "POST", "/api/assets/"+created.text("asset.id")+"/complete", object{"upload_id": created.text("upload.upload_id")})
}

// upload creates a small file, sends its bytes and completes it. It returns
// the asset.
func (u *user) upload(file object, body []byte) *answer {
	u.t.Helper()
	created := u.create(object{"size_bytes": len(body)}.but(file))
	send(u.t, created.single(), body)
	return u.complete(created)
}

// fetch downloads from a signed URL.
func fetch(t *testing.T, url string, headers ...with) *answer {
	t.Helper()
	c := client{t: t, url: url}
	return c.ask("GET", "", nil, headers...)
}

// download asks the API for the file's bytes and fetches them.
func (u *user) download(asset string) []byte {
	u.t.Helper()
	a := fetch(u.t, u.want(http.StatusOK, "GET", "/api/assets/"+asset+"/download", nil).text("download_url"))
	if a.status != http.StatusOK {
		u.t.Fatalf("GET: %d %s", a.status, a.body)
	}
	return a.body
}
