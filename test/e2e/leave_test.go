package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"
)

// goodbye is what a user sends to be forgotten.
var goodbye = object{"password": password}

func TestLeavingForGood(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		acme, ben, cat := s.signUp("ana").found(object{"name": "Acme"}), s.signUp("ben"), s.signUp("cat")
		account := acme.invite(ben.email, "member")
		joined := ben.want(http.StatusOK, "POST", "/api/invitations/accept", object{"token": s.mailed(ben.email, "accept-invitation", 1)})
		drive := joined.text("drive_id")
		if drive != s.personalDrive(account) {
			t.Errorf("joined %s", joined.body)
		}
		own := ben.found(object{"name": "Ben's"})
		s.hire(own, cat, "admin")
		third := cat.found(object{"name": "Third"})
		third.invite(ben.email, "viewer")
		accounts := ben.want(http.StatusOK, "GET", "/api/me/accounts", nil)
		if drives := accounts.list("drive_id"); len(drives) != 3 || !slices.Contains(drives, ben.drive) || !slices.Contains(drives, drive) || !slices.Contains(drives, s.personalDrive(own.account)) {
			t.Errorf("accounts %s", accounts.body)
		}
		atAcme := &user{client: ben.client, org: acme.org}
		diary := atAcme.upload(object{"name": "diary.txt", "drive_id": drive}, []byte("dear diary")).text("id")
		secret := ben.upload(object{"name": "secret.txt"}, []byte("secret")).text("id")
		ben.grouped(object{"name": "Nobody else's"})

		ben.refused(http.StatusForbidden, "wrong_password", "DELETE", "/api/me", object{"password": "wrong"})
		ben.refused(http.StatusForbidden, "wrong_password", "DELETE", "/api/me", object{})
		refused := ben.refused(http.StatusConflict, "last_owner", "DELETE", "/api/me", goodbye)
		if orgs, _ := refused.get("orgs").([]any); len(orgs) != 1 || refused.text("orgs.0.id") != own.org || refused.text("orgs.0.name") != "Ben's" {
			t.Errorf("%s", refused.body)
		}
		members := own.want(http.StatusOK, "GET", "/api/orgs/"+own.org+"/members", nil)
		cats := members.list("id")[slices.Index(members.list("email"), cat.email)]
		own.want(http.StatusNoContent, "POST", "/api/orgs/"+own.org+"/transfer-ownership", object{"account_id": cats})
		count(t, "ben says goodbye", race(t, 4, func(int) (*answer, error) { return ben.try("DELETE", "/api/me", goodbye) }),
			map[int]int{http.StatusNoContent: 1, http.StatusUnauthorized: 3})

		ben.refused(http.StatusUnauthorized, "unauthenticated", "GET", "/api/me", nil)
		ben.refused(http.StatusUnauthorized, "unauthenticated", "GET", "/api/assets/"+secret+"/download", nil)
		ben.refused(http.StatusUnauthorized, "invalid_refresh_token", "POST", "/api/auth/refresh", object{"refresh_token": ben.refresh})
		ben.tryLogin(nil).isProblem(http.StatusUnauthorized, "invalid_credentials")
		if got := acme.download(diary); string(got) != "dear diary" {
			t.Errorf("in custody: %q", got)
		}
		if names := acme.want(http.StatusOK, "GET", "/api/drives/"+drive+"/nodes", nil).list("name"); !slices.Equal(names, []string{"diary.txt"}) {
			t.Errorf("in custody: %v", names)
		}
		if log := acme.want(http.StatusOK, "GET", "/api/orgs/"+acme.org+"/audit-log?action=account.deleted", nil); log.text("items.0.target.id") != account || len(log.list("id")) != 1 {
			t.Errorf("audit log %s", log.body)
		}
		if emails := acme.want(http.StatusOK, "GET", "/api/orgs/"+acme.org+"/members", nil).list("email"); slices.Contains(emails, ben.email) || len(emails) != 1 {
			t.Errorf("members %v", emails)
		}
		if open := third.want(http.StatusOK, "GET", "/api/orgs/"+third.org+"/invitations", nil).list("email"); !slices.Equal(open, []string{ben.email}) {
			t.Errorf("invitations %v", open)
		}
		s.fsck()

		anew := s.signUp("ben")
		if anew.org == ben.org {
			t.Error("the old user is back")
		}
		if all := anew.want(http.StatusOK, "GET", "/api/me/accounts", nil); !slices.Equal(all.list("drive_id"), []string{anew.drive}) {
			t.Errorf("accounts %s", all.body)
		}
		for _, path := range []string{"/api/orgs/" + ben.org, "/api/orgs/" + acme.org, "/api/drives/" + drive + "/nodes", "/api/assets/" + secret + "/download"} {
			anew.refused(http.StatusNotFound, "not_found", "GET", path, nil)
		}
		anew.refused(http.StatusNotFound, "not_found", "POST", "/api/orgs/"+ben.org+"/restore", nil)
		s.must("admin", "promote", acme.email)
		acme.refused(http.StatusForbidden, "personal_org", "POST", "/api/orgs/"+ben.org+"/restore", nil)
		// The last operator may go, too: there is a command to make another.
		acme.want(http.StatusNoContent, "DELETE", "/api/orgs/"+acme.org, nil)
		acme.want(http.StatusNoContent, "DELETE", "/api/me", goodbye)
		s.fsck()
		s.restart(settings{"COFFER_CLOCK_OFFSET": "721h"})
		s.goneFor(ben.org)
		s.goneFor(acme.org)
		s.settle()
		s.fsck()
		anew.logIn()
		anew.want(http.StatusOK, "GET", "/api/me", nil)
	})
}

func TestWithASecondFactorItIsAskedForBeforeLeaving(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		url := ana.want(http.StatusOK, "POST", "/api/me/totp", object{"password": password}).text("otpauth_url")
		codes := ana.want(http.StatusOK, "POST", "/api/me/totp/confirm", object{"code": codeAt(t, url, time.Now())})
		ana.refused(http.StatusUnauthorized, "totp_required", "DELETE", "/api/me", goodbye)
		ana.refused(http.StatusUnauthorized, "invalid_totp_code", "DELETE", "/api/me", goodbye.but(object{"totp_code": "nonsense"}))
		ana.refused(http.StatusForbidden, "wrong_password", "DELETE", "/api/me", object{"totp_code": codes.text("recovery_codes.0")})
		ana.want(http.StatusNoContent, "DELETE", "/api/me", goodbye.but(object{"totp_code": codes.text("recovery_codes.0")}))
		s.fsck()
	})
}

func TestOfOwnersWhoGoAtOnceOneStays(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		people := make([]*user, 4)
		for i := range people {
			people[i] = s.signUp(fmt.Sprintf("owner%d", i))
		}
		var orgs []string
		for n, founder := range people[:2] {
			org := founder.found(object{"name": fmt.Sprintf("Org %d", n)})
			orgs = append(orgs, org.org)
			for _, p := range people {
				if p != founder {
					org.invite(p.email, "owner")
					p.want(http.StatusOK, "POST", "/api/invitations/accept", object{"token": s.mailed(p.email, "accept-invitation", invited(n, p, people))})
				}
			}
		}
		answers := race(t, 2*len(people), func(i int) (*answer, error) {
			if i < len(people) {
				return people[i].try("DELETE", "/api/me", goodbye)
			}
			return people[i-len(people)].try("POST", "/api/orgs/"+orgs[i%2]+"/leave", nil)
		})
		for _, a := range answers {
			if !slices.Contains([]int{http.StatusNoContent, http.StatusConflict, http.StatusUnauthorized, http.StatusNotFound}, a.status) {
				t.Errorf("%s: %d %s", a.what, a.status, a.body)
			}
		}
		s.fsck() // each org has an active owner
	})
}

// invited is how many invitations the person has had: the founders of the first
// two orgs are not invited to their own.
func invited(org int, p *user, people []*user) int {
	if org == 1 && p == people[0] {
		return 1
	}
	return org + 1
}
