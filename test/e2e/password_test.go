package e2e

import (
	"bytes"
	"net/http"
	"reflect"
	"testing"
	"time"
)

const otherPassword = "purple monkey dishwasher"

// device is the user at another device, in a session of its own.
func (s *server) device(u *user) *user {
	s.t.Helper()
	other := *u
	other.client = s.anybody()
	other.logIn()
	return &other
}

// isOut checks that neither token of the user is good any more.
func (u *user) isOut() {
	u.t.Helper()
	u.refused(http.StatusUnauthorized, "unauthenticated", "GET", "/api/me", nil)
	u.refused(http.StatusUnauthorized, "unauthenticated", "GET", "/api/orgs/"+u.org+"/assets", nil)
	u.refused(http.StatusUnauthorized, "invalid_refresh_token", "POST", "/api/auth/refresh", object{"refresh_token": u.refresh})
}

// tryLogin logs in without keeping the session.
func (u *user) tryLogin(members object) *answer {
	u.t.Helper()
	return u.ask("POST", "/api/auth/login", object{"email": u.email, "password": password}.but(members), with{"Authorization": ""})
}

func TestAnotherPasswordEndsTheOtherSessions(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, eve := s.signUp("ana"), s.signUp("eve")
		phone := s.device(ana)
		change := object{"current_password": password, "new_password": otherPassword}
		for _, wrong := range []object{{"current_password": "not the password"}, {"current_password": ""}} {
			ana.refused(http.StatusForbidden, "wrong_password", "PUT", "/api/me/password", change.but(wrong))
		}
		ana.refused(http.StatusForbidden, "wrong_password", "PUT", "/api/me/password", object{"new_password": otherPassword})
		ana.refused(http.StatusUnprocessableEntity, "validation_failed", "PUT", "/api/me/password", change.but(object{"new_password": "short"}))
		phone.want(http.StatusOK, "GET", "/api/me", nil)

		ana.want(http.StatusNoContent, "PUT", "/api/me/password", change)
		ana.want(http.StatusOK, "GET", "/api/me", nil)
		phone.isOut()
		eve.want(http.StatusOK, "GET", "/api/me", nil)
		ana.tryLogin(nil).isProblem(http.StatusUnauthorized, "invalid_credentials")
		if a := ana.tryLogin(object{"password": otherPassword}); a.status != http.StatusOK {
			t.Errorf("the new password: %d %s", a.status, a.body)
		}
		ana.want(http.StatusOK, "POST", "/api/auth/refresh", object{"refresh_token": ana.refresh})
	})
}

func TestAForgottenPasswordIsSetByMail(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, nobody := s.signUp("ana"), s.anybody()
		const forgot, reset = "/api/auth/password/forgot", "/api/auth/password/reset"
		known := nobody.want(http.StatusAccepted, "POST", forgot, object{"email": "ANA@example.com"})
		unknown := nobody.want(http.StatusAccepted, "POST", forgot, object{"email": "nobody@example.com"})
		differ := []string{"X-Request-Id", "Date", "Ratelimit-Remaining", "Ratelimit-Reset"}
		for _, name := range differ {
			known.header.Del(name)
			unknown.header.Del(name)
		}
		if !bytes.Equal(known.body, unknown.body) || !reflect.DeepEqual(known.header, unknown.header) {
			t.Errorf("known: %v %q, unknown: %v %q", known.header, known.body, unknown.header, unknown.body)
		}
		token := s.mailed(ana.email, "reset-password", 1)
		nobody.refused(http.StatusUnprocessableEntity, "invalid_token", "POST", "/api/auth/verify-email", object{"token": token}) // of another kind
		nobody.refused(http.StatusUnprocessableEntity, "invalid_token", "POST", reset, object{"token": "nobody's", "password": otherPassword})
		nobody.refused(http.StatusUnprocessableEntity, "validation_failed", "POST", reset, object{"token": token, "password": "short"})
		nobody.want(http.StatusAccepted, "POST", forgot, object{"email": ana.email})
		newest := s.mailed(ana.email, "reset-password", 2)
		nobody.refused(http.StatusUnprocessableEntity, "invalid_token", "POST", reset, object{"token": token, "password": otherPassword}) // replaced
		ana.want(http.StatusOK, "GET", "/api/me", nil)                                                                                    // nothing has changed

		answers := race(t, 4, func(int) (*answer, error) {
			return nobody.try("POST", reset, object{"token": newest, "password": otherPassword})
		})
		count(t, "a link for four", answers, map[int]int{http.StatusNoContent: 1, http.StatusUnprocessableEntity: 3})
		for _, used := range []string{token, newest} {
			nobody.refused(http.StatusUnprocessableEntity, "invalid_token", "POST", reset, object{"token": used, "password": password})
		}
		ana.isOut()
		ana.tryLogin(nil).isProblem(http.StatusUnauthorized, "invalid_credentials")
		in := ana.tryLogin(object{"password": otherPassword})
		ana.token = in.text("access_token")
		if a := ana.want(http.StatusOK, "GET", "/api/me", nil); a.get("email_verified") != true { // the mail has been read
			t.Errorf("%s", a.body)
		}

		// A link is good for an hour.
		nobody.want(http.StatusAccepted, "POST", forgot, object{"email": ana.email})
		late := s.mailed(ana.email, "reset-password", 3)
		s.restart(settings{"COFFER_CLOCK_OFFSET": "61m"})
		nobody.refused(http.StatusUnprocessableEntity, "invalid_token", "POST", reset, object{"token": late, "password": password})
	})
}

func TestASessionIsSeenAndEndedFromAnother(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, eve := s.signUp("ana"), s.signUp("eve")
		phone, tablet := s.device(ana), s.device(ana)
		sessions := func(u *user) map[bool][]string {
			t.Helper()
			a := u.want(http.StatusOK, "GET", "/api/me/sessions", nil, with{"User-Agent": "looking"})
			ids, current := a.list("id"), a.list("current")
			if a.text("items.0.address") != "127.0.0.1" || a.text("items.0.user_agent") == "" {
				t.Errorf("sessions %s", a.body)
			}
			out := map[bool][]string{}
			for i := range ids {
				out[current[i] == "true"] = append(out[current[i] == "true"], ids[i])
			}
			return out
		}
		here := sessions(ana)
		if len(here[true]) != 1 || len(here[false]) != 2 {
			t.Fatalf("sessions %v", here)
		}
		onPhone := sessions(phone)[true][0]
		eve.refused(http.StatusNotFound, "not_found", "DELETE", "/api/me/sessions/"+onPhone, nil)
		phone.want(http.StatusOK, "GET", "/api/me", nil)
		ana.want(http.StatusNoContent, "DELETE", "/api/me/sessions/"+onPhone, nil)
		ana.refused(http.StatusNotFound, "not_found", "DELETE", "/api/me/sessions/"+onPhone, nil)
		phone.isOut()
		if left := sessions(ana); len(left[false]) != 1 {
			t.Errorf("sessions %v", left)
		}
		tablet.want(http.StatusNoContent, "DELETE", "/api/me/sessions", nil)
		ana.isOut()
		tablet.want(http.StatusOK, "GET", "/api/me", nil)
		tablet.want(http.StatusNoContent, "DELETE", "/api/me/sessions/"+sessions(tablet)[true][0], nil) // its own
		tablet.isOut()

		// The active org of a token is one of the user's.
		acme := eve.found(object{"name": "Acme"})
		ana.logIn()
		for _, org := range []string{acme.org, missingID} {
			ana.refused(http.StatusNotFound, "not_found", "POST", "/api/auth/switch-org", object{"org_id": org})
		}
		eve.token = eve.want(http.StatusOK, "POST", "/api/auth/switch-org", object{"org_id": acme.org}).text("access_token")
		eve.want(http.StatusOK, "GET", "/api/orgs/"+acme.org, nil)
		eve.want(http.StatusNoContent, "DELETE", "/api/me/sessions/"+sessions(eve)[true][0], nil) // the same session
		eve.isOut()
	})
}

func TestASecondFactorIsAskedForAndEachCodeIsGoodOnce(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		const path, wrong, refused = "/api/me/totp", "wrong_password", "invalid_totp_code"
		pass := object{"password": password}
		ana.refused(http.StatusForbidden, wrong, "POST", path, object{"password": "not the password"})
		ana.refused(http.StatusForbidden, wrong, "POST", path, object{})
		ana.refused(http.StatusNotFound, "not_found", "POST", path+"/confirm", object{"code": "000000"}) // not begun
		factor := ana.want(http.StatusOK, "POST", path, pass).text("otpauth_url")
		ana.logIn() // asked for only when it is confirmed
		now := codeAt(t, factor, time.Now())
		ana.refused(http.StatusUnauthorized, refused, "POST", path+"/confirm", object{"code": codeAt(t, factor, time.Now().Add(-time.Hour))})
		confirmed := ana.want(http.StatusOK, "POST", path+"/confirm", object{"code": now})
		recovery, _ := confirmed.get("recovery_codes").([]any)
		if len(recovery) != 10 || recovery[0] == recovery[1] {
			t.Fatalf("recovery codes %v", recovery)
		}
		for _, r := range []request{{"POST", path, `{"password": "` + password + `"}`}, {"POST", path + "/confirm", `{"code": "` + now + `"}`}} {
			ana.request(r).isProblem(http.StatusConflict, "totp_enabled")
		}
		ana.tryLogin(nil).isProblem(http.StatusUnauthorized, "totp_required")
		ana.tryLogin(object{"password": "not the password"}).isProblem(http.StatusUnauthorized, "invalid_credentials") // tells nothing
		ana.tryLogin(object{"totp_code": now}).isProblem(http.StatusUnauthorized, refused)                             // confirmed with it

		for what, code := range map[string]any{"code": codeAt(t, factor, time.Now().Add(30*time.Second)), "recovery code": recovery[0]} {
			answers := race(t, 3, func(int) (*answer, error) {
				return ana.try("POST", "/api/auth/login", object{"email": ana.email, "password": password, "totp_code": code}, with{"Authorization": ""})
			})
			count(t, "a "+what+" for three", answers, map[int]int{http.StatusOK: 1, http.StatusUnauthorized: 2})
			ana.tryLogin(object{"totp_code": code}).isProblem(http.StatusUnauthorized, refused)
			if a := ana.tryLogin(object{"totp_code": nextOf(recovery, what)}); a.status != http.StatusOK { // wrong ones lock nobody out
				t.Errorf("another recovery code: %d %s", a.status, a.body)
			}
		}

		const later = 10 * time.Minute
		s.restart(settings{"COFFER_CLOCK_OFFSET": later.String()}) // what is spent stays spent
		ana.tryLogin(object{"totp_code": recovery[0]}).isProblem(http.StatusUnauthorized, refused)
		code := codeAt(t, factor, time.Now().Add(later))
		ana.refused(http.StatusForbidden, wrong, "DELETE", path, object{"password": "not the password", "code": code})
		ana.refused(http.StatusUnauthorized, refused, "DELETE", path, pass.but(object{"code": recovery[0]}))
		ana.want(http.StatusNoContent, "DELETE", path, pass.but(object{"code": code}))
		ana.refused(http.StatusNotFound, "not_found", "DELETE", path, pass.but(object{"code": recovery[9]}))
		ana.logIn()
	})
}

// nextOf returns a recovery code that nothing else uses.
func nextOf(recovery []any, what string) any {
	if what == "code" {
		return recovery[1]
	}
	return recovery[2]
}
