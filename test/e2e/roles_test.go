package e2e

import (
	"net/http"
	"testing"
)

// TestALostRoleIsLostForEveryCredential: what was issued before is no way round.
func TestALostRoleIsLostForEveryCredential(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		boss := s.signUp("boss").found(object{"name": "Acme"})
		ben := s.hire(boss, s.signUp("ben"), "admin")
		org := "/api/orgs/" + boss.org
		ben.logIn()
		refreshed := func(c *client, refresh string) (*client, string) {
			t.Helper()
			a := c.want(http.StatusOK, "POST", "/api/auth/refresh", object{"refresh_token": refresh}, with{"Authorization": ""})
			return &client{t: t, url: s.url, token: a.text("access_token")}, a.text("refresh_token")
		}
		plain := &client{t: t, url: s.url, token: ben.token}
		switched := &client{t: t, url: s.url, token: plain.want(http.StatusOK, "POST", "/api/auth/switch-org", object{"org_id": boss.org}).text("access_token")}
		other := *ben
		other.client = s.anybody()
		other.logIn()
		refresh := other.refresh
		check := func(status int, code, method, path string, body any) {
			t.Helper()
			var renewed *client
			renewed, refresh = refreshed(s.anybody(), refresh)
			for what, c := range map[string]*client{"issued": plain, "switched": switched, "of another session": other.client, "renewed": renewed} {
				if a := c.ask(method, path, body); status >= 400 {
					a.isProblem(status, code)
				} else if a.status != status {
					t.Errorf("%s, a token %s: %d %s", a.what, what, a.status, a.body)
				}
			}
		}
		edit := object{"name": "Ben's"}
		check(http.StatusOK, "", "PATCH", org, edit)
		boss.change(ben.account, object{"role": "viewer"})
		check(http.StatusForbidden, "forbidden", "PATCH", org, edit)
		check(http.StatusForbidden, "forbidden", "POST", org+"/assets", object{"name": "a", "size_bytes": 1})
		check(http.StatusOK, "", "GET", org, nil)
		boss.change(ben.account, object{"status": "suspended"})
		check(http.StatusNotFound, "not_found", "GET", org, nil)
		check(http.StatusNotFound, "not_found", "POST", "/api/auth/switch-org", object{"org_id": boss.org})
		check(http.StatusOK, "", "GET", "/api/me", nil) // the user stays
		boss.change(ben.account, object{"status": "active"})
		check(http.StatusOK, "", "GET", org, nil)
		boss.want(http.StatusNoContent, "DELETE", boss.member(ben.account), nil)
		check(http.StatusNotFound, "not_found", "GET", org, nil)
		check(http.StatusNotFound, "not_found", "GET", "/api/drives/"+boss.drive+"/nodes", nil)
	})
}
