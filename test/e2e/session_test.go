package e2e

import (
	"net/http"
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
