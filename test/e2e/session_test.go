package e2e

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

func TestARefreshTokenIsGoodOnceAndItsCopyEndsTheSession(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		first := ana.refresh
		a := s.anybody().want(http.StatusOK, "POST", "/api/auth/refresh", object{"refresh_token": first})
		if a.text("refresh_token") == first || a.text("token_type") != "Bearer" || a.number("expires_in") != 3600 {
			t.Errorf("tokens %s", a.body)
		}
		old := ana.token
		ana.token = a.text("access_token")
		ana.want(http.StatusOK, "GET", "/api/me", nil)
		other := *ana // another device has a session of its own
		other.client = &client{t: t, url: s.url}
		other.logIn()

		s.crash() // what was exchanged stays exchanged

		s.anybody().refused(http.StatusUnauthorized, "refresh_token_reused", "POST", "/api/auth/refresh", object{"refresh_token": first})
		for _, token := range []string{old, ana.token} {
			ana.token = token
			ana.refused(http.StatusUnauthorized, "unauthenticated", "GET", "/api/me", nil)
			ana.refused(http.StatusUnauthorized, "unauthenticated", "GET", "/api/orgs/"+ana.org+"/assets", nil)
		}
		if a := s.anybody().ask("POST", "/api/auth/refresh", object{"refresh_token": a.text("refresh_token")}); a.status != http.StatusUnauthorized {
			t.Errorf("the newest token of an ended session: %d %s", a.status, a.body)
		}
		other.want(http.StatusOK, "GET", "/api/me", nil)

		// Two clients with one token: at most one gets new tokens, and then it is a copy.
		answers := race(t, 8, func(int) (*answer, error) {
			return s.anybody().try("POST", "/api/auth/refresh", object{"refresh_token": other.refresh})
		})
		n := statuses(answers)
		if n[http.StatusOK] != 1 || n[http.StatusUnauthorized] != 7 {
			t.Errorf("racing refreshes: %v", n)
		}
		other.refused(http.StatusUnauthorized, "unauthenticated", "GET", "/api/me", nil)
	})
}

func TestLoggingOutEndsTheSessionAtOnce(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		out := object{"refresh_token": ana.refresh}
		ana.want(http.StatusNoContent, "POST", "/api/auth/logout", out)
		ana.refused(http.StatusUnauthorized, "unauthenticated", "GET", "/api/me", nil)
		ana.refused(http.StatusUnauthorized, "invalid_refresh_token", "POST", "/api/auth/refresh", out)
		ana.want(http.StatusNoContent, "POST", "/api/auth/logout", out)
		ana.want(http.StatusNoContent, "POST", "/api/auth/logout", object{"refresh_token": "nobody's"})
		ana.logIn()
		ana.want(http.StatusOK, "GET", "/api/me", nil)
	})
}

func TestTokensExpireAndCannotBeForged(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, eve := s.signUp("ana"), s.signUp("eve")
		part := strings.Split(ana.token, ".")
		encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
		payload, err := base64.RawURLEncoding.DecodeString(part[1])
		if err != nil {
			t.Fatal(err)
		}
		none := encode(`{"alg":"none","typ":"JWT"}`)
		for what, token := range map[string]string{
			"no algorithm":        none + "." + part[1] + ".",
			"no algorithm, mixed": encode(`{"alg":"nOnE"}`) + "." + part[1] + "." + part[2],
			"another algorithm":   encode(`{"alg":"RS256","typ":"JWT"}`) + "." + part[1] + "." + part[2],
			"a key of its own":    encode(`{"alg":"HS256","kid":"../../dev/null"}`) + "." + part[1] + "." + part[2],
			"other claims":        part[0] + "." + encode(strings.ReplaceAll(string(payload), "a", "b")) + "." + part[2],
			"another's signature": part[0] + "." + part[1] + "." + strings.Split(eve.token, ".")[2],
			"an empty token":      "", "spaces": " ", "a refresh token": ana.refresh, "a long token": strings.Repeat("a", 20_000),
		} {
			a := ana.ask("GET", "/api/me", nil, with{"Authorization": "Bearer " + token})
			if a.isProblem(http.StatusUnauthorized, "unauthenticated"); strings.Contains(string(a.body), "panic") {
				t.Errorf("%s: %s", what, a.body)
			}
		}
		for _, header := range []string{"Basic YW5hOng=", "Bearer", ana.token, "Bearer " + ana.token + " " + ana.token} {
			ana.refused(http.StatusUnauthorized, "unauthenticated", "GET", "/api/me", nil, with{"Authorization": header})
		}
		ana.want(http.StatusOK, "GET", "/api/me", nil, with{"Authorization": "bearer " + ana.token})

		s.restart(settings{"COFFER_CLOCK_OFFSET": "59m"})
		ana.want(http.StatusOK, "GET", "/api/me", nil)
		s.restart(settings{"COFFER_CLOCK_OFFSET": "61m"})
		ana.refused(http.StatusUnauthorized, "unauthenticated", "GET", "/api/me", nil)
		ana.token = s.anybody().want(http.StatusOK, "POST", "/api/auth/refresh", object{"refresh_token": ana.refresh}).text("access_token")
		ana.want(http.StatusOK, "GET", "/api/me", nil)
		s.restart(settings{"COFFER_CLOCK_OFFSET": "721h"}) // 30 days and an hour after eve's token was made
		eve.refused(http.StatusUnauthorized, "invalid_refresh_token", "POST", "/api/auth/refresh", object{"refresh_token": eve.refresh})
	})
}

func TestPasswordsAreNotToBeGuessed(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		nobody := s.anybody()
		try := func(email, pass string) *answer {
			return nobody.ask("POST", "/api/auth/login", object{"email": email, "password": pass})
		}
		wrong := try(ana.email, "wrong password")
		wrong.isProblem(http.StatusUnauthorized, "invalid_credentials")
		unknown := try("nobody@example.com", "wrong password")
		if unknown.status != wrong.status || !reflect.DeepEqual(unknown.without("request_id"), wrong.without("request_id")) {
			t.Errorf("unknown user %d %s, wrong password %d %s", unknown.status, unknown.body, wrong.status, wrong.body)
		}
		for _, email := range []string{"", "no address", strings.Repeat("a", 250) + "@b.c", "ana@example.com\u0000"} {
			if a := try(email, password); a.status < 400 || a.status >= 500 {
				t.Errorf("%q: %d %s", email, a.status, a.body)
			}
		}
		limited := 0
		for range 20 {
			a := try(ana.email, "wrong password")
			if a.status == http.StatusTooManyRequests {
				a.isProblem(http.StatusTooManyRequests, "rate_limited")
				if after, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || after < 1 || after > 600 {
					t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
				}
				limited++
			}
		}
		if limited != 11 { // of ten tries in ten minutes one was made above
			t.Errorf("%d tries of 20 were refused, want 11", limited)
		}
		try(ana.email, password).isProblem(http.StatusTooManyRequests, "rate_limited") // the right one tells nothing
		if a := try("ANA@example.com", password); a.status != http.StatusTooManyRequests {
			t.Errorf("by another spelling: %d", a.status)
		}

		s.crash() // a restart lifts no limit

		try(ana.email, password).isProblem(http.StatusTooManyRequests, "rate_limited")
		bea := s.signUp("bea") // others are not locked out
		bea.logIn()
		ana.want(http.StatusOK, "GET", "/api/me", nil) // nor who is in

		s.restart(settings{"COFFER_CLOCK_OFFSET": "11m"}) // nor anybody for ever
		ana.logIn()
	})
}

func TestAnAddressIsOneUser(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		nobody := s.anybody()
		up := func(email string) object { return object{"email": email, "password": password, "name": "Ana"} }
		answers := race(t, 8, func(i int) (*answer, error) {
			email := []string{"ana@example.com", "Ana@Example.com", "ANA@EXAMPLE.COM", " ana@example.com "}[i%4]
			return nobody.try("POST", "/api/auth/signup", up(email))
		})
		n := statuses(answers)
		if n[http.StatusCreated] != 1 || n[http.StatusConflict] != 7 {
			t.Errorf("racing sign-ups: %v", n)
		}
		for _, a := range answers {
			if a.status == http.StatusConflict {
				a.isProblem(http.StatusConflict, "email_taken")
			}
		}
		nobody.want(http.StatusCreated, "POST", "/api/auth/signup", up("J\u00fcrgen@example.com"))
		nobody.refused(http.StatusConflict, "email_taken", "POST", "/api/auth/signup", up("ju\u0308rgen@example.com"))
		nobody.refused(http.StatusConflict, "email_taken", "POST", "/api/auth/signup", up("J\u00dcRGEN@example.com"))
		nobody.want(http.StatusOK, "POST", "/api/auth/login", object{"email": "ANA@example.com", "password": password})

		for _, bad := range []object{
			{}, up(""), up("ana"), up("@"), up("a@b@c"), up("a b@example.com"), up("a@" + strings.Repeat("b", 260)), up("a\u202eb@example.com"),
			up("new@example.com").but(object{"password": "short"}), up("new@example.com").but(object{"password": strings.Repeat("p", 1025)}),
			up("new@example.com").but(object{"name": strings.Repeat("n", 201)}), up("new@example.com").but(object{"name": "a\nb"}),
			up("new@example.com").but(object{"platform_admin": true}), up("new@example.com").but(object{"password": 12345678}),
		} {
			a := nobody.ask("POST", "/api/auth/signup", bad)
			a.isProblem(http.StatusUnprocessableEntity, "validation_failed")
			if errs, _ := a.get("errors").([]any); len(errs) == 0 {
				t.Errorf("%v: %s", bad, a.body)
			}
		}
		nobody.want(http.StatusCreated, "POST", "/api/auth/signup", object{"email": "new@example.com", "password": password})

		// Nobody waits for ever, and memory is bounded, when many log in at once.
		answers = race(t, 24, func(i int) (*answer, error) {
			return nobody.try("POST", "/api/auth/login", object{"email": fmt.Sprintf("nobody%d@example.com", i), "password": password})
		})
		if n := statuses(answers); n[http.StatusUnauthorized] != 24 {
			t.Errorf("racing logins: %v", n)
		}
	})
}
