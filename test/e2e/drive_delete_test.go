package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
)

func TestADriveIsDeleted(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana").found(object{"name": "Acme"})
		ben := s.hire(ana, s.signUp("ben"), "member")
		org, drive := "/api/orgs/"+ana.org, ana.share(object{"name": "Old", "default_role": "editor"})
		id := drive[len("/api/drives/"):]

		ben.refused(http.StatusForbidden, "forbidden", "DELETE", drive+"?force=true", nil)
		kept := ben.upload(object{"name": "kept.txt", "drive_id": id}, []byte("12345")).text("id")
		gone := ben.upload(object{"name": "gone.txt", "drive_id": id}, []byte("123")).text("id")
		ben.want(http.StatusNoContent, "DELETE", org+"/assets/"+gone, nil)
		ana.create(object{"name": "pending.txt", "drive_id": id, "size_bytes": 7})
		a := ana.refused(http.StatusConflict, "drive_not_empty", "DELETE", drive, nil)
		if a.number("files") != 2 || a.number("trash_files") != 1 || a.number("folders") != 0 || a.number("trash_folders") != 0 {
			t.Errorf("%s", a.body)
		}
		tag := ana.want(http.StatusOK, "GET", drive, nil).header.Get("ETag")
		ana.want(http.StatusOK, "PATCH", drive, object{"name": "Older"})
		ana.refused(http.StatusPreconditionFailed, "precondition_failed", "DELETE", drive+"?force=true", nil, with{"If-Match": tag})

		// A default drive stays until another one is.
		ana.want(http.StatusOK, "PATCH", org, object{"default_drive_id": id})
		if at := ben.create(object{"name": "no drive named.txt", "size_bytes": 0}).text("asset.drive_id"); at != id {
			t.Errorf("went to %s, want %s", at, id)
		}
		ana.refused(http.StatusConflict, "default_drive", "DELETE", drive+"?force=true", nil)
		ben.refused(http.StatusForbidden, "forbidden", "PATCH", org, object{"default_drive_id": ana.drive})
		ana.want(http.StatusOK, "PATCH", org, object{"default_drive_id": ana.drive})
		answers := race(t, 4, func(i int) (*answer, error) {
			if i == 0 {
				return ana.try("PATCH", org, object{"default_drive_id": id})
			}
			return ana.try("DELETE", drive+"?force=true", nil)
		})
		statuses := statuses(answers)
		if statuses[http.StatusOK] == 1 { // became the default drive just before
			ana.want(http.StatusOK, "PATCH", org, object{"default_drive_id": ana.drive})
			ana.want(http.StatusNoContent, "DELETE", drive+"?force=true", nil)
		} else if statuses[http.StatusNoContent] != 1 || statuses[http.StatusUnprocessableEntity] != 1 || statuses[http.StatusNotFound] != 2 {
			t.Errorf("%v", statuses)
		}

		// Nobody finds anything of it, and soon nothing of it is left.
		for _, u := range []*user{ana, ben} {
			for _, path := range []string{drive, drive + "/nodes", drive + "/usage", drive + "/members", org + "/assets/" + kept, "/api/assets/" + kept + "/download"} {
				u.refused(http.StatusNotFound, "not_found", "GET", path, nil)
			}
			u.refused(http.StatusNotFound, "not_found", "POST", org+"/assets", object{"name": "late.txt", "drive_id": id, "size_bytes": 1})
			if ids := u.want(http.StatusOK, "GET", org+"/drives", nil).list("id"); slices.Contains(ids, id) {
				t.Errorf("drives %v", ids)
			}
			if names := u.want(http.StatusOK, "GET", org+"/assets", nil).list("name"); len(names) != 0 {
				t.Errorf("assets %v", names)
			}
		}
		ana.share(object{"name": "OLDER"}) // its name is free at once
		eventually(t, "the deleted drive is removed", func() bool {
			var rows int
			err := s.database().QueryRowContext(t.Context(), "SELECT (SELECT count(*) FROM drives WHERE id = $1) + (SELECT count(*) FROM nodes WHERE drive_id = $1)", id).Scan(&rows)
			return err == nil && rows == 0
		})
		if bytes, assets := ana.used(); bytes != 0 || assets != 0 {
			t.Errorf("%d bytes and %d files are still used", bytes, assets)
		}
		log := ana.want(http.StatusOK, "GET", org+"/audit-log?action=drive.deleted", nil)
		if fmt.Sprint(log.list("target.id")) != "["+id+"]" || log.text("items.0.changes.name.from") != "Older" {
			t.Errorf("audit log %s", log.body)
		}
		s.settle()
		s.fsck()
	})
}

func TestAnEmptyDriveIsDeletedWithoutForce(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana").found(object{"name": "Acme"})
		drive := ana.share(object{"name": "Empty"})
		ana.want(http.StatusNoContent, "DELETE", drive, nil)
		ana.refused(http.StatusNotFound, "not_found", "DELETE", drive, nil)
	})
}

func TestAccessIsExplained(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, eve := s.signUp("ana").found(object{"name": "Acme"}), s.signUp("eve")
		adm, ben, vic := s.hire(ana, s.signUp("adm"), "admin"), s.hire(ana, s.signUp("ben"), "member"), s.hire(ana, s.signUp("vic"), "viewer")
		drive := ana.share(object{"name": "Team", "default_role": "editor"})
		id := drive[len("/api/drives/"):]
		file := ana.upload(object{"name": "plan.txt", "drive_id": id}, []byte("plan")).text("id")
		ana.want(http.StatusOK, "PUT", drive+"/members/"+ben.account, object{"role": "admin"})
		for _, node := range []string{id, file} {
			path := "/api/nodes/" + node + "/access"
			rules := map[*user]string{ana: "org_owner", adm: "org_admin", ben: "drive_member", vic: "org_viewer_limit"}
			for u, rule := range rules {
				a := u.want(http.StatusOK, "GET", path, nil)
				if a.text("you.rule") != rule {
					t.Errorf("%s: %s", u.email, a.body)
				}
				want := ""
				for letter, right := range map[string]string{"r": "read", "w": "write", "d": "delete", "a": "delete_any", "m": "manage"} {
					if a.get("you.rights."+right) == true {
						want += letter
					}
				}
				got := u.rights(ana, drive)
				for _, letter := range "rwdam" {
					if slices.Contains([]rune(got), letter) != slices.Contains([]rune(want), letter) {
						t.Errorf("%s may %q, and is said to be allowed %q", u.email, got, want)
					}
				}
				if items := a.list("rule"); a.get("you.rights.manage") == true {
					if all := []string{"org_owner", "org_admin", "drive_member", "org_viewer_limit"}; !slices.Equal(items, all) {
						t.Errorf("%s sees the rules %v", u.email, items)
					}
				} else if len(items) != 0 {
					t.Errorf("%s sees %s", u.email, a.body)
				}
			}
			eve.refused(http.StatusNotFound, "not_found", "GET", path, nil)
		}
		ana.want(http.StatusOK, "PUT", drive+"/members/"+ben.account, object{"role": "viewer"})
		if a := ben.want(http.StatusOK, "GET", "/api/nodes/"+file+"/access", nil); a.text("you.role") != "viewer" || len(a.list("rule")) != 0 {
			t.Errorf("%s", a.body)
		}
		own := "/api/nodes/" + s.personalDrive(ben.account) + "/access"
		ana.refused(http.StatusNotFound, "not_found", "GET", own, nil)
		if a := ben.want(http.StatusOK, "GET", own, nil); a.text("you.rule") != "personal_drive" || !slices.Equal(a.list("account_id"), []string{ben.account}) {
			t.Errorf("%s", a.body)
		}
	})
}
