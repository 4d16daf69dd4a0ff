package e2e

import (
	"net/http"
	"testing"
)

func TestRequestsAreLimitedAndSayHowMuchIsLeft(t *testing.T) {
	tell(t, settings{"COFFER_RATE_LIMIT_PER_MINUTE": "20"}, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		n := map[int]int{}
		for range 40 {
			a := ana.ask("GET", "/api/me", nil)
			n[a.status]++
			if a.header.Get("RateLimit-Limit") != "20" || a.header.Get("RateLimit-Remaining") == "" || a.header.Get("RateLimit-Reset") == "" {
				t.Errorf("headers %v", a.header)
			}
			if a.status == http.StatusTooManyRequests {
				if a.isProblem(http.StatusTooManyRequests, "rate_limited"); a.header.Get("Retry-After") == "" {
					t.Errorf("headers %v", a.header)
				}
			}
		}
		if n[http.StatusOK] < 20 || n[http.StatusOK] > 25 || n[http.StatusOK]+n[http.StatusTooManyRequests] != 40 {
			t.Errorf("answers %v", n)
		}
		for range 40 {
			s.anybody().want(http.StatusOK, "GET", "/healthz", nil)
		}
		s.anybody().want(http.StatusOK, "GET", "/api/licenses", nil) // an address is not the user behind it
		ana.refused(http.StatusTooManyRequests, "rate_limited", "GET", "/api/me", nil, with{"X-Forwarded-For": "192.0.2.1"})
	})
}
