package e2e

import (
	"net/http"
	"slices"
	"testing"
)

func TestOperatorsRunTheServerAndNobodyElse(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, ben, eve := s.signUp("ana"), s.signUp("ben"), s.signUp("eve")
		bens := ben.want(http.StatusOK, "GET", "/api/me", nil).text("id")
		anas := ana.want(http.StatusOK, "GET", "/api/me", nil).text("id")
		operations := []request{
			{"GET", "/api/admin/orgs", ""},
			{"GET", "/api/admin/users", ""},
			{"GET", "/api/admin/jobs", ""},
			{"POST", "/api/admin/jobs/1/retry", ""},
			{"PATCH", "/api/admin/users/" + bens, `{"disabled": true}`},
			{"PATCH", "/api/admin/users/" + bens, `{"platform_admin": true}`},
			{"PUT", "/api/admin/orgs/" + eve.org + "/license", `{"license": "enterprise"}`},
			{"PATCH", "/api/admin/users/" + missingID, `{"disabled": true}`},
			{"GET", "/api/admin/licenses", ""},
			{"POST", "/api/admin/licenses", `{"name": "mine"}`},
			{"GET", "/api/admin/licenses/free", ""},
			{"PATCH", "/api/admin/licenses/" + missingID, `{"limits": null}`},
			{"GET", "/api/admin/stats", ""},
		}
		shut := func(u *user) {
			t.Helper()
			for _, r := range operations {
				u.request(r).isProblem(http.StatusForbidden, "forbidden")
			}
			if a := u.want(http.StatusOK, "GET", "/api/me", nil); a.get("platform_admin") != false {
				t.Errorf("%s", a.body)
			}
		}
		shut(ana)
		shut(eve)
		s.must("admin", "promote", "ANA@example.com") // the server runs
		shut(eve)
		if a := ana.want(http.StatusOK, "GET", "/api/me", nil); a.get("platform_admin") != true {
			t.Errorf("%s", a.body)
		}
		if users := ana.want(http.StatusOK, "GET", "/api/admin/users", nil).list("email"); !slices.Equal(users, []string{ana.email, ben.email, eve.email}) {
			t.Errorf("users %v", users)
		}
		if users := ana.want(http.StatusOK, "GET", "/api/admin/users?q=BEN", nil).list("id"); !slices.Equal(users, []string{bens}) {
			t.Errorf("users %v", users)
		}
		ana.want(http.StatusOK, "GET", "/api/admin/jobs", nil)
		ana.refused(http.StatusNotFound, "not_found", "POST", "/api/admin/jobs/999999/retry", nil)
		ana.want(http.StatusNoContent, "PUT", "/api/admin/orgs/"+eve.org+"/license", object{"license": "pro"})
		ana.refused(http.StatusUnprocessableEntity, "validation_failed", "PUT", "/api/admin/orgs/"+eve.org+"/license", object{"license": "nonsense"})
		ana.refused(http.StatusNotFound, "not_found", "PUT", "/api/admin/orgs/"+missingID+"/license", object{"license": "pro"})
		if a := eve.want(http.StatusOK, "GET", "/api/orgs/"+eve.org+"/license", nil); a.text("license.name") != "pro" {
			t.Errorf("licence %s", a.body)
		}
		if a := ana.want(http.StatusOK, "GET", "/api/admin/orgs", nil); !slices.Equal(a.list("license"), []string{"free", "free", "pro"}) {
			t.Errorf("orgs %s", a.body)
		}
		// An operator is no member: what is in an org is its own.
		ana.refused(http.StatusNotFound, "not_found", "GET", "/api/orgs/"+eve.org, nil)
		ana.refused(http.StatusNotFound, "not_found", "GET", "/api/orgs/"+eve.org+"/assets", nil)
		ana.refused(http.StatusNotFound, "not_found", "GET", "/api/orgs/"+eve.org+"/audit-log", nil)
		for _, change := range []object{{"disabled": true}, {"platform_admin": false}} {
			ana.refused(http.StatusConflict, "cannot_change_self", "PATCH", "/api/admin/users/"+anas, change)
		}

		s.must("admin", "demote", ana.email)
		shut(ana)
		for _, email := range []string{"nobody@example.com", "no address"} {
			if code, stdout, stderr := s.run("admin", "promote", email); code == 0 || stderr == "" {
				t.Errorf("admin promote %s: exit code %d: %s%s", email, code, stdout, stderr)
			}
		}
	})
}

func TestADisabledUserIsOutAtOnce(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, ben := s.signUp("ana"), s.signUp("ben")
		bens := ben.want(http.StatusOK, "GET", "/api/me", nil).text("id")
		acme := ana.found(object{"name": "Acme"})
		member := s.hire(acme, ben, "admin")
		file := ben.upload(object{"name": "a.txt"}, []byte("a")).text("id")
		s.must("admin", "promote", ana.email)
		s.must("admin", "promote", ben.email)
		disable := func(off bool) {
			t.Helper()
			a := ana.want(http.StatusOK, "PATCH", "/api/admin/users/"+bens, object{"disabled": off})
			if (a.get("disabled_at") != nil) != off {
				t.Errorf("user %s", a.body)
			}
		}
		out := func() {
			t.Helper()
			for _, path := range []string{
				"/api/me", "/api/me/sessions", "/api/orgs", "/api/orgs/" + ben.org + "/assets", "/api/assets/" + file + "/download", "/api/orgs/" + acme.org + "/members",
				"/api/drives/" + ben.drive + "/nodes", "/api/admin/users",
			} {
				ben.refused(http.StatusForbidden, "user_disabled", "GET", path, nil)
			}
			member.refused(http.StatusForbidden, "user_disabled", "POST", "/api/orgs/"+acme.org+"/invitations", object{"email": "x@example.com", "role": "member"})
			ben.refused(http.StatusForbidden, "user_disabled", "POST", "/api/auth/refresh", object{"refresh_token": ben.refresh})
			ben.tryLogin(nil).isProblem(http.StatusForbidden, "user_disabled")
			ben.tryLogin(object{"password": "not the password"}).isProblem(http.StatusUnauthorized, "invalid_credentials")
			s.anybody().want(http.StatusAccepted, "POST", "/api/auth/password/forgot", object{"email": ben.email})
		}
		disable(true)
		out()
		disable(false)
		ben.logIn()
		if got := ben.download(file); string(got) != "a" {
			t.Errorf("%q came down", got)
		}
		s.must("admin", "disable", ben.email)
		out()
		s.must("admin", "enable", ben.email)
		ben.logIn()
		member.want(http.StatusOK, "GET", "/api/orgs/"+acme.org, nil)
	})
}
