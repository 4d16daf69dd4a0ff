package oidc_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"github.com/seed-755a8038/coffer/adapters/oidc"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func TestAGoodTokenSaysWho(t *testing.T) {
	f := openForger(t)
	tokens := newTokens(t, f.config(), &clock{})
	want := ports.ExternalUser{Issuer: f.URL, Subject: "ann", Email: "ann@example.com", EmailVerified: true, Name: "Ann"}
	for range 3 {
		claims := f.claims()
		want.Until = time.Unix(claims["exp"].(int64), 0).UTC() //nolint:forcetypeassert // it is one
		if got, err := tokens.Verify(t.Context(), good(t, claims), time.Now()); err != nil || got != want {
			t.Errorf("Verify = %+v, %v", got, err)
		}
	}
	if f.asked.Load() != 1 {
		t.Errorf("the keys were asked for %d times", f.asked.Load())
	}
}

func TestEveryAlgorithmWithAPrivateKeyIsTaken(t *testing.T) {
	for alg, s := range signers(t) {
		for _, stated := range []string{alg, ""} { // a key may leave open what it is used with
			f := openForger(t)
			f.publish(jose.JSONWebKey{Key: s.key.Public(), KeyID: "1", Algorithm: stated})
			raw := sign(t, s.method, s.key, map[string]any{"kid": "1"}, f.claims())
			if got, err := newTokens(t, f.config(), &clock{}).Verify(t.Context(), raw, time.Now()); err != nil || got.Subject != "ann" {
				t.Errorf("%s: %+v, %v", alg, got, err)
			}
		}
	}
}

func TestWhatIsSaidOfAnAddress(t *testing.T) {
	for name, c := range map[string]struct {
		set      jwt.MapClaims
		email    string
		verified bool
	}{
		"verified":                  {jwt.MapClaims{"email_verified": true}, "ann@example.com", true},
		"verified, as text":         {jwt.MapClaims{"email_verified": "true"}, "ann@example.com", true},
		"not verified":              {jwt.MapClaims{"email_verified": false}, "ann@example.com", false},
		"not verified, as text":     {jwt.MapClaims{"email_verified": "false"}, "ann@example.com", false},
		"nothing":                   {jwt.MapClaims{"email_verified": nil}, "ann@example.com", false},
		"a number":                  {jwt.MapClaims{"email_verified": 1}, "ann@example.com", false},
		"a list":                    {jwt.MapClaims{"email_verified": []bool{true}}, "ann@example.com", false},
		"yes":                       {jwt.MapClaims{"email_verified": "yes"}, "ann@example.com", false},
		"TRUE":                      {jwt.MapClaims{"email_verified": "TRUE"}, "ann@example.com", false},
		"under another name":        {jwt.MapClaims{"email_verified": nil, "Email_Verified": true}, "ann@example.com", false},
		"no address":                {jwt.MapClaims{"email": nil}, "", false},
		"an empty address":          {jwt.MapClaims{"email": ""}, "", false},
		"an address of two lines":   {jwt.MapClaims{"email": "ann@example.com\r\nBcc: eve"}, "", false},
		"addresses":                 {jwt.MapClaims{"email": []string{"ann@example.com"}}, "", false},
		"another spelling of email": {jwt.MapClaims{"email": nil, "EMAIL": "victim@example.com"}, "", false},
		"an endless address":        {jwt.MapClaims{"email": strings.Repeat("x", 2000)}, "", false},
	} {
		f := openForger(t)
		claims := f.claims()
		maps.Copy(claims, c.set)
		got, err := newTokens(t, f.config(), &clock{}).Verify(t.Context(), good(t, claims), time.Now())
		if err != nil || got.Email != c.email || got.EmailVerified != c.verified {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestClaimsMayHaveOtherNames(t *testing.T) {
	f := openForger(t)
	cfg := f.config()
	cfg.External[0].Claims = oidc.Claims{Email: "https://x.example/mail", EmailVerified: "xms_edov", Name: "nick"}
	claims := f.claims()
	claims["https://x.example/mail"], claims["xms_edov"], claims["nick"], claims["email_verified"] = "a@b.example", true, "Annie", false
	got, err := newTokens(t, cfg, &clock{}).Verify(t.Context(), good(t, claims), time.Now())
	if err != nil || got.Email != "a@b.example" || !got.EmailVerified || got.Name != "Annie" {
		t.Errorf("Verify = %+v, %v", got, err)
	}
}

func TestForgedTokensAreRefused(t *testing.T) {
	f := openForger(t)
	first, second, weak := rsaKeys()[0], rsaKeys()[1], rsaKeys()[2]
	f.publish(
		jose.JSONWebKey{Key: first.Public(), KeyID: "1", Use: "sig", Algorithm: "RS256"},
		jose.JSONWebKey{Key: weak.Public(), KeyID: "weak", Use: "sig"},
		jose.JSONWebKey{Key: second.Public(), KeyID: "enc", Use: "enc"},
		jose.JSONWebKey{Key: []byte("a shared secret of enough bytes!"), KeyID: "oct"},
		jose.JSONWebKey{Key: second, KeyID: "private"},
	)
	der, err := x509.MarshalPKIXPublicKey(first.Public())
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	jwk, err := json.Marshal(jose.JSONWebKey{Key: second.Public(), KeyID: "1"})
	if err != nil {
		t.Fatal(err)
	}
	rs256, hs256 := jwt.SigningMethodRS256, jwt.SigningMethodHS256
	header := func(k string, v any) string {
		return sign(t, rs256, first, map[string]any{"kid": "1", k: v}, f.claims())
	}
	claim := func(k string, v any) string {
		c := f.claims()
		c[k] = v
		return good(t, c)
	}
	by := func(m jwt.SigningMethod, key any, kid string) string {
		return sign(t, m, key, map[string]any{"kid": kid}, f.claims())
	}
	whole := good(t, f.claims())
	parts := strings.Split(whole, ".")
	now := time.Now()
	tokens := newTokens(t, f.config(), &clock{})
	for name, raw := range map[string]string{
		"alg none":                   by(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "1"),
		"alg none, our signature":    header("alg", "none"),
		"HS256 with the public key":  by(hs256, public, "1"),
		"HS256 with its DER":         by(hs256, der, "1"),
		"HS256 with a published key": by(hs256, []byte("a shared secret of enough bytes!"), "oct"),
		"HS256 with nothing":         by(hs256, []byte{}, "1"),
		"RS512 where RS256 is said":  by(jwt.SigningMethodRS512, first, "1"),
		"PS256 where RS256 is said":  by(jwt.SigningMethodPS256, first, "1"),
		"alg of another family":      header("alg", "ES256"),
		"another key, same name":     by(rs256, second, "1"),
		"another key, other name":    by(rs256, second, "2"),
		"another key, no name":       sign(t, rs256, second, nil, f.claims()),
		"a weak key":                 by(rs256, weak, "weak"),
		"a key for encryption":       by(rs256, second, "enc"),
		"a private key published":    by(rs256, second, "private"),
		"a key in the header":        sign(t, rs256, second, map[string]any{"kid": "1", "jwk": json.RawMessage(jwk)}, f.claims()),
		"a key elsewhere":            sign(t, rs256, second, map[string]any{"kid": "1", "jku": f.URL + "/keys"}, f.claims()),
		"crit":                       header("crit", []string{"exp"}),
		"typ of a logout token":      header("typ", "logout+jwt"),
		"typ of our tokens' kind":    header("typ", "rt+jwt"),
		"another issuer":             claim("iss", "https://evil.example"),
		"issuer and slash":           claim("iss", f.URL+"/"),
		"no issuer":                  claim("iss", nil),
		"issuers":                    claim("iss", []string{f.URL}),
		"another audience":           claim("aud", "other"),
		"other audiences":            claim("aud", []string{"other", "coffer2"}),
		"no audience":                claim("aud", nil),
		"expired":                    claim("exp", now.Unix()-1),
		"expires now":                claim("exp", now.Unix()),
		"no expiry":                  claim("exp", nil),
		"expiry as text":             claim("exp", "tomorrow"),
		"expiry zero":                claim("exp", 0),
		"not yet":                    claim("nbf", now.Add(time.Hour).Unix()),
		"no subject":                 claim("sub", nil),
		"empty subject":              claim("sub", ""),
		"subject a number":           claim("sub", 7),
		"subject with NUL":           claim("sub", "ann\x00"),
		"subject of two lines":       claim("sub", "ann\nbob"),
		"subject of 256 bytes":       claim("sub", strings.Repeat("a", 256)),
		"subject not UTF-8":          signRaw(t, strings.Replace(mustJSON(t, f.claims()), `"ann"`, "\"ann\xff\"", 1)),
		"subject in another case":    signRaw(t, strings.Replace(mustJSON(t, f.claims()), `"sub":"ann"`, `"sub":"ann","SUB":"victim"`, 1)),
		"payload not JSON":           signRaw(t, "hello"),
		"payload a list":             signRaw(t, "[]"),
		"payload null":               signRaw(t, "null"),
		"nothing":                    "",
		"dots":                       "..",
		"two parts":                  parts[0] + "." + parts[1],
		"four parts":                 whole + ".e30",
		"no signature":               parts[0] + "." + parts[1] + ".",
		"another payload":            parts[0] + "." + strings.Split(claim("sub", "bob"), ".")[1] + "." + parts[2],
		"a line break":               parts[0] + "." + parts[1] + ".\n" + parts[2],
		"padding":                    whole + "==",
		"JSON serialisation":         fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, parts[0], parts[1], parts[2]),
		"a megabyte":                 strings.Repeat("a", 1<<20),
		"a megabyte of dots":         strings.Repeat(".", 1<<20),
		"over 16 KB":                 claim("groups", strings.Repeat("g", 16<<10)),
	} {
		if got, err := tokens.Verify(t.Context(), raw, now); !errors.Is(err, core.ErrUnauthenticated) || got != (ports.ExternalUser{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if got, err := tokens.Verify(t.Context(), whole, now); err != nil || got.Subject != "ann" {
		t.Errorf("the one they are made of: %+v, %v", got, err)
	}
	if n := f.asked.Load(); n != 1 { // unknown keys do not make the server ask more than once in ten seconds
		t.Errorf("the keys were asked for %d times", n)
	}
}

func mustJSON(t testing.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// signRaw signs any payload as the issuer.
func signRaw(t testing.TB, payload string) string {
	t.Helper()
	input := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","kid":"1"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	signature, err := jwt.SigningMethodRS256.Sign(input, rsaKeys()[0])
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func TestOnlyTokensForTheseParties(t *testing.T) {
	f := openForger(t)
	cfg := f.config()
	cfg.External[0].Audience, cfg.External[0].AuthorizedParties = "", []string{"app", "https://app.example"}
	tokens := newTokens(t, cfg, &clock{})
	for azp, want := range map[any]error{
		"app": nil, "https://app.example": nil, "evil": core.ErrUnauthenticated, "": core.ErrUnauthenticated, nil: core.ErrUnauthenticated, 7: core.ErrUnauthenticated,
	} {
		claims := f.claims()
		claims["azp"], claims["aud"] = azp, nil
		if _, err := tokens.Verify(t.Context(), good(t, claims), time.Now()); !errors.Is(err, want) {
			t.Errorf("%v: %v", azp, err)
		}
	}
}

func TestATokenIsOfAConfiguredIssuerOrNot(t *testing.T) {
	f := openForger(t)
	tokens := newTokens(t, f.config(), &clock{})
	foreign := f.claims()
	foreign["iss"] = "https://evil.example"
	for raw, want := range map[string]bool{
		good(t, f.claims()): true, good(t, foreign): false, "": false, "a.b.c": false, "pk_0123456789": false, strings.Repeat("a.", 1<<20): false,
		signRaw(t, `{"ISS":"`+f.URL+`"}`): false,
	} {
		if tokens.Issued(raw) != want {
			t.Errorf("Issued(%.40s) = %v", raw, !want)
		}
	}
	none := newTokens(t, oidc.Config{}, &clock{})
	if none.Issued(good(t, f.claims())) || none.Issued(signRaw(t, `{"iss":""}`)) || none.Issued(signRaw(t, `{}`)) {
		t.Error("somebody is trusted by nobody")
	}
	if f.asked.Load() != 0 {
		t.Error("telling whose a token is asked the issuer")
	}
}

func TestWhatIsRememberedOfATokenEndsWithIt(t *testing.T) {
	f, c := openForger(t), &clock{}
	tokens := newTokens(t, f.config(), c)
	claims := f.claims()
	exp := time.Now().Add(2 * time.Minute).Truncate(time.Second)
	claims["exp"] = exp.Unix()
	raw := good(t, claims)
	if _, err := tokens.Verify(t.Context(), raw, c.Now()); err != nil {
		t.Fatal(err)
	}
	f.down.Store(true)
	if _, err := tokens.Verify(t.Context(), raw, exp.Add(-time.Microsecond)); err != nil {
		t.Errorf("just before its end: %v", err)
	}
	for _, late := range []time.Duration{0, time.Hour} {
		if _, err := tokens.Verify(t.Context(), raw, exp.Add(late)); !errors.Is(err, core.ErrUnauthenticated) {
			t.Errorf("%v after its end: %v", late, err)
		}
	}
}

func TestNotTooManyTokensAreRemembered(t *testing.T) {
	f := openForger(t)
	tokens, now := newTokens(t, f.config(), &clock{}), time.Now()
	if n := tokens.Fill(3*oidc.MaxCached, now.Add(time.Hour), now); n > oidc.MaxCached || n < oidc.MaxCached*3/4 {
		t.Errorf("%d tokens are remembered", n)
	}
	if _, err := tokens.Verify(t.Context(), good(t, f.claims()), now); err != nil {
		t.Error(err)
	}
	later := now.Add(2 * time.Hour) // all have expired
	if n := tokens.Fill(oidc.MaxCached, later.Add(time.Hour), later); n > oidc.MaxCached {
		t.Errorf("%d tokens are remembered", n)
	}
}
