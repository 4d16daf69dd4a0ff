package e2e

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/test/env"
)

const (
	signIn   = "/api/auth/oidc/work"
	exchange = "/api/auth/oidc/exchange"
)

// tellWithProvider is tell for servers at which people can sign in by a real
// OpenID Connect provider, and whose tokens for the audience web they take.
func tellWithProvider(t *testing.T, extra settings, story func(t *testing.T, s *server, idp *env.IDP)) {
	t.Helper()
	t.Parallel()
	for _, w := range []wiring{sqliteDisk, postgresS3} {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, w.withSchema(), extra)
			idp := env.OpenIDP(t, s.url+signIn+"/callback")
			s.env["COFFER_AUTH_PROVIDERS"] = jsonOf(t, []object{
				{"name": "work", "label": "Work account", "issuer": idp.URL, "client_id": "web", "client_secret": env.IDPSecret},
				{"name": "other", "issuer": idp.URL, "client_id": "other", "client_secret": env.IDPSecret},
			})
			s.env["COFFER_AUTH_EXTERNAL_ISSUERS"] = jsonOf(t, []object{{"issuer": idp.URL, "audience": "coffer"}})
			s.start()
			story(t, s, idp)
		})
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// browser is one that signs in at the provider.
type browser struct {
	*client

	cookie *http.Cookie // what the start had it keep
	start  string       // where the provider was asked
}

// begins begins a sign-in, with a query or without.
func (s *server) begins(query string) *browser {
	s.t.Helper()
	b := &browser{client: s.anybody()}
	a := b.want(http.StatusFound, "GET", signIn+"/start"+query, nil)
	b.start = a.header.Get("Location")
	b.cookie = cookieOf(s.t, a)
	return b
}

func cookieOf(t *testing.T, a *answer) *http.Cookie {
	t.Helper()
	c, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
	if err != nil {
		t.Fatalf("%s: cookie %q: %v", a.what, a.header.Values("Set-Cookie"), err)
	}
	return c
}

// comesBack asks for the callback with what the provider sent, and the cookie.
func (b *browser) comesBack(back url.Values) *answer {
	b.t.Helper()
	headers := with{}
	if b.cookie != nil {
		headers["Cookie"] = b.cookie.Name + "=" + b.cookie.Value
	}
	a := b.ask("GET", signIn+"/callback?"+back.Encode(), nil, headers)
	if c := cookieOf(b.t, a); c.MaxAge >= 0 || c.Value != "" || c.Path != "/api/auth/oidc" || a.header.Get("Cache-Control") != "no-store" {
		b.t.Errorf("%s: cookie %q, %v", a.what, c, a.header)
	}
	return a
}

// verifier is what an app keeps to itself while somebody signs in for it.
const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

// codeFor signs somebody new in for an app, and returns the code that it gets.
func (s *server) codeFor(idp *env.IDP, who string) string {
	s.t.Helper()
	const back = "http://localhost:1/"
	sum := sha256.Sum256([]byte(verifier))
	idp.Add(env.Person{Subject: who, Email: who + "@example.com", Verified: true})
	b := s.begins("?" + url.Values{"return_to": {back}, "challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}}.Encode())
	return b.comesBack(idp.SignIn(s.t, b.start, who)).parameter(back, "code")
}

// signsIn signs somebody in whom the provider knows.
func (s *server) signsIn(idp *env.IDP, who string) *user {
	s.t.Helper()
	b := s.begins("")
	a := b.comesBack(idp.SignIn(s.t, b.start, who))
	if a.status != http.StatusOK {
		s.t.Fatalf("%s: %d %s", a.what, a.status, a.body)
	}
	return s.withTokens(a)
}

func (s *server) withTokens(a *answer) *user {
	s.t.Helper()
	u := &user{client: s.anybody(), refresh: a.text("refresh_token")}
	u.token = a.text("access_token")
	me := u.want(http.StatusOK, "GET", "/api/me", nil)
	u.email, u.org = me.text("email"), me.text("personal_org_id")
	return u
}

// id returns the id of the user.
func (c *client) id() string {
	c.t.Helper()
	return c.want(http.StatusOK, "GET", "/api/me", nil).text("id")
}

// bearer is somebody who comes with a token that the provider signed.
func (s *server) bearer(idp *env.IDP, p env.Person, claims object) *client {
	s.t.Helper()
	c := s.anybody()
	c.token = idp.Sign(s.t, object{
		"iss": idp.URL, "aud": "coffer", "sub": p.Subject, "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(),
		"email": p.Email, "email_verified": p.Verified, "name": "Name of " + p.Subject,
	}.but(claims))
	return c
}

// parameter returns a parameter of the address that an answer leads to, which
// begins with that.
func (a *answer) parameter(address, name string) string {
	a.t.Helper()
	u, err := url.Parse(a.header.Get("Location"))
	if err != nil || a.status != http.StatusSeeOther || !strings.HasPrefix(u.String(), address) || len(a.body) > 0 {
		a.t.Fatalf("%s: %d to %q: %s", a.what, a.status, u, a.body)
	}
	return u.Query().Get(name)
}

// number returns the number that the database answers.
func (s *server) number(query string) (n int) {
	s.t.Helper()
	db := s.database()
	defer db.Close() // it may be asked for often
	if err := db.QueryRowContext(s.t.Context(), query).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}
