package jwtauth_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/seed-755a8038/coffer/adapters/jwtauth"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const issuer = "https://coffer.example"

var (
	_ ports.Tokens = (*jwtauth.Tokens)(nil)

	key = []byte("a-key-of-at-least-32-bytes-for-tests")
	now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

	signedIn = core.Claims{
		UserID: core.UserID{1}, SessionID: core.SessionID{2}, OrgID: core.OrgID{3},
		IssuedAt: now, ExpiresAt: now.Add(time.Hour),
	}
)

func newTokens(t testing.TB) *jwtauth.Tokens {
	t.Helper()
	tokens, err := jwtauth.New(key, issuer)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

// forge signs any header and claims with any key.
func forge(t testing.TB, method jwt.SigningMethod, with any, header, claims map[string]any) string {
	t.Helper()
	token := jwt.NewWithClaims(method, jwt.MapClaims(claims))
	maps.Copy(token.Header, header)
	signed, err := token.SignedString(with)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func goodHeader() map[string]any { return map[string]any{"typ": "at+jwt"} }

func goodClaims() map[string]any {
	return map[string]any{
		"iss": issuer, "aud": "coffer", "exp": signedIn.ExpiresAt.Unix(), "iat": now.Unix(),
		"sub": signedIn.UserID.String(), "sid": signedIn.SessionID.String(), "org_id": signedIn.OrgID.String(),
	}
}

func with(m map[string]any, key string, value any) map[string]any {
	m[key] = value
	return m
}

func without(m map[string]any, key string) map[string]any {
	delete(m, key)
	return m
}

func TestWhatIsIssuedIsVerified(t *testing.T) {
	tokens := newTokens(t)
	token, err := tokens.Issue(signedIn)
	if err != nil {
		t.Fatal(err)
	}
	got, err := tokens.Verify(token, now)
	if err != nil || got != signedIn {
		t.Errorf("Verify = %+v, %v, want %+v", got, err, signedIn)
	}
	if len(token) > 600 {
		t.Errorf("a token has %d bytes", len(token))
	}
}

func TestTimesAreCutToSeconds(t *testing.T) {
	c := signedIn
	c.IssuedAt, c.ExpiresAt = c.IssuedAt.Add(999*time.Millisecond), c.ExpiresAt.Add(999*time.Millisecond)
	token, _ := newTokens(t).Issue(c)
	if got, err := newTokens(t).Verify(token, now); err != nil || got != signedIn {
		t.Errorf("Verify = %+v, %v, want %+v", got, err, signedIn)
	}
}

func TestATokenEndsAtItsSecond(t *testing.T) {
	token, _ := newTokens(t).Issue(signedIn)
	if _, err := newTokens(t).Verify(token, signedIn.ExpiresAt.Add(-time.Microsecond)); err != nil {
		t.Errorf("just before: %v", err)
	}
	for _, at := range []time.Duration{0, time.Microsecond, time.Hour} {
		if _, err := newTokens(t).Verify(token, signedIn.ExpiresAt.Add(at)); !errors.Is(err, core.ErrUnauthenticated) {
			t.Errorf("%v after: %v", at, err)
		}
	}
}

func TestTheForgedTokenOfTheseTestsIsOtherwiseGood(t *testing.T) {
	got, err := newTokens(t).Verify(forge(t, jwt.SigningMethodHS256, key, goodHeader(), goodClaims()), now)
	if err != nil || got != signedIn {
		t.Errorf("Verify = %+v, %v", got, err)
	}
}

func TestForgedTokensAreRefused(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	hs256, other := jwt.SigningMethodHS256, bytes.Repeat([]byte("x"), 32)
	header := func(k string, v any) string { return forge(t, hs256, key, with(goodHeader(), k, v), goodClaims()) }
	claim := func(k string, v any) string { return forge(t, hs256, key, goodHeader(), with(goodClaims(), k, v)) }
	missing := func(k string) string { return forge(t, hs256, key, goodHeader(), without(goodClaims(), k)) }
	for name, token := range map[string]string{
		"alg none":             forge(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, goodHeader(), goodClaims()),
		"alg NONE":             unsigned(t, "NONE"),
		"alg empty":            unsigned(t, ""),
		"alg not text":         header("alg", 256),
		"alg RS256":            forge(t, jwt.SigningMethodRS256, rsaKey, goodHeader(), goodClaims()),
		"alg HS512, our key":   forge(t, jwt.SigningMethodHS512, key, goodHeader(), goodClaims()),
		"alg RS256, HMAC":      header("alg", "RS256"),
		"another key":          forge(t, hs256, other, goodHeader(), goodClaims()),
		"an empty key":         forge(t, hs256, []byte{}, goodHeader(), goodClaims()),
		"kid, an empty file":   forge(t, hs256, []byte{}, with(goodHeader(), "kid", "../../../../dev/null"), goodClaims()),
		"kid, SQL":             forge(t, hs256, other, with(goodHeader(), "kid", "x' UNION SELECT 'xxxxxxxx"), goodClaims()),
		"kid, our key":         header("kid", "1"),
		"jwk":                  header("jwk", map[string]any{"kty": "oct", "k": "eHh4"}),
		"jku":                  header("jku", "http://127.0.0.1/keys"),
		"crit":                 header("crit", []string{"exp"}),
		"b64":                  header("b64", false),
		"typ JWT":              header("typ", "JWT"),
		"typ of another token": header("typ", "rt+jwt"),
		"typ not text":         header("typ", []string{"at+jwt"}),
		"another issuer":       claim("iss", "https://evil.example"),
		"issuer and slash":     claim("iss", issuer+"/"),
		"no issuer":            missing("iss"),
		"another audience":     claim("aud", "other"),
		"other audiences":      claim("aud", []string{"other", "coffer2"}),
		"no audience":          missing("aud"),
		"expired":              claim("exp", now.Unix()-1),
		"expires now":          claim("exp", now.Unix()),
		"exp not a number":     claim("exp", "tomorrow"),
		"exp zero":             claim("exp", 0),
		"exp huge":             claim("exp", -1e300),
		"no exp":               missing("exp"),
		"not yet":              claim("nbf", now.Unix()+60),
		"sub empty":            claim("sub", ""),
		"sub not an id":        claim("sub", "admin"),
		"sub zero":             claim("sub", core.UserID{}.String()),
		"sub an array":         claim("sub", []string{signedIn.UserID.String()}),
		"no sub":               missing("sub"),
		"sid zero":             claim("sid", core.SessionID{}.String()),
		"no sid":               missing("sid"),
		"org zero":             claim("org_id", core.OrgID{}.String()),
		"no org":               missing("org_id"),
		"a token over 4 KB":    claim("padding", strings.Repeat("x", 4096)),
		"a megabyte":           strings.Repeat("a", 1<<20),
		"a megabyte of dots":   strings.Repeat(".", 1<<20),
		"nothing":              "",
		"dots":                 "..",
		"four parts":           header("typ", "at+jwt") + ".e30",
		"JSON":                 `{"alg":"HS256"}`,
	} {
		if got, err := newTokens(t).Verify(token, now); !errors.Is(err, core.ErrUnauthenticated) || got != (core.Claims{}) {
			t.Errorf("%s: Verify = %+v, %v", name, got, err)
		}
	}
}

func TestEveryCutOrChangedTokenIsRefused(t *testing.T) {
	tokens := newTokens(t)
	token, _ := tokens.Issue(signedIn)
	for i := range token {
		if _, err := tokens.Verify(token[:i], now); !errors.Is(err, core.ErrUnauthenticated) {
			t.Fatalf("cut to %d bytes: %v", i, err)
		}
		bad := []byte(token)
		if bad[i]++; bad[i] == token[i] {
			continue
		}
		if _, err := tokens.Verify(string(bad), now); !errors.Is(err, core.ErrUnauthenticated) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
	for _, bad := range []string{" " + token, token + "=", token + "\n", token + " ", strings.Replace(token, ".", "\r\n.", 1)} {
		if _, err := tokens.Verify(bad, now); !errors.Is(err, core.ErrUnauthenticated) {
			t.Errorf("%q...: %v", bad[len(bad)-3:], err)
		}
	}
}

func TestTheRefusalIsTheDomainsOwnWords(t *testing.T) {
	_, err := newTokens(t).Verify("x.y.z", now)
	e, ok := errors.AsType[*core.Error](err)
	if !ok || e.Message != core.ErrUnauthenticated.Message {
		t.Errorf("clients would read %v", err)
	}
}

func TestAWeakKeyOrNoIssuerIsRefused(t *testing.T) {
	if _, err := jwtauth.New(key[:31], issuer); err == nil {
		t.Error("a key of 31 bytes was accepted")
	}
	if _, err := jwtauth.New(key, ""); err == nil {
		t.Error("an empty issuer was accepted")
	}
}

func FuzzVerify(f *testing.F) {
	tokens := newTokens(f)
	good, _ := tokens.Issue(signedIn)
	f.Add(good)
	f.Add("..")
	f.Add(strings.Replace(good, ".", "..", 1))
	f.Fuzz(func(t *testing.T, token string) {
		if got, err := tokens.Verify(token, now); err == nil && got != signedIn {
			t.Errorf("%q is accepted as %+v", token, got)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	tokens := newTokens(b)
	token, _ := tokens.Issue(signedIn)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = tokens.Verify(token, now)
	}
}

// unsigned returns a token without a signature under any name of an algorithm.
func unsigned(t *testing.T, alg string) string {
	t.Helper()
	part := func(m map[string]any) string {
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	return part(with(goodHeader(), "alg", alg)) + "." + part(goodClaims()) + "."
}
