package oidc_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"github.com/seed-755a8038/coffer/adapters/oidc"
	"github.com/seed-755a8038/coffer/ports"
)

// Keys are slow to make, and no test changes them.
var rsaKeys = sync.OnceValue(func() []*rsa.PrivateKey {
	var keys []*rsa.PrivateKey
	for _, bits := range []int{2048, 2048, 1024} {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			panic(err)
		}
		keys = append(keys, key)
	}
	return keys
})

// forger is an issuer that publishes and answers whatever a test wants.
type forger struct {
	*httptest.Server
	asked atomic.Int64 // for keys
	down  atomic.Bool

	mu       sync.Mutex
	keys     []jose.JSONWebKey
	metadata map[string]any // replaces members of what is discovered; nil removes one
	idToken  func(nonce string) string
	userinfo any
	nonce    string
	auth     string // how the client said who it is
}

func openForger(t testing.TB) *forger {
	t.Helper()
	f := &forger{keys: []jose.JSONWebKey{{Key: rsaKeys()[0].Public(), KeyID: "1", Use: "sig", Algorithm: "RS256"}}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", f.discovery)
	mux.HandleFunc("GET /keys", f.serveKeys)
	mux.HandleFunc("POST /token", f.token)
	mux.HandleFunc("GET /userinfo", func(w http.ResponseWriter, _ *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		answer(w, f.userinfo)
	})
	mux.HandleFunc("GET /elsewhere", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/keys", http.StatusFound) })
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.down.Load() {
			http.Error(w, "down for repairs", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *forger) discovery(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := map[string]any{
		"issuer": f.URL, "authorization_endpoint": f.URL + "/authorize", "token_endpoint": f.URL + "/token",
		"jwks_uri": f.URL + "/keys", "userinfo_endpoint": f.URL + "/userinfo",
		"id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"},
	}
	maps.Copy(m, f.metadata)
	maps.DeleteFunc(m, func(_ string, v any) bool { return v == nil })
	answer(w, m)
}

func (f *forger) serveKeys(w http.ResponseWriter, _ *http.Request) {
	f.asked.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	answer(w, jose.JSONWebKeySet{Keys: f.keys})
}

func (f *forger) token(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.auth = "header"
	if r.PostFormValue("client_id") != "" {
		f.auth = "form"
	}
	answer(w, map[string]any{"access_token": "access", "token_type": "Bearer", "id_token": f.idToken(f.nonce)})
}

func (f *forger) publish(keys ...jose.JSONWebKey) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys = keys
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// claims are those of a good token.
func (f *forger) claims() jwt.MapClaims {
	return jwt.MapClaims{
		"iss": f.URL, "aud": "coffer", "azp": "app", "sub": "ann", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
		"email": "ann@example.com", "email_verified": true, "name": "Ann",
	}
}

// sign signs anything. A header or claim that is nil is left out.
func sign(t testing.TB, method jwt.SigningMethod, key any, header map[string]any, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	maps.Copy(token.Header, header)
	isNil := func(_ string, v any) bool { return v == nil }
	maps.DeleteFunc(token.Header, isNil)
	maps.DeleteFunc(claims, isNil)
	signed, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// good signs the claims with the first key, as the issuer would.
func good(t testing.TB, claims jwt.MapClaims) string {
	t.Helper()
	return sign(t, jwt.SigningMethodRS256, rsaKeys()[0], map[string]any{"kid": "1"}, claims)
}

func (f *forger) config() oidc.Config {
	return oidc.Config{
		External:  []oidc.ExternalIssuer{{Issuer: f.URL, Audience: "coffer"}},
		Providers: []oidc.Provider{{Name: "work", Issuer: f.URL, ClientID: "coffer", ClientSecret: secret}},
	}
}

func newTokens(t testing.TB, cfg oidc.Config, c ports.Clock) *oidc.Tokens {
	t.Helper()
	tokens, err := oidc.NewTokens(cfg, c)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

// signer is a key with the algorithm it signs with.
type signer struct {
	method jwt.SigningMethod
	key    crypto.Signer
}

// signers has one for each algorithm that is allowed.
func signers(t testing.TB) map[string]signer {
	t.Helper()
	out := map[string]signer{}
	for _, m := range []jwt.SigningMethod{
		jwt.SigningMethodRS256, jwt.SigningMethodRS384, jwt.SigningMethodRS512,
		jwt.SigningMethodPS256, jwt.SigningMethodPS384, jwt.SigningMethodPS512,
	} {
		out[m.Alg()] = signer{m, rsaKeys()[0]}
	}
	for m, curve := range map[jwt.SigningMethod]elliptic.Curve{
		jwt.SigningMethodES256: elliptic.P256(), jwt.SigningMethodES384: elliptic.P384(), jwt.SigningMethodES512: elliptic.P521(),
	} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		out[m.Alg()] = signer{m, key}
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	out["EdDSA"] = signer{jwt.SigningMethodEdDSA, key}
	return out
}
