package oidc_test

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// finish signs in at a forger that answers the code with the token it is given.
func finish(t testing.TB, f *forger, token func(claims jwt.MapClaims) string) (ports.ExternalUser, error) {
	t.Helper()
	p := newProviders(t, f.config(), &clock{})
	_, state := begin(t, p, "work")
	f.nonce = state.Nonce
	f.idToken = func(nonce string) string {
		claims := f.claims()
		claims["nonce"], claims["azp"] = nonce, nil
		return token(claims)
	}
	return p.Finish(t.Context(), "work", callback, "code", state)
}

func TestIDTokensOfSomethingElseAreRefused(t *testing.T) {
	set := func(k string, v any) func(jwt.MapClaims) string {
		return func(c jwt.MapClaims) string {
			c[k] = v
			return good(t, c)
		}
	}
	der, err := x509.MarshalPKIXPublicKey(rsaKeys()[0].Public())
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]func(jwt.MapClaims) string{
		"another nonce":        set("nonce", "another"),
		"no nonce":             set("nonce", nil),
		"another audience":     set("aud", "other"),
		"more audiences":       set("aud", []string{"coffer", "other"}),
		"another party":        set("azp", "other"),
		"a party not text":     set("azp", 7),
		"an empty party":       set("azp", ""),
		"another issuer":       set("iss", "https://evil.example"),
		"expired":              set("exp", time.Now().Add(-time.Second).Unix()),
		"another access token": set("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"),
		"no subject":           set("sub", nil),
		"none at all":          func(jwt.MapClaims) string { return "" },
		"a line break":         func(c jwt.MapClaims) string { return good(t, c) + "\n" },
		"over 16 KB":           set("groups", strings.Repeat("g", 16<<10)),
		"alg none": func(c jwt.MapClaims) string {
			return sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil, c)
		},
		"HS256 with the secret": func(c jwt.MapClaims) string {
			return sign(t, jwt.SigningMethodHS256, []byte(secret), map[string]any{"kid": "1"}, c)
		},
		"HS256 with the key": func(c jwt.MapClaims) string {
			return sign(t, jwt.SigningMethodHS256, der, map[string]any{"kid": "1"}, c)
		},
		"an access token": func(c jwt.MapClaims) string {
			return sign(t, jwt.SigningMethodRS256, rsaKeys()[0], map[string]any{"kid": "1", "typ": "at+jwt"}, c)
		},
		"another key": func(c jwt.MapClaims) string {
			return sign(t, jwt.SigningMethodRS256, rsaKeys()[1], map[string]any{"kid": "1"}, c)
		},
	} {
		if got, err := finish(t, openForger(t), token); !errors.Is(err, core.ErrUnauthenticated) || got != (ports.ExternalUser{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestIDTokensOfThisSignInAreTaken(t *testing.T) {
	for name, change := range map[string]func(jwt.MapClaims){
		"as they are":              func(jwt.MapClaims) {},
		"issued to this server":    func(c jwt.MapClaims) { c["azp"] = "coffer" },
		"with more audiences":      func(c jwt.MapClaims) { c["aud"], c["azp"] = []string{"other", "coffer"}, "coffer" },
		"with their access token":  func(c jwt.MapClaims) { c["at_hash"] = halfHash("access") },
		"valid in a minute":        func(c jwt.MapClaims) { c["nbf"] = time.Now().Add(time.Minute).Unix() }, // clocks differ
		"issued by a faster clock": func(c jwt.MapClaims) { c["iat"] = time.Now().Add(time.Minute).Unix() },
	} {
		f := openForger(t)
		got, err := finish(t, f, func(c jwt.MapClaims) string {
			change(c)
			return good(t, c)
		})
		want := ports.ExternalUser{Issuer: f.URL, Subject: "ann", Email: "ann@example.com", EmailVerified: true, Name: "Ann"}
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// halfHash is how a token names another (OpenID Connect Core 1.0, section 3.1.3.6).
func halfHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

func TestTheProviderIsAskedForAnAddressThatTheTokenHasNot(t *testing.T) {
	for name, c := range map[string]struct {
		info any
		want ports.ExternalUser // without issuer and subject
		err  error
	}{
		"verified":         {map[string]any{"sub": "ann", "email": "a@b.example", "email_verified": "true", "name": "A"}, ports.ExternalUser{Email: "a@b.example", EmailVerified: true, Name: "A"}, nil},
		"not verified":     {map[string]any{"sub": "ann", "email": "a@b.example"}, ports.ExternalUser{Email: "a@b.example", Name: "Ann"}, nil},
		"there is none":    {map[string]any{"sub": "ann", "email_verified": true}, ports.ExternalUser{Name: "Ann"}, nil},
		"of somebody else": {map[string]any{"sub": "eve", "email": "a@b.example", "email_verified": true}, ports.ExternalUser{}, core.ErrUnauthenticated},
		"of nobody":        {map[string]any{"email": "a@b.example", "email_verified": true}, ports.ExternalUser{}, core.ErrUnauthenticated},
		"not an object":    {"hello", ports.ExternalUser{}, core.ErrUnavailable},
	} {
		f := openForger(t)
		f.userinfo = c.info
		got, err := finish(t, f, func(claims jwt.MapClaims) string {
			claims["email"] = nil // what is verified is then no address of the answer
			return good(t, claims)
		})
		if c.err == nil {
			c.want.Issuer, c.want.Subject = f.URL, "ann"
		}
		if !errors.Is(err, c.err) || got != c.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestAClientSaysWhoItIsAsTheProviderLikes(t *testing.T) {
	for want, methods := range map[string]any{"header": nil, "form": []string{"client_secret_post"}} {
		f := openForger(t)
		f.metadata = map[string]any{"token_endpoint_auth_methods_supported": methods}
		if _, err := finish(t, f, func(c jwt.MapClaims) string { return good(t, c) }); err != nil || f.auth != want {
			t.Errorf("%v: said in the %s, %v", methods, f.auth, err)
		}
	}
}
