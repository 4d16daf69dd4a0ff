package env

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// IDPSecret is the secret of the clients "web" and "other" of every IDP.
const IDPSecret = "web-secret"

const idpPassword = "verysecure"

// IDP is a real OpenID Connect provider. Its clients are web and other, which
// have a secret, and native, which has none.
type IDP struct {
	*httptest.Server

	Asked atomic.Int64 // for keys
	Down  atomic.Bool  // answers 503 to everything

	callback string
	people   *people
	keys     atomic.Pointer[storage.Storage]
}

// Person is somebody the provider knows.
type Person struct {
	Subject  string // also the name to sign in by
	Email    string
	Verified bool
}

// OpenIDP starts a provider whose clients have that callback. It ends with the
// test. It knows id1, whose name is test-user@127.0.0.1, and id2, test-user2.
func OpenIDP(t testing.TB, callback string) *IDP {
	t.Helper()
	i := &IDP{callback: callback}
	var handler http.Handler
	i.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/keys" {
			i.Asked.Add(1)
		}
		if i.Down.Load() {
			http.Error(w, "down for repairs", http.StatusServiceUnavailable)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	issuer := "http://" + i.Listener.Addr().String()
	i.people = &people{UserStore: storage.NewUserStore(issuer), added: map[string]*storage.User{}}
	kept := &rotating{storage.NewStorageWithClients(i.people, map[string]*storage.Client{
		"web":    storage.WebClient("web", IDPSecret, callback),
		"native": storage.NativeClient("native", callback),
		"other":  storage.WebClient("other", IDPSecret, callback),
	}), &i.keys}
	i.keys.Store(kept.Storage)
	handler = exampleop.SetupServer(issuer, kept, slog.New(slog.DiscardHandler), false)
	i.Start()
	t.Cleanup(i.Close)
	return i
}

// Rotate replaces the provider's key.
func (i *IDP) Rotate() { i.keys.Store(storage.NewStorageWithClients(i.people, nil)) }

// Add makes the provider know somebody.
func (i *IDP) Add(p Person) {
	i.people.mu.Lock()
	defer i.people.mu.Unlock()
	i.people.added[p.Subject] = &storage.User{
		ID: p.Subject, Username: p.Subject, Password: idpPassword, FirstName: "Name of", LastName: p.Subject, Email: p.Email, EmailVerified: p.Verified,
	}
}

// SignIn does what a person with a browser does from that address of the
// provider's on, and returns what comes back to the callback.
func (i *IDP) SignIn(t testing.TB, start, user string) url.Values {
	t.Helper()
	jar, _ := cookiejar.New(nil) // never fails
	var back url.Values
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), i.callback) {
			back = r.URL.Query()
			return http.ErrUseLastResponse
		}
		return nil
	}}
	page, err := browser.Get(start) //nolint:noctx // ends with the provider
	if err != nil {
		t.Fatal(err)
	}
	defer page.Body.Close()
	form := url.Values{"username": {user}, "password": {idpPassword}, "id": {page.Request.URL.Query().Get("authRequestID")}}
	done, err := browser.PostForm(page.Request.URL.String(), form) //nolint:noctx // as above
	if err != nil {
		t.Fatal(err)
	}
	defer done.Body.Close()
	if back == nil {
		body, _ := io.ReadAll(done.Body)
		t.Fatalf("nobody came back: %s %s", done.Status, body)
	}
	return back
}

// Sign signs claims with the provider's key. A claim that is nil is left out.
func (i *IDP) Sign(t testing.TB, claims map[string]any) string {
	t.Helper()
	key, err := i.keys.Load().SigningKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims(claims))
	token.Header["kid"] = key.ID()
	signed, err := token.SignedString(key.Key())
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// rotating is the provider's storage, with keys that can be replaced.
type rotating struct {
	*storage.Storage

	keys *atomic.Pointer[storage.Storage]
}

// SigningKey implements op.Storage.
func (r *rotating) SigningKey(ctx context.Context) (op.SigningKey, error) {
	return r.keys.Load().SigningKey(ctx)
}

// KeySet implements op.Storage.
func (r *rotating) KeySet(ctx context.Context) ([]op.Key, error) { return r.keys.Load().KeySet(ctx) }

// people are the users of the example, and those that were added.
type people struct {
	storage.UserStore

	mu    sync.Mutex
	added map[string]*storage.User
}

// GetUserByID implements storage.UserStore.
func (p *people) GetUserByID(id string) *storage.User {
	p.mu.Lock()
	defer p.mu.Unlock()
	if u, ok := p.added[id]; ok {
		return u
	}
	return p.UserStore.GetUserByID(id)
}

// GetUserByUsername implements storage.UserStore.
func (p *people) GetUserByUsername(name string) *storage.User {
	p.mu.Lock()
	defer p.mu.Unlock()
	if u, ok := p.added[name]; ok {
		return u
	}
	return p.UserStore.GetUserByUsername(name)
}
