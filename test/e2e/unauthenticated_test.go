package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// own are the requests about the user alone, and those of operators.
var own = []request{
	{"GET", "/api/me", ""},
	{"PATCH", "/api/me", `{"name": "Mallory"}`},
	{"DELETE", "/api/me", `{"password": "` + password + `"}`},
	{"GET", "/api/me/accounts", ""},
	{"GET", "/api/me/invitations", ""},
	{"PUT", "/api/me/password", `{"current_password": "` + password + `", "new_password": "mallory's password"}`},
	{"GET", "/api/me/sessions", ""},
	{"DELETE", "/api/me/sessions", ""},
	{"POST", "/api/me/totp", `{"password": "` + password + `"}`},
	{"POST", "/api/me/totp/confirm", `{"code": "000000"}`},
	{"DELETE", "/api/me/totp", `{"password": "` + password + `", "code": "000000"}`},
	{"GET", "/api/me/entitlements", ""},
	{"GET", "/api/me/transactions", ""},
	{"GET", "/api/me/subscriptions", ""},
	{"GET", "/api/key", ""}, // which no session has
	{"POST", "/api/auth/resend-verification", ""},
	{"GET", "/api/orgs", ""},
	{"POST", "/api/orgs", `{"name": "Mallory's"}`},
	{"GET", "/api/admin/orgs", ""},
	{"PUT", "/api/admin/orgs/{company}/license", `{"license": "enterprise"}`},
	{"GET", "/api/admin/users", ""},
	{"PATCH", "/api/admin/users/" + missingID, `{"disabled": true}`},
	{"GET", "/api/admin/jobs", ""},
	{"POST", "/api/admin/jobs/1/retry", ""},
	{"GET", "/api/admin/licenses", ""},
	{"POST", "/api/admin/licenses", `{"name": "mallorys"}`},
	{"GET", "/api/admin/licenses/free", ""},
	{"PATCH", "/api/admin/licenses/free", `{"limits": null}`},
	{"GET", "/api/admin/stats", ""},
	{"POST", "/api/groups/{group}/assets", `{"asset_id": "{asset}"}`},
}

func TestEveryOperationWantsASession(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		mine := possessions(ana)
		before := inventory(ana, mine)
		gone := s.signUp("bea")
		gone.want(http.StatusNoContent, "POST", "/api/auth/logout", object{"refresh_token": gone.refresh})
		all := append(slices.Concat(requests, own), request{"POST", "/api/nodes/bulk", `{"op": "purge", "ids": ["` + missingID + `"]}`})
		for _, r := range all {
			for what, token := range map[string]string{
				"nobody": "", "garbage": "x.y.z", "a refresh token": ana.refresh, "a changed token": ana.token[:len(ana.token)-2] + "AA", "a session that has ended": gone.token,
			} {
				c := s.anybody()
				c.token = token
				a := c.request(r.filled(mine))
				if a.isProblem(http.StatusUnauthorized, "unauthenticated"); a.header.Get("WWW-Authenticate") == "" {
					t.Errorf("%s, %s: %v", a.what, what, a.header)
				}
			}
		}
		// The list above is the API's own: no operation is left out.
		document := s.anybody().want(http.StatusOK, "GET", "/api/openapi.json", nil)
		paths, _ := document.get("paths").(map[string]any)
		for path, operations := range paths {
			for method, operation := range operations.(map[string]any) { //nolint:forcetypeassert // the document's form
				if security, _ := operation.(map[string]any)["security"].([]any); len(security) == 0 { //nolint:forcetypeassert // as above
					continue
				}
				if !slices.ContainsFunc(all, func(r request) bool { return strings.EqualFold(method, r.method) && matches(path, r.path) }) {
					t.Errorf("no request of the table is %s %s", method, path)
				}
			}
		}
		if after := inventory(ana, mine); after != before {
			t.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
	})
}

// matches reports whether a path of the table is one of the document's.
func matches(pattern, path string) bool {
	path, _, _ = strings.Cut(path, "?")
	want, have := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return false
	}
	for i := range want {
		if want[i] != have[i] && !strings.HasPrefix(want[i], "{") {
			return false
		}
	}
	return true
}
