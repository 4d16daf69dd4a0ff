package e2e

import (
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/seed-755a8038/coffer/test/env"
)

func TestPeopleSignInAtAProvider(t *testing.T) {
	tellWithProvider(t, nil, func(t *testing.T, s *server, idp *env.IDP) {
		nobody := s.anybody()
		list := nobody.want(http.StatusOK, "GET", "/api/auth/providers", nil)
		if list.text("items.0.name") != "work" || list.text("items.0.label") != "Work account" || list.text("items.0.start_url") != signIn+"/start" ||
			list.text("items.1.label") != "other" {
			t.Errorf("%s", list.body)
		}
		b := s.begins("")
		c := b.cookie
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/api/auth/oidc" || c.MaxAge != 600 || c.Secure || c.Domain != "" {
			t.Errorf("cookie %q", c)
		}
		idp.Add(env.Person{Subject: "ana", Email: "Ana@Example.com", Verified: true})
		a := b.comesBack(idp.SignIn(t, b.start, "ana"))
		if a.status != http.StatusOK || a.text("token_type") != "Bearer" || a.number("expires_in") < 1 {
			t.Fatalf("%s: %d %s", a.what, a.status, a.body)
		}
		ana := s.withTokens(a)
		me := ana.want(http.StatusOK, "GET", "/api/me", nil)
		if ana.email != "ana@example.com" || me.get("email_verified") != true || me.text("name") != "Name of ana" {
			t.Errorf("%s", me.body)
		}
		ana.upload(object{"name": "mine.txt"}, []byte("mine")) // the personal org is whole
		ana.want(http.StatusOK, "POST", "/api/auth/refresh", object{"refresh_token": ana.refresh})
		if again := s.signsIn(idp, "ana"); again.id() != ana.id() {
			t.Error("the second time it is another user")
		}
		if got := ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/audit-log", nil).list("action"); len(got) == 0 || got[len(got)-1] != "user.signed_up" {
			t.Errorf("audit log %q", got)
		}

		// There is no password to guess, and no way to set one but by mail.
		ana.tryLogin(nil).isProblem(http.StatusUnauthorized, "invalid_credentials")
		ana.tryLogin(object{"password": ""}).isProblem(http.StatusUnauthorized, "invalid_credentials")
		ana.refused(http.StatusConflict, "no_password", "PUT", "/api/me/password", object{"new_password": otherPassword})
		nobody.want(http.StatusAccepted, "POST", "/api/auth/password/forgot", object{"email": ana.email})
		token := s.mailed(ana.email, "reset-password", 1)
		nobody.want(http.StatusNoContent, "POST", "/api/auth/password/reset", object{"token": token, "password": password})
		ana.isOut()
		ana.logIn()

		// Somebody with a verified address here is the same user there.
		bea := s.signUp("bea")
		nobody.want(http.StatusNoContent, "POST", "/api/auth/verify-email", object{"token": s.mailed(bea.email, "verify-email", 1)})
		idp.Add(env.Person{Subject: "b", Email: bea.email, Verified: true})
		if there := s.signsIn(idp, "b"); there.id() != bea.id() {
			t.Error("bea has become two")
		}
		bea.logIn()
		s.must("admin", "disable", bea.email)
		there := s.begins("")
		there.comesBack(idp.SignIn(t, there.start, "b")).isProblem(http.StatusForbidden, "user_disabled")

		for _, unknown := range []string{"nobody", "WORK", "..", "%2e%2e", "work%2f"} {
			nobody.refused(http.StatusNotFound, "not_found", "GET", "/api/auth/oidc/"+unknown+"/start", nil)
			nobody.refused(http.StatusNotFound, "not_found", "GET", "/api/auth/oidc/"+unknown+"/callback?state=x&code=y", nil)
		}

		s.restart(settings{"COFFER_PUBLIC_URL": "https://coffer.example.com"})
		b = s.begins("")
		if !b.cookie.Secure || !strings.Contains(b.start, url.QueryEscape("https://coffer.example.com"+signIn+"/callback")) {
			t.Errorf("cookie %q, to %s", b.cookie, b.start)
		}
	})
}

func TestASignInBelongsToItsBrowser(t *testing.T) {
	tellWithProvider(t, nil, func(t *testing.T, s *server, idp *env.IDP) {
		idp.Add(env.Person{Subject: "ana", Email: "ana@example.com", Verified: true})
		idp.Add(env.Person{Subject: "who", Email: "who@example.com"})
		for name, change := range map[string]func(b *browser, back url.Values){
			"another state":       func(_ *browser, back url.Values) { back.Set("state", "another") },
			"no state":            func(_ *browser, back url.Values) { back.Del("state") },
			"another's state":     func(_ *browser, back url.Values) { back.Set("state", stateOf(s.begins(""))) },
			"no cookie":           func(b *browser, _ url.Values) { b.cookie = nil },
			"an empty cookie":     func(b *browser, _ url.Values) { b.cookie.Value = "" },
			"another's cookie":    func(b *browser, _ url.Values) { b.cookie = s.begins("").cookie },
			"a changed cookie":    func(b *browser, _ url.Values) { b.cookie.Value = b.cookie.Value[:90] + "AAAA" + b.cookie.Value[94:] },
			"a code that is none": func(_ *browser, back url.Values) { back.Set("code", "none") },
			"no code":             func(_ *browser, back url.Values) { back.Del("code") },
			"another's code": func(_ *browser, back url.Values) {
				back.Set("code", idp.SignIn(t, s.begins("").start, "ana").Get("code"))
			},
			"another's whole answer": func(_ *browser, back url.Values) {
				maps.Copy(back, idp.SignIn(t, s.begins("").start, "ana"))
			},
		} {
			b := s.begins("")
			back := idp.SignIn(t, b.start, "ana")
			change(b, back)
			a := b.comesBack(back)
			if a.isProblem(http.StatusUnprocessableEntity, "sign_in_invalid"); a.status != http.StatusUnprocessableEntity {
				t.Error(name)
			}
		}
		b := s.begins("") // a nonce of somebody else's choice
		asked, err := url.Parse(b.start)
		if err != nil {
			t.Fatal(err)
		}
		q := asked.Query()
		q.Set("nonce", "replayed")
		asked.RawQuery = q.Encode()
		b.comesBack(idp.SignIn(t, asked.String(), "ana")).isProblem(http.StatusUnprocessableEntity, "sign_in_invalid")

		b = s.begins("") // one answer is good once
		back := idp.SignIn(t, b.start, "ana")
		if a := b.comesBack(back); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
		b.comesBack(back).isProblem(http.StatusUnprocessableEntity, "sign_in_invalid")

		b = s.begins("") // at another provider's callback
		back = idp.SignIn(t, b.start, "ana")
		b.refused(http.StatusUnprocessableEntity, "sign_in_invalid", "GET", "/api/auth/oidc/other/callback?"+back.Encode(), nil,
			with{"Cookie": b.cookie.Name + "=" + b.cookie.Value})

		b = s.begins("")
		b.comesBack(idp.SignIn(t, b.start, "who")).isProblem(http.StatusForbidden, "email_unverified")

		b = s.begins("") // the provider refuses, in words that are an attack
		script := `<script>alert(1)</script>` + strings.Repeat("x", 1000)
		a := b.comesBack(url.Values{"state": {stateOf(b)}, "error": {"access_denied"}, "error_description": {script}})
		a.isProblem(http.StatusForbidden, "sign_in_refused")
		if a.text("provider_error") != "access_denied" || len(a.text("provider_description")) > 200 || a.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s", a.body)
		}
		b = s.begins("") // who sends a link with such words is not the provider
		a = b.comesBack(url.Values{"error": {"access_denied"}, "error_description": {script}})
		if a.isProblem(http.StatusUnprocessableEntity, "sign_in_invalid"); strings.Contains(string(a.body), "script") {
			t.Errorf("%s", a.body)
		}

		b = s.begins("")
		back = idp.SignIn(t, b.start, "ana")
		s.restart(settings{"COFFER_CLOCK_OFFSET": "11m"})
		b.comesBack(back).isProblem(http.StatusUnprocessableEntity, "sign_in_invalid")
	})
}

func stateOf(b *browser) string {
	b.t.Helper()
	u, err := url.Parse(b.start)
	if err != nil {
		b.t.Fatal(err)
	}
	return u.Query().Get("state")
}

func TestAnAppGetsTheBrowserBack(t *testing.T) {
	tellWithProvider(t, settings{"COFFER_APP_URL": "https://app.example.com/coffer"}, func(t *testing.T, s *server, idp *env.IDP) {
		idp.Add(env.Person{Subject: "ana", Email: "ana@example.com", Verified: true})
		idp.Add(env.Person{Subject: "who", Email: "who@example.com"})
		const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
		sum := sha256.Sum256([]byte(verifier))
		challenge := base64.RawURLEncoding.EncodeToString(sum[:])
		query := func(returnTo string) string {
			return "?" + url.Values{"return_to": {returnTo}, "challenge": {challenge}}.Encode()
		}
		nobody := s.anybody()
		for _, elsewhere := range []string{
			"https://evil.example/", "https://app.example.com.evil.example/", "//evil.example", "https://app.example.com@evil.example", "javascript:alert(1)",
			"http://app.example.com/", "http://127.0.0.1.evil.example/", "http://localhost\\@evil.example", s.url + "/", "%",
		} {
			if elsewhere != s.url+"/" { // which is this machine's in the tests
				nobody.refused(http.StatusUnprocessableEntity, "validation_failed", "GET", signIn+"/start"+query(elsewhere), nil)
			}
		}
		for _, half := range []string{"?return_to=http://localhost:1/", "?challenge=" + challenge, "?return_to=http://localhost:1/&challenge=" + verifier + "x"} {
			nobody.refused(http.StatusUnprocessableEntity, "validation_failed", "GET", signIn+"/start"+half, nil)
		}

		for _, back := range []string{"http://127.0.0.1:7777/done", "http://[::1]:7777/done", "http://localhost:1/", "https://app.example.com/in"} {
			b := s.begins(query(back + "?theirs=1"))
			a := b.comesBack(idp.SignIn(t, b.start, "ana"))
			code := a.parameter(back, "code")
			if code == "" || a.parameter(back, "theirs") != "1" {
				t.Errorf("led to %s", a.header.Get("Location"))
			}
			nobody.refused(http.StatusUnprocessableEntity, "invalid_token", "POST", exchange, object{"code": code, "verifier": challenge})
			nobody.refused(http.StatusUnprocessableEntity, "invalid_token", "POST", "/api/auth/verify-email", object{"token": code})
			answers := race(t, 4, func(int) (*answer, error) {
				return nobody.try("POST", exchange, object{"code": code, "verifier": verifier})
			})
			count(t, "a code for four", answers, map[int]int{http.StatusOK: 1, http.StatusUnprocessableEntity: 3})
			for _, a := range answers {
				if a.status == http.StatusOK {
					if ana := s.withTokens(a); ana.email != "ana@example.com" || a.header.Get("Cache-Control") != "no-store" {
						t.Errorf("%s", a.body)
					}
				}
			}
		}

		b := s.begins(query("http://localhost:1/"))
		if a := b.comesBack(idp.SignIn(t, b.start, "who")); a.parameter("http://localhost:1/", "error") != "email_unverified" {
			t.Errorf("led to %s", a.header.Get("Location"))
		}
		b = s.begins(query("http://localhost:1/")) // not to where another's sign-in wants to
		a := b.comesBack(url.Values{"state": {"x"}, "error": {"access_denied"}})
		if a.isProblem(http.StatusUnprocessableEntity, "sign_in_invalid"); a.header.Get("Location") != "" {
			t.Errorf("led to %s", a.header.Get("Location"))
		}

		b = s.begins(query("http://localhost:1/"))
		code := b.comesBack(idp.SignIn(t, b.start, "ana")).parameter("http://localhost:1/", "code")
		s.restart(settings{"COFFER_CLOCK_OFFSET": "61s"})
		nobody.refused(http.StatusUnprocessableEntity, "invalid_token", "POST", exchange, object{"code": code, "verifier": verifier})
	})
}

func TestAProviderThatIsDownStopsNobodyElse(t *testing.T) {
	tellWithProvider(t, nil, func(t *testing.T, s *server, idp *env.IDP) {
		if code, out, stderr := s.run("doctor", "--fix-cors"); code != 0 || !strings.Contains(out, "sign-in provider work: "+idp.URL+" answers") ||
			!strings.Contains(out, "issuer of tokens: "+idp.URL+" answers") {
			t.Errorf("doctor: %d %s%s", code, out, stderr)
		}
		if code, out, stderr := s.run("config"); code != 0 || strings.Contains(out, env.IDPSecret) || !strings.Contains(out, "client_secret: (hidden)") {
			t.Errorf("config: %d %s%s", code, out, stderr)
		}
		idp.Down.Store(true)
		s.restart(nil)
		s.signUp("ana").logIn()
		nobody := s.anybody()
		token := s.bearer(idp, env.Person{Subject: "ben", Email: "ben@example.com", Verified: true}, nil)
		for what, a := range map[string]func() (*answer, error){
			"start":  func() (*answer, error) { return nobody.try("GET", signIn+"/start", nil) },
			"bearer": func() (*answer, error) { return token.try("GET", "/api/me", nil) },
		} {
			got, err := a()
			if err != nil {
				t.Fatal(err)
			}
			if got.isProblem(http.StatusServiceUnavailable, "unavailable"); got.header.Get("Retry-After") == "" {
				t.Errorf("%s: %v", what, got.header)
			}
		}
		if code, out, stderr := s.run("doctor"); code != 1 || !strings.Contains(out, "FAIL  sign-in provider work") {
			t.Errorf("doctor: %d %s%s", code, out, stderr)
		}
	})
}
