package e2e

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/test/env"
)

func TestWhoRegisteredAnothersAddressGainsNothing(t *testing.T) {
	tellWithProvider(t, nil, func(t *testing.T, s *server, idp *env.IDP) {
		attacker := s.signUp("victim") // whose mail they cannot read
		begun := attacker.want(http.StatusOK, "POST", "/api/me/totp", object{"password": password})
		url := begun.text("otpauth_url")
		confirmed := attacker.want(http.StatusOK, "POST", "/api/me/totp/confirm", object{"code": codeAt(t, url, time.Now())})
		recovery := confirmed.text("recovery_codes.0")
		s.anybody().want(http.StatusAccepted, "POST", "/api/auth/password/forgot", object{"email": attacker.email})
		verify, reset := s.mailed(attacker.email, "verify-email", 1), s.mailed(attacker.email, "reset-password", 1)
		phone := *attacker
		phone.client = s.anybody()
		in := attacker.tryLogin(object{"totp_code": recovery})
		phone.token, phone.refresh = in.text("access_token"), in.text("refresh_token")
		phone.want(http.StatusOK, "GET", "/api/me", nil)

		victim := s.signsInAs(idp, env.Person{Subject: "v", Email: attacker.email, Verified: true})
		me := victim.want(http.StatusOK, "GET", "/api/me", nil)
		if victim.email != attacker.email || me.get("email_verified") != true {
			t.Errorf("%s", me.body)
		}
		attacker.isOut()
		phone.isOut()
		for _, code := range []string{"", codeAt(t, url, time.Now().Add(30*time.Second)), confirmed.text("recovery_codes.1")} {
			attacker.tryLogin(object{"totp_code": code}).isProblem(http.StatusUnauthorized, "invalid_credentials")
		}
		s.anybody().refused(http.StatusUnprocessableEntity, "invalid_token", "POST", "/api/auth/verify-email", object{"token": verify})
		s.anybody().refused(http.StatusUnprocessableEntity, "invalid_token", "POST", "/api/auth/password/reset", object{"token": reset, "password": password})
		s.anybody().refused(http.StatusConflict, "email_taken", "POST", "/api/auth/signup", object{"email": attacker.email, "password": password})
		if got := victim.want(http.StatusOK, "GET", "/api/orgs/"+victim.org+"/audit-log", nil).list("action"); !slices.Contains(got, "user.claimed") {
			t.Errorf("audit log %q", got)
		}

		// The victim's password is theirs alone, without a second factor.
		s.anybody().want(http.StatusAccepted, "POST", "/api/auth/password/forgot", object{"email": victim.email})
		token := s.mailed(victim.email, "reset-password", 2)
		s.anybody().want(http.StatusNoContent, "POST", "/api/auth/password/reset", object{"token": token, "password": otherPassword})
		if a := victim.tryLogin(object{"password": otherPassword}); a.status != http.StatusOK {
			t.Errorf("%d %s", a.status, a.body)
		}
		attacker.tryLogin(nil).isProblem(http.StatusUnauthorized, "invalid_credentials")
	})
}

func TestAnAddressThatTheProviderHasNotVerifiedOpensNothing(t *testing.T) {
	tellWithProvider(t, nil, func(t *testing.T, s *server, idp *env.IDP) {
		ana, bea := s.signUp("ana"), s.signUp("bea")
		s.anybody().want(http.StatusNoContent, "POST", "/api/auth/verify-email", object{"token": s.mailed(ana.email, "verify-email", 1)})
		before := s.number("SELECT count(*) FROM users")
		for subject, email := range map[string]string{"1": ana.email, "2": bea.email, "3": "cleo@example.com", "4": "", "5": "Ana@example.com"} {
			p := env.Person{Subject: subject, Email: email}
			idp.Add(p)
			b := s.begins("")
			b.comesBack(idp.SignIn(t, b.start, subject)).isProblem(http.StatusForbidden, "email_unverified")
			s.bearer(idp, p, nil).refused(http.StatusForbidden, "email_unverified", "GET", "/api/me", nil)
			s.bearer(idp, p, object{"email_verified": nil}).refused(http.StatusForbidden, "email_unverified", "GET", "/api/me", nil)
		}
		if n := s.number("SELECT count(*) FROM users"); n != before || s.number("SELECT count(*) FROM identities") != 0 {
			t.Errorf("%d users, there were %d", n, before)
		}
		ana.want(http.StatusOK, "GET", "/api/me", nil)
		bea.logIn()

		// Nobody waits for an address: who has it comes first.
		cleo := s.signsInAs(idp, env.Person{Subject: "c", Email: "cleo@example.com", Verified: true})
		b := s.begins("")
		b.comesBack(idp.SignIn(t, b.start, "3")).isProblem(http.StatusForbidden, "email_unverified")
		cleo.want(http.StatusOK, "GET", "/api/me", nil)
	})
}

func TestNoLoginIsFasterThanTheOwner(t *testing.T) {
	tellWithProvider(t, nil, func(t *testing.T, s *server, idp *env.IDP) {
		attacker := s.signUp("victim")
		victim := s.bearer(idp, env.Person{Subject: "v", Email: attacker.email, Verified: true}, nil)
		nobody := s.anybody()
		answers := race(t, 12, func(i int) (*answer, error) {
			switch i % 4 {
			case 0:
				return victim.try("GET", "/api/me", nil)
			case 1:
				return nobody.try("POST", "/api/auth/refresh", object{"refresh_token": attacker.refresh})
			}
			return nobody.try("POST", "/api/auth/login", object{"email": attacker.email, "password": password})
		})
		for i, a := range answers {
			switch {
			case i%4 == 0:
				if a.status != http.StatusOK || a.text("email") != attacker.email {
					t.Errorf("the victim: %d %s", a.status, a.body)
				}
			case a.status == http.StatusOK: // was before, and is over
				in := &user{client: s.anybody(), org: attacker.org, refresh: a.text("refresh_token")}
				in.token = a.text("access_token")
				in.isOut()
			case a.status != http.StatusUnauthorized:
				t.Errorf("%s: %d %s", a.what, a.status, a.body)
			}
		}
		attacker.isOut()
		if n := s.number("SELECT count(*) FROM sessions WHERE revoked_at IS NULL"); n != 0 {
			t.Errorf("%d sessions are alive", n)
		}
		victim.want(http.StatusOK, "GET", "/api/me", nil)
	})
}
