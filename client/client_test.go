package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/seed-755a8038/coffer/client"
)

// serve answers by a function until the test ends.
func serve(t *testing.T, fn http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(fn)
	t.Cleanup(s.Close)
	return s.URL
}

func newClient(t *testing.T, server string, options ...client.Option) *client.Client {
	t.Helper()
	c, err := client.New(server, options...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"status": status, "code": code, "detail": "because", "max": 3})
}

func TestTheServerMustBeAURL(t *testing.T) {
	for _, server := range []string{"", "files.example.com", "ftp://files.example.com", "http://"} {
		if _, err := client.New(server); err == nil {
			t.Errorf("%q is a server", server)
		}
	}
}

func TestARefusalIsAnErrorWithItsCode(t *testing.T) {
	c := newClient(t, serve(t, func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusConflict, "name_taken") }))
	_, err := c.GetOrg(t.Context(), uuid.New(), nil)
	var e *client.Error
	if !errors.As(err, &e) || e.Code != "name_taken" || e.Status != http.StatusConflict || e.Members["max"] != 3.0 {
		t.Fatalf("%#v", err)
	}
	if !errors.Is(err, &client.Error{Code: "name_taken"}) || errors.Is(err, &client.Error{Code: "conflict"}) {
		t.Error("it is not told by its code")
	}
}

func TestWhatIsNoProblemIsAnErrorToo(t *testing.T) {
	c := newClient(t, serve(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusTeapot) }))
	_, err := c.GetHealth(t.Context())
	if !errors.Is(err, &client.Error{Code: "http_error"}) {
		t.Errorf("%v", err)
	}
}

func TestOnlyWhatHarmsNothingIsSentAgain(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		call   func(context.Context, *client.Client) error
		want   int64
	}{
		"a GET": {http.StatusServiceUnavailable, func(ctx context.Context, c *client.Client) error {
			_, err := c.GetOrg(ctx, uuid.New(), nil)
			return err
		}, 5},
		"a POST with a key": {http.StatusServiceUnavailable, func(ctx context.Context, c *client.Client) error {
			_, err := c.CreateOrg(ctx, nil, client.CreateOrgInput{Name: "x"})
			return err
		}, 5},
		"a POST without": {http.StatusServiceUnavailable, func(ctx context.Context, c *client.Client) error {
			_, err := c.LogIn(ctx, client.LogInInput{})
			return err
		}, 1},
		"a POST that was not carried out": {http.StatusTooManyRequests, func(ctx context.Context, c *client.Client) error {
			_, err := c.LogIn(ctx, client.LogInInput{})
			return err
		}, 5},
		"what is refused": {http.StatusNotFound, func(ctx context.Context, c *client.Client) error {
			_, err := c.GetOrg(ctx, uuid.New(), nil)
			return err
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent atomic.Int64
			var keys sync.Map
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				sent.Add(1)
				keys.Store(r.Header.Get("Idempotency-Key"), true)
				refuse(w, c.status, "x")
			})
			if err := c.call(t.Context(), newClient(t, url)); !errors.Is(err, &client.Error{Code: "x"}) {
				t.Errorf("%v", err)
			}
			if got := sent.Load(); got != c.want {
				t.Errorf("sent %d times, want %d", got, c.want)
			}
			different := 0
			keys.Range(func(any, any) bool { different++; return true })
			if different != 1 {
				t.Errorf("%d idempotency keys for one call", different)
			}
		})
	}
}

// TestManyRequestsRenewOneSession: each refresh token is good for one use.
func TestManyRequestsRenewOneSession(t *testing.T) {
	var mu sync.Mutex
	number, renewed := 0, 0
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/api/auth/refresh" {
			var in struct {
				Token string `json:"refresh_token"`
			}
			_ = json.NewDecoder(r.Body).Decode(&in)
			if in.Token != fmt.Sprint("refresh", number) {
				refuse(w, http.StatusUnauthorized, "invalid_refresh_token")
				return
			}
			number++
			renewed++
			_, _ = fmt.Fprintf(w, `{"access_token":"access%d","refresh_token":"refresh%d","expires_in":60,"token_type":"Bearer"}`, number, number)
			return
		}
		if renewed == 0 || r.Header.Get("Authorization") != fmt.Sprint("Bearer access", number) {
			refuse(w, http.StatusUnauthorized, "unauthenticated")
			return
		}
		_, _ = io.WriteString(w, `{"status":"ok"}`)
	})
	auth := client.NewAuth(client.Credentials{AccessToken: "access0", RefreshToken: "refresh0"})
	var saved []client.Credentials
	auth.Save = func(c client.Credentials) error { saved = append(saved, c); return nil }
	c := newClient(t, url, client.WithAuth(auth))
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := c.GetMe(t.Context(), nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if renewed != 1 || len(saved) != 1 || saved[0].RefreshToken != "refresh1" {
		t.Errorf("renewed %d times, saved %v", renewed, saved)
	}
}

func TestPages(t *testing.T) {
	var asked []string
	list := func(_ context.Context, cursor *string) ([]int, *string, error) {
		if cursor == nil {
			asked = append(asked, "")
			return []int{1, 2}, new("a"), nil
		}
		asked = append(asked, *cursor)
		if *cursor == "a" {
			return []int{3}, new("b"), nil
		}
		return nil, nil, io.ErrUnexpectedEOF
	}
	var got []int
	var failed error
	for n, err := range client.Pages(t.Context(), list) {
		if err != nil {
			failed = err
			break
		}
		got = append(got, n)
	}
	if fmt.Sprint(got, asked) != "[1 2 3] [ a b]" || !errors.Is(failed, io.ErrUnexpectedEOF) {
		t.Errorf("%v, asked for %q, %v", got, asked, failed)
	}
	for range client.Pages(t.Context(), list) {
		break // asks for no more
	}
	if len(asked) != 4 {
		t.Errorf("asked for %q", asked)
	}
}

func TestSHA256KnowsAFileThatShrinks(t *testing.T) {
	if _, err := client.SHA256(t.Context(), bytes.NewReader([]byte("abc")), 4); !errors.Is(err, client.ErrChanged) {
		t.Errorf("%v", err)
	}
	if sum, err := client.SHA256(t.Context(), bytes.NewReader([]byte("abc")), 3); err != nil || sum[:8] != "ba7816bf" {
		t.Errorf("%s, %v", sum, err)
	}
}

// No secret of a signed URL shows in an error.
func TestErrorsHaveNoSignedURLs(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"download_url":"http://127.0.0.1:1/x?signature=secret","size_bytes":3}`)
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := newClient(t, url).DownloadFile(ctx, &client.Asset{SizeBytes: 3}, discard{cancel}, 0, client.Transfer{})
	if err == nil || bytes.Contains([]byte(err.Error()), []byte("secret")) {
		t.Errorf("%v", err)
	}
}

type discard struct{ cancel func() }

func (discard) ReadAt([]byte, int64) (int, error)      { return 0, io.EOF }
func (discard) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
