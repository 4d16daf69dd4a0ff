package e2e

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/test/env"
)

func TestTokensOfAnotherIssuerAreTaken(t *testing.T) {
	tellWithProvider(t, nil, func(t *testing.T, s *server, idp *env.IDP) {
		person := env.Person{Subject: "ana", Email: "ana@example.com", Verified: true}
		ana := s.bearer(idp, person, nil)
		answers := race(t, 8, func(int) (*answer, error) { return ana.try("GET", "/api/me", nil) }) // at first sight
		count(t, "eight at first sight", answers, map[int]int{http.StatusOK: 8})
		id := answers[0].text("id")
		for _, a := range answers {
			if a.text("id") != id || a.text("email") != person.Email || a.get("email_verified") != true || a.text("name") != "Name of ana" {
				t.Errorf("%s", a.body)
			}
		}
		if again := s.bearer(idp, person, object{"email": "renamed@example.com"}); again.id() != id {
			t.Error("the second time it is another user")
		}
		me := ana.want(http.StatusOK, "GET", "/api/me", nil)
		u := &user{client: ana, email: person.Email, org: me.text("personal_org_id")}
		u.upload(object{"name": "mine.txt"}, []byte("mine"))
		u.usedMust(4, 1)
		eve := s.signUp("eve")
		u.refused(http.StatusNotFound, "not_found", "GET", "/api/orgs/"+eve.org+"/assets", nil)
		eve.refused(http.StatusNotFound, "not_found", "GET", "/api/orgs/"+u.org+"/assets", nil)

		// There is no session, and what needs one says so.
		u.refused(http.StatusForbidden, "session_required", "POST", "/api/auth/switch-org", object{"org_id": u.org})
		in := s.signsInAs(idp, person)
		sessions := u.want(http.StatusOK, "GET", "/api/me/sessions", nil)
		if got := sessions.list("current"); len(got) != 1 || got[0] != "false" || in.id() != id {
			t.Errorf("sessions %s", sessions.body)
		}
		u.want(http.StatusNoContent, "DELETE", "/api/me/sessions", nil)
		in.refused(http.StatusUnauthorized, "unauthenticated", "GET", "/api/me", nil)
		u.refused(http.StatusConflict, "no_password", "PUT", "/api/me/password", object{"new_password": otherPassword})

		s.must("admin", "disable", person.Email)
		u.refused(http.StatusForbidden, "user_disabled", "GET", "/api/me", nil)
		u.refused(http.StatusForbidden, "user_disabled", "GET", "/api/orgs/"+u.org+"/assets", nil)
		u.refused(http.StatusForbidden, "user_disabled", "POST", "/api/orgs/"+u.org+"/assets", object{"name": "b.txt", "size_bytes": 1})
		s.must("admin", "enable", person.Email)
		u.want(http.StatusOK, "GET", "/api/me", nil)
	})
}

// signsInAs is signsIn of somebody whom the provider does not know yet.
func (s *server) signsInAs(idp *env.IDP, p env.Person) *user {
	s.t.Helper()
	idp.Add(p)
	return s.signsIn(idp, p.Subject)
}

func TestForgedTokensAreNobodys(t *testing.T) {
	tellWithProvider(t, nil, func(t *testing.T, s *server, idp *env.IDP) {
		person := env.Person{Subject: "ana", Email: "ana@example.com", Verified: true}
		for name, claims := range map[string]object{
			"expired": {"exp": time.Now().Add(-time.Second).Unix()}, "no expiry": {"exp": nil}, "not yet": {"nbf": time.Now().Add(time.Hour).Unix()},
			"another audience": {"aud": "other"}, "no audience": {"aud": nil}, "another issuer": {"iss": "https://evil.example"}, "no subject": {"sub": nil},
		} {
			if a := s.bearer(idp, person, claims).ask("GET", "/api/me", nil); a.status != http.StatusUnauthorized {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
		own, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		key, kid := idp.Key(t)
		der, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		hs256 := func(secret []byte) func([]byte) []byte {
			return func(input []byte) []byte {
				mac := hmac.New(sha256.New, secret)
				mac.Write(input)
				return mac.Sum(nil)
			}
		}
		for name, forged := range map[string]struct {
			alg  string
			sign func([]byte) []byte
		}{
			"another key":               {"RS256", env.RS256(t, own)},
			"no signature":              {"RS256", func([]byte) []byte { return nil }},
			"alg none":                  {"none", func([]byte) []byte { return nil }},
			"alg none, signed":          {"none", env.RS256(t, key)},
			"HS256 with the public key": {"HS256", hs256(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))},
			"HS256 with its DER":        {"HS256", hs256(der)},
			"HS256 with nothing":        {"HS256", hs256(nil)},
		} {
			c := s.anybody()
			c.token = env.JWT(t, forged.alg, kid, object{
				"iss": idp.URL, "aud": "coffer", "sub": "ana", "exp": time.Now().Add(time.Hour).Unix(), "email": person.Email, "email_verified": true,
			}, forged.sign)
			if a := c.ask("GET", "/api/me", nil); a.status != http.StatusUnauthorized {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
		if n := s.number("SELECT count(*) FROM users"); n != 0 {
			t.Errorf("%d users were made", n)
		}
		s.bearer(idp, person, nil).want(http.StatusOK, "GET", "/api/me", nil)
	})
}
