package env

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
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
	handler = setUp(issuer, kept)
	i.Start()
	t.Cleanup(i.Close)
	return i
}

var setUps sync.Mutex

// setUp returns the handler of a provider. The library writes the endpoints of
// a new one into those that all share: each gets a copy of its own.
func setUp(issuer string, kept *rotating) http.Handler {
	setUps.Lock()
	defer setUps.Unlock()
	own := *op.DefaultEndpoints
	op.DefaultEndpoints = &own
	return exampleop.SetupServer(issuer, kept, slog.New(slog.DiscardHandler), false)
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

// Key returns the provider's key, and what it is called.
func (i *IDP) Key(t testing.TB) (key *rsa.PrivateKey, id string) {
	t.Helper()
	signing, err := i.keys.Load().SigningKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	key, ok := signing.Key().(*rsa.PrivateKey)
	if !ok {
		t.Fatalf("env: the key is a %T", signing.Key())
	}
	return key, signing.ID()
}

// Sign signs claims as the provider does. A claim that is nil is left out.
func (i *IDP) Sign(t testing.TB, claims map[string]any) string {
	t.Helper()
	key, id := i.Key(t)
	return JWT(t, "RS256", id, claims, RS256(t, key))
}

// RS256 returns what signs with a key (RFC 7518, section 3.3).
func RS256(t testing.TB, key *rsa.PrivateKey) func(input []byte) []byte {
	return func(input []byte) []byte {
		t.Helper()
		sum := sha256.Sum256(input)
		signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return signature
	}
}

// JWT returns a token that says it is signed with that algorithm and key, and is
// signed by sign, whatever that is.
func JWT(t testing.TB, alg, kid string, claims map[string]any, sign func(input []byte) []byte) string {
	t.Helper()
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	var parts []string
	for _, part := range []map[string]any{{"alg": alg, "kid": kid, "typ": "JWT"}, claims} {
		doc, err := json.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, base64.RawURLEncoding.EncodeToString(doc))
	}
	input := strings.Join(parts, ".")
	return input + "." + base64.RawURLEncoding.EncodeToString(sign([]byte(input)))
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
