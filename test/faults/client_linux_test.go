package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// wire is how clients talk: no redirect is followed, nothing is sent twice.
var wire = &http.Client{
	Timeout:       answerWithin,
	Transport:     &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true, IdleConnTimeout: 2 * time.Second},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

type object map[string]any

type raw []byte

// answer is what came back; status 0: nothing did.
type answer struct {
	what   string
	status int
	header http.Header
	body   []byte
}

func (a *answer) String() string {
	return fmt.Sprintf("%s: %d %s", a.what, a.status, a.body[:min(len(a.body), 600)])
}

// done: it is stored.
func (a *answer) done() bool { return a.status >= 200 && a.status < 400 }

// unknown: it may have happened or not.
func (a *answer) unknown() bool {
	return a.status == 0 || a.status == http.StatusServiceUnavailable || a.status == statusClientGone
}

const statusClientGone = 499

// get returns a member of the answer by its path, or nil.
func (a *answer) get(path string) any {
	var v any
	if json.Unmarshal(a.body, &v) != nil {
		return nil
	}
	for name := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(at) {
				return nil
			}
			v = at[i]
		default:
			return nil
		}
	}
	return v
}

func (a *answer) text(path string) string {
	if v := a.get(path); v != nil {
		return fmt.Sprint(v)
	}
	return ""
}

func (a *answer) number(path string) int64 {
	n, _ := a.get(path).(float64)
	return int64(n)
}

func (a *answer) items(path string) []any {
	list, _ := a.get(path).([]any)
	return list
}

// caller is somebody with a token.
type caller struct {
	w     *world
	token string
}

// ask sends a request. What the server answers with 500 is a failure of the test,
// whatever was broken meanwhile.
func (c *caller) ask(ctx context.Context, method, path string, body any, headers ...string) *answer {
	var content io.Reader
	kind := "application/json"
	switch b := body.(type) {
	case nil:
	case raw:
		content, kind = bytes.NewReader(b), "application/x-ndjson"
	default:
		text, err := json.Marshal(body)
		if err != nil {
			c.w.wrong("%v", err)
		}
		content = bytes.NewReader(text)
	}
	headers = append(headers, "X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", rand.IntN(256), rand.IntN(256), rand.IntN(256)))
	if content != nil {
		headers = append(headers, "Content-Type", kind)
	}
	if c.token != "" {
		headers = append(headers, "Authorization", "Bearer "+c.token)
	}
	a := send(ctx, method, c.w.server.url+path, content, headers)
	if a.status >= http.StatusInternalServerError && a.status != http.StatusServiceUnavailable {
		c.w.wrong("%v", a)
	}
	return a
}

func send(ctx context.Context, method, url string, body io.Reader, headers []string) *answer {
	a := &answer{what: method + " " + url}
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		a.body = []byte(err.Error())
		return a
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := wire.Do(req)
	if err != nil {
		a.body = []byte(err.Error())
		return a
	}
	defer res.Body.Close()
	a.body, err = io.ReadAll(res.Body)
	if err != nil { // an answer without its end is none
		a.body = []byte(err.Error())
		return a
	}
	a.status, a.header = res.StatusCode, res.Header
	return a
}

// put sends bytes to where the server has said. The store is not the server: what
// it says in a fault is not judged, but the bytes have not arrived.
func (c *caller) put(ctx context.Context, at map[string]any, body []byte) *answer {
	var headers []string
	all, _ := at["headers"].(map[string]any)
	for name, value := range all {
		headers = append(headers, name, fmt.Sprint(value))
	}
	method, ok := at["method"].(string)
	if !ok {
		method = http.MethodPut
	}
	url, _ := at["url"].(string)
	return send(ctx, method, url, bytes.NewReader(body), headers)
}

// content returns n bytes that are the same for the same seed.
func content(seed uint64, n int) []byte {
	out := make([]byte, n)
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	_, _ = rand.NewChaCha8(key).Read(out) // never fails
	return out
}
