package e2e

import (
	"bytes"
	"net/http"
	"slices"
	"testing"
)

func TestACompanyIsFounded(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, eve := s.signUp("ana"), s.signUp("eve")
		verified := func() any { t.Helper(); return ana.want(http.StatusOK, "GET", "/api/me", nil).get("email_verified") }
		if verified() != false {
			t.Error("an address is verified before its mail is read")
		}
		token := object{"token": s.mailed(ana.email, "verify-email", 1)}
		ana.want(http.StatusNoContent, "POST", "/api/auth/verify-email", token, with{"Authorization": ""})
		if verified() != true {
			t.Error("the address is not verified")
		}
		ana.refused(http.StatusUnprocessableEntity, "invalid_token", "POST", "/api/auth/verify-email", token)

		acme := ana.want(http.StatusCreated, "POST", "/api/orgs", object{"name": "Acme", "slug": "Acme"})
		path := "/api/orgs/" + acme.text("id")
		if acme.text("slug") != "acme" || acme.text("role") != "owner" || acme.get("is_personal") != false || acme.text("library.name") != "Library" ||
			acme.header.Get("Location") != path || acme.text("drive.owner_account_id") != acme.text("account_id") {
			t.Errorf("org %s", acme.body)
		}
		for _, u := range []*user{ana, eve} {
			for _, slug := range []string{"ACME", "acme", "Admin"} {
				u.refused(http.StatusConflict, "slug_taken", "POST", "/api/orgs", object{"name": "Another", "slug": slug})
			}
		}

		// A slug that is given up stays the org's own.
		renamed := ana.want(http.StatusOK, "PATCH", path, object{"slug": "Acme-Works"}, with{"If-Match": acme.header.Get("ETag")})
		if renamed.text("slug") != "acme-works" || renamed.text("name") != "Acme" {
			t.Errorf("org %s", renamed.body)
		}
		ana.refused(http.StatusPreconditionFailed, "precondition_failed", "PATCH", path, object{"name": "Late"}, with{"If-Match": acme.header.Get("ETag")})
		for _, slug := range []string{"acme", "acme-works"} {
			eve.refused(http.StatusConflict, "slug_taken", "POST", "/api/orgs", object{"name": "Acme", "slug": slug})
			eve.refused(http.StatusConflict, "slug_taken", "PATCH", "/api/orgs/"+eve.org, object{"slug": slug})
		}
		ana.want(http.StatusOK, "PATCH", path, object{"slug": "acme"})
		eve.refused(http.StatusConflict, "slug_taken", "POST", "/api/orgs", object{"name": "Acme", "slug": "acme-works"})
		eve.refused(http.StatusNotFound, "not_found", "PATCH", path, object{"name": "Stolen"})

		answers := race(t, 8, func(int) (*answer, error) {
			return eve.try("POST", "/api/orgs", object{"name": "Race", "slug": "race"})
		})
		count(t, "one slug for eight", answers, map[int]int{http.StatusCreated: 1, http.StatusConflict: 7})
		if orgs := ana.want(http.StatusOK, "GET", "/api/orgs", nil).list("slug"); len(orgs) != 2 || orgs[1] != "acme" {
			t.Errorf("orgs %v", orgs)
		}
	})
}

func TestPeopleComeByInvitation(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, ben, eve := s.signUp("ana"), s.signUp("ben"), s.signUp("eve")
		ana.refused(http.StatusForbidden, "personal_org", "POST", "/api/orgs/"+ana.org+"/invitations", object{"email": ben.email, "role": "member"})
		acme := ana.found(object{"name": "Acme"})
		invitations := "/api/orgs/" + acme.org + "/invitations"
		account := acme.invite(ben.email, "member")
		acme.refused(http.StatusConflict, "already_member", "POST", invitations, object{"email": "BEN@example.com", "role": "viewer"})

		token := object{"token": s.mailed(ben.email, "accept-invitation", 1)}
		eve.refused(http.StatusForbidden, "invitation_for_another", "POST", "/api/invitations/accept", token) // forwarded
		s.anybody().refused(http.StatusUnauthorized, "unauthenticated", "POST", "/api/invitations/accept", token)
		ben.refused(http.StatusNotFound, "not_found", "GET", "/api/orgs/"+acme.org, nil) // not yet
		byAccount := object{"account_id": account}
		for _, u := range []*user{eve, ben} { // ben has not shown that the address is his
			u.refused(http.StatusNotFound, "not_found", "POST", "/api/invitations/accept", byAccount)
		}
		if a := ben.want(http.StatusOK, "GET", "/api/me/invitations", nil); len(a.list("org.id")) != 0 {
			t.Errorf("invitations of an address that is not verified: %s", a.body)
		}
		ben.want(http.StatusOK, "POST", "/api/invitations/accept", token)
		ben.refused(http.StatusUnprocessableEntity, "invalid_token", "POST", "/api/invitations/accept", token)
		if a := ben.want(http.StatusOK, "GET", "/api/orgs/"+acme.org, nil); a.text("role") != "member" || a.text("account_id") != account {
			t.Errorf("org %s", a.body)
		}

		// Whose address is verified needs no token; an invitation that is withdrawn is over.
		s.anybody().want(http.StatusNoContent, "POST", "/api/auth/verify-email", object{"token": s.mailed(eve.email, "verify-email", 1)})
		gone := acme.invite(eve.email, "viewer")
		if mine := eve.want(http.StatusOK, "GET", "/api/me/invitations", nil).list("account.id"); !slices.Equal(mine, []string{gone}) {
			t.Errorf("invitations %v", mine)
		}
		old := object{"token": s.mailed(eve.email, "accept-invitation", 1)}
		ben.refused(http.StatusForbidden, "forbidden", "DELETE", invitations+"/"+gone, nil)
		acme.want(http.StatusNoContent, "DELETE", invitations+"/"+gone, nil)
		acme.refused(http.StatusNotFound, "not_found", "DELETE", invitations+"/"+account, nil) // a member is not withdrawn
		if a := eve.ask("POST", "/api/invitations/accept", old); a.status < 400 {
			t.Errorf("a withdrawn invitation: %d %s", a.status, a.body)
		}
		again := acme.invite(eve.email, "viewer")
		eve.want(http.StatusOK, "POST", "/api/invitations/accept", object{"account_id": again})
		if members := acme.want(http.StatusOK, "GET", "/api/orgs/"+acme.org+"/members", nil).list("email"); len(members) != 3 {
			t.Errorf("members %v", members)
		}
	})
}

func TestALicenceLimitsHowManyComeUntilItIsLarger(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		acme := s.signUp("ana").found(object{"name": "Acme"})
		invitations := "/api/orgs/" + acme.org + "/invitations"
		bea := acme.invite("bea@example.com", "member")
		names := []string{"c", "d", "e", "f", "g", "h", "i", "j"}
		answers := race(t, len(names), func(i int) (*answer, error) {
			return acme.try("POST", invitations, object{"email": names[i] + "@example.com", "role": "member"})
		})
		count(t, "room for three", answers, map[int]int{http.StatusCreated: 3, http.StatusForbidden: 5})
		sixth := object{"email": "zoe@example.com", "role": "viewer"}
		a := acme.refused(http.StatusForbidden, "limit_exceeded", "POST", invitations, sixth)
		if a.text("limit") != "max_members_count" || a.number("max") != 5 || a.number("used") != 5 || a.number("requested") != 1 {
			t.Errorf("%s", a.body)
		}
		members := func() (most, used int64) {
			t.Helper()
			a := acme.want(http.StatusOK, "GET", "/api/orgs/"+acme.org+"/license", nil)
			b := acme.want(http.StatusOK, "GET", "/api/orgs/"+acme.org+"/assets/usage", nil)
			if a.number("limits.max_members_count") != b.number("max_members_count") || a.number("usage.members_count") != b.number("members_count") {
				t.Errorf("%s\n%s", a.body, b.body)
			}
			return a.number("limits.max_members_count"), a.number("usage.members_count")
		}
		if most, used := members(); most != 5 || used != 5 {
			t.Errorf("%d of %d", used, most)
		}
		acme.want(http.StatusNoContent, "DELETE", invitations+"/"+bea, nil) // makes room
		acme.want(http.StatusCreated, "POST", invitations, sixth)
		acme.refused(http.StatusForbidden, "limit_exceeded", "POST", invitations, object{"email": "bea@example.com", "role": "member"})

		s.must("license", "assign", acme.org, "starter") // the server runs
		if most, used := members(); most != 10 || used != 5 {
			t.Errorf("%d of %d", used, most)
		}
		acme.invite("bea@example.com", "member")
		s.must("license", "set", "tiny", "--max-members", "1")
		s.must("license", "assign", acme.org, "tiny")
		if most, used := members(); most != 1 || used != 6 { // nobody is thrown out
			t.Errorf("%d of %d", used, most)
		}
		acme.refused(http.StatusForbidden, "limit_exceeded", "POST", invitations, object{"email": "yan@example.com", "role": "member"})
		for _, args := range [][]string{{acme.org, "nonsense"}, {missingID, "pro"}, {"no-id", "pro"}, {acme.org, "pro", "--until", "2001-01-01T00:00:00Z"}} {
			if code, stdout, stderr := s.run(append([]string{"license", "assign"}, args...)...); code == 0 || stderr == "" {
				t.Errorf("license assign %v: exit code %d: %s%s", args, code, stdout, stderr)
			}
		}
	})
}

func TestARoleIsWhatOneMayDoFromTheNextRequestOn(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		acme := s.signUp("ana").found(object{"name": "Acme"})
		ben, vic := s.hire(acme, s.signUp("ben"), "member"), s.hire(acme, s.signUp("vic"), "viewer")
		assets := "/api/orgs/" + acme.org + "/assets"
		anas := acme.upload(object{"name": "ana.txt"}, []byte("ana")).text("id")
		his := ben.upload(object{"name": "ben.txt", "drive_id": acme.drive}, []byte("ben")).text("id")

		ben.refused(http.StatusForbidden, "forbidden", "DELETE", assets+"/"+anas, nil)
		ben.refused(http.StatusForbidden, "forbidden", "DELETE", assets+"/"+anas+"?permanent=true", nil)
		file := object{"name": "vic.txt", "size_bytes": 1}
		vic.refused(http.StatusForbidden, "forbidden", "POST", assets, file)
		vic.refused(http.StatusForbidden, "forbidden", "PATCH", assets+"/"+his, object{"name": "vic.txt"})
		vic.refused(http.StatusForbidden, "forbidden", "DELETE", assets+"/"+his, nil)
		if got := vic.download(his); !bytes.Equal(got, []byte("ben")) {
			t.Errorf("%q came down", got)
		}
		ben.want(http.StatusNoContent, "DELETE", assets+"/"+his, nil)

		// Suspended: the org does not exist; an upload under way waits.
		pending := ben.create(object{"name": "later.txt", "size_bytes": 5})
		send(t, pending.single(), []byte("later"))
		acme.change(ben.account, object{"status": "suspended"})
		for _, r := range []request{
			{"GET", "/api/orgs/" + acme.org, ""},
			{"GET", assets, ""},
			{"GET", assets + "/" + anas, ""},
			{"GET", "/api/drives/" + acme.drive + "/nodes", ""},
			{"GET", "/api/assets/" + anas + "/download", ""},
			{"POST", assets, `{"name": "x", "size_bytes": 1}`},
			{"POST", "/api/auth/switch-org", `{"org_id": "` + acme.org + `"}`},
			{"POST", "/api/assets/" + pending.text("asset.id") + "/complete", `{"upload_id": "` + pending.text("upload.upload_id") + `"}`},
			{"POST", "/api/orgs/" + acme.org + "/leave", ""},
		} {
			ben.request(r).isProblem(http.StatusNotFound, "not_found")
		}
		if orgs := ben.want(http.StatusOK, "GET", "/api/orgs", nil).list("id"); slices.Contains(orgs, acme.org) || len(orgs) != 1 {
			t.Errorf("orgs %v", orgs)
		}
		acme.refused(http.StatusConflict, "already_member", "POST", "/api/orgs/"+acme.org+"/invitations", object{"email": ben.email, "role": "member"})
		acme.change(ben.account, object{"status": "active"})
		ben.complete(pending)

		// Up and down again.
		acme.change(ben.account, object{"role": "admin"})
		ben.want(http.StatusNoContent, "DELETE", assets+"/"+anas, nil)
		ben.refused(http.StatusForbidden, "forbidden", "PATCH", ben.member(acme.account), object{"role": "member"})
		ben.refused(http.StatusForbidden, "forbidden", "DELETE", ben.member(acme.account), nil)
		ben.refused(http.StatusForbidden, "forbidden", "PATCH", ben.member(ben.account), object{"role": "owner"})
		ben.refused(http.StatusForbidden, "forbidden", "POST", "/api/orgs/"+acme.org+"/invitations", object{"email": "o@example.com", "role": "owner"})
		ben.refused(http.StatusForbidden, "forbidden", "DELETE", "/api/orgs/"+acme.org, nil)
		acme.change(ben.account, object{"role": "viewer"})
		for _, r := range []request{
			{"POST", assets, `{"name": "x", "size_bytes": 1}`},
			{"PATCH", ben.member(vic.account), `{"role": "admin"}`},
			{"GET", "/api/orgs/" + acme.org + "/audit-log", ""},
			{"POST", "/api/orgs/" + acme.org + "/invitations", `{"email": "x@example.com", "role": "viewer"}`},
			{"PATCH", "/api/orgs/" + acme.org, `{"name": "Bens"}`},
			{"DELETE", assets + "/" + pending.text("asset.id"), ""},
		} {
			ben.request(r).isProblem(http.StatusForbidden, "forbidden")
		}
	})
}

func TestACompanyKeepsAnOwnerAndWhatItsPeopleLeave(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana").found(object{"name": "Acme"})
		ben, cat := s.hire(ana, s.signUp("ben"), "member"), s.hire(ana, s.signUp("cat"), "member")
		org, transfer := "/api/orgs/"+ana.org, "/api/orgs/"+ana.org+"/transfer-ownership"
		lastOwner := func(u *user) {
			t.Helper()
			u.refused(http.StatusConflict, "last_owner", "POST", org+"/leave", nil)
			u.refused(http.StatusConflict, "last_owner", "DELETE", u.member(u.account), nil)
			for _, change := range []object{{"role": "admin"}, {"status": "suspended"}} {
				u.refused(http.StatusConflict, "last_owner", "PATCH", u.member(u.account), change)
			}
		}
		lastOwner(ana)
		dan := ana.invite("dan@example.com", "member")
		for _, to := range []string{dan, ana.account} {
			ana.refused(http.StatusConflict, "account_state", "POST", transfer, object{"account_id": to})
		}
		ana.want(http.StatusNoContent, "POST", transfer, object{"account_id": ben.account})
		if a := ana.want(http.StatusOK, "GET", org, nil); a.text("role") != "admin" {
			t.Errorf("the former owner: %s", a.body)
		}
		ana.refused(http.StatusForbidden, "forbidden", "POST", transfer, object{"account_id": ana.account})
		lastOwner(ben)
		ben.change(ana.account, object{"role": "owner"})
		answers := race(t, 2, func(i int) (*answer, error) {
			u := []*user{ana, ben}[i]
			return u.try("PATCH", u.member(u.account), object{"role": "admin"})
		})
		count(t, "both owners step back", answers, map[int]int{http.StatusOK: 1, http.StatusConflict: 1})
		if answers[0].status == http.StatusOK { // ben is still the owner
			ben.want(http.StatusNoContent, "POST", transfer, object{"account_id": ana.account})
		}
		lastOwner(ana)

		// What ben kept for himself is the org's when he goes.
		ana.change(ben.account, object{"role": "member"})
		drive := s.personalDrive(ben.account)
		diary := ben.upload(object{"name": "diary.txt", "drive_id": drive}, []byte("dear diary")).text("id")
		nodes := "/api/drives/" + drive + "/nodes"
		for _, u := range []*user{ana, cat} {
			u.refused(http.StatusNotFound, "not_found", "GET", nodes, nil)
			u.refused(http.StatusNotFound, "not_found", "GET", "/api/assets/"+diary+"/download", nil)
		}
		cat.refused(http.StatusForbidden, "forbidden", "DELETE", cat.member(ben.account), nil)
		ana.want(http.StatusNoContent, "DELETE", ana.member(ben.account), nil)
		ana.refused(http.StatusNotFound, "not_found", "DELETE", ana.member(ben.account), nil)
		if names := ana.want(http.StatusOK, "GET", nodes, nil).list("name"); !slices.Equal(names, []string{"diary.txt"}) {
			t.Errorf("in custody: %v", names)
		}
		if got := ana.download(diary); !bytes.Equal(got, []byte("dear diary")) {
			t.Errorf("%q came down", got)
		}
		for _, u := range []*user{ben, cat} {
			u.refused(http.StatusNotFound, "not_found", "GET", nodes, nil)
			u.refused(http.StatusNotFound, "not_found", "GET", "/api/assets/"+diary+"/download", nil)
		}
		ben.refused(http.StatusNotFound, "not_found", "GET", org, nil)

		// Who comes back begins anew.
		ana.invite(ben.email, "viewer")
		if a := ana.want(http.StatusOK, "GET", org+"/invitations", nil); slices.Contains(a.list("name"), "ben") || slices.ContainsFunc(a.list("user_id"), func(id string) bool { return id != "<nil>" }) {
			t.Errorf("invitations %s", a.body)
		}
		ben.want(http.StatusOK, "POST", "/api/invitations/accept", object{"token": s.mailed(ben.email, "accept-invitation", 2)})
		ben.refused(http.StatusNotFound, "not_found", "GET", nodes, nil)
		cat.want(http.StatusNoContent, "POST", org+"/leave", nil)
		cat.refused(http.StatusNotFound, "not_found", "GET", org, nil)
	})
}
