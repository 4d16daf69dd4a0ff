package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// hooking are settings under which webhooks may lead to a test.
var hooking = settings{"COFFER_WEBHOOKS_ALLOW_PRIVATE": "true"}

// message is what has arrived at a receiver.
type message struct {
	header http.Header
	body   []byte

	Type      string
	Timestamp time.Time
	Data      map[string]any
}

func (m *message) id() string { return m.header.Get("Webhook-Id") }

// receiver is an endpoint of a webhook.
type receiver struct {
	t      *testing.T
	url    string
	mu     sync.Mutex
	got    []*message
	answer func(w http.ResponseWriter, r *http.Request) // nil: 204
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{t: t}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL + "/hooks?token=sesame"
	return r
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	m := &message{header: req.Header, body: body}
	if err := json.Unmarshal(body, m); err != nil || req.Method != http.MethodPost || req.URL.RequestURI() != "/hooks?token=sesame" {
		r.t.Errorf("%s %s: %v: %q", req.Method, req.URL, err, body)
	}
	if err != nil {
		r.t.Error(err)
	}
	r.mu.Lock()
	r.got = append(r.got, m)
	answer := r.answer
	r.mu.Unlock()
	if answer == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	answer(w, req)
}

// answers makes the receiver answer so from now on.
func (r *receiver) answers(status int, body string) {
	r.with(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Receiver", "test")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

func (r *receiver) with(answer func(w http.ResponseWriter, r *http.Request)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// all returns what has arrived of these types; none: of any.
func (r *receiver) all(types ...string) (out []*message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.got {
		if len(types) == 0 || slices.Contains(types, m.Type) {
			out = append(out, m)
		}
	}
	return out
}

// await returns the n-th message of a type, counted from 1, once it is there.
func (r *receiver) await(kind string, n int) *message {
	r.t.Helper()
	eventually(r.t, "the receiver gets "+kind, func() bool { return len(r.all(kind)) >= n })
	return r.all(kind)[n-1]
}

// verified checks the signature of a message, and its time unless clocks differ.
func (m *message) verified(t *testing.T, secret string, punctual bool) {
	t.Helper()
	hook, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	verify := hook.VerifyIgnoringTimestamp
	if punctual {
		verify = hook.Verify
	}
	if err := verify(m.body, m.header); err != nil {
		t.Errorf("%s: %v: %v", m.Type, err, m.header)
	}
}

func (m *message) isForged(t *testing.T, secret string) {
	t.Helper()
	hook, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := hook.VerifyIgnoringTimestamp(m.body, m.header); err == nil {
		t.Errorf("%s: the secret verifies it", m.Type)
	}
}

// hook is a webhook of a user's org.
type hook struct {
	*user

	path, id, secret string
}

// listens makes a webhook that leads to the receiver.
func (u *user) listens(r *receiver, members object) *hook {
	u.t.Helper()
	path := "/api/orgs/" + u.org + "/webhooks"
	a := u.want(http.StatusCreated, "POST", path, object{"url": r.url}.but(members))
	return &hook{u, path + "/" + a.text("webhook.id"), a.text("webhook.id"), a.text("secret")}
}

// deliveries lists what was sent, newest first.
func (h *hook) deliveries(query string) *answer {
	h.t.Helper()
	return h.want(http.StatusOK, "GET", h.path+"/deliveries"+query, nil)
}

// settled waits until nothing is on its way, and returns how the deliveries of
// a type have ended, newest first.
func (h *hook) settled(kind string) (statuses []string) {
	h.t.Helper()
	eventually(h.t, "deliveries are made", func() bool { return len(h.deliveries("?status=pending").list("id")) == 0 })
	a := h.deliveries("?limit=200")
	all := a.list("status")
	for i, t := range a.list("type") {
		if t == kind {
			statuses = append(statuses, all[i])
		}
	}
	return statuses
}
