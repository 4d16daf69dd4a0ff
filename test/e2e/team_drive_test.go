package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
)

// share makes a shared drive and returns its path.
func (u *user) share(drive object) string {
	u.t.Helper()
	return "/api/drives/" + u.want(http.StatusCreated, "POST", "/api/orgs/"+u.org+"/drives", drive).text("id")
}

// rights finds out what a user may do in a drive, by trying: r read, w write,
// d delete what they have made, a what the boss has made, m manage.
func (u *user) rights(boss *user, drive string) (may string) {
	u.t.Helper()
	assets, id := "/api/orgs/"+boss.org+"/assets", drive[len("/api/drives/"):]
	try := func(letter string, status int, method, path string, body any) *answer {
		u.t.Helper()
		a := u.ask(method, path, body)
		switch a.status {
		case status:
			may += letter
		case http.StatusForbidden, http.StatusNotFound:
			if exists := u.ask("GET", drive, nil).status == http.StatusOK; exists != (a.status == http.StatusForbidden) {
				u.t.Errorf("%s is refused by %d, and the drive is there: %t", a.what, a.status, exists)
			}
		default:
			u.t.Errorf("%s: %d %s", a.what, a.status, a.body)
		}
		return a
	}
	try("r", http.StatusOK, "GET", drive+"/nodes", nil)
	made := try("w", http.StatusCreated, "POST", assets, object{"name": "of " + u.email, "size_bytes": 1, "drive_id": id})
	if made.status == http.StatusCreated {
		try("d", http.StatusNoContent, "DELETE", assets+"/"+made.text("asset.id"), nil)
	}
	bosses := boss.create(object{"name": "of the boss", "size_bytes": 1, "drive_id": id}).text("asset.id")
	if a := try("a", http.StatusNoContent, "DELETE", assets+"/"+bosses, nil); a.status != http.StatusNoContent {
		boss.want(http.StatusNoContent, "DELETE", assets+"/"+bosses, nil)
	}
	try("m", http.StatusOK, "PATCH", drive, object{})
	return may
}

func TestATeamSharesDrives(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, eve := s.signUp("ana").found(object{"name": "Acme"}), s.signUp("eve")
		people := map[string]*user{
			"owner": ana, "admin": s.hire(ana, s.signUp("adm"), "admin"), "member": s.hire(ana, s.signUp("ben"), "member"), "viewer": s.hire(ana, s.signUp("vic"), "viewer"),
		}
		drives := map[string]string{
			"none": ana.share(object{"name": "None"}), "viewer": ana.share(object{"name": "Viewer", "default_role": "viewer"}),
			"editor": ana.share(object{"name": "Editor", "default_role": "editor"}),
		}
		set := func(drive, who string, role any) {
			t.Helper()
			if path := drives[drive] + "/members/" + people[who].account; role == nil {
				ana.want(http.StatusNoContent, "DELETE", path, nil)
			} else if a := ana.want(http.StatusOK, "PUT", path, object{"role": role}); a.text("role") != role || a.text("email") != people[who].email {
				t.Errorf("member %s", a.body)
			}
		}
		may := func(drive, who, want string) {
			t.Helper()
			if got := people[who].rights(ana, drives[drive]); got != want {
				t.Errorf("in the drive with default role %s the %s may %q, want %q", drive, who, got, want)
			}
		}
		const all = "rwdam"
		for drive, want := range map[string]map[string]string{
			"none":   {"owner": all, "admin": all, "member": "", "viewer": ""},
			"viewer": {"owner": all, "admin": all, "member": "r", "viewer": "r"},
			"editor": {"owner": all, "admin": all, "member": "rwd", "viewer": "r"},
		} {
			for who, may := range want {
				if got := people[who].rights(ana, drives[drive]); got != may {
					t.Errorf("in the drive with default role %s the %s may %q, want %q", drive, who, got, may)
				}
			}
			if got := eve.rights(ana, drives[drive]); got != "" {
				t.Errorf("a stranger may %q", got)
			}
		}

		// A role of one's own decides in place of the default role, at once.
		for _, drive := range []string{"none", "viewer", "editor"} {
			for role, want := range map[string]string{"viewer": "r", "editor": "rwda", "admin": all} {
				set(drive, "member", role)
				may(drive, "member", want)
			}
			set(drive, "member", nil)
			set(drive, "viewer", "viewer")
			may(drive, "viewer", "r")
			for _, role := range []string{"editor", "admin"} {
				ana.refused(http.StatusUnprocessableEntity, "validation_failed", "PUT", drives[drive]+"/members/"+people["viewer"].account, object{"role": role})
			}
		}
		may("none", "member", "")

		// A viewer of the org is no more than one, also by an older role.
		set("none", "member", "admin")
		ana.change(people["member"].account, object{"role": "viewer"})
		may("none", "member", "r")
		may("editor", "member", "r")
		ana.change(people["member"].account, object{"role": "member"})
		may("none", "member", all)

		// The drive's admin manages it, and locks nobody out.
		ben, none := people["member"], drives["none"]
		for _, who := range []string{"owner", "admin"} {
			for _, role := range []string{"viewer", "editor"} {
				ben.refused(http.StatusUnprocessableEntity, "validation_failed", "PUT", none+"/members/"+people[who].account, object{"role": role})
			}
			ben.want(http.StatusOK, "PUT", none+"/members/"+people[who].account, object{"role": "admin"})
			ben.want(http.StatusNoContent, "DELETE", none+"/members/"+people[who].account, nil)
			may("none", who, all)
		}
		ben.want(http.StatusOK, "PATCH", none, object{"name": "Renamed", "default_role": "viewer"})
		ben.refused(http.StatusForbidden, "forbidden", "PATCH", none, object{"quota_bytes": 5})
		ben.refused(http.StatusForbidden, "forbidden", "DELETE", none, nil)
		ben.refused(http.StatusForbidden, "forbidden", "POST", "/api/orgs/"+ana.org+"/drives", object{"name": "Bens"})
		may("none", "viewer", "r")
		if got := ben.want(http.StatusOK, "GET", none+"/members?limit=1", nil); got.get("next_cursor") == nil {
			t.Errorf("members %s", got.body)
		}
		ben.want(http.StatusNoContent, "DELETE", none+"/members/"+ben.account, nil) // stepped back
		may("none", "member", "r")
		ana.want(http.StatusOK, "PATCH", none, object{"default_role": nil})
		may("none", "member", "")

		// Who leaves and comes back does not bring the old role.
		set("none", "member", "admin")
		ana.want(http.StatusNoContent, "DELETE", ana.member(ben.account), nil)
		ana.refused(http.StatusNotFound, "not_found", "PUT", none+"/members/"+ben.account, object{"role": "viewer"})
		if again := ana.invite(ben.email, "member"); again != ben.account {
			t.Errorf("another account: %s", again)
		}
		ana.refused(http.StatusConflict, "account_state", "PUT", none+"/members/"+ben.account, object{"role": "viewer"})
		ben.want(http.StatusOK, "POST", "/api/invitations/accept", object{"token": s.mailed(ben.email, "accept-invitation", 2)})
		may("none", "member", "")
		ana.want(http.StatusNoContent, "DELETE", ana.member(ben.account), nil) // his second drive needs another name
		if names := ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/drives", nil).list("name"); !slices.Contains(names, "Personal drive of ben@example.com (2)") {
			t.Errorf("drives %v", names)
		}
		eve.refused(http.StatusNotFound, "not_found", "GET", "/api/orgs/"+ana.org+"/drives", nil)
		ana.refused(http.StatusNotFound, "not_found", "PUT", none+"/members/"+eve.account, object{"role": "viewer"})
		s.fsck()
	})
}

func TestADriveIsNamedListedAndHasAQuota(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		ana.refused(http.StatusForbidden, "personal_org", "POST", "/api/orgs/"+ana.org+"/drives", object{"name": "Ours"})
		home := ana.org
		ana = ana.found(object{"name": "Acme"})
		ben := s.hire(ana, s.signUp("ben"), "member")
		drives := "/api/orgs/" + ana.org + "/drives"

		key := with{"Idempotency-Key": "make-it"}
		first := ana.want(http.StatusCreated, "POST", drives, object{"name": "Équipe", "quota_bytes": 10}, key)
		again := ana.want(http.StatusCreated, "POST", drives, object{"name": "Équipe", "quota_bytes": 10}, key)
		if first.text("id") != again.text("id") || first.number("quota_bytes") != 10 || first.text("role") != "admin" || first.get("is_default") != false || first.get("default_role") != nil {
			t.Errorf("%s\n%s", first.body, again.body)
		}
		path := first.header.Get("Location")
		for _, name := range []string{"équipe", "E\u0301QUIPE", "library"} {
			ana.refused(http.StatusConflict, "drive_name_taken", "POST", drives, object{"name": name})
		}
		answers := race(t, 8, func(int) (*answer, error) { return ana.try("POST", drives, object{"name": "Race"}) })
		count(t, "one name for eight", answers, map[int]int{http.StatusCreated: 1, http.StatusConflict: 7})
		ana.refused(http.StatusConflict, "drive_name_taken", "PATCH", path, object{"name": "RACE"})

		// Each sees what is theirs.
		var names []string
		for next := drives + "?limit=2"; next != ""; {
			page := ana.want(http.StatusOK, "GET", next, nil)
			names = append(names, page.list("name")...)
			next = ""
			if page.get("next_cursor") != nil {
				next = drives + "?limit=2&cursor=" + page.text("next_cursor")
			}
		}
		if want := []string{"Library", "Personal", "Équipe", "Race"}; !slices.Equal(names, want) {
			t.Errorf("the owner sees %q, want %q", names, want)
		}
		mine := ben.want(http.StatusOK, "GET", drives, nil)
		if want := []string{"Library", "Personal"}; !slices.Equal(mine.list("name"), want) || !slices.Equal(mine.list("role"), []string{"editor", "admin"}) ||
			!slices.Equal(mine.list("is_default"), []string{"true", "false"}) {
			t.Errorf("a member sees %s", mine.body)
		}
		if alone := ana.want(http.StatusOK, "GET", "/api/orgs/"+home+"/drives", nil); !slices.Equal(alone.list("is_default"), []string{"true"}) {
			t.Errorf("at home: %s", alone.body)
		}

		// The quota refuses, also after it became smaller than what is used.
		id := first.text("id")
		file := object{"name": "a.txt", "drive_id": id, "size_bytes": 11}
		namesLimit(ana.ask("POST", "/api/orgs/"+ana.org+"/assets", file), "quota_bytes", 10, 0, 11)
		ana.upload(object{"name": "a.txt", "drive_id": id}, []byte("12345678"))
		got := ana.want(http.StatusOK, "GET", path, nil)
		if changed := ana.want(http.StatusOK, "PATCH", path, object{"quota_bytes": 5}, with{"If-Match": got.header.Get("ETag")}); changed.number("used_bytes") != 8 || changed.number("quota_bytes") != 5 {
			t.Errorf("%s", changed.body)
		}
		ana.refused(http.StatusPreconditionFailed, "precondition_failed", "PATCH", path, object{"quota_bytes": 6}, with{"If-Match": got.header.Get("ETag")})
		namesLimit(ana.ask("POST", "/api/orgs/"+ana.org+"/assets", file.but(object{"size_bytes": 1, "name": "b.txt"})), "quota_bytes", 5, 8, 1)
		ana.want(http.StatusOK, "PATCH", path, object{"quota_bytes": nil})
		ana.upload(object{"name": "a.txt", "drive_id": id, "on_conflict": "version"}, []byte("1234567890"))
		b := ana.upload(object{"name": "b.txt", "drive_id": id}, []byte("123")).text("id")
		ana.want(http.StatusNoContent, "DELETE", "/api/orgs/"+ana.org+"/assets/"+b, nil)
		usage := ana.want(http.StatusOK, "GET", path+"/usage", nil)
		for name, want := range map[string]int64{
			"used_bytes": 21, "files": 1, "folders": 0, "files_bytes": 10, "versions_bytes": 8, "trash_files": 1, "trash_folders": 0, "trash_bytes": 3, "purging_bytes": 0,
		} {
			if usage.number(name) != want {
				t.Errorf("%s is %d, want %d", name, usage.number(name), want)
			}
		}
		log := ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/audit-log?action=drive.", nil)
		if got := fmt.Sprint(log.list("action")); got != "[drive.updated drive.updated drive.created drive.created]" || log.text("items.1.changes.quota_bytes.to") != "5" {
			t.Errorf("audit log %s", log.body)
		}
	})
}

func TestAPersonalDriveIsItsAccountsAlone(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana").found(object{"name": "Acme"})
		ben := s.hire(ana, s.signUp("ben"), "member")
		id := s.personalDrive(ben.account)
		drive := "/api/drives/" + id
		ben.upload(object{"name": "diary.txt", "drive_id": id}, []byte("dear diary"))
		member := drive + "/members/" + ana.account
		for _, r := range []request{
			{"GET", drive, ""},
			{"PATCH", drive, `{"name": "Mine"}`},
			{"PATCH", drive, `{"quota_bytes": 1}`},
			{"DELETE", drive, ""},
			{"DELETE", drive + "?force=true", ""},
			{"GET", drive + "/nodes", ""},
			{"GET", drive + "/usage", ""},
			{"GET", drive + "/members", ""},
			{"PUT", member, `{"role": "admin"}`},
			{"DELETE", member, ""},
		} {
			ana.request(r).isProblem(http.StatusNotFound, "not_found")
		}
		if ids := ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/drives", nil).list("id"); slices.Contains(ids, id) {
			t.Errorf("the owner sees %v", ids)
		}
		ana.refused(http.StatusUnprocessableEntity, "validation_failed", "PATCH", "/api/orgs/"+ana.org, object{"default_drive_id": id})
		for _, r := range []request{
			{"PATCH", drive, `{"quota_bytes": 1}`},
			{"PATCH", drive, `{"default_role": "viewer"}`},
			{"DELETE", drive + "?force=true", ""},
			{"GET", drive + "/members", ""},
			{"PUT", member, `{"role": "viewer"}`},
			{"DELETE", member, ""},
		} {
			ben.request(r).isProblem(http.StatusConflict, "personal_drive")
		}
		if a := ben.want(http.StatusOK, "PATCH", drive, object{"name": "Ben's"}); a.text("name") != "Ben's" || a.text("owner_account_id") != ben.account {
			t.Errorf("%s", a.body)
		}
	})
}
