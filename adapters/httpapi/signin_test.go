package httpapi

import (
	"net/http"
	"testing"
)

func TestTheCookieOfASignInStaysWithItsServer(t *testing.T) {
	for _, https := range []bool{true, false} {
		c := signInRoutes{https: https}.cookie("kept", 600)
		if c.Secure != https || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/api/auth/oidc" || c.Domain != "" || c.Valid() != nil {
			t.Errorf("https %t: %q", https, c.String())
		}
	}
}

func TestProvidersAreListed(t *testing.T) {
	w := newFixture(t).call("GET", "/api/auth/providers", "", "Authorization: ")
	const want = `{"items":[{"name":"work","label":"Work account","start_url":"/api/auth/oidc/work/start"}],"next_cursor":null}`
	if w.Code != http.StatusOK || w.Body.String() != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
