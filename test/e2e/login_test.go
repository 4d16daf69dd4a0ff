package e2e

import (
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

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
