package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// wire is how the stories talk: no redirect is followed, nothing is retried.
var wire = &http.Client{
	Timeout: 2 * time.Minute,
	Transport: &http.Transport{
		MaxIdleConnsPerHost: 64, DisableCompression: true, IdleConnTimeout: 5 * time.Second, ExpectContinueTimeout: time.Second,
	},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// client is somebody who talks to the API.
type client struct {
	t     *testing.T
	url   string
	token string // access token; empty: nobody
	key   string // API key; empty: none
}

// with are further headers of a request.
type with map[string]string

// raw is a body that is sent as it is.
type raw string

// answer is what the server said.
type answer struct {
	t      *testing.T
	what   string // the request, for messages
	status int
	header http.Header
	body   []byte
}

// ask sends a request. Whatever it is, the server must not fail.
func (c *client) ask(method, path string, body any, headers ...with) *answer {
	c.t.Helper()
	a, err := c.try(method, path, body, headers...)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	if a.status >= http.StatusInternalServerError {
		c.t.Errorf("%s: %d %s", a.what, a.status, a.body)
	}
	return a
}

// try is ask for goroutines, which must not end the test.
func (c *client) try(method, path string, body any, headers ...with) (*answer, error) {
	var content io.Reader
	switch b := body.(type) {
	case nil:
	case raw:
		content = strings.NewReader(string(b))
	default:
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, content)
	if err != nil {
		return nil, err
	}
	if content != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.key != "" {
		req.Header.Set("X-API-Key", c.key)
	}
	for _, h := range headers {
		for name, value := range h {
			if req.Header.Set(name, value); value == "" {
				req.Header.Del(name)
			}
		}
	}
	return c.send(req)
}

func (c *client) send(req *http.Request) (*answer, error) {
	res, err := wire.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	return &answer{t: c.t, what: req.Method + " " + req.URL.Path, status: res.StatusCode, header: res.Header, body: text}, nil
}

// want sends a request that must be answered with the status.
func (c *client) want(status int, method, path string, body any, headers ...with) *answer {
	c.t.Helper()
	a := c.ask(method, path, body, headers...)
	if a.status != status {
		c.t.Fatalf("%s: %d, want %d: %s", a.what, a.status, status, a.body)
	}
	return a
}

// refused sends a request that must be answered with a problem.
func (c *client) refused(status int, code, method, path string, body any, headers ...with) *answer {
	c.t.Helper()
	a := c.ask(method, path, body, headers...)
	a.isProblem(status, code)
	return a
}

// isProblem checks that the answer is a problem (RFC 9457), complete and with that code.
func (a *answer) isProblem(status int, code string) {
	a.t.Helper()
	var p struct {
		Type, Title, Detail, Code string
		Status                    int
		RequestID                 string `json:"request_id"`
	}
	if err := json.Unmarshal(a.body, &p); err != nil {
		a.t.Errorf("%s: %d, not JSON: %q", a.what, a.status, a.body)
		return
	}
	if a.status != status || p.Code != code || p.Status != status {
		a.t.Errorf("%s: %d %s, want %d %s: %s", a.what, a.status, p.Code, status, code, a.body)
	}
	if a.header.Get("Content-Type") != "application/problem+json" || p.Type == "" || p.Title == "" || p.Detail == "" ||
		p.RequestID == "" || p.RequestID != a.header.Get("X-Request-Id") {
		a.t.Errorf("%s: not a whole problem: %v %s", a.what, a.header, a.body)
	}
}

// get returns a member of the answer by its path, as "upload.parts.0.url".
func (a *answer) get(path string) any {
	a.t.Helper()
	var v any
	if err := json.Unmarshal(a.body, &v); err != nil {
		a.t.Fatalf("%s: %v: %q", a.what, err, a.body)
	}
	for name := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			member, ok := at[name]
			if !ok {
				a.t.Fatalf("%s: no %s in %s", a.what, path, a.body)
			}
			v = member
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(at) {
				a.t.Fatalf("%s: no %s in %s", a.what, path, a.body)
			}
			v = at[i]
		default:
			a.t.Fatalf("%s: no %s in %s", a.what, path, a.body)
		}
	}
	return v
}

func (a *answer) text(path string) string { a.t.Helper(); return fmt.Sprint(a.get(path)) }

func (a *answer) number(path string) int64 {
	a.t.Helper()
	n, ok := a.get(path).(float64)
	if !ok {
		a.t.Fatalf("%s: %s is no number: %s", a.what, path, a.body)
	}
	return int64(n)
}

// list returns a member of each item of a list.
func (a *answer) list(member string) []string {
	a.t.Helper()
	items, ok := a.get("items").([]any)
	if !ok {
		a.t.Fatalf("%s: no items: %s", a.what, a.body)
	}
	out := make([]string, len(items))
	for i := range items {
		out[i] = a.text(fmt.Sprintf("items.%d.%s", i, member))
	}
	return out
}

// without returns the members of the answer but those, to compare answers.
func (a *answer) without(members ...string) map[string]any {
	a.t.Helper()
	var v map[string]any
	if err := json.Unmarshal(a.body, &v); err != nil {
		a.t.Fatalf("%s: %v: %q", a.what, err, a.body)
	}
	for _, name := range members {
		delete(v, name)
	}
	return v
}

const password = "correct horse battery staple"

// user is somebody who has signed up.
type user struct {
	*client

	email, org, drive, account, refresh string
}

func (s *server) anybody() *client { return &client{t: s.t, url: s.url} }

// signUp makes a user; name is the address's part before the @.
func (s *server) signUp(name string, more ...with) *user {
	s.t.Helper()
	c := s.anybody()
	email := name + "@example.com"
	a := c.want(http.StatusCreated, "POST", "/api/auth/signup", object{"email": email, "password": password, "name": name}, more...)
	c.token = a.text("access_token")
	return &user{c, email, a.text("org.id"), a.text("drive.id"), a.text("account.id"), a.text("refresh_token")}
}

// logIn makes the user a new session.
func (u *user) logIn() {
	u.t.Helper()
	a := u.want(http.StatusOK, "POST", "/api/auth/login", object{"email": u.email, "password": password}, with{"Authorization": ""})
	u.token, u.refresh = a.text("access_token"), a.text("refresh_token")
}

// used returns what the user's files take: bytes, and how many they are.
func (u *user) used() (bytes, assets int64) {
	u.t.Helper()
	a := u.want(http.StatusOK, "GET", "/api/orgs/"+u.org+"/assets/usage", nil)
	return a.number("used_bytes"), a.number("assets_count")
}

// usedMust checks what the user's files take.
func (u *user) usedMust(bytes, assets int64) {
	u.t.Helper()
	if b, n := u.used(); b != bytes || n != assets {
		u.t.Errorf("the files take %d bytes and are %d, want %d and %d", b, n, bytes, assets)
	}
}

// object is a JSON object.
type object map[string]any

// but returns a copy with other members.
func (o object) but(members object) object {
	out := maps.Clone(o)
	maps.Copy(out, members)
	return out
}

// race runs n requests at the same moment.
func race(t *testing.T, n int, request func(i int) (*answer, error)) []*answer {
	t.Helper()
	answers, failures := make([]*answer, n), make([]error, n)
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-begin
			answers[i], failures[i] = request(i)
		})
	}
	close(begin)
	wg.Wait()
	for i, err := range failures {
		if err != nil || answers[i] == nil {
			t.Fatalf("request %d of %d: %v", i, n, err)
		}
		if answers[i].status >= http.StatusInternalServerError {
			t.Errorf("%s: %d %s", answers[i].what, answers[i].status, answers[i].body)
		}
	}
	return answers
}

// statuses counts answers by their status.
func statuses(answers []*answer) map[int]int {
	out := map[int]int{}
	for _, a := range answers {
		out[a.status]++
	}
	return out
}

// eventually waits for what happens in the background. Its patience has room for
// a loaded machine, on which a server takes over from one that was killed.
func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	const patience, pause = 2 * time.Minute, 50 * time.Millisecond
	for end := time.Now().Add(patience); !happened(); time.Sleep(pause) {
		if time.Now().After(end) {
			t.Fatalf("after %v still not: %s", patience, what)
		}
	}
}
